//! Cluster quotas: a map from quota keys to quantities.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use dcm_types::documents::Quota;
use dcm_types::drafts::QuotaDraft;
use dcm_types::quota::QuotaLimits;
use dcm_types::{QuotaName, Violation};

use super::metadata::read_metadata;
use super::{MetadataDocument, read};
use crate::object::{Member, Object, join, member};
use crate::refusal::{Decoded, FieldValidation, Refusal};

/// A quota; it becomes a `ResourceQuota` of the same name in every member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuotaDocument {
    /// Name (an RFC 1123 subdomain) and free text.
    pub metadata: MetadataDocument,
    /// Quota keys and quantities by Kubernetes' grammar; plain numbers are taken too, and text is
    /// returned.
    pub spec: BTreeMap<String, String>,
}

impl QuotaDocument {
    /// The document of a stored quota.
    pub fn of(quota: &Quota) -> Self {
        Self {
            metadata: MetadataDocument::of(quota.name.as_str(), &quota.metadata),
            spec: quota
                .limits
                .iter()
                .map(|(key, quantity)| (key.to_owned(), quantity.to_owned()))
                .collect(),
        }
    }
}

const DOCUMENT: &[Member] = &[member("metadata"), member("spec")];

/// Reads a quota.
pub fn read_quota(
    body: &[u8],
    path_name: Option<&QuotaName>,
    validation: FieldValidation,
) -> Result<Decoded<QuotaDraft>, Refusal> {
    read(body, validation, |value, report| {
        let body = Object::body(value, DOCUMENT, report)?;
        let named = read_metadata(&body, path_name, QuotaName::parse);
        let limits = read_limits(&body, "spec");
        let (name, metadata) = named?;
        Some(QuotaDraft {
            name,
            metadata,
            limits: limits?,
        })
    })
}

/// Reads the limits in a member that must be there.
pub(super) fn read_limits(object: &Object<'_>, name: &str) -> Option<QuotaLimits> {
    let path = object.path_of(name);
    if !object.has(name) {
        object
            .report()
            .invalid(Violation::hidden("is required").at(path));
        return None;
    }
    let limits: BTreeMap<String, String> = object.map(name, quantity)?.into_iter().collect();
    match QuotaLimits::parse(limits) {
        Ok(limits) => Some(limits),
        Err(violations) => {
            for (key, violation) in violations {
                object.report().invalid(violation.at(join(&path, &key)));
            }
            None
        }
    }
}

/// Integers from here on are not exact in a JSON number that has a fraction or an exponent.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A quantity as text.
fn quantity(value: &Value) -> Result<String, &'static str> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) if is_exact(number) => Ok(number.to_string()),
        Value::Number(_) => Err("a string, because the number is too large to be exact"),
        _ => Err("a string or a number"),
    }
}

fn is_exact(number: &Number) -> bool {
    number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|value| value.abs() < EXACT)
}
