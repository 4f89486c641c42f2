//! Races: whatever the order, the invariants hold, and who loses is told why.

use std::collections::BTreeSet;
use std::future::Future;

use dcm_app::{App, Deletion, Error, Precondition};
use dcm_types::documents::Wish;
use dcm_types::{CloudKey, Key, Kind};
use tokio::task::JoinHandle;

use crate::world::{
    World, cloud_draft, cloud_key, cluster, project_draft, quota_draft, reference_draft, who,
};

on_every_store!(
    of_many_creates_one_wins,
    concurrent_puts_all_succeed,
    a_cloud_is_never_without_its_project,
    a_child_is_never_without_its_cloud,
    a_reference_is_never_without_its_cluster,
    two_references_to_one_cluster_cannot_both_win,
    references_to_many_clusters_at_once_all_win,
    actions_at_once_make_one_history,
    a_delete_never_overtakes_an_instantiate,
);

const ROUNDS: usize = 15;

/// Starts a use case in a task of its own.
fn start<T, F, A>(world: &World, run: F) -> JoinHandle<Result<T, Error>>
where
    T: Send + 'static,
    F: FnOnce(App) -> A,
    A: Future<Output = Result<T, Error>> + Send + 'static,
{
    tokio::spawn(run(world.app.clone()))
}

async fn end<T>(task: JoinHandle<Result<T, Error>>) -> Result<T, Kind> {
    task.await.unwrap().map_err(|error| error.kind)
}

