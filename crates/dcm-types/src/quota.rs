//! Limits of a quota: keys by Kubernetes' grammar, quantities normalised.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `spec.hard` of a `ResourceQuota`: validated keys, quantities in canonical form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct QuotaLimits(BTreeMap<String, String>);

impl QuotaLimits {
    /// Key and canonical quantity of each limit.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, quantity)| (key.as_str(), quantity.as_str()))
    }
}
