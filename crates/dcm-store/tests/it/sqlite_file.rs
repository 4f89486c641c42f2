//! The SQLite file: what is kept over a stop, who may open it, and what is refused.

use std::error::Error as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dcm_store::conformance::ManualClock;
use dcm_store::sqlite::Refusal;
use dcm_store::store::Error;
use dcm_store::{Batch, Expect, Operation, Query, Scope, SqliteStore, Store};
use dcm_types::{DocumentKind, Key};
use rusqlite::Connection;
use tempfile::TempDir;

fn open(path: &Path) -> Result<SqliteStore, Error> {
    SqliteStore::open(path, ManualClock::new())
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    (folder, path)
}

/// Why a file was refused.
fn refusal(path: &Path) -> String {
    let error = open(path).unwrap_err();
    assert!(!error.retryable());
    let source = error.source().unwrap();
    source
        .downcast_ref::<Refusal>()
        .expect("a refusal")
        .to_string()
}

fn key(path: &str) -> Key {
    Key::from_stored(DocumentKind::Quota, path.to_owned())
}

async fn put(store: &SqliteStore, path: &str, body: &str) -> u64 {
    let operation = Operation::Put {
        key: key(path),
        expect: Expect::Anything,
        schema: 1,
        body: body.to_owned(),
        indexes: vec![],
    };
    let operations = vec![operation];
    store.commit(Batch { operations }).await.unwrap().written[0].1
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

#[tokio::test]
async fn everything_is_there_after_reopening() {
    let (_folder, path) = folder();
    let clock = ManualClock::new();
    let ttl = Duration::from_mins(1);
    let store = SqliteStore::open(&path, clock.clone()).unwrap();
    put(&store, "kept", "text").await;
    let last = put(&store, "deleted", "text").await;
    let operations = vec![
        Operation::Delete {
            key: key("deleted"),
            expect: Expect::Exists,
        },
        Operation::Assert {
            key: key("kept"),
            expect: Expect::Exists,
        },
    ];
    store.commit(Batch { operations }).await.unwrap();
    let before = store.get(&key("kept")).await.unwrap().unwrap();
    let token = store.lease("l", "a", ttl).await.unwrap().unwrap().token;
    store.bind_key_id("k1").await.unwrap();
    drop(store);

    let store = SqliteStore::open(&path, clock.clone()).unwrap();
    assert_eq!(store.get(&key("kept")).await.unwrap(), Some(before));
    assert_eq!(store.get(&key("deleted")).await.unwrap(), None);
    assert!(
        put(&store, "new", "text").await > last,
        "a number was used twice"
    );
    assert_eq!(store.lease("l", "b", ttl).await.unwrap(), None);
    clock.advance(ttl);
    assert_eq!(
        store.lease("l", "b", ttl).await.unwrap().unwrap().token,
        token + 1
    );
    assert_eq!(store.key_id().await.unwrap().as_deref(), Some("k1"));
}

#[tokio::test]
async fn store_is_bound_to_one_key() {
    let (_folder, path) = folder();
    let store = open(&path).unwrap();
    assert_eq!(store.key_id().await.unwrap(), None);
    store.bind_key_id("k1").await.unwrap();
    store.bind_key_id("k1").await.unwrap();
    let error = store.bind_key_id("k2").await.unwrap_err();
    insta::assert_snapshot!(
        dcm_types::chain(&error),
        @"store failed to bind its key id: the secrets in this store are sealed with key k1, not with key k2: start with the key file that holds k1"
    );
    assert_eq!(store.key_id().await.unwrap().as_deref(), Some("k1"));
}

#[tokio::test]
async fn files_and_folder_are_private() {
    let (folder, _) = folder();
    let path = folder.path().join("a/b/store.db");
    let store = open(&path).unwrap();
    put(&store, "d", "x").await;
    assert_eq!(mode(&folder.path().join("a")), 0o700);
    assert_eq!(mode(&folder.path().join("a/b")), 0o700);
    for suffix in ["", "-wal", "-shm", ".lock"] {
        assert_eq!(mode(&beside(&path, suffix)), 0o600, "{suffix}");
    }
}

#[tokio::test]
async fn clean_stop_leaves_no_log_behind() {
    let (_folder, path) = folder();
    let store = open(&path).unwrap();
    put(&store, "d", "x").await;
    assert!(fs::metadata(beside(&path, "-wal")).unwrap().len() > 0);
    drop(store);
    assert!(!beside(&path, "-wal").exists());
}

#[tokio::test]
async fn log_is_moved_into_the_file_when_idle() {
    let (_folder, path) = folder();
    let store = open(&path).unwrap();
    put(&store, "d", "needle").await;
    let holds_it = || {
        fs::read(&path)
            .unwrap()
            .windows(6)
            .any(|bytes| bytes == b"needle")
    };
    assert!(!holds_it());
    for _ in 0..200 {
        if holds_it() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no checkpoint");
}

#[test]
fn second_opening_is_refused_while_the_first_lasts() {
    let (_folder, path) = folder();
    let first = open(&path).unwrap();
    let refused = refusal(&path);
    assert!(
        refused.ends_with("is in use by another process: stop that one first"),
        "{refused}"
    );
    drop(first);
    open(&path).unwrap();
}

#[test]
fn file_that_others_may_read_is_refused() {
    let (_folder, path) = folder();
    drop(open(&path).unwrap());
    for exposed in [0o640, 0o604, 0o620, 0o601] {
        fs::set_permissions(&path, Permissions::from_mode(exposed)).unwrap();
        assert!(refusal(&path).contains(&format!("(mode {exposed:04o}): run `chmod 600")));
    }
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    open(&path).unwrap();
}

#[test]
fn newer_schema_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    drop(open(&path).unwrap());
    let newer = Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 2).unwrap();
    newer.close().unwrap();
    let before = fs::read(&path).unwrap();
    let refused = refusal(&path);
    assert!(
        refused.ends_with(
            "has schema version 2, this program knows versions up to 1: run the newer program"
        ),
        "{refused}"
    );
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn database_of_another_program_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE theirs (x)").unwrap();
    other.close().unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let before = fs::read(&path).unwrap();
    assert!(refusal(&path).ends_with("is not a store of this program"));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn file_that_is_no_database_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    fs::write(&path, "a letter to my aunt, ".repeat(100)).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let before = fs::read(&path).unwrap();
    let error = open(&path).unwrap_err();
    insta::assert_snapshot!(
        dcm_types::chain(&error),
        @"store failed to read its schema version: file is not a database: Error code 26: File opened that is not a database file"
    );
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn damage_is_found_after_an_unclean_stop() {
    let (folder, path) = folder();
    let store = open(&path).unwrap();
    for number in 0..300 {
        put(&store, &format!("d{number}"), &"x".repeat(500)).await;
    }
    drop(store);
    // A copy of a store that runs is what a store looks like whose process was killed.
    let store = open(&path).unwrap();
    put(&store, "in the log", "x").await;
    let copy = folder.path().join("copy.db");
    for suffix in ["", "-wal"] {
        fs::copy(beside(&path, suffix), beside(&copy, suffix)).unwrap();
    }
    drop(store);
    let undamaged = folder.path().join("undamaged.db");
    for suffix in ["", "-wal"] {
        fs::copy(beside(&copy, suffix), beside(&undamaged, suffix)).unwrap();
    }
    let store = open(&undamaged).unwrap();
    assert!(store.get(&key("in the log")).await.unwrap().is_some());

    let file = fs::File::options().write(true).open(&copy).unwrap();
    let length = file.metadata().unwrap().len();
    file.write_all_at(&[0xff; 2048], length / 2).unwrap();
    let refused = refusal(&copy);
    assert!(refused.contains("is damaged"), "{refused}");
}

#[tokio::test]
async fn commit_whose_caller_went_away_harms_nobody() {
    let (_folder, path) = folder();
    let store = Arc::new(open(&path).unwrap());
    for number in 0..50 {
        let gone = tokio::spawn({
            let store = Arc::clone(&store);
            async move { put(&store, &format!("gone{number}"), "x").await }
        });
        tokio::task::yield_now().await;
        gone.abort();
        put(&store, &format!("here{number}"), "x").await;
    }
    let query = Query {
        kind: DocumentKind::Quota,
        scope: Scope::All,
        after: Some("h".to_owned()),
        limit: 100,
    };
    assert_eq!(store.list(&query).await.unwrap().documents.len(), 50);
}

#[tokio::test]
async fn lists_do_not_hold_up_a_single_threaded_runtime() {
    let (_folder, path) = folder();
    let store = Arc::new(open(&path).unwrap());
    for number in 0..20 {
        put(&store, &format!("d{number:02}"), "x").await;
    }
    let query = Query {
        kind: DocumentKind::Quota,
        scope: Scope::All,
        after: None,
        limit: 100,
    };
    // Many more than there are connections, and some that go away while they wait.
    let lists: Vec<_> = (0..64)
        .map(|number| {
            let (store, query) = (Arc::clone(&store), query.clone());
            let list = tokio::spawn(async move { store.list(&query).await.unwrap() });
            if number % 4 == 0 {
                list.abort();
            }
            list
        })
        .collect();
    for (number, list) in lists.into_iter().enumerate() {
        if number % 4 != 0 {
            assert_eq!(list.await.unwrap().documents.len(), 20);
        }
    }
}
