//! The suite that every backend must pass, generic over the backend.
//!
//! A backend gives a fresh store for each case as a [`Subject`], and runs all cases by
//! [`conformance_suite!`](crate::conformance_suite); each becomes a test of its own name. A bug that is
//! found in one backend becomes a case here.
//!
//! ```text
//!   batches  preconditions, atomicity, version numbers      lists   scopes, pages, order, indexes
//!   races    write skew, one winner, half-read batches      hints   what is hinted, what is missed
//!   leases   expiry by the store's clock, tokens
//! ```

#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a case fails by panicking"
)]

pub mod batches;
pub mod hints;
pub mod leases;
pub mod lists;
pub mod races;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dcm_types::ports::Clock;
use dcm_types::{DocumentKind, Index, Key, Timestamp};
use jiff::SignedDuration;
use parking_lot::Mutex;

use crate::store::{
    Batch, Committed, Error, Expect, Operation, Query, Scope, Store, Stored, Version,
};

/// A fresh, empty store under test, with whatever must live as long as it does.
#[async_trait]
pub trait Subject: Send + Sync + 'static {
    /// The store.
    fn store(&self) -> Arc<dyn Store>;

    /// Lets so much time pass by the store's clock.
    async fn pass(&self, time: Duration);
}

/// A clock that a test moves by hand.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that stands somewhere in 2026.
    pub fn new() -> Arc<Self> {
        let start = Timestamp::from_second(1_780_000_000).unwrap();
        Arc::new(Self(Mutex::new(start)))
    }

    /// Moves it forward.
    pub fn advance(&self, time: Duration) {
        *self.0.lock() += SignedDuration::try_from(time).unwrap();
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }
}

/// Runs every case as a test of its own. The argument is an async function that makes a [`Subject`].
#[macro_export]
macro_rules! conformance_suite {
    ($fresh:path) => {
        $crate::conformance_cases! { $fresh;
            batches::every_precondition_meets_every_state,
            batches::refused_batch_changes_nothing,
            batches::key_named_twice_is_refused,
            batches::same_path_of_another_kind_is_another_document,
            batches::version_numbers_are_never_used_twice,
            batches::assert_does_not_change_what_users_see,
            batches::put_forgets_assertions,
            batches::answer_names_puts_in_order,
            batches::empty_batch_does_nothing,
            batches::bodies_come_back_byte_for_byte,
            batches::documents_read_together_keep_their_order,
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
            races::nobody_reads_half_a_batch,
            races::acknowledged_writes_are_read_by_everybody,
            hints::changes_are_hinted_in_order_and_nothing_else,
            hints::hinted_change_can_be_read,
            hints::slow_listener_is_told_what_it_missed,
            leases::one_holder_until_it_expires,
            leases::renewal_keeps_the_token,
            leases::lease_can_be_given_up,
            leases::names_are_independent,
            leases::one_of_many_takers_wins,
        }
    };
}

/// Part of [`conformance_suite!`](crate::conformance_suite).
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($fresh:path; $($module:ident :: $case:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                let subject = $fresh().await;
                $crate::conformance::$module::$case(&subject).await;
            }
        )+
    };
}

/// A key of the kind that most cases use.
fn key(path: &str) -> Key {
    Key::from_stored(DocumentKind::Quota, path.to_owned())
}

fn put(key: Key, expect: Expect, body: &str) -> Operation {
    put_indexed(key, expect, body, &[])
}

fn put_indexed(key: Key, expect: Expect, body: &str, indexes: &[(Index, &str)]) -> Operation {
    Operation::Put {
        key,
        expect,
        schema: 3,
        body: body.to_owned(),
        indexes: indexes
            .iter()
            .map(|(index, value)| (*index, (*value).to_owned()))
            .collect(),
    }
}

fn delete(key: Key, expect: Expect) -> Operation {
    Operation::Delete { key, expect }
}

fn assert(key: Key, expect: Expect) -> Operation {
    Operation::Assert { key, expect }
}

async fn commit(store: &Arc<dyn Store>, operations: Vec<Operation>) -> Result<Committed, Error> {
    store.commit(Batch { operations }).await
}

/// Writes one document without a precondition.
async fn set(store: &Arc<dyn Store>, path: &str, body: &str) -> u64 {
    let written = commit(store, vec![put(key(path), Expect::Anything, body)])
        .await
        .unwrap()
        .written;
    written[0].1
}

async fn version(store: &Arc<dyn Store>, key: &Key) -> Option<Version> {
    store.get(key).await.unwrap().map(|found| found.version)
}

/// Everything of a scope, in one page.
async fn all(store: &Arc<dyn Store>, scope: Scope) -> Vec<Stored> {
    let query = Query {
        kind: DocumentKind::Quota,
        scope,
        after: None,
        limit: 10_000,
    };
    let page = store.list(&query).await.unwrap();
    assert!(!page.more);
    page.documents
}

async fn paths(store: &Arc<dyn Store>, scope: Scope) -> Vec<String> {
    all(store, scope)
        .await
        .into_iter()
        .map(|found| found.key.path().to_owned())
        .collect()
}
