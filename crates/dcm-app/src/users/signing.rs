//! Users who keep their key: they give a certificate signing request, for exactly who they are in the
//! members. A cluster signs the subject that stands in it, so none but that is ever taken.

use dcm_pki::{ClientRequest, check_request};
use dcm_types::documents::{CredentialKind, User};
use dcm_types::drafts::UserDraft;
use dcm_types::member_name::user_identity;
use dcm_types::{CloudKey, Fault, Uid, Violation};
use sha2::{Digest as _, Sha256};

use crate::{App, Error, Principal};

/// The field that holds the request.
const FIELD: &str = "spec.csr";

/// Who the users of a logical cloud are in its members.
#[derive(Debug, Clone, Copy)]
pub struct Identities {
    project: Uid,
    cloud: Uid,
}

impl Identities {
    /// The common name of a user's certificate.
    pub fn of(&self, user: &User) -> String {
        let generation = user.identity_generation;
        user_identity(self.project, self.cloud, user.uid, generation)
    }
}

impl App {
    /// Who the users of a logical cloud are in its members.
    pub async fn identities(&self, _who: &Principal, key: &CloudKey) -> Result<Identities, Error> {
        let cloud = self.require_cloud(key).await?.document.uid;
        let project = self.require_project(&key.project).await?.document.uid;
        Ok(Identities { project, cloud })
    }
}

/// Who a user is was not known before they were created: no request can be for them yet.
pub(super) fn refuse_early(draft: &UserDraft) -> Result<(), Error> {
    if draft.signing_request.is_none() {
        return Ok(());
    }
    let violation = Violation::hidden("cannot be given for a user who does not exist yet")
        .hint("create the user of type signing-request without it; status.commonName then says what its subject must be");
    Err(Error::invalid(vec![violation.at(FIELD)]))
}

/// The request of a user who is there, as it is kept. A draft without one keeps it.
pub(super) fn taken(
    draft: &UserDraft,
    found: &User,
    identities: Identities,
) -> Result<Option<String>, Error> {
    if draft.credential != CredentialKind::SigningRequest {
        return Ok(None);
    }
    let Some(text) = &draft.signing_request else {
        return Ok(found.signing_request.clone());
    };
    match checked(text, found, &identities.of(found)) {
        Ok(request) => Ok(Some(request.pem)),
        Err(fault) => Err(Error::invalid(vec![fault])),
    }
}

fn checked(text: &str, user: &User, identity: &str) -> Result<ClientRequest, Fault> {
    let request = check_request(text).map_err(|rule| {
        Violation::hidden(rule)
            .hint("give a certificate request (PKCS#10) as PEM, such as `openssl req -new` writes")
            .at(FIELD)
    })?;
    if !request.is_for(identity) {
        let rule = format!("must have exactly the subject CN={identity}, and no O or other part");
        return Err(Violation::hidden(rule)
            .hint("a revocation changes it; it stands in status.commonName of the user")
            .at(FIELD));
    }
    if user.revoked_key == Some(digest(&request.public_key_der)) {
        return Err(
            Violation::hidden("must be for another key than the one that was revoked")
                .hint("make a new key")
                .at(FIELD),
        );
    }
    Ok(request)
}

/// The user after a revocation: what they gave was for who they were, and its key is not taken again.
pub(crate) fn revoked(user: User) -> User {
    let given = user.signing_request.as_deref().map(check_request);
    let key = given.and_then(Result::ok);
    User {
        revoked_key: key.map_or(user.revoked_key, |key| Some(digest(&key.public_key_der))),
        signing_request: None,
        ..user
    }
}

fn digest(public_key_der: &[u8]) -> String {
    hex::encode(Sha256::digest(public_key_der))
}
