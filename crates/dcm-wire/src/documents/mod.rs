//! The documents of the interface, one file per noun: what callers write, and what they get back.
//!
//! `read_*` takes the bytes of a body and gives a draft; on a PUT the name of the path is given too,
//! and a name in the body must be the same. `of` makes a document out of what is stored.

pub mod authority;
pub mod cluster;
pub mod controller;
pub mod flat;
pub mod key_values;
pub mod label;
pub mod logical_cloud;
pub mod metadata;
pub mod permission;
pub mod project;
pub mod quota;
pub mod reference;
pub mod user;

pub use authority::{
    AuthorityImport, SignedAuthority, read_authority_import, read_signed_authority,
};
pub use cluster::{
    ClusterDocument, ClusterSpec, ClusterUpload, CreateCluster, CreateClusterSpec, GitOpsSpec,
    LabelledCluster, read_cluster, read_cluster_upload,
};
pub use controller::{
    ClusterManagerControllerDocument, ClusterManagerControllerSpec, ControllerDocument,
    ControllerSpec, read_cluster_manager_controller, read_controller,
};
pub use flat::{
    FlatLogicalCloud, FlatPermission, FlatReference, FlatReferenceList, FlatUser,
    read_flat_reference,
};
pub use key_values::{
    CloudKvDocument, CloudKvSpec, KvDocument, KvSpec, KvValue, read_cloud_kv, read_cluster_kv,
    read_sync_object,
};
pub use label::{ClusterLabelDocument, read_cluster_label};
pub use logical_cloud::{
    CloudLifecycle, CloudPolicySpec, LogicalCloudDocument, LogicalCloudSpec, MemberSpec, UserSpec,
    read_logical_cloud,
};
pub use metadata::MetadataDocument;
pub use permission::{
    PermissionDocument, PermissionSpec, PermissionStatus, RuleView, expansion_note, read_permission,
};
pub use project::{
    PolicySpec, ProjectDocument, ProjectSpec, ProviderDocument, read_project, read_provider,
};
pub use quota::{QuotaDocument, read_quota};
pub use reference::{ReferenceDocument, ReferenceSpec, ReferenceStatus, read_reference};
pub use user::{CredentialSpec, UserDocument, UserStatus, read_user_document};

use serde_json::Value;

use crate::json;
use crate::object::Report;
use crate::refusal::{Decoded, FieldValidation, Refusal};

/// Decodes a body and builds a draft out of it.
fn read<D>(
    body: &[u8],
    validation: FieldValidation,
    build: impl FnOnce(&Value, &Report) -> Option<D>,
) -> Result<Decoded<D>, Refusal> {
    let value = json::decode(body)?;
    let report = Report::default();
    let draft = build(&value, &report);
    report.finish(draft, validation)
}
