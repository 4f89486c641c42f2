//! The server: each call is read, given to the controller, and its answer written; until the end is asked for.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use dcm_types::Fault;
use dcm_types::ca::CaController;
use dcm_types::ports::PortError;
use futures::FutureExt as _;
use futures::stream::{self, BoxStream, StreamExt as _};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, async_trait};

use crate::convert::{self, Faults, read, read_cloud, read_requester, read_scope, read_target};
use crate::v1::ca_controller_server::{CaController as Calls, CaControllerServer};
use crate::{Error, Socket, socket, status, v1};

/// The longest that a call may take, whatever its caller would wait.
const LONGEST_CALL: Duration = Duration::from_mins(1);
/// How long calls may go on after the end was asked for.
const ENDING: Duration = Duration::from_secs(3);
/// Largest request: a chain and a key, in bytes.
const REQUEST_LIMIT: usize = 1024 * 1024;
/// Largest answer.
pub(crate) const ANSWER_LIMIT: usize = 8 * 1024 * 1024;
/// Calls of one connection at the same time.
const CALLS: u32 = 256;
/// Bundles in one portion of a list.
const PORTION: usize = 100;

/// Serves the controller at a socket until the token is cancelled; then the socket is gone.
pub async fn serve(
    socket: Socket,
    controller: Arc<dyn CaController>,
    cancellation: CancellationToken,
) -> Result<(), Error> {
    let connections = socket.connections(socket::ourselves())?;
    let service = Service {
        controller,
        ending: cancellation.clone(),
    };
    let service = CaControllerServer::new(service)
        .max_decoding_message_size(REQUEST_LIMIT)
        .max_encoding_message_size(ANSWER_LIMIT);
    let serving = tonic::transport::Server::builder()
        .timeout(LONGEST_CALL)
        .max_concurrent_streams(CALLS)
        .add_service(service)
        .serve_with_incoming_shutdown(connections, cancellation.clone().cancelled_owned());
    let too_late = async {
        cancellation.cancelled().await;
        tokio::time::sleep(ENDING).await;
    };
    tokio::select! {
        ended = serving => ended.map_err(Error::Serve),
        () = too_late => {
            tracing::warn!("calls to the CA controller did not end within {} s", ENDING.as_secs());
            Ok(())
        }
    }
}

struct Service {
    controller: Arc<dyn CaController>,
    ending: CancellationToken,
}

/// What a request says, or the status that tells all its faults.
fn taken<T>(reader: impl FnOnce(&mut Faults) -> Option<T>) -> Result<T, Status> {
    read(reader).map_err(|faults: Vec<Fault>| status::invalid(&faults))
}

/// What the controller says. If it panics, that is the end of this call only.
async fn answer<T>(call: impl Future<Output = Result<T, PortError>> + Send) -> Result<T, Status> {
    if let Ok(answer) = AssertUnwindSafe(call).catch_unwind().await {
        answer.map_err(|error| status::refused(&error))
    } else {
        tracing::error!("a call to the CA controller panicked");
        Err(status::internal())
    }
}

#[async_trait]
impl Calls for Service {
    type ListBundlesStream = BoxStream<'static, Result<v1::ListBundlesResponse, Status>>;
    type WatchStream = BoxStream<'static, Result<v1::WatchResponse, Status>>;

    async fn ensure_bundle(
        &self,
        request: Request<v1::EnsureBundleRequest>,
    ) -> Result<Response<v1::EnsureBundleResponse>, Status> {
        let wire = request.into_inner();
        let target = taken(|faults| read_target(wire.target, "target", faults))?;
        let bundle = answer(self.controller.ensure_bundle(&target)).await?;
        Ok(Response::new(v1::EnsureBundleResponse {
            bundle: Some((&bundle).into()),
        }))
    }

    async fn get_bundle(
        &self,
        request: Request<v1::GetBundleRequest>,
    ) -> Result<Response<v1::GetBundleResponse>, Status> {
        let wire = request.into_inner();
        let target = taken(|faults| read_target(wire.target, "target", faults))?;
        let bundle = answer(self.controller.get_bundle(&target)).await?;
        Ok(Response::new(v1::GetBundleResponse {
            bundle: Some((&bundle).into()),
        }))
    }

    async fn list_bundles(
        &self,
        request: Request<v1::ListBundlesRequest>,
    ) -> Result<Response<Self::ListBundlesStream>, Status> {
        let wire = request.into_inner();
        let cloud = taken(|faults| read_cloud(wire.cloud, "cloud", faults))?;
        let bundles = answer(self.controller.list_bundles(&cloud)).await?;
        let portions = stream::iter(bundles).chunks(PORTION).map(|portion| {
            let bundles = portion.iter().map(Into::into).collect();
            Ok(v1::ListBundlesResponse { bundles })
        });
        Ok(Response::new(portions.boxed()))
    }

    async fn release(
        &self,
        request: Request<v1::ReleaseRequest>,
    ) -> Result<Response<v1::ReleaseResponse>, Status> {
        let wire = request.into_inner();
        let (target, by) = taken(|faults| {
            let target = read_target(wire.target, "target", faults);
            let by = read_requester(wire.requester, "requester", faults);
            target.zip(by)
        })?;
        answer(self.controller.release(&target, &by)).await?;
        Ok(Response::new(v1::ReleaseResponse {}))
    }

