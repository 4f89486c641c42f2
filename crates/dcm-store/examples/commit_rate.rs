//! How many creates a second the SQLite backend commits, beside bare SQLite with the same bytes.
//!
//! A create is a batch of some documents and one assertion. Run it with `--release`. Arguments: the
//! folder to measure in (by default a temporary one), the file of a store, whose newest documents then
//! say how long those of a create are, and the seconds for each figure.

#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use dcm_store::{Batch, Expect, Operation, SqliteStore, Store};
use dcm_types::ports::Clock;
use dcm_types::{DocumentKind, Key, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

/// How long each figure is measured, if nobody says.
const TIME: Duration = Duration::from_secs(4);

/// The documents that a create may write, with about the lengths of their JSON.
const DOCUMENTS: [(DocumentKind, usize); 6] = [
    (DocumentKind::LogicalCloud, 420),
    (DocumentKind::User, 260),
    (DocumentKind::Namespace, 240),
    (DocumentKind::Lifecycle, 220),
    (DocumentKind::ClusterReference, 380),
    (DocumentKind::Audit, 330),
];

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

fn project() -> Key {
    Key::from_stored(DocumentKind::Project, "project-of-some-tenant".to_owned())
}

fn put(key: Key, length: usize) -> Operation {
    Operation::Put {
        key,
        expect: Expect::Absent,
        schema: 1,
        body: "x".repeat(length),
        indexes: vec![],
    }
}

/// What a create writes, and how long it is.
type Documents = Arc<[(DocumentKind, usize)]>;

/// What is measured.
struct Plan {
    documents: Documents,
    /// How long each figure is measured.
    time: Duration,
}

/// The documents of a create as they are in a store: the newest of each kind.
fn documents_in(store: &Path) -> Result<Documents> {
    let connection = Connection::open(store)?;
    let mut statement = connection.prepare(
        "SELECT length(CAST(body AS BLOB)) FROM documents WHERE kind = ?1 ORDER BY number DESC LIMIT 1",
    )?;
    let mut documents = Vec::new();
    for (kind, _) in DOCUMENTS {
        let length = statement.query_row([kind.as_str()], |row| row.get(0));
        documents.extend(length.optional()?.map(|length| (kind, length)));
    }
    let all: i64 = connection.query_row("SELECT count(*) FROM documents", [], |row| row.get(0))?;
    println!("documents in the store: {all}");
    Ok(documents.into())
}

fn create(number: usize, documents: &[(DocumentKind, usize)]) -> Batch {
    let mut operations: Vec<Operation> = documents
        .iter()
        .map(|&(kind, length)| put(Key::from_stored(kind, path(number)), length))
        .collect();
    operations.push(Operation::Assert {
        key: project(),
        expect: Expect::Exists,
    });
    Batch { operations }
}

/// Spread over the tree, as names that people choose are.
fn path(number: usize) -> String {
    let spread = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    format!("project-of-some-tenant/cloud-{spread:08x}-{number}")
}

fn report(what: &str, times: &mut [Duration], elapsed: Duration, creates: usize) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 1000].as_secs_f64() * 1e3;
    let rate = creates as u128 * 1000 / elapsed.as_millis();
    println!(
        "{what:<44} {rate:>8} creates/s   p50 {:>6.2} ms   p99 {:>6.2} ms   max {:>6.2} ms",
        at(500),
        at(990),
        at(1000)
    );
}

/// Plain inserts of the same rows into a table of the same layout, `group` creates to a transaction, each transaction synced.
fn bare(path: &Path, group: usize, plan: &Plan) -> Result<()> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch(
        "CREATE TABLE documents (kind TEXT, path TEXT, body TEXT, UNIQUE (kind, path))",
    )?;
    let mut times = Vec::new();
    let start = Instant::now();
    let mut number = 0;
    while start.elapsed() < plan.time {
        let begun = Instant::now();
        connection.execute_batch("BEGIN IMMEDIATE")?;
        for _ in 0..group {
            let path = self::path(number);
            for &(kind, length) in plan.documents.iter() {
                connection
                    .prepare_cached("INSERT INTO documents VALUES (?1, ?2, ?3)")?
                    .execute(params![kind.as_str(), path, "x".repeat(length)])?;
            }
            number += 1;
        }
        connection.execute_batch("COMMIT")?;
        times.push(begun.elapsed());
    }
    let what = format!("bare SQLite, {group} to a commit");
    report(&what, &mut times, start.elapsed(), number);
    Ok(())
}

async fn store(path: &Path, clients: usize, plan: &Plan) -> Result<()> {
    let store = Arc::new(SqliteStore::open(path, Arc::new(SystemClock))?);
    let operations = vec![put(project(), 200)];
    store.commit(Batch { operations }).await?;
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let clients_running: Vec<_> = (0..clients)
        .map(|_| {
            let (store, next) = (Arc::clone(&store), Arc::clone(&next));
            let (documents, time) = (Arc::clone(&plan.documents), plan.time);
            tokio::spawn(async move {
                let mut times = Vec::new();
                while start.elapsed() < time {
                    let begun = Instant::now();
                    let batch = create(next.fetch_add(1, Ordering::Relaxed), &documents);
                    store.commit(batch).await?;
                    times.push(begun.elapsed());
                }
                anyhow::Ok(times)
            })
        })
        .collect();
    let mut times = Vec::new();
    for client in clients_running {
        times.extend(client.await??);
    }
    let what = format!("store, {clients} clients");
    let creates = times.len();
    report(&what, &mut times, start.elapsed(), creates);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let temporary = tempfile::tempdir()?;
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let folder = arguments
        .next()
        .unwrap_or_else(|| temporary.path().to_owned());
    let documents = match arguments.next() {
        Some(store) => documents_in(&store).context("reading the store")?,
        None => DOCUMENTS.into(),
    };
    let time = match arguments.next() {
        Some(seconds) => {
            let seconds = seconds.to_str().and_then(|seconds| seconds.parse().ok());
            Duration::from_secs(seconds.context("seconds are a whole number")?)
        }
        None => TIME,
    };
    let bytes: usize = documents.iter().map(|(_, length)| length).sum();
    println!("a create: {} documents, {bytes} bytes", documents.len());
    let plan = Plan { documents, time };
    for group in [1, 8, 32] {
        bare(&folder.join(format!("bare{group}.db")), group, &plan).context("bare SQLite")?;
    }
    for clients in [1, 8, 32] {
        store(&folder.join(format!("store{clients}.db")), clients, &plan).await?;
    }
    Ok(())
}
