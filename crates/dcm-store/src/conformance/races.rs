//! Cases with real concurrency: what must never happen, tried many times.

use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::{Subject, all, assert, commit, delete, key, paths, put, set, version};
use crate::store::{Error, Expect, Scope, Store};

const ROUNDS: usize = 200;
const WRITERS: usize = 16;

/// The order that a check before the delete does not notice: list, create of the child, delete.
pub async fn child_made_after_an_empty_list_saves_its_parent(subject: &dyn Subject) {
    let store = subject.store();
    set(&store, "parent", "x").await;
    let parent = version(&store, &key("parent")).await.unwrap();
    assert!(
        paths(&store, Scope::Under("parent".to_owned()))
            .await
            .is_empty()
    );
    let child = vec![
        put(key("parent/child"), Expect::Absent, "x"),
        assert(key("parent"), Expect::Exists),
    ];
    commit(&store, child).await.unwrap();
    let outcome = commit(
        &store,
        vec![delete(key("parent"), Expect::Untouched(parent))],
    )
    .await;
    let Err(Error::Precondition {
        found: Some(found), ..
    }) = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        (found.number, found.touched),
        (parent.number, parent.touched + 1)
    );
}

async fn delete_if_childless(store: &Arc<dyn Store>, parent: &str) -> bool {
    let Some(found) = version(store, &key(parent)).await else {
        return false;
    };
    if !paths(store, Scope::Under(parent.to_owned()))
        .await
        .is_empty()
    {
        return false;
    }
    tokio::task::yield_now().await;
    won(commit(store, vec![delete(key(parent), Expect::Untouched(found))]).await)
}

async fn create_child(store: &Arc<dyn Store>, parent: &str) -> bool {
    let child = vec![
        put(key(&format!("{parent}/child")), Expect::Absent, "x"),
        assert(key(parent), Expect::Exists),
    ];
    won(commit(store, child).await)
}

/// Whether a commit succeeded; a failure must be a precondition.
fn won<T>(outcome: Result<T, Error>) -> bool {
    match outcome {
        Ok(_) => true,
        Err(Error::Precondition { .. }) => false,
        Err(error) => panic!("{error:?}"),
    }
}

/// Write skew: one makes a child and asserts the parent, one deletes the parent because it saw no
/// child. Never an orphan; one of them always wins.
pub async fn child_and_delete_of_parent_never_both_win(subject: &dyn Subject) {
    let store = subject.store();
    for round in 0..ROUNDS {
        let parent = format!("parent{round}");
        set(&store, &parent, "x").await;
        let barrier = Arc::new(Barrier::new(2));
        let deleting = tokio::spawn({
            let (store, parent, barrier) = (store.clone(), parent.clone(), barrier.clone());
            async move {
                barrier.wait().await;
                delete_if_childless(&store, &parent).await
            }
        });
        let creating = tokio::spawn({
            let (store, parent) = (store.clone(), parent.clone());
            async move {
                barrier.wait().await;
                create_child(&store, &parent).await
            }
        });
        let (deleted, created) = (deleting.await.unwrap(), creating.await.unwrap());
        assert!(
            deleted != created,
            "round {round}: deleted {deleted}, created {created}"
        );
        let parent_there = version(&store, &key(&parent)).await.is_some();
        let child_there = !paths(&store, Scope::Under(parent)).await.is_empty();
        assert_eq!((parent_there, child_there), (!deleted, created));
    }
}

/// Of many that create the same document, one succeeds, and the others are told of it.
pub async fn one_creator_wins(subject: &dyn Subject) {
    let store = subject.store();
    for round in 0..20 {
        let path = format!("d{round}");
        let barrier = Arc::new(Barrier::new(WRITERS));
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let (store, path, barrier) = (store.clone(), path.clone(), barrier.clone());
            writers.spawn(async move {
                barrier.wait().await;
                let body = writer.to_string();
                let outcome = commit(&store, vec![put(key(&path), Expect::Absent, &body)]).await;
                (body, outcome)
            });
        }
        let outcomes = writers.join_all().await;
        let there = store.get(&key(&path)).await.unwrap().unwrap();
        let mut winners = 0;
        for (body, outcome) in outcomes {
            match outcome {
                Ok(committed) => {
                    winners += 1;
                    assert_eq!(body, there.body);
                    assert_eq!(committed.written, [(key(&path), there.version.number)]);
                }
                Err(Error::Precondition { found, .. }) => assert_eq!(found, Some(there.version)),
                Err(error) => panic!("{error:?}"),
            }
        }
        assert_eq!(winners, 1);
    }
}

