//! The authorities above the edges, and how they come from somebody else.

use std::fmt;

use dcm_types::KeyAlgorithm;
use dcm_types::ca::{
    AnchorSummary, AuthorityRequest, AuthoritySummary, ImportAuthority, InstallSigned, KeyOrigin,
    PrivateKeyPem, Requester, TrustModel,
};
use secrecy::SecretString;

use super::names::{read_requester, read_scope};
use super::rotation::read_rotation;
use super::{Faults, each, moment};
use crate::v1;

impl fmt::Debug for v1::ImportAuthorityRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("ImportAuthorityRequest");
        shown.field("scope", &self.scope);
        shown.field("requester", &self.requester);
        shown.finish_non_exhaustive()
    }
}

impl From<TrustModel> for v1::TrustModel {
    fn from(model: TrustModel) -> Self {
        match model {
            TrustModel::CloudIntermediate => Self::CloudIntermediate,
            TrustModel::CloudRoot => Self::CloudRoot,
        }
    }
}

impl From<KeyOrigin> for v1::KeyOrigin {
    fn from(origin: KeyOrigin) -> Self {
        match origin {
            KeyOrigin::Made => Self::Made,
            KeyOrigin::Imported => Self::Imported,
            KeyOrigin::SignedElsewhere => Self::SignedElsewhere,
            KeyOrigin::Issued => Self::Issued,
        }
    }
}

impl From<&AnchorSummary> for v1::Anchor {
    fn from(anchor: &AnchorSummary) -> Self {
        Self {
            generation: anchor.generation,
            subject: anchor.subject.clone(),
            algorithm: anchor.algorithm.map(|kind| kind.as_str().to_owned()),
            origin: v1::KeyOrigin::from(anchor.origin).into(),
            serial: anchor.serial.clone(),
            fingerprint: anchor.fingerprint.clone(),
            certificate_pem: anchor.certificate_pem.clone(),
            above_pem: anchor.above_pem.clone(),
            not_before: Some(moment(anchor.not_before)),
            not_after: Some(moment(anchor.not_after)),
            trusted: anchor.trusted,
            signs: anchor.signs,
            revoked: anchor.revoked,
            list_ends_at: anchor.list_ends_at.map(moment),
        }
    }
}

impl From<&AuthoritySummary> for v1::Authority {
    fn from(authority: &AuthoritySummary) -> Self {
        Self {
            scope: Some((&authority.scope).into()),
            trust_model: v1::TrustModel::from(authority.trust_model).into(),
            trust_domain: authority.trust_domain.clone(),
            trust: authority.trust,
            anchors: authority.anchors.iter().map(Into::into).collect(),
            rotation: authority.rotation.as_ref().map(Into::into),
            request_pending: authority.request_pending,
            request_problem: authority.request_problem.clone(),
        }
    }
}

impl From<&AuthorityRequest> for v1::RequestAuthorityResponse {
    fn from(request: &AuthorityRequest) -> Self {
        Self {
            scope: Some((&request.scope).into()),
            request_pem: request.pem.clone(),
            asked_at: Some(moment(request.asked_at)),
        }
    }
}

impl From<(&InstallSigned, &Requester)> for v1::InstallSignedRequest {
    fn from((answer, by): (&InstallSigned, &Requester)) -> Self {
        Self {
            scope: Some((&answer.scope).into()),
            chain_pem: answer.chain_pem.clone(),
            anchor_fingerprint: answer.anchor_fingerprint.clone(),
            requester: Some(by.into()),
        }
    }
}

/// Writes a private key.
impl From<(&ImportAuthority, &Requester)> for v1::ImportAuthorityRequest {
    fn from((import, by): (&ImportAuthority, &Requester)) -> Self {
        Self {
            scope: Some((&import.scope).into()),
            chain_pem: import.chain_pem.clone(),
            key_pem: import.key.expose().to_owned(),
            anchor_fingerprint: import.anchor_fingerprint.clone(),
            requester: Some(by.into()),
        }
    }
}

fn model(number: i32) -> Option<TrustModel> {
    match v1::TrustModel::try_from(number).ok()? {
        v1::TrustModel::Unspecified => None,
        v1::TrustModel::CloudIntermediate => Some(TrustModel::CloudIntermediate),
        v1::TrustModel::CloudRoot => Some(TrustModel::CloudRoot),
    }
}

