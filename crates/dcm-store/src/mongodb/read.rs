//! Reads: of single documents, of several at one moment, of lists.
//!
//! A list is one query in a transaction of its own, because else the server may show half of somebody's commit. The
//! transaction is committed, so that what was read is what a majority has.

use std::collections::HashMap;
use std::time::Duration;

use dcm_types::Key;
use futures::TryStreamExt as _;
use mongodb::bson::{Document, doc};
use mongodb::error::Error as DriverError;
use mongodb::options::ReadConcern;

use super::document::{self, STORE};
use super::fault::{fault, late, passes};
use super::{Connection, Shared};
use crate::store::{Error, Page, Query, Scope, Stored};

/// How often a read is tried when the server ends it for reasons of its own.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(100);

/// A query of which all answers are of one moment.
struct Question {
    filter: Document,
    limit: i64,
}

pub(super) async fn get_many(shared: &Shared, keys: &[Key]) -> Result<Vec<Option<Stored>>, Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    // Not older than what anybody was acknowledged before: this read asks a majority who is primary, and the
    // transaction is not before it.
    shared.find(STORE).await?;
    let ids: Vec<String> = keys.iter().map(document::id).collect();
    let question = Question {
        filter: doc! { "_id": { "$in": &ids } },
        limit: 0,
    };
    let mut found = HashMap::new();
    for document in ask(shared, "read documents", &question).await? {
        let stored = document::stored(document)?;
        found.insert(document::id(&stored.key), stored);
    }
    Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
}

pub(super) async fn list(shared: &Shared, query: &Query) -> Result<Page, Error> {
    let wanted = query.limit.saturating_add(1);
    let question = Question {
        filter: filter(query),
        // One more than asked for says whether there is more.
        limit: i64::from(i32::try_from(wanted).unwrap_or(i32::MAX)),
    };
    let found = ask(shared, "list documents", &question).await?;
    let found: Result<_, _> = found.into_iter().map(document::stored).collect();
    Ok(Page::cut(found?, query.limit))
}

fn filter(query: &Query) -> Document {
    let kind = query.kind.as_str();
    let after = query.after.as_deref().unwrap_or_default();
    match &query.scope {
        Scope::All => doc! { "kind": kind, "path": { "$gt": after } },
        Scope::Under(path) => {
            let (from, to) = Scope::bounds_under(path);
            let after = after.max(from.as_str());
            doc! { "kind": kind, "path": { "$gt": after, "$lt": to } }
        }
        Scope::Indexed(index, value) => {
            let entry = document::entry(*index, value);
            doc! { "kind": kind, "indexes": entry, "path": { "$gt": after } }
        }
    }
}

async fn ask(
    shared: &Shared,
    doing: &'static str,
    question: &Question,
) -> Result<Vec<Document>, Error> {
    let allowed = shared.connection.deadline;
    let asking = async {
        for _ in 1..ATTEMPTS {
            match ask_once(shared, question).await {
                Err(error) if passes(&error) => tokio::time::sleep(PAUSE).await,
                outcome => return outcome,
            }
        }
        ask_once(shared, question).await
    };
    let outcome = tokio::time::timeout(allowed, Box::pin(asking)).await;
    let outcome = outcome.map_err(|_| late(doing, allowed))?;
    outcome.map_err(|error| fault(doing, &error))
}

async fn ask_once(shared: &Shared, question: &Question) -> Result<Vec<Document>, DriverError> {
    let mut session = shared.begin().await?;
    let mut cursor = shared
        .connection
        .collection
        .find(question.filter.clone())
        .sort(doc! { "path": 1 })
        .limit(question.limit)
        .batch_size(10_000)
        .session(&mut session)
        .await?;
    let found = cursor.stream(&mut session).try_collect().await?;
    session.commit_transaction().await?;
    Ok(found)
}

impl Shared {
    /// A document as it certainly is: a majority is asked who is primary.
    pub(super) async fn find(&self, id: &str) -> Result<Option<Document>, Error> {
        let connection = &self.connection;
        let call = async {
            let mut session = connection.client.start_session().await?;
            let find = connection.find(id, ReadConcern::linearizable());
            let found = find.session(&mut session).await?;
            self.note(&session);
            Ok(found)
        };
        connection.bounded("read a document", Box::pin(call)).await
    }
}

impl Connection {
    /// A query for the document of an id.
    pub(super) fn find(
        &self,
        id: &str,
        concern: ReadConcern,
    ) -> mongodb::action::FindOne<'_, Document> {
        self.collection
            .find_one(doc! { "_id": id })
            .read_concern(concern)
            .max_time(self.deadline)
    }
}
