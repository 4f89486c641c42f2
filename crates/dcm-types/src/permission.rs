//! What a tenant may be granted in its namespace: one RBAC rule, inside a fixed envelope (T14, T18, T19).

use serde::{Deserialize, Serialize};

/// One RBAC rule in the namespace of the cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// API groups, `""` is the core group.
    pub api_groups: Vec<String>,
    /// Resources, optionally with a subresource.
    pub resources: Vec<String>,
    /// Verbs.
    pub verbs: Vec<String>,
}
