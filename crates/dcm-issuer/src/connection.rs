//! One call to an issuer: its own connection, TLS, one request, one answer; bounded in time and size.

use std::time::Duration;

use bytes::Bytes;
use dcm_ca::SigningError;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Largest answer that is read.
const ANSWER_LIMIT: usize = 256 * 1024;
/// Most characters of an error that are told.
const TOLD: usize = 200;
/// The port of HTTPS.
const PORT: u16 = 443;

/// Where an issuer is, and how it is recognised.
pub(crate) struct Connection {
    host: String,
    port: u16,
    /// What stands in the path before that of a call.
    base: String,
    name: ServerName<'static>,
    tls: Arc<rustls::ClientConfig>,
    limit: Duration,
}

/// A header with a secret.
pub(crate) type Secret<'a> = (HeaderName, &'a SecretString);

impl Connection {
    /// `None`: the address is not that of an HTTPS server.
    pub(crate) fn new(
        address: &str,
        tls: Arc<rustls::ClientConfig>,
        limit: Duration,
    ) -> Option<Self> {
        let uri: Uri = address.parse().ok()?;
        let authority = uri.authority()?;
        let whole = uri.scheme_str() == Some("https")
            && uri.query().is_none()
            && !authority.as_str().contains('@');
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host.clone()).ok()?;
        whole.then(|| Self {
            port: authority.port_u16().unwrap_or(PORT),
            base: uri.path().trim_end_matches('/').to_owned(),
            host,
            name,
            tls,
            limit,
        })
    }

    /// Its address, as it names itself.
    pub(crate) fn address(&self) -> String {
        format!("https://{}{}", self.authority(), self.base)
    }

    fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        match self.port {
            PORT => host,
            port => format!("{host}:{port}"),
        }
    }

    /// Sends a document and reads one.
    pub(crate) async fn post<D: DeserializeOwned>(
        &self,
        path: &str,
        secret: Option<Secret<'_>>,
        body: &Value,
    ) -> Result<D, SigningError> {
        let request = self.request(path, secret.as_ref(), body)?;
        let answered = timeout(self.limit, self.answer(request)).await;
        let too_long = || SigningError::Unanswered("it took too long".to_owned());
        let (status, bytes) = answered.map_err(|_| too_long())??;
        if !status.is_success() {
            let hidden = secret.map(|(_, secret)| secret.expose_secret());
            return Err(refusal(status, &bytes, hidden));
        }
        serde_json::from_slice(&bytes)
            .map_err(|_| SigningError::Unusable("it is not the JSON that is expected".to_owned()))
    }

    fn request(
        &self,
        path: &str,
        secret: Option<&Secret<'_>>,
        body: &Value,
    ) -> Result<Request<Full<Bytes>>, SigningError> {
        let unsent = || SigningError::Refused("the request cannot be built".to_owned());
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{path}", self.base))
            .header(HOST, self.authority())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json");
        if let Some((name, secret)) = secret {
            let value = HeaderValue::from_str(secret.expose_secret());
            let rule = "the token must be of visible ASCII characters";
            let mut value = value.map_err(|_| SigningError::Refused(rule.to_owned()))?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        let body = Full::new(Bytes::from(body.to_string()));
        request.body(body).map_err(|_| unsent())
    }

    async fn answer(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), SigningError> {
        let unanswered =
            |error: &dyn std::error::Error| SigningError::Unanswered(error.to_string());
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = stream.map_err(|error| unanswered(&error))?;
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let stream = connector.connect(self.name.clone(), stream).await;
        let stream = stream.map_err(|error| unanswered(&error))?;
        let opened = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = opened.map_err(|error| unanswered(&error))?;
        // Ends with this call, however that ends.
        let mut driving = JoinSet::new();
        driving.spawn(connection);
        let answer = sender.send_request(request).await;
        let (head, body) = answer.map_err(|error| unanswered(&error))?.into_parts();
        Ok((head.status, collect(body).await?))
    }
}

async fn collect(body: Incoming) -> Result<Bytes, SigningError> {
    match Limited::new(body, ANSWER_LIMIT).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(SigningError::Unusable(
            "it is larger than 256 KiB".to_owned(),
        )),
        Err(error) => Err(SigningError::Unanswered(error.to_string())),
    }
}

/// What a status says: an issuer that is busy or broken is asked again soon, one that says no later.
fn refusal(status: StatusCode, body: &[u8], hidden: Option<&str>) -> SigningError {
    let mut told = format!("{status}");
    if let Some(words) = words(body) {
        let words: String = words.chars().take(TOLD).collect();
        told = format!("{told}: {words}");
    }
    if let Some(secret) = hidden.filter(|secret| !secret.is_empty()) {
        told = told.replace(secret, "(hidden)");
    }
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        SigningError::Unanswered(told)
    } else {
        SigningError::Refused(told)
    }
}

/// The words of an error, as both kinds of issuers tell them.
fn words(body: &[u8]) -> Option<String> {
    let document: Value = serde_json::from_slice(body).ok()?;
    let first = document.pointer("/errors/0").or(document.get("message"));
    first?.as_str().map(str::to_owned)
}
