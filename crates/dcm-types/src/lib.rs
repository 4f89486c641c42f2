//! The domain of the Distributed Cloud Manager: names, documents, plans' inputs, observed state, errors.
//!
//! ```text
//!   name, text, label, selector, key_value, quantity, quota,
//!   permission, address                                        validated values, one constructor each
//!   key, document                                              what the store holds
//!   documents::*                                               written by the user, or by the synchronizer
//!   member_name, mesh_name                                     names that we make inside a member cluster
//!   ports, report, ca                                          async traits between parts (gRPC can stand between)
//!   error                                                      the one vocabulary of error kinds
//!   part                                                       what may run in a process of its own
//!   hash_chain                                                 how records are chained, so that a change is found
//! ```
//!
//! Invariants: this crate does no I/O, reads no clock and no environment, and knows no transport.
//! A value of a validated type is valid: it can only be made by its one constructor, also when it is
//! read from JSON.

pub mod address;
pub mod ca;
pub mod condition;
pub mod document;
pub mod documents;
pub mod drafts;
pub mod entry;
pub mod error;
pub mod hash_chain;
pub mod key;
pub mod key_algorithm;
pub mod key_value;
pub mod label;
pub mod member_name;
pub mod mesh_name;
pub mod name;
pub mod part;
pub mod permission;
pub mod ports;
pub mod quantity;
pub mod quota;
pub mod report;
pub mod sealed;
pub mod selector;
pub mod status;
pub mod text;
pub mod uid;

pub use condition::{Condition, ConditionStatus, Track};
pub use document::{Document, Index};
pub use entry::Entry;
pub use error::{Fault, Kind, Violation, chain};
pub use jiff::Timestamp;
pub use key::{CloudKey, ClusterKey, DocumentKind, Key, TargetKey};
pub use key_algorithm::KeyAlgorithm;
pub use mesh_name::MeshName;
pub use name::{
    CloudKvName, CloudName, ClusterKvName, ClusterLabelName, ClusterName, ControllerName,
    NamespaceName, PermissionName, ProjectName, ProviderName, QuotaName, ReferenceName,
    SyncObjectName, UserName,
};
pub use part::{Part, Parts};
pub use sealed::Sealed;
pub use text::{Description, UserData};
pub use uid::Uid;
