//! Revocation: one commit gives a user another identity in the members, and brings no other edit along.

use dcm_app::{Accepted, Precondition};
use dcm_store::StoreExt as _;
use dcm_types::documents::{Action, Revision, RevisionUser, User, Wish};
use dcm_types::ports::Nudge;
use dcm_types::{CloudKey, Key, Kind, UserName};

use crate::world::{World, cloud_key, kind, quota_draft, user_draft, who};

on_every_store!(
    a_revocation_is_a_revision_with_another_identity_and_nothing_else,
    each_request_revokes_again_and_if_match_makes_it_safe,
    of_a_cloud_that_is_not_instantiated_it_counts_from_then_on,
    of_a_user_who_is_not_in_the_members_yet_it_makes_no_revision,
    a_new_user_of_the_name_takes_the_place_of_the_old_one,
    it_resumes_work_that_rests,
    revocations_that_race_all_count,
    what_does_not_exist_is_not_revoked,
);

fn bob() -> UserName {
    UserName::parse("bob").unwrap()
}

fn accepted(generation: u64, wish: Wish) -> Accepted {
    Accepted {
        generation,
        wish,
        paused: false,
    }
}

async fn revoke(world: &World, key: &CloudKey, user: &UserName) -> Accepted {
    world
        .app
        .revoke_user(&who(), key, user, Precondition::None)
        .await
        .unwrap()
}

async fn revision(world: &World, key: &CloudKey) -> Revision {
    let lifecycle = world.lifecycle(key).await;
    let key = Key::revision(lifecycle.cloud_uid, lifecycle.generation);
    let found = world.store.read::<Revision>(&key).await.unwrap();
    found.unwrap().document
}

async fn user(world: &World, key: &CloudKey, name: &UserName) -> User {
    let found = world.app.get_user(&who(), key, name).await.unwrap();
    found.document
}

fn named<'a>(revision: &'a Revision, name: &UserName) -> &'a RevisionUser {
    let mut users = revision.slice.users.iter();
    users.find(|user| &user.name == name).unwrap()
}

async fn instantiated(world: &World) -> CloudKey {
    let key = world.cloud_on(&["c1", "c2"]).await;
    world.app.instantiate(&who(), &key).await.unwrap();
    world.synchronizer.nudges();
    key
}

async fn a_revocation_is_a_revision_with_another_identity_and_nothing_else(world: World) {
    let key = instantiated(&world).await;
    let before = revision(&world, &key).await;
    let draft = quota_draft("later", "4");
    world.app.create_quota(&who(), &key, draft).await.unwrap();
    let deeds = world.deeds("p").await.len();

    assert_eq!(
        revoke(&world, &key, &bob()).await,
        accepted(2, Wish::Present)
    );
    assert_eq!(world.deeds("p").await[deeds..], ["revoke user/p/lc/bob"]);
    assert_eq!(world.synchronizer.nudges(), [Nudge::Cloud(key.clone())]);
    let after = revision(&world, &key).await;
    let (old, new) = (named(&before, &bob()), named(&after, &bob()));
    assert_eq!(old.uid, new.uid);
    assert_ne!(old.identity, new.identity);
    let mut expected = before.slice.clone();
    let user_before = expected.users.iter_mut().find(|user| user.name == bob());
    user_before.unwrap().identity.clone_from(&new.identity);
    assert_eq!(after.slice, expected, "the new quota waits for an update");
    assert_eq!(after.members, before.members);
    let shown = user(&world, &key, &bob()).await;
    assert_eq!(shown.identity_generation, 2);
    assert!(shown.revoked_at.is_some());
    let status = world.app.cloud_status(&who(), &key).await.unwrap();
    assert_eq!(status.last_action, Some(Action::Revoke));

    // An update keeps the identity, and brings the quota.
    world.app.update(&who(), &key).await.unwrap();
    let updated = revision(&world, &key).await;
    assert_eq!(named(&updated, &bob()), named(&after, &bob()));
    assert_eq!(updated.slice.quotas.len(), before.slice.quotas.len() + 1);
}

