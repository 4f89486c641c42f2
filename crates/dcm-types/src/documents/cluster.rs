//! Cluster providers and registered clusters.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::documents::Metadata;
use crate::key::{ClusterKey, DocumentKind, Key};
use crate::name::ProviderName;
use crate::sealed::Sealed;
use crate::uid::Uid;

/// A group of clusters, for example one data centre or one operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterProvider {
    /// Made once, never reused.
    pub uid: Uid,
    /// Its name.
    pub name: ProviderName,
    /// Free text.
    pub metadata: Metadata,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Document for ClusterProvider {
    const KIND: DocumentKind = DocumentKind::ClusterProvider;

    fn key(&self) -> Key {
        Key::provider(&self.name)
    }
}

/// A registered cluster. Its administrator's credential is write-only: no call returns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Made once, never reused; part of the associated data of the sealed credential.
    pub uid: Uid,
    /// Provider and name.
    pub key: ClusterKey,
    /// Free text.
    pub metadata: Metadata,
    /// Address of the API server, `https://host:port`, from the uploaded kubeconfig.
    pub server: String,
    /// The administrator's credential: the JSON of `dcm_pki::kubeconfig::AdminCredential`, sealed for
    /// [`crate::sealed::Purpose::ClusterCredential`], field `credential`, at `credential_epoch`.
    pub credential: Sealed,
    /// Grows by one each time the credential is replaced.
    pub credential_epoch: u64,
    /// When it was registered.
    pub created_at: Timestamp,
}

impl Document for Cluster {
    const KIND: DocumentKind = DocumentKind::Cluster;

    fn key(&self) -> Key {
        Key::cluster(&self.key)
    }
}
