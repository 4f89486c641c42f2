//! HTTP requests of the Kubernetes API for our calls, and what their answers mean: the same for the direct
//! connection and for the simulated members of tests.

use std::time::Duration;

use dcm_types::Timestamp;
use dcm_types::member_name::MANAGER;
use http::{Method, Request, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Answer, Call, CallError, CallErrorKind, IssuedToken, Object, Place, Resource, TokenRequest,
};

/// Length of the pages of lists.
const LIST_LIMIT: u32 = 500;

fn collection(resource: Resource, namespace: Option<&str>) -> String {
    let root = if resource.group().is_empty() {
        format!("/api/{}", resource.version())
    } else {
        format!("/apis/{}/{}", resource.group(), resource.version())
    };
    match namespace {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{}", resource.plural()),
        None => format!("{root}/{}", resource.plural()),
    }
}

fn path(place: &Place) -> String {
    format!(
        "{}/{}",
        collection(place.resource, place.namespace.as_deref()),
        place.name
    )
}

/// Method and media type of a body.
struct Content {
    method: Method,
    media_type: &'static str,
    body: Vec<u8>,
}

impl Content {
    fn none(method: Method) -> Self {
        Self {
            method,
            media_type: "application/json",
            body: Vec::new(),
        }
    }

    fn json(method: Method, media_type: &'static str, value: &Value) -> Self {
        Self {
            method,
            media_type,
            body: value.to_string().into_bytes(),
        }
    }

    fn object(method: Method, object: &Object) -> Self {
        Self::json(method, "application/json", &object.0)
    }
}

fn place_of(object: &Object) -> Result<Place, CallError> {
    object.place().ok_or_else(|| {
        CallError::new(
            CallErrorKind::Invalid,
            "request",
            "the object is of no known kind",
        )
    })
}

/// A label selector in a query: our selectors hold letters, digits and `./=-` only.
fn selector_query(selector: &str) -> String {
    selector.replace('/', "%2F").replace('=', "%3D")
}

fn build(path_and_query: &str, content: Content) -> Result<Request<Vec<u8>>, CallError> {
    Request::builder()
        .method(content.method)
        .uri(path_and_query)
        .header(http::header::ACCEPT, "application/json")
        .header(http::header::ACCEPT_ENCODING, "identity")
        .header(http::header::CONTENT_TYPE, content.media_type)
        .body(content.body)
        .map_err(|_| CallError::new(CallErrorKind::Invalid, "request", "cannot form the request"))
}

/// The request of a call; its URI has path and query only.
pub fn of_call(call: &Call) -> Result<Request<Vec<u8>>, CallError> {
    let manager = format!("fieldManager={MANAGER}");
    match call {
        Call::Get(place) => build(&path(place), Content::none(Method::GET)),
        Call::List {
            resource,
            namespace,
            selector,
        } => of_page(*resource, namespace.as_deref(), selector, ""),
        Call::Create(object) => {
            let place = place_of(object)?;
            build(
                &format!(
                    "{}?{manager}",
                    collection(place.resource, place.namespace.as_deref())
                ),
                Content::object(Method::POST, object),
            )
        }
        Call::ClaimFields(object) => {
            let patch = json!([
                { "op": "test", "path": "/metadata/uid", "value": object.uid() },
                { "op": "replace", "path": "/metadata/resourceVersion", "value": object.resource_version() },
                { "op": "replace", "path": "/metadata/managedFields", "value": object.claimed_fields() },
            ]);
            build(
                &path(&place_of(object)?),
                Content::json(Method::PATCH, "application/json-patch+json", &patch),
            )
        }
        Call::Apply(object) => build(
            &format!("{}?{manager}&force=true", path(&place_of(object)?)),
            Content::json(Method::PATCH, "application/apply-patch+yaml", &object.0),
        ),
        Call::Delete(place, guard) => {
            let options = json!({
                "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
                "preconditions": { "uid": guard.uid, "resourceVersion": guard.resource_version },
            });
            build(
                &path(place),
                Content::json(Method::DELETE, "application/json", &options),
            )
        }
        Call::Approve(object) => build(
            &format!("{}/approval?{manager}", path(&place_of(object)?)),
            Content::object(Method::PUT, object),
        ),
        Call::RequestToken(request) => build(
            &format!("{}/token?{manager}", path(&request.account)),
            Content::json(Method::POST, "application/json", &token_request(request)),
        ),
        Call::Review(review) => build(
            &review_path(review),
            Content::json(Method::POST, "application/json", review),
        ),
        Call::Version => build("/version", Content::none(Method::GET)),
    }
}

