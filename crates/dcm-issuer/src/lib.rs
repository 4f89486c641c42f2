//! Issuers that sign the anchors of clouds over HTTPS: Vault or `OpenBao`, and step-ca.
//!
//! ```text
//!   settings    what the operator decided, and its files    vault      `sign-intermediate` of the root of a mount
//!   connection  one call: TLS, bounded in time and size     step_ca    POST /1.0/sign with a one-time token
//! ```
//!
//! Invariants: TLS always, against the authorities of the configuration and no others; no redirect is followed, no
//! proxy is used. A token is read for each call and stands in no error. What an issuer answers is only carried: all
//! checks are those of `dcm-ca`.
//!
//! Tests: `tests/it`, against the issuer of `dcm-testkit`, which speaks both, signs, and fails as told.

mod connection;
mod settings;
mod step_ca;
mod vault;

pub use settings::{Error, Kind, Settings, open};
