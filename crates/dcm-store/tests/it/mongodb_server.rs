//! What a server of its own adds to the suite: it dies, freezes, answers wrongly, refuses, and others use it too.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dcm_store::{
    Batch, Change, Committed, Error, Expect, MongoOptions, MongoStore, Operation, Store,
};
use dcm_testkit::MongoServer;
use dcm_testkit::mongodb::Settings;
use dcm_types::{DocumentKind, Index, Key};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use mongodb::Client;
use mongodb::bson::{Document, doc};
use tokio::task::JoinSet;

use crate::mongodb::{collection, fresh, options};

/// What has not come after so long does not come.
const SOON: Duration = Duration::from_mins(1);

fn key(path: &str) -> Key {
    Key::from_stored(DocumentKind::Quota, path.to_owned())
}

fn put(path: &str, expect: Expect, body: &str) -> Operation {
    Operation::Put {
        key: key(path),
        expect,
        schema: 1,
        body: body.to_owned(),
        indexes: vec![(Index::Cluster, "p/c".to_owned())],
    }
}

async fn commit(store: &impl Store, operations: Vec<Operation>) -> Result<Committed, Error> {
    store.commit(Batch { operations }).await
}

async fn server(settings: Settings) -> Arc<MongoServer> {
    let server = tokio::task::spawn_blocking(move || MongoServer::start(settings));
    Arc::new(server.await.unwrap().unwrap())
}

async fn restart(server: &Arc<MongoServer>) {
    let server = Arc::clone(server);
    tokio::task::spawn_blocking(move || server.restart())
        .await
        .unwrap()
        .unwrap();
}

/// Makes the server answer some of our commands wrongly; tests of one server run one after the other.
async fn fail(uri: &str, mode: Document, data: Document) {
    let client = Client::with_uri_str(uri).await.unwrap();
    let command = doc! { "configureFailPoint": "failCommand", "mode": mode, "data": data };
    client.database("admin").run_command(command).await.unwrap();
}

/// Waits for a hint about a document, or that hints were lost.
async fn heard(changes: &mut BoxStream<'static, Change>, path: &str) -> Change {
    let wanted = Change::Document(key(path));
    let hearing = async {
        while let Some(change) = changes.next().await {
            if change == wanted || change == Change::Missed {
                return change;
            }
        }
        panic!("the stream ended");
    };
    tokio::time::timeout(SOON, hearing).await.unwrap()
}

/// Writers go on while the server is killed three times. What was acknowledged is there, what was refused by the
/// network is there once or not at all, and no commit meets its own earlier attempt.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_acknowledged_is_lost_and_nothing_is_doubled_when_the_server_dies() {
    let server = server(Settings::default()).await;
    let options = options(&server.uri());
    let store = Arc::new(MongoStore::open(&options).await.unwrap());
    commit(&*store, vec![put("counter", Expect::Absent, "0")])
        .await
        .unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for writer in 0..6 {
        let (store, ended) = (Arc::clone(&store), Arc::clone(&ended));
        writers.spawn(async move {
            let mut outcomes = Vec::new();
            for number in 0.. {
                if ended.load(Ordering::SeqCst) {
                    break;
                }
                let path = format!("{writer}/{number}");
                let body = format!("{{\"writer\":{writer}}}");
                let both = vec![
                    put(&path, Expect::Absent, &body),
                    put(&format!("{path}/child"), Expect::Absent, &body),
                    Operation::Assert {
                        key: key("counter"),
                        expect: Expect::Exists,
                    },
                ];
                match commit(&*store, both).await {
                    Ok(committed) => outcomes.push((path, Some(committed.written[0].1))),
                    Err(error) if error.retryable() => outcomes.push((path, None)),
                    Err(error) => panic!("{path}: {error:?}"),
                }
            }
            outcomes
        });
    }
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        server.kill();
        restart(&server).await;
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    ended.store(true, Ordering::SeqCst);
    let outcomes: Vec<_> = writers.join_all().await.into_iter().flatten().collect();

    let mut touched = 0;
    for (path, acknowledged) in &outcomes {
        let found = store.get(&key(path)).await.unwrap();
        let child = store.get(&key(&format!("{path}/child"))).await.unwrap();
        assert_eq!(found.is_some(), child.is_some(), "{path} is half there");
        touched += u64::from(found.is_some());
        if let Some(number) = acknowledged {
            assert_eq!(found.unwrap().version.number, *number, "{path}");
        }
    }
    let counter = store.get(&key("counter")).await.unwrap().unwrap();
    assert_eq!(counter.version.touched, touched, "each commit once");
    let acknowledged = outcomes.iter().filter(|(_, number)| number.is_some());
    assert!(acknowledged.count() > 30, "{} outcomes", outcomes.len());
}

