//! Permissions of a cloud's user: inside the envelope, also together, and in its own namespace only unless
//! policy allows more (T14, T18, T19).

use dcm_app::Precondition;
use dcm_types::drafts::PermissionDraft;
use dcm_types::permission::Extent;
use dcm_types::{Kind, PermissionName, UserName};

use crate::world::{World, cloud_key, kind, permission_draft, user_draft, who};

on_every_store!(
    a_permission_is_created_read_replaced_and_deleted,
    other_namespaces_and_the_whole_cluster_are_forbidden_by_default,
    rules_outside_of_the_envelope_are_refused_with_the_field,
    the_number_of_rules_of_a_user_is_bounded,
    a_permission_is_for_the_user_that_it_names,
    the_bound_is_on_each_user_alone,
);

async fn prepared(world: &World) -> dcm_types::CloudKey {
    world.project("p").await;
    let key = cloud_key("p", "lc");
    world.cloud(&key).await;
    key
}

async fn a_permission_is_created_read_replaced_and_deleted(world: World) {
    let key = prepared(&world).await;
    let (app, who) = (&world.app, who());
    let name = PermissionName::parse("x").unwrap();
    let created = app
        .create_permission(&who, &key, permission_draft("x", "pods"))
        .await
        .unwrap();
    let again = app
        .create_permission(&who, &key, permission_draft("x", "pods"))
        .await;
    assert_eq!(kind(again), Kind::AlreadyExists);
    let draft = permission_draft("x", "secrets");
    let put = app
        .put_permission(&who, &key, &name, draft, Precondition::None)
        .await
        .unwrap();
    assert!(!put.created);
    assert_eq!(
        put.saved.document.uid, created.document.uid,
        "its role keeps its name"
    );
    assert_eq!(
        app.get_permission(&who, &key, &name).await.unwrap(),
        put.saved
    );
    app.delete_permission(&who, &key, &name, Precondition::None)
        .await
        .unwrap();
    assert_eq!(
        kind(app.get_permission(&who, &key, &name).await),
        Kind::NotFound
    );
}

async fn other_namespaces_and_the_whole_cluster_are_forbidden_by_default(world: World) {
    let key = prepared(&world).await;
    for namespace in ["kube-system", "", "other"] {
        let draft = PermissionDraft {
            namespace: Some(namespace.to_owned()),
            ..permission_draft("x", "pods")
        };
        let error = world
            .app
            .create_permission(&who(), &key, draft)
            .await
            .unwrap_err();
        assert_eq!(error.kind, Kind::Forbidden, "{namespace:?}");
        assert_eq!(error.faults[0].field, "spec.namespace");
        assert!(error.hint.unwrap().contains("policy.privileged"));
    }
    let own = PermissionDraft {
        namespace: Some("payments".to_owned()),
        ..permission_draft("x", "pods")
    };
    world
        .app
        .create_permission(&who(), &key, own)
        .await
        .unwrap();
}

async fn rules_outside_of_the_envelope_are_refused_with_the_field(world: World) {
    let key = prepared(&world).await;
    let name = PermissionName::parse("x").unwrap();
    for resource in ["pods/*", "clusterroles", "resourcequotas", "nodes/proxy"] {
        let draft = permission_draft("x", resource);
        let posted = world
            .app
            .create_permission(&who(), &key, draft.clone())
            .await;
        let put = world
            .app
            .put_permission(&who(), &key, &name, draft, Precondition::None)
            .await;
        for error in [posted.unwrap_err(), put.unwrap_err()] {
            assert_eq!(error.kind, Kind::Invalid, "{resource}");
            assert_eq!(error.faults[0].field, "spec.resources[0]");
        }
    }
    assert_eq!(world.deeds("p").await.len(), 2, "nothing was written");
}

