//! A CA controller that gives out texts for bundles, and remembers what it is told.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dcm_sync::Authorities;
use dcm_types::ca::{
    AuthorityRequest, AuthorityScope, AuthoritySummary, BundleSummary, BundleVersion,
    CaAuditReport, CaBundle, CaChange, CaController, Evidence, EvidenceStage, ImportAuthority,
    InstallSigned, PrivateKeyPem, Requester, RotationState, StartRotation,
};
use dcm_types::documents::{MeshBundle, Revision};
use dcm_types::ports::PortError;
use dcm_types::{CloudKey, Kind, TargetKey, Timestamp, Uid};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use parking_lot::Mutex;
use secrecy::SecretString;

/// In every key; nowhere else but in the Secret.
pub(super) const CANARY: &str = "canary-of-a-key";
/// The longest that a bundle takes to be used.
pub(super) const PROPAGATION: Duration = Duration::from_mins(10);

/// The first bundle of an edge.
pub(super) const FIRST: BundleVersion = version(1, 1, 1);

pub(super) const fn version(generation: u64, trust: u64, lists: u64) -> BundleVersion {
    BundleVersion {
        generation,
        trust,
        lists,
    }
}

#[derive(Default)]
struct State {
    bundles: HashMap<TargetKey, (Uid, BundleVersion)>,
    evidence: Vec<Evidence>,
    asked: usize,
    refuses: Option<Kind>,
}

#[derive(Clone, Default)]
pub(super) struct Fake(Arc<Mutex<State>>);

impl Fake {
    pub(super) fn authorities(&self) -> Authorities {
        Authorities {
            controller: Arc::new(self.clone()),
            propagation: PROPAGATION,
        }
    }

    /// The bundle of an edge from now on, as it stands in the service mesh document.
    pub(super) fn issue(
        &self,
        target: &TargetKey,
        revision: &Revision,
        version: BundleVersion,
    ) -> MeshBundle {
        let of = (revision.cloud_uid, version);
        self.0.lock().bundles.insert(target.clone(), of);
        let bundle = bundle(target, of);
        MeshBundle {
            version,
            certificate_pem: bundle.certificate_pem,
            chain_pem: bundle.chain_pem,
            anchors_pem: bundle.anchors_pem,
            not_after: bundle.not_after,
            ask_again_at: bundle.ask_again_at,
        }
    }

    /// Refuses to give out bundles, or does not any more.
    pub(super) fn refuse(&self, kind: Option<Kind>) {
        self.0.lock().refuses = kind;
    }

    /// How often a bundle was asked for.
    pub(super) fn asked(&self) -> usize {
        self.0.lock().asked
    }

    /// What was told, in order.
    pub(super) fn told(&self) -> Vec<(EvidenceStage, BundleVersion)> {
        let state = self.0.lock();
        let all = state.evidence.iter();
        all.map(|evidence| (evidence.stage, evidence.version))
            .collect()
    }
}

/// One anchor.
pub(super) fn anchor(trust: u64) -> String {
    format!("-----BEGIN CERTIFICATE-----\nanchor{trust}\n-----END CERTIFICATE-----\n")
}

fn bundle(target: &TargetKey, (cloud_uid, version): (Uid, BundleVersion)) -> CaBundle {
    let generation = version.generation;
    let certificate = format!("certificate {generation}");
    CaBundle {
        target: target.clone(),
        cloud_uid,
        version,
        key: PrivateKeyPem::new(SecretString::from(format!("{CANARY}-{generation}"))),
        chain_pem: format!("{certificate} chain"),
        certificate_pem: certificate,
        anchors_pem: anchor(version.trust),
        lists_pem: format!("lists {}", version.lists),
        not_after: Timestamp::MAX,
        ask_again_at: Timestamp::MAX,
    }
}

fn refused<T>(kind: Kind) -> Result<T, PortError> {
    Err(PortError::new(kind, "refused by a test"))
}

#[async_trait]
impl CaController for Fake {
    async fn ensure_bundle(&self, target: &TargetKey) -> Result<CaBundle, PortError> {
        self.get_bundle(target).await
    }

    async fn get_bundle(&self, target: &TargetKey) -> Result<CaBundle, PortError> {
        let mut state = self.0.lock();
        state.asked += 1;
        if let Some(kind) = state.refuses {
            return refused(kind);
        }
        match state.bundles.get(target) {
            Some(of) => Ok(bundle(target, *of)),
            None => refused(Kind::NotFound),
        }
    }

    async fn list_bundles(&self, _: &CloudKey) -> Result<Vec<BundleSummary>, PortError> {
        refused(Kind::NotFound)
    }

    async fn release(&self, _: &TargetKey, _: &Requester) -> Result<(), PortError> {
        refused(Kind::NotFound)
    }

    async fn show(&self, _: &AuthorityScope) -> Result<AuthoritySummary, PortError> {
        refused(Kind::NotFound)
    }

    async fn start_rotation(
        &self,
        _: &StartRotation,
        _: &Requester,
    ) -> Result<RotationState, PortError> {
        refused(Kind::NotFound)
    }

    async fn get_rotation(&self, _: &CloudKey) -> Result<RotationState, PortError> {
        refused(Kind::NotFound)
    }

    async fn abort_rotation(
        &self,
        _: &CloudKey,
        _: &Requester,
    ) -> Result<RotationState, PortError> {
        refused(Kind::NotFound)
    }

    async fn revoke(&self, _: &TargetKey, _: &Requester) -> Result<BundleSummary, PortError> {
        refused(Kind::NotFound)
    }

    async fn report_evidence(&self, evidence: &Evidence) -> Result<(), PortError> {
        self.0.lock().evidence.push(evidence.clone());
        Ok(())
    }

    fn watch(&self) -> BoxStream<'static, CaChange> {
        futures::stream::pending().boxed()
    }

    async fn authority_request(
        &self,
        _: &AuthorityScope,
        _: &Requester,
    ) -> Result<AuthorityRequest, PortError> {
        refused(Kind::NotFound)
    }

    async fn install_signed(
        &self,
        _: &InstallSigned,
        _: &Requester,
    ) -> Result<AuthoritySummary, PortError> {
        refused(Kind::NotFound)
    }

    async fn import(
        &self,
        _: ImportAuthority,
        _: &Requester,
    ) -> Result<AuthoritySummary, PortError> {
        refused(Kind::NotFound)
    }

    async fn verify_audit(&self, _: &AuthorityScope) -> Result<CaAuditReport, PortError> {
        refused(Kind::NotFound)
    }
}
