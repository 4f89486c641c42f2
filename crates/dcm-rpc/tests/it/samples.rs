//! Values with every part filled, each different, so that none can be mistaken for another on its way.

use dcm_types::ca::{
    AnchorSummary, AuthorityRequest, AuthorityScope, AuthoritySummary, BadEvent, BundleSummary,
    BundleVersion, CaAuditReport, CaBundle, Evidence, EvidenceStage, GenerationState,
    ImportAuthority, InstallSigned, KeyOrigin, PrivateKeyPem, Requester, RotationGoal,
    RotationKind, RotationPhase, RotationState, Seen, StartRotation, TrustModel, Waiting,
};
use dcm_types::{
    CloudKey, CloudName, ClusterKey, ClusterName, KeyAlgorithm, ProjectName, ProviderName,
    TargetKey, Timestamp, Uid,
};

/// A key that must be found in answers only.
pub(crate) const KEY: &str = "the private key of a test";

/// Moments with nanoseconds, an hour apart.
pub(crate) fn at(hour: i64) -> Timestamp {
    Timestamp::new(1_764_000_000 + hour * 3600, 123_456_789).unwrap()
}

pub(crate) fn uid() -> Uid {
    Uid::from_random([7; 16])
}

pub(crate) fn cloud() -> CloudKey {
    CloudKey {
        project: ProjectName::parse("acme").unwrap(),
        cloud: CloudName::parse("shop").unwrap(),
    }
}

pub(crate) fn cluster(name: &str) -> ClusterKey {
    ClusterKey {
        provider: ProviderName::parse("edge").unwrap(),
        cluster: ClusterName::parse(name).unwrap(),
    }
}

pub(crate) fn target(name: &str) -> TargetKey {
    TargetKey {
        cloud: cloud(),
        cluster: cluster(name),
    }
}

pub(crate) fn requester() -> Requester {
    Requester {
        principal: "alice".to_owned(),
        origin: "198.51.100.7".to_owned(),
        request: "request-1".to_owned(),
    }
}

pub(crate) fn version() -> BundleVersion {
    BundleVersion {
        generation: 3,
        trust: 5,
        lists: u64::MAX,
    }
}

pub(crate) fn bundle(target: &TargetKey) -> CaBundle {
    CaBundle {
        target: target.clone(),
        cloud_uid: uid(),
        version: version(),
        certificate_pem: "certificate".to_owned(),
        key: PrivateKeyPem::new(KEY.to_owned().into()),
        chain_pem: "chain".to_owned(),
        anchors_pem: "anchors".to_owned(),
        lists_pem: "lists".to_owned(),
        not_after: at(90),
        ask_again_at: at(45),
    }
}

pub(crate) fn summary(target: &TargetKey, state: GenerationState) -> BundleSummary {
    let seen = |hour| Seen {
        version: version(),
        at: at(hour),
    };
    let seen_there = state == GenerationState::Active;
    BundleSummary {
        target: target.clone(),
        version: version(),
        state,
        anchor: 2,
        algorithm: KeyAlgorithm::Rsa3072,
        serial: "0a".to_owned(),
        fingerprint: "ff".to_owned(),
        certificate_pem: "certificate".to_owned(),
        not_before: at(1),
        not_after: at(2),
        renew_at: at(3),
        written: seen_there.then(|| seen(4)),
        loaded: seen_there.then(|| seen(5)),
    }
}

