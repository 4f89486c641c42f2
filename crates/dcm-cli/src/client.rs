//! HTTP: one request, one answer, and what the server says when it refuses.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::Error;
use crate::output::printable;
use crate::problem::Problem;

/// Longest time until there is a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest time for a request, beyond what it asks the server to wait.
const REQUEST: Duration = Duration::from_secs(30);
/// How much of a foreign answer is shown.
const EXCERPT: usize = 120;

/// A client of one server.
pub(crate) struct Client {
    server: String,
    base: Url,
    http: reqwest::Client,
}

/// The path of a resource: its segments, not yet encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path(Vec<String>);

impl Path {
    /// A path below `/v2`.
    pub(crate) fn new(segments: &[&str]) -> Self {
        Self(
            std::iter::once("v2")
                .chain(segments.iter().copied())
                .map(str::to_owned)
                .collect(),
        )
    }

    /// One step further down.
    pub(crate) fn join(&self, segment: &str) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment.to_owned());
        Self(segments)
    }
}

/// A request that is not sent yet.
struct Request<'a> {
    method: Method,
    path: &'a Path,
    query: Vec<(&'static str, String)>,
    body: Option<Vec<u8>>,
    /// How long the server may wait before it answers.
    patience: Duration,
}

/// An answer that is not a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Its status: 202 means accepted, and not done.
    pub(crate) status: u16,
    /// Its document; `Null` when there is none.
    pub(crate) document: Value,
    /// What the server wants to be known beside it, such as members that it ignored.
    pub(crate) warnings: Vec<String>,
    /// Where a list goes on.
    pub(crate) next: Option<String>,
}

/// Status, headers and body of an answer that is not a refusal.
type Received = (u16, HeaderMap, Vec<u8>);

impl Answer {
    /// The document as a type.
    pub(crate) fn decode<D: DeserializeOwned>(&self, what: &'static str) -> Result<D, Error> {
        decode(self.document.clone(), what)
    }
}

/// A document as a type.
pub(crate) fn decode<D: DeserializeOwned>(value: Value, what: &'static str) -> Result<D, Error> {
    serde_json::from_value(value).map_err(|source| Error::Decode { what, source })
}

