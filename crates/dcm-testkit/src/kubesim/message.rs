//! What goes into the API server and comes out: requests of a user, answers, and refusals as `Status`.

use serde_json::{Map, Value, json};

/// A request, already taken apart from its transport.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// Path, without the query.
    pub path: String,
    /// Parameters of the query, decoded.
    pub query: Vec<(String, String)>,
    /// `Content-Type` without parameters.
    pub media_type: String,
    /// Body, empty when there is none.
    pub body: Vec<u8>,
    /// `User-Agent`; its first word is the field manager of requests that name none.
    pub agent: String,
}

impl Request {
    /// A request without a body. The path may have a query.
    pub fn new(method: &str, path_and_query: &str) -> Self {
        let (path, query) = path_and_query
            .split_once('?')
            .unwrap_or((path_and_query, ""));
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: parse_query(query),
            media_type: "application/json".to_owned(),
            body: Vec::new(),
            agent: "kubesim".to_owned(),
        }
    }

    /// The same with a JSON body.
    #[must_use]
    pub fn with_body(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        self
    }

    /// The same with a media type.
    #[must_use]
    pub fn with_media_type(mut self, media_type: &str) -> Self {
        media_type.clone_into(&mut self.media_type);
        self
    }

    /// A parameter of the query; the last one when there are several.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.parameter(name)
            .is_some_and(|value| matches!(value, "" | "1" | "true"))
    }
}

fn parse_query(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (unescape(name), unescape(value))
        })
        .collect()
}

/// Undoes percent encoding; what is no encoding stays.
pub(super) fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        let code = tail.get(..2).and_then(|digits| hex::decode(digits).ok());
        match (first, code) {
            (b'%', Some(code)) => {
                bytes.extend(code);
                rest = &tail[2..];
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Who asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// Name, by which bindings find the user.
    pub name: String,
    /// Uid; only service accounts have one.
    pub uid: String,
    /// Groups.
    pub groups: Vec<String>,
    /// What else the authenticator knows.
    pub extra: Map<String, Value>,
}

/// The group of all who are known.
pub(super) const AUTHENTICATED: &str = "system:authenticated";
/// The group that may do anything.
pub(super) const MASTERS: &str = "system:masters";

impl User {
    /// A user of some groups; `system:authenticated` comes by itself.
    pub fn named(name: &str, groups: &[&str]) -> Self {
        let groups = groups.iter().copied().chain([AUTHENTICATED]);
        Self {
            name: name.to_owned(),
            groups: groups.map(str::to_owned).collect(),
            ..Self::default()
        }
    }

    /// An administrator.
    pub fn admin() -> Self {
        Self::named("kubesim-admin", &[MASTERS])
    }

    pub(super) fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|mine| mine == group)
    }
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: Value,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
}

impl Response {
    pub(super) fn ok(body: Value) -> Self {
        Self::with(200, body)
    }

    pub(super) fn with(status: u16, body: Value) -> Self {
        Self {
            status,
            body,
            retry_after: None,
        }
    }
}

/// A `Status` of failure.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    pub(super) code: u16,
    pub(super) reason: &'static str,
    pub(super) message: String,
    pub(super) details: Map<String, Value>,
    pub(super) retry_after: Option<u64>,
    /// Whether `details` are there even when they are empty.
    pub(super) with_details: bool,
}

/// The reason of a refusal that is no `Status` but plain text.
pub(super) const PLAIN: &str = "(plain)";

impl Refusal {
    pub(super) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: Map::new(),
            retry_after: None,
            with_details: false,
        }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(super) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// Adds `details`: name, group and kind; empty ones are left out.
    #[must_use]
    pub(super) fn about(mut self, name: &str, group: &str, kind: &str) -> Self {
        for (key, value) in [("name", name), ("group", group), ("kind", kind)] {
            if !value.is_empty() {
                self.details.insert(key.to_owned(), json!(value));
            }
        }
        self
    }

    /// Adds one of `details.causes`.
    #[must_use]
    pub(super) fn cause(mut self, reason: &str, message: &str, field: &str) -> Self {
        let mut cause = Map::new();
        for (key, value) in [("reason", reason), ("message", message), ("field", field)] {
            if !value.is_empty() {
                cause.insert(key.to_owned(), json!(value));
            }
        }
        let causes = self.details.entry("causes").or_insert_with(|| json!([]));
        if let Some(causes) = causes.as_array_mut() {
            causes.push(Value::Object(cause));
        }
        self
    }

    /// The `Status` object.
    pub(super) fn status(&self) -> Value {
        if self.reason == PLAIN {
            return json!(self.message);
        }
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        });
        if self.with_details || !self.details.is_empty() {
            status["details"] = Value::Object(self.details.clone());
        }
        if self.reason.is_empty()
            && let Some(map) = status.as_object_mut()
        {
            map.remove("reason");
        }
        status
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        Self {
            status: refusal.code,
            body: refusal.status(),
            retry_after: refusal.retry_after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded_and_the_last_of_two_counts() {
        let request = Request::new("GET", "/x?labelSelector=a%2Fb%3Dc&limit=1&limit=2&watch");
        assert_eq!(request.path, "/x");
        assert_eq!(request.parameter("labelSelector"), Some("a/b=c"));
        assert_eq!(request.parameter("limit"), Some("2"));
        assert!(request.is_set("watch") && !request.is_set("other"));
    }
}
