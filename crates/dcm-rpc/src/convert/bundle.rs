//! What an edge gets, and what is told of it.

use std::fmt;

use dcm_types::KeyAlgorithm;
use dcm_types::ca::{BundleSummary, BundleVersion, CaBundle, GenerationState, PrivateKeyPem, Seen};
use secrecy::SecretString;

use super::names::read_target;
use super::{Faults, moment};
use crate::v1;

impl fmt::Debug for v1::Bundle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Bundle");
        shown.field("target", &self.target);
        shown.field("version", &self.version);
        shown.finish_non_exhaustive()
    }
}

impl From<&BundleVersion> for v1::BundleVersion {
    fn from(version: &BundleVersion) -> Self {
        Self {
            generation: version.generation,
            trust: version.trust,
            lists: version.lists,
        }
    }
}

/// The one conversion that writes a private key.
impl From<&CaBundle> for v1::Bundle {
    fn from(bundle: &CaBundle) -> Self {
        Self {
            target: Some((&bundle.target).into()),
            cloud_uid: bundle.cloud_uid.to_string(),
            version: Some((&bundle.version).into()),
            certificate_pem: bundle.certificate_pem.clone(),
            key_pem: bundle.key.expose().to_owned(),
            chain_pem: bundle.chain_pem.clone(),
            anchors_pem: bundle.anchors_pem.clone(),
            lists_pem: bundle.lists_pem.clone(),
            not_after: Some(moment(bundle.not_after)),
            ask_again_at: Some(moment(bundle.ask_again_at)),
        }
    }
}

impl From<&Seen> for v1::Seen {
    fn from(seen: &Seen) -> Self {
        Self {
            version: Some((&seen.version).into()),
            at: Some(moment(seen.at)),
        }
    }
}

impl From<GenerationState> for v1::GenerationState {
    fn from(state: GenerationState) -> Self {
        match state {
            GenerationState::Issued => Self::Issued,
            GenerationState::Active => Self::Active,
            GenerationState::Superseded => Self::Superseded,
            GenerationState::Revoked => Self::Revoked,
        }
    }
}

impl From<&BundleSummary> for v1::BundleSummary {
    fn from(summary: &BundleSummary) -> Self {
        Self {
            target: Some((&summary.target).into()),
            version: Some((&summary.version).into()),
            state: v1::GenerationState::from(summary.state).into(),
            anchor: summary.anchor,
            algorithm: summary.algorithm.as_str().to_owned(),
            serial: summary.serial.clone(),
            fingerprint: summary.fingerprint.clone(),
            certificate_pem: summary.certificate_pem.clone(),
            not_before: Some(moment(summary.not_before)),
            not_after: Some(moment(summary.not_after)),
            renew_at: Some(moment(summary.renew_at)),
            written: summary.written.as_ref().map(Into::into),
            loaded: summary.loaded.as_ref().map(Into::into),
        }
    }
}

pub(super) fn read_version(
    wire: Option<v1::BundleVersion>,
    field: &str,
    faults: &mut Faults,
) -> Option<BundleVersion> {
    let wire = faults.required(wire, field)?;
    Some(BundleVersion {
        generation: wire.generation,
        trust: wire.trust,
        lists: wire.lists,
    })
}

pub(crate) fn read_bundle(
    wire: Option<v1::Bundle>,
    field: &str,
    faults: &mut Faults,
) -> Option<CaBundle> {
    let wire = faults.required(wire, field)?;
    let key = PrivateKeyPem::new(SecretString::from(wire.key_pem));
    let target = read_target(wire.target, &format!("{field}.target"), faults);
    let uid = faults.uid(&wire.cloud_uid, &format!("{field}.cloud_uid"));
    let version = read_version(wire.version, &format!("{field}.version"), faults);
    let not_after = faults.moment(wire.not_after, &format!("{field}.not_after"));
    let ask_again_at = faults.moment(wire.ask_again_at, &format!("{field}.ask_again_at"));
    Some(CaBundle {
        target: target?,
        cloud_uid: uid?,
        version: version?,
        certificate_pem: wire.certificate_pem,
        key,
        chain_pem: wire.chain_pem,
        anchors_pem: wire.anchors_pem,
        lists_pem: wire.lists_pem,
        not_after: not_after?,
        ask_again_at: ask_again_at?,
    })
}

fn read_seen(wire: Option<v1::Seen>, field: &str, faults: &mut Faults) -> Option<Seen> {
    let wire = wire?;
    let version = read_version(wire.version, &format!("{field}.version"), faults);
    let at = faults.moment(wire.at, &format!("{field}.at"));
    Some(Seen {
        version: version?,
        at: at?,
    })
}

fn state(number: i32) -> Option<GenerationState> {
    match v1::GenerationState::try_from(number).ok()? {
        v1::GenerationState::Unspecified => None,
        v1::GenerationState::Issued => Some(GenerationState::Issued),
        v1::GenerationState::Active => Some(GenerationState::Active),
        v1::GenerationState::Superseded => Some(GenerationState::Superseded),
        v1::GenerationState::Revoked => Some(GenerationState::Revoked),
    }
}

pub(crate) fn read_summary(
    wire: Option<v1::BundleSummary>,
    field: &str,
    faults: &mut Faults,
) -> Option<BundleSummary> {
    let wire = faults.required(wire, field)?;
    let target = read_target(wire.target, &format!("{field}.target"), faults);
    let version = read_version(wire.version, &format!("{field}.version"), faults);
    let state = faults.one_of(state(wire.state), &format!("{field}.state"));
    let algorithm = KeyAlgorithm::parse(&wire.algorithm);
    let algorithm = faults.taken(algorithm, &format!("{field}.algorithm"));
    let not_before = faults.moment(wire.not_before, &format!("{field}.not_before"));
    let not_after = faults.moment(wire.not_after, &format!("{field}.not_after"));
    let renew_at = faults.moment(wire.renew_at, &format!("{field}.renew_at"));
    let written = read_seen(wire.written, &format!("{field}.written"), faults);
    let loaded = read_seen(wire.loaded, &format!("{field}.loaded"), faults);
    Some(BundleSummary {
        target: target?,
        version: version?,
        state: state?,
        anchor: wire.anchor,
        algorithm: algorithm?,
        serial: wire.serial,
        fingerprint: wire.fingerprint,
        certificate_pem: wire.certificate_pem,
        not_before: not_before?,
        not_after: not_after?,
        renew_at: renew_at?,
        written,
        loaded,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_key_is_printed() {
        let bundle = v1::Bundle {
            key_pem: "canary".to_owned(),
            ..v1::Bundle::default()
        };
        let response = v1::EnsureBundleResponse {
            bundle: Some(bundle),
        };
        assert!(!format!("{response:?}").contains("canary"));
    }
}
