//! Whether a cluster signs client certificates: a request for a name without any rights, approved by us,
//! watched until it is signed, and deleted.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dcm_pki::UserKey;
use dcm_types::Timestamp;
use dcm_types::documents::SignerState;
use dcm_types::member_name::{MANAGED_BY_LABEL, MANAGER, certificate_request};
use dcm_types::ports::Randomness;
use futures::StreamExt as _;
use serde_json::json;

use crate::credentials::approved;
use crate::render::{SIGNER, USAGES};
use dcm_cluster::call::Calls;
use dcm_cluster::{CallError, ClusterApi, Object, Place, Resource, WatchEvent};

/// How long a signer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Shortest life that the API server accepts, in seconds.
const SHORTEST: u32 = 600;
/// Label by which the request is watched.
const PROBE_LABEL: &str = "dcm.internal/probe";

/// Tries the signer.
pub(super) async fn try_it(
    api: &dyn ClusterApi,
    randomness: &dyn Randomness,
    now: Timestamp,
) -> SignerState {
    match attempt(api, randomness, now).await {
        Ok(true) => SignerState::Works,
        Ok(false) => SignerState::Silent,
        Err(error) => {
            tracing::debug!(%error, "cannot try the signer");
            SignerState::Unknown
        }
    }
}

async fn attempt(
    api: &dyn ClusterApi,
    randomness: &dyn Randomness,
    now: Timestamp,
) -> Result<bool, CallError> {
    let calls = Calls(api);
    let Some(request) = request(randomness) else {
        return Ok(false);
    };
    let made = calls.create(&request).await?;
    let selector = format!("{PROBE_LABEL}={}", request.name());
    let mut events = api
        .watch(
            Resource::CertificateSigningRequest,
            &selector,
            made.resource_version(),
        )
        .await?;
    let mut latest = calls.approve(approved(&made, now)).await?;
    let signed = tokio::time::timeout(PATIENCE, async {
        while let Some(Ok(event)) = events.next().await {
            if let WatchEvent::Upsert(object) = event {
                latest = object.with("kind", json!("CertificateSigningRequest"));
                if !latest.text("/status/certificate").is_empty() {
                    return true;
                }
            }
        }
        false
    })
    .await
    .unwrap_or(false);
    calls.delete(&latest).await?;
    Ok(signed)
}

/// A request for a common name that nothing is bound to.
fn request(randomness: &dyn Randomness) -> Option<Object> {
    let mut random = [0; 16];
    randomness.fill(&mut random);
    let name = certificate_request(random).replacen("dcm-", "dcm-probe-", 1);
    let key = UserKey::generate().ok()?;
    let pem = dcm_pki::certificate_request(&key, &format!("dcm:probe:{}", &name[10..])).ok()?;
    let place = Place {
        resource: Resource::CertificateSigningRequest,
        namespace: None,
        name: name.clone(),
    };
    let labels = json!({ MANAGED_BY_LABEL: MANAGER, PROBE_LABEL: name });
    Some(Object::new(&place, &labels).with(
        "spec",
        json!({
            "request": STANDARD.encode(pem), "signerName": SIGNER,
            "expirationSeconds": SHORTEST, "usages": USAGES,
        }),
    ))
}
