//! Two creates of children and the deletion of their parent, all at once: no child is left without it.
//! Other pairs are in `races` and `beside_clusters`.

use std::future::Future;
use std::pin::Pin;

use dcm_app::{App, Error, Precondition};
use dcm_types::drafts::CloudKvDraft;
use dcm_types::key_value::FreeItems;
use dcm_types::{CloudKvName, Key, Kind};

use crate::world::{
    World, cloud_draft, cloud_key, cluster, cluster_draft, described, permission_draft,
    quota_draft, reference_draft, reference_name, user_draft, who,
};

on_every_store!(
    a_cluster_is_never_without_its_provider,
    a_cloud_is_never_without_its_project,
    nothing_of_a_cloud_is_left_without_it,
);

const ROUNDS: usize = 10;

async fn both<T>(
    one: impl Future<Output = Result<T, Error>> + Send + 'static,
    other: impl Future<Output = Result<T, Error>> + Send + 'static,
    removed: impl Future<Output = Result<(), Error>> + Send + 'static,
) -> ([Result<(), Kind>; 2], Result<(), Kind>)
where
    T: Send + 'static,
{
    let (one, other, removed) = (
        tokio::spawn(one),
        tokio::spawn(other),
        tokio::spawn(removed),
    );
    let made = [one.await.unwrap(), other.await.unwrap()];
    let made = made.map(|made| made.map(|_| ()).map_err(|error| error.kind));
    (made, removed.await.unwrap().map_err(|error| error.kind))
}

/// Either the parent went and there is no child, or a child was made and the parent stayed.
async fn no_orphan(
    world: &World,
    parent: &Key,
    children: [Key; 2],
    (made, removed): ([Result<(), Kind>; 2], Result<(), Kind>),
) -> bool {
    let stays = world.exists(parent).await;
    for (child, made) in children.iter().zip(made) {
        assert_eq!(world.exists(child).await, made.is_ok(), "{child}: {made:?}");
        assert!(stays || made == Err(Kind::NotFound), "{child}: {made:?}");
    }
    assert_eq!(stays, removed == Err(Kind::Conflict), "{removed:?}");
    stays
}

async fn a_cluster_is_never_without_its_provider(world: World) {
    let provider = cluster("c1").provider;
    for _ in 0..ROUNDS {
        world.register(&[]).await;
        let create = |name: &'static str| {
            let (app, provider) = (world.app.clone(), provider.clone());
            let draft = cluster_draft(name, "https://52.1.2.3:6443");
            async move { app.create_cluster(&who(), &provider, draft).await }
        };
        let remove = {
            let (app, provider) = (world.app.clone(), provider.clone());
            async move {
                app.delete_provider(&who(), &provider, Precondition::None)
                    .await
            }
        };
        let outcome = both(create("c1"), create("c2"), remove).await;
        let children = ["c1", "c2"].map(|name| Key::cluster(&cluster(name)));
        if no_orphan(&world, &Key::provider(&provider), children, outcome).await {
            for name in ["c1", "c2"] {
                let key = cluster(name);
                world
                    .app
                    .delete_cluster(&who(), &key, Precondition::None)
                    .await
                    .ok();
            }
        }
    }
}

async fn a_cloud_is_never_without_its_project(world: World) {
    let project = cloud_key("p", "x").project;
    for _ in 0..ROUNDS {
        if !world.exists(&Key::project(&project)).await {
            world.project("p").await;
        }
        let create = |name: &'static str| {
            let (app, project) = (world.app.clone(), project.clone());
            async move {
                app.create_logical_cloud(&who(), &project, cloud_draft(name))
                    .await
            }
        };
        let remove = {
            let (app, project) = (world.app.clone(), project.clone());
            async move {
                app.delete_project(&who(), &project, Precondition::None)
                    .await
            }
        };
        let outcome = both(create("a"), create("b"), remove).await;
        let children = ["a", "b"].map(|name| Key::cloud(&cloud_key("p", name)));
        if no_orphan(&world, &Key::project(&project), children, outcome).await {
            for name in ["a", "b"] {
                let key = cloud_key("p", name);
                world
                    .app
                    .delete_logical_cloud(&who(), &key, Precondition::None)
                    .await
                    .ok();
            }
        }
    }
}

type Making = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// Creates a child of the kind, of this name; and its key.
fn child(app: App, kind: usize, name: &'static str) -> (Making, Key) {
    let cloud = cloud_key("p", "lc");
    let of = cloud.clone();
    match kind {
        0 => {
            let draft = user_draft(name, "");
            let key = Key::user(&of, &draft.name);
            (
                Box::pin(async move { app.create_user(&who(), &cloud, draft).await.map(drop) }),
                key,
            )
        }
        1 => {
            let draft = quota_draft(name, "1");
            let key = Key::quota(&of, &draft.name);
            (
                Box::pin(async move { app.create_quota(&who(), &cloud, draft).await.map(drop) }),
                key,
            )
        }
        2 => {
            let draft = permission_draft(name, "pods");
            let key = Key::permission(&of, &draft.name);
            (
                Box::pin(
                    async move { app.create_permission(&who(), &cloud, draft).await.map(drop) },
                ),
                key,
            )
        }
        3 => {
            let draft = CloudKvDraft {
                name: CloudKvName::parse(name).unwrap(),
                metadata: described(""),
                items: FreeItems::parse(Vec::new()).unwrap(),
            };
            let key = Key::cloud_kv(&of, &draft.name);
            (
                Box::pin(async move { app.create_cloud_kv(&who(), &cloud, draft).await.map(drop) }),
                key,
            )
        }
        _ => {
            let draft = reference_draft(Some(name), if name == "a" { "c1" } else { "c2" });
            let key = Key::reference(&of, &reference_name(name));
            (
                Box::pin(
                    async move { app.create_reference(&who(), &cloud, draft).await.map(drop) },
                ),
                key,
            )
        }
    }
}

/// A cloud takes its parts with it, so its deletion always succeeds.
async fn nothing_of_a_cloud_is_left_without_it(world: World) {
    world.register(&["c1", "c2"]).await;
    world.project("p").await;
    let key = cloud_key("p", "lc");
    for round in 0..ROUNDS * 5 {
        world.cloud(&key).await;
        let (one, first) = child(world.app.clone(), round % 5, "a");
        let (other, second) = child(world.app.clone(), round % 5, "b");
        let remove = {
            let (app, key) = (world.app.clone(), key.clone());
            async move {
                let removed = app
                    .delete_logical_cloud(&who(), &key, Precondition::None)
                    .await;
                removed.map(drop)
            }
        };
        let (made, removed) = both(one, other, remove).await;
        assert_eq!(removed, Ok(()));
        for (child, made) in [first, second].iter().zip(made) {
            assert!(
                matches!(made, Ok(()) | Err(Kind::NotFound)),
                "{child}: {made:?}"
            );
            assert!(!world.exists(child).await, "{child} is left");
        }
    }
}
