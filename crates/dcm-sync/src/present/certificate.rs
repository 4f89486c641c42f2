//! The certificate of one user: request, comparison, approval, and what the signer gave (T20, T23).

use dcm_types::documents::PendingCertificate;

use super::Present;
use crate::credentials::{
    Credential, CredentialState, RequestState, approved, issue, request_state,
};
use crate::error::Error;
use crate::render;
use dcm_cluster::{CallError, CallErrorKind, Object, Place, Resource};

fn place(pending: &PendingCertificate) -> Place {
    Place {
        resource: Resource::CertificateSigningRequest,
        namespace: None,
        name: pending.request_name.clone(),
    }
}

/// Moves a pending certificate on as far as it goes without waiting.
pub(super) async fn obtain(
    present: &Present<'_>,
    credential: &mut Credential,
) -> Result<(), Error> {
    let Some(pending) = credential.access.pending.clone() else {
        return Ok(());
    };
    let request = match present.observed.objects.get(&place(&pending)) {
        Some(request) => Some(request.clone()),
        None => request(present, credential, &pending).await?,
    };
    match request {
        Some(request) => take_in(present, credential, &request).await,
        None => Ok(()),
    }
}

/// POSTs the request. If its name is taken, reads what is there; it may be our own, answered but lost.
async fn request(
    present: &Present<'_>,
    credential: &mut Credential,
    pending: &PendingCertificate,
) -> Result<Option<Object>, Error> {
    let seconds = present.context.config.certificate_life.get().as_secs();
    let object = render::certificate_request(&present.inputs.revision, pending, seconds);
    let calls = present.run.calls();
    match calls.create(&object).await {
        Ok(request) => {
            present.run.member.learn(&request);
            Ok(Some(request))
        }
        Err(error) if error.kind == CallErrorKind::AlreadyExists => {
            Ok(calls.get(place(pending)).await?)
        }
        Err(error) => refused(credential, error).map(|()| None),
    }
}

/// Acts on a request as read: approves it if it is byte for byte ours, takes the certificate if it is
/// there, gives the name up if it is somebody else's.
pub(super) async fn take_in(
    present: &Present<'_>,
    credential: &mut Credential,
    request: &Object,
) -> Result<(), Error> {
    let Some(pending) = credential.access.pending.clone() else {
        return Ok(());
    };
    let context = present.context;
    match request_state(request, &pending, &present.run.member.user_name) {
        RequestState::Planted => {
            tracing::warn!(member = %present.run.subject, request = pending.request_name, "the certificate request in the cluster is not ours; its name is given up");
            credential.abandon("RequestReplaced");
            Ok(())
        }
        RequestState::Refused(message) => {
            if credential.access.current.is_none() {
                credential.state = CredentialState::Blocked("CertificateRefused", message);
            }
            Ok(())
        }
        RequestState::Unapproved => {
            let approval = approved(request, context.clock.now());
            match present.run.calls().approve(approval).await {
                Ok(request) => {
                    present.run.member.learn(&request);
                    wait(credential, "WaitsForSigner");
                    Ok(())
                }
                Err(error) => refused(credential, error),
            }
        }
        RequestState::Approved => {
            wait(credential, "WaitsForSigner");
            Ok(())
        }
        RequestState::Issued(pem) => {
            present.run.member.learn(request);
            let namespace = present.inputs.revision.slice.namespace.as_str();
            let now = context.clock.now();
            issue(
                credential,
                &pem,
                namespace,
                &present.run.member,
                &context.vault,
                now,
            )
        }
    }
}

fn wait(credential: &mut Credential, reason: &'static str) {
    if credential.access.current.is_none() {
        credential.state = CredentialState::Waiting(reason);
    }
}

/// A refusal of the member that concerns the request only.
fn refused(credential: &mut Credential, error: CallError) -> Result<(), Error> {
    if !error.concerns_object_only() {
        return Err(error.into());
    }
    if credential.access.current.is_none() {
        credential.state = match error.kind {
            CallErrorKind::Forbidden => CredentialState::Blocked("Forbidden", error.message),
            _ => CredentialState::Waiting("RequestChangedMeanwhile"),
        };
    }
    Ok(())
}
