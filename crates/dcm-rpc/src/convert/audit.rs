//! What the verification of the record of key events found. Nothing in it can be wrong.

use dcm_types::ca::{BadEvent, CaAuditReport};

use crate::v1;
use crate::v1::verify_audit_response as parts;

impl From<&CaAuditReport> for v1::VerifyAuditResponse {
    fn from(report: &CaAuditReport) -> Self {
        let bad = report.bad.iter().map(|event| parts::BadEvent {
            chain: event.chain.clone(),
            sequence: event.sequence,
            why: event.why.clone(),
        });
        Self {
            chains: report.chains,
            verified: report.verified,
            bad: bad.collect(),
        }
    }
}

pub(crate) fn read_report(wire: v1::VerifyAuditResponse) -> CaAuditReport {
    let bad = wire.bad.into_iter().map(|event| BadEvent {
        chain: event.chain,
        sequence: event.sequence,
        why: event.why,
    });
    CaAuditReport {
        chains: wire.chains,
        verified: wire.verified,
        bad: bad.collect(),
    }
}
