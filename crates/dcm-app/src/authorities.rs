//! The authorities of meshes: what a caller asks of the CA controller. It writes its own chained record of key
//! events, with who asked, so there is none of ours beside it.

use dcm_types::ca::{
    AuthorityRequest, AuthorityScope, AuthoritySummary, BundleSummary, CaAuditReport,
    ImportAuthority, InstallSigned, Requester, RotationKind, RotationState, StartRotation,
};
use dcm_types::ports::PortError;
use dcm_types::{CloudKey, TargetKey};

use crate::{App, Error, Principal, Run};

impl App {
    /// The authority of a cloud or of the organisation, without its keys.
    pub async fn authority(
        &self,
        _who: &Principal,
        scope: &AuthorityScope,
    ) -> Result<AuthoritySummary, Error> {
        Ok(self.authorities().show(scope).await?)
    }

    /// What is known of the bundles of a cloud, without keys.
    pub async fn bundles(
        &self,
        _who: &Principal,
        cloud: &CloudKey,
    ) -> Result<Vec<BundleSummary>, Error> {
        Ok(self.authorities().list_bundles(cloud).await?)
    }

    /// Begins a rotation; a dry run tells what one would do.
    pub async fn start_rotation(
        &self,
        who: &Principal,
        cloud: &CloudKey,
        kind: RotationKind,
        run: Run,
    ) -> Result<RotationState, Error> {
        let start = StartRotation {
            cloud: cloud.clone(),
            kind,
            dry_run: run == Run::Dry,
        };
        let by = requester(who);
        Ok(self.authorities().start_rotation(&start, &by).await?)
    }

    /// The last rotation of a cloud.
    pub async fn rotation(
        &self,
        _who: &Principal,
        cloud: &CloudKey,
    ) -> Result<RotationState, Error> {
        Ok(self.authorities().get_rotation(cloud).await?)
    }

    /// Ends the running rotation, while that is possible.
    pub async fn abort_rotation(
        &self,
        who: &Principal,
        cloud: &CloudKey,
    ) -> Result<RotationState, Error> {
        let by = requester(who);
        Ok(self.authorities().abort_rotation(cloud, &by).await?)
    }

    /// Revokes the present certificate of an edge.
    pub async fn revoke_edge(
        &self,
        who: &Principal,
        target: &TargetKey,
    ) -> Result<BundleSummary, Error> {
        let by = requester(who);
        Ok(self.authorities().revoke(target, &by).await?)
    }

    /// The certificate request for somebody else to sign; the same one until it is answered.
    pub async fn request_authority(
        &self,
        who: &Principal,
        scope: &AuthorityScope,
    ) -> Result<AuthorityRequest, Error> {
        let by = requester(who);
        Ok(self.authorities().authority_request(scope, &by).await?)
    }

    /// Takes the answer to such a request, after all checks.
    pub async fn install_signed_authority(
        &self,
        who: &Principal,
        answer: &InstallSigned,
    ) -> Result<AuthoritySummary, Error> {
        let by = requester(who);
        Ok(self.authorities().install_signed(answer, &by).await?)
    }

    /// Takes a certificate with its key, after all checks.
    pub async fn import_authority(
        &self,
        who: &Principal,
        import: ImportAuthority,
    ) -> Result<AuthoritySummary, Error> {
        let by = requester(who);
        Ok(self.authorities().import(import, &by).await?)
    }

    /// Verifies the chained record of key events.
    pub async fn verify_key_events(
        &self,
        _who: &Principal,
        scope: &AuthorityScope,
    ) -> Result<CaAuditReport, Error> {
        Ok(self.authorities().verify_audit(scope).await?)
    }
}

fn requester(who: &Principal) -> Requester {
    Requester {
        principal: who.name.clone(),
        origin: who.origin.clone(),
        request: who.request.clone(),
    }
}

impl From<PortError> for Error {
    fn from(error: PortError) -> Self {
        let faults = error.faults.into_iter();
        let told = Self::new(error.kind, error.message);
        faults.fold(told, Self::fault)
    }
}