/// Without audiences: the API server itself is meant. The uid guards against another account of the name.
fn token_request(request: &TokenRequest) -> Value {
    json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "metadata": { "uid": request.uid },
        "spec": { "expirationSeconds": request.seconds },
    })
}

/// One page of a list; it goes on where the page before said.
pub fn of_page(
    resource: Resource,
    namespace: Option<&str>,
    selector: &str,
    after: &str,
) -> Result<Request<Vec<u8>>, CallError> {
    let after = if after.is_empty() {
        String::new()
    } else {
        format!("&continue={}", encoded(after))
    };
    let query = format!(
        "{}?labelSelector={}&limit={LIST_LIMIT}{after}",
        collection(resource, namespace),
        selector_query(selector)
    );
    build(&query, Content::none(Method::GET))
}

/// Text of a member, as a value of a query.
fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn review_path(review: &Value) -> String {
    let version = review["apiVersion"].as_str().unwrap_or_default();
    let kind = review["kind"]
        .as_str()
        .unwrap_or_default()
        .to_ascii_lowercase();
    format!("/apis/{version}/{kind}s")
}

/// Silence that a watch with bookmarks does not have: an API server sends one about every minute.
const WITH_BOOKMARKS: Duration = Duration::from_secs(90);
/// So many times the silence that is allowed is the life of a watch that bookmarks keep from being silent.
const LIVES: u32 = 5;

/// The request of a watch that is taken for dead after `idle` without an event.
pub fn of_watch(
    resource: Resource,
    selector: &str,
    resource_version: &str,
    idle: Duration,
) -> Result<Request<Vec<u8>>, CallError> {
    // To open a watch costs both sides more than to keep it. Where a bookmark may be later than we wait, the
    // server ends it a little before we would take its silence for a dead connection.
    let life = if idle < WITH_BOOKMARKS {
        idle.as_secs().saturating_sub(2).max(1)
    } else {
        (idle * LIVES).as_secs()
    };
    let query = format!(
        "{}?watch=1&allowWatchBookmarks=true&labelSelector={}&resourceVersion={resource_version}&timeoutSeconds={life}",
        collection(resource, None),
        selector_query(selector),
    );
    build(&query, Content::none(Method::GET))
}

/// The error of an answer that is no success.
pub fn refused(
    status: StatusCode,
    body: &[u8],
    name: &str,
    is_create: bool,
    retry_after: Option<Duration>,
) -> CallError {
    let status_object: Value = serde_json::from_slice(body).unwrap_or_default();
    let message = status_object["message"].as_str().unwrap_or_default();
    let kind = match status.as_u16() {
        // Before the status: the API server wraps it in one of several.
        400.. if message.contains("failed calling webhook") => CallErrorKind::Webhook,
        401 => CallErrorKind::Unauthorized,
        403 if message.contains("exceeded quota") => CallErrorKind::QuotaExceeded,
        403 => CallErrorKind::Forbidden,
        404 if is_of_path(&status_object) => CallErrorKind::MissingKind,
        404 => CallErrorKind::NotFound,
        409 if is_create => CallErrorKind::AlreadyExists,
        409 => CallErrorKind::Conflict,
        410 => CallErrorKind::Gone,
        400 | 422 => CallErrorKind::Invalid,
        429 => CallErrorKind::TooManyRequests,
        500..=599 => CallErrorKind::Server,
        _ => CallErrorKind::Garbled,
    };
    let message = if message.is_empty() {
        "the answer has no message"
    } else {
        message
    };
    let mut error = CallError::new(kind, name, &format!("{} {message}", status.as_u16()));
    error.retry_after = retry_after;
    error
}

