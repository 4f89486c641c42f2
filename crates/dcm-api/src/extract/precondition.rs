//! `If-Match`, and nothing else: a precondition that is not known must not be ignored on a write.

use axum::extract::FromRequestParts;
use dcm_app::Precondition;
use dcm_types::Violation;
use http::HeaderMap;
use http::header::{IF_MATCH, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
use http::request::Parts;

use crate::error::ApiError;

/// The precondition of a request.
pub(crate) struct IfMatch(pub(crate) Precondition);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        read(&parts.headers).map(Self)
    }
}

/// Reads the precondition of a write.
pub(super) fn read(headers: &HeaderMap) -> Result<Precondition, ApiError> {
    for (name, shown) in [
        (IF_NONE_MATCH, "If-None-Match"),
        (IF_UNMODIFIED_SINCE, "If-Unmodified-Since"),
    ] {
        if headers.contains_key(name) {
            let violation = Violation::hidden("is not understood on a write")
                .hint("use If-Match with an ETag, or POST to create what must not exist");
            return Err(ApiError::parameter(shown, violation));
        }
    }
    let mut versions = Vec::new();
    let mut given = false;
    for value in headers.get_all(IF_MATCH) {
        given = true;
        let text = value.to_str().map_err(|_| malformed(""))?;
        if text.trim() == "*" {
            return Ok(Precondition::Exists);
        }
        for tag in text.split(',') {
            versions.extend(read_tag(tag.trim())?);
        }
    }
    Ok(if given {
        Precondition::Match(versions)
    } else {
        Precondition::None
    })
}

/// The version of a strong tag of ours. A weak tag, and one that is not ours, matches nothing.
fn read_tag(tag: &str) -> Result<Option<u64>, ApiError> {
    let strong = tag.strip_prefix("W/").unwrap_or(tag);
    let inner = strong
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .filter(|inner| !inner.contains('"'))
        .ok_or_else(|| malformed(tag))?;
    Ok(inner.parse().ok().filter(|_| strong.len() == tag.len()))
}

fn malformed(got: &str) -> ApiError {
    let violation = Violation::new("must be * or quoted entity tags, joined by commas", got);
    ApiError::parameter("If-Match", violation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn of(values: &[&str]) -> Result<Precondition, ApiError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IF_MATCH, HeaderValue::from_str(value).unwrap());
        }
        read(&headers)
    }

    #[test]
    fn tags_are_read_by_strong_comparison() {
        assert!(matches!(of(&[]), Ok(Precondition::None)));
        assert!(matches!(of(&["*"]), Ok(Precondition::Exists)));
        for (values, expected) in [
            (&["\"7\""][..], vec![7]),
            (&["\"7\", \"8\""], vec![7, 8]),
            (&["\"7\"", "\"8\""], vec![7, 8]),
            (&["W/\"7\""], vec![]),
            (&["\"abc\""], vec![]),
            (&["\"-1\", \"3\""], vec![3]),
        ] {
            match of(values) {
                Ok(Precondition::Match(versions)) => assert_eq!(versions, expected, "{values:?}"),
                _ => unreachable!("{values:?}"),
            }
        }
    }

    #[test]
    fn what_is_no_tag_is_refused_and_not_ignored() {
        for value in ["7", "\"7", "\"7\" \"8\"", "", "\"7\",", "**"] {
            assert!(of(&[value]).is_err(), "{value}");
        }
    }
}