async fn each_request_revokes_again_and_if_match_makes_it_safe(world: World) {
    let key = instantiated(&world).await;
    revoke(&world, &key, &bob()).await;
    let seen = world.app.get_user(&who(), &key, &bob()).await.unwrap();
    assert_eq!(
        revoke(&world, &key, &bob()).await,
        accepted(3, Wish::Present)
    );
    let stale = Precondition::Match(vec![seen.version]);
    let again = world.app.revoke_user(&who(), &key, &bob(), stale).await;
    assert_eq!(kind(again), Kind::PreconditionFailed);
    assert_eq!(user(&world, &key, &bob()).await.identity_generation, 3);
    // A put of the user does not take it back.
    let put = world
        .app
        .put_user(
            &who(),
            &key,
            &bob(),
            user_draft("bob", "x"),
            Precondition::None,
        )
        .await
        .unwrap();
    assert_eq!(put.saved.document.identity_generation, 3);
    assert!(put.saved.document.revoked_at.is_some());
}

async fn of_a_cloud_that_is_not_instantiated_it_counts_from_then_on(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    assert_eq!(
        revoke(&world, &key, &bob()).await,
        accepted(0, Wish::Absent)
    );
    world.app.instantiate(&who(), &key).await.unwrap();
    let first = named(&revision(&world, &key).await, &bob())
        .identity
        .clone();
    world.app.terminate(&who(), &key).await.unwrap();
    assert_eq!(
        revoke(&world, &key, &bob()).await,
        accepted(2, Wish::Absent)
    );
    world.app.instantiate(&who(), &key).await.unwrap();
    assert_ne!(named(&revision(&world, &key).await, &bob()).identity, first);
    assert_eq!(user(&world, &key, &bob()).await.identity_generation, 3);
}

async fn of_a_user_who_is_not_in_the_members_yet_it_makes_no_revision(world: World) {
    let key = instantiated(&world).await;
    let ann = UserName::parse("ann").unwrap();
    let draft = user_draft("ann", "");
    world.app.create_user(&who(), &key, draft).await.unwrap();
    assert_eq!(revoke(&world, &key, &ann).await, accepted(1, Wish::Present));
    assert_eq!(user(&world, &key, &ann).await.identity_generation, 2);
}

async fn a_new_user_of_the_name_takes_the_place_of_the_old_one(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    let ann = UserName::parse("ann").unwrap();
    let create = async || {
        let draft = user_draft("ann", "");
        world.app.create_user(&who(), &key, draft).await.unwrap();
    };
    create().await;
    world.app.instantiate(&who(), &key).await.unwrap();
    let old = named(&revision(&world, &key).await, &ann).clone();
    world
        .app
        .delete_user(&who(), &key, &ann, Precondition::None)
        .await
        .unwrap();
    create().await;
    assert_eq!(revoke(&world, &key, &ann).await, accepted(2, Wish::Present));
    let new = named(&revision(&world, &key).await, &ann).clone();
    assert_ne!((old.uid, old.identity), (new.uid, new.identity));
}

async fn it_resumes_work_that_rests(world: World) {
    let key = instantiated(&world).await;
    world.app.stop(&who(), &key).await.unwrap();
    assert_eq!(
        revoke(&world, &key, &bob()).await,
        accepted(2, Wish::Present)
    );
    let status = world.app.cloud_status(&who(), &key).await.unwrap();
    assert_eq!(status.paused_at, None);
}

async fn revocations_that_race_all_count(world: World) {
    let key = instantiated(&world).await;
    let bob = bob();
    let all = (0..6).map(|_| revoke(&world, &key, &bob));
    let mut generations: Vec<u64> = futures::future::join_all(all)
        .await
        .into_iter()
        .map(|accepted| accepted.generation)
        .collect();
    generations.sort_unstable();
    assert_eq!(generations, [2, 3, 4, 5, 6, 7]);
    assert_eq!(user(&world, &key, &bob).await.identity_generation, 7);
    let identity = world.identity(&key, "bob").await;
    assert_eq!(
        named(&revision(&world, &key).await, &bob).identity,
        identity
    );
}

async fn what_does_not_exist_is_not_revoked(world: World) {
    let key = instantiated(&world).await;
    let eve = UserName::parse("eve").unwrap();
    for (cloud, user) in [(&key, &eve), (&cloud_key("p", "x"), &bob())] {
        let revoked = world
            .app
            .revoke_user(&who(), cloud, user, Precondition::None)
            .await;
        assert_eq!(kind(revoked), Kind::NotFound);
    }
}
