//! Documents and their parents: what exists, what is missing, what still has children.

use dcm_app::{AskedKubeconfig, Error, PageRequest, Precondition, Until};
use dcm_types::drafts::ProviderDraft;
use dcm_types::{
    CloudKey, Key, Kind, PermissionName, ProjectName, ProviderName, QuotaName, UserName,
};

use crate::world::{
    World, cloud_draft, cloud_key, cluster, cluster_draft, described, kind, permission_draft,
    project_draft, quota_draft, reference_draft, reference_name, user_draft, who,
};

on_every_store!(
    a_project_is_created_read_replaced_and_deleted,
    a_provider_is_created_read_replaced_and_deleted,
    a_put_that_changes_nothing_writes_nothing,
    if_match_is_honoured,
    a_body_cannot_name_another_object_than_its_path,
    a_missing_parent_is_named,
    a_parent_with_children_is_kept,
    lists_are_in_order_and_come_in_pages,
);

async fn a_project_is_created_read_replaced_and_deleted(world: World) {
    let (app, who) = (&world.app, who());
    let name = ProjectName::parse("p").unwrap();
    let created = app
        .create_project(&who, project_draft("p", "one"))
        .await
        .unwrap();
    let again = app.create_project(&who, project_draft("p", "two")).await;
    let error = again.unwrap_err();
    assert_eq!(error.kind, Kind::AlreadyExists);
    assert_eq!(error.to_string(), "project 'p' exists already");
    assert_eq!(app.get_project(&who, &name).await.unwrap(), created);

    let put = app
        .put_project(&who, &name, project_draft("p", "two"), Precondition::None)
        .await
        .unwrap();
    assert!(!put.created);
    assert!(put.saved.version > created.version);
    assert_eq!(put.saved.document.uid, created.document.uid);
    assert_eq!(put.saved.document.created_at, created.document.created_at);
    assert_eq!(put.saved.document.metadata.description.as_str(), "two");

    app.delete_project(&who, &name, Precondition::None)
        .await
        .unwrap();
    assert_eq!(kind(app.get_project(&who, &name).await), Kind::NotFound);
    let missing = app.delete_project(&who, &name, Precondition::None).await;
    assert_eq!(kind(missing), Kind::NotFound);
    assert_eq!(
        world.deeds("p").await,
        ["create project/p", "update project/p", "delete project/p"]
    );
}

async fn a_provider_is_created_read_replaced_and_deleted(world: World) {
    let (app, who) = (&world.app, who());
    let name = ProviderName::parse("edge").unwrap();
    let draft = |text: &str| ProviderDraft {
        name: name.clone(),
        metadata: described(text),
    };
    let put = app
        .put_provider(&who, &name, draft("one"), Precondition::None)
        .await
        .unwrap();
    assert!(put.created);
    assert_eq!(
        kind(app.create_provider(&who, draft("x")).await),
        Kind::AlreadyExists
    );
    let second = app
        .put_provider(&who, &name, draft("two"), Precondition::Exists)
        .await
        .unwrap();
    assert_eq!(second.saved.document.uid, put.saved.document.uid);
    assert_eq!(app.get_provider(&who, &name).await.unwrap(), second.saved);
    app.delete_provider(&who, &name, Precondition::None)
        .await
        .unwrap();
    assert_eq!(
        world.deeds(Key::SYSTEM_SCOPE).await,
        [
            "create cluster-provider/edge",
            "update cluster-provider/edge",
            "delete cluster-provider/edge"
        ]
    );
}

async fn a_put_that_changes_nothing_writes_nothing(world: World) {
    let (app, who) = (&world.app, who());
    let name = ProjectName::parse("p").unwrap();
    let created = app
        .create_project(&who, project_draft("p", "one"))
        .await
        .unwrap();
    let put = app
        .put_project(&who, &name, project_draft("p", "one"), Precondition::None)
        .await
        .unwrap();
    assert_eq!(put.saved.version, created.version);
    assert_eq!(world.deeds("p").await.len(), 1);
}

