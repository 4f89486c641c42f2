//! What is wrong with the entries of a list, told at once.

use std::collections::{BTreeSet, HashSet};

use dcm_types::{Fault, Key, Kind};

use super::steps::Step;
use crate::Error;

/// How many faults are told.
const FAULT_LIMIT: usize = 128;

/// The refusals of one attempt.
#[derive(Default)]
pub(super) struct Refusals {
    /// Documents that are not there because their entry is refused.
    absent: Vec<Key>,
    entries: BTreeSet<usize>,
    kinds: HashSet<Kind>,
    faults: Vec<Fault>,
    /// Message and hint of the first.
    first: Option<(String, Option<String>)>,
}

impl Refusals {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Notes why a step was refused. What only follows from an earlier refusal is not told.
    pub(super) fn add(&mut self, step: &Step, error: Error) {
        let follows = self.absent.iter().any(|key| error.is_missing(key));
        self.absent.extend(step.entry.key());
        if follows {
            return;
        }
        self.entries.insert(step.index);
        self.kinds.insert(error.kind);
        if error.kind != Kind::Invalid || error.faults.is_empty() {
            self.faults.push(Fault {
                field: format!("[{}]", step.index),
                rule: error.message.clone(),
                got: String::new(),
                hint: error.hint.clone(),
            });
        }
        self.faults.extend(error.faults.into_iter().map(|fault| {
            let inner = match fault.field.strip_prefix("spec.") {
                Some(inner) if step.nested => inner,
                _ => &fault.field,
            };
            Fault {
                field: format!("{}.{inner}", step.field),
                ..fault
            }
        }));
        self.first.get_or_insert((error.message, error.hint));
    }

    /// One error for all of them. When they are of several kinds, the list as such is bad input.
    pub(super) fn into_error(mut self, count: usize) -> Error {
        let mut kinds = self.kinds.iter().copied();
        let kind = match (kinds.next(), kinds.next()) {
            (Some(kind), None) => kind,
            _ => Kind::Invalid,
        };
        let refused = self.entries.len();
        let mut message = format!("nothing was changed: {refused} of {count} entries refused");
        let mut hint = None;
        if let (1, Some((first, its_hint))) = (refused, self.first) {
            message = format!("{message}: {first}");
            hint = its_hint;
        }
        self.faults
            .sort_by_cached_key(|fault| index_of(&fault.field));
        self.faults.truncate(FAULT_LIMIT);
        let error = Error::new(kind, message);
        let error = self.faults.into_iter().fold(error, Error::fault);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

fn index_of(field: &str) -> usize {
    let digits = field.trim_start_matches('[').split(']').next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}
