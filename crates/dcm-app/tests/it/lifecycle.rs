//! Instantiate, update, terminate: accepted in every state, idempotent, the last accepted wish wins.

use dcm_app::{Accepted, AskedKubeconfig, Precondition};
use dcm_store::{Batch, Expect, StoreExt as _};
use dcm_types::documents::{
    Action, ClusterHealth, DriftPolicy, HealthState, Level, Reservation, Revision, SignerState,
    Wish,
};
use dcm_types::drafts::LogicalCloudDraft;
use dcm_types::ports::Nudge;
use dcm_types::{CloudKey, Key, Kind, PermissionName, member_name};

use crate::world::{
    World, cloud_draft, cloud_key, cluster, kind, permission_draft, quota_draft, who,
};

on_every_store!(
    an_instantiate_freezes_everything_in_one_commit,
    an_action_that_changes_nothing_keeps_the_generation_and_nudges,
    an_update_freezes_what_changed,
    the_last_accepted_wish_wins,
    actions_on_a_cloud_that_was_never_instantiated_are_accepted,
    a_cloud_without_clusters_is_refused,
    an_admin_cloud_is_true_without_anything_in_its_members,
    a_refused_cluster_is_no_new_member_and_does_not_hold_up_others,
    where_drift_stays_each_action_applies_the_wish_again,
    a_failed_nudge_is_no_error,
    history_is_bounded_and_old_revisions_stay_few,
    stored_rights_beyond_the_envelope_are_not_frozen,
);

impl World {
    /// The wanted revision.
    pub(crate) async fn revision(&self, key: &CloudKey) -> Revision {
        let lifecycle = self.lifecycle(key).await;
        let key = Key::revision(lifecycle.cloud_uid, lifecycle.generation);
        let found = self.store.read::<Revision>(&key).await.unwrap();
        found.unwrap().document
    }
}

fn accepted(generation: u64, wish: Wish) -> Accepted {
    Accepted {
        generation,
        wish,
        paused: false,
    }
}

async fn an_instantiate_freezes_everything_in_one_commit(world: World) {
    let key = world.cloud_on(&["c2", "c1"]).await;
    let (app, who) = (&world.app, who());
    app.create_quota(&who, &key, quota_draft("q", "10"))
        .await
        .unwrap();
    let permission = permission_draft("x", "pods");
    let permission = app.create_permission(&who, &key, permission).await.unwrap();
    world.synchronizer.nudges();
    let before = world.deeds("p").await.len();
    assert_eq!(
        app.instantiate(&who, &key).await.unwrap(),
        accepted(1, Wish::Present)
    );
    assert_eq!(world.synchronizer.nudges(), [Nudge::Cloud(key.clone())]);
    assert_eq!(
        world.deeds("p").await[before..],
        ["instantiate logical-cloud/p/lc"]
    );

    let revision = world.revision(&key).await;
    let detail = app.get_logical_cloud(&who, &key).await.unwrap().document;
    let project = app.get_project(&who, &key.project).await.unwrap().document;
    let user = detail.user.unwrap();
    assert_eq!(revision.cloud_uid, detail.cloud.uid);
    let members: Vec<_> = revision.members.iter().map(|m| m.cluster.clone()).collect();
    assert_eq!(members, [cluster("c1"), cluster("c2")]);
    assert_eq!(revision.slice.namespace.as_str(), "payments");
    assert_eq!(revision.slice.quotas.len(), 1);
    assert_eq!(revision.slice.permissions[0].uid, permission.document.uid);
    assert_eq!(revision.slice.permissions[0].user, user.name);
    assert_eq!(
        revision.slice.users[0].identity,
        member_name::user_identity(project.uid, detail.cloud.uid, user.uid, 1)
    );
    let lifecycle = world.lifecycle(&key).await;
    assert_eq!(lifecycle.history[0].action, Action::Instantiate);
    for name in ["c1", "c2"] {
        let reservation = Key::reservation(&cluster(name), &revision.slice.namespace);
        assert!(world.exists(&reservation).await);
    }
}

async fn an_action_that_changes_nothing_keeps_the_generation_and_nudges(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    let (app, who) = (&world.app, who());
    app.instantiate(&who, &key).await.unwrap();
    let records = world.deeds("p").await;
    world.synchronizer.nudges();
    for _ in 0..2 {
        let present = accepted(1, Wish::Present);
        assert_eq!(app.instantiate(&who, &key).await.unwrap(), present);
        assert_eq!(app.update(&who, &key).await.unwrap(), present);
    }
    assert_eq!(world.synchronizer.nudges().len(), 4);
    app.terminate(&who, &key).await.unwrap();
    for _ in 0..2 {
        let absent = accepted(2, Wish::Absent);
        assert_eq!(app.terminate(&who, &key).await.unwrap(), absent);
        assert_eq!(app.update(&who, &key).await.unwrap(), absent);
    }
    assert_eq!(world.deeds("p").await.len(), records.len() + 1);
}

