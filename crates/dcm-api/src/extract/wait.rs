//! `?wait=ready|absent&timeout=30s&generation=N` of the status.

use std::time::Duration;

use axum::extract::FromRequestParts;
use dcm_app::Until;
use dcm_types::Violation;
use http::request::Parts;

use super::query::Parameters;
use crate::error::ApiError;

/// How long a caller waits who names no time.
const DEFAULT: Duration = Duration::from_secs(30);
/// Longest time that a caller may wait in one request.
pub(super) const LONGEST: Duration = Duration::from_mins(10);

/// What a caller waits for.
pub(crate) struct Wait {
    /// `None`: nothing; the status is answered at once.
    pub(crate) until: Option<Until>,
    /// The generation at which it must be true; the wanted one when the request came, if not given.
    pub(crate) generation: Option<u64>,
    /// How long.
    pub(crate) timeout: Duration,
}

impl<S: Sync> FromRequestParts<S> for Wait {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Parameters::of(parts)?;
        let wait = Self {
            until: query.parse("wait", parse_until)?,
            generation: query.parse("generation", parse_generation)?,
            timeout: query.parse("timeout", parse_time)?.unwrap_or(DEFAULT),
        };
        if wait.until.is_none() && wait.generation.is_some() {
            let violation = Violation::hidden("means nothing without wait")
                .hint("add wait=ready or wait=absent");
            return Err(ApiError::parameter("generation", violation));
        }
        Ok(wait)
    }
}

fn parse_until(text: &str) -> Result<Until, Violation> {
    match text {
        "ready" => Ok(Until::Ready),
        "absent" => Ok(Until::Absent),
        _ => Err(Violation::new("must be ready or absent", text)),
    }
}

fn parse_generation(text: &str) -> Result<u64, Violation> {
    text.parse()
        .map_err(|_| Violation::new("must be a generation, a whole number", text))
}

/// `500ms`, `30s`, `2m`, or plain seconds.
pub(super) fn parse_time(text: &str) -> Result<Duration, Violation> {
    let refuse = || {
        Violation::new("must be a time of at most 10 minutes", text)
            .hint("for example 500ms, 30s or 2m")
    };
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: u64 = number.parse().map_err(|_| refuse())?;
    let milliseconds = match unit {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        _ => None,
    };
    milliseconds
        .map(Duration::from_millis)
        .filter(|time| *time <= LONGEST)
        .ok_or_else(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_unit_and_bounded() {
        for (text, milliseconds) in [
            ("0", 0),
            ("30", 30_000),
            ("30s", 30_000),
            ("500ms", 500),
            ("10m", 600_000),
        ] {
            assert_eq!(
                parse_time(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
        for text in [
            "",
            "s",
            "-1",
            "1.5s",
            "11m",
            "601",
            "1h",
            " 1",
            "18446744073709551615m",
        ] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }
}