/// Many read a counter, add one and write it if it is still what they read: every success counts.
pub async fn no_increment_is_lost(subject: &dyn Subject) {
    const EACH: usize = 10;
    let store = subject.store();
    set(&store, "counter", "0").await;
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let store = store.clone();
        writers.spawn(async move {
            let mut done = 0;
            while done < EACH {
                let read = store.get(&key("counter")).await.unwrap().unwrap();
                let next = (read.body.parse::<usize>().unwrap() + 1).to_string();
                let expect = Expect::Number(read.version.number);
                if won(commit(&store, vec![put(key("counter"), expect, &next)]).await) {
                    done += 1;
                }
            }
        });
    }
    writers.join_all().await;
    let last = store.get(&key("counter")).await.unwrap().unwrap();
    assert_eq!(last.body, (WRITERS * EACH).to_string());
}

/// Refused batches in the middle of many others: those that were accepted are whole, those that were
/// refused left nothing.
pub async fn refused_batches_do_not_harm_their_neighbours(subject: &dyn Subject) {
    let store = subject.store();
    let mut writers = JoinSet::new();
    for number in 0..200 {
        let store = store.clone();
        writers.spawn(async move {
            let refused = number % 3 == 0;
            let mut batch: Vec<_> = ["a", "b", "c"]
                .iter()
                .map(|part| put(key(&format!("{number}/{part}")), Expect::Absent, "x"))
                .collect();
            if refused {
                batch.push(delete(key("none"), Expect::Exists));
            }
            assert_eq!(won(commit(&store, batch).await), !refused);
        });
    }
    writers.join_all().await;
    for number in 0..200 {
        let wanted = if number % 3 == 0 { 0 } else { 3 };
        let found = paths(&store, Scope::Under(number.to_string())).await;
        assert_eq!(found.len(), wanted, "batch {number}");
    }
}

/// While batches change two documents together, neither a list nor a read of both shows them apart.
pub async fn nobody_reads_half_a_batch(subject: &dyn Subject) {
    let store = subject.store();
    let both = |body: &str| {
        vec![
            put(key("pair/a"), Expect::Anything, body),
            put(key("pair/z"), Expect::Anything, body),
        ]
    };
    commit(&store, both("0")).await.unwrap();
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for number in 1..=300 {
                commit(&store, both(&number.to_string())).await.unwrap();
            }
        }
    });
    let mut seen = 0;
    while !writer.is_finished() {
        let pair = all(&store, Scope::Under("pair".to_owned())).await;
        assert_eq!(pair[0].body, pair[1].body);
        let read = store.get_many(&[key("pair/a"), key("pair/z")]).await;
        let bodies: Vec<_> = read
            .unwrap()
            .into_iter()
            .flatten()
            .map(|d| d.body)
            .collect();
        assert_eq!(bodies[0], bodies[1], "read together");
        let number = pair[0].body.parse::<u32>().unwrap();
        assert!(number >= seen, "went back from {seen} to {number}");
        seen = number;
    }
    writer.await.unwrap();
}

/// Once a commit is answered, every later read by anybody sees it.
pub async fn acknowledged_writes_are_read_by_everybody(subject: &dyn Subject) {
    let store = subject.store();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        writers.spawn(async move {
            for number in 0..20 {
                let path = format!("{writer}/{number}");
                let given = set(&store, &path, "x").await;
                let reader = store.clone();
                let seen = tokio::spawn(async move {
                    let got = version(&reader, &key(&path)).await;
                    let listed = paths(&reader, Scope::Under(writer.to_string())).await;
                    (got.map(|version| version.number), listed.len())
                });
                assert_eq!(seen.await.unwrap(), (Some(given), number + 1));
            }
        });
    }
    writers.join_all().await;
}
