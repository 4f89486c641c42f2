//! Logical clouds: what is written together, what may change when.

use dcm_app::{CloudDetail, Error, PageRequest, Precondition, Written};
use dcm_types::documents::Level;
use dcm_types::drafts::{LogicalCloudDraft, UserDraft};
use dcm_types::{DocumentKind, Key, Kind, NamespaceName, UserName};

use crate::world::{
    World, cloud_draft, cloud_key, cluster, described, kind, permission_draft, quota_draft,
    reference_draft, reference_name, who,
};

on_every_store!(
    everything_in_the_body_is_one_commit_with_one_record,
    a_body_that_fails_in_one_part_writes_nothing,
    all_faults_of_a_body_are_reported_at_once,
    a_namespace_is_derived_when_none_is_named,
    a_put_changes_what_may_change_and_the_version_tells,
    a_put_creates_what_is_not_there,
    lists_taken_on_create_are_refused_later,
    namespace_user_and_level_are_fixed_while_something_is_out_there,
    a_cloud_without_a_user_is_a_cloud,
    lists_join_the_parts,
);

const PROJECT: &str = "p";

fn full_draft() -> LogicalCloudDraft {
    LogicalCloudDraft {
        clusters: vec![
            reference_draft(Some("first"), "c1"),
            reference_draft(None, "c2"),
        ],
        permissions: vec![permission_draft("pods", "pods")],
        quotas: vec![quota_draft("q", "10")],
        ..cloud_draft("lc")
    }
}

async fn create(world: &World, draft: LogicalCloudDraft) -> Result<CloudDetail, Error> {
    let project = cloud_key(PROJECT, "lc").project;
    let created = world
        .app
        .create_logical_cloud(&who(), &project, draft)
        .await;
    created.map(|saved| saved.document)
}

async fn put(world: &World, draft: LogicalCloudDraft) -> Result<Written<CloudDetail>, Error> {
    let key = cloud_key(PROJECT, "lc");
    world
        .app
        .put_logical_cloud(&who(), &key, draft, Precondition::None)
        .await
}

async fn everything_in_the_body_is_one_commit_with_one_record(world: World) {
    world.register(&["c1", "c2"]).await;
    world.project(PROJECT).await;
    let detail = create(&world, full_draft()).await.unwrap();
    let key = cloud_key(PROJECT, "lc");
    let read = world.app.get_logical_cloud(&who(), &key).await.unwrap();
    assert_eq!(read.document, detail);
    assert_eq!(detail.user.as_ref().unwrap().name.as_str(), "bob");
    assert_eq!(detail.namespace.name.as_str(), "payments");
    assert_eq!(detail.lifecycle, None);

    let references = world.app.list_references(&who(), &key, None).await.unwrap();
    let names: Vec<_> = references
        .iter()
        .map(|saved| saved.document.reference.name.as_str())
        .collect();
    assert_eq!(names, ["edge-c2", "first"]);
    let quotas = world
        .app
        .list_quotas(&who(), &key, PageRequest::default())
        .await;
    assert_eq!(quotas.unwrap().items.len(), 1);
    let permissions = world
        .app
        .list_permissions(&who(), &key, PageRequest::default())
        .await;
    assert_eq!(permissions.unwrap().items.len(), 1);
    assert_eq!(
        world.deeds(PROJECT).await,
        ["create project/p", "create logical-cloud/p/lc"]
    );
    assert_eq!(
        kind(create(&world, full_draft()).await),
        Kind::AlreadyExists
    );
}

async fn a_body_that_fails_in_one_part_writes_nothing(world: World) {
    world.register(&["c1"]).await;
    world.project(PROJECT).await;
    let error = create(&world, full_draft()).await.unwrap_err();
    assert_eq!(error.kind, Kind::NotFound);
    assert_eq!(
        error.to_string(),
        "cluster 'c2' of cluster provider 'edge' does not exist"
    );
    assert_eq!(error.faults[0].field, "spec.clusters[1].cluster");
    let key = cloud_key(PROJECT, "lc");
    for document in [
        Key::cloud(&key),
        Key::of_cloud(DocumentKind::Namespace, &key),
        Key::user(&key, &UserName::parse("bob").unwrap()),
        Key::reference(&key, &reference_name("first")),
    ] {
        assert!(!world.exists(&document).await, "{document}");
    }
    assert_eq!(world.deeds(PROJECT).await, ["create project/p"]);
}

async fn all_faults_of_a_body_are_reported_at_once(world: World) {
    world.project(PROJECT).await;
    let mut draft = full_draft();
    draft
        .labels
        .insert("istio-injection".to_owned(), "x".to_owned());
    draft.clusters.push(reference_draft(None, "c1"));
    draft.quotas.push(quota_draft("q", "1"));
    draft
        .permissions
        .push(permission_draft("wide", "clusterroles"));
    let error = create(&world, draft).await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid);
    let fields: Vec<&str> = error.faults.iter().map(|f| f.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "spec.labels",
            "spec.clusters[2]",
            "quotas[1]",
            "permissions[1].resources[0]"
        ]
    );
}

