//! What is sent after every leaf, and whether it leads to an anchor.

use super::rule::{Finding, Rule};
use super::{ANCHORS, CERTIFICATE, CHAIN, Limits, Parts};
use crate::authority::Error;
use crate::authority::facts::Certificate;
use crate::authority::verify::{Chain, verify_chain};

pub(super) fn check(parts: &Parts, limits: &Limits, findings: &mut Vec<Finding>) {
    let Some(signing) = &parts.certificate else {
        return;
    };
    if parts.chain.first() != Some(signing) {
        let message = if parts.chain.contains(signing) {
            "does not begin with the signing certificate"
        } else {
            "does not hold the signing certificate"
        };
        findings.push(Finding::new(Rule::ChainWithoutCertificate, CHAIN, message));
    }
    links(&parts.chain, findings);
    path_lengths(parts, findings);
    repeated(parts, findings);
    leads_to_anchor(parts, signing, limits, findings);
}

/// Each certificate is followed by its issuer.
fn links(chain: &[Certificate], findings: &mut Vec<Finding>) {
    for pair in chain.windows(2) {
        let [lower, upper] = pair else { continue };
        let (who, by) = (&lower.subject_text, &upper.subject_text);
        let mut broken = |rule, message| findings.push(Finding::new(rule, CHAIN, message));
        if lower.issuer != upper.subject {
            broken(
                Rule::ChainOrder,
                format!("'{who}' is followed by '{by}', which is not its issuer"),
            );
        } else if !lower.is_signed_by(upper) {
            broken(
                Rule::ChainBroken,
                format!("'{who}' is not signed by the key of '{by}'"),
            );
        } else if lower.issuer_key_identifier.is_none()
            || lower.issuer_key_identifier != upper.key_identifier
        {
            broken(
                Rule::KeyIdentifiers,
                format!("'{who}' does not name the key of '{by}'"),
            );
        }
        if lower.not_after > upper.not_after {
            broken(Rule::OutlivesIssuer, format!("'{who}' ends after '{by}'"));
        }
    }
}

/// Whether every authority leaves room for those below it; the anchor that is not in the chain, too.
fn path_lengths(parts: &Parts, findings: &mut Vec<Finding>) {
    let top = parts.chain.last();
    let above = parts.anchors.iter().find(|anchor| {
        top.is_some_and(|top| {
            top != *anchor && top.issuer == anchor.subject && top.is_signed_by(anchor)
        })
    });
    for (below, certificate) in parts.chain.iter().chain(above).enumerate() {
        let exceeded = match certificate.authority {
            Some(Some(length)) => usize::try_from(length).is_ok_and(|length| length < below),
            Some(None) => false,
            None => below > 0,
        };
        if exceeded {
            let message = format!(
                "'{}' may not have {below} authorities below it",
                certificate.subject_text
            );
            findings.push(Finding::new(Rule::PathLength, CHAIN, message));
        }
    }
}

/// Two certificates of one issuer with one number, or one key in two of them.
fn repeated(parts: &Parts, findings: &mut Vec<Finding>) {
    for (index, one) in parts.chain.iter().enumerate() {
        for other in parts.chain.iter().take(index).filter(|other| *other != one) {
            if one.issuer == other.issuer && one.serial == other.serial {
                let message = format!("'{}' has the number of another one", one.subject_text);
                findings.push(Finding::new(Rule::SerialRepeated, CHAIN, message));
            }
            if one.public_key == other.public_key {
                let message = format!(
                    "'{}' and '{}' have one key",
                    one.subject_text, other.subject_text
                );
                findings.push(Finding::new(Rule::KeyShared, CHAIN, message));
            }
        }
    }
}

/// A leaf is signed and verified as its peers would; told only when nothing else explains it.
fn leads_to_anchor(
    parts: &Parts,
    signing: &Certificate,
    limits: &Limits,
    findings: &mut Vec<Finding>,
) {
    let anchored = parts.anchors.iter().any(|anchor| {
        parts.chain.contains(anchor)
            || parts
                .chain
                .iter()
                .chain([signing])
                .any(|one| one.is_signed_by(anchor))
    });
    if !anchored && !parts.anchors.is_empty() {
        let message = "holds nothing that the chain leads to";
        findings.push(Finding::new(Rule::Unanchored, ANCHORS, message));
    }
    let explained = findings
        .iter()
        .any(|finding| finding.rule.severity() < super::Severity::Risky);
    let (false, Some(key)) = (explained, &parts.key) else {
        return;
    };
    let between: Vec<Certificate> = parts
        .chain
        .iter()
        .filter(|one| *one != signing)
        .cloned()
        .collect();
    // Of an anchor that is not in the chain nobody wants a list here, but verifying with lists needs it.
    let whole = parts.anchors.iter().any(|one| parts.chain.contains(one));
    let lists: &[Vec<u8>] = if whole { &parts.lists } else { &[] };
    let chain = Chain {
        authority: signing,
        between: &between,
        anchors: &parts.anchors,
        lists,
    };
    match verify_chain(&chain, key, limits.now) {
        Ok(()) => {}
        // The library knows no URI constraints and refuses them all; that was told as what it is.
        Err(_) if signing.has_name_constraints => {}
        Err(Error::Unverified(why)) => {
            let message = format!("a leaf under it would be refused: {why}");
            findings.push(Finding::new(Rule::ChainBroken, CERTIFICATE, message));
        }
        Err(error) => {
            findings.push(Finding::new(
                Rule::ChainBroken,
                CERTIFICATE,
                error.to_string(),
            ));
        }
    }
}