async fn if_match_is_honoured(world: World) {
    let (app, who) = (&world.app, who());
    let name = ProjectName::parse("p").unwrap();
    let put = async |text: &str, precondition| {
        app.put_project(&who, &name, project_draft("p", text), precondition)
            .await
    };
    assert_eq!(
        kind(put("x", Precondition::Match(vec![1])).await),
        Kind::PreconditionFailed
    );
    assert_eq!(
        kind(put("x", Precondition::Exists).await),
        Kind::PreconditionFailed
    );
    let first = put("one", Precondition::None).await.unwrap().saved.version;
    let both = Precondition::Match(vec![first + 1000, first]);
    let second = put("two", both).await.unwrap().saved.version;
    assert_eq!(
        kind(put("three", Precondition::Match(vec![first])).await),
        Kind::PreconditionFailed
    );
    let old = Precondition::Match(vec![first]);
    assert_eq!(
        kind(app.delete_project(&who, &name, old).await),
        Kind::PreconditionFailed
    );
    app.delete_project(&who, &name, Precondition::Match(vec![second]))
        .await
        .unwrap();
}

async fn a_body_cannot_name_another_object_than_its_path(world: World) {
    let name = ProjectName::parse("p").unwrap();
    let put = world
        .app
        .put_project(&who(), &name, project_draft("q", ""), Precondition::None)
        .await;
    let error = put.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid);
    assert_eq!(error.faults[0].field, "metadata.name");
}

async fn a_missing_parent_is_named(world: World) {
    let (app, who) = (&world.app, who());
    let key = cloud_key("p", "lc");
    let provider = ProviderName::parse("edge").unwrap();
    let draft = cluster_draft("c1", "https://52.1.2.3:6443");
    let error = app
        .create_cluster(&who, &provider, draft)
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::NotFound);
    assert_eq!(error.to_string(), "cluster provider 'edge' does not exist");
    let every = dcm_app::ClusterFilter::default();
    let listed = app.list_clusters(&who, &provider, &every, PageRequest::default());
    assert_eq!(kind(listed.await), Kind::NotFound);
    assert_eq!(
        kind(app.get_cluster(&who, &cluster("c1")).await),
        Kind::NotFound
    );

    let no_project = "project 'p' does not exist";
    let cloud = app.create_logical_cloud(&who, &key.project, cloud_draft("lc"));
    assert_eq!(cloud.await.unwrap_err().to_string(), no_project);
    let listed = app.list_logical_clouds(&who, &key.project, PageRequest::default());
    assert_eq!(listed.await.unwrap_err().to_string(), no_project);

    let no_cloud = "logical cloud 'lc' of project 'p' does not exist";
    for expected in [no_project, no_cloud] {
        let mut errors = refusals_of_documents(&world, &key).await;
        errors.extend(refusals_of_users(&world, &key).await);
        errors.extend(refusals_of_actions(&world, &key).await);
        for error in errors {
            assert_eq!(error.kind, Kind::NotFound);
            assert_eq!(error.to_string(), expected);
        }
        if expected == no_project {
            world.project("p").await;
        }
    }
    assert_eq!(world.deeds("p").await, ["create project/p"]);
}

/// What the use cases of a cloud's users answer while there is no cloud.
async fn refusals_of_users(world: &World, key: &CloudKey) -> Vec<Error> {
    let (app, who) = (&world.app, &who());
    let user = &UserName::parse("ann").unwrap();
    let none = || Precondition::None;
    let draft = || user_draft("ann", "");
    vec![
        app.create_user(who, key, draft()).await.unwrap_err(),
        app.get_user(who, key, user).await.unwrap_err(),
        app.list_users(who, key, PageRequest::default())
            .await
            .unwrap_err(),
        app.put_user(who, key, user, draft(), none())
            .await
            .unwrap_err(),
        app.delete_user(who, key, user, none()).await.unwrap_err(),
    ]
}

