//! A controller that notes what it is asked, and answers what it is told to.

use std::sync::Arc;

use async_trait::async_trait;
use dcm_types::ca::{
    AuthorityRequest, AuthorityScope, AuthoritySummary, BundleSummary, CaAuditReport, CaBundle,
    CaChange, CaController, Evidence, GenerationState, ImportAuthority, InstallSigned, Requester,
    RotationKind, RotationPhase, RotationState, StartRotation,
};
use dcm_types::ports::PortError;
use dcm_types::{CloudKey, TargetKey};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, broadcast};
use tokio_stream::wrappers::BroadcastStream;

use crate::samples;

/// The clusters that its cloud has: more than fit into one portion of a list.
pub(crate) const MEMBERS: usize = 250;

pub(crate) struct Fake {
    asked: Mutex<Vec<String>>,
    failure: Mutex<Option<PortError>>,
    changes: broadcast::Sender<CaChange>,
    /// Calls wait for a permit of it.
    pub(crate) gate: Arc<Semaphore>,
    pub(crate) panics: Mutex<bool>,
}

impl Fake {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            asked: Mutex::default(),
            failure: Mutex::default(),
            changes: broadcast::channel(64).0,
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            panics: Mutex::new(false),
        })
    }

    /// What was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock())
    }

    pub(crate) fn fail(&self, failure: Option<PortError>) {
        *self.failure.lock() = failure;
    }

    pub(crate) fn tell(&self, change: CaChange) {
        self.changes.send(change).ok();
    }

    pub(crate) fn watchers(&self) -> usize {
        self.changes.receiver_count()
    }

    async fn note(&self, call: String) -> Result<(), PortError> {
        self.asked.lock().push(call);
        assert!(!*self.panics.lock(), "asked to");
        self.gate.acquire().await.unwrap().forget();
        self.failure.lock().clone().map_or(Ok(()), Err)
    }
}

#[async_trait]
impl CaController for Fake {
    async fn ensure_bundle(&self, target: &TargetKey) -> Result<CaBundle, PortError> {
        self.note(format!("ensure {target:?}")).await?;
        Ok(samples::bundle(target))
    }

    async fn get_bundle(&self, target: &TargetKey) -> Result<CaBundle, PortError> {
        self.note(format!("get {target:?}")).await?;
        Ok(samples::bundle(target))
    }

    async fn list_bundles(&self, cloud: &CloudKey) -> Result<Vec<BundleSummary>, PortError> {
        self.note(format!("list {cloud:?}")).await?;
        let states = [
            GenerationState::Issued,
            GenerationState::Active,
            GenerationState::Superseded,
            GenerationState::Revoked,
        ];
        let states = states.into_iter().cycle().take(MEMBERS);
        let summary = |(number, state)| {
            let target = samples::target(&format!("cluster-{number}"));
            samples::summary(&target, state)
        };
        Ok((0..)
            .zip(states)
            .map(|row: (usize, _)| summary(row))
            .collect())
    }

    async fn release(&self, target: &TargetKey, by: &Requester) -> Result<(), PortError> {
        self.note(format!("release {target:?} {by:?}")).await
    }

    async fn show(&self, scope: &AuthorityScope) -> Result<AuthoritySummary, PortError> {
        self.note(format!("show {scope:?}")).await?;
        Ok(samples::authority(scope))
    }

    async fn start_rotation(
        &self,
        rotation: &StartRotation,
        by: &Requester,
    ) -> Result<RotationState, PortError> {
        self.note(format!("start {rotation:?} {by:?}")).await?;
        Ok(samples::rotation(rotation.kind, RotationPhase::Requested))
    }

    async fn get_rotation(&self, cloud: &CloudKey) -> Result<RotationState, PortError> {
        self.note(format!("rotation {cloud:?}")).await?;
        Ok(samples::rotation(
            RotationKind::Intermediate,
            RotationPhase::Done,
        ))
    }

    async fn abort_rotation(
        &self,
        cloud: &CloudKey,
        by: &Requester,
    ) -> Result<RotationState, PortError> {
        self.note(format!("abort {cloud:?} {by:?}")).await?;
        Ok(samples::rotation(
            RotationKind::Anchor,
            RotationPhase::TakingBack,
        ))
    }

    async fn revoke(&self, target: &TargetKey, by: &Requester) -> Result<BundleSummary, PortError> {
        self.note(format!("revoke {target:?} {by:?}")).await?;
        Ok(samples::summary(target, GenerationState::Revoked))
    }

    async fn report_evidence(&self, evidence: &Evidence) -> Result<(), PortError> {
        self.note(format!("evidence {evidence:?}")).await
    }

    fn watch(&self) -> BoxStream<'static, CaChange> {
        let hints = BroadcastStream::new(self.changes.subscribe());
        hints.map(|hint| hint.unwrap_or(CaChange::Missed)).boxed()
    }

    async fn authority_request(
        &self,
        scope: &AuthorityScope,
        by: &Requester,
    ) -> Result<AuthorityRequest, PortError> {
        self.note(format!("request {scope:?} {by:?}")).await?;
        Ok(samples::request(scope))
    }

    async fn install_signed(
        &self,
        answer: &InstallSigned,
        by: &Requester,
    ) -> Result<AuthoritySummary, PortError> {
        self.note(format!("install {answer:?} {by:?}")).await?;
        Ok(samples::authority(&answer.scope))
    }

    async fn import(
        &self,
        import: ImportAuthority,
        by: &Requester,
    ) -> Result<AuthoritySummary, PortError> {
        let key = import.key.expose().to_owned();
        self.note(format!("import {import:?} {key} {by:?}")).await?;
        Ok(samples::authority(&import.scope))
    }

    async fn verify_audit(&self, scope: &AuthorityScope) -> Result<CaAuditReport, PortError> {
        self.note(format!("verify {scope:?}")).await?;
        Ok(samples::report())
    }
}
