//! The authorities of meshes: anchors, bundles, rotations, requests, and the record of key events. No key is
//! among it.

use serde::{Deserialize, Serialize};

use dcm_types::Timestamp;
use dcm_types::ca::{
    AnchorSummary, AuthorityRequest, AuthoritySummary, BundleSummary, CaAuditReport, EvidenceStage,
    GenerationState, KeyOrigin, RotationGoal, RotationKind, RotationPhase, RotationState, Seen,
    TrustModel, Waiting, late_at,
};

/// An enumeration of the domain as it is told: the same words.
macro_rules! words {
    ($(#[$doc:meta])* $view:ident of $domain:ident { $($(#[$variant_doc:meta])* $variant:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "kebab-case")]
        pub enum $view {
            $($(#[$variant_doc])* $variant,)*
        }

        impl From<$domain> for $view {
            fn from(value: $domain) -> Self {
                match value {
                    $($domain::$variant => Self::$variant,)*
                }
            }
        }
    };
}

words! {
    /// What stands above the anchor of a cloud.
    TrustModelView of TrustModel {
        /// The organisation's root, which stays out of the mesh.
        CloudIntermediate,
        /// Nothing: it signs itself.
        CloudRoot,
    }
}

words! {
    /// Where a key and its certificate come from.
    KeyOriginView of KeyOrigin {
        /// Both were made here.
        Made,
        /// Both were imported.
        Imported,
        /// The key was made here, and somebody else signed the certificate.
        SignedElsewhere,
        /// The key was made here, and the issuer of the configuration signed the certificate.
        Issued,
    }
}

words! {
    /// What a generation of an edge is good for.
    GenerationStateView of GenerationState {
        /// In force; its member was not seen to have it.
        Issued,
        /// In force; its member was seen to have it.
        Active,
        /// A newer one took its place.
        Superseded,
        /// It must not be trusted any more.
        Revoked,
    }
}

words! {
    /// What gets a new key.
    RotationKindView of RotationKind {
        /// The intermediate of every edge.
        Intermediate,
        /// The anchor, and with it the intermediate of every edge.
        Anchor,
    }
}

words! {
    /// Where a rotation stands.
    RotationPhaseView of RotationPhase {
        /// The new anchor is being made.
        Requested,
        /// Both anchors are trusted, the old one signs.
        TrustBoth,
        /// The new anchor signs, or every edge gets a new intermediate.
        SignWithNew,
        /// Only the new anchor is trusted.
        OldOut,
        /// It was aborted, and only the old anchor is trusted again.
        TakingBack,
        /// Done in every member.
        Done,
        /// Aborted, and what was before is true in every member.
        Aborted,
    }
}

words! {
    /// How far a bundle got in a member.
    EvidenceStageView of EvidenceStage {
        /// It was read back.
        Written,
        /// The control plane uses it.
        Loaded,
        /// Leaves that were signed before have ended.
        Aged,
    }
}

/// The authority of a logical cloud, or of the organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuthorityView {
    /// What stands above the anchors that are made here.
    pub trust_model: TrustModelView,
    /// The trust domain of the mesh; the organisation has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_domain: Option<String>,
    /// Number of the set of anchors that members shall trust.
    pub trust: u64,
    /// Its certificates, by generation.
    pub anchors: Vec<AnchorView>,
    /// The last rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationView>,
    /// A certificate request waits for its answer.
    pub request_pending: bool,
    /// Why the issuer of the configuration did not answer it the last time; it is asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_problem: Option<String>,
    /// The intermediates of its edges, by cluster; the organisation has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bundles: Vec<BundleView>,
}

/// A certificate of an authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AnchorView {
    /// Counts those of the authority, from 1.
    pub generation: u64,
    /// Its subject.
    pub subject: String,
    /// Kind of its key; absent: it was imported and is of a kind that is not made here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// Where it comes from.
    pub origin: KeyOriginView,
    /// Its number, hex.
    pub serial: String,
    /// SHA-256 of it, hex.
    pub fingerprint: String,
    /// The certificate, PEM.
    pub certificate: String,
    /// Those above it, PEM; empty: it signs itself.
    pub above: String,
    /// Its first moment.
    pub not_before: Timestamp,
    /// Its last moment.
    pub not_after: Timestamp,
    /// From when on it is late: five sixths of its life are over, and a newer one should be in force.
    pub late_at: Timestamp,
    /// Members shall trust it.
    pub trusted: bool,
    /// It signs the intermediates.
    pub signs: bool,
    /// How many certificates it revoked.
    pub revoked: u64,
    /// When its list of revoked certificates ends; it is made anew before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_ends_at: Option<Timestamp>,
}

/// One generation of the intermediate of an edge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BundleView {
    /// Provider of the cluster.
    pub cluster_provider: String,
    /// The cluster.
    pub cluster: String,
    /// Counts the intermediates of the edge, from 1.
    pub generation: u64,
    /// Number of the set of anchors in its bundle.
    pub trust: u64,
    /// Number of the lists of revoked certificates in its bundle.
    pub lists: u64,
    /// What it is good for.
    pub state: GenerationStateView,
    /// Generation of the anchor that signed it.
    pub anchor: u64,
    /// Kind of its key.
    pub algorithm: String,
    /// Its number, hex.
    pub serial: String,
    /// SHA-256 of the certificate, hex.
    pub fingerprint: String,
    /// Its first moment.
    pub not_before: Timestamp,
    /// Its last moment.
    pub not_after: Timestamp,
    /// From when on it is late: five sixths of its life are over, and a newer one should be in force.
    pub late_at: Timestamp,
    /// When it is renewed, at the latest.
    pub renew_at: Timestamp,
    /// The newest bundle that was read back in the member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<SeenView>,
    /// The newest bundle that the member's control plane was seen to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loaded: Option<SeenView>,
}

