//! The stored documents, one file per noun.
//!
//! `access`, `target`, `quota_usage` and `cluster_health` are written by the synchronizer only; everything else by
//! use cases, on behalf of a user, or, in `ca`, by the CA controller, or, in `service_mesh`,
//! by the step that prepares meshes. A `tombstone` is made by a use case and then kept by the synchronizer.

pub mod access;
pub mod audit;
pub mod ca;
pub mod cluster;
pub mod cluster_health;
pub mod controller;
pub mod kept_answer;
pub mod key_values;
pub mod lifecycle;
pub mod logical_cloud;
pub mod project;
pub mod quota_usage;
pub mod reservation;
pub mod revision;
pub mod service_mesh;
pub mod target;
pub mod tombstone;

pub use access::{Access, IssuedCredential, PendingCertificate, Proof};
pub use audit::{AuditLink, AuditRecord, AuditResult};
pub use cluster::{Cluster, ClusterLabel, ClusterProvider, GitOps, PublicAccess};
pub use cluster_health::{ClusterHealth, ClusterIdentity, Finding, HealthState, SignerState};
pub use controller::{Controller, ControllerGroup};
pub use kept_answer::{AnswerVersion, KeptAnswer, ToldVersion};
pub use key_values::{ClusterKv, ClusterSyncObject, LogicalCloudKv};
pub use lifecycle::{Action, ActionRecord, Lifecycle, Wish};
pub use logical_cloud::{
    ClusterReference, CredentialKind, DriftPolicy, Isolation, Level, LogicalCloud, Namespace,
    PodSecurity, Quota, User, UserPermission,
};
pub use project::{Metadata, Privileged, Project, ProjectPolicy};
pub use quota_usage::{QuotaState, QuotaUsage};
pub use reservation::Reservation;
pub use revision::{Member, Revision, RevisionPermission, RevisionQuota, RevisionUser, Slice};
pub use service_mesh::{
    ManifestDigest, MeshBundle, MeshManifest, MeshMode, MeshPeer, MeshProblem, MeshSpec,
    RevisionMesh, ServiceMesh,
};
pub use target::{
    Drift, DriftedField, LastError, ObjectIdentity, ObjectState, ObjectStatus, Observed, Target,
};
pub use tombstone::Tombstone;