async fn a_namespace_is_derived_when_none_is_named(world: World) {
    world.project(PROJECT).await;
    for name in ["plain", "Mixed.Case_9", "default"] {
        let draft = LogicalCloudDraft {
            namespace: None,
            ..cloud_draft(name)
        };
        let namespace = create(&world, draft).await.unwrap().namespace.name;
        if name == "plain" {
            assert_eq!(namespace.as_str(), "plain");
        } else {
            assert!(namespace.as_str().starts_with("lc-"), "{namespace}");
        }
    }
}

async fn a_put_changes_what_may_change_and_the_version_tells(world: World) {
    world.project(PROJECT).await;
    let key = cloud_key(PROJECT, "lc");
    let created = world.cloud(&key).await;
    let same = put(&world, cloud_draft("lc")).await.unwrap();
    assert_eq!(same.saved, created);

    let mut draft = cloud_draft("lc");
    draft.labels.clear();
    let labels = put(&world, draft.clone()).await.unwrap().saved;
    assert!(
        labels.version > created.version,
        "a label is part of the object"
    );
    draft.metadata = described("text");
    draft.namespace = None;
    draft.user = Some(UserDraft {
        name: UserName::parse("eve").unwrap(),
        ..draft.user.unwrap()
    });
    let changed = put(&world, draft).await.unwrap().saved;
    assert!(changed.version > labels.version);
    let detail = &changed.document;
    assert_eq!(detail.cloud.uid, created.document.cloud.uid);
    assert_eq!(
        detail.namespace.name.as_str(),
        "payments",
        "kept when not named"
    );
    let user = detail.user.as_ref().unwrap();
    assert_ne!(user.uid, created.document.user.as_ref().unwrap().uid);
    let old = Key::user(&key, &UserName::parse("bob").unwrap());
    assert!(!world.exists(&old).await);
    let read = world.app.get_logical_cloud(&who(), &key).await.unwrap();
    assert_eq!(read, changed);
    assert_eq!(world.deeds(PROJECT).await.len(), 4);
}

async fn a_put_creates_what_is_not_there(world: World) {
    world.register(&["c1", "c2"]).await;
    let missing = put(&world, full_draft()).await.unwrap_err();
    assert_eq!(missing.kind, Kind::NotFound);
    world.project(PROJECT).await;
    let written = put(&world, full_draft()).await.unwrap();
    assert!(written.created);
    let key = cloud_key(PROJECT, "lc");
    let references = world.app.list_references(&who(), &key, None).await.unwrap();
    assert_eq!(references.len(), 2);
}

async fn lists_taken_on_create_are_refused_later(world: World) {
    world.project(PROJECT).await;
    world.cloud(&cloud_key(PROJECT, "lc")).await;
    let error = put(&world, full_draft()).await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid);
    let fields: Vec<&str> = error.faults.iter().map(|f| f.field.as_str()).collect();
    assert_eq!(fields, ["spec.clusters", "permissions", "quotas"]);
}

fn renamed() -> LogicalCloudDraft {
    LogicalCloudDraft {
        namespace: Some(NamespaceName::parse("other").unwrap()),
        level: Level::Admin,
        user: None,
        ..cloud_draft("lc")
    }
}

async fn namespace_user_and_level_are_fixed_while_something_is_out_there(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    world.app.instantiate(&who(), &key).await.unwrap();
    let refused = async || {
        let error = put(&world, renamed()).await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict);
        let fields: Vec<&str> = error.faults.iter().map(|f| f.field.as_str()).collect();
        assert_eq!(fields, ["spec.namespace", "spec.user", "spec.level"]);
    };
    refused().await;
    let mut draft = cloud_draft("lc");
    draft.metadata = described("text may change");
    draft.labels.clear();
    put(&world, draft).await.unwrap();

    world.make_ready(&key, "c1").await;
    world.app.terminate(&who(), &key).await.unwrap();
    refused().await;
    world.make_absent(&key, "c1").await;
    put(&world, renamed()).await.unwrap();
}

async fn a_cloud_without_a_user_is_a_cloud(world: World) {
    world.register(&["c1"]).await;
    world.project(PROJECT).await;
    let draft = LogicalCloudDraft {
        user: None,
        permissions: vec![permission_draft("pods", "pods")],
        clusters: vec![reference_draft(None, "c1")],
        ..cloud_draft("lc")
    };
    let detail = create(&world, draft).await.unwrap();
    assert_eq!(detail.user, None);
    let key = cloud_key(PROJECT, "lc");
    world.app.instantiate(&who(), &key).await.unwrap();
    let revision = world.revision(&key).await;
    assert!(revision.slice.users.is_empty() && revision.slice.permissions.is_empty());
    assert!(revision.has_member(&cluster("c1")));
}

async fn lists_join_the_parts(world: World) {
    world.project(PROJECT).await;
    for name in ["b", "a"] {
        world.cloud(&cloud_key(PROJECT, name)).await;
    }
    world.project("p-other").await;
    world.cloud(&cloud_key("p-other", "c")).await;
    let project = cloud_key(PROJECT, "a").project;
    let listed = world
        .app
        .list_logical_clouds(&who(), &project, PageRequest::default())
        .await
        .unwrap();
    let names: Vec<_> = listed
        .items
        .iter()
        .map(|saved| saved.document.cloud.key.cloud.as_str())
        .collect();
    assert_eq!(names, ["a", "b"]);
    assert!(
        listed
            .items
            .iter()
            .all(|saved| saved.document.user.is_some())
    );
}