/// A bundle was seen in a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeenView {
    /// Its generation.
    pub generation: u64,
    /// Number of its set of anchors.
    pub trust: u64,
    /// Number of its lists.
    pub lists: u64,
    /// When.
    pub at: Timestamp,
}

/// A rotation, running or over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RotationView {
    /// Counts the rotations of the logical cloud, from 1.
    pub number: u64,
    /// What gets a new key.
    pub kind: RotationKindView,
    /// Where it stands.
    pub phase: RotationPhaseView,
    /// All its phases in order.
    pub phases: Vec<RotationGoalView>,
    /// Who holds the present phase up.
    pub waiting: Vec<WaitingEdgeView>,
    /// How many members there are.
    pub members: u64,
    /// When leaves that were signed before will have ended, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aged_at: Option<Timestamp>,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Nothing was changed: this is what would be.
    pub dry_run: bool,
}

/// A phase as it was, is, or will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RotationGoalView {
    /// Which one.
    pub phase: RotationPhaseView,
    /// When it was entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entered_at: Option<Timestamp>,
    /// What it waits for in every member before the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<EvidenceStageView>,
}

/// A member that holds a phase up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WaitingEdgeView {
    /// Provider of the cluster.
    pub cluster_provider: String,
    /// The cluster.
    pub cluster: String,
    /// What was not seen of it yet.
    pub missing: EvidenceStageView,
    /// When anything was last seen of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
}

/// A certificate request for somebody else to sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuthorityRequestView {
    /// PKCS#10, PEM; absent: its key is being made, ask again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// When it was asked for.
    pub asked_at: Timestamp,
}

/// What the verification of the record of key events found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyEventsView {
    /// Chains of events: one of every authority and of every edge.
    pub chains: u64,
    /// Events that are right.
    pub verified: u64,
    /// The first event of each chain that is not right.
    pub bad: Vec<BadEventView>,
}

/// An event that is not right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BadEventView {
    /// Which chain.
    pub chain: String,
    /// Position in it, from 1.
    pub sequence: u64,
    /// What is wrong.
    pub why: String,
}