/// The token of an answer. Only what is taken is copied, into memory that is wiped.
pub fn token(body: &[u8], name: &str) -> Result<IssuedToken, CallError> {
    #[derive(Deserialize)]
    struct Given<'a> {
        #[serde(borrow)]
        status: Status<'a>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Status<'a> {
        token: &'a str,
        expiration_timestamp: Timestamp,
    }
    // The library's error may quote the text, so it is not kept.
    let given: Given<'_> = serde_json::from_slice(body)
        .map_err(|_| CallError::new(CallErrorKind::Garbled, name, "the answer holds no token"))?;
    Ok(IssuedToken {
        token: SecretString::from(given.status.token),
        expires_at: given.status.expiration_timestamp,
    })
}

/// Whether a 404 is about the path and not about an object: then nothing is named, or the text is that of a
/// server that serves no such kind.
fn is_of_path(status: &Value) -> bool {
    let unnamed = status["details"]["kind"].as_str().is_none_or(str::is_empty);
    let unserved = "the server could not find the requested resource";
    unnamed
        || status["message"]
            .as_str()
            .is_some_and(|text| text.contains(unserved))
}

/// The answer of a success that is no list.
pub fn answer(value: Value) -> Answer {
    Answer::Object(Object(value))
}

/// One page of a list.
pub struct ListPage {
    /// Its objects.
    pub objects: Vec<Object>,
    /// The version of the collection.
    pub version: String,
    /// Where the list goes on.
    pub next: Option<String>,
}

/// The page that an answer holds.
pub fn page(resource: Resource, name: &str, mut value: Value) -> Result<ListPage, CallError> {
    let version = value["metadata"]["resourceVersion"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let next = value["metadata"]["continue"].as_str();
    let next = next.filter(|next| !next.is_empty()).map(str::to_owned);
    let Value::Array(items) = value["items"].take() else {
        return Err(CallError::new(
            CallErrorKind::Garbled,
            name,
            "the list has no items",
        ));
    };
    // Items of a list do not carry their own kind.
    let objects = items
        .into_iter()
        .filter(Value::is_object)
        .map(|mut item| {
            item["kind"] = json!(resource.kind());
            item["apiVersion"] = json!(resource.api_version());
            Object(item)
        })
        .collect();
    Ok(ListPage {
        objects,
        version,
        next,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(status: u16, body: &Value) -> CallErrorKind {
        let status = StatusCode::from_u16(status).unwrap();
        let body = body.to_string();
        refused(status, body.as_bytes(), "create Role", true, None).kind
    }

    #[test]
    fn refusals_are_told_apart() {
        let webhook = json!({"message": "Internal error occurred: failed calling webhook \"x.example.com\": \
            failed to call webhook: Post \"https://x.x.svc:443/?timeout=10s\": connection refused"});
        let quota =
            json!({"message": "roles \"a\" is forbidden: exceeded quota: objects, requested: 1"});
        let object = json!({"message": "namespaces \"a\" not found",
            "details": {"name": "a", "kind": "namespaces"}});
        let path =
            json!({"message": "the server could not find the requested resource", "details": {}});
        let rows = [
            (500, webhook, CallErrorKind::Webhook),
            (403, quota, CallErrorKind::QuotaExceeded),
            (403, json!({"message": "may not"}), CallErrorKind::Forbidden),
            (404, object, CallErrorKind::NotFound),
            (404, path, CallErrorKind::MissingKind),
            (404, json!("404 page not found"), CallErrorKind::MissingKind),
            (409, json!({}), CallErrorKind::AlreadyExists),
            (422, json!({}), CallErrorKind::Invalid),
            (500, json!({"message": "etcd"}), CallErrorKind::Server),
            (302, json!({}), CallErrorKind::Garbled),
        ];
        for (status, body, kind) in rows {
            assert_eq!(kind_of(status, &body), kind, "{status} {body}");
        }
    }

    #[test]
    fn list_goes_on_where_the_page_before_said() {
        let body = json!({"metadata": {"resourceVersion": "7", "continue": "a/b="},
            "items": [{"metadata": {"name": "x"}}]});
        let page = page(Resource::Role, "list Role", body).unwrap();
        assert_eq!(page.objects[0].kind(), "Role");
        assert_eq!(page.version, "7");
        let next = page.next.unwrap();
        let request = of_page(Resource::Role, Some("ns"), "a=b", &next).unwrap();
        let query = request.uri().query().unwrap();
        assert!(query.ends_with("&limit=500&continue=a%2Fb%3D"), "{query}");
    }
}