fn origin(number: i32) -> Option<KeyOrigin> {
    match v1::KeyOrigin::try_from(number).ok()? {
        v1::KeyOrigin::Unspecified => None,
        v1::KeyOrigin::Made => Some(KeyOrigin::Made),
        v1::KeyOrigin::Imported => Some(KeyOrigin::Imported),
        v1::KeyOrigin::SignedElsewhere => Some(KeyOrigin::SignedElsewhere),
        v1::KeyOrigin::Issued => Some(KeyOrigin::Issued),
    }
}

fn read_anchor(wire: v1::Anchor, field: &str, faults: &mut Faults) -> Option<AnchorSummary> {
    let algorithm = wire.algorithm.and_then(|text| {
        let parsed = KeyAlgorithm::parse(&text);
        faults.taken(parsed, &format!("{field}.algorithm"))
    });
    let origin = faults.one_of(origin(wire.origin), &format!("{field}.origin"));
    let not_before = faults.moment(wire.not_before, &format!("{field}.not_before"));
    let not_after = faults.moment(wire.not_after, &format!("{field}.not_after"));
    let list_ends_at = faults.maybe_moment(wire.list_ends_at, &format!("{field}.list_ends_at"));
    Some(AnchorSummary {
        generation: wire.generation,
        subject: wire.subject,
        algorithm,
        origin: origin?,
        serial: wire.serial,
        fingerprint: wire.fingerprint,
        certificate_pem: wire.certificate_pem,
        above_pem: wire.above_pem,
        not_before: not_before?,
        not_after: not_after?,
        trusted: wire.trusted,
        signs: wire.signs,
        revoked: wire.revoked,
        list_ends_at,
    })
}

pub(crate) fn read_authority(
    wire: Option<v1::Authority>,
    field: &str,
    faults: &mut Faults,
) -> Option<AuthoritySummary> {
    let wire = faults.required(wire, field)?;
    let scope = read_scope(wire.scope, &format!("{field}.scope"), faults);
    let model = faults.one_of(model(wire.trust_model), &format!("{field}.trust_model"));
    let anchors = each(
        wire.anchors,
        &format!("{field}.anchors"),
        faults,
        read_anchor,
    );
    let rotation = wire.rotation.and_then(|rotation| {
        let field = format!("{field}.rotation");
        read_rotation(Some(rotation), &field, faults)
    });
    Some(AuthoritySummary {
        scope: scope?,
        trust_model: model?,
        trust_domain: wire.trust_domain,
        trust: wire.trust,
        anchors: anchors?,
        rotation,
        request_pending: wire.request_pending,
        request_problem: wire.request_problem,
    })
}

pub(crate) fn read_request(
    wire: v1::RequestAuthorityResponse,
    faults: &mut Faults,
) -> Option<AuthorityRequest> {
    let scope = read_scope(wire.scope, "scope", faults);
    let asked_at = faults.moment(wire.asked_at, "asked_at");
    Some(AuthorityRequest {
        scope: scope?,
        pem: wire.request_pem,
        asked_at: asked_at?,
    })
}

pub(crate) fn read_install(
    wire: v1::InstallSignedRequest,
    faults: &mut Faults,
) -> Option<(InstallSigned, Requester)> {
    let scope = read_scope(wire.scope, "scope", faults);
    let by = read_requester(wire.requester, "requester", faults);
    let answer = InstallSigned {
        scope: scope?,
        chain_pem: wire.chain_pem,
        anchor_fingerprint: wire.anchor_fingerprint,
    };
    Some((answer, by?))
}

pub(crate) fn read_import(
    wire: v1::ImportAuthorityRequest,
    faults: &mut Faults,
) -> Option<(ImportAuthority, Requester)> {
    // First, so that it is wiped however this ends.
    let key = PrivateKeyPem::new(SecretString::from(wire.key_pem));
    let scope = read_scope(wire.scope, "scope", faults);
    let by = read_requester(wire.requester, "requester", faults);
    let import = ImportAuthority {
        scope: scope?,
        chain_pem: wire.chain_pem,
        key,
        anchor_fingerprint: wire.anchor_fingerprint,
    };
    Some((import, by?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_key_is_printed() {
        let request = v1::ImportAuthorityRequest {
            key_pem: "canary".to_owned(),
            ..v1::ImportAuthorityRequest::default()
        };
        assert!(!format!("{request:?}").contains("canary"));
    }
}
