//! The REST interface: axum routes, errors, limits, metrics and the `OpenAPI` document.
//!
//! ```text
//!   serve   connections, time limits        request   id, span, metrics, panics, problems (around all)
//!   negotiate  what callers accept           pressure   rates, requests at once     once   Idempotency-Key
//!   router  what is served where            extract   names of the path, queries, bodies, preconditions
//!   routes  one file per noun: extract, call dcm-app, convert        answer    bodies and headers
//!   error   Kind -> status, the one mapping                          openapi   the document
//! ```
//!
//! Invariants: no decision about the product is made here; no body is logged; nothing that a
//! caller sends ends the process; every error, also of the router itself, is a problem document.

mod answer;
mod error;
mod extract;
mod metrics;
mod negotiate;
mod once;
mod openapi;
mod places;
mod pressure;
mod request;
mod router;
mod routes;
mod serve;
mod state;

pub use metrics::HttpMetrics;
pub use openapi::document as openapi_document;
pub use pressure::PressureLimits;
pub use router::router;
pub use serve::{Limits, serve};
