//! Each certificate by itself, and the key beside the one that signs.

use super::rule::{Finding, Rule};
use super::{ANCHORS, CERTIFICATE, CHAIN, KEY, Limits, Parts};
use crate::authority::facts::Certificate;

pub(super) fn check(parts: &Parts, limits: &Limits, findings: &mut Vec<Finding>) {
    if let Some(signing) = &parts.certificate {
        authority(signing, findings);
        one(signing, CERTIFICATE, limits, findings);
        if let Some(key) = &parts.key
            && key.public_key_der() != signing.public_key
        {
            findings.push(Finding::new(
                Rule::KeyMismatch,
                KEY,
                "is the key of another certificate",
            ));
        }
        let needed = limits.now + limits.longest_leaf + limits.propagation;
        if signing.not_after > limits.now && signing.not_after < needed {
            let message = format!("ends at {}", signing.not_after);
            findings.push(Finding::new(Rule::EndsTooSoon, CERTIFICATE, message));
        }
    }
    let others = parts
        .chain
        .iter()
        .filter(|one| parts.certificate.as_ref() != Some(one));
    for certificate in others {
        one(certificate, CHAIN, limits, findings);
    }
    for anchor in &parts.anchors {
        one(anchor, ANCHORS, limits, findings);
    }
    if parts.anchors.is_empty() && !findings.iter().any(|finding| finding.file == ANCHORS) {
        findings.push(Finding::new(
            Rule::AnchorsMissing,
            ANCHORS,
            "holds no certificate",
        ));
    }
}

/// What the signing certificate may do.
fn authority(signing: &Certificate, findings: &mut Vec<Finding>) {
    let mut broken = |rule, message: &str| findings.push(Finding::new(rule, CERTIFICATE, message));
    match signing.authority {
        None => broken(Rule::NotAuthority, "is no certificate authority"),
        Some(None) => broken(Rule::NoPathLength, "does not limit its path length"),
        Some(Some(_)) => {}
    }
    if signing.authority.is_some() && !signing.authority_is_critical {
        broken(
            Rule::NotCritical,
            "has basic constraints that are not critical",
        );
    }
    if !signing.signs_certificates {
        broken(Rule::MayNotSign, "may not sign certificates");
    }
    if !signing.signs_lists {
        broken(
            Rule::MayNotSignLists,
            "may not sign lists of revoked certificates",
        );
    }
    if signing.has_name_constraints {
        broken(Rule::NameConstraints, "constrains names");
    }
}

/// What holds for every certificate.
fn one(
    certificate: &Certificate,
    file: &'static str,
    limits: &Limits,
    findings: &mut Vec<Finding>,
) {
    let who = &certificate.subject_text;
    let mut broken = |rule, message: String| findings.push(Finding::new(rule, file, message));
    // An empty sequence has two bytes.
    if certificate.subject.len() <= 2 {
        broken(
            Rule::SubjectEmpty,
            "holds a certificate without a subject".to_owned(),
        );
    }
    if certificate.not_after <= limits.now {
        broken(
            Rule::Expired,
            format!("'{who}' ended at {}", certificate.not_after),
        );
    }
    if certificate.not_before > limits.now {
        broken(
            Rule::NotYetValid,
            format!("'{who}' begins at {}", certificate.not_before),
        );
    }
    if let Some(weakness) = certificate.weakness {
        broken(Rule::Weak, format!("'{who}' {weakness}"));
    }
    if certificate.unknown_critical {
        let message = format!("'{who}' has a critical extension that is not known");
        broken(Rule::UnknownCritical, message);
    }
    if certificate.has_purposes {
        broken(Rule::Purposes, format!("'{who}' is limited to purposes"));
    }
}