async fn an_update_freezes_what_changed(world: World) {
    let key = world.cloud_on(&["c1", "c2"]).await;
    let (app, who) = (&world.app, who());
    app.instantiate(&who, &key).await.unwrap();
    app.create_quota(&who, &key, quota_draft("q", "1"))
        .await
        .unwrap();
    assert!(world.revision(&key).await.slice.quotas.is_empty());
    app.update(&who, &key).await.unwrap();
    assert_eq!(world.revision(&key).await.slice.quotas.len(), 1);

    app.delete_reference_of(&who, &key, &cluster("c1"), Precondition::None)
        .await
        .unwrap();
    let after = app.update(&who, &key).await.unwrap();
    assert_eq!(after, accepted(3, Wish::Present));
    let revision = world.revision(&key).await;
    assert!(!revision.has_member(&cluster("c1")) && revision.has_member(&cluster("c2")));
    let namespace = &revision.slice.namespace;
    let dropped = Key::reservation(&cluster("c1"), namespace);
    assert!(
        world.exists(&dropped).await,
        "released by the synchronizer only"
    );

    app.put_reference_of(
        &who,
        &key,
        &cluster("c2"),
        Some("192.0.2.1".parse().unwrap()),
        Precondition::None,
    )
    .await
    .unwrap();
    app.update(&who, &key).await.unwrap();
    assert!(
        world.revision(&key).await.members[0]
            .load_balancer_address
            .is_some()
    );
}

async fn the_last_accepted_wish_wins(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    let (app, who) = (&world.app, who());
    app.instantiate(&who, &key).await.unwrap();
    let first = world.revision(&key).await;
    app.terminate(&who, &key).await.unwrap();
    let gone = world.revision(&key).await;
    assert!(gone.members.is_empty() && gone.wish == Wish::Absent);
    assert_eq!(gone.slice, first.slice);
    app.delete_logical_cloud(&who, &key, Precondition::None)
        .await
        .unwrap();
    assert!(world.lifecycle(&key).await.delete_when_absent);
    let again = app.instantiate(&who, &key).await.unwrap();
    assert_eq!(again, accepted(3, Wish::Present));
    assert!(!world.lifecycle(&key).await.delete_when_absent);
    assert_eq!(world.revision(&key).await.slice, first.slice);
}

async fn actions_on_a_cloud_that_was_never_instantiated_are_accepted(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    let nothing = accepted(0, Wish::Absent);
    assert_eq!(world.app.terminate(&who(), &key).await.unwrap(), nothing);
    assert_eq!(world.app.update(&who(), &key).await.unwrap(), nothing);
    let status = world.app.cloud_status(&who(), &key).await.unwrap();
    assert_eq!((status.wanted_generation, status.wish), (0, None));
}

async fn a_cloud_without_clusters_is_refused(world: World) {
    let key = world.cloud_on(&[]).await;
    let error = world.app.instantiate(&who(), &key).await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert!(error.hint.unwrap().contains("cluster reference"));
}

async fn an_admin_cloud_is_true_without_anything_in_its_members(world: World) {
    world.register(&["c1", "c2"]).await;
    world.project("p").await;
    let key = cloud_key("p", "lc");
    let draft = LogicalCloudDraft {
        level: Level::Admin,
        ..cloud_draft("lc")
    };
    let (app, who) = (&world.app, who());
    app.create_logical_cloud(&who, &key.project, draft)
        .await
        .unwrap();
    let empty = app.instantiate(&who, &key).await.unwrap_err();
    assert_eq!(empty.kind, Kind::Conflict);
    world.refer(&key, "c1").await;
    world.refer(&key, "c2").await;
    app.create_permission(&who, &key, permission_draft("x", "pods"))
        .await
        .unwrap();
    let done = app.instantiate(&who, &key).await.unwrap();
    assert_eq!(done, accepted(1, Wish::Present));

    let revision = world.revision(&key).await;
    assert_eq!((revision.level, revision.members.len()), (Level::Admin, 2));
    assert!(revision.slice.users.is_empty() && revision.slice.permissions.is_empty());
    assert!(!revision.has_member(&cluster("c1")));
    let scope = dcm_store::Scope::All;
    let held = world.store.read_all::<Reservation>(scope).await.unwrap();
    assert!(held.is_empty(), "no namespace is held");

    let status = app.cloud_status(&who, &key).await.unwrap();
    assert!(status.is_ready(), "{status:?}");
    assert!(
        status
            .members
            .iter()
            .all(|m| m.objects.is_empty() && m.reference.is_some())
    );
    let name = crate::world::reference_name("edge-c1");
    let one = app
        .member_kubeconfig(&who, &key, &name, &AskedKubeconfig::default())
        .await
        .unwrap_err();
    let all = app
        .merged_kubeconfig(&who, &key, &AskedKubeconfig::default())
        .await
        .unwrap_err();
    for error in [one, all] {
        assert_eq!(error.kind, Kind::Conflict);
        assert!(error.hint.unwrap().contains("own credentials"));
    }

    // A cluster that is not there any more is not said to be ready.
    app.delete_reference_of(&who, &key, &cluster("c2"), dcm_app::Precondition::None)
        .await
        .unwrap();
    app.delete_cluster(&who, &cluster("c2"), dcm_app::Precondition::None)
        .await
        .unwrap();
    assert!(!app.cloud_status(&who, &key).await.unwrap().is_ready());
    app.update(&who, &key).await.unwrap();
    let status = app.cloud_status(&who, &key).await.unwrap();
    assert!(status.is_ready() && status.members.len() == 1, "{status:?}");

    app.terminate(&who, &key).await.unwrap();
    assert!(app.cloud_status(&who, &key).await.unwrap().is_absent());
    let deleted = app
        .delete_logical_cloud(&who, &key, dcm_app::Precondition::None)
        .await
        .unwrap();
    assert_eq!(deleted, dcm_app::Deletion::Done);
}

