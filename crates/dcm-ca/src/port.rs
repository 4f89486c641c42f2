//! The seam: what others ask of the controller, in one process or over a wire.

use async_trait::async_trait;
use dcm_types::ca::{
    AuthorityRequest, AuthorityScope, AuthoritySummary, BundleSummary, CaAuditReport, CaBundle,
    CaChange, CaController, Evidence, ImportAuthority, InstallSigned, Requester, RotationState,
    StartRotation,
};
use dcm_types::ports::PortError;
use dcm_types::{CloudKey, TargetKey};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio_stream::wrappers::BroadcastStream;

use crate::{Controller, bundle};

#[async_trait]
impl CaController for Controller {
    async fn ensure_bundle(&self, target: &TargetKey) -> Result<CaBundle, PortError> {
        Ok(self.ensure(target).await?)
    }

    async fn get_bundle(&self, target: &TargetKey) -> Result<CaBundle, PortError> {
        let uid = self.cloud(&target.cloud).await?.document.uid;
        let moment = self.moment(uid, target).await?;
        let (Some(authority), Some(edge)) = (&moment.authority, &moment.edge) else {
            return Err(bundle::missing(target).into());
        };
        Ok(self.bundle(&authority.document, &edge.document)?)
    }

    async fn list_bundles(&self, cloud: &CloudKey) -> Result<Vec<BundleSummary>, PortError> {
        Ok(self.bundles(cloud).await?)
    }

    async fn release(&self, target: &TargetKey, by: &Requester) -> Result<(), PortError> {
        Ok(self.release_edge(target, by).await?)
    }

    async fn show(&self, scope: &AuthorityScope) -> Result<AuthoritySummary, PortError> {
        Ok(self.summary(scope).await?)
    }

    async fn start_rotation(
        &self,
        rotation: &StartRotation,
        by: &Requester,
    ) -> Result<RotationState, PortError> {
        Ok(self.start(rotation, by).await?)
    }

    async fn get_rotation(&self, cloud: &CloudKey) -> Result<RotationState, PortError> {
        Ok(self.rotation(cloud).await?)
    }

    async fn abort_rotation(
        &self,
        cloud: &CloudKey,
        by: &Requester,
    ) -> Result<RotationState, PortError> {
        Ok(self.abort(cloud, by).await?)
    }

    async fn revoke(&self, target: &TargetKey, by: &Requester) -> Result<BundleSummary, PortError> {
        Ok(self.revoke_edge(target, by).await?)
    }

    async fn report_evidence(&self, evidence: &Evidence) -> Result<(), PortError> {
        Ok(self.take_evidence(evidence).await?)
    }

    fn watch(&self) -> BoxStream<'static, CaChange> {
        let hints = BroadcastStream::new(self.hints());
        hints.map(|hint| hint.unwrap_or(CaChange::Missed)).boxed()
    }

    async fn authority_request(
        &self,
        scope: &AuthorityScope,
        by: &Requester,
    ) -> Result<AuthorityRequest, PortError> {
        Ok(self.request(scope, by).await?)
    }

    async fn install_signed(
        &self,
        answer: &InstallSigned,
        by: &Requester,
    ) -> Result<AuthoritySummary, PortError> {
        let authority = self.install(answer, by).await?;
        Ok(self.summary_of(&authority).await?)
    }

    async fn import(
        &self,
        import: ImportAuthority,
        by: &Requester,
    ) -> Result<AuthoritySummary, PortError> {
        let authority = self.import_authority(&import, by).await?;
        Ok(self.summary_of(&authority).await?)
    }

    async fn verify_audit(&self, scope: &AuthorityScope) -> Result<CaAuditReport, PortError> {
        Ok(self.verify(scope).await?)
    }
}
