//! The judge of a bundle: stricter than the mesh's own control plane, which takes some that its peers refuse.
//!
//! The control plane checks that the certificate leads to an anchor, that the key fits, and that the lists are
//! complete. Here also: what is sent after each leaf, how long it lasts, and whether two edges share a key.

use dcm_types::Timestamp;
use jiff::SignedDuration;

use super::{ANCHORS, CERTIFICATE, CHAIN, Files, KEY, LISTS};
use crate::authority::AuthorityKey;
use crate::authority::facts::Certificate;

mod certificates;
mod chain;
mod lists;
mod rule;
mod texts;

pub use rule::{Finding, Rule, Severity};

/// What the bundle is held against.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Now.
    pub now: Timestamp,
    /// The longest life of a workload's certificate in this mesh.
    pub longest_leaf: SignedDuration,
    /// The longest that a new bundle takes to reach every control plane.
    pub propagation: SignedDuration,
}

/// The parts of a bundle that could be read.
struct Parts {
    certificate: Option<Certificate>,
    key: Option<AuthorityKey>,
    chain: Vec<Certificate>,
    anchors: Vec<Certificate>,
    /// Lists of revoked certificates, DER.
    lists: Vec<Vec<u8>>,
}

/// All rules that a bundle breaks, the worst first; none: it is good.
pub fn check(files: &Files, limits: &Limits) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, text) in files.each() {
        findings.extend(texts::check(name, text));
    }
    let mut parts = Parts {
        certificate: texts::one_certificate(&files.certificate, &mut findings),
        key: texts::key(&files.key, &mut findings),
        chain: texts::certificates(&files.chain, CHAIN, &mut findings),
        anchors: texts::certificates(&files.anchors, ANCHORS, &mut findings),
        lists: Vec::new(),
    };
    certificates::check(&parts, limits, &mut findings);
    if let Some(text) = &files.lists {
        parts.lists = lists::check(&parts, text, limits, &mut findings);
    }
    // Last: a leaf is verified only where nothing else explains that it would be refused.
    chain::check(&parts, limits, &mut findings);
    findings.sort_by_key(|finding| finding.rule.severity());
    findings.dedup();
    findings
}

/// Rules that bundles of several edges break together: none may sign with the key or the number of another.
pub fn check_together(bundles: &[(&str, &Files)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen: Vec<(&str, Certificate)> = Vec::new();
    for (name, files) in bundles {
        let Some(own) = texts::one_certificate(&files.certificate, &mut Vec::new()) else {
            continue;
        };
        for (other, certificate) in &seen {
            if certificate.public_key == own.public_key {
                findings.push(Finding::new(
                    Rule::KeyShared,
                    KEY,
                    format!("{name} and {other} sign with the same key"),
                ));
            } else if certificate.issuer == own.issuer && certificate.serial == own.serial {
                findings.push(Finding::new(
                    Rule::SerialRepeated,
                    CERTIFICATE,
                    format!("{name} and {other} have the same number of the same issuer"),
                ));
            } else if certificate.subject == own.subject {
                findings.push(Finding::new(
                    Rule::SubjectReused,
                    CERTIFICATE,
                    format!("{name} and {other} have the same subject and different keys"),
                ));
            }
        }
        seen.push((name, own));
    }
    findings
}
