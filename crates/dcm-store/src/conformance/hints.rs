//! Cases about change hints.

use std::time::Duration;

use futures::StreamExt;

use super::{Subject, assert, commit, delete, key, put, set};
use crate::store::{Change, Expect};

/// A hint that has not come after so long does not come.
const SOON: Duration = Duration::from_secs(10);

/// Puts and deletes are hinted to every listener in the order of the commits; assertions, refused
/// batches and deletes of nothing are not.
pub async fn changes_are_hinted_in_order_and_nothing_else(subject: &dyn Subject) {
    let store = subject.store();
    set(&store, "before", "nobody listens yet").await;
    let listeners = [store.changes(), store.changes()];

    let batch = vec![
        put(key("b"), Expect::Absent, "1"),
        put(key("a"), Expect::Absent, "1"),
    ];
    commit(&store, batch).await.unwrap();
    let silent = vec![
        assert(key("a"), Expect::Exists),
        delete(key("none"), Expect::Anything),
    ];
    commit(&store, silent).await.unwrap();
    let refused = vec![
        put(key("c"), Expect::Absent, "1"),
        assert(key("c2"), Expect::Exists),
    ];
    commit(&store, refused).await.unwrap_err();
    commit(&store, vec![delete(key("b"), Expect::Exists)])
        .await
        .unwrap();
    set(&store, "a", "2").await;

    for listener in listeners {
        let heard = tokio::time::timeout(SOON, listener.take(4).collect::<Vec<_>>()).await;
        let wanted = ["b", "a", "b", "a"].map(|path| Change::Document(key(path)));
        assert_eq!(heard.unwrap(), wanted);
    }
}

/// A hint is never ahead of what can be read.
pub async fn hinted_change_can_be_read(subject: &dyn Subject) {
    let store = subject.store();
    let mut changes = store.changes();
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for number in 0..100 {
                set(&store, &format!("d{number}"), "x").await;
            }
        }
    });
    for _ in 0..100 {
        let change = tokio::time::timeout(SOON, changes.next()).await.unwrap();
        let Some(Change::Document(document)) = change else {
            panic!("{change:?}");
        };
        assert!(store.get(&document).await.unwrap().is_some(), "{document}");
    }
    writer.await.unwrap();
}

/// Whoever listens too slowly hears of every change, or hears that it missed some; never neither.
pub async fn slow_listener_is_told_what_it_missed(subject: &dyn Subject) {
    const BATCHES: usize = 30;
    const EACH: usize = 100;
    let store = subject.store();
    let changes = store.changes();
    for batch in 0..BATCHES {
        let operations = (0..EACH)
            .map(|number| put(key(&format!("{batch}/{number}")), Expect::Absent, "x"))
            .collect();
        commit(&store, operations).await.unwrap();
    }
    let last = Change::Document(key(&format!("{}/{}", BATCHES - 1, EACH - 1)));
    let mut missed = false;
    let mut heard = 0;
    let mut changes = changes;
    loop {
        let change = tokio::time::timeout(SOON, changes.next())
            .await
            .unwrap()
            .unwrap();
        match &change {
            Change::Missed => missed = true,
            Change::Document(_) => heard += 1,
        }
        if change == last {
            break;
        }
    }
    assert!(
        missed || heard == BATCHES * EACH,
        "{heard} of {}",
        BATCHES * EACH
    );
}
