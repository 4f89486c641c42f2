//! Privileged logical clouds: allowed by the policy of their project, when a permission is written and with
//! each action; and never in a namespace that another cloud holds (T14).

use dcm_app::{Error, Precondition};
use dcm_types::documents::{Level, Privileged, ProjectPolicy, Wish};
use dcm_types::drafts::{LogicalCloudDraft, PermissionDraft};
use dcm_types::permission::Reach;
use dcm_types::{CloudKey, Kind, NamespaceName, PermissionName};

use crate::world::{
    World, cloud_draft, cloud_key, kind, permission_draft, project_draft, user_draft, who,
};

on_every_store!(
    policy_decides_when_a_permission_is_written,
    policy_decides_when_a_cloud_is_created_with_permissions,
    namespaces_of_the_cluster_are_nobodys_to_give,
    a_privileged_cloud_says_so,
    policy_is_asked_again_with_every_action,
    a_permission_frozen_says_where_it_holds,
    the_envelope_is_on_the_sum_of_all_places,
    a_namespace_of_another_cloud_is_refused,
    a_permission_that_races_with_a_reservation_is_decided_on_it,
    policy_that_is_turned_while_it_is_decided_on_is_seen,
    permissions_of_a_cloud_of_level_0_mean_nothing,
);

fn outside(name: &str, namespace: &str) -> PermissionDraft {
    let mut draft = permission_draft(name, "configmaps");
    draft.namespace = Some(namespace.to_owned());
    draft.rule.verbs = vec!["get".to_owned(), "list".to_owned()];
    draft
}

/// A cloud on `c1` in a project whose policy allows privileged ones.
async fn allowed(world: &World) -> CloudKey {
    let key = world.cloud_on(&["c1"]).await;
    world.let_privileged("p", Privileged::Allow).await;
    key
}

fn assert_policy(error: &Error) {
    assert_eq!(error.kind, Kind::Forbidden, "{error:?}");
    let hint = error.hint.as_deref().unwrap_or_default();
    assert!(
        hint.contains("spec.policy.privileged of project 'p'"),
        "{hint}"
    );
}

async fn policy_decides_when_a_permission_is_written(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    let (app, who) = (&world.app, who());
    let name = PermissionName::parse("x").unwrap();
    let before = world.deeds("p").await;
    for namespace in ["other", ""] {
        let draft = outside("x", namespace);
        let posted = app.create_permission(&who, &key, draft.clone()).await;
        let put = app.put_permission(&who, &key, &name, draft, Precondition::None);
        for error in [posted.unwrap_err(), put.await.unwrap_err()] {
            assert_policy(&error);
            assert_eq!(error.faults[0].field, "spec.namespace");
            assert_eq!(error.faults[0].got, namespace);
        }
    }
    assert_eq!(world.deeds("p").await, before, "nothing was written");

    world.let_privileged("p", Privileged::Allow).await;
    let made = app
        .create_permission(&who, &key, outside("x", "other"))
        .await
        .unwrap();
    let other = NamespaceName::parse("other").unwrap();
    assert_eq!(made.document.reach, Reach::Namespace(other));
    let put = app
        .put_permission(&who, &key, &name, outside("x", ""), Precondition::None)
        .await
        .unwrap();
    assert_eq!(put.saved.document.reach, Reach::Cluster);
    assert_eq!(put.saved.document.uid, made.document.uid);

    // A replacement that says nothing about it takes the policy back.
    let draft = project_draft("p", "");
    app.put_project(&who, &draft.name.clone(), draft, Precondition::None)
        .await
        .unwrap();
    let refused = app.put_permission(&who, &key, &name, outside("x", ""), Precondition::None);
    assert_policy(&refused.await.unwrap_err());
    let own = outside("x", "payments");
    let own = app
        .put_permission(&who, &key, &name, own, Precondition::None)
        .await
        .unwrap();
    assert_eq!(own.saved.document.reach, Reach::Own);
}

async fn policy_decides_when_a_cloud_is_created_with_permissions(world: World) {
    world.project("p").await;
    let (app, who) = (&world.app, who());
    let draft = |cloud: &str| LogicalCloudDraft {
        permissions: vec![permission_draft("x", "pods"), outside("y", "")],
        namespace: Some(NamespaceName::parse(cloud).unwrap()),
        ..cloud_draft(cloud)
    };
    let project = cloud_key("p", "lc").project;
    let error = app
        .create_logical_cloud(&who, &project, draft("lc"))
        .await
        .unwrap_err();
    assert_policy(&error);
    assert_eq!(error.faults[0].field, "permissions[1].namespace");
    world.let_privileged("p", Privileged::Allow).await;
    let made = app
        .create_logical_cloud(&who, &project, draft("lc"))
        .await
        .unwrap();
    assert!(made.document.privileged);
}

