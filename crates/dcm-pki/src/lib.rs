//! Keys, certificate requests, issued certificates and kubeconfigs: all that knows X.509 and kubeconfig YAML.
//!
//! ```text
//!   key            a user's key pair            request      what is asked of a cluster's signer
//!   certificate    what the signer answered     kubeconfig   read an administrator's, write a tenant's
//!   blocks         PEM                          private_key  key files that others made
//!   token          what a cluster gave as a token of a service account
//!   client_request what a client asks for with a key that never leaves it
//!   authority      certificate authorities of meshes: made, issued, revoked, imported
//!   parts          by which the parts of the product know each other
//!   bundle         what lies in the Secret of a mesh's control plane, and the judge of it
//! ```
//!
//! Invariants: no I/O and no clock (time is an argument). Everything that is read is hostile: readers
//! are total, bounded, and never quote what may be a secret. Key material has no `Debug`, is wiped
//! when dropped, and leaves only as a [`secrecy::SecretString`].
//!
//! Tests: tables of bad input in `tests/data`, run by `tests/it`; `openssl` and `kubectl` are oracles.

pub mod authority;
mod blocks;
pub mod bundle;
pub mod certificate;
mod client_request;
mod error;
pub mod key;
pub mod kubeconfig;
pub mod parts;
mod private_key;
pub mod provisioner;
pub mod request;
pub mod token;

pub use certificate::{
    Mismatch, Validity, certificate_key_matches, certificate_public_key, verify_issued,
    verify_issuer,
};
pub use client_request::{ClientRequest, check_request};
pub use error::Error;
pub use key::UserKey;
pub use provisioner::Provisioner;
pub use request::{ParsedRequest, certificate_request, parse_request};
pub use token::{TokenMismatch, verify_token};