/// The commit was done, but its answer is an error, or none: the store looks, and answers what is true.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_was_done_and_answered_with_an_error_is_acknowledged_once() {
    let server = server(Settings::default()).await;
    let store = MongoStore::open(&options(&server.uri())).await.unwrap();
    let concern = |code: i32| {
        doc! {
            "failCommands": ["commitTransaction"],
            "appName": "dcm",
            "writeConcernError": { "code": code, "codeName": "Told", "errmsg": "told to" },
        }
    };
    // Timed out while a majority was waited for; a primary that ends; a code that nobody repeats.
    for (number, code) in [64, 91, 79].into_iter().enumerate() {
        let path = format!("answered/{number}");
        fail(&server.uri(), doc! { "times": 4 }, concern(code)).await;
        let committed = commit(&store, vec![put(&path, Expect::Absent, "{}")])
            .await
            .unwrap();
        let found = store.get(&key(&path)).await.unwrap().unwrap();
        assert_eq!(
            committed.written,
            [(key(&path), found.version.number)],
            "code {code}"
        );
        fail(&server.uri(), doc! { "times": 0 }, doc! {}).await;
    }
}

/// The connection breaks in the middle, at each command of a commit: it is done once, or said to be unavailable.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_at_any_command_of_a_commit_does_no_harm() {
    let server = server(Settings::default()).await;
    let store = MongoStore::open(&options(&server.uri())).await.unwrap();
    for command in ["find", "findAndModify", "update", "commitTransaction"] {
        for times in [1, 2, 3] {
            let path = format!("{command}/{times}");
            let broken = doc! {
                "failCommands": [command],
                "appName": "dcm",
                "closeConnection": true,
            };
            fail(&server.uri(), doc! { "times": times }, broken).await;
            let outcome = commit(&store, vec![put(&path, Expect::Absent, "{}")]).await;
            fail(&server.uri(), doc! { "times": 0 }, doc! {}).await;
            let found = store.get(&key(&path)).await.unwrap();
            match outcome {
                Ok(committed) => assert_eq!(committed.written[0].1, found.unwrap().version.number),
                Err(error) => assert!(error.retryable(), "{path}: {error:?}"),
            }
        }
    }
}

/// A stream that breaks goes on where it broke; one that cannot says that something was missed.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_change_stream_is_resumed_or_says_that_it_was_not() {
    let server = server(Settings::default()).await;
    let store = MongoStore::open(&options(&server.uri())).await.unwrap();
    let mut changes = store.changes();
    commit(&store, vec![put("before", Expect::Absent, "{}")])
        .await
        .unwrap();
    assert_eq!(
        heard(&mut changes, "before").await,
        Change::Document(key("before"))
    );

    let broken = doc! { "failCommands": ["getMore"], "appName": "dcm", "closeConnection": true };
    fail(&server.uri(), doc! { "times": 3 }, broken).await;
    commit(&store, vec![put("broken", Expect::Absent, "{}")])
        .await
        .unwrap();
    assert_eq!(
        heard(&mut changes, "broken").await,
        Change::Document(key("broken"))
    );
    fail(&server.uri(), doc! { "times": 0 }, doc! {}).await;

    let lost = doc! { "failCommands": ["getMore"], "appName": "dcm", "errorCode": 286 };
    fail(&server.uri(), doc! { "times": 1 }, lost).await;
    assert_eq!(heard(&mut changes, "never").await, Change::Missed);

    server.kill();
    restart(&server).await;
    commit(&store, vec![put("after", Expect::Absent, "{}")])
        .await
        .unwrap();
    let told = heard(&mut changes, "after").await;
    assert!(told == Change::Missed || told == Change::Document(key("after")));
}

/// A server without change streams is looked at instead.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_change_stream_listeners_are_told_to_look() {
    let server = server(Settings::default()).await;
    let none = doc! { "failCommands": ["aggregate"], "appName": "dcm", "errorCode": 40_573 };
    fail(&server.uri(), doc! { "times": 1_000 }, none).await;
    let store = MongoStore::open(&options(&server.uri())).await.unwrap();
    let mut changes = store.changes();
    commit(&store, vec![put("a", Expect::Absent, "{}")])
        .await
        .unwrap();
    assert_eq!(heard(&mut changes, "a").await, Change::Missed);
}

