//! Labels, key-values and synchronisation objects: never without their parent, secrets only sealed.

use dcm_app::{App, AskedKubeconfig, Error, Precondition};
use dcm_store::StoreExt as _;
use dcm_types::documents::{Access, ClusterSyncObject, GitOps};
use dcm_types::drafts::{ClusterDraft, ClusterKvDraft, SyncObjectDraft};
use dcm_types::key_value::KeyValues;
use dcm_types::text::GitOpsText;
use dcm_types::{ClusterKvName, ClusterLabelName, Document as _, Key, Kind, SyncObjectName};
use secrecy::ExposeSecret as _;

use crate::world::{CANARY, World, cluster, cluster_draft, described, kind, reference_name, who};

on_every_store!(
    a_label_is_never_without_its_cluster,
    key_values_are_never_without_their_cluster,
    a_sync_object_is_never_without_its_provider,
    labels_that_come_while_all_are_replaced_are_not_mixed_in,
    values_of_a_sync_object_are_stored_sealed_only,
    swapped_values_are_refused,
    every_change_is_told_in_the_audit,
    an_address_for_tenants_reaches_kubeconfigs_that_exist,
    a_cluster_behind_a_repository_is_not_instantiated,
);

const SERVER: &str = "https://52.1.2.3:6443";
const ROUNDS: usize = 10;

fn label(name: &str) -> ClusterLabelName {
    ClusterLabelName::parse(name).unwrap()
}

fn pairs(value: &str) -> KeyValues {
    let map = [("gitToken".to_owned(), value.to_owned())].into();
    KeyValues::parse(vec![map], 100).unwrap()
}

fn object(value: &str) -> SyncObjectDraft {
    SyncObjectDraft {
        name: SyncObjectName::parse("repo").unwrap(),
        metadata: described(""),
        pairs: pairs(value),
    }
}

/// A child and its parent's delete at the same time: one of them is refused, and no orphan is left.
async fn race<T: Send + 'static>(
    world: &World,
    create: impl AsyncFn(App) -> Result<T, Error>,
    remove: impl AsyncFn(App) -> Result<(), Error>,
    child: &Key,
) -> bool {
    let (made, removed) = tokio::join!(create(world.app.clone()), remove(world.app.clone()));
    let made = made.map(|_| ()).map_err(|error| error.kind);
    let removed = removed.map_err(|error| error.kind);
    match (made, removed) {
        (Ok(()), Err(Kind::Conflict)) => {
            assert!(world.exists(child).await);
            true
        }
        (Err(Kind::NotFound), Ok(())) => {
            assert!(!world.exists(child).await);
            false
        }
        other => unreachable!("{other:?}"),
    }
}

async fn delete_cluster(app: App) -> Result<(), Error> {
    app.delete_cluster(&who(), &cluster("c1"), Precondition::None)
        .await
}

async fn a_label_is_never_without_its_cluster(world: World) {
    let child = Key::cluster_label(&cluster("c1"), &label("x"));
    for _ in 0..ROUNDS {
        world.register(&["c1"]).await;
        let create = async |app: App| {
            app.create_cluster_label(&who(), &cluster("c1"), label("x"))
                .await
        };
        if race(&world, create, delete_cluster, &child).await {
            world
                .app
                .delete_cluster_label(&who(), &cluster("c1"), &label("x"), Precondition::None)
                .await
                .unwrap();
            delete_cluster(world.app.clone()).await.unwrap();
        }
    }
}

async fn key_values_are_never_without_their_cluster(world: World) {
    let name = ClusterKvName::parse("k").unwrap();
    let child = Key::cluster_kv(&cluster("c1"), &name);
    for _ in 0..ROUNDS {
        world.register(&["c1"]).await;
        let create = async |app: App| {
            let draft = ClusterKvDraft {
                name: name.clone(),
                metadata: described(""),
                pairs: pairs("x"),
            };
            app.create_cluster_kv(&who(), &cluster("c1"), draft).await
        };
        if race(&world, create, delete_cluster, &child).await {
            world
                .app
                .delete_cluster_kv(&who(), &cluster("c1"), &name, Precondition::None)
                .await
                .unwrap();
            delete_cluster(world.app.clone()).await.unwrap();
        }
    }
}

async fn a_sync_object_is_never_without_its_provider(world: World) {
    let provider = cluster("c1").provider;
    let name = SyncObjectName::parse("repo").unwrap();
    let child = Key::sync_object(&provider, &name);
    let remove = async |app: App| {
        app.delete_provider(&who(), &provider, Precondition::None)
            .await
    };
    for _ in 0..ROUNDS {
        world.register(&[]).await;
        let create = async |app: App| app.create_sync_object(&who(), &provider, object("x")).await;
        if race(&world, create, remove, &child).await {
            world
                .app
                .delete_sync_object(&who(), &provider, &name, Precondition::None)
                .await
                .unwrap();
            remove(world.app.clone()).await.unwrap();
        }
    }
}

/// Whichever of both comes last, the label is there or not, and never the cluster's commit on labels
/// that it did not see.
async fn labels_that_come_while_all_are_replaced_are_not_mixed_in(world: World) {
    world.register(&["c1"]).await;
    let key = cluster("c1");
    for round in 0..ROUNDS {
        let wanted = label(&format!("all-{round}"));
        let draft = ClusterDraft {
            labels: Some([wanted.clone()].into()),
            kubeconfig: None,
            ..cluster_draft("c1", SERVER)
        };
        let who = who();
        let single = label(&format!("single-{round}"));
        let (put, one) = tokio::join!(
            world.app.put_cluster(&who, &key, draft, Precondition::None),
            world.app.create_cluster_label(&who, &key, single.clone()),
        );
        put.unwrap();
        one.unwrap();
        let listed = world
            .app
            .list_cluster_labels(&who, &key, dcm_app::PageRequest::default())
            .await
            .unwrap();
        let found: Vec<_> = listed.items.into_iter().map(|l| l.document.label).collect();
        let both = [wanted.clone(), single];
        assert!(found == both[..1] || found == both, "{found:?}");
    }
}

