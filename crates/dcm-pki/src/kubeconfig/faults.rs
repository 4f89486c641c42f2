//! Collects the faults of a kubeconfig, all at once and in bounded number.

use dcm_types::{Fault, Violation};

use super::DOCUMENT;

/// Most faults that are told.
const LIMIT: usize = 50;

/// The faults found so far.
#[derive(Default)]
pub(super) struct Faults {
    list: Vec<Fault>,
    left_out: usize,
}

impl Faults {
    /// Notes a fault.
    pub(super) fn add(&mut self, field: impl Into<String>, violation: Violation) {
        if self.list.len() < LIMIT {
            self.list.push(violation.at(field));
        } else {
            self.left_out += 1;
        }
    }

    /// Notes the violation of a failed step, and goes on without its value.
    pub(super) fn keep<T>(&mut self, field: &str, result: Result<T, Violation>) -> Option<T> {
        result.map_err(|violation| self.add(field, violation)).ok()
    }

    /// Whether something inside this field was refused already.
    pub(super) fn has_within(&self, field: &str) -> bool {
        self.list.iter().any(|fault| fault.field.starts_with(field))
    }

    /// The value if nothing was refused.
    pub(super) fn verdict<T>(mut self, value: Option<T>) -> Result<T, Vec<Fault>> {
        if self.left_out > 0 {
            let rule = format!("has {} more faults than are listed", self.left_out);
            self.list.push(Violation::hidden(rule).at(DOCUMENT));
        }
        match value {
            Some(value) if self.list.is_empty() => Ok(value),
            None if self.list.is_empty() => Err(vec![
                Violation::hidden("must hold a credential").at(DOCUMENT),
            ]),
            _ => Err(self.list),
        }
    }
}
