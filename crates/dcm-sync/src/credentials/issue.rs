//! Taking an issued certificate: checked against our key and name, sealed together with its kubeconfig.

use dcm_pki::kubeconfig::TenantKubeconfig;
use dcm_pki::{UserKey, Validity, verify_issued};
use dcm_store::Vault;
use dcm_store::vault::Place as SealedPlace;
use dcm_types::documents::{IssuedCertificate, PendingCertificate};
use dcm_types::sealed::Purpose;
use dcm_types::{Document as _, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};

use super::{Credential, CredentialState, mismatch_reason};
use crate::error::Error;
use crate::member::Member;

/// Takes the certificate of the pending request, or says why it is refused (T23).
pub(crate) fn issue(
    credential: &mut Credential,
    certificate_pem: &str,
    namespace: &str,
    member: &Member,
    vault: &Vault,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(pending) = credential.access.pending.clone() else {
        return Ok(());
    };
    let key_pem = open_key(credential, &pending, vault)?;
    let key = UserKey::from_pem(&key_pem).map_err(|source| Error::Key {
        what: "key of the user",
        source,
    })?;
    match verify_issued(certificate_pem, &key, &credential.access.identity, now) {
        Ok(validity) => take(
            credential,
            &pending,
            certificate_pem,
            validity,
            &|credential| {
                let kubeconfig = TenantKubeconfig {
                    context: format!("{}@{}", credential.access.target.cloud.cloud, member.key),
                    server: member.credential.server.to_string(),
                    certificate_authority_pem: member.credential.certificate_authority_pem.clone(),
                    tls_server_name: member.credential.tls_server_name.clone(),
                    user: credential.access.user.to_string(),
                    certificate_pem: certificate_pem.to_owned(),
                    key_pem: key_pem.clone(),
                    namespace: namespace.to_owned(),
                };
                let seal = |purpose, field, plain: &SecretString| {
                    credential.seal(vault, purpose, field, pending.epoch, plain)
                };
                let key = seal(Purpose::UserKey, "key", &key_pem)?;
                let kubeconfig = seal(
                    Purpose::TenantKubeconfig,
                    "kubeconfig",
                    &kubeconfig.to_json(),
                )?;
                Ok((key, kubeconfig))
            },
        ),
        Err(mismatch) => {
            let (reason, message) = mismatch_reason(&mismatch);
            tracing::warn!(member = %credential.access.target, reason, message, "certificate refused");
            if credential.access.current.is_none() {
                credential.state = CredentialState::Blocked(reason, message);
            }
            Ok(())
        }
    }
}

/// The sealed key and the sealed kubeconfig of a certificate.
type SealedPair = (dcm_types::Sealed, dcm_types::Sealed);

fn take(
    credential: &mut Credential,
    pending: &PendingCertificate,
    certificate_pem: &str,
    validity: Validity,
    seal: &dyn Fn(&Credential) -> Result<SealedPair, Error>,
) -> Result<(), Error> {
    let (key, kubeconfig) = seal(credential)?;
    // The bindings are to the identity, not to the certificate: a renewal is usable at once.
    let usable = credential
        .access
        .current
        .as_ref()
        .is_some_and(|current| current.usable);
    credential.access.current = Some(IssuedCertificate {
        epoch: pending.epoch,
        key,
        certificate_pem: certificate_pem.to_owned(),
        not_before: validity.not_before,
        not_after: validity.not_after,
        kubeconfig,
        usable,
    });
    credential.access.pending = None;
    credential.dirty = true;
    credential.state = CredentialState::Current;
    Ok(())
}

fn open_key(
    credential: &Credential,
    pending: &PendingCertificate,
    vault: &Vault,
) -> Result<SecretString, Error> {
    let key = credential.access.key();
    let place = SealedPlace {
        key: &key,
        uid: credential.access.uid,
        field: "pending-key",
        epoch: pending.epoch,
    };
    let plain = vault
        .unseal(Purpose::UserKey, &place, &pending.key)
        .map_err(|source| Error::Vault {
            what: "key of the user",
            source,
        })?;
    let text = std::str::from_utf8(plain.expose_secret()).map_err(|_| Error::Credential {
        what: "key of the user",
    })?;
    Ok(SecretString::from(text))
}
