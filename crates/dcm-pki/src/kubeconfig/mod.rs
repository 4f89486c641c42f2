//! Kubeconfigs: a strict reader of what an administrator uploads, a writer of what a tenant gets.
//!
//! ```text
//!   bytes -> yaml::read (bounded tree) -> shape::read (known members only) -> select (current context)
//!         -> AdminCredential -> JSON, sealed
//! ```
//!
//! An uploaded kubeconfig is hostile (`security.md` T1 to T6, T33). Only `server`,
//! `certificate-authority-data`, `tls-server-name`, `client-certificate-data`, `client-key-data` and
//! `token` are read; any other member, also of an entry that is not selected, is refused by its path.
//! Nothing of the file itself reaches the client: an [`AdminCredential`] holds re-encoded values only.
//! Faults never quote the value of a member that may be secret.

mod admin;
mod faults;
mod fields;
mod kept_key;
mod render;
mod select;
mod server;
mod shape;
mod tenant;
pub(crate) mod yaml;

use dcm_types::{Fault, Violation};

pub use admin::{AdminCredential, Authentication};
pub use kept_key::{lacks_key, with_key};
pub use render::render;
pub use select::certificate_authorities;
pub use server::{Host, Server};
pub use tenant::{TenantAuthentication, TenantKubeconfig};

use faults::Faults;

/// Largest uploaded kubeconfig, in bytes.
pub const SIZE_LIMIT: usize = 256 * 1024;
/// The field that a fault of the document as a whole names.
pub const DOCUMENT: &str = "kubeconfig";

/// Reads an administrator's kubeconfig, in YAML or JSON. On refusal it tells all faults at once, at
/// least one and a bounded number.
pub fn parse(text: &[u8]) -> Result<AdminCredential, Vec<Fault>> {
    let tree = readable(text)
        .and_then(yaml::read)
        .map_err(|violation| vec![violation.at(DOCUMENT)])?;
    let mut faults = Faults::default();
    let file = shape::read(&tree, &mut faults);
    let credential = select::credential(&file, &mut faults);
    faults.verdict(credential)
}

/// The same faults, seen from a body that holds the kubeconfig as text in one of its fields.
pub fn faults_within(field: &str, faults: Vec<Fault>) -> Vec<Fault> {
    faults
        .into_iter()
        .map(|fault| {
            let field = if fault.field == DOCUMENT {
                field.to_owned()
            } else {
                format!("{field}.{}", fault.field)
            };
            Fault { field, ..fault }
        })
        .collect()
}

fn readable(text: &[u8]) -> Result<&str, Violation> {
    if text.len() > SIZE_LIMIT {
        return Err(Violation::hidden("must be at most 256 KiB"));
    }
    let not_utf8 = || {
        Violation::hidden("must be UTF-8 text without a byte order mark")
            .hint("save the file as UTF-8; UTF-16 and binary files are refused")
    };
    let text = std::str::from_utf8(text).map_err(|_| not_utf8())?;
    let is_foreign = |character: char| {
        (character.is_control() && !matches!(character, '\n' | '\r' | '\t'))
            || character == '\u{feff}'
    };
    if text.contains(is_foreign) {
        return Err(not_utf8());
    }
    Ok(text)
}
