//! Credentials of users in a member: what to ask for (pure), the request (T20, T21), the certificate, the
//! token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dcm_pki::{UserKey, Validity};
use dcm_store::Vault;
use dcm_store::vault::Place as SealedPlace;
use dcm_types::documents::{
    Access, CredentialKind, IssuedCredential, PendingCertificate, Proof, RevisionUser,
};
use dcm_types::ports::Randomness;
use dcm_types::sealed::Purpose;
use dcm_types::{Document as _, Sealed, TargetKey, Timestamp, Uid, member_name};
use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::error::Error;
use crate::render;
use dcm_cluster::Object;

mod issue;
mod request;
mod token;

pub(crate) use issue::{Issuer, issue};
pub(crate) use request::is_for_another_key;

/// A user's credential during a run.
pub(crate) struct Credential {
    pub(crate) access: Access,
    /// Version under which the document was read; `None` when it is new.
    pub(crate) version: Option<u64>,
    /// Whether the document changed and must be written.
    pub(crate) dirty: bool,
    /// What there is to say about it.
    pub(crate) state: CredentialState,
    /// Why the next one does not come, while the present one is in force.
    pub(crate) hindrance: Option<(&'static str, String)>,
}

/// How long a cluster keeps a request that was answered; then it forgets it.
/// <https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/>
const REQUEST_KEPT: SignedDuration = SignedDuration::from_hours(1);

/// Where a credential stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CredentialState {
    /// It is here and valid.
    Current,
    /// A request is on its way.
    Waiting(&'static str),
    /// Somebody must do something.
    Blocked(&'static str, String),
}

/// Whether another one must be asked for: there is none, or a third of its life is over.
pub(crate) fn is_due(access: &Access, now: Timestamp) -> bool {
    access
        .current
        .as_ref()
        .is_none_or(|current| now >= renewal_at(current.not_before, current.not_after))
}

/// When a credential is renewed: after a third of its life.
pub(crate) fn renewal_at(not_before: Timestamp, not_after: Timestamp) -> Timestamp {
    let life = not_after.as_second().saturating_sub(not_before.as_second());
    Timestamp::from_second(not_before.as_second().saturating_add(life / 3)).unwrap_or(not_after)
}

impl Credential {
    /// The credential of a user, as stored or new.
    pub(crate) fn load(
        target: &TargetKey,
        cloud_uid: Uid,
        user: &RevisionUser,
        stored: Option<(Access, u64)>,
        randomness: &dyn Randomness,
        now: Timestamp,
    ) -> Self {
        let is_same = |access: &Access| {
            access.identity == user.identity
                && access.cloud_uid == cloud_uid
                && access.credential == user.credential
        };
        let (access, version, dirty) = match stored {
            Some((access, version)) if is_same(&access) => (access, Some(version), false),
            // Another identity (revoked, or another user of the same name) starts from nothing.
            other => {
                let last_epoch = other
                    .as_ref()
                    .map_or(0, |(access, _)| access.latest_epoch());
                let access = Access {
                    target: target.clone(),
                    user: user.name.clone(),
                    uid: randomness.uid(),
                    cloud_uid,
                    identity: user.identity.clone(),
                    credential: user.credential,
                    last_epoch,
                    current: None,
                    pending: None,
                };
                // What was issued to the earlier one goes, also while nothing new comes.
                let dirty = other.is_some();
                (access, other.map(|(_, version)| version), dirty)
            }
        };
        let state = match &access.current {
            Some(current) if current.not_after > now => CredentialState::Current,
            Some(_) => CredentialState::Waiting("CredentialExpired"),
            None if access.credential == CredentialKind::ServiceAccount => {
                CredentialState::Waiting("TokenRequested")
            }
            None => CredentialState::Waiting("CertificateRequested"),
        };
        Self {
            access,
            version,
            dirty,
            state,
            hindrance: None,
        }
    }

    /// Says what is being waited for, unless what is in force does meanwhile.
    pub(crate) fn wait(&mut self, reason: &'static str) {
        if self.state != CredentialState::Current {
            self.state = CredentialState::Waiting(reason);
        }
    }

    /// Says that somebody must do something; while one is in force, that is for its renewal only.
    pub(crate) fn block(&mut self, reason: &'static str, message: String) {
        if self.state == CredentialState::Current {
            self.hindrance = Some((reason, message));
        } else {
            self.state = CredentialState::Blocked(reason, message);
        }
    }

    /// Whether a certificate may come at any moment.
    pub(crate) fn is_coming(&self) -> bool {
        let refused =
            matches!(self.state, CredentialState::Blocked(..)) || self.hindrance.is_some();
        self.access.pending.is_some() && !refused
    }

    /// Whether the cluster does not remember the pending request any more, or will soon forget it.
    pub(crate) fn is_outlived(&self, now: Timestamp) -> bool {
        let pending = self.access.pending.as_ref();
        pending.is_some_and(|pending| now.duration_since(pending.requested_at) >= REQUEST_KEPT)
    }

    /// Makes key and request for the next certificate, or takes the request of whoever keeps the key; they
    /// are stored before anything is sent.
    pub(crate) fn prepare(
        &mut self,
        now: Timestamp,
        given: Option<&str>,
        vault: &Vault,
        randomness: &dyn Randomness,
    ) -> Result<(), Error> {
        let made = |source| Error::Key {
            what: "key of the user",
            source,
        };
        let epoch = self.access.latest_epoch() + 1;
        let mut random = [0; 16];
        randomness.fill(&mut random);
        let (key, request_pem) = if let Some(request_pem) = given {
            (None, request_pem.to_owned())
        } else {
            let key = UserKey::generate().map_err(made)?;
            let request_pem =
                dcm_pki::certificate_request(&key, &self.access.identity).map_err(made)?;
            let key = key.to_pem();
            let sealed = self.seal(vault, Purpose::UserKey, "pending-key", epoch, &key)?;
            (Some(sealed), request_pem)
        };
        self.access.pending = Some(PendingCertificate {
            epoch,
            request_name: member_name::certificate_request(random),
            key,
            request_pem,
            requested_at: now,
        });
        self.dirty = true;
        Ok(())
    }

    /// Gives the pending request up; the next run makes another one under another name.
    pub(crate) fn abandon(&mut self, reason: &'static str) {
        self.access.last_epoch = self.access.latest_epoch();
        self.access.pending = None;
        self.dirty = true;
        self.wait(reason);
    }

    /// Takes what was issued as the one in force.
    fn accept(&mut self, epoch: u64, proof: Proof, validity: Validity, kubeconfig: Sealed) {
        // The bindings are to the identity: what comes after something usable is usable at once.
        let current = self.access.current.as_ref();
        let usable = current.is_some_and(|current| current.usable);
        self.access.current = Some(IssuedCredential {
            epoch,
            proof,
            not_before: validity.not_before,
            not_after: validity.not_after,
            kubeconfig,
            usable,
        });
        self.access.pending = None;
        self.dirty = true;
        self.state = CredentialState::Current;
        self.hindrance = None;
    }

    fn seal(
        &self,
        vault: &Vault,
        purpose: Purpose,
        field: &'static str,
        epoch: u64,
        plain: &SecretString,
    ) -> Result<Sealed, Error> {
        let key = self.access.key();
        let place = SealedPlace {
            key: &key,
            uid: self.access.uid,
            field,
            epoch,
        };
        vault
            .seal(purpose, &place, plain.expose_secret().as_bytes())
            .map_err(|source| Error::Vault {
                what: field,
                source,
            })
    }
}

/// What a certificate signing request in the member says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RequestState {
    /// It is ours and waits for approval.
    Unapproved,
    /// It is ours, approved, and waits for the signer.
    Approved,
    /// It is ours and signed.
    Issued(String),
    /// It was denied, or the signer failed.
    Refused(String),
    /// It is not what we sent (T20): never approved, its name never used again.
    Planted,
}

/// Compares a request as read with what we sent: bytes, signer, usages, and who sent it.
pub(crate) fn request_state(
    request: &Object,
    pending: &PendingCertificate,
    user_name: &str,
) -> RequestState {
    let ours = request.text("/spec/request") == STANDARD.encode(&pending.request_pem)
        && request.text("/spec/signerName") == render::SIGNER
        && request.at("/spec/usages") == Some(&json!(render::USAGES))
        && request.text("/spec/username") == user_name;
    if !ours {
        return RequestState::Planted;
    }
    let has = |kind: &str| {
        let conditions = request.at("/status/conditions").and_then(Value::as_array);
        conditions
            .into_iter()
            .flatten()
            .find(|condition| condition["type"] == kind)
            .cloned()
    };
    for (kind, what) in [("Denied", "denied"), ("Failed", "the signer failed")] {
        if let Some(condition) = has(kind) {
            let told = condition["message"].as_str().unwrap_or_default();
            return RequestState::Refused(format!("{what}: {}", printable(told)));
        }
    }
    if has("Approved").is_none() {
        return RequestState::Unapproved;
    }
    let certificate = request.text("/status/certificate");
    if certificate.is_empty() {
        return RequestState::Approved;
    }
    match STANDARD
        .decode(certificate)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
    {
        Some(pem) => RequestState::Issued(pem),
        None => RequestState::Refused("the certificate is not PEM".to_owned()),
    }
}

/// Text from a cluster is data: printable, and bounded.
pub(crate) fn printable(text: &str) -> String {
    let printable = text
        .chars()
        .filter(|c| !dcm_types::text::is_unprintable(*c));
    printable.take(300).collect()
}

/// The request as read, with the approving condition added; it carries its resourceVersion.
pub(crate) fn approved(request: &Object, now: Timestamp) -> Object {
    let mut request = request.clone();
    let condition = json!({
        "type": "Approved", "status": "True", "reason": "LogicalCloud",
        "message": "made and compared by dcm for a user of a logical cloud",
        "lastUpdateTime": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    });
    match request
        .0
        .pointer_mut("/status/conditions")
        .and_then(Value::as_array_mut)
    {
        Some(conditions) => conditions.push(condition),
        None => request.0["status"]["conditions"] = json!([condition]),
    }
    request
}

#[cfg(test)]
mod tests;