async fn namespaces_of_the_cluster_are_nobodys_to_give(world: World) {
    let key = allowed(&world).await;
    for namespace in [
        "kube-system",
        "default",
        "dcm-system",
        "istio-system",
        "*",
        "A b",
        "-",
    ] {
        let error = world
            .app
            .create_permission(&who(), &key, outside("x", namespace))
            .await
            .unwrap_err();
        assert_eq!(error.kind, Kind::Invalid, "{namespace:?}");
        assert_eq!(error.faults[0].field, "spec.namespace");
    }
}

async fn a_privileged_cloud_says_so(world: World) {
    let key = allowed(&world).await;
    let (app, who) = (&world.app, who());
    let says = async || {
        let one = app
            .get_logical_cloud(&who, &key)
            .await
            .unwrap()
            .document
            .privileged;
        let page = dcm_app::PageRequest::default();
        let all = app
            .list_logical_clouds(&who, &key.project, page)
            .await
            .unwrap();
        assert_eq!(all.items[0].document.privileged, one);
        (one, app.cloud_status(&who, &key).await.unwrap().privileged)
    };
    assert_eq!(says().await, (false, false));
    app.create_permission(&who, &key, permission_draft("own", "pods"))
        .await
        .unwrap();
    app.create_permission(&who, &key, outside("x", ""))
        .await
        .unwrap();
    assert_eq!(says().await, (true, false), "nothing of it is wished yet");
    app.instantiate(&who, &key).await.unwrap();
    assert_eq!(says().await, (true, true));
    let name = PermissionName::parse("x").unwrap();
    app.delete_permission(&who, &key, &name, Precondition::None)
        .await
        .unwrap();
    assert_eq!(says().await, (false, true), "it is still wished");
    app.update(&who, &key).await.unwrap();
    assert_eq!(says().await, (false, false));
}

async fn policy_is_asked_again_with_every_action(world: World) {
    let key = allowed(&world).await;
    let (app, who) = (&world.app, who());
    app.create_permission(&who, &key, outside("x", "other"))
        .await
        .unwrap();
    world.let_privileged("p", Privileged::Refuse).await;
    assert_policy(&app.instantiate(&who, &key).await.unwrap_err());
    assert!(app.cloud_status(&who, &key).await.unwrap().wish.is_none());

    world.let_privileged("p", Privileged::Allow).await;
    let generation = app.instantiate(&who, &key).await.unwrap().generation;
    world.let_privileged("p", Privileged::Refuse).await;
    // What runs stays as it is; also an action that changes nothing is refused.
    for refused in [
        app.update(&who, &key).await,
        app.instantiate(&who, &key).await,
    ] {
        let error = refused.unwrap_err();
        assert_policy(&error);
        assert!(error.hint.unwrap().contains("terminated"));
    }
    let status = app.cloud_status(&who, &key).await.unwrap();
    assert_eq!(
        (status.wanted_generation, status.wish),
        (generation, Some(Wish::Present))
    );
    app.stop(&who, &key).await.unwrap();
    app.terminate(&who, &key).await.unwrap();
    world.make_absent(&key, "c1").await;
    assert_policy(&app.instantiate(&who, &key).await.unwrap_err());

    let name = PermissionName::parse("x").unwrap();
    app.delete_permission(&who, &key, &name, Precondition::None)
        .await
        .unwrap();
    app.instantiate(&who, &key).await.unwrap();
}

async fn a_permission_frozen_says_where_it_holds(world: World) {
    let key = allowed(&world).await;
    let (app, who) = (&world.app, who());
    let mut everything = outside("all", "");
    everything.rule.resources = vec!["*".to_owned()];
    everything.rule.verbs = vec!["*".to_owned()];
    for draft in [
        everything,
        outside("other", "other"),
        outside("own", "payments"),
    ] {
        app.create_permission(&who, &key, draft).await.unwrap();
    }
    app.instantiate(&who, &key).await.unwrap();
    let revision = world.revision(&key).await;
    let reaches: Vec<_> = revision
        .slice
        .permissions
        .iter()
        .map(|p| p.reach.written())
        .collect();
    assert_eq!(reaches, [Some(""), Some("other"), None]);
    for permission in &revision.slice.permissions {
        let extent = permission.reach.extent();
        assert!(
            permission
                .rules
                .iter()
                .all(|rule| rule.is_within_envelope(extent))
        );
    }
    let all = &revision.slice.permissions[0].rules;
    assert!(
        all.iter()
            .flat_map(|r| &r.verbs)
            .all(|verb| verb != "create" && verb != "*")
    );
    assert!(
        all.iter()
            .flat_map(|r| &r.resources)
            .all(|resource| resource != "secrets")
    );
}