async fn a_refused_cluster_is_no_new_member_and_does_not_hold_up_others(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    let (app, who) = (&world.app, who());
    let at = app
        .get_cluster(&who, &cluster("c1"))
        .await
        .unwrap()
        .document
        .cluster
        .created_at;
    let refuse = async |name: &str| {
        let health = ClusterHealth {
            key: cluster(name),
            credential_epoch: 1,
            checked_at: at,
            state: HealthState::Refused,
            since: at,
            version: None,
            identity: None,
            user_name: None,
            groups: Vec::new(),
            missing_rights: Vec::new(),
            missing_privileged_rights: Vec::new(),
            signer: SignerState::Unknown,
            findings: Vec::new(),
        };
        let mut batch = Batch::new();
        batch.put(&health, Expect::Anything).unwrap();
        world.store.commit(batch).await.unwrap();
    };
    app.instantiate(&who, &key).await.unwrap();
    refuse("c1").await;
    world.register(&["c2", "c3"]).await;
    world.refer(&key, "c2").await;
    app.update(&who, &key).await.unwrap();
    refuse("c3").await;
    world.refer(&key, "c3").await;
    let error = app.update(&who, &key).await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert!(error.to_string().contains("edge/c3"));
}

async fn a_failed_nudge_is_no_error(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    world.synchronizer.fail();
    let done = world.app.instantiate(&who(), &key).await.unwrap();
    assert_eq!(done.generation, 1);
}

async fn history_is_bounded_and_old_revisions_stay_few(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    for _ in 0..30 {
        world.app.instantiate(&who(), &key).await.unwrap();
        world.app.terminate(&who(), &key).await.unwrap();
    }
    let lifecycle = world.lifecycle(&key).await;
    assert_eq!(lifecycle.history.len(), 50);
    assert_eq!(lifecycle.history.last().unwrap().generation, 60);
    assert_eq!(lifecycle.generation, 60);
}

async fn stored_rights_beyond_the_envelope_are_not_frozen(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    let name = PermissionName::parse("x").unwrap();
    let draft = permission_draft("x", "pods");
    let saved = world
        .app
        .create_permission(&who(), &key, draft)
        .await
        .unwrap();
    let mut wide = saved.document;
    wide.rule.resources = vec!["clusterroles".to_owned()];
    let mut batch = Batch::new();
    batch.put(&wide, Expect::Exists).unwrap();
    world.store.commit(batch).await.unwrap();
    assert_eq!(
        kind(world.app.instantiate(&who(), &key).await),
        Kind::Conflict
    );
    world
        .app
        .delete_permission(&who(), &key, &name, Precondition::None)
        .await
        .unwrap();
    world.app.instantiate(&who(), &key).await.unwrap();
}

async fn where_drift_stays_each_action_applies_the_wish_again(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    let (app, who) = (&world.app, who());
    app.instantiate(&who, &key).await.unwrap();
    let draft = LogicalCloudDraft {
        drift: DriftPolicy::Report,
        ..cloud_draft("lc")
    };
    app.put_logical_cloud(&who, &key, draft.clone(), Precondition::None)
        .await
        .unwrap();
    assert_eq!(world.revision(&key).await.slice.drift, DriftPolicy::Correct);
    for generation in [2, 3] {
        let done = app.update(&who, &key).await.unwrap();
        assert_eq!(done, accepted(generation, Wish::Present));
    }
    assert_eq!(world.revision(&key).await.slice.drift, DriftPolicy::Report);
    let status = app.cloud_status(&who, &key).await.unwrap();
    assert_eq!(status.drift, DriftPolicy::Report);

    let draft = LogicalCloudDraft {
        drift: DriftPolicy::Correct,
        ..draft
    };
    app.put_logical_cloud(&who, &key, draft, Precondition::None)
        .await
        .unwrap();
    for _ in 0..2 {
        let done = app.update(&who, &key).await.unwrap();
        assert_eq!(done, accepted(4, Wish::Present));
    }
}
