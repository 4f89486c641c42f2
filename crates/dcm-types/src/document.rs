//! What every stored document is: JSON with a schema number, a key, and the indexes it declares.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::key::{DocumentKind, Key};

/// The secondary indexes. Listing by parent needs none: it is a range over paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Index {
    /// Documents that point at a cluster; the value is `provider/cluster`.
    Cluster,
    /// Documents that belong to one logical cloud, by its uid.
    Cloud,
    /// Permissions that were written for another place than the cloud's own namespace; the value is the
    /// path of the cloud.
    Outreach,
}

impl Index {
    /// Stable text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Cloud => "cloud",
            Self::Outreach => "outreach",
        }
    }
}

/// A stored document. Stored documents are domain types: there is no second shape of them.
pub trait Document: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Its kind.
    const KIND: DocumentKind;
    /// Version of its shape; an upgrade is a pure function from one version to the next.
    const SCHEMA: u32 = 1;

    /// Its key, made of its own members.
    fn key(&self) -> Key;

    /// The indexes under which it is found, with their values.
    fn indexes(&self) -> Vec<(Index, String)> {
        Vec::new()
    }
}
