//! Tokens of service accounts: when another one is due (pure), and taking one.

use dcm_cluster::IssuedToken;
use dcm_pki::kubeconfig::TenantAuthentication;
use dcm_pki::verify_token;
use dcm_types::Timestamp;
use dcm_types::documents::{CredentialKind, Proof};
use dcm_types::member_name;
use dcm_types::sealed::Purpose;

use super::{Credential, CredentialState, Issuer, is_due};
use crate::error::Error;

impl Credential {
    /// The name of the user's service account; `None` when the user has a certificate.
    pub(crate) fn account(&self) -> Option<String> {
        (self.access.credential == CredentialKind::ServiceAccount)
            .then(|| member_name::service_account(self.access.user.as_str(), &self.access.identity))
    }

    /// Whether a token must be asked for, given the uid of the account as it stands in the member.
    pub(crate) fn needs_token(&self, account_uid: &str, now: Timestamp) -> bool {
        self.access.credential == CredentialKind::ServiceAccount
            && (is_due(&self.access, now) || !self.is_bound_to(account_uid))
    }

    fn is_bound_to(&self, uid: &str) -> bool {
        let current = self.access.current.as_ref().map(|current| &current.proof);
        matches!(current, Some(Proof::Token { account_uid }) if account_uid == uid)
    }

    /// A token of an account that was deleted opens nothing any more: it is not handed out, either.
    pub(crate) fn drop_dead_token(&mut self, account_uid: &str) {
        if self.access.current.is_some() && !self.is_bound_to(account_uid) {
            self.access.last_epoch = self.access.latest_epoch();
            self.access.current = None;
            self.dirty = true;
            self.state = CredentialState::Waiting("TokenRequested");
        }
    }

    /// Takes a token, or says why it is refused.
    pub(crate) fn take_token(
        &mut self,
        given: &IssuedToken,
        account_uid: &str,
        issuer: &Issuer<'_>,
    ) -> Result<(), Error> {
        let Some(account) = self.account() else {
            return Ok(());
        };
        let subject = member_name::service_account_subject(&account);
        let mut validity = match verify_token(&given.token, &subject, account_uid, issuer.now) {
            Ok(validity) => validity,
            Err(mismatch) => {
                let message = mismatch.to_string();
                tracing::warn!(member = %self.access.target, message, "token refused");
                self.block("TokenMismatch", message);
                return Ok(());
            }
        };
        // What ends first counts.
        validity.not_after = validity.not_after.min(given.expires_at);
        let epoch = self.access.latest_epoch() + 1;
        let authentication = TenantAuthentication::Token(given.token.clone());
        let kubeconfig = issuer.kubeconfig(self, authentication).to_json();
        let purpose = Purpose::TenantKubeconfig;
        let kubeconfig = self.seal(issuer.vault, purpose, "kubeconfig", epoch, &kubeconfig)?;
        let proof = Proof::Token {
            account_uid: account_uid.to_owned(),
        };
        self.accept(epoch, proof, validity, kubeconfig);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use dcm_types::documents::{IssuedCredential, RevisionUser};
    use dcm_types::ports::Randomness;
    use dcm_types::{Sealed, TargetKey, Uid, UserName};

    use super::*;

    struct Zero;

    impl Randomness for Zero {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(0);
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn robot() -> Credential {
        let revision = crate::render::fixtures::revision(
            "11111111-1111-4111-8111-111111111111",
            dcm_types::documents::Isolation::Open,
        );
        let target = TargetKey {
            cloud: revision.cloud,
            cluster: revision.members[0].cluster.clone(),
        };
        let user = RevisionUser {
            uid: Uid::from_random([4; 16]),
            name: UserName::parse("robot").unwrap(),
            identity: "dcm:0".to_owned(),
            credential: CredentialKind::ServiceAccount,
        };
        let mut credential =
            Credential::load(&target, revision.cloud_uid, &user, None, &Zero, at(0));
        credential.access.current = Some(IssuedCredential {
            epoch: 5,
            proof: Proof::Token {
                account_uid: "u1".to_owned(),
            },
            not_before: at(0),
            not_after: at(900),
            kubeconfig: Sealed(String::new()),
            usable: true,
        });
        credential.state = CredentialState::Current;
        credential
    }

    #[test]
    fn a_token_is_due_after_a_third_and_when_its_account_is_another() {
        let robot = robot();
        assert!(!robot.needs_token("u1", at(299)));
        assert!(robot.needs_token("u1", at(300)));
        assert!(robot.needs_token("u2", at(0)));
        assert!(robot.needs_token("", at(0)));
    }

    #[test]
    fn a_token_whose_account_is_gone_is_dropped_and_epochs_grow_on() {
        let mut robot = robot();
        robot.drop_dead_token("u1");
        assert!(!robot.dirty && robot.access.current.is_some());
        robot.drop_dead_token("u2");
        assert!(robot.dirty && robot.access.current.is_none());
        assert_eq!(robot.access.latest_epoch(), 5);
        assert_eq!(robot.state, CredentialState::Waiting("TokenRequested"));
    }
}