async fn of_many_creates_one_wins(world: World) {
    let creates: Vec<_> = (0..16)
        .map(|_| {
            start(&world, async |app| {
                app.create_project(&who(), project_draft("p", "")).await
            })
        })
        .collect();
    let mut won = 0;
    for create in creates {
        match end(create).await {
            Ok(_) => won += 1,
            Err(kind) => assert_eq!(kind, Kind::AlreadyExists),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(world.deeds("p").await.len(), 1);
}

async fn concurrent_puts_all_succeed(world: World) {
    let puts: Vec<_> = (0..12)
        .map(|number| {
            start(&world, async move |app| {
                let draft = project_draft("p", &format!("text {number}"));
                let name = draft.name.clone();
                app.put_project(&who(), &name, draft, Precondition::None)
                    .await
            })
        })
        .collect();
    let mut created = 0;
    for put in puts {
        created += usize::from(end(put).await.unwrap().created);
    }
    assert_eq!(created, 1);
    assert_eq!(world.deeds("p").await.len(), 12);
}

async fn a_cloud_is_never_without_its_project(world: World) {
    let key = cloud_key("p", "lc");
    for _ in 0..ROUNDS {
        world.project("p").await;
        let project = key.project.clone();
        let create = start(&world, async move |app| {
            app.create_logical_cloud(&who(), &project, cloud_draft("lc"))
                .await
        });
        let project = key.project.clone();
        let delete = start(&world, async move |app| {
            app.delete_project(&who(), &project, Precondition::None)
                .await
        });
        match (end(create).await, end(delete).await) {
            (Ok(_), Err(Kind::Conflict)) => {
                world
                    .app
                    .delete_logical_cloud(&who(), &key, Precondition::None)
                    .await
                    .unwrap();
                world
                    .app
                    .delete_project(&who(), &key.project, Precondition::None)
                    .await
                    .unwrap();
            }
            (Err(Kind::NotFound), Ok(())) => {}
            other => unreachable!("{other:?}"),
        }
        assert!(!world.exists(&Key::cloud(&key)).await);
    }
}

async fn a_child_is_never_without_its_cloud(world: World) {
    world.project("p").await;
    let key = cloud_key("p", "lc");
    for _ in 0..ROUNDS {
        world.cloud(&key).await;
        let (of, from) = (key.clone(), key.clone());
        let create = start(&world, async move |app| {
            app.create_quota(&who(), &of, quota_draft("q", "1")).await
        });
        let delete = start(&world, async move |app| {
            app.delete_logical_cloud(&who(), &from, Precondition::None)
                .await
        });
        let created = end(create).await;
        assert_eq!(end(delete).await, Ok(Deletion::Done));
        assert!(
            matches!(created, Ok(_) | Err(Kind::NotFound)),
            "{created:?}"
        );
        let quota = Key::quota(&key, &quota_draft("q", "1").name);
        assert!(!world.exists(&quota).await);
    }
}

async fn a_reference_is_never_without_its_cluster(world: World) {
    world.project("p").await;
    let key = cloud_key("p", "lc");
    world.cloud(&key).await;
    for _ in 0..ROUNDS {
        world.register(&["c1"]).await;
        let of = key.clone();
        let refer = start(&world, async move |app| {
            app.put_reference_of(&who(), &of, &cluster("c1"), None, Precondition::None)
                .await
        });
        let delete = start(&world, async |app| {
            app.delete_cluster(&who(), &cluster("c1"), Precondition::None)
                .await
        });
        match (end(refer).await, end(delete).await) {
            (Ok(_), Err(Kind::Conflict)) => {
                world
                    .app
                    .delete_reference_of(&who(), &key, &cluster("c1"), Precondition::None)
                    .await
                    .unwrap();
                world
                    .app
                    .delete_cluster(&who(), &cluster("c1"), Precondition::None)
                    .await
                    .unwrap();
            }
            (Err(Kind::NotFound), Ok(())) => {}
            other => unreachable!("{other:?}"),
        }
    }
}

async fn two_references_to_one_cluster_cannot_both_win(world: World) {
    world.register(&["c1"]).await;
    world.project("p").await;
    let key = cloud_key("p", "lc");
    world.cloud(&key).await;
    for _ in 0..ROUNDS {
        let tries = ["a", "b", "c"].map(|name| {
            let key = key.clone();
            start(&world, async move |app| {
                let draft = reference_draft(Some(name), "c1");
                app.create_reference(&who(), &key, draft).await
            })
        });
        let mut won = 0;
        for attempt in tries {
            match end(attempt).await {
                Ok(_) => won += 1,
                Err(kind) => assert_eq!(kind, Kind::Conflict),
            }
        }
        assert_eq!(won, 1);
        let listed = world.app.list_references(&who(), &key, None).await.unwrap();
        assert_eq!(listed.len(), 1);
        world
            .app
            .delete_reference_of(&who(), &key, &cluster("c1"), Precondition::None)
            .await
            .unwrap();
    }
}

async fn references_to_many_clusters_at_once_all_win(world: World) {
    let names = ["c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"];
    world.register(&names).await;
    world.project("p").await;
    let key = cloud_key("p", "lc");
    world.cloud(&key).await;
    let puts = names.map(|name| {
        let key = key.clone();
        start(&world, async move |app| {
            app.put_reference_of(&who(), &key, &cluster(name), None, Precondition::None)
                .await
        })
    });
    for put in puts {
        assert!(end(put).await.unwrap().created);
    }
    let listed = world.app.list_references(&who(), &key, None).await.unwrap();
    assert_eq!(listed.len(), names.len());
}

async fn actions_at_once_make_one_history(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    let act = |terminate: bool| {
        let key: CloudKey = key.clone();
        start(&world, async move |app| {
            if terminate {
                app.terminate(&who(), &key).await
            } else {
                app.instantiate(&who(), &key).await
            }
        })
    };
    for _ in 0..ROUNDS {
        let actions: Vec<_> = (0..4).map(|number| act(number % 2 == 0)).collect();
        for action in actions {
            end(action).await.unwrap();
        }
    }
    let lifecycle = world.lifecycle(&key).await;
    let generations: Vec<u64> = lifecycle.history.iter().map(|r| r.generation).collect();
    let distinct: BTreeSet<u64> = generations.iter().copied().collect();
    assert_eq!(distinct.len(), generations.len());
    assert!(generations.is_sorted());
    assert_eq!(generations.last(), Some(&lifecycle.generation));
    let actions = world.deeds("p").await;
    let accepted = actions
        .iter()
        .filter(|deed| deed.starts_with("instantiate") || deed.starts_with("terminate"));
    assert_eq!(accepted.count() as u64, lifecycle.generation);
}

async fn a_delete_never_overtakes_an_instantiate(world: World) {
    for _ in 0..ROUNDS {
        let key = world.cloud_on(&["c1"]).await;
        let (of, from) = (key.clone(), key.clone());
        let instantiate = start(&world, async move |app| app.instantiate(&who(), &of).await);
        let delete = start(&world, async move |app| {
            app.delete_logical_cloud(&who(), &from, Precondition::None)
                .await
        });
        match (end(instantiate).await, end(delete).await) {
            (Ok(accepted), Err(Kind::Conflict)) => {
                assert_eq!(accepted.wish, Wish::Present);
                world.app.terminate(&who(), &key).await.unwrap();
                world.make_absent(&key, "c1").await;
                assert_eq!(world.delete_cloud(&key).await.unwrap(), Deletion::Done);
            }
            (Err(Kind::NotFound), Ok(Deletion::Done)) => {}
            other => unreachable!("{other:?}"),
        }
        world.clear().await;
    }
}
