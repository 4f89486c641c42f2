//! Hints from the server's change stream: one stream for the whole process, given on to everybody who listens.
//!
//! It is resumed where it broke off. Where it cannot be, everybody is told to look at everything; and while there is
//! none, the counter of versions is looked at instead: when it moves, something was written.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use dcm_types::Key;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use mongodb::bson::{Document, Timestamp, doc};
use mongodb::change_stream::ChangeStream;
use mongodb::change_stream::event::ResumeToken;
use mongodb::error::Error as DriverError;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::BroadcastStream;

use super::Shared;
use super::document::{self, ABSENT};
use super::fault::{code, code_of, fault, passes};
use crate::hints::CAPACITY;
use crate::store::{Change, Error};

/// How long the server holds back an answer without an event.
const WAITING: Duration = Duration::from_secs(1);
/// How often the counter is looked at, and a new stream asked for, while there is none.
const POLLING: Duration = Duration::from_secs(1);
/// How many times more listeners are told to look after the counter moved: it moves before a commit can be read.
const ECHOES: u32 = 30;

/// What is given on: a document with the moment of its change, or that something was lost.
#[derive(Debug, Clone, PartialEq)]
enum Told {
    Document(Key, Option<Timestamp>),
    Missed,
}

/// The task that listens to the server; it ends with this value.
pub(super) struct Watcher {
    listeners: broadcast::Sender<Told>,
    task: JoinHandle<()>,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Watcher {
    /// Listens from now on. A server that has no change streams is looked at from time to time.
    pub(super) async fn start(shared: Arc<Shared>) -> Result<Self, Error> {
        let listeners = broadcast::Sender::new(CAPACITY);
        let doing = "watch for changes";
        let opening = tokio::time::timeout(shared.connection.deadline, open(&shared, None));
        let stream = match opening.await {
            Err(_) => return Err(super::fault::late(doing, shared.connection.deadline)),
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) if passes(&error) => return Err(fault(doing, &error)),
            Ok(Err(error)) => {
                tell_without(&error);
                None
            }
        };
        let watch = Watch {
            shared,
            listeners: listeners.clone(),
            token: None,
            placeholders: HashSet::new(),
        };
        let task = tokio::spawn(watch.run(stream));
        Ok(Self { listeners, task })
    }

    /// What changes after a moment.
    pub(super) fn subscribe(&self, since: Option<Timestamp>) -> BoxStream<'static, Change> {
        BroadcastStream::new(self.listeners.subscribe())
            .filter_map(move |told| {
                std::future::ready(match told {
                    Ok(Told::Document(_, at)) if at.is_some() && at <= since => None,
                    Ok(Told::Document(key, _)) => Some(Change::Document(key)),
                    Ok(Told::Missed) | Err(_) => Some(Change::Missed),
                })
            })
            .boxed()
    }
}

fn tell_without(error: &DriverError) {
    let error = dcm_types::chain(&fault("watch for changes", error));
    tracing::warn!(
        error,
        "the server gives no change stream: changes of other processes are noticed once a second"
    );
}

type Stream = ChangeStream<Document>;

async fn open(shared: &Shared, token: Option<ResumeToken>) -> Result<Stream, DriverError> {
    // Not the documents themselves: they may be as large as an answer can be.
    let small = doc! { "$project": {
        "operationType": 1,
        "clusterTime": 1,
        "documentKey": 1,
        "fullDocument.kind": 1,
        "updateDescription.updatedFields.number": 1,
    } };
    let collection = &shared.connection.collection;
    let mut watch = collection.watch().pipeline([small]).max_await_time(WAITING);
    if let Some(token) = token {
        watch = watch.start_after(token);
    }
    Ok(watch.await?.with_type())
}

/// The task's own state.
struct Watch {
    shared: Arc<Shared>,
    listeners: broadcast::Sender<Told>,
    /// Where to go on; `None` when that is lost.
    token: Option<ResumeToken>,
    /// Placeholders whose deletion comes next.
    placeholders: HashSet<String>,
}

impl Watch {
    async fn run(mut self, mut stream: Option<Stream>) {
        loop {
            if let Some(stream) = stream.take() {
                let error = self.listen(stream).await;
                tracing::info!(error, "the change stream of the store broke off");
            }
            stream = Some(self.reopen().await);
        }
    }

    /// Gives on what the stream says until it breaks; answers why.
    async fn listen(&mut self, mut stream: Stream) -> String {
        loop {
            match stream.next().await {
                Some(Ok(event)) => {
                    if let Some(told) = hint(&event, &mut self.placeholders) {
                        // Nobody listens: nobody is told.
                        let _ = self.listeners.send(told);
                    }
                    self.token = stream.resume_token();
                }
                Some(Err(error)) => {
                    self.token = stream.resume_token().or(self.token.take());
                    if cannot_resume(&error) {
                        self.token = None;
                    }
                    return dcm_types::chain(&fault("watch for changes", &error));
                }
                None => {
                    self.token = None;
                    return "the server closed it".to_owned();
                }
            }
        }
    }