async fn the_envelope_is_on_the_sum_of_all_places(world: World) {
    let key = allowed(&world).await;
    let (app, who) = (&world.app, who());
    for number in 0..100 {
        let namespace = if number % 2 == 0 { "" } else { "other" };
        let draft = outside(&format!("x{number}"), namespace);
        app.create_permission(&who, &key, draft).await.unwrap();
    }
    let refused = app
        .create_permission(&who, &key, permission_draft("y", "pods"))
        .await;
    assert_eq!(
        kind(refused),
        Kind::Invalid,
        "at most 100 rules for one user, wherever"
    );
    app.create_user(&who, &key, user_draft("ann", ""))
        .await
        .unwrap();
    for (resource, verb) in [("secrets", "get"), ("pods", "create"), ("pods/exec", "get")] {
        let mut draft = outside("z", "");
        draft.rule.resources = vec![resource.to_owned()];
        draft.rule.verbs = vec![verb.to_owned()];
        let refused = app.create_permission(&who, &key, draft).await;
        assert_eq!(kind(refused), Kind::Invalid, "{resource} {verb}");
    }
}

/// Another cloud that holds the namespace `payments` on `c1`, and a privileged one beside it.
async fn neighbours(world: &World) -> [CloudKey; 2] {
    let holder = allowed(world).await;
    let privileged = cloud_key("p", "beside");
    let draft = LogicalCloudDraft {
        namespace: Some(NamespaceName::parse("beside").unwrap()),
        ..cloud_draft("beside")
    };
    let app = &world.app;
    app.create_logical_cloud(&who(), &privileged.project, draft)
        .await
        .unwrap();
    world.refer(&privileged, "c1").await;
    app.create_permission(&who(), &privileged, outside("x", "payments"))
        .await
        .unwrap();
    [holder, privileged]
}

async fn a_namespace_of_another_cloud_is_refused(world: World) {
    let [holder, privileged] = neighbours(&world).await;
    let (app, who) = (&world.app, who());
    app.instantiate(&who, &holder).await.unwrap();
    let error = app.instantiate(&who, &privileged).await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert_eq!(
        error.to_string(),
        "namespace 'payments' is not available on cluster 'edge/c1'"
    );
    assert_eq!(
        error.hint.as_deref(),
        Some("name another namespace in the permission")
    );
    assert!(
        app.cloud_status(&who, &privileged)
            .await
            .unwrap()
            .wish
            .is_none()
    );
    app.terminate(&who, &holder).await.unwrap();
    world.make_absent(&holder, "c1").await;
    app.instantiate(&who, &privileged).await.unwrap();
}

async fn a_permission_that_races_with_a_reservation_is_decided_on_it(world: World) {
    let [holder, privileged] = neighbours(&world).await;
    let race = [&holder, &privileged].map(|key| {
        let (app, key) = (world.app.clone(), key.clone());
        tokio::spawn(async move { app.instantiate(&who(), &key).await })
    });
    let [holding, reaching] = race;
    holding.await.unwrap().unwrap();
    if let Err(error) = reaching.await.unwrap() {
        assert_eq!(error.kind, Kind::Conflict, "{error}");
    }
    // Whoever came first, by now the namespace is held, and no newer wish reaches into it.
    let app = &world.app;
    app.create_permission(&who(), &privileged, outside("y", "payments"))
        .await
        .unwrap();
    let refused = app.instantiate(&who(), &privileged).await;
    assert_eq!(kind(refused), Kind::Conflict);
}

async fn policy_that_is_turned_while_it_is_decided_on_is_seen(world: World) {
    let key = allowed(&world).await;
    world
        .app
        .create_permission(&who(), &key, outside("x", ""))
        .await
        .unwrap();
    for _ in 0..10 {
        let app = world.app.clone();
        let cloud = key.clone();
        let action = tokio::spawn(async move { app.instantiate(&who(), &cloud).await });
        world.let_privileged("p", Privileged::Refuse).await;
        match action.await.unwrap() {
            Ok(_) => {}
            Err(error) => assert_policy(&error),
        }
        let after = world.app.update(&who(), &key).await;
        let wished = world.app.cloud_status(&who(), &key).await.unwrap().wish;
        if wished == Some(Wish::Present) {
            assert_policy(&after.unwrap_err());
            world.app.terminate(&who(), &key).await.unwrap();
            world.make_absent(&key, "c1").await;
        }
        world.let_privileged("p", Privileged::Allow).await;
    }
}

async fn permissions_of_a_cloud_of_level_0_mean_nothing(world: World) {
    world.register(&["c1"]).await;
    world.project("p").await;
    let key = cloud_key("p", "admin");
    let draft = LogicalCloudDraft {
        level: Level::Admin,
        ..cloud_draft("admin")
    };
    let app = &world.app;
    app.create_logical_cloud(&who(), &key.project, draft)
        .await
        .unwrap();
    world.refer(&key, "c1").await;
    app.create_permission(&who(), &key, outside("x", ""))
        .await
        .unwrap();
    assert_eq!(ProjectPolicy::default().privileged, Privileged::Refuse);
    app.instantiate(&who(), &key).await.unwrap();
    assert!(
        !app.get_logical_cloud(&who(), &key)
            .await
            .unwrap()
            .document
            .privileged
    );
    assert!(world.revision(&key).await.slice.permissions.is_empty());
}
