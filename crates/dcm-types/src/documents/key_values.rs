//! Key-values: of clusters, of cluster providers (with secrets), of logical clouds. Kept for clients;
//! nothing of ours reads them.

use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::documents::Metadata;
use crate::key::{CloudKey, ClusterKey, DocumentKind, Key};
use crate::key_value::{FreeItems, KeyValues};
use crate::name::{CloudKvName, ClusterKvName, ProviderName, SyncObjectName};
use crate::sealed::Sealed;
use crate::uid::Uid;

/// Key-values of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterKv {
    /// Made once, never reused.
    pub uid: Uid,
    /// The cluster.
    pub cluster: ClusterKey,
    /// Their name.
    pub name: ClusterKvName,
    /// Free text.
    pub metadata: Metadata,
    /// The pairs.
    pub pairs: KeyValues,
}

impl Document for ClusterKv {
    const KIND: DocumentKind = DocumentKind::ClusterKv;

    fn key(&self) -> Key {
        Key::cluster_kv(&self.cluster, &self.name)
    }
}

/// Key-values of a cluster provider with which repositories are reached: tokens are among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterSyncObject {
    /// Made once, never reused; part of the associated data of the sealed values.
    pub uid: Uid,
    /// The provider.
    pub provider: ProviderName,
    /// Its name.
    pub name: SyncObjectName,
    /// Free text.
    pub metadata: Metadata,
    /// The JSON of [`KeyValues`], sealed for [`crate::sealed::Purpose::SyncObjectValues`], field
    /// `values`, at `epoch`.
    pub values: Sealed,
    /// Grows by one each time the values are replaced.
    pub epoch: u64,
}

impl Document for ClusterSyncObject {
    const KIND: DocumentKind = DocumentKind::ClusterSyncObject;

    fn key(&self) -> Key {
        Key::sync_object(&self.provider, &self.name)
    }
}

/// Key-values of a logical cloud: free JSON objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogicalCloudKv {
    /// Made once, never reused.
    pub uid: Uid,
    /// The logical cloud.
    pub cloud: CloudKey,
    /// Their name.
    pub name: CloudKvName,
    /// Free text.
    pub metadata: Metadata,
    /// The objects.
    pub items: FreeItems,
}

impl Document for LogicalCloudKv {
    const KIND: DocumentKind = DocumentKind::LogicalCloudKv;

    fn key(&self) -> Key {
        Key::cloud_kv(&self.cloud, &self.name)
    }
}