pub(crate) fn rotation(kind: RotationKind, phase: RotationPhase) -> RotationState {
    let goal = |(phase, gate): (RotationPhase, Option<EvidenceStage>)| RotationGoal {
        phase,
        entered_at: gate.map(|_| at(1)),
        gate,
    };
    let goals = [
        (RotationPhase::TrustBoth, Some(EvidenceStage::Aged)),
        (RotationPhase::SignWithNew, Some(EvidenceStage::Loaded)),
        (RotationPhase::OldOut, Some(EvidenceStage::Written)),
        (RotationPhase::Done, None),
    ];
    let waiting = [
        (EvidenceStage::Written, None),
        (EvidenceStage::Loaded, Some(at(2))),
    ];
    RotationState {
        cloud: cloud(),
        number: 4,
        kind,
        phase,
        goals: goals.map(goal).to_vec(),
        waiting: waiting
            .map(|(missing, last_seen)| Waiting {
                cluster: cluster("far"),
                missing,
                last_seen,
            })
            .to_vec(),
        members: 9,
        aged_at: phase.is_over().then(|| at(6)),
        started_at: at(0),
        ended_at: phase.is_over().then(|| at(7)),
        dry_run: !phase.is_over(),
    }
}

pub(crate) fn start(dry_run: bool) -> StartRotation {
    StartRotation {
        cloud: cloud(),
        kind: RotationKind::Anchor,
        dry_run,
    }
}

pub(crate) fn authority(scope: &AuthorityScope) -> AuthoritySummary {
    let of_a_cloud = matches!(scope, AuthorityScope::Cloud(_));
    let anchor = |(generation, origin, algorithm)| AnchorSummary {
        generation,
        subject: format!("CN=anchor {generation}"),
        algorithm,
        origin,
        serial: "0b".to_owned(),
        fingerprint: "fe".to_owned(),
        certificate_pem: "anchor".to_owned(),
        above_pem: "root".to_owned(),
        not_before: at(1),
        not_after: at(2),
        trusted: generation > 1,
        signs: generation > 2,
        revoked: generation,
        list_ends_at: algorithm.map(|_| at(3)),
    };
    let anchors = [
        (1, KeyOrigin::Made, Some(KeyAlgorithm::EcdsaP384)),
        (2, KeyOrigin::SignedElsewhere, Some(KeyAlgorithm::Ed25519)),
        (3, KeyOrigin::Imported, None),
        (4, KeyOrigin::Issued, Some(KeyAlgorithm::EcdsaP256)),
    ];
    let phase = RotationPhase::SignWithNew;
    AuthoritySummary {
        scope: scope.clone(),
        trust_model: if of_a_cloud {
            TrustModel::CloudIntermediate
        } else {
            TrustModel::CloudRoot
        },
        trust_domain: of_a_cloud.then(|| "shop.mesh.internal".to_owned()),
        trust: 8,
        anchors: anchors.map(anchor).to_vec(),
        rotation: of_a_cloud.then(|| rotation(RotationKind::Anchor, phase)),
        request_pending: of_a_cloud,
        request_problem: of_a_cloud.then(|| "the issuer refused: no".to_owned()),
    }
}

pub(crate) fn request(scope: &AuthorityScope) -> AuthorityRequest {
    AuthorityRequest {
        scope: scope.clone(),
        pem: matches!(scope, AuthorityScope::Cloud(_)).then(|| "request".to_owned()),
        asked_at: at(1),
    }
}

pub(crate) fn answer(scope: &AuthorityScope, anchor: Option<&str>) -> InstallSigned {
    InstallSigned {
        scope: scope.clone(),
        chain_pem: "signed chain".to_owned(),
        anchor_fingerprint: anchor.map(str::to_owned),
    }
}

pub(crate) fn import(scope: &AuthorityScope, anchor: Option<&str>) -> ImportAuthority {
    ImportAuthority {
        scope: scope.clone(),
        chain_pem: "imported chain".to_owned(),
        key: PrivateKeyPem::new(KEY.to_owned().into()),
        anchor_fingerprint: anchor.map(str::to_owned),
    }
}

pub(crate) fn evidence(stage: EvidenceStage) -> Evidence {
    Evidence {
        target: target("near"),
        cloud_uid: uid(),
        version: version(),
        stage,
    }
}

pub(crate) fn report() -> CaAuditReport {
    CaAuditReport {
        chains: 3,
        verified: 40,
        bad: vec![BadEvent {
            chain: "acme/shop".to_owned(),
            sequence: 7,
            why: "its hash is another one".to_owned(),
        }],
    }
}
