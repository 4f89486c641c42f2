//! A change: operations on documents and the audit record that tells of them, in one commit.

use dcm_store::{Batch, Committed, Expect};
use dcm_types::documents::AuditResult;
use dcm_types::{Document, DocumentKind, Key};

use crate::integrity::{describe, missing};
use crate::{App, Error, Principal};

/// Operations that are committed together.
#[derive(Debug, Default)]
pub(crate) struct Change {
    batch: Batch,
}

/// What is done, for the audit record.
pub(crate) struct Act<'a> {
    pub(crate) who: &'a Principal,
    /// The project, or [`Key::SYSTEM_SCOPE`].
    pub(crate) scope: &'a str,
    pub(crate) verb: &'static str,
    pub(crate) object: Key,
    pub(crate) result: AuditResult,
}

impl<'a> Act<'a> {
    /// Something that is done when it is committed.
    pub(crate) fn done(
        who: &'a Principal,
        scope: &'a str,
        verb: &'static str,
        object: Key,
    ) -> Self {
        Self {
            who,
            scope,
            verb,
            object,
            result: AuditResult::Done,
        }
    }

    /// Something that is done in the background later.
    pub(crate) fn accepted(self) -> Self {
        Self {
            result: AuditResult::Accepted,
            ..self
        }
    }
}

impl Change {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn put<D: Document>(&mut self, document: &D, expect: Expect) -> Result<(), Error> {
        self.batch.put(document, expect)?;
        Ok(())
    }

    pub(crate) fn delete(&mut self, key: Key, expect: Expect) {
        self.batch.delete(key, expect);
    }

    /// Demands something of a document that is not written, and conflicts with whoever changes it.
    pub(crate) fn assert(&mut self, key: Key, expect: Expect) {
        self.batch.assert(key, expect);
    }
}

impl App {
    /// Adds an audit record to a change, beside that of the act as a whole.
    pub(crate) fn tell(&self, change: &mut Change, act: &Act<'_>) -> Result<(), Error> {
        change.put(&self.audit_record(act), Expect::Absent)
    }

    /// Commits a change together with its audit record.
    pub(crate) async fn commit(&self, change: Change, act: Act<'_>) -> Result<Committed, Error> {
        let mut batch = change.batch;
        batch.put(&self.audit_record(&act), Expect::Absent)?;
        let expectations: Vec<(Key, Expect)> = batch
            .operations
            .iter()
            .map(|operation| (operation.key().clone(), operation.expect()))
            .collect();
        let outcome = self.store().commit(batch).await;
        outcome.map_err(|error| explain(error, &expectations))
    }
}

/// The version that a commit gave to a document that it wrote.
pub(crate) fn version_of(committed: &Committed, key: &Key) -> u64 {
    committed
        .written
        .iter()
        .find_map(|(written, version)| (written == key).then_some(*version))
        .expect("a commit reports every document that it wrote")
}

/// Turns a precondition that does not hold into what it means to the caller.
fn explain(error: dcm_store::Error, expectations: &[(Key, Expect)]) -> Error {
    let dcm_store::Error::Precondition { key, found } = &error else {
        return error.into();
    };
    let expect = expectations
        .iter()
        .find_map(|(named, expect)| (named == key).then_some(*expect));
    match (expect, found) {
        (Some(Expect::Absent), Some(_)) if is_named_by_users(key.kind()) => {
            Error::taken(&describe(key))
        }
        (Some(Expect::Exists), None) => missing(key),
        _ => Error::raced(),
    }
}

/// Kinds of which a namesake is the caller's business; any other clash is a lost race.
fn is_named_by_users(kind: DocumentKind) -> bool {
    matches!(
        kind,
        DocumentKind::Project
            | DocumentKind::ClusterProvider
            | DocumentKind::Cluster
            | DocumentKind::LogicalCloud
            | DocumentKind::User
            | DocumentKind::ClusterReference
            | DocumentKind::Quota
            | DocumentKind::UserPermission
            | DocumentKind::Controller
            | DocumentKind::ClusterLabel
            | DocumentKind::ClusterKv
            | DocumentKind::ClusterSyncObject
            | DocumentKind::LogicalCloudKv
    )
}
