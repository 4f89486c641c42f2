//! The lists of revoked certificates: one of every issuer in the chain, signed by it, and none that is over.

use super::rule::{Finding, Rule};
use super::{LISTS, Limits, Parts};
use crate::authority::facts::Certificate;
use crate::authority::revocation::{LABEL, RevocationList};
use crate::blocks;

/// Returns the lists that could be read, DER.
pub(super) fn check(
    parts: &Parts,
    text: &str,
    limits: &Limits,
    findings: &mut Vec<Finding>,
) -> Vec<Vec<u8>> {
    let mut broken = |rule, message: String| findings.push(Finding::new(rule, LISTS, message));
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lists = match read(text) {
        Ok(lists) => lists,
        Err(rule) => {
            broken(Rule::Unreadable, rule.to_owned());
            return Vec::new();
        }
    };
    for certificate in &parts.chain {
        let own: Vec<&RevocationList> = lists
            .iter()
            .filter(|list| list.issuer == certificate.subject)
            .collect();
        let who = &certificate.subject_text;
        if own.is_empty() {
            broken(Rule::ListMissing, format!("has no list of '{who}'"));
        } else if !own
            .iter()
            .any(|list| certificate.signs_lists && list.is_signed_by(certificate))
        {
            broken(
                Rule::ListUnsigned,
                format!("has a list that '{who}' did not sign"),
            );
        }
        if lists.iter().any(|list| revokes(list, certificate)) {
            broken(Rule::Revoked, format!("revokes '{who}'"));
        }
    }
    for list in &lists {
        let over = list.next_update.is_none_or(|next| next <= limits.now);
        if over {
            broken(
                Rule::ListExpired,
                format!("holds a list of {} that is over", list.this_update),
            );
        }
    }
    lists.iter().map(|list| list.der().to_vec()).collect()
}

fn revokes(list: &RevocationList, certificate: &Certificate) -> bool {
    list.issuer == certificate.issuer && list.revoked.contains(&certificate.serial)
}

fn read(text: &str) -> Result<Vec<RevocationList>, &'static str> {
    let found = blocks::read(text)?;
    found
        .iter()
        .map(|block| match block.label.as_str() {
            LABEL => RevocationList::from_der(&block.der),
            _ => Err("must hold PEM blocks X509 CRL only"),
        })
        .collect()
}
