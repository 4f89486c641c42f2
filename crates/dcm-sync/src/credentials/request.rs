//! The certificate of a user who keeps their key: for the request that they gave, and for no other.

use dcm_types::documents::{Access, CredentialKind, Proof};

use super::Credential;

/// Reason while somebody who keeps their key gave no request for who they are now.
pub(crate) const WAITS_FOR_REQUEST: &str = "WaitsForSigningRequest";

/// Whether the certificate in force is for another key than that of the request.
pub(crate) fn is_for_another_key(access: &Access, given: &str) -> bool {
    let Some(current) = &access.current else {
        return false;
    };
    let Proof::Certificate {
        certificate_pem, ..
    } = &current.proof
    else {
        return true;
    };
    let given = dcm_pki::parse_request(given).ok();
    given.map(|given| given.public_key_der) != dcm_pki::certificate_public_key(certificate_pem)
}

impl Credential {
    /// Whether its holder keeps the key.
    pub(crate) fn keeps_key(&self) -> bool {
        self.access.credential == CredentialKind::SigningRequest
    }

    /// Gives up a request that is not the one that was given since: nobody may hold its key any more.
    pub(crate) fn follow(&mut self, given: Option<&str>) {
        let pending = self.access.pending.as_ref();
        if self.keeps_key() && pending.is_some_and(|sent| given != Some(sent.request_pem.as_str()))
        {
            self.abandon("CertificateRequested");
        }
    }

    /// Says what its holder must do.
    pub(crate) fn wait_for_request(&mut self) {
        let message = format!(
            "waiting for a signing request of user {} with the subject CN={}",
            self.access.user, self.access.identity
        );
        self.block(WAITS_FOR_REQUEST, message);
    }
}