impl AuthorityView {
    /// An authority with the intermediates of its edges.
    pub fn of(authority: &AuthoritySummary, bundles: &[BundleSummary]) -> Self {
        Self {
            trust_model: authority.trust_model.into(),
            trust_domain: authority.trust_domain.clone(),
            trust: authority.trust,
            anchors: authority.anchors.iter().map(AnchorView::of).collect(),
            rotation: authority.rotation.as_ref().map(RotationView::of),
            request_pending: authority.request_pending,
            request_problem: authority.request_problem.clone(),
            bundles: bundles.iter().map(BundleView::of).collect(),
        }
    }
}

impl AnchorView {
    fn of(anchor: &AnchorSummary) -> Self {
        Self {
            generation: anchor.generation,
            subject: anchor.subject.clone(),
            algorithm: anchor.algorithm.map(|kind| kind.as_str().to_owned()),
            origin: anchor.origin.into(),
            serial: anchor.serial.clone(),
            fingerprint: anchor.fingerprint.clone(),
            certificate: anchor.certificate_pem.clone(),
            above: anchor.above_pem.clone(),
            not_before: anchor.not_before,
            not_after: anchor.not_after,
            late_at: late_at(anchor.not_before, anchor.not_after),
            trusted: anchor.trusted,
            signs: anchor.signs,
            revoked: anchor.revoked,
            list_ends_at: anchor.list_ends_at,
        }
    }
}

impl BundleView {
    /// One generation of an edge.
    pub fn of(bundle: &BundleSummary) -> Self {
        let cluster = &bundle.target.cluster;
        Self {
            cluster_provider: cluster.provider.to_string(),
            cluster: cluster.cluster.to_string(),
            generation: bundle.version.generation,
            trust: bundle.version.trust,
            lists: bundle.version.lists,
            state: bundle.state.into(),
            anchor: bundle.anchor,
            algorithm: bundle.algorithm.as_str().to_owned(),
            serial: bundle.serial.clone(),
            fingerprint: bundle.fingerprint.clone(),
            not_before: bundle.not_before,
            not_after: bundle.not_after,
            late_at: late_at(bundle.not_before, bundle.not_after),
            renew_at: bundle.renew_at,
            written: bundle.written.as_ref().map(SeenView::of),
            loaded: bundle.loaded.as_ref().map(SeenView::of),
        }
    }
}

impl SeenView {
    fn of(seen: &Seen) -> Self {
        Self {
            generation: seen.version.generation,
            trust: seen.version.trust,
            lists: seen.version.lists,
            at: seen.at,
        }
    }
}

impl RotationView {
    /// A rotation.
    pub fn of(rotation: &RotationState) -> Self {
        let goal = |goal: &RotationGoal| RotationGoalView {
            phase: goal.phase.into(),
            entered_at: goal.entered_at,
            gate: goal.gate.map(Into::into),
        };
        let waits = |waiting: &Waiting| WaitingEdgeView {
            cluster_provider: waiting.cluster.provider.to_string(),
            cluster: waiting.cluster.cluster.to_string(),
            missing: waiting.missing.into(),
            last_seen: waiting.last_seen,
        };
        Self {
            number: rotation.number,
            kind: rotation.kind.into(),
            phase: rotation.phase.into(),
            phases: rotation.goals.iter().map(goal).collect(),
            waiting: rotation.waiting.iter().map(waits).collect(),
            members: rotation.members,
            aged_at: rotation.aged_at,
            started_at: rotation.started_at,
            ended_at: rotation.ended_at,
            dry_run: rotation.dry_run,
        }
    }
}

impl AuthorityRequestView {
    /// A request, perhaps without its text yet.
    pub fn of(request: &AuthorityRequest) -> Self {
        Self {
            request: request.pem.clone(),
            asked_at: request.asked_at,
        }
    }
}

impl KeyEventsView {
    /// A report.
    pub fn of(report: &CaAuditReport) -> Self {
        let bad = report.bad.iter().map(|event| BadEventView {
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
