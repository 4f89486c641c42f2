//! Simulated members: a Kubernetes API server with its controllers, in memory, in any time.
//!
//! One core, which is a function from requests to answers, with two fronts:
//!
//! ```text
//!   Fleet   (dcm_cluster::Connector: no socket, works in paused time)  --+
//!                                                                        +--> Member --> core
//!   Server  (TCP, TLS, HTTP/1.1 and HTTP/2: kubectl, KubeConnector)    --+     |          | objects, log
//!                                                                              |          | kinds, strategies
//!                                       clock, faults, load, journal ----------+          | controllers as timers
//! ```
//!
//! A member behaves like the real thing as far as the conformance script (`tests/it/conformance`) says, and
//! nothing may rely on more: who needs more adds steps to the script first.
//!
//! ```
//! # use std::sync::Arc;
//! # use dcm_testkit::kubesim::{Fault, Member, Options, Request, Rule, User, VirtualClock, When};
//! # use serde_json::json;
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let clock = Arc::new(VirtualClock::starting_at("2026-01-01T00:00:00Z".parse().unwrap()));
//! let options = Options { seed: 1, version: "v1.36.3".to_owned(), clock, authority: None };
//! let member = Member::new("one", options).unwrap();
//! // A test looks and meddles past all faults.
//! let namespace = json!({ "metadata": { "name": "shop" } });
//! let create = Request::new("POST", "/api/v1/namespaces").with_body(&namespace);
//! assert_eq!(member.request(&User::admin(), &create).status, 201);
//! assert_eq!(member.object("/api/v1/namespaces/shop").unwrap()["status"]["phase"], "Active");
//! // What goes through a front is counted, and may fail.
//! member.faults().add(Rule::new(Fault::TimeoutAfter, When::Call(7)).once());
//! # }
//! ```
//!
//! Invariants: no I/O, no clock and no randomness in the core, so that the same seed gives the same run; a
//! member without calls costs no time; one costs at most 200 KB with the objects of a logical cloud.

mod authority;
mod bootstrap;
mod clock;
mod controllers;
mod core;
mod crd;
mod csr;
mod decode;
mod delete;
mod discovery;
mod faults;
mod fields;
mod fleet;
mod journal;
mod kinds;
mod managers;
mod member;
mod merge;
mod message;
mod namespaces;
mod objects;
mod patch;
mod paths;
mod quota;
mod rbac;
mod read;
mod reviews;
mod selector;
mod server;
mod shape;
mod signal;
mod strategy;
mod tokens;
mod watch;
mod write;

pub use authority::Authority;
pub use clock::VirtualClock;
pub use controllers::{Controllers, Signer};
pub use faults::{CallInfo, Effect, Fault, Faults, Rule, When};
pub use fleet::Fleet;
pub use journal::{Journal, Written};
pub use member::{Load, Member, Options};
pub use message::{Request, Response, User};
pub use server::Server;
