//! Before the first document: what the server is, our indexes, the counter, and whether transactions work.

use std::time::Duration;

use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::options::IndexOptions;

use super::document::{self, STORE};
use super::fault::{fault, misunderstood};
use super::{Connection, Shared};
use crate::store::Error;

/// The version of the collection's shape that this program writes.
pub const SHAPE: u64 = 1;

/// How long a commit can be recognised after it was answered.
const KEPT: Duration = Duration::from_hours(24);

/// Why a server is not used.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It cannot be understood.
    #[error(
        "the URI is not a connection string of MongoDB ('mongodb://host:port/?replicaSet=name'); in user and password \
         write '@', ':', '/' and '%' in their percent-encoded form; 'mongodb+srv' is not supported"
    )]
    Uri,
    /// Documents would cross a network in plain text.
    #[error(
        "the URI reaches '{host}' in plain text; add 'tls=true', and 'tlsCAFile' for an authority of your own"
    )]
    Plaintext {
        /// The first such host.
        host: String,
    },
    /// Certificates would not be looked at.
    #[error("the URI takes any certificate; name the authority in 'tlsCAFile' instead")]
    UnverifiedTls,
    /// It does not keep what it acknowledged when it is lost.
    #[error(
        "the server is in no replica set; one of a single member is enough to try it, and three keep what was \
         acknowledged when one is lost ('allow_standalone' takes this server all the same)"
    )]
    Standalone,
    /// It does not change several documents as a whole.
    #[error("the server does not do transactions: {said}")]
    NoTransactions {
        /// What it said.
        said: String,
    },
    /// A newer program wrote it.
    #[error("the collection has shape {found}, this program knows {known}; use the newer program")]
    Newer {
        /// Its shape.
        found: u64,
        /// Ours.
        known: u64,
    },
    /// Its secrets are sealed with another key.
    #[error(
        "its secrets are sealed with key {bound}, not with {given}; use the key file that belongs to it"
    )]
    OtherKey {
        /// The id it is bound to.
        bound: String,
        /// The id that was given.
        given: String,
    },
}

impl Refusal {
    pub(super) fn while_doing(self, doing: &'static str) -> Error {
        Error::Backend {
            doing,
            source: Box::new(self),
        }
    }
}

/// Makes sure that the collection can be used, and makes it when it is not there.
pub(super) async fn prepare(shared: &Shared, allow_standalone: bool) -> Result<(), Error> {
    let connection = &shared.connection;
    let hello = connection.hello().await?;
    if !is_replicated(&hello) && !allow_standalone {
        return Err(Refusal::Standalone.while_doing("open the store"));
    }
    make_indexes(connection).await?;
    make_counter(shared).await?;
    try_transaction(shared).await
}

/// A member of a replica set, or a router before several of them.
fn is_replicated(hello: &Document) -> bool {
    hello.contains_key("setName") || document::says(hello, "msg", "isdbgrid")
}

async fn make_indexes(connection: &Connection) -> Result<(), Error> {
    let kept = IndexOptions::builder().expire_after(KEPT).build();
    let unique = IndexOptions::builder().unique(true).build();
    let models = [
        IndexModel::builder()
            .keys(doc! { "kind": 1, "path": 1 })
            .options(unique)
            .build(),
        IndexModel::builder()
            .keys(doc! { "kind": 1, "indexes": 1, "path": 1 })
            .build(),
        // Of the commits that were done; nothing else has such a field.
        IndexModel::builder()
            .keys(doc! { "done_at": 1 })
            .options(kept)
            .build(),
    ];
    let doing = "make its indexes";
    let made = connection.collection.create_indexes(models);
    connection.bounded(doing, async { made.await }).await?;
    Ok(())
}

async fn make_counter(shared: &Shared) -> Result<(), Error> {
    let connection = &shared.connection;
    let doing = "make its counter";
    let shape = i64::try_from(SHAPE).unwrap_or(i64::MAX);
    // With kind and path, because together they are unique.
    let first = doc! { "kind": STORE, "path": "", "number": 0_i64, "shape": shape };
    let write = connection
        .collection
        .update_one(doc! { "_id": STORE }, doc! { "$setOnInsert": first })
        .upsert(true)
        .write_concern(connection.majority());
    connection.bounded(doing, async { write.await }).await?;
    let found = shared.about_the_store().await?;
    let found = document::whole(&found, "shape")?;
    if found > SHAPE {
        let known = SHAPE;
        return Err(Refusal::Newer { found, known }.while_doing("open the store"));
    }
    Ok(())
}

/// A transaction that is taken back: a server that only claims to do them is found out before it matters.
async fn try_transaction(shared: &Shared) -> Result<(), Error> {
    let doing = "try a transaction";
    let probe = format!("~probe/{}", super::random_id());
    let connection = &shared.connection;
    let refused = |said: String| Refusal::NoTransactions { said }.while_doing(doing);
    let attempt = async {
        let mut session = shared.begin().await?;
        let document = doc! { "_id": &probe, "kind": &probe, "path": "" };
        let collection = &connection.collection;
        collection
            .insert_one(document)
            .session(&mut session)
            .await?;
        session.abort_transaction().await
    };
    let outcome = tokio::time::timeout(connection.deadline, attempt).await;
    let outcome = outcome.map_err(|_| super::fault::late(doing, connection.deadline))?;
    if let Err(error) = outcome {
        let fault = fault(doing, &error);
        let passing = fault.retryable();
        return Err(if passing {
            fault
        } else {
            refused(error.kind.to_string())
        });
    }
    if shared.find(&probe).await?.is_some() {
        return Err(refused("it kept what was taken back".to_owned()));
    }
    Ok(())
}

impl Connection {
    /// What the server says of itself.
    async fn hello(&self) -> Result<Document, Error> {
        let admin = self.client.database("admin");
        let command = admin.run_command(doc! { "hello": 1 });
        self.bounded("greet the server", async { command.await })
            .await
    }
}

impl Shared {
    /// The document about the store itself, as it certainly is.
    pub(super) async fn about_the_store(&self) -> Result<Document, Error> {
        let found = self.find(STORE).await?;
        found.ok_or_else(|| misunderstood("read its counter", "the counter of versions is gone"))
    }

    /// Which key seals the secrets.
    pub(super) async fn key_id(&self) -> Result<Option<String>, Error> {
        let about = self.about_the_store().await?;
        Ok(about.get_str("key_id").ok().map(str::to_owned))
    }

    /// Binds the store to a key; refuses another one than before.
    pub(super) async fn bind_key_id(&self, id: &str) -> Result<(), Error> {
        let doing = "bind its key id";
        let unbound = doc! { "_id": STORE, "key_id": { "$exists": false } };
        let connection = &self.connection;
        let write = connection
            .collection
            .update_one(unbound, doc! { "$set": { "key_id": id } })
            .write_concern(connection.majority());
        connection.bounded(doing, async { write.await }).await?;
        match self.key_id().await? {
            Some(bound) if bound == id => Ok(()),
            bound => Err(Refusal::OtherKey {
                bound: bound.unwrap_or_default(),
                given: id.to_owned(),
            }
            .while_doing(doing)),
        }
    }
}
