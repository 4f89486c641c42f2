//! Users who keep their key: which requests are taken, and until when.

use dcm_app::{Error, Precondition};
use dcm_pki::{UserKey, certificate_request};
use dcm_types::documents::{CredentialKind, User};
use dcm_types::drafts::UserDraft;
use dcm_types::ports::Nudge;
use dcm_types::{CloudKey, Kind, UserName};

use crate::world::{World, cloud_key, user_draft, who};

on_every_store!(
    a_request_is_taken_for_exactly_who_the_user_is,
    a_request_of_a_user_who_does_not_exist_yet_is_refused,
    a_revocation_ends_the_request_and_its_key,
    another_type_of_user_has_no_request,
);

fn ann() -> UserName {
    UserName::parse("ann").unwrap()
}

fn draft(request: Option<&str>) -> UserDraft {
    UserDraft {
        credential: CredentialKind::SigningRequest,
        signing_request: request.map(str::to_owned),
        ..user_draft("ann", "")
    }
}

async fn prepared(world: &World) -> CloudKey {
    world.project("p").await;
    let key = cloud_key("p", "lc");
    world.cloud(&key).await;
    let app = &world.app;
    app.create_user(&who(), &key, draft(None)).await.unwrap();
    key
}

async fn user(world: &World, key: &CloudKey) -> User {
    let found = world.app.get_user(&who(), key, &ann()).await;
    found.unwrap().document
}

async fn identity(world: &World, key: &CloudKey) -> String {
    let identities = world.app.identities(&who(), key).await.unwrap();
    identities.of(&user(world, key).await)
}

async fn put(world: &World, key: &CloudKey, draft: UserDraft) -> Result<User, Error> {
    let app = &world.app;
    let written = app
        .put_user(&who(), key, &ann(), draft, Precondition::None)
        .await?;
    Ok(written.saved.document)
}

/// What a refusal says of the request.
fn told(refused: Result<User, Error>) -> String {
    let error = refused.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid);
    assert_eq!(error.faults.len(), 1, "{error:?}");
    let fault = error.faults.first().unwrap();
    assert_eq!(fault.field, "spec.csr");
    fault.to_string()
}

async fn a_request_is_taken_for_exactly_who_the_user_is(world: World) {
    let key = prepared(&world).await;
    let name = identity(&world, &key).await;
    let mine = UserKey::generate().unwrap();
    let other = certificate_request(&mine, "dcm:other").unwrap();
    let refused = told(put(&world, &key, draft(Some(&other))).await);
    assert!(refused.contains(&format!("subject CN={name}")), "{refused}");
    let refused = told(put(&world, &key, draft(Some("x"))).await);
    assert!(refused.contains("PEM"), "{refused}");
    assert_eq!(user(&world, &key).await.signing_request, None);

    world.synchronizer.nudges();
    let request = certificate_request(&mine, &name).unwrap();
    let around = format!("a remark\n{request}");
    let taken = put(&world, &key, draft(Some(&around))).await.unwrap();
    assert_eq!(taken.signing_request.as_ref(), Some(&request));
    assert_eq!(world.synchronizer.nudges(), [Nudge::Cloud(key.clone())]);
    // What does not mention it keeps it.
    let described = UserDraft {
        metadata: user_draft("ann", "later").metadata,
        ..draft(None)
    };
    let kept = put(&world, &key, described).await.unwrap();
    assert_eq!(kept.signing_request, Some(request));
}

async fn a_request_of_a_user_who_does_not_exist_yet_is_refused(world: World) {
    let key = prepared(&world).await;
    let app = &world.app;
    app.delete_user(&who(), &key, &ann(), Precondition::None)
        .await
        .unwrap();
    let request = certificate_request(&UserKey::generate().unwrap(), "dcm:x").unwrap();
    let refused = told(put(&world, &key, draft(Some(&request))).await);
    assert!(refused.contains("does not exist yet"), "{refused}");
    let created = app.create_user(&who(), &key, draft(Some(&request))).await;
    let refused = told(created.map(|saved| saved.document));
    assert!(refused.contains("status.commonName"), "{refused}");
}

async fn a_revocation_ends_the_request_and_its_key(world: World) {
    let key = prepared(&world).await;
    let stolen = UserKey::generate().unwrap();
    let before = identity(&world, &key).await;
    let request = certificate_request(&stolen, &before).unwrap();
    put(&world, &key, draft(Some(&request))).await.unwrap();
    // Twice: nothing was given in between, and the key is still the one that was revoked.
    for _ in 0..2 {
        let revoked = world
            .app
            .revoke_user(&who(), &key, &ann(), Precondition::None)
            .await;
        revoked.unwrap();
    }
    assert_eq!(user(&world, &key).await.signing_request, None);
    let after = identity(&world, &key).await;
    assert_ne!(before, after);
    let refused = told(put(&world, &key, draft(Some(&request))).await);
    assert!(
        refused.contains(&format!("subject CN={after}")),
        "{refused}"
    );
    let again = certificate_request(&stolen, &after).unwrap();
    let refused = told(put(&world, &key, draft(Some(&again))).await);
    assert!(refused.contains("another key"), "{refused}");
    let new = certificate_request(&UserKey::generate().unwrap(), &after).unwrap();
    let taken = put(&world, &key, draft(Some(&new))).await.unwrap();
    assert_eq!(taken.signing_request, Some(new));
}

async fn another_type_of_user_has_no_request(world: World) {
    let key = prepared(&world).await;
    let name = identity(&world, &key).await;
    let request = certificate_request(&UserKey::generate().unwrap(), &name).unwrap();
    put(&world, &key, draft(Some(&request))).await.unwrap();
    let plain = put(&world, &key, user_draft("ann", "")).await.unwrap();
    assert_eq!(plain.signing_request, None);
    let back = put(&world, &key, draft(None)).await.unwrap();
    assert_eq!(back.signing_request, None);
}
