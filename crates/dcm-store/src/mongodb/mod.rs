//! The backend for several processes: one collection of a MongoDB replica set.
//!
//! ```text
//!   options   the connection string, and what is refused of it
//!   open      the server, its indexes, its counter, a transaction to try
//!   document  the shape of a document
//!   commit    one batch as one transaction; retries, and commits of which the outcome is not known
//!   gates     commits of this process that would only conflict wait for each other
//!   read      single documents, several of one moment, lists
//!   lease     leases by the clock of the server
//!   watch     change streams, and what takes their place
//!   fault     errors of the driver as ours
//! ```
//!
//! Invariants: a commit is acknowledged only when a majority has it; every document that a decision was made on is
//! written in the transaction of that decision, so that the server sees the conflict; whether a commit was done is
//! read from a document that only it writes, never guessed; no type of the driver leaves this module.

mod commit;
mod document;
mod fault;
mod gates;
mod lease;
mod open;
mod options;
mod read;
mod watch;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dcm_types::Key;
use futures::stream::BoxStream;
use mongodb::bson::{Document, Timestamp};
use mongodb::options::{Acknowledgment, ReadConcern, TransactionOptions, WriteConcern};
use mongodb::{Client, ClientSession, Collection};
use parking_lot::Mutex;

pub use open::{Refusal, SHAPE};
pub use options::MongoOptions;

use crate::store::{Batch, Change, Committed, Error, Lease, Page, Query, Store, Stored};
use fault::{fault, late};
use gates::Gates;
use watch::Watcher;

/// A store in a collection of a MongoDB replica set.
pub struct MongoStore {
    shared: Arc<Shared>,
    watcher: Watcher,
}

/// What every call needs.
struct Shared {
    connection: Connection,
    gates: Gates,
    /// The latest moment of the server that we know of: what we wrote is not older.
    seen: Mutex<Option<Timestamp>>,
}

/// The collection, and how long we wait for it.
struct Connection {
    client: Client,
    collection: Collection<Document>,
    deadline: Duration,
}

impl MongoStore {
    /// Opens the store, or makes it. Refuses a server that could lose or halve what it acknowledged ([`Refusal`]).
    pub async fn open(options: &MongoOptions) -> Result<Self, Error> {
        let parsed = options::client_options(options).await;
        let parsed = parsed.map_err(|refusal| refusal.while_doing("open the store"))?;
        let client = Client::with_options(parsed).map_err(|e| fault("open the store", &e))?;
        let database = client.database(&options.database);
        let collection = database.collection(&options.collection);
        let shared = Arc::new(Shared {
            connection: Connection {
                client,
                collection,
                deadline: options.deadline,
            },
            gates: Gates::default(),
            seen: Mutex::default(),
        });
        open::prepare(&shared, options.allow_standalone).await?;
        let watcher = Watcher::start(Arc::clone(&shared)).await?;
        Ok(Self { shared, watcher })
    }

    /// Which key seals the secrets in this store, once [`MongoStore::bind_key_id`] has said so. While there is one,
    /// starting without that key must be refused.
    pub async fn key_id(&self) -> Result<Option<String>, Error> {
        self.shared.key_id().await
    }

    /// Records, durably and before the first secret is stored, which key seals the secrets in this store. The same
    /// id again is fine, another one is refused.
    pub async fn bind_key_id(&self, id: &str) -> Result<(), Error> {
        self.shared.bind_key_id(id).await
    }
}

impl fmt::Debug for MongoStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MongoStore")
            .field("collection", &self.shared.connection.collection.namespace())
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// What a majority has, also after power was lost.
    fn majority(&self) -> WriteConcern {
        WriteConcern::builder()
            .w(Acknowledgment::Majority)
            .journal(true)
            .w_timeout(self.deadline)
            .build()
    }

    /// Waits no longer than a call may take.
    async fn bounded<T>(
        &self,
        doing: &'static str,
        call: impl Future<Output = Result<T, mongodb::error::Error>>,
    ) -> Result<T, Error> {
        tokio::time::timeout(self.deadline, call)
            .await
            .map_err(|_| late(doing, self.deadline))?
            .map_err(|error| fault(doing, &error))
    }
}

impl Shared {
    /// A session with a transaction that sees at least what we have seen.
    async fn begin(&self) -> Result<ClientSession, mongodb::error::Error> {
        let mut session = self.connection.client.start_session().await?;
        if let Some(seen) = *self.seen.lock() {
            session.advance_operation_time(seen);
        }
        let options = TransactionOptions::builder()
            .read_concern(ReadConcern::snapshot())
            .write_concern(self.connection.majority())
            .max_commit_time(self.connection.deadline)
            .build();
        session.start_transaction().with_options(options).await?;
        Ok(session)
    }

    /// Notes the moment of what a session did last.
    fn note(&self, session: &ClientSession) {
        if let Some(time) = session.operation_time() {
            let mut seen = self.seen.lock();
            *seen = (*seen).max(Some(time));
        }
    }
}

/// An id that nobody else has.
fn random_id() -> String {
    let mut bytes = [0_u8; 16];
    rand::fill(&mut bytes);
    mongodb::bson::Uuid::from_bytes(bytes).to_string()
}

#[async_trait]
impl Store for MongoStore {
    async fn get(&self, key: &Key) -> Result<Option<Stored>, Error> {
        let found = self.shared.find(&document::id(key)).await?;
        found.map(document::stored).transpose()
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, Error> {
        read::get_many(&self.shared, keys).await
    }

    async fn list(&self, query: &Query) -> Result<Page, Error> {
        read::list(&self.shared, query).await
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, Error> {
        batch.refuse_repeated_keys()?;
        commit::batch(&self.shared, batch).await
    }

    fn changes(&self) -> BoxStream<'static, Change> {
        self.watcher.subscribe(*self.shared.seen.lock())
    }

    async fn lease(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Lease>, Error> {
        lease::take(&self.shared.connection, name, holder, ttl).await
    }
}
