//! `Idempotency-Key`: a write that carries one has one effect, and its repeats the same answer.
//!
//! Around every route. The body is received first, because it is part of what makes a request the same. The
//! handlers then work with an application that commits nothing, and what they did is committed together
//! with their answer; see [`dcm_app::Once`].

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts as _, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dcm_app::{Answer, Attempt, Begun, Fingerprint, Refused};
use dcm_types::{Kind, Violation};
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION, WARNING,
};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};

use crate::error::ApiError;
use crate::extract::{Caller, receive_bytes};
use crate::state::{ApiState, STAGED};

/// The header of a request.
pub(crate) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Tells that an answer was given before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key, in characters.
const KEY_LIMIT: usize = 255;
/// How often a request that lost a race is begun again.
const ATTEMPTS: u32 = 20;
/// Attempts after which others are given time.
const EAGER: u32 = 4;
/// Headers that are kept; the version is kept apart.
const KEPT: [HeaderName; 4] = [CACHE_CONTROL, CONTENT_TYPE, LOCATION, WARNING];

/// The middleware.
pub(crate) async fn once(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    let writes = [Method::POST, Method::PUT, Method::DELETE].contains(request.method());
    if !writes || !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    match answer(&state, request, next).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn answer(state: &ApiState, request: Request, next: Next) -> Result<Response, ApiError> {
    let (mut parts, body) = request.into_parts();
    let key = read_key(&parts.headers)?;
    let bytes = receive_bytes(&parts, body).await?;
    let Ok(Caller(who)) = Caller::from_request_parts(&mut parts, state).await;
    let fingerprint = fingerprint(&who.name, &parts, &bytes);
    let once = state.app.once(&who, &key, fingerprint)?;
    for tries in 1..=ATTEMPTS {
        let request = || Request::from_parts(parts.clone(), Body::from(bytes.clone()));
        let attempt = match once.begin().await {
            Ok(Begun::Answered(answer)) => return replayed(answer),
            Ok(Begun::Now(attempt)) => attempt,
            Err(reused @ Refused::Reused) => {
                // A method that the path does not have is told first; what is done is thrown away.
                let response = STAGED.scope(once.rehearsal(), next.run(request())).await;
                return match response.status() {
                    StatusCode::METHOD_NOT_ALLOWED => Ok(response),
                    _ => Err(reused.into()),
                };
            }
            Err(refused) => return Err(refused.into()),
        };
        let response = STAGED
            .scope(attempt.app(), next.clone().run(request()))
            .await;
        if !response.status().is_success() {
            // What rests on documents that others changed meanwhile is decided again, as far as that helps.
            if tries == ATTEMPTS || attempt.is_current().await? {
                return Ok(response);
            }
        } else if let Some(response) = keep(attempt, response).await? {
            return Ok(response);
        }
        let pause = tries.saturating_sub(EAGER);
        tokio::time::sleep(Duration::from_millis(pause.into())).await;
    }
    let message = "it was changed by others at the same time";
    Err(ApiError::new(Kind::Conflict, message).hint("try again"))
}

/// Commits what was done with its answer; `None` when that lost a race.
async fn keep(attempt: Attempt, response: Response) -> Result<Option<Response>, ApiError> {
    let (mut parts, body) = response.into_parts();
    let text = to_bytes(body, usize::MAX)
        .await
        .ok()
        .and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
    let Some(body) = text else {
        // Nothing was committed, so nothing happened that could happen twice.
        tracing::error!("an answer to a write cannot be kept");
        return Err(ApiError::internal());
    };
    let answer = Answer {
        status: parts.status.as_u16(),
        headers: kept_headers(&parts.headers),
        version: parts.headers.get(ETAG).and_then(version_of),
        body,
    };
    let Some(kept) = attempt.keep(answer).await? else {
        return Ok(None);
    };
    // The body tells other numbers now.
    parts.headers.remove(CONTENT_LENGTH);
    if let Some(tag) = kept.version.and_then(tag_of) {
        parts.headers.insert(ETAG, tag);
    }
    Ok(Some(Response::from_parts(parts, Body::from(kept.body))))
}

/// The answer that was given before.
fn replayed(answer: Answer) -> Result<Response, ApiError> {
    let unreadable = || {
        tracing::error!("a kept answer cannot be read");
        ApiError::internal()
    };
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status.try_into().map_err(|_| unreadable())?;
    let headers = response.headers_mut();
    for (name, value) in answer.headers {
        let name = HeaderName::try_from(name).map_err(|_| unreadable())?;
        headers.append(
            name,
            HeaderValue::try_from(value).map_err(|_| unreadable())?,
        );
    }
    if let Some(tag) = answer.version.and_then(tag_of) {
        headers.insert(ETAG, tag);
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let kept = headers.iter().filter(|(name, _)| KEPT.contains(name));
    kept.filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    })
    .collect()
}

fn version_of(tag: &HeaderValue) -> Option<u64> {
    tag.to_str().ok()?.trim_matches('"').parse().ok()
}

fn tag_of(version: u64) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("\"{version}\"")).ok()
}

fn fingerprint(principal: &str, parts: &Parts, body: &Bytes) -> Fingerprint {
    let uri = &parts.uri;
    Fingerprint::of(&[
        principal.as_bytes(),
        parts.method.as_str().as_bytes(),
        uri.path().as_bytes(),
        uri.query().unwrap_or_default().as_bytes(),
        body,
    ])
}

/// The key: as it is, or as a quoted string.
fn read_key(headers: &HeaderMap) -> Result<String, ApiError> {
    let refuse = |rule: &str| {
        let hint = "use one new key for each change, for example a UUID";
        let violation = Violation::hidden(rule).hint(hint);
        ApiError::parameter("Idempotency-Key", violation)
    };
    let mut values = headers.get_all(KEY).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(refuse("must be given once"));
    };
    let value = value.as_bytes();
    let inner = value
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""))
        .unwrap_or(value);
    if inner.is_empty() || inner.len() > KEY_LIMIT {
        return Err(refuse("must have 1 to 255 characters"));
    }
    let visible = |byte: &u8| byte.is_ascii_graphic() && !b"\"\\".contains(byte);
    let key = inner
        .iter()
        .all(visible)
        .then(|| std::str::from_utf8(inner));
    match key {
        Some(Ok(key)) => Ok(key.to_owned()),
        _ => Err(refuse(
            "must be of visible ASCII characters other than \" and \\",
        )),
    }
}
