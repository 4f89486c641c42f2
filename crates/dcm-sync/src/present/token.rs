//! The token of one user: asked for once the service account is there, for exactly that account.

use dcm_cluster::TokenRequest;

use super::Present;
use super::certificate::{issuer, refused};
use crate::credentials::Credential;
use crate::error::Error;
use crate::render;

/// Gets a token where one is due.
pub(super) async fn obtain(
    present: &Present<'_>,
    credential: &mut Credential,
) -> Result<(), Error> {
    let Some(name) = credential.account() else {
        return Ok(());
    };
    let account = render::account_place(name);
    let outcome = present
        .outcomes
        .iter()
        .find(|outcome| outcome.place == account && outcome.is_ready());
    let Some(live) = outcome.and_then(|outcome| outcome.live.as_ref()) else {
        return Ok(());
    };
    let uid = live.uid().to_owned();
    credential.drop_dead_token(&uid);
    if !credential.needs_token(&uid, present.context.clock.now()) {
        return Ok(());
    }
    let request = TokenRequest {
        account,
        uid: uid.clone(),
        seconds: present.context.config.token_life.get().as_secs(),
    };
    match present.run.calls().request_token(request).await {
        Ok(given) => credential.take_token(&given, &uid, &issuer(present)),
        Err(error) => refused(credential, error),
    }
}