async fn values_of_a_sync_object_are_stored_sealed_only(world: World) {
    world.register(&[]).await;
    let (app, provider) = (&world.app, cluster("c1").provider);
    let made = app
        .create_sync_object(&who(), &provider, object(CANARY))
        .await
        .unwrap();
    let stored = world.store.get(&made.document.object.key()).await.unwrap();
    assert!(!stored.unwrap().body.contains("CANARY"));
    assert_eq!(made.document.pairs.get("gitToken"), Some(CANARY));
    let name = made.document.object.name.clone();
    let put = async |value: &str| {
        app.put_sync_object(&who(), &provider, &name, object(value), Precondition::None)
            .await
            .unwrap()
            .saved
    };
    assert_eq!(put(CANARY).await, made, "nothing is written");
    let other = put("other").await;
    assert_eq!(other.document.object.epoch, 2);
    let read = app.get_sync_object(&who(), &provider, &name).await.unwrap();
    assert_eq!(read, other);
}

async fn swapped_values_are_refused(world: World) {
    world.register(&[]).await;
    let (app, provider) = (&world.app, cluster("c1").provider);
    let name = SyncObjectName::parse("repo").unwrap();
    let made = app
        .create_sync_object(&who(), &provider, object(CANARY))
        .await
        .unwrap();
    let moved = ClusterSyncObject {
        epoch: 7,
        ..made.document.object
    };
    let mut batch = dcm_store::Batch::new();
    batch.put(&moved, dcm_store::Expect::Exists).unwrap();
    world.store.commit(batch).await.unwrap();
    let read = app.get_sync_object(&who(), &provider, &name).await;
    assert_eq!(kind(read), Kind::Internal);
}

async fn every_change_is_told_in_the_audit(world: World) {
    world.register(&["c1"]).await;
    let (app, key) = (&world.app, cluster("c1"));
    app.create_cluster_label(&who(), &key, label("x"))
        .await
        .unwrap();
    let relabelled = ClusterDraft {
        labels: Some([label("y")].into()),
        kubeconfig: None,
        ..cluster_draft("c1", SERVER)
    };
    for _ in 0..2 {
        app.put_cluster(&who(), &key, relabelled.clone(), Precondition::None)
            .await
            .unwrap();
    }
    app.create_sync_object(&who(), &key.provider, object("x"))
        .await
        .unwrap();
    let deeds = world.deeds(Key::SYSTEM_SCOPE).await;
    assert_eq!(
        deeds[2..],
        [
            "create cluster-label/edge/c1/x",
            "update cluster/edge/c1",
            "create cluster-sync-object/edge/repo",
        ]
    );
}

async fn an_address_for_tenants_reaches_kubeconfigs_that_exist(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    world.app.instantiate(&who(), &key).await.unwrap();
    let access = world.issue(&key, "c1", true).await;
    let name = reference_name("edge-c1");
    let fetch = async || {
        let one = world
            .app
            .member_kubeconfig(&who(), &key, &name, &AskedKubeconfig::default())
            .await;
        let all = world
            .app
            .merged_kubeconfig(&who(), &key, &AskedKubeconfig::default())
            .await;
        assert_eq!(
            one.as_ref().unwrap().expose_secret(),
            all.unwrap().expose_secret()
        );
        one.unwrap().expose_secret().to_owned()
    };
    let before = fetch().await;
    let authority = include_str!("../data/ca.pem");
    let put = async |address: Option<&str>, authority: Option<&str>| {
        let draft = ClusterDraft {
            kubeconfig: None,
            public_address: address.map(str::to_owned),
            public_certificate_authority: authority.map(str::to_owned),
            ..cluster_draft("c1", SERVER)
        };
        world
            .app
            .put_cluster(&who(), &cluster("c1"), draft, Precondition::None)
            .await
            .unwrap()
    };
    put(Some("https://public.example.com"), Some(authority)).await;
    let public = fetch().await;
    assert!(
        public.contains("\"https://public.example.com:443\""),
        "{public}"
    );
    assert_ne!(public, before);
    put(None, None).await;
    assert_eq!(fetch().await, before);
    let stored = world.store.read::<Access>(&access.key()).await.unwrap();
    assert_eq!(stored.unwrap().document, access, "no new certificate");
}

async fn a_cluster_behind_a_repository_is_not_instantiated(world: World) {
    let draft = ClusterDraft {
        kubeconfig: None,
        git_ops: Some(GitOps {
            kind: GitOpsText::parse("fluxcd").unwrap(),
            ..GitOps::default()
        }),
        ..cluster_draft("g", SERVER)
    };
    let key = world.cloud_on(&["c1"]).await;
    let provider = cluster("g").provider;
    let made = world.app.create_cluster(&who(), &provider, draft).await;
    assert_eq!(made.unwrap().document.cluster.server, "");
    world.app.instantiate(&who(), &key).await.unwrap();
    world.refer(&key, "g").await;
    let error = world.app.update(&who(), &key).await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert!(error.to_string().contains("edge/g"), "{error}");
    assert!(error.hint.is_some());
}