    /// Tries until there is a stream again, and looks at the counter meanwhile.
    async fn reopen(&mut self) -> Stream {
        let mut counter = None;
        let mut echoes = 0;
        loop {
            tokio::time::sleep(POLLING).await;
            let waiting = self.shared.connection.deadline;
            let opening = open(&self.shared, self.token.clone());
            match tokio::time::timeout(waiting, opening).await {
                Ok(Ok(stream)) => {
                    // What happened between the two streams is in neither, unless the second goes on from the first.
                    if self.token.is_none() {
                        self.missed();
                    }
                    return stream;
                }
                Ok(Err(error)) if cannot_resume(&error) => self.token = None,
                Ok(Err(_)) | Err(_) => {}
            }
            let Some(number) = self.number().await else {
                continue;
            };
            if counter.replace(number) != Some(number) {
                echoes = ECHOES;
            }
            if echoes > 0 {
                echoes -= 1;
                self.missed();
            }
        }
    }

    async fn number(&self) -> Option<u64> {
        let about = self.shared.about_the_store().await.ok()?;
        document::whole(&about, "number").ok()
    }

    fn missed(&mut self) {
        self.placeholders.clear();
        let _ = self.listeners.send(Told::Missed);
    }
}

/// Whether a stream cannot go on from where this one broke off.
fn cannot_resume(error: &DriverError) -> bool {
    matches!(
        code_of(error),
        Some(code::HISTORY_LOST | code::NO_CHANGE_STREAMS)
    ) || error.contains_label("NonResumableChangeStreamError")
        || !passes(error)
}

/// What an event means to those who listen. An assertion changes `touched` only; a placeholder comes and goes.
fn hint(event: &Document, placeholders: &mut HashSet<String>) -> Option<Told> {
    let id = event
        .get_document("documentKey")
        .ok()?
        .get_str("_id")
        .ok()?;
    let visible = match event.get_str("operationType").ok()? {
        "insert" | "replace" => {
            let whole = event.get_document("fullDocument");
            if whole.is_ok_and(|whole| document::says(whole, "kind", ABSENT)) {
                placeholders.insert(id.to_owned());
                return None;
            }
            true
        }
        "update" => event
            .get_document("updateDescription")
            .and_then(|description| description.get_document("updatedFields"))
            .is_ok_and(|fields| fields.contains_key("number")),
        "delete" => !placeholders.remove(id),
        _ => false,
    };
    let key = document::key_of(id).filter(|_| visible)?;
    Some(Told::Document(key, event.get_timestamp("clusterTime").ok()))
}

#[cfg(test)]
mod tests {
    use dcm_types::DocumentKind;

    use super::*;

    fn event(operation: &str, id: &str, more: Document) -> Document {
        let mut event = doc! {
            "operationType": operation,
            "documentKey": { "_id": id },
            "clusterTime": Timestamp { time: 7, increment: 1 },
        };
        event.extend(more);
        event
    }

    fn heard(events: &[Document]) -> Vec<bool> {
        let mut placeholders = HashSet::new();
        let heard = events.iter().map(|event| hint(event, &mut placeholders));
        heard.map(|told| told.is_some()).collect()
    }

    #[test]
    fn writes_and_deletes_are_hinted_with_their_moment() {
        let mut placeholders = HashSet::new();
        let told = hint(&event("delete", "project/p", doc! {}), &mut placeholders);
        let key = Key::from_stored(DocumentKind::Project, "p".to_owned());
        let at = Timestamp {
            time: 7,
            increment: 1,
        };
        assert_eq!(told, Some(Told::Document(key, Some(at))));
        let kind = doc! { "fullDocument": { "kind": "project" } };
        for operation in ["insert", "replace"] {
            assert_eq!(
                heard(&[event(operation, "project/p", kind.clone())]),
                [true]
            );
        }
    }

    #[test]
    fn assertions_and_the_store_itself_are_not_hinted() {
        let touched = doc! { "updateDescription": { "updatedFields": {} } };
        let number = doc! { "updateDescription": { "updatedFields": { "number": 3_i64 } } };
        assert_eq!(heard(&[event("update", "project/p", touched)]), [false]);
        assert_eq!(heard(&[event("update", "project/p", number)]), [true]);
        for id in ["~store", "~lease/sync", "~operation/x"] {
            assert_eq!(heard(&[event("insert", id, doc! {})]), [false], "{id}");
        }
    }

    #[test]
    fn the_deletion_of_a_placeholder_is_not_that_of_a_document() {
        let kind = |kind: &str| doc! { "fullDocument": { "kind": kind } };
        let events = [
            event("insert", "project/p", kind(ABSENT)),
            event("delete", "project/p", doc! {}),
            event("insert", "project/p", kind("project")),
            event("delete", "project/p", doc! {}),
        ];
        assert_eq!(heard(&events), [false, false, true, true]);
    }
}