    async fn get_authority(
        &self,
        request: Request<v1::GetAuthorityRequest>,
    ) -> Result<Response<v1::GetAuthorityResponse>, Status> {
        let wire = request.into_inner();
        let scope = taken(|faults| read_scope(wire.scope, "scope", faults))?;
        let authority = answer(self.controller.show(&scope)).await?;
        Ok(Response::new(v1::GetAuthorityResponse {
            authority: Some((&authority).into()),
        }))
    }

    async fn start_rotation(
        &self,
        request: Request<v1::StartRotationRequest>,
    ) -> Result<Response<v1::StartRotationResponse>, Status> {
        let wire = request.into_inner();
        let (rotation, by) = taken(|faults| convert::read_start(wire, faults))?;
        let state = answer(self.controller.start_rotation(&rotation, &by)).await?;
        Ok(Response::new(v1::StartRotationResponse {
            rotation: Some((&state).into()),
        }))
    }

    async fn get_rotation(
        &self,
        request: Request<v1::GetRotationRequest>,
    ) -> Result<Response<v1::GetRotationResponse>, Status> {
        let wire = request.into_inner();
        let cloud = taken(|faults| read_cloud(wire.cloud, "cloud", faults))?;
        let state = answer(self.controller.get_rotation(&cloud)).await?;
        Ok(Response::new(v1::GetRotationResponse {
            rotation: Some((&state).into()),
        }))
    }

    async fn abort_rotation(
        &self,
        request: Request<v1::AbortRotationRequest>,
    ) -> Result<Response<v1::AbortRotationResponse>, Status> {
        let wire = request.into_inner();
        let (cloud, by) = taken(|faults| {
            let cloud = read_cloud(wire.cloud, "cloud", faults);
            let by = read_requester(wire.requester, "requester", faults);
            cloud.zip(by)
        })?;
        let state = answer(self.controller.abort_rotation(&cloud, &by)).await?;
        Ok(Response::new(v1::AbortRotationResponse {
            rotation: Some((&state).into()),
        }))
    }

    async fn revoke(
        &self,
        request: Request<v1::RevokeRequest>,
    ) -> Result<Response<v1::RevokeResponse>, Status> {
        let wire = request.into_inner();
        let (target, by) = taken(|faults| {
            let target = read_target(wire.target, "target", faults);
            let by = read_requester(wire.requester, "requester", faults);
            target.zip(by)
        })?;
        let bundle = answer(self.controller.revoke(&target, &by)).await?;
        Ok(Response::new(v1::RevokeResponse {
            bundle: Some((&bundle).into()),
        }))
    }

    async fn report_evidence(
        &self,
        request: Request<v1::ReportEvidenceRequest>,
    ) -> Result<Response<v1::ReportEvidenceResponse>, Status> {
        let wire = request.into_inner();
        let evidence = taken(|faults| convert::read_evidence(wire, faults))?;
        answer(self.controller.report_evidence(&evidence)).await?;
        Ok(Response::new(v1::ReportEvidenceResponse {}))
    }

    async fn watch(
        &self,
        _: Request<v1::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        // Before the answer: whoever has it misses nothing from now on.
        let hints = self.controller.watch();
        let hints = hints.map(|hint| Ok(convert::change(&hint)));
        let until = self.ending.clone().cancelled_owned();
        Ok(Response::new(hints.take_until(until).boxed()))
    }

    async fn request_authority(
        &self,
        request: Request<v1::RequestAuthorityRequest>,
    ) -> Result<Response<v1::RequestAuthorityResponse>, Status> {
        let wire = request.into_inner();
        let (scope, by) = taken(|faults| {
            let scope = read_scope(wire.scope, "scope", faults);
            let by = read_requester(wire.requester, "requester", faults);
            scope.zip(by)
        })?;
        let request = answer(self.controller.authority_request(&scope, &by)).await?;
        Ok(Response::new((&request).into()))
    }

    async fn install_signed(
        &self,
        request: Request<v1::InstallSignedRequest>,
    ) -> Result<Response<v1::InstallSignedResponse>, Status> {
        let wire = request.into_inner();
        let (signed, by) = taken(|faults| convert::read_install(wire, faults))?;
        let authority = answer(self.controller.install_signed(&signed, &by)).await?;
        Ok(Response::new(v1::InstallSignedResponse {
            authority: Some((&authority).into()),
        }))
    }

    async fn import_authority(
        &self,
        request: Request<v1::ImportAuthorityRequest>,
    ) -> Result<Response<v1::ImportAuthorityResponse>, Status> {
        let wire = request.into_inner();
        let (import, by) = taken(|faults| convert::read_import(wire, faults))?;
        let authority = answer(self.controller.import(import, &by)).await?;
        Ok(Response::new(v1::ImportAuthorityResponse {
            authority: Some((&authority).into()),
        }))
    }

    async fn verify_audit(
        &self,
        request: Request<v1::VerifyAuditRequest>,
    ) -> Result<Response<v1::VerifyAuditResponse>, Status> {
        let wire = request.into_inner();
        let scope = taken(|faults| read_scope(wire.scope, "scope", faults))?;
        let report = answer(self.controller.verify_audit(&scope)).await?;
        Ok(Response::new((&report).into()))
    }
}
