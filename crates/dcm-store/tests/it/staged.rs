//! A store over another one: it is a store by the same suite, and its flush is one commit of the other.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dcm_store::conformance::{ManualClock, Subject};
use dcm_store::{
    Batch, Error, Expect, MemoryStore, Operation, Query, Scope, StagedStore, Store, Version,
};
use dcm_types::{DocumentKind, Key};

struct Staged(Arc<StagedStore>);

#[async_trait]
impl Subject for Staged {
    fn store(&self) -> Arc<dyn Store> {
        self.0.clone()
    }

    async fn pass(&self, _time: Duration) {}
}

fn base() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new(ManualClock::new()))
}

#[expect(
    clippy::unused_async,
    reason = "the suite lets a backend take its time"
)]
async fn fresh() -> Staged {
    Staged(Arc::new(StagedStore::over(base(), 0)))
}

// Hints and leases are those of the other store; cases that need them are not run.
dcm_store::conformance_cases! { fresh;
    batches::every_precondition_meets_every_state,
    batches::key_named_twice_is_refused,
    batches::same_path_of_another_kind_is_another_document,
    batches::version_numbers_are_never_used_twice,
    batches::assert_does_not_change_what_users_see,
    batches::put_forgets_assertions,
    batches::answer_names_puts_in_order,
    batches::empty_batch_does_nothing,
    batches::bodies_come_back_byte_for_byte,
    lists::descendants_only,
    lists::order_is_by_bytes_of_the_path,
    lists::pages_are_stable_under_inserts_and_deletes,
    lists::page_says_whether_more_follow,
    lists::cursor_outside_of_the_scope,
    lists::put_replaces_index_entries,
    lists::index_values_do_not_run_into_each_other,
    lists::indexed_pages,
    races::child_made_after_an_empty_list_saves_its_parent,
    races::child_and_delete_of_parent_never_both_win,
    races::one_creator_wins,
    races::no_increment_is_lost,
    races::refused_batches_do_not_harm_their_neighbours,
}

fn key(path: &str) -> Key {
    Key::from_stored(DocumentKind::Quota, path.to_owned())
}

fn put(path: &str, expect: Expect, body: &str) -> Operation {
    Operation::Put {
        key: key(path),
        expect,
        schema: 1,
        body: body.to_owned(),
        indexes: Vec::new(),
    }
}

fn assert_that(path: &str, expect: Expect) -> Operation {
    Operation::Assert {
        key: key(path),
        expect,
    }
}

async fn commit(store: &dyn Store, operations: Vec<Operation>) {
    store.commit(Batch { operations }).await.unwrap();
}

async fn version(store: &dyn Store, path: &str) -> Option<Version> {
    let found = store.get(&key(path)).await.unwrap();
    found.map(|found| found.version)
}

async fn bodies(store: &dyn Store, limit: usize) -> (Vec<String>, bool) {
    let query = Query {
        kind: DocumentKind::Quota,
        scope: Scope::Under("p".to_owned()),
        after: None,
        limit,
    };
    let page = store.list(&query).await.unwrap();
    let bodies = page.documents.into_iter().map(|found| found.body);
    (bodies.collect(), page.more)
}

#[tokio::test]
async fn nothing_is_written_before_the_flush_and_all_of_it_by_the_flush() {
    let base = base();
    commit(base.as_ref(), vec![put("p", Expect::Absent, "parent")]).await;
    let staged = StagedStore::over(base.clone(), 0);
    let child = vec![
        assert_that("p", Expect::Exists),
        put("p/a", Expect::Absent, "1"),
    ];
    commit(&staged, child).await;
    let number = version(&staged, "p/a").await.unwrap().number;
    commit(&staged, vec![put("p/a", Expect::Number(number), "2")]).await;
    assert_eq!(version(base.as_ref(), "p/a").await, None);

    let written = staged.flush().await.unwrap().written;
    let now = version(base.as_ref(), "p/a").await.unwrap();
    assert_eq!(written, [(key("p/a"), now.number)]);
    assert_eq!(bodies(base.as_ref(), 9).await.0, ["2"]);
}

#[tokio::test]
async fn flush_fails_as_a_whole_when_somebody_changed_what_was_decided_on() {
    let base = base();
    commit(base.as_ref(), vec![put("p", Expect::Absent, "parent")]).await;
    let staged = StagedStore::over(base.clone(), 0);
    let parent = version(&staged, "p").await.unwrap();
    let untouched = assert_that("p", Expect::Untouched(parent));
    commit(&staged, vec![untouched, put("p/a", Expect::Absent, "1")]).await;
    assert!(staged.is_current().await.unwrap());

    commit(base.as_ref(), vec![assert_that("p", Expect::Exists)]).await;
    assert!(!staged.is_current().await.unwrap());
    let refused = staged.flush().await.unwrap_err();
    assert!(matches!(refused, Error::Precondition { key: named, .. } if named == key("p")));
    assert_eq!(version(base.as_ref(), "p/a").await, None);
}

