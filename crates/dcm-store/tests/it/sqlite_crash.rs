//! SIGKILL of a writing process, many times: every acknowledged commit is there, no half batch.
//!
//! The child is this test binary again, told by an environment variable; it tells through a pipe
//! which batches were acknowledged.

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use dcm_store::conformance::ManualClock;
use dcm_store::{Batch, Expect, Operation, Query, Scope, SqliteStore, Store};
use dcm_types::{DocumentKind, Index, Key};

const STORE: &str = "DCM_STORE_TEST_CHILD";
const ROUNDS: u64 = 50;
const WRITERS: u64 = 8;

/// Each batch writes one document of each of these, besides head and marker.
const KINDS: [DocumentKind; 4] = [
    DocumentKind::Quota,
    DocumentKind::User,
    DocumentKind::Namespace,
    DocumentKind::Audit,
];

fn head(writer: u64) -> Key {
    Key::from_stored(DocumentKind::Project, format!("w{writer}"))
}

fn marker(writer: u64, batch: u64) -> Key {
    Key::from_stored(DocumentKind::Target, format!("w{writer}/{batch}"))
}

fn put(key: Key, expect: Expect, body: String) -> Operation {
    let indexes = vec![(Index::Cluster, key.path().to_owned())];
    Operation::Put {
        key,
        expect,
        schema: 1,
        body,
        indexes,
    }
}

/// Batch `number` of a writer: new documents, the head moved on, the marker moved.
fn batch(writer: u64, number: u64) -> Batch {
    let mut operations: Vec<Operation> = KINDS
        .into_iter()
        .map(|kind| {
            let key = Key::from_stored(kind, format!("w{writer}/{number:08}"));
            // Now and then large, so that a batch takes many pages.
            let length = if number.is_multiple_of(17) {
                20_000
            } else {
                300
            };
            put(key, Expect::Absent, "x".repeat(length))
        })
        .collect();
    let expect = if number == 1 {
        Expect::Absent
    } else {
        Expect::Exists
    };
    operations.push(put(head(writer), expect, number.to_string()));
    operations.push(put(marker(writer, number), Expect::Absent, String::new()));
    if number > 1 {
        let (key, expect) = (marker(writer, number - 1), Expect::Exists);
        operations.push(Operation::Delete { key, expect });
    }
    Batch { operations }
}

async fn last_of(store: &SqliteStore, writer: u64) -> u64 {
    match store.get(&head(writer)).await.unwrap() {
        Some(found) => found.body.parse().unwrap(),
        None => 0,
    }
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, ManualClock::new()).unwrap()
}

/// Not a test of its own: the process that is killed. Without the variable it is not meant.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_writes_until_it_is_killed() {
    let Some(path) = env::var_os(STORE) else {
        return;
    };
    let store = Arc::new(open(Path::new(&path)));
    say("ready");
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for number in last_of(&store, writer).await + 1.. {
                    let committed = store.commit(batch(writer, number)).await.unwrap();
                    let version = committed.written.last().unwrap().1;
                    say(&format!("acknowledged {writer} {number} {version}"));
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

/// One line to the parent, past the capture of the test harness.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// What is known to be in the store: the last batch of each writer, and the highest version.
#[derive(Debug, Default)]
struct Acknowledged {
    last: BTreeMap<u64, u64>,
    version: u64,
}

fn spawn(path: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "sqlite_crash::child_that_writes_until_it_is_killed",
            "--nocapture",
        ])
        .env(STORE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Lets a child write for a while and kills it; answers what it said on top of what was known.
fn write_and_kill(path: &Path, after: Duration, mut known: Acknowledged) -> Acknowledged {
    let mut child = spawn(path);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = lines.map(Result::unwrap);
    assert!(lines.any(|line| line == "ready"), "the child did not start");
    let reader = thread::spawn(move || {
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            let ["acknowledged", writer, number, version] = words[..] else {
                panic!("the child said {line:?}");
            };
            let (writer, number) = (writer.parse().unwrap(), number.parse().unwrap());
            known.last.insert(writer, number);
            known.version = known.version.max(version.parse().unwrap());
        }
        known
    });
    thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

async fn paths(store: &SqliteStore, kind: DocumentKind, scope: Scope) -> Vec<String> {
    let query = Query {
        kind,
        scope,
        after: None,
        limit: usize::MAX,
    };
    let page = store.list(&query).await.unwrap();
    page.documents
        .iter()
        .map(|document| document.key.path().to_owned())
        .collect()
}

/// Checks that each writer's batches are there up to its head, whole, and that nothing acknowledged
/// is missing; takes down what is there.
async fn check(store: &SqliteStore, known: &mut Acknowledged) {
    for writer in 0..WRITERS {
        let last = last_of(store, writer).await;
        let said = known.last.get(&writer).copied().unwrap_or(0);
        assert!(
            last >= said,
            "batch {said} of writer {writer} was acknowledged and is gone"
        );
        assert!(last <= said + 1, "writer {writer} had one batch under way");
        known.last.insert(writer, last);
        let wanted: Vec<String> = (1..=last)
            .map(|number| format!("w{writer}/{number:08}"))
            .collect();
        let scope = Scope::Under(format!("w{writer}"));
        for kind in KINDS {
            let found = paths(store, kind, scope.clone()).await;
            assert_eq!(found, wanted, "{kind:?} of writer {writer}");
        }
        if last > 0 {
            let now = marker(writer, last).path().to_owned();
            let found = paths(store, DocumentKind::Target, scope).await;
            let scope = Scope::Indexed(Index::Cluster, now.clone());
            let indexed = paths(store, DocumentKind::Target, scope).await;
            assert_eq!([found, indexed], [[now.clone()], [now]]);
        }
    }
}

#[tokio::test]
async fn acknowledged_commits_survive_sigkill() {
    let folder = tempfile::tempdir().unwrap();
    let mut known = Acknowledged::default();
    let mut batches = 0;
    for round in 0..ROUNDS {
        // A new file every ten rounds keeps the checks short; the others go on with what is there.
        let path = folder.path().join(format!("store{}.db", round / 10));
        if round % 10 == 0 {
            known = Acknowledged::default();
        }
        let before: u64 = known.last.values().sum();
        known = write_and_kill(&path, Duration::from_millis(5 + round * 37 % 60), known);
        batches += known.last.values().sum::<u64>() - before;

        let store = open(&path);
        check(&store, &mut known).await;
        let key = Key::from_stored(DocumentKind::Cluster, format!("after/{round}"));
        let operations = vec![put(key, Expect::Absent, String::new())];
        let number = store.commit(Batch { operations }).await.unwrap().written[0].1;
        assert!(number > known.version, "a version number was used twice");
        known.version = number;
    }
    assert!(
        batches > ROUNDS * WRITERS,
        "the children hardly came to write: {batches} batches"
    );
}
