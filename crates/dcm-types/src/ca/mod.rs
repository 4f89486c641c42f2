//! The seam to the CA controller: what others ask of the authorities of meshes, and what they are told.
//!
//! ```text
//!   bundle      what an edge gets, and what is told of it       authority   anchors, imports, requests
//!   rotation    how a cloud gets new keys, and who holds it up  evidence    what a member was seen to have
//!   audit       the verification of the key events              private_key a key that is never shown
//! ```
//!
//! gRPC can stand between: every type but [`CaBundle`] and [`ImportAuthority`], which hold a key, is serialisable.
//! Whoever sends those two over a wire does it on purpose, in one conversion.

use async_trait::async_trait;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::key::{CloudKey, TargetKey};
use crate::ports::PortError;

mod audit;
mod authority;
mod bundle;
mod evidence;
mod private_key;
mod rotation;

pub use audit::{BadEvent, CaAuditReport};
pub use authority::{
    AnchorSummary, AuthorityRequest, AuthorityScope, AuthoritySummary, ImportAuthority,
    InstallSigned, KeyOrigin, TrustModel,
};
pub use bundle::{BundleSummary, BundleVersion, CaBundle, GenerationState, late_at};
pub use evidence::{Evidence, EvidenceStage, Seen};
pub use private_key::PrivateKeyPem;
pub use rotation::{
    RotationGoal, RotationKind, RotationPhase, RotationState, StartRotation, Waiting,
};

/// Who asks for a change, for the record of key events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requester {
    /// Who.
    pub principal: String,
    /// From where, when known.
    pub origin: String,
    /// Id of the request.
    pub request: String,
}

/// Something changed; what it is now is asked for. A slow reader may miss some, and is told so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaChange {
    /// What every member of a cloud gets: anchors, lists of revoked certificates, a rotation.
    Cloud(CloudKey),
    /// The bundle of one edge.
    Target(TargetKey),
    /// Hints were lost: look at everything.
    Missed,
}

/// What callers see of the CA controller.
///
/// Only [`CaController::ensure_bundle`] makes a key while its caller waits; it is for the step that prepares a
/// mesh, never for a request of a user. All others write down what is wished, and a loop makes it true.
#[async_trait]
pub trait CaController: Send + Sync + 'static {
    /// The bundle that an edge shall have now. Issues or renews it if there is need; the same bundle
    /// otherwise, so it may be asked for at any time, and should be at [`CaBundle::ask_again_at`] and after each
    /// [`CaChange`]. An edge that was asked for is a member: rotations wait for it until it is released.
    async fn ensure_bundle(&self, target: &TargetKey) -> Result<CaBundle, PortError>;

    /// The bundle of an edge as it is; issues nothing. `NotFound`: there is none. `Conflict`: it was revoked.
    async fn get_bundle(&self, target: &TargetKey) -> Result<CaBundle, PortError>;

    /// What is known of the bundles of a cloud, without keys, by cluster.
    async fn list_bundles(&self, cloud: &CloudKey) -> Result<Vec<BundleSummary>, PortError>;

    /// The edge is no member any more: nothing waits for it, and its keys are destroyed. Nothing happens
    /// when it was none.
    async fn release(&self, target: &TargetKey, by: &Requester) -> Result<(), PortError>;

    /// The authority of a cloud, or that of the organisation, without keys.
    async fn show(&self, scope: &AuthorityScope) -> Result<AuthoritySummary, PortError>;

    /// Begins a rotation, or tells what one would do ([`StartRotation::dry_run`]). `Conflict`: one is running.
    async fn start_rotation(
        &self,
        rotation: &StartRotation,
        by: &Requester,
    ) -> Result<RotationState, PortError>;

    /// The last rotation of a cloud. `NotFound`: there was none.
    async fn get_rotation(&self, cloud: &CloudKey) -> Result<RotationState, PortError>;

    /// Ends the running rotation. `Conflict`: none is running, or it has gone too far (see
    /// [`RotationPhase::can_be_aborted`]).
    async fn abort_rotation(
        &self,
        cloud: &CloudKey,
        by: &Requester,
    ) -> Result<RotationState, PortError>;

    /// Revokes the present certificate of an edge: every member gets the list that names it. The edge gets
    /// a new one when its bundle is asked for the next time.
    async fn revoke(&self, target: &TargetKey, by: &Requester) -> Result<BundleSummary, PortError>;

    /// Takes what a member was seen to have. It may be repeated, late, or about what is not any more.
    async fn report_evidence(&self, evidence: &Evidence) -> Result<(), PortError>;

    /// Hints about changes from now on.
    fn watch(&self) -> BoxStream<'static, CaChange>;

    /// Asks for a certificate request whose answer becomes the authority of that scope; the key is made in the
    /// background, so the text may come only with a later call. The same request until it is answered.
    async fn authority_request(
        &self,
        scope: &AuthorityScope,
        by: &Requester,
    ) -> Result<AuthorityRequest, PortError>;

    /// Takes the answer to such a request, after all checks.
    async fn install_signed(
        &self,
        answer: &InstallSigned,
        by: &Requester,
    ) -> Result<AuthoritySummary, PortError>;

    /// Takes a certificate with its key as the authority of that scope, after all checks.
    async fn import(
        &self,
        import: ImportAuthority,
        by: &Requester,
    ) -> Result<AuthoritySummary, PortError>;

    /// Verifies the chained record of key events of a cloud or of the organisation.
    async fn verify_audit(&self, scope: &AuthorityScope) -> Result<CaAuditReport, PortError>;
}
