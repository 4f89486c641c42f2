//! One batch as one transaction: all of it, or nothing.
//!
//! Every transaction writes a document of its own with the id of the commit. So a commit that was answered with an
//! error, or not at all, is looked up; and one that arrives late meets the same document of its repetition, and the
//! server lets only one of them through.
//!
//! What is read in a transaction is not guarded by the server, only what is written. Therefore everything that a
//! batch was decided on is written: an assertion counts `touched`, and where nothing is, a placeholder is made and
//! deleted.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use dcm_types::Key;
use mongodb::ClientSession;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{Error as DriverError, UNKNOWN_TRANSACTION_COMMIT_RESULT};
use mongodb::options::ReturnDocument;

use super::document::{self, ABSENT, OPERATION, STORE};
use super::fault::{code, code_of, fault, late, misunderstood, passes};
use super::{Shared, random_id};
use crate::store::{Batch, Committed, Error, Expect, Operation, Version};

const DOING: &str = "commit a batch";
/// The first pause before the next attempt; doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(4);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// How often the end of a transaction is asked for before it is looked up.
const ENDINGS: u32 = 3;
/// Bytes of documents in one command; the server takes 48 MB.
const IN_ONE_COMMAND: usize = 24 * 1024 * 1024;
/// What a statement weighs besides its body.
const STATEMENT: usize = 1024;

/// A batch, made ready once for all attempts.
struct Plan {
    /// The id of the document that only this commit writes.
    operation: String,
    steps: Vec<Step>,
}

struct Step {
    key: Key,
    id: String,
    expect: Expect,
    write: Write,
}

enum Write {
    /// The document without its version, and the length of its body.
    Put(Document, usize),
    Delete,
    Assert,
}

/// Why an attempt did not end in a commit.
enum Setback {
    /// A precondition does not hold of what the transaction saw: that of this step.
    Refused(usize),
    /// It may work the next time; with `doubt` it may have worked this time.
    Again { error: Error, doubt: bool },
    /// It will not work.
    Failed(Error),
}

impl From<DriverError> for Setback {
    fn from(error: DriverError) -> Self {
        let raced = matches!(
            code_of(&error),
            Some(code::WRITE_CONFLICT | code::DUPLICATE_KEY)
        );
        let fault = fault(DOING, &error);
        if raced || passes(&error) {
            return Self::again(fault);
        }
        Self::Failed(fault)
    }
}

impl From<Error> for Setback {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Setback {
    fn again(error: Error) -> Self {
        Self::Again {
            error,
            doubt: false,
        }
    }

