//! What a caller accepts (`Accept`), against what a route offers.
//!
//! Most callers send nothing, `*/*` or JSON. A header that cannot be read is taken for none. `text/plain`
//! asks for errors as text, and is no reason to refuse: what is not an error comes in the form of its route.

use std::str::FromStr as _;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use headers_accept::Accept;
use http::HeaderMap;
use http::header::ACCEPT;
use mediatype::MediaType;

use crate::error::ApiError;
use crate::extract::CONDITIONS_TYPE;

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";
const TEXT: &str = "text/plain";

/// Refuses a request whose answer the caller would not accept, before anything is done for it.
pub(crate) async fn negotiate(request: Request, next: Next) -> Response {
    let offered = offered(&request);
    if let Some(accept) = read(request.headers())
        && !offered.is_empty()
        && choose(&accept, offered)
            .or_else(|| choose(&accept, &[TEXT]))
            .is_none()
    {
        return ApiError::not_acceptable(offered).into_response();
    }
    next.run(request).await
}

/// What the answers of a route can be; nothing, when that is no matter of ours: a path that does not exist,
/// and pages beside the interface.
fn offered(request: &Request) -> &'static [&'static str] {
    let route = request.extensions().get::<MatchedPath>();
    match route.map(MatchedPath::as_str).unwrap_or_default() {
        route if !route.starts_with("/v2/") => &[],
        // Other names of it, and of a file, are as good.
        route if route.ends_with("/kubeconfig") => &[
            "application/yaml",
            "application/x-yaml",
            "text/yaml",
            "application/octet-stream",
        ],
        route if route.ends_with("/status/stream") => &["text/event-stream"],
        route if route.ends_with("/status") => &[JSON, CONDITIONS_TYPE],
        _ => &[JSON],
    }
}

/// Whether errors are told as text.
pub(crate) fn prefers_text(headers: &HeaderMap) -> bool {
    let offered = [PROBLEM, JSON, TEXT];
    read(headers).and_then(|accept| choose(&accept, &offered)) == Some(TEXT)
}

fn choose<'a>(accept: &Accept, offered: &[&'a str]) -> Option<&'a str> {
    let types: Vec<MediaType<'a>> = offered
        .iter()
        .filter_map(|name| MediaType::parse(name).ok())
        .collect();
    let chosen = accept.negotiate(&types)?;
    let place = types.iter().position(|offered| offered == chosen)?;
    offered.get(place).copied()
}

/// What is accepted; `None` when it was not said.
fn read(headers: &HeaderMap) -> Option<Accept> {
    let values = headers.get_all(ACCEPT).iter();
    let ranges: Vec<String> = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter(|range| !range.trim().is_empty())
        .map(without_parameters)
        .collect();
    if ranges.is_empty() {
        return None;
    }
    Accept::from_str(&ranges.join(",")).ok()
}

/// A range with its weight only: a charset or a version does not make another type of what we offer.
fn without_parameters(range: &str) -> String {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
    match weight {
        Some(weight) => format!("{name};q={weight}"),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn accepting(text: &str) -> HeaderMap {
        let value = HeaderValue::from_str(text).unwrap();
        [(ACCEPT, value)].into_iter().collect()
    }

    #[test]
    fn text_is_preferred_by_weight_and_by_order() {
        for (text, wanted) in [
            ("text/plain", true),
            ("text/plain; charset=utf-8", true),
            ("text/*", true),
            ("application/json;q=0.5, text/plain", true),
            ("text/plain, */*;q=0.1", true),
            ("*/*", false),
            ("application/json", false),
            ("application/json, text/plain, */*", false),
            ("text/plain;q=0.5, application/json", false),
            ("text/plain;q=0, */*", false),
            ("text/html, *; q=.2, */*; q=.2", false),
            ("nonsense", false),
            ("", false),
        ] {
            assert_eq!(prefers_text(&accepting(text)), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_offered_is_found_under_every_range_that_holds_it() {
        for (text, chosen) in [
            ("*/*", Some(JSON)),
            ("application/*", Some(JSON)),
            ("application/json; charset=utf-8", Some(JSON)),
            ("APPLICATION/JSON", Some(JSON)),
            ("text/html, application/json;q=0.1", Some(JSON)),
            ("application/json;q=0", None),
            ("application/json;q=0, */*", None),
            ("application/yaml", None),
        ] {
            let accept = read(&accepting(text)).unwrap();
            assert_eq!(choose(&accept, &[JSON]), chosen, "{text}");
        }
    }
}