/// What the use cases of a cloud's documents answer while there is no cloud.
async fn refusals_of_documents(world: &World, key: &CloudKey) -> Vec<Error> {
    let (app, who) = (&world.app, &who());
    let quota = &QuotaName::parse("q").unwrap();
    let permission = &PermissionName::parse("x").unwrap();
    let reference = &reference_name("r");
    let cluster = &cluster("c1");
    let none = || Precondition::None;
    let page = PageRequest::default;
    let limits = || quota_draft("q", "1");
    let rule = || permission_draft("x", "pods");
    let of = || reference_draft(None, "c1");
    vec![
        app.create_quota(who, key, limits()).await.unwrap_err(),
        app.get_quota(who, key, quota).await.unwrap_err(),
        app.list_quotas(who, key, page()).await.unwrap_err(),
        app.put_quota(who, key, quota, limits(), none())
            .await
            .unwrap_err(),
        app.delete_quota(who, key, quota, none()).await.unwrap_err(),
        app.create_permission(who, key, rule()).await.unwrap_err(),
        app.get_permission(who, key, permission).await.unwrap_err(),
        app.list_permissions(who, key, page()).await.unwrap_err(),
        app.put_permission(who, key, permission, rule(), none())
            .await
            .unwrap_err(),
        app.delete_permission(who, key, permission, none())
            .await
            .unwrap_err(),
        app.create_reference(who, key, of()).await.unwrap_err(),
        app.put_reference(who, key, reference, of(), none())
            .await
            .unwrap_err(),
        app.put_reference_of(who, key, cluster, None, none())
            .await
            .unwrap_err(),
        app.get_reference(who, key, reference).await.unwrap_err(),
        app.get_reference_of(who, key, cluster).await.unwrap_err(),
        app.list_references(who, key, None).await.unwrap_err(),
        app.delete_reference(who, key, reference, none())
            .await
            .unwrap_err(),
        app.delete_reference_of(who, key, cluster, none())
            .await
            .unwrap_err(),
    ]
}

/// What the other use cases of a cloud answer while there is none.
async fn refusals_of_actions(world: &World, key: &CloudKey) -> Vec<Error> {
    let (app, who) = (&world.app, &who());
    let reference = &reference_name("r");
    let timeout = std::time::Duration::ZERO;
    vec![
        app.get_logical_cloud(who, key).await.unwrap_err(),
        app.delete_logical_cloud(who, key, Precondition::None)
            .await
            .unwrap_err(),
        app.instantiate(who, key).await.unwrap_err(),
        app.update(who, key).await.unwrap_err(),
        app.terminate(who, key).await.unwrap_err(),
        app.cloud_status(who, key).await.unwrap_err(),
        app.wait_status(who, key, Until::Ready, None, timeout)
            .await
            .unwrap_err(),
        app.member_kubeconfig(who, key, reference, &AskedKubeconfig::default())
            .await
            .unwrap_err(),
        app.merged_kubeconfig(who, key, &AskedKubeconfig::default())
            .await
            .unwrap_err(),
    ]
}

async fn a_parent_with_children_is_kept(world: World) {
    let (app, who) = (&world.app, who());
    world.register(&["c1"]).await;
    world.project("p").await;
    let key = cloud_key("p", "lc");
    world.cloud(&key).await;
    let error = app
        .delete_project(&who, &key.project, Precondition::None)
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert_eq!(error.to_string(), "project 'p' still has logical clouds");
    assert_eq!(
        error.hint.as_deref(),
        Some("delete its logical clouds first")
    );
    let provider = &cluster("c1").provider;
    let refused = app
        .delete_provider(&who, provider, Precondition::None)
        .await;
    assert_eq!(kind(refused), Kind::Conflict);

    app.delete_logical_cloud(&who, &key, Precondition::None)
        .await
        .unwrap();
    app.delete_project(&who, &key.project, Precondition::None)
        .await
        .unwrap();
    app.delete_cluster(&who, &cluster("c1"), Precondition::None)
        .await
        .unwrap();
    app.delete_provider(&who, provider, Precondition::None)
        .await
        .unwrap();
}

async fn lists_are_in_order_and_come_in_pages(world: World) {
    let (app, who) = (&world.app, who());
    let empty = app
        .list_projects(&who, PageRequest::default())
        .await
        .unwrap();
    assert!(empty.items.is_empty() && empty.next.is_none());
    for name in ["c", "a", "e", "b", "d"] {
        world.project(name).await;
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = PageRequest { after, limit: 2 };
        let listed = app.list_projects(&who, page).await.unwrap();
        assert!(listed.items.len() <= 2);
        seen.extend(
            listed
                .items
                .into_iter()
                .map(|p| p.document.name.to_string()),
        );
        if listed.next.is_none() {
            break;
        }
        after = listed.next;
    }
    assert_eq!(seen, ["a", "b", "c", "d", "e"]);
}