    fn doubtful(error: Error) -> Self {
        Self::Again { error, doubt: true }
    }
}

/// Commits a batch that names each key once.
pub(super) async fn batch(shared: &Shared, batch: Batch) -> Result<Committed, Error> {
    if batch.operations.is_empty() {
        return Ok(Committed { written: vec![] });
    }
    let plan = Plan::of(batch)?;
    let work = async {
        let _passed = shared
            .gates
            .pass(plan.steps.iter().map(|step| &step.key))
            .await;
        persist(shared, &plan).await
    };
    let allowed = shared.connection.deadline;
    let outcome = tokio::time::timeout(allowed, Box::pin(work)).await;
    outcome.map_err(|_| late(DOING, allowed))?
}

/// Attempts until it is done, refused, or too late.
async fn persist(shared: &Shared, plan: &Plan) -> Result<Committed, Error> {
    let began = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match attempt(shared, plan).await {
            Ok(committed) => return Ok(committed),
            Err(Setback::Failed(error)) => return Err(error),
            Err(Setback::Refused(place)) => match refused(shared, &plan.steps[place]).await? {
                Some(error) => return Err(error),
                None => continue,
            },
            Err(Setback::Again {
                error,
                doubt: false,
            }) => error,
            Err(Setback::Again { error, doubt: true }) => match find_out(shared, plan).await {
                Ok(Some(committed)) => return Ok(committed),
                Ok(None) if error.retryable() => error,
                Ok(None) => return Err(error),
                // Still in doubt: the next attempt sees what became of it.
                Err(error) => error,
            },
        };
        let wait = pause.mul_f64(rand::random_range(0.5..1.0));
        if began.elapsed() + wait >= shared.connection.deadline {
            return Err(error);
        }
        tokio::time::sleep(wait).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// One transaction.
async fn attempt(shared: &Shared, plan: &Plan) -> Result<Committed, Setback> {
    let mut session = shared.begin().await?;
    let found = look(shared, &mut session, plan).await?;
    if let Some(place) = plan.refused(&found) {
        session.abort_transaction().await?;
        return Err(Setback::Refused(place));
    }
    // After the look: whoever took a later number has written after it, which would be a conflict. So the number of
    // a document only grows.
    let first = numbers(shared, plan).await?;
    let (writes, removals) = plan.statements(&found, first)?;
    send(shared, &mut session, "update", "updates", writes).await?;
    send(shared, &mut session, "delete", "deletes", removals).await?;
    if let Err(setback) = end(&mut session).await {
        forget(&session).await;
        return Err(setback);
    }
    shared.note(&session);
    Ok(plan.committed(first))
}

/// The versions of what the batch is about, at the moment of the transaction.
async fn look(
    shared: &Shared,
    session: &mut ClientSession,
    plan: &Plan,
) -> Result<HashMap<String, Version>, Setback> {
    let ids = plan.steps.iter().map(|step| step.id.as_str());
    let ids: Vec<&str> = ids.chain([plan.operation.as_str()]).collect();
    let mut cursor = shared
        .connection
        .collection
        .find(doc! { "_id": { "$in": ids } })
        .projection(document::version_only())
        .batch_size(10_000)
        .session(&mut *session)
        .await?;
    let mut found = HashMap::new();
    while let Some(document) = cursor.next(session).await {
        let document = document?;
        let id = document.get_str("_id").unwrap_or_default().to_owned();
        if id == plan.operation {
            let message = "an earlier attempt of it was done";
            return Err(Setback::doubtful(misunderstood(DOING, message)));
        }
        found.insert(id, document::version(&document)?);
    }
    Ok(found)
}

/// The first of as many numbers as are needed. At least one, so that the counter tells of every commit.
async fn numbers(shared: &Shared, plan: &Plan) -> Result<u64, Setback> {
    let count = i64::try_from(plan.puts().max(1)).unwrap_or(i64::MAX);
    let counter = shared
        .connection
        .collection
        .find_one_and_update(doc! { "_id": STORE }, doc! { "$inc": { "number": count } })
        .projection(doc! { "number": 1 })
        .return_document(ReturnDocument::After)
        .write_concern(shared.connection.majority())
        .await?;
    let counter = counter.ok_or_else(|| misunderstood(DOING, "the counter of versions is gone"))?;
    let last = document::whole(&counter, "number")?;
    Ok((last + 1).saturating_sub(count.unsigned_abs()))
}

/// Sends statements in order, in as few commands as the server takes.
async fn send(
    shared: &Shared,
    session: &mut ClientSession,
    command: &str,
    field: &str,
    statements: Vec<(Document, usize)>,
) -> Result<(), Setback> {
    let collection = &shared.connection.collection;
    let database = shared
        .connection
        .client
        .database(&collection.namespace().db);
    for some in in_commands(statements) {
        let wanted = some.len();
        let request = doc! { command: collection.name(), field: some, "ordered": true };
        let reply = database.run_command(request).session(&mut *session).await?;
        let errors = reply.get_array("writeErrors");
        if let Some(Bson::Document(error)) = errors.ok().and_then(|errors| errors.first()) {
            return Err(of_statement(error));
        }
        if document::whole(&reply, "n")? != wanted as u64 {
            let message = "a document changed while it was written";
            return Err(Setback::doubtful(misunderstood(DOING, message)));
        }
    }
    Ok(())
}

/// What the server says of a statement that it did not do.
fn of_statement(error: &Document) -> Setback {
    let code = error.get_i32("code").unwrap_or_default();
    let message = error.get_str("errmsg").unwrap_or("without a message");
    let fault = Error::Unavailable {
        doing: DOING,
        source: message.into(),
    };
    match code {
        // The document of the commit, or one that somebody else makes: what is there tells which.
        code::DUPLICATE_KEY => Setback::doubtful(fault),
        code::WRITE_CONFLICT => Setback::again(fault),
        _ => Setback::Failed(misunderstood(DOING, message)),
    }
}

fn in_commands(statements: Vec<(Document, usize)>) -> Vec<Vec<Document>> {
    let mut commands: Vec<Vec<Document>> = Vec::new();
    let mut bytes = IN_ONE_COMMAND;
    for (statement, length) in statements {
        bytes += length + STATEMENT;
        match commands.last_mut() {
            Some(last) if bytes <= IN_ONE_COMMAND => last.push(statement),
            _ => {
                bytes = length + STATEMENT;
                commands.push(vec![statement]);
            }
        }
    }
    commands
}

/// Asks for the end of the transaction until it is told.
async fn end(session: &mut ClientSession) -> Result<(), Setback> {
    let mut asked = 0;
    loop {
        asked += 1;
        let Err(error) = session.commit_transaction().await else {
            return Ok(());
        };
        if asked == ENDINGS || !error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) {
            return Err(Setback::doubtful(fault(DOING, &error)));
        }
        tokio::time::sleep(LONGEST_PAUSE).await;
    }
}

/// Ends what the server may still keep open of a session; else it would keep others out for a minute.
async fn forget(session: &ClientSession) {
    let kill = doc! { "killSessions": [session.id()] };
    let admin = session.client().database("admin");
    // A transaction that was done stays done, and where this does not arrive the server ends it by itself.
    let _ = admin.run_command(kill).await;
}

/// Whether the commit was done, as a majority knows it.
async fn find_out(shared: &Shared, plan: &Plan) -> Result<Option<Committed>, Error> {
    let Some(done) = shared.find(&plan.operation).await? else {
        return Ok(None);
    };
    Ok(Some(plan.committed(document::whole(&done, "first")?)))
}

/// The refusal, if the precondition does not hold of what is certainly there.
async fn refused(shared: &Shared, step: &Step) -> Result<Option<Error>, Error> {
    let found = shared.find(&step.id).await?;
    let found = found.as_ref().map(document::version).transpose()?;
    Ok((!step.expect.holds(found)).then(|| Error::Precondition {
        key: step.key.clone(),
        found,
    }))
}

impl Plan {
    fn of(batch: Batch) -> Result<Self, Error> {
        let steps = batch.operations.into_iter().map(Step::of);
        Ok(Self {
            operation: format!("{OPERATION}{}", random_id()),
            steps: steps.collect::<Result<_, _>>()?,
        })
    }

