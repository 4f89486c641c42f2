//! The use cases: what a request means, whatever transport it came by.
//!
//! ```text
//!   projects providers clusters logical_clouds references quotas permissions   documents of users
//!   cluster_labels cluster_kvs sync_objects cloud_kvs controllers              more of them
//!   lifecycle (freeze, reserve, pause, adopt)  instantiate, update, terminate: freezes revisions; stop
//!   status (member, hub, wait, follow)  what the synchronizer recorded, assembled
//!   authorities                     what is asked of the CA controller
//!   service_mesh (wish, plan, prepare, render, step)   meshes: what is wished, and the documents of members
//!   tombstones (entomb)             what is left of a deleted cloud where a cluster does not answer
//!   kubeconfig                      what a tenant is handed out
//!   apply (steps, stage, refusals)  many of them in one commit
//!   once (register, told)           a request with a key has one effect and one answer
//!   staging                         use cases that gather what they commit, for both
//!   integrity  documents  change  settle       parents, children, batches, retries: in one place
//!   audit (chain)  finishing  background     what happens after the answer
//! ```
//!
//! Invariants: every use case takes a [`Principal`]. Every change is one commit with its audit record in
//! it, and carries preconditions for everything it was decided on. No key is made and no cluster is
//! called on the way to an answer. The other half, which makes clusters match, is behind
//! [`dcm_types::ports::Synchronizer`]; a nudge that fails is logged and never an error.
//!
//! Writes of a child assert its parent and so touch it; whoever decides on the children of a document
//! (delete of a parent, freeze of a revision, one reference per cluster) commits with the parent
//! *untouched* since before the children were listed.

mod app;
mod apply;
pub mod audit;
mod authorities;
mod background;
mod change;
mod cloud_kvs;
mod cluster_kvs;
mod cluster_labels;
mod clusters;
mod controllers;
mod documents;
mod error;
mod finishing;
mod integrity;
mod kubeconfig;
mod lifecycle;
mod logical_clouds;
mod once;
mod paging;
mod permissions;
mod policy;
mod precondition;
mod principal;
mod privileged;
mod projects;
mod providers;
mod quotas;
mod references;
mod service_mesh;
mod settle;
mod staging;
mod status;
mod sync_objects;
mod sync_status;
mod tombstones;
mod users;

pub use app::{App, Parts};
pub use apply::{Applied, Outcome, Run};
pub use background::run_background;
pub use clusters::{ClusterDetail, ClusterFilter, ClusterLabels};
pub use error::Error;
pub use kubeconfig::{Asked as AskedKubeconfig, Form as KubeconfigForm};
pub use lifecycle::Accepted;
pub use logical_clouds::{CloudDetail, Deletion};
pub use once::{Answer, Attempt, Begun, Fingerprint, Once, Refused};
pub use paging::{Listed, PageRequest};
pub use policy::Policy;
pub use precondition::{Precondition, Saved, Written};
pub use principal::Principal;
pub use references::ReferenceDetail;
pub use service_mesh::{Meshes, Prepared, ServiceMeshDetail, Thorough, run_service_meshes};
pub use status::{Followed, Following, Until};
pub use sync_objects::SyncObjectDetail;
pub use tombstones::TombstoneFilter;
pub use users::Identities;
