//! Key-values: of clusters, of cluster providers (synchronisation objects, which hold tokens), and of
//! logical clouds (free JSON objects).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use dcm_types::documents::{ClusterKv, LogicalCloudKv, Metadata};
use dcm_types::drafts::{CloudKvDraft, ClusterKvDraft, SyncObjectDraft};
use dcm_types::key_value::{FreeItems, KeyValues, SECRET_LIMIT, VALUE_LIMIT};
use dcm_types::{CloudKvName, ClusterKvName, SyncObjectName, Violation};

use super::metadata::read_metadata;
use super::{MetadataDocument, read};
use crate::object::{Member, Object, join, member};
use crate::refusal::{Decoded, FieldValidation, Refusal};

/// Key-values of a cluster, or a synchronisation object of a cluster provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KvDocument {
    /// Name and free text.
    pub metadata: MetadataDocument,
    /// The pairs.
    pub spec: KvSpec,
}

/// Pairs of texts. Its `Debug` shows nothing of them: tokens may be among them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KvSpec {
    /// Maps from keys (128 characters) to values: of key-values of a cluster at most 128 characters,
    /// of a synchronisation object at most 4096. At most 500 pairs.
    pub kv: Vec<BTreeMap<String, String>>,
}

impl fmt::Debug for KvSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KvSpec { .. }")
    }
}

impl KvDocument {
    /// The document of stored key-values of a cluster.
    pub fn of(kv: &ClusterKv) -> Self {
        Self::with(kv.name.as_str(), &kv.metadata, &kv.pairs)
    }

    /// The document of pairs under a name.
    pub fn with(name: &str, metadata: &Metadata, pairs: &KeyValues) -> Self {
        Self {
            metadata: MetadataDocument::of(name, metadata),
            spec: KvSpec {
                kv: pairs.maps().to_vec(),
            },
        }
    }
}

/// Key-values of a logical cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CloudKvDocument {
    /// Name and free text.
    pub metadata: MetadataDocument,
    /// The objects.
    pub spec: CloudKvSpec,
}

/// Free JSON objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CloudKvSpec {
    /// At most 500 objects of any content, together at most 64 KiB of JSON.
    #[serde(default)]
    pub kv: Vec<BTreeMap<String, Value>>,
}

impl CloudKvDocument {
    /// The document of stored key-values of a logical cloud.
    pub fn of(kv: &LogicalCloudKv) -> Self {
        let owned = |(key, value): (&String, &Value)| (key.clone(), value.clone());
        Self {
            metadata: MetadataDocument::of(kv.name.as_str(), &kv.metadata),
            spec: CloudKvSpec {
                kv: kv
                    .items
                    .items()
                    .iter()
                    .map(|item| item.iter().map(owned).collect())
                    .collect(),
            },
        }
    }
}

/// The value of one key. Its `Debug` does not show it: it may be a token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KvValue {
    /// The value.
    pub value: String,
}

impl fmt::Debug for KvValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KvValue { .. }")
    }
}

const DOCUMENT: &[Member] = &[member("metadata"), member("spec")];
const SPEC: &[Member] = &[member("kv")];

/// Reads key-values of a cluster.
pub fn read_cluster_kv(
    body: &[u8],
    path_name: Option<&ClusterKvName>,
    validation: FieldValidation,
) -> Result<Decoded<ClusterKvDraft>, Refusal> {
    read(body, validation, |value, report| {
        let body = Object::body(value, DOCUMENT, report)?;
        let named = read_metadata(&body, path_name, ClusterKvName::parse);
        let pairs = read_pairs(&body, VALUE_LIMIT)?;
        let (name, metadata) = named?;
        Some(ClusterKvDraft {
            name,
            metadata,
            pairs,
        })
    })
}

/// Reads a synchronisation object.
pub fn read_sync_object(
    body: &[u8],
    path_name: Option<&SyncObjectName>,
    validation: FieldValidation,
) -> Result<Decoded<SyncObjectDraft>, Refusal> {
    read(body, validation, |value, report| {
        let body = Object::body(value, DOCUMENT, report)?;
        let named = read_metadata(&body, path_name, SyncObjectName::parse);
        let pairs = read_pairs(&body, SECRET_LIMIT)?;
        let (name, metadata) = named?;
        Some(SyncObjectDraft {
            name,
            metadata,
            pairs,
        })
    })
}

/// Reads key-values of a logical cloud; a missing list is empty.
pub fn read_cloud_kv(
    body: &[u8],
    path_name: Option<&CloudKvName>,
    validation: FieldValidation,
) -> Result<Decoded<CloudKvDraft>, Refusal> {
    read(body, validation, |value, report| {
        let body = Object::body(value, DOCUMENT, report)?;
        let named = read_metadata(&body, path_name, CloudKvName::parse);
        let spec = body.object("spec", SPEC)?;
        let items = spec.maps("kv").unwrap_or_default();
        let items = FreeItems::parse(items.into_iter().cloned().collect());
        let items = report.keep(&spec.path_of("kv"), items)?;
        let (name, metadata) = named?;
        Some(CloudKvDraft {
            name,
            metadata,
            items,
        })
    })
}

/// Reads `spec.kv`, which must be there; values that are not text break a rule of the older clients'
/// schema, so they are no matter of the JSON type.
fn read_pairs(body: &Object<'_>, limit: usize) -> Option<KeyValues> {
    let spec = body.object("spec", SPEC)?;
    let (path, report) = (spec.path_of("kv"), spec.report());
    if !spec.has("kv") {
        report.invalid(Violation::hidden("is required").at(path));
        return None;
    }
    let mut maps = Vec::new();
    for (index, written) in spec.maps("kv")?.into_iter().enumerate() {
        let mut map = BTreeMap::new();
        for (key, value) in written {
            if let Some(text) = value.as_str() {
                map.insert(key.clone(), text.to_owned());
            } else {
                let field = join(&format!("{path}[{index}]"), key);
                report.invalid(Violation::hidden("must be a string").at(field));
            }
        }
        maps.push(map);
    }
    match KeyValues::parse(maps, limit) {
        Ok(pairs) => Some(pairs),
        Err(faults) => {
            for (place, violation) in faults {
                report.invalid(violation.at(format!("{path}{place}")));
            }
            None
        }
    }
}