    fn puts(&self) -> usize {
        let puts = self.steps.iter().filter(|step| step.is_put());
        puts.count()
    }

    fn refused(&self, found: &HashMap<String, Version>) -> Option<usize> {
        self.steps
            .iter()
            .position(|step| !step.expect.holds(found.get(&step.id).copied()))
    }

    /// The answer, when the numbers begin with `first`.
    fn committed(&self, first: u64) -> Committed {
        let puts = self.steps.iter().filter(|step| step.is_put());
        let written = puts
            .zip(first..)
            .map(|(step, number)| (step.key.clone(), number));
        Committed {
            written: written.collect(),
        }
    }

    /// What is written, and then what is deleted, each with the length of its body.
    fn statements(
        &self,
        found: &HashMap<String, Version>,
        first: u64,
    ) -> Result<Statements, Error> {
        let mut number = signed(first)?;
        let mut writes = vec![(self.own_document(number), 0)];
        let mut removals = Vec::new();
        for step in &self.steps {
            let id = &step.id;
            let there = found.contains_key(id);
            let removal = || (doc! { "q": { "_id": id }, "limit": 1 }, 0);
            match &step.write {
                Write::Put(document, length) => {
                    let mut document = document.clone();
                    document.insert("number", number);
                    document.insert("touched", 0_i64);
                    number += 1;
                    let statement = doc! { "q": { "_id": id }, "u": document, "upsert": true };
                    writes.push((statement, *length));
                }
                Write::Delete if there => removals.push(removal()),
                Write::Assert if there => {
                    let touch = doc! { "q": { "_id": id }, "u": { "$inc": { "touched": 1_i64 } } };
                    writes.push((touch, 0));
                }
                Write::Delete | Write::Assert if step.expect == Expect::Absent => {
                    let placeholder = doc! { "kind": ABSENT, "path": id };
                    let statement = doc! { "q": { "_id": id }, "u": placeholder, "upsert": true };
                    writes.push((statement, 0));
                    removals.push(removal());
                }
                Write::Delete | Write::Assert => {}
            }
        }
        Ok((writes, removals))
    }

    /// Made, never changed: where it is already, the server says that the key is taken.
    fn own_document(&self, first: i64) -> Document {
        let path = self.operation.trim_start_matches(OPERATION);
        doc! {
            "q": { "_id": &self.operation, "done_at": { "$exists": false } },
            "u": {
                "$set": { "kind": OPERATION.trim_end_matches('/'), "path": path, "first": first },
                "$currentDate": { "done_at": true },
            },
            "upsert": true,
        }
    }
}

/// Writes, and deletes.
type Statements = (Vec<(Document, usize)>, Vec<(Document, usize)>);

impl Step {
    fn of(operation: Operation) -> Result<Self, Error> {
        let expect = operation.expect();
        let (key, write) = match operation {
            Operation::Put {
                key,
                schema,
                body,
                indexes,
                ..
            } => {
                let document = document::encode(&key, schema, &indexes, &body)?;
                (key, Write::Put(document, body.len()))
            }
            Operation::Delete { key, .. } => (key, Write::Delete),
            Operation::Assert { key, .. } => (key, Write::Assert),
        };
        Ok(Self {
            id: document::id(&key),
            key,
            expect,
            write,
        })
    }

    fn is_put(&self) -> bool {
        matches!(self.write, Write::Put(..))
    }
}

/// BSON has no numbers without a sign.
fn signed(number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(|_| misunderstood(DOING, "all version numbers were used"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_stay_in_order_and_no_command_is_larger_than_the_server_takes() {
        let lengths = [
            0,
            IN_ONE_COMMAND / 2,
            IN_ONE_COMMAND / 3,
            IN_ONE_COMMAND,
            1,
            2,
        ];
        let statements = lengths.iter().zip(0_i64..);
        let statements = statements.map(|(length, n)| (doc! { "n": n }, *length));
        let commands = in_commands(statements.collect());
        let sizes: Vec<usize> = commands.iter().map(Vec::len).collect();
        assert_eq!(sizes, [3, 1, 2]);
        let order: Vec<i64> = commands
            .iter()
            .flatten()
            .map(|s| s.get_i64("n").unwrap())
            .collect();
        assert_eq!(order, [0, 1, 2, 3, 4, 5]);
        assert!(in_commands(vec![]).is_empty());
    }
}
