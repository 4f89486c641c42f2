//! The certificate of one user: request, comparison, approval, and what the signer gave (T20, T23).

use dcm_types::documents::PendingCertificate;

use super::Present;
use crate::credentials::{Credential, Issuer, RequestState, approved, issue, request_state};
use crate::error::Error;
use crate::render;
use dcm_cluster::{CallError, CallErrorKind, Object, Place, Resource};

pub(super) fn place(pending: &PendingCertificate) -> Place {
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
            // Once the cluster is about to forget the request, another one is made.
            if credential.is_outlived(context.clock.now()) {
                credential.abandon("CertificateRequested");
            } else {
                credential.block("CertificateRefused", message);
            }
            Ok(())
        }
        RequestState::Unapproved => {
            let approval = approved(request, context.clock.now());
            match present.run.calls().approve(approval).await {
                Ok(request) => {
                    present.run.member.learn(&request);
                    credential.wait("WaitsForSigner");
                    Ok(())
                }
                Err(error) => refused(credential, error),
            }
        }
        RequestState::Approved => {
            credential.wait("WaitsForSigner");
            Ok(())
        }
        RequestState::Issued(pem) => {
            present.run.member.learn(request);
            take(present, credential, &pem).await
        }
    }
}

async fn take(
    present: &Present<'_>,
    credential: &mut Credential,
    certificate_pem: &str,
) -> Result<(), Error> {
    let member = &present.run.member;
    let authorities = member.client_authorities(&present.run.calls()).await?;
    issue(
        credential,
        certificate_pem,
        &issuer(present),
        authorities.as_deref(),
    )?;
    if credential.access.pending.is_some() {
        // It was refused; perhaps because the cluster changed its authorities.
        member.forget_authorities();
    }
    Ok(())
}

pub(super) fn issuer<'a>(present: &'a Present<'_>) -> Issuer<'a> {
    Issuer {
        member: &present.run.member,
        namespace: &present.inputs.revision.slice.namespace,
        vault: &present.context.vault,
        now: present.context.clock.now(),
    }
}

/// A refusal of the member that concerns the request only.
pub(super) fn refused(credential: &mut Credential, error: CallError) -> Result<(), Error> {
    if !error.concerns_object_only() {
        return Err(error.into());
    }
    match error.kind {
        CallErrorKind::Forbidden => credential.block("Forbidden", error.message),
        CallErrorKind::Invalid => credential.block("Invalid", error.message),
        _ => credential.wait("RequestChangedMeanwhile"),
    }
    Ok(())
}
