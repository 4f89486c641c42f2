//! What tests, the demo and `xtask` need to stand on: real Kubernetes control planes without containers.
//!
//! ```text
//!   Assets::obtain()  -- builds or finds -->  etcd, kube-apiserver, kube-controller-manager, kubectl
//!         |
//!   ControlPlane::start()  -- runs them on free loopback ports -->  kubeconfig(), kubectl(), freeze(), ...
//! ```
//!
//! What else shall end with its owner, such as a server under test, runs as a [`Process`] in a [`Folder`].
//!
//! Where hundreds of clusters are needed, or time that passes at will, there are simulated ones: `kubesim`
//! (a feature of its own). Where a network shall fail, there is a `proxy` (another one). Where a mesh shall sign
//! for workloads, there are its own control planes: `mesh` (a third one). Where somebody else shall sign an
//! authority, there is an `issuer` (a fourth one). Where the store shall be in a server of its own, there is one that
//! speaks MongoDB's protocol: [`MongoServer`].
//!
//! Invariants: nothing is written to the work tree; no process outlives its owner, however the
//! owner ends; only processes that were started here are ever signalled.
//!
//! Everything blocks on purpose and needs no async runtime: call it through `spawn_blocking` from
//! async tests. This crate is for development only; the product never depends on it.

pub mod assets;
pub mod control_plane;
#[cfg(feature = "issuer")]
pub mod issuer;
#[cfg(feature = "kubesim")]
pub mod kubesim;
#[cfg(feature = "mesh")]
pub mod mesh;
pub mod mongodb;
mod progress;
#[cfg(feature = "proxy")]
pub mod proxy;

pub use assets::{Assets, IstioAssets};
pub use control_plane::{ControlPlane, Folder, Process, shared_control_planes};
pub use mongodb::{MongoServer, shared_replica_set};
