//! The client: the port of the CA controller over a connection, so that callers cannot tell.
//!
//! Every call has a deadline. What may be repeated is repeated within it while the controller does not answer at all,
//! such as while it starts again; a refusal is an answer and is told at once.

mod watching;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dcm_types::ca::{
    AuthorityRequest, AuthorityScope, AuthoritySummary, BundleSummary, CaAuditReport, CaBundle,
    CaChange, CaController, Evidence, ImportAuthority, InstallSigned, Requester, RotationState,
    StartRotation,
};
use dcm_types::ports::PortError;
use dcm_types::{CloudKey, Kind, TargetKey};
use futures::TryStreamExt as _;
use futures::stream::BoxStream;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::time::Instant;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status, async_trait};
use tower::service_fn;

use crate::convert::{self, Faults, read};
use crate::server::ANSWER_LIMIT;
use crate::v1::ca_controller_client::CaControllerClient;
use crate::{socket, status, v1};

type Calls = CaControllerClient<Channel>;

/// How long a call may take.
const CALL: Duration = Duration::from_secs(10);
/// How long one may take that can make a key: slow ones wait for each other.
const ISSUING: Duration = Duration::from_secs(30);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);
/// Time before the first repetition, and the most between two.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Largest list of an answer's headers: a status with its faults is one of them.
const HEADER_LIMIT: u32 = 64 * 1024;

/// The CA controller at the other end of a socket. It connects when it is first called, and again whenever
/// the connection is lost.
#[derive(Clone, Debug)]
pub struct Client {
    calls: Calls,
}

impl Client {
    /// A client of the controller at this socket. Needs a runtime.
    pub fn new(path: &Path) -> Self {
        let path: Arc<PathBuf> = Arc::new(path.to_owned());
        let connector = service_fn(move |_| connect(Arc::clone(&path)));
        // The name is never looked up: there is the socket only.
        let channel = Endpoint::from_static("http://ca.invalid")
            .connect_timeout(CONNECT)
            .http2_max_header_list_size(HEADER_LIMIT)
            .connect_with_connector_lazy(connector);
        let calls = CaControllerClient::new(channel);
        Self {
            calls: calls.max_decoding_message_size(ANSWER_LIMIT),
        }
    }

    /// One attempt.
    async fn once<W, R, F>(
        &self,
        message: W,
        limit: Duration,
        send: impl FnOnce(Calls, Request<W>) -> F,
    ) -> Result<R, Status>
    where
        F: Future<Output = Result<Response<R>, Status>>,
    {
        let mut request = Request::new(message);
        request.set_timeout(limit);
        let answer = tokio::time::timeout(limit, send(self.calls.clone(), request)).await;
        let late = |_| Status::deadline_exceeded("");
        Ok(answer.map_err(late)??.into_inner())
    }

    /// A call that changes something each time that it is made.
    async fn call<W, R, F>(
        &self,
        message: W,
        send: impl FnOnce(Calls, Request<W>) -> F,
    ) -> Result<R, PortError>
    where
        F: Future<Output = Result<Response<R>, Status>>,
    {
        let answer = self.once(message, CALL, send).await;
        answer.map_err(|status| status::port_error(&status))
    }

