//! Taking an issued certificate: checked against our key, our name and the cluster's own authorities,
//! sealed together with its kubeconfig.

use dcm_pki::kubeconfig::{TenantAuthentication, TenantKubeconfig};
use dcm_pki::{Mismatch, UserKey, parse_request, verify_issued, verify_issuer};
use dcm_store::Vault;
use dcm_store::vault::Place as SealedPlace;
use dcm_types::documents::{PendingCertificate, Proof};
use dcm_types::sealed::Purpose;
use dcm_types::{Document as _, NamespaceName, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};

use super::Credential;
use crate::error::Error;
use crate::member::Member;

/// What a certificate or a token is taken with.
pub(crate) struct Issuer<'a> {
    pub(crate) member: &'a Member,
    /// The namespace of the cloud.
    pub(crate) namespace: &'a NamespaceName,
    pub(crate) vault: &'a Vault,
    pub(crate) now: Timestamp,
}

impl Issuer<'_> {
    /// The user's way into the member.
    pub(super) fn kubeconfig(
        &self,
        credential: &Credential,
        authentication: TenantAuthentication,
    ) -> TenantKubeconfig {
        let member = &self.member.credential;
        TenantKubeconfig {
            context: format!(
                "{}@{}",
                credential.access.target.cloud.cloud, self.member.key
            ),
            server: member.server.to_string(),
            certificate_authority_pem: member.certificate_authority_pem.clone(),
            tls_server_name: member.tls_server_name.clone(),
            user: credential.access.user.to_string(),
            authentication,
            namespace: self.namespace.to_string(),
        }
    }
}

/// Takes the certificate of the pending request, or says why it is refused (T23). `authorities` are
/// those from which the cluster takes client certificates; `None`: it does not tell.
pub(crate) fn issue(
    credential: &mut Credential,
    certificate_pem: &str,
    issuer: &Issuer<'_>,
    authorities: Option<&str>,
) -> Result<(), Error> {
    let Some(pending) = credential.access.pending.clone() else {
        return Ok(());
    };
    let key_pem = open_key(credential, &pending, issuer.vault)?;
    let verdict = verify_issued(
        certificate_pem,
        &public_key(&pending, key_pem.as_ref())?,
        &credential.access.identity,
        issuer.now,
    )
    .and_then(|validity| {
        authorities.map_or(Ok(()), |known| verify_issuer(certificate_pem, known))?;
        Ok(validity)
    });
    let validity = match verdict {
        Ok(validity) => validity,
        Err(mismatch) => {
            refuse(credential, &mismatch, issuer.now);
            return Ok(());
        }
    };
    let seal = |purpose, field, plain: &SecretString| {
        credential.seal(issuer.vault, purpose, field, pending.epoch, plain)
    };
    let authentication = TenantAuthentication::Certificate {
        certificate_pem: certificate_pem.to_owned(),
        key_pem: key_pem.clone(),
    };
    let kubeconfig = issuer.kubeconfig(credential, authentication).to_json();
    let proof = Proof::Certificate {
        certificate_pem: certificate_pem.to_owned(),
        key: key_pem
            .map(|key_pem| seal(Purpose::UserKey, "key", &key_pem))
            .transpose()?,
    };
    let kubeconfig = seal(Purpose::TenantKubeconfig, "kubeconfig", &kubeconfig)?;
    credential.accept(pending.epoch, proof, validity, kubeconfig);
    Ok(())
}

/// A certificate stands in its request for good: once the cluster is about to forget that, another
/// request is made.
fn refuse(credential: &mut Credential, mismatch: &Mismatch, now: Timestamp) {
    let reason = match mismatch {
        // Nobody meddled: the clocks differ.
        Mismatch::NotYetValid { .. } | Mismatch::Expired { .. } => mismatch.category(),
        _ => "CertificateMismatch",
    };
    let message = mismatch.to_string();
    tracing::warn!(member = %credential.access.target, reason, message, "certificate refused");
    if credential.is_outlived(now) {
        credential.abandon(reason);
    }
    credential.block(reason, message);
}

/// The key that the certificate must be for: of the private key that we hold, or that of the request whose
/// holder keeps it.
fn public_key(
    pending: &PendingCertificate,
    key_pem: Option<&SecretString>,
) -> Result<Vec<u8>, Error> {
    let key = match key_pem {
        Some(key_pem) => UserKey::from_pem(key_pem).map(|key| key.public_key_der()),
        None => parse_request(&pending.request_pem).map(|request| request.public_key_der),
    };
    key.map_err(|source| Error::Key {
        what: "key of the user",
        source,
    })
}

/// `None`: only its holder has it.
fn open_key(
    credential: &Credential,
    pending: &PendingCertificate,
    vault: &Vault,
) -> Result<Option<SecretString>, Error> {
    let Some(sealed) = &pending.key else {
        return Ok(None);
    };
    let key = credential.access.key();
    let place = SealedPlace {
        key: &key,
        uid: credential.access.uid,
        field: "pending-key",
        epoch: pending.epoch,
    };
    let plain = vault
        .unseal(Purpose::UserKey, &place, sealed)
        .map_err(|source| Error::Vault {
            what: "key of the user",
            source,
        })?;
    let text = std::str::from_utf8(plain.expose_secret()).map_err(|_| Error::Credential {
        what: "key of the user",
    })?;
    Ok(Some(SecretString::from(text)))
}