/// Two processes: each hears what the other does, no number is given twice, and only one holds a lease.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_stores_on_one_collection_are_one_store() {
    let first = fresh().await;
    let second = Arc::new(MongoStore::open(&first.options).await.unwrap());
    let mut changes = first.store.changes();
    let mut writers = JoinSet::new();
    for (name, store) in [
        ("first", Arc::clone(&first.store)),
        ("second", Arc::clone(&second)),
    ] {
        writers.spawn(async move {
            let mut numbers = Vec::new();
            for number in 0..20 {
                let path = format!("{name}/{number}");
                let parent = Operation::Assert {
                    key: key("parent"),
                    expect: Expect::Anything,
                };
                let batch = vec![put(&path, Expect::Absent, "{}"), parent];
                numbers.push(commit(&*store, batch).await.unwrap().written[0].1);
            }
            numbers
        });
    }
    let mut numbers: Vec<u64> = writers.join_all().await.into_iter().flatten().collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 40);
    assert_eq!(
        heard(&mut changes, "second/19").await,
        Change::Document(key("second/19"))
    );

    let ttl = Duration::from_mins(1);
    assert!(first.store.lease("sync", "a", ttl).await.unwrap().is_some());
    assert_eq!(second.lease("sync", "b", ttl).await.unwrap(), None);
    first
        .store
        .lease("sync", "a", Duration::ZERO)
        .await
        .unwrap();
    assert!(second.lease("sync", "b", ttl).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_readable_with_any_tool() {
    let subject = fresh().await;
    let body = r#"{"limits":{"limits.cpu":"4"},"names":["a","b"]}"#;
    commit(&*subject.store, vec![put("p/c/q", Expect::Absent, body)])
        .await
        .unwrap();
    let found = subject
        .collection
        .find_one(doc! { "body.names": "b" })
        .await
        .unwrap()
        .unwrap();
    let version = found.get_i64("number").unwrap();
    let wanted = doc! {
        "_id": "quota/p/c/q",
        "kind": "quota",
        "path": "p/c/q",
        "schema": 1_i64,
        "indexes": ["cluster=p/c"],
        "body": { "limits": { "limits.cpu": "4" }, "names": ["a", "b"] },
        "number": version,
        "touched": 0_i64,
    };
    assert_eq!(found, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_natural_key_exists_once_whoever_writes() {
    let subject = fresh().await;
    commit(&*subject.store, vec![put("p/c/q", Expect::Absent, "{}")])
        .await
        .unwrap();
    let stranger = doc! { "_id": "another", "kind": "quota", "path": "p/c/q" };
    let refused = subject.collection.insert_one(stranger).await.unwrap_err();
    assert!(refused.to_string().contains("11000"), "{refused}");
}

/// 16 MB is what the server takes: refused before it is sent, and named.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_too_large_is_named_and_nothing_is_written() {
    let subject = fresh().await;
    let large = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes));
    let batch = vec![
        put("small", Expect::Absent, "{}"),
        put("large", Expect::Absent, &large(16 * 1024 * 1024)),
    ];
    let Err(Error::TooLarge {
        key: named, limit, ..
    }) = commit(&*subject.store, batch).await
    else {
        panic!("taken");
    };
    assert_eq!((named, limit), (key("large"), 16 * 1024 * 1024 - 16 * 1024));
    assert_eq!(subject.store.get(&key("small")).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_in_no_replica_set_is_refused_unless_told_so() {
    let server = server(Settings {
        standalone: true,
        ..Settings::default()
    })
    .await;
    let mut options = options(&server.uri());
    let refused = text(&MongoStore::open(&options).await.unwrap_err());
    assert!(
        refused.contains("the server is in no replica set"),
        "{refused}"
    );
    options.allow_standalone = true;
    let store = MongoStore::open(&options).await.unwrap();
    commit(&store, vec![put("a", Expect::Absent, "{}")])
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_told_without_the_password() {
    let server = server(Settings::default()).await;
    let admin = Client::with_uri_str(server.uri())
        .await
        .unwrap()
        .database("admin");
    let roles = vec![doc! { "role": "root", "db": "admin" }];
    let user = doc! { "createUser": "dcm", "pwd": "right", "roles": roles };
    admin.run_command(user).await.unwrap();
    let settings = Settings {
        authentication: true,
        ..Settings::default()
    };
    let again = Arc::clone(&server);
    let restarted = tokio::task::spawn_blocking(move || again.restart_with(settings));
    restarted.await.unwrap().unwrap();
    let with = |user: &str| {
        server
            .uri()
            .replace("mongodb://", &format!("mongodb://{user}@"))
    };
    for wrong in ["dcm:hidden", "nobody:hidden"] {
        let error = MongoStore::open(&options(&with(wrong))).await.unwrap_err();
        assert!(!error.retryable());
        let error = text(&error);
        assert!(error.contains("does not let us in"), "{error}");
        assert!(!error.contains("hidden"), "{error}");
    }
    let store = MongoStore::open(&options(&with("dcm:right")))
        .await
        .unwrap();
    commit(&store, vec![put("a", Expect::Absent, "{}")])
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_takes_only_a_certificate_of_the_named_authority() {
    let server = server(Settings {
        tls: true,
        ..Settings::default()
    })
    .await;
    let mut known = options(&format!(
        "{}&tlsCAFile={}",
        server.uri(),
        server.authority().display()
    ));
    let store = MongoStore::open(&known).await.unwrap();
    commit(&store, vec![put("a", Expect::Absent, "{}")])
        .await
        .unwrap();
    assert!(store.get(&key("a")).await.unwrap().is_some());
    let selection = "&serverSelectionTimeoutMS=1500";
    let plain = server.uri().replace("&tls=true", "");
    for uri in [
        format!("{}{selection}", server.uri()),
        format!("{plain}{selection}"),
    ] {
        known.uri = uri.as_str().into();
        let refused = MongoStore::open(&known).await.unwrap_err();
        assert!(refused.retryable(), "{refused:?}");
    }
}

/// A server that takes requests and answers none costs the deadline, and no more; then everything goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_frozen_server_is_not_waited_for_longer_than_told() {
    let server = server(Settings::default()).await;
    let options = MongoOptions {
        deadline: Duration::from_secs(3),
        ..options(&server.uri())
    };
    let store = MongoStore::open(&options).await.unwrap();
    commit(&store, vec![put("a", Expect::Absent, "{}")])
        .await
        .unwrap();
    server.freeze().unwrap();
    let all = async {
        let lease = store.lease("l", "h", Duration::from_secs(1));
        let write = commit(&store, vec![put("b", Expect::Absent, "{}")]);
        let path = key("a");
        let (read, write, lease) = tokio::join!(store.get(&path), write, lease);
        [read.err(), write.err(), lease.err()]
    };
    let errors = tokio::time::timeout(SOON, all).await.unwrap();
    server.thaw().unwrap();
    for error in errors {
        assert!(error.as_ref().is_some_and(Error::retryable), "{error:?}");
    }
    let again = async {
        while store.get(&key("a")).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SOON, again).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_the_secrets_is_bound_once() {
    let subject = fresh().await;
    assert_eq!(subject.store.key_id().await.unwrap(), None);
    subject.store.bind_key_id("one").await.unwrap();
    subject.store.bind_key_id("one").await.unwrap();
    let refused = text(&subject.store.bind_key_id("two").await.unwrap_err());
    assert!(
        refused.contains("sealed with key one, not with two"),
        "{refused}"
    );
    let other = MongoStore::open(&subject.options).await.unwrap();
    assert_eq!(other.key_id().await.unwrap().as_deref(), Some("one"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_of_a_newer_program_is_refused() {
    let subject = fresh().await;
    let newer = doc! { "$set": { "shape": 9_i64 } };
    collection(&subject.options)
        .await
        .update_one(doc! { "_id": "~store" }, newer)
        .await
        .unwrap();
    let refused = text(&MongoStore::open(&subject.options).await.unwrap_err());
    assert!(refused.contains("shape 9"), "{refused}");
}

fn text(error: &Error) -> String {
    dcm_types::chain(error)
}

/// The server of these tests is not MongoDB. Where it differs, so far as the store can see:
/// a stored date counts as past when it is compared with `$$NOW`, so leases compare numbers. MongoDB compares both
/// rightly; this fails when the server does too, and then the detour can go.
#[tokio::test(flavor = "multi_thread")]
async fn difference_stored_dates_are_not_compared_with_the_clock() {
    let server = server(Settings::default()).await;
    let collection = collection(&options(&server.uri())).await;
    let later = mongodb::bson::DateTime::from_millis(4_102_444_800_000);
    collection
        .insert_one(doc! { "_id": "a", "until": later })
        .await
        .unwrap();
    let compare = doc! { "$set": {
        "dates": { "$lte": ["$until", "$$NOW"] },
        "numbers": { "$lte": [{ "$toLong": "$until" }, { "$toLong": "$$NOW" }] },
    } };
    collection
        .update_one(doc! { "_id": "a" }, vec![compare])
        .await
        .unwrap();
    let found = collection
        .find_one(doc! { "_id": "a" })
        .await
        .unwrap()
        .unwrap();
    assert!(!found.get_bool("numbers").unwrap());
    assert!(found.get_bool("dates").unwrap());
}