    /// A call that may be made again.
    async fn repeat<W, R, F>(
        &self,
        message: W,
        limit: Duration,
        send: impl Fn(Calls, Request<W>) -> F,
    ) -> Result<R, PortError>
    where
        W: Clone,
        F: Future<Output = Result<Response<R>, Status>>,
    {
        let until = Instant::now() + limit;
        let mut pause = FIRST_PAUSE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let failed = match self.once(message.clone(), left, &send).await {
                Ok(answer) => return Ok(answer),
                Err(status) => status,
            };
            if !status::is_unanswered(&failed) || Instant::now() + pause >= until {
                return Err(status::port_error(&failed));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

async fn connect(path: Arc<PathBuf>) -> io::Result<TokioIo<UnixStream>> {
    let stream = UnixStream::connect(path.as_path()).await?;
    if !socket::belongs_to(&stream, socket::ourselves()) {
        tracing::warn!("the CA socket is served by another user and was left");
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(TokioIo::new(stream))
}

/// What an answer says. One that cannot be understood is a fault, of the controller or of a version.
fn taken<T>(reader: impl FnOnce(&mut Faults) -> Option<T>) -> Result<T, PortError> {
    read(reader).map_err(|faults| {
        let faults = status::sentence(&faults);
        let message = format!("the answer of the CA controller cannot be understood: {faults}");
        PortError::new(Kind::Internal, message)
    })
}

#[async_trait]
impl CaController for Client {
    async fn ensure_bundle(&self, target: &TargetKey) -> Result<CaBundle, PortError> {
        let message = v1::EnsureBundleRequest {
            target: Some(target.into()),
        };
        let send = |mut calls: Calls, request| async move { calls.ensure_bundle(request).await };
        let answer = self.repeat(message, ISSUING, send).await?;
        taken(|faults| convert::read_bundle(answer.bundle, "bundle", faults))
    }

    async fn get_bundle(&self, target: &TargetKey) -> Result<CaBundle, PortError> {
        let message = v1::GetBundleRequest {
            target: Some(target.into()),
        };
        let send = |mut calls: Calls, request| async move { calls.get_bundle(request).await };
        let answer = self.repeat(message, CALL, send).await?;
        taken(|faults| convert::read_bundle(answer.bundle, "bundle", faults))
    }

    async fn list_bundles(&self, cloud: &CloudKey) -> Result<Vec<BundleSummary>, PortError> {
        let message = v1::ListBundlesRequest {
            cloud: Some(cloud.into()),
        };
        let send = |mut calls: Calls, request| async move {
            let portions = calls.list_bundles(request).await?.into_inner();
            let portions: Vec<_> = portions.try_collect().await?;
            Ok(Response::new(portions))
        };
        let portions = self.repeat(message, CALL, send).await?;
        let bundles = portions.into_iter().flat_map(|portion| portion.bundles);
        bundles
            .map(|bundle| taken(|faults| convert::read_summary(Some(bundle), "bundles", faults)))
            .collect()
    }

    async fn release(&self, target: &TargetKey, by: &Requester) -> Result<(), PortError> {
        let message = v1::ReleaseRequest {
            target: Some(target.into()),
            requester: Some(by.into()),
        };
        let send = |mut calls: Calls, request| async move { calls.release(request).await };
        self.repeat(message, CALL, send).await?;
        Ok(())
    }

    async fn show(&self, scope: &AuthorityScope) -> Result<AuthoritySummary, PortError> {
        let message = v1::GetAuthorityRequest {
            scope: Some(scope.into()),
        };
        let send = |mut calls: Calls, request| async move { calls.get_authority(request).await };
        let answer = self.repeat(message, CALL, send).await?;
        taken(|faults| convert::read_authority(answer.authority, "authority", faults))
    }

    async fn start_rotation(
        &self,
        rotation: &StartRotation,
        by: &Requester,
    ) -> Result<RotationState, PortError> {
        let message = convert::start(rotation, by);
        let send = |mut calls: Calls, request| async move { calls.start_rotation(request).await };
        let answer = self.call(message, send).await?;
        taken(|faults| convert::read_rotation(answer.rotation, "rotation", faults))
    }

    async fn get_rotation(&self, cloud: &CloudKey) -> Result<RotationState, PortError> {
        let message = v1::GetRotationRequest {
            cloud: Some(cloud.into()),
        };
        let send = |mut calls: Calls, request| async move { calls.get_rotation(request).await };
        let answer = self.repeat(message, CALL, send).await?;
        taken(|faults| convert::read_rotation(answer.rotation, "rotation", faults))
    }

    async fn abort_rotation(
        &self,
        cloud: &CloudKey,
        by: &Requester,
    ) -> Result<RotationState, PortError> {
        let message = v1::AbortRotationRequest {
            cloud: Some(cloud.into()),
            requester: Some(by.into()),
        };
        let send = |mut calls: Calls, request| async move { calls.abort_rotation(request).await };
        let answer = self.call(message, send).await?;
        taken(|faults| convert::read_rotation(answer.rotation, "rotation", faults))
    }

    async fn revoke(&self, target: &TargetKey, by: &Requester) -> Result<BundleSummary, PortError> {
        let message = v1::RevokeRequest {
            target: Some(target.into()),
            requester: Some(by.into()),
        };
        let send = |mut calls: Calls, request| async move { calls.revoke(request).await };
        let answer = self.call(message, send).await?;
        taken(|faults| convert::read_summary(answer.bundle, "bundle", faults))
    }

    async fn report_evidence(&self, evidence: &Evidence) -> Result<(), PortError> {
        let message = v1::ReportEvidenceRequest::from(evidence);
        let send = |mut calls: Calls, request| async move { calls.report_evidence(request).await };
        self.repeat(message, CALL, send).await?;
        Ok(())
    }

    fn watch(&self) -> BoxStream<'static, CaChange> {
        watching::watch(self.calls.clone())
    }

    async fn authority_request(
        &self,
        scope: &AuthorityScope,
        by: &Requester,
    ) -> Result<AuthorityRequest, PortError> {
        let message = v1::RequestAuthorityRequest {
            scope: Some(scope.into()),
            requester: Some(by.into()),
        };
        let send =
            |mut calls: Calls, request| async move { calls.request_authority(request).await };
        let answer = self.call(message, send).await?;
        taken(|faults| convert::read_request(answer, faults))
    }

    async fn install_signed(
        &self,
        answer: &InstallSigned,
        by: &Requester,
    ) -> Result<AuthoritySummary, PortError> {
        let message = v1::InstallSignedRequest::from((answer, by));
        let send = |mut calls: Calls, request| async move { calls.install_signed(request).await };
        let answer = self.call(message, send).await?;
        taken(|faults| convert::read_authority(answer.authority, "authority", faults))
    }

    async fn import(
        &self,
        import: ImportAuthority,
        by: &Requester,
    ) -> Result<AuthoritySummary, PortError> {
        let message = v1::ImportAuthorityRequest::from((&import, by));
        let send = |mut calls: Calls, request| async move { calls.import_authority(request).await };
        let answer = self.call(message, send).await?;
        taken(|faults| convert::read_authority(answer.authority, "authority", faults))
    }

    async fn verify_audit(&self, scope: &AuthorityScope) -> Result<CaAuditReport, PortError> {
        let message = v1::VerifyAuditRequest {
            scope: Some(scope.into()),
        };
        let send = |mut calls: Calls, request| async move { calls.verify_audit(request).await };
        let answer = self.repeat(message, CALL, send).await?;
        Ok(convert::read_report(answer))
    }
}
