//! Between the types of the port and those of the wire, both ways. What comes in is checked like any other input, and
//! all its faults are told at once.
//!
//! ```text
//!   names       clouds, clusters, edges, scopes, who asks        bundle      what an edge gets, and what is told of it
//!   authority   anchors, imports, requests                       rotation    rotations, and the evidence they wait for
//!   audit       the verification of the record                   change      hints
//! ```

use dcm_types::{Fault, Timestamp, Uid, Violation};

mod audit;
mod authority;
mod bundle;
mod change;
mod names;
mod rotation;

pub(crate) use audit::read_report;
pub(crate) use authority::{read_authority, read_import, read_install, read_request};
pub(crate) use bundle::{read_bundle, read_summary};
pub(crate) use change::{change, read_change};
pub(crate) use names::{read_cloud, read_requester, read_scope, read_target};
pub(crate) use rotation::{read_evidence, read_rotation, read_start, start};

/// The faults of one message.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// A value that must be there.
    pub(crate) fn required<T>(&mut self, value: Option<T>, field: &str) -> Option<T> {
        self.taken(
            value.ok_or_else(|| Violation::hidden("must be given")),
            field,
        )
    }

    /// A value that was checked.
    pub(crate) fn taken<T>(&mut self, checked: Result<T, Violation>, field: &str) -> Option<T> {
        match checked {
            Ok(value) => Some(value),
            Err(violation) => {
                self.0.push(violation.at(field));
                None
            }
        }
    }

    /// One of an enumeration: neither a number that is not known here, nor the one for "none".
    fn one_of<T>(&mut self, value: Option<T>, field: &str) -> Option<T> {
        let rule = "must be one of the values that are described";
        self.taken(value.ok_or_else(|| Violation::hidden(rule)), field)
    }

    fn uid(&mut self, text: &str, field: &str) -> Option<Uid> {
        let uid = Uid::parse(text);
        self.taken(
            uid.ok_or_else(|| Violation::new("must be a UUID", text)),
            field,
        )
    }

    fn moment(&mut self, value: Option<prost_types::Timestamp>, field: &str) -> Option<Timestamp> {
        let value = self.required(value, field)?;
        let whole = (0..1_000_000_000).contains(&value.nanos);
        let moment = Timestamp::new(value.seconds, value.nanos).ok();
        let rule = "must be a moment that a calendar knows";
        let moment = moment
            .filter(|_| whole)
            .ok_or_else(|| Violation::hidden(rule));
        self.taken(moment, field)
    }

    /// A moment that may be missing. One that is wrong is told, so the whole is refused.
    fn maybe_moment(
        &mut self,
        value: Option<prost_types::Timestamp>,
        field: &str,
    ) -> Option<Timestamp> {
        self.moment(Some(value?), field)
    }
}

/// Reads a message. A reader that gives `None` has told a fault.
pub(crate) fn read<T>(reader: impl FnOnce(&mut Faults) -> Option<T>) -> Result<T, Vec<Fault>> {
    let mut faults = Faults::default();
    match reader(&mut faults) {
        Some(value) if faults.0.is_empty() => Ok(value),
        _ => Err(faults.0),
    }
}

/// Each of a list, with its number in the name of its field.
fn each<W, T>(
    items: Vec<W>,
    field: &str,
    faults: &mut Faults,
    mut reader: impl FnMut(W, &str, &mut Faults) -> Option<T>,
) -> Option<Vec<T>> {
    let count = items.len();
    let read: Vec<T> = (0..)
        .zip(items)
        .filter_map(|(number, item): (usize, W)| {
            reader(item, &format!("{field}[{number}]"), faults)
        })
        .collect();
    (read.len() == count).then_some(read)
}

fn moment(at: Timestamp) -> prost_types::Timestamp {
    const SECOND: i128 = 1_000_000_000;
    let whole = at.as_nanosecond();
    prost_types::Timestamp {
        // Both fit: a `Timestamp` has fewer seconds than an `i64`, and the rest is below one second.
        seconds: i64::try_from(whole.div_euclid(SECOND)).unwrap_or_default(),
        nanos: i32::try_from(whole.rem_euclid(SECOND)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(value: prost_types::Timestamp) -> Result<Timestamp, Vec<Fault>> {
        read(|faults| faults.moment(Some(value), "at"))
    }

    #[test]
    fn moments_keep_their_nanoseconds_also_before_1970() {
        for text in [
            "2026-11-25T12:00:00Z",
            "2026-11-25T12:00:00.123456789Z",
            "1969-12-31T23:59:59.5Z",
            "1970-01-01T00:00:00Z",
        ] {
            let at: Timestamp = text.parse().unwrap();
            let sent = moment(at);
            assert!(sent.nanos >= 0, "{text}");
            assert_eq!(back(sent).unwrap(), at, "{text}");
        }
        for edge in [Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(back(moment(edge)).unwrap(), edge);
        }
    }

    #[test]
    fn moments_that_no_calendar_knows_are_refused() {
        for (seconds, nanos) in [(i64::MAX, 0), (i64::MIN, 0), (0, -1), (0, 1_000_000_000)] {
            let faults = back(prost_types::Timestamp { seconds, nanos }).unwrap_err();
            assert_eq!(faults.len(), 1, "{seconds} {nanos}");
        }
    }
}
