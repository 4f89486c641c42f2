//! Audit: a record in the commit of every change, and, in the background, a hash chain over the records
//! of a scope (T38).
//!
//! The record is in the same commit as the change, so neither is there without the other. The chain is
//! linked afterwards, so that requests of a project do not contend for its end.

mod chain;
mod linker;

pub use chain::{BadLink, ChainReport};
pub(crate) use linker::Linker;

use dcm_types::Timestamp;
use dcm_types::documents::AuditRecord;

use crate::App;
use crate::change::Act;

/// Random bytes in the id of a record, so that no two of the same microsecond share it.
const RANDOM: usize = 8;

impl App {
    /// The record of an act.
    pub(crate) fn audit_record(&self, act: &Act<'_>) -> AuditRecord {
        let at = self.now();
        AuditRecord {
            scope: act.scope.to_owned(),
            id: self.record_id(at),
            at,
            principal: act.who.name.clone(),
            origin: act.who.origin.clone(),
            verb: act.verb.to_owned(),
            object: act.object.to_string(),
            result: act.result,
            request: act.who.request.clone(),
        }
    }

    /// Sorts by time; unique.
    fn record_id(&self, at: Timestamp) -> String {
        let mut random = [0; RANDOM];
        self.random(&mut random);
        let micros = at.as_microsecond().max(0);
        format!("{micros:020}-{}", hex::encode(random))
    }
}
