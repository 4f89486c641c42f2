//! Reports: the last run of each subject, in bounded memory, for operators.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use dcm_types::Timestamp;
use dcm_types::report::{Decision, RunReport};
use parking_lot::Mutex;

use crate::driver::Next;
use crate::error::Error;
use crate::subject::Subject;

/// Subjects that are remembered.
const REMEMBERED: usize = 5000;
/// Subjects that are told at once.
const TOLD: usize = 500;
/// Longest reason, in characters.
const REASON: usize = 300;
/// Runs in a row that do not come to rest, after which a subject counts as stuck.
pub(crate) const STUCK_AFTER: u32 = 10;

/// What came of a run.
pub(crate) struct Ran<'a> {
    pub(crate) at: Timestamp,
    pub(crate) took: Duration,
    pub(crate) result: Result<Next, &'a Error>,
}

/// The last run of each subject.
#[derive(Default)]
pub(crate) struct Reports(Mutex<State>);

#[derive(Default)]
struct State {
    runs: HashMap<Subject, (u64, RunReport)>,
    /// Oldest first.
    order: BTreeMap<u64, Subject>,
    number: u64,
    forgotten: u64,
}

impl Reports {
    /// Notes a run; says how many subjects are stuck.
    pub(crate) fn note(&self, subject: &Subject, ran: &Ran<'_>) {
        let mut state = self.0.lock();
        state.number += 1;
        let number = state.number;
        let earlier = state.runs.remove(subject);
        if let Some((earlier, _)) = &earlier {
            state.order.remove(earlier);
        }
        let unsettled = earlier.map_or(0, |(_, report)| report.unsettled);
        let report = report_of(subject, ran, unsettled);
        state.runs.insert(subject.clone(), (number, report));
        state.order.insert(number, subject.clone());
        while state.runs.len() > REMEMBERED {
            if let Some((_, oldest)) = state.order.pop_first() {
                state.runs.remove(&oldest);
                state.forgotten += 1;
            }
        }
    }

    /// Nothing is left of a subject, or of the document that it was about.
    pub(crate) fn forget(&self, subject: &Subject) {
        let mut state = self.0.lock();
        if let Some((number, _)) = state.runs.remove(subject) {
            state.order.remove(&number);
        }
    }

    /// Those that are stuck, then the newest; and how many are not told.
    pub(crate) fn tell(&self) -> (Vec<RunReport>, u64) {
        let state = self.0.lock();
        let mut runs: Vec<&(u64, RunReport)> = state.runs.values().collect();
        runs.sort_by_key(|(number, run)| (!run.stuck, std::cmp::Reverse(*number)));
        let left_out = runs.len().saturating_sub(TOLD);
        let told = runs.into_iter().take(TOLD);
        let forgotten = state.forgotten + u64::try_from(left_out).unwrap_or(0);
        (told.map(|(_, run)| run.clone()).collect(), forgotten)
    }
}

fn report_of(subject: &Subject, ran: &Ran<'_>, earlier: u32) -> RunReport {
    let (decision, after) = match &ran.result {
        Ok(Next::Done(after)) => (Decision::Done, *after),
        Ok(Next::Again) => (Decision::Again, None),
        Ok(Next::Waiting) => (Decision::Waiting, None),
        Err(Error::Held(_)) => (Decision::Held, None),
        Ok(Next::Failed(_)) | Err(_) => (Decision::Failed, None),
    };
    let unsettled = match decision {
        Decision::Done => 0,
        // Nothing was tried, so nothing is told of it.
        Decision::Held => earlier,
        Decision::Again | Decision::Waiting | Decision::Failed => earlier.saturating_add(1),
    };
    let error = ran.result.as_ref().err();
    let reason = error.map_or_else(String::new, |error| dcm_types::chain(*error));
    RunReport {
        subject: subject.to_string(),
        decision,
        reason: reason.chars().take(REASON).collect(),
        category: error.map(|error| error.category().to_owned()),
        at: ran.at,
        millis: u64::try_from(ran.took.as_millis()).unwrap_or(u64::MAX),
        unsettled,
        stuck: unsettled > STUCK_AFTER,
        next_at: after.and_then(|after| ran.at.checked_add(after).ok()),
    }
}

#[cfg(test)]
mod tests {
    use dcm_types::{ClusterKey, ClusterName, ProviderName, Uid};

    use super::*;

    fn subject(number: u128) -> Subject {
        Subject::Tombstone {
            id: Uid::from_random(number.to_be_bytes()),
            cluster: ClusterKey {
                provider: ProviderName::parse("site").unwrap(),
                cluster: ClusterName::parse("edge").unwrap(),
            },
        }
    }

    fn note(reports: &Reports, number: u128, result: Result<Next, &Error>) {
        let ran = Ran {
            at: Timestamp::UNIX_EPOCH,
            took: Duration::from_millis(3),
            result,
        };
        reports.note(&subject(number), &ran);
    }

    #[test]
    fn stuck_subjects_are_told_first_and_a_success_ends_it() {
        let reports = Reports::default();
        let error = Error::Ahead {
            member: 3,
            wanted: 2,
        };
        for _ in 0..11 {
            note(&reports, 1, Err(&error));
        }
        note(&reports, 2, Ok(Next::Done(Some(Duration::from_mins(1)))));
        let (runs, forgotten) = reports.tell();
        assert_eq!((runs.len(), forgotten), (2, 0));
        assert!(runs[0].stuck && !runs[1].stuck);
        assert_eq!(runs[0].category.as_deref(), Some("ahead"));
        assert_eq!(runs[1].next_at.unwrap().as_second(), 60);
        note(&reports, 1, Ok(Next::Done(None)));
        assert!(!reports.tell().0.iter().any(|run| run.stuck));
    }

    #[test]
    fn memory_is_bounded_and_says_what_it_left_out() {
        let reports = Reports::default();
        for number in 0..6000 {
            note(&reports, number, Ok(Next::Done(None)));
        }
        let state = reports.0.lock();
        assert_eq!(
            (state.runs.len(), state.order.len()),
            (REMEMBERED, REMEMBERED)
        );
        drop(state);
        let (runs, forgotten) = reports.tell();
        assert_eq!(runs.len(), TOLD);
        assert_eq!(forgotten, 5500);
        assert_eq!(runs[0].subject, subject(5999).to_string());
    }
}
