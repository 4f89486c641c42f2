//! Query parameters: decoded, and each at most once unless it is a list. Parameters that nobody knows are ignored,
//! because clients of the older dialects send some.

use axum::extract::Query;
use dcm_types::Violation;
use http::request::Parts;

use crate::error::ApiError;

/// The query of a request.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn of(parts: &Parts) -> Result<Self, ApiError> {
        Query::try_from_uri(&parts.uri)
            .map(|Query(pairs)| Self(pairs))
            .map_err(|_| {
                ApiError::parameter("query", Violation::hidden("must be a URL-encoded query"))
            })
    }

    /// The value of a parameter.
    pub(super) fn get(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let mut values = self.0.iter().filter(|(key, _)| key == name);
        let value = values.next().map(|(_, value)| value.as_str());
        if values.next().is_some() {
            let violation = Violation::hidden("must be given at most once");
            return Err(ApiError::parameter(name, violation));
        }
        Ok(value)
    }

    /// Whether a parameter is there, with or without a value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// The parsed values of a parameter that may be repeated.
    pub(super) fn parse_all<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, Violation>,
    ) -> Result<Vec<T>, ApiError> {
        let values = self.0.iter().filter(|(key, _)| key == name);
        values
            .map(|(_, text)| parse(text).map_err(|violation| ApiError::parameter(name, violation)))
            .collect()
    }

    /// The parsed value of a parameter.
    pub(super) fn parse<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, Violation>,
    ) -> Result<Option<T>, ApiError> {
        self.get(name)?
            .map(|text| parse(text).map_err(|violation| ApiError::parameter(name, violation)))
            .transpose()
    }
}
