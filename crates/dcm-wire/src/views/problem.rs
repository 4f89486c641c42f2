//! Errors on the wire: RFC 9457 `application/problem+json`, with every fault of the input.

use serde::{Deserialize, Serialize};

use dcm_types::Fault;

/// One fault of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FaultView {
    /// Dotted path in the document as the caller wrote it, or the name of a parameter.
    pub field: String,
    /// The rule that it breaks.
    pub rule: String,
    /// The refused value, shortened; empty when it must not be shown.
    #[serde(default)]
    pub got: String,
    /// What to do instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl From<Fault> for FaultView {
    fn from(fault: Fault) -> Self {
        Self {
            field: fault.field,
            rule: fault.rule,
            got: fault.got,
            hint: fault.hint,
        }
    }
}

/// An error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// A stable name of the kind of error: [`Problem::TYPE_PREFIX`] and the kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of error in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened.
    pub detail: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Field by field, when the input is at fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FaultView>,
    /// Id of the request, also in the server's log.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request_id: String,
}

impl Problem {
    /// What every `type` begins with.
    pub const TYPE_PREFIX: &'static str = "urn:dcm:problem:";
}