impl Client {
    /// A client of the server at this address.
    pub(crate) fn new(server: &str) -> Result<Self, Error> {
        let refused = |reason: &str| Error::ServerAddress {
            server: server.to_owned(),
            reason: reason.to_owned(),
        };
        let base = Url::parse(server).map_err(|_| refused("it is not a URL"))?;
        if base.scheme() != "http" {
            return Err(refused("only http:// can be used"));
        }
        if base.host().is_none() || base.query().is_some() || !base.username().is_empty() {
            return Err(refused("it must be a host, and a port if it is not 80"));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            // The server is on this machine, where a proxy for the outside has no business.
            .no_proxy()
            .user_agent(concat!("dcm/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(Error::Client)?;
        Ok(Self {
            server: server.trim_end_matches('/').to_owned(),
            base,
            http,
        })
    }

    /// The address of the server.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// Reads a document.
    pub(crate) async fn get(&self, path: &Path) -> Result<Answer, Error> {
        self.get_waiting(path, Vec::new(), Duration::ZERO).await
    }

    /// Reads a document for which the server may wait.
    pub(crate) async fn get_waiting(
        &self,
        path: &Path,
        query: Vec<(&'static str, String)>,
        patience: Duration,
    ) -> Result<Answer, Error> {
        let request = Request {
            method: Method::GET,
            path,
            query,
            body: None,
            patience,
        };
        self.answer(request).await
    }

    /// Reads text that is not JSON.
    pub(crate) async fn get_text(
        &self,
        path: &Path,
        query: Vec<(&'static str, String)>,
    ) -> Result<String, Error> {
        let request = Request {
            method: Method::GET,
            path,
            query,
            body: None,
            patience: Duration::ZERO,
        };
        let (status, _, bytes) = self.send(request).await?;
        String::from_utf8(bytes).map_err(|error| self.foreign(status, error.as_bytes()))
    }

    /// Writes a document.
    pub(crate) async fn write<B: Serialize>(
        &self,
        method: Method,
        path: &Path,
        body: &B,
    ) -> Result<Answer, Error> {
        self.write_asking(method, path, Vec::new(), body).await
    }

    /// Asks for an action, or a deletion, that parameters tell more of.
    pub(crate) async fn act_with(
        &self,
        method: Method,
        path: &Path,
        query: Vec<(&'static str, String)>,
    ) -> Result<Answer, Error> {
        let request = Request {
            method,
            path,
            query,
            body: None,
            patience: Duration::ZERO,
        };
        self.answer(request).await
    }

    /// Writes a document, and says in the query how.
    pub(crate) async fn write_asking<B: Serialize>(
        &self,
        method: Method,
        path: &Path,
        query: Vec<(&'static str, String)>,
        body: &B,
    ) -> Result<Answer, Error> {
        let request = Request {
            method,
            path,
            query,
            body: Some(serde_json::to_vec(body).map_err(Error::Encode)?),
            patience: Duration::ZERO,
        };
        self.answer(request).await
    }

    /// Asks for an action.
    pub(crate) async fn act(&self, path: &Path) -> Result<Answer, Error> {
        self.bare(Method::POST, path).await
    }

    /// Deletes a resource.
    pub(crate) async fn delete(&self, path: &Path) -> Result<Answer, Error> {
        self.bare(Method::DELETE, path).await
    }

    async fn bare(&self, method: Method, path: &Path) -> Result<Answer, Error> {
        let request = Request {
            method,
            path,
            query: Vec::new(),
            body: None,
            patience: Duration::ZERO,
        };
        self.answer(request).await
    }

    async fn answer(&self, request: Request<'_>) -> Result<Answer, Error> {
        let (status, headers, bytes) = self.send(request).await?;
        let document = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).map_err(|_| self.foreign(status, &bytes))?
        };
        Ok(Answer {
            status,
            document,
            warnings: read_warnings(&headers),
            next: read_next(&headers),
        })
    }

    async fn send(&self, request: Request<'_>) -> Result<Received, Error> {
        let limit = REQUEST + request.patience;
        let mut builder = self
            .http
            .request(request.method, self.url(request.path))
            .query(&request.query)
            .timeout(limit);
        if let Some(body) = request.body {
            builder = builder
                .header("content-type", "application/json")
                .body(body);
        }
        let response = builder
            .send()
            .await
            .map_err(|source| self.failed(source, limit))?;
        let status = response.status();
        let headers = response.headers().clone();
        let bytes = response
            .bytes()
            .await
            .map_err(|source| self.failed(source, limit))?;
        if status.is_success() {
            return Ok((status.as_u16(), headers, bytes.to_vec()));
        }
        Err(match Problem::read(status.as_u16(), &bytes) {
            Some(problem) => Error::Refused(Box::new(problem)),
            None => self.foreign(status.as_u16(), &bytes),
        })
    }

    fn url(&self, path: &Path) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .expect("an http URL has a path")
            .pop_if_empty()
            .extend(&path.0);
        url
    }

    fn failed(&self, source: reqwest::Error, after: Duration) -> Error {
        let server = self.server.clone();
        // The URL repeats what the command line says, and hides the reason behind its length.
        let source = source.without_url();
        if source.is_connect() {
            Error::Connect { server, source }
        } else if source.is_timeout() {
            Error::NoAnswer { server, after }
        } else {
            Error::Exchange { server, source }
        }
    }

    fn foreign(&self, status: u16, body: &[u8]) -> Error {
        let text = String::from_utf8_lossy(body);
        let excerpt: String = printable(&text).chars().take(EXCERPT).collect();
        Error::Foreign {
            server: self.server.clone(),
            status,
            excerpt: if excerpt.is_empty() {
                "an empty body".to_owned()
            } else {
                format!("'{excerpt}'")
            },
        }
    }
}

/// `Warning: 299 - "text"`, as Kubernetes writes it.
fn read_warnings(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all("warning")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .map(|value| match value.split_once('"') {
            Some((_, text)) => text.trim_end_matches('"').replace("\\\"", "\""),
            None => value.to_owned(),
        })
        .collect()
}

/// The value of `continue` for the next page.
fn read_next(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("x-continue")?;
    value.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_encoded_and_never_leave_the_path() {
        let client = Client::new("http://127.0.0.1:9077/").unwrap();
        let url = client.url(&Path::new(&["projects", "a b?c#d"]));
        assert_eq!(
            url.as_str(),
            "http://127.0.0.1:9077/v2/projects/a%20b%3Fc%23d"
        );
    }

    #[test]
    fn addresses_that_cannot_be_used_are_refused() {
        for bad in [
            "127.0.0.1:9077",
            "https://x",
            "ftp://x",
            "http://u@x",
            "http://x?y",
            "",
        ] {
            assert!(
                matches!(Client::new(bad), Err(Error::ServerAddress { .. })),
                "{bad}"
            );
        }
    }

    #[test]
    fn warnings_lose_their_frame() {
        let mut headers = HeaderMap::new();
        headers.append(
            "warning",
            r#"299 - "unknown member 'x' was ignored""#.parse().unwrap(),
        );
        assert_eq!(read_warnings(&headers), ["unknown member 'x' was ignored"]);
    }
}
