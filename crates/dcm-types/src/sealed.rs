//! Ciphertext as it is stored: opaque here, made and opened by the store's vault only.

use serde::{Deserialize, Serialize};

/// A sealed secret in its text form (header with key id and purpose, nonce, ciphertext; base64).
/// It may be logged and stored; it says nothing without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(pub String);

/// What a sealed secret is for. The header names it, so that roles can hold different keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// The administrator's credential of a registered cluster.
    ClusterCredential,
    /// The private key of a logical cloud's user.
    UserKey,
    /// A tenant's kubeconfig, which holds the key.
    TenantKubeconfig,
    /// The values of a synchronisation object, tokens of source repositories among them.
    SyncObjectValues,
    /// The answer to a request that may be repeated: some answers hold secrets.
    KeptAnswer,
    /// The private key of a certificate authority.
    AuthorityKey,
}

impl Purpose {
    /// Stable text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClusterCredential => "cluster-credential",
            Self::UserKey => "user-key",
            Self::TenantKubeconfig => "tenant-kubeconfig",
            Self::SyncObjectValues => "sync-object-values",
            Self::KeptAnswer => "kept-answer",
            Self::AuthorityKey => "authority-key",
        }
    }
}