/// Who gets which rules in the wanted revision, as `user: rules`.
async fn granted(world: &World, key: &dcm_types::CloudKey) -> Vec<String> {
    let revision = world.revision(key).await;
    let users: Vec<_> = revision.slice.users.iter().map(|u| &u.name).collect();
    assert!(users.is_sorted(), "{users:?}");
    let permissions = revision.slice.permissions.iter();
    permissions
        .map(|p| {
            assert!(
                p.rules
                    .iter()
                    .all(|rule| rule.is_within_envelope(p.reach.extent()))
            );
            format!("{}: {} {}", p.user, p.name, p.rules.len())
        })
        .collect()
}

async fn a_permission_is_for_the_user_that_it_names(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    let (app, who) = (&world.app, who());
    let named = |user: &str, name: &str| PermissionDraft {
        user: Some(UserName::parse(user).unwrap()),
        ..permission_draft(name, "pods")
    };
    let missing = async |outcome: Result<(), dcm_app::Error>| {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind, Kind::NotFound);
        assert_eq!(error.faults[0].field, "spec.user");
        assert!(error.hint.is_some());
    };
    let name = PermissionName::parse("y").unwrap();
    let draft = named("ann", "y");
    missing(
        app.create_permission(&who, &key, draft.clone())
            .await
            .map(drop),
    )
    .await;
    let put = app.put_permission(&who, &key, &name, draft, Precondition::None);
    missing(put.await.map(drop)).await;

    app.create_user(&who, &key, user_draft("ann", ""))
        .await
        .unwrap();
    app.create_permission(&who, &key, permission_draft("x", "pods"))
        .await
        .unwrap();
    let saved = app
        .create_permission(&who, &key, named("ann", "y"))
        .await
        .unwrap();
    assert_eq!(saved.document.user, Some(UserName::parse("ann").unwrap()));
    let mut wide = named("ann", "z");
    wide.rule.resources = vec!["*".to_owned()];
    app.create_permission(&who, &key, wide.clone())
        .await
        .unwrap();
    app.instantiate(&who, &key).await.unwrap();
    let expanded = wide.rule.expanded(Extent::Namespace).len();
    assert_eq!(
        granted(&world, &key).await,
        ["bob: x 1", "ann: y 1", &format!("ann: z {expanded}")]
    );
    let generation = app.update(&who, &key).await.unwrap().generation;
    assert_eq!(
        generation, 1,
        "the same documents freeze to the same revision"
    );

    // Without a name, the first user of the day is meant.
    app.put_permission(
        &who,
        &key,
        &name,
        permission_draft("y", "pods"),
        Precondition::None,
    )
    .await
    .unwrap();
    app.update(&who, &key).await.unwrap();
    assert_eq!(granted(&world, &key).await[1], "bob: y 1");
}

async fn the_bound_is_on_each_user_alone(world: World) {
    let key = prepared(&world).await;
    let (app, who) = (&world.app, who());
    app.create_user(&who, &key, user_draft("ann", ""))
        .await
        .unwrap();
    for number in 0..100 {
        let draft = permission_draft(&format!("x{number}"), "pods");
        app.create_permission(&who, &key, draft).await.unwrap();
    }
    let mut one_more = permission_draft("y", "pods");
    one_more.user = Some(UserName::parse("bob").unwrap());
    let refused = app.create_permission(&who, &key, one_more.clone()).await;
    assert_eq!(kind(refused), Kind::Invalid, "bob is the first user");
    one_more.user = Some(UserName::parse("ann").unwrap());
    app.create_permission(&who, &key, one_more).await.unwrap();
}

async fn the_number_of_rules_of_a_user_is_bounded(world: World) {
    let key = prepared(&world).await;
    for number in 0..100 {
        let draft = permission_draft(&format!("x{number}"), "pods");
        world
            .app
            .create_permission(&who(), &key, draft)
            .await
            .unwrap();
    }
    let one_more = permission_draft("y", "pods");
    let refused = world.app.create_permission(&who(), &key, one_more).await;
    assert_eq!(kind(refused), Kind::Invalid);
    let name = PermissionName::parse("x7").unwrap();
    world
        .app
        .put_permission(
            &who(),
            &key,
            &name,
            permission_draft("x7", "secrets"),
            Precondition::None,
        )
        .await
        .unwrap();
}