#[tokio::test]
async fn refused_batch_is_not_gathered() {
    let staged = StagedStore::over(base(), 0);
    let half = vec![
        put("p/a", Expect::Absent, "1"),
        assert_that("p", Expect::Exists),
    ];
    let refused = staged.commit(Batch { operations: half }).await;
    assert!(matches!(
        refused,
        Err(Error::Precondition { found: None, .. })
    ));
    assert_eq!((version(&staged, "p/a").await, staged.commits()), (None, 0));
    assert!(!staged.writes(&key("p/a")));
}

#[tokio::test]
async fn own_touches_are_no_changes_of_others() {
    let base = base();
    commit(base.as_ref(), vec![put("p", Expect::Absent, "parent")]).await;
    let staged = StagedStore::over(base.clone(), 0);
    for path in ["p/a", "p/b"] {
        let parent = version(&staged, "p").await.unwrap();
        let untouched = assert_that("p", Expect::Untouched(parent));
        commit(&staged, vec![untouched, put(path, Expect::Absent, path)]).await;
    }
    staged.flush().await.unwrap();
    assert_eq!(bodies(base.as_ref(), 9).await.0, ["p/a", "p/b"]);
}

#[tokio::test]
async fn pages_mix_what_is_there_with_what_is_gathered() {
    let base = base();
    let there = ["p/a", "p/c", "p/e", "p/g"];
    let puts = there.map(|path| put(path, Expect::Absent, path));
    commit(base.as_ref(), puts.to_vec()).await;
    let staged = StagedStore::over(base.clone(), 0);
    let gone = Operation::Delete {
        key: key("p/a"),
        expect: Expect::Exists,
    };
    let new = put("p/d", Expect::Absent, "p/d");
    let other = put("p/e", Expect::Exists, "changed");
    commit(&staged, vec![gone, new, other]).await;
    let whole = ["p/c", "p/d", "changed", "p/g"];
    assert_eq!(
        bodies(&staged, 9).await,
        (whole.map(str::to_owned).to_vec(), false)
    );
    assert_eq!(
        bodies(&staged, 2).await,
        (vec!["p/c".to_owned(), "p/d".to_owned()], true)
    );
}

#[tokio::test]
async fn flush_of_assertions_alone_changes_nothing() {
    let base = base();
    commit(base.as_ref(), vec![put("p", Expect::Absent, "parent")]).await;
    let before = version(base.as_ref(), "p").await;
    let staged = StagedStore::over(base.clone(), 0);
    commit(&staged, vec![assert_that("p", Expect::Exists)]).await;
    assert_eq!(staged.flush().await.unwrap().written, []);
    assert_eq!(version(base.as_ref(), "p").await, before);
}

#[tokio::test]
async fn numbers_that_were_given_out_tell_the_place_of_their_document() {
    let base = base();
    let staged = StagedStore::over(base.clone(), u64::MAX);
    // Not in the order of their keys, one of them twice, and one that is gone in the end.
    for path in ["p/c", "p/a", "p/gone", "p/b"] {
        commit(&staged, vec![put(path, Expect::Absent, "1")]).await;
    }
    let number = async |path| version(&staged, path).await.map(|found| found.number);
    let (first, gone) = (number("p/c").await, number("p/gone").await);
    commit(&staged, vec![put("p/c", Expect::Exists, "2")]).await;
    let delete = Operation::Delete {
        key: key("p/gone"),
        expect: Expect::Exists,
    };
    commit(&staged, vec![delete]).await;
    let second = number("p/c").await;
    assert_ne!(first, second);

    let gathered = staged.gathered();
    let place = |number: Option<u64>| gathered.places.get(&number.unwrap()).copied();
    let places = [
        place(number("p/a").await),
        place(number("p/b").await),
        place(first),
        place(second),
        place(gone),
    ];
    assert_eq!(places, [Some(0), Some(1), Some(2), Some(2), None]);
    let written = base.commit(gathered.batch).await.unwrap().written;
    assert_eq!(written[2].0, key("p/c"));
}

#[tokio::test]
async fn numbers_of_stages_with_different_salts_differ() {
    let mut numbers = std::collections::BTreeSet::new();
    for salt in [0, 1 << 24, u64::MAX] {
        let staged = StagedStore::over(base(), salt);
        commit(&staged, vec![put("p/a", Expect::Absent, "1")]).await;
        numbers.insert(version(&staged, "p/a").await.unwrap().number);
    }
    assert_eq!(numbers.len(), 3);
}
