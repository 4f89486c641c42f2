//! Every crash point and every single fault of R3: each is struck once, and everything must come to rest with
//! every invariant kept (G1, G2).

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;
use std::time::Duration;

use dcm_testkit::kubesim::Fault;
use parking_lot::Mutex;

use super::funnel::{Effect, Kind, StoreFault, Strike, Verdict};
use super::history;
use super::points::{self, POINTS};
use super::scenario::{self, OPERATIONS, Outcome, Plan};
use super::sweep::sweep;

/// The one part that is all.
const ALL: (usize, usize) = (0, 1);

/// One case: the effect that is struck, and how.
type Case = (Effect, Strike);

/// Which effect of its operation it is: of this kind and name the so many-th. What was struck in an earlier operation
/// changes the numbers and the order of what goes on beside each other; this it does not change.
type Mark = (&'static str, Kind, String, usize);

/// Marks effects in their order.
#[derive(Default)]
struct Marker(HashMap<(&'static str, Kind, String), usize>);

impl Marker {
    fn mark(&mut self, effect: &Effect) -> Mark {
        let key = (effect.operation, effect.kind, effect.name.clone());
        let count = self.0.entry(key.clone()).or_default();
        *count += 1;
        (key.0, key.1, key.2, *count)
    }
}

/// The marks of the list, by number.
static MARKS: LazyLock<Vec<Mark>> = LazyLock::new(|| {
    let mut marker = Marker::default();
    POINTS.iter().map(|effect| marker.mark(effect)).collect()
});

/// Strikes these effects, each in an operation of its own, and ends after the last of them unless all shall be run.
fn run(cases: &[&Case], whole: bool) -> Outcome {
    let wanted = cases.iter();
    let wanted = wanted.map(|(effect, strike)| (MARKS[effect.number].clone(), *strike));
    let wanted: HashMap<Mark, Strike> = wanted.collect();
    let mut marker = Marker::default();
    let judge = move |effect: &Effect| Verdict {
        strike: wanted.get(&marker.mark(effect)).copied(),
        ..Verdict::default()
    };
    let last = cases.last().map(|(effect, _)| effect.operation);
    scenario::run(Plan {
        judge: Some(Box::new(judge)),
        last: last.filter(|_| !whole),
        ..Plan::default()
    })
}

/// One case alone.
fn strike(case: &Case, whole: bool) -> Result<(), String> {
    let (effect, strike) = case;
    let outcome = run(&[case], whole);
    let what = format!("{strike:?} at {effect}");
    // Up to the strike the run is the one that was counted.
    let met = outcome.effects.get(effect.number);
    if outcome.struck != [(effect.number, *strike)] || met != Some(effect) {
        return Err(format!("{what}: did not strike, but {met:?}"));
    }
    told(&what, effect, *strike, &outcome)
}

fn told(what: &str, effect: &Effect, strike: Strike, outcome: &Outcome) -> Result<(), String> {
    if outcome.violations.is_empty() {
        return Ok(());
    }
    let run = format!("R3-{}-{strike:?}", effect.number);
    let history = history::keep(&run, &outcome.history);
    let violations = outcome.violations.join("\n  ");
    Err(format!("{what}:\n  {violations}\n  {history}"))
}

/// A case of each operation in one run: after each everything comes to rest and is checked. What does not come to
/// pass in this company is run alone, and so is everything where something is violated, to know what it was.
fn strike_all(cases: &[&Case], whole: bool) -> Result<(), String> {
    if let [case] = cases {
        return strike(case, whole);
    }
    let outcome = run(cases, whole);
    let is_wrong = !outcome.violations.is_empty();
    let met = |case: &&&Case| {
        let mut struck = outcome.struck.iter();
        struck.any(|(number, _)| outcome.effects[*number].operation == case.0.operation)
    };
    for case in cases.iter().filter(|case| is_wrong || !met(case)) {
        strike(case, whole)?;
    }
    let (effect, first) = cases[0];
    let what = format!("together, but none of them alone: {cases:?}");
    told(&what, effect, *first, &outcome)
}

/// One part of so many of all cases.
fn all(cases: &[Case], whole: bool, (part, parts): (usize, usize)) {
    let of = |operation: &&str| {
        let cases = cases
            .iter()
            .filter(move |case| case.0.operation == *operation);
        cases.collect::<Vec<_>>()
    };
    let by_operation: Vec<Vec<&Case>> = OPERATIONS.iter().map(of).collect();
    let most = by_operation.iter().map(Vec::len).max().unwrap_or(0);
    let together = |number: usize| {
        let cases = by_operation.iter().filter_map(|cases| cases.get(number));
        cases.copied().collect::<Vec<_>>()
    };
    let runs: Vec<Vec<&Case>> = (part..most).step_by(parts).map(together).collect();
    assert!(!runs.is_empty());
    let failed = sweep(&runs, |cases| strike_all(cases, whole));
    assert!(
        failed.is_empty(),
        "of {} runs at least {} failed:\n{}",
        runs.len(),
        failed.len(),
        failed.join("\n")
    );
}

/// Each of these effects, with each strike that is for it.
fn each(kinds: &[Kind], strikes: impl Fn(&Effect) -> Vec<Strike>) -> Vec<Case> {
    let with = |effect: Effect| {
        let strikes = strikes(&effect).into_iter();
        strikes.map(move |strike| (effect.clone(), strike))
    };
    points::of(kinds).into_iter().flat_map(with).collect()
}

/// A death at a call that only reads is the same before and after it, and one after its answer is one before the
/// next effect.
#[test]
fn crash_at_every_call_leaves_no_trace() {
    let strikes = |effect: &Effect| {
        let deaths = [Strike::CrashBefore, Strike::CrashLost, Strike::CrashAfter];
        let count = if reads(effect) { 1 } else { deaths.len() };
        deaths[..count].to_vec()
    };
    all(&each(&[Kind::Call, Kind::Watch], strikes), true, ALL);
}

#[test]
fn crash_at_every_write_and_nudge_leaves_no_trace() {
    let strikes = [Strike::CrashBefore, Strike::CrashAfter];
    let cases = each(&[Kind::Write, Kind::Nudge], |_| strikes.to_vec());
    all(&cases, true, ALL);
}

/// Whether a call changes nothing in the member.
fn reads(effect: &Effect) -> bool {
    let verbs = ["get", "list", "review", "version"];
    effect.kind == Kind::Watch || verbs.contains(&verb(effect).0)
}

/// What a call does, and to what kind of object, whatever its member and its name.
fn verb(effect: &Effect) -> (&str, &str) {
    let (_, name) = effect.name.split_once(": ").unwrap();
    let mut words = name.split(' ');
    let first = words.next().unwrap();
    (first, words.next().unwrap_or_default())
}

/// A fault of each sort that the synchronizer can tell from the others, for every call; 500 and 503 take turns.
fn told_apart(effect: &Effect) -> Vec<Fault> {
    let failing = [Fault::ServerError, Fault::Unavailable][effect.number % 2];
    let mut faults = vec![
        Fault::ConnectRefused,
        Fault::BadCertificate,
        Fault::TimeoutAfter,
        Fault::ResetMidAnswer,
        Fault::Unauthorized,
        Fault::Forbidden,
        Fault::NotFound,
        Fault::Conflict,
        Fault::Gone,
        Fault::Invalid,
        Fault::TooManyRequests(Duration::from_secs(1)),
        failing,
    ];
    if !reads(effect) {
        faults.push(Fault::TimeoutBefore);
    }
    faults
}

/// Every fault at every call; those that look at this front like one of the above only the first time that such a
/// call is made.
fn faults() -> impl Fn(&Effect) -> Vec<Strike> {
    let met = Mutex::new(BTreeSet::new());
    move |effect| {
        let (verb, kind) = verb(effect);
        let is_first = met.lock().insert((verb.to_owned(), kind.to_owned()));
        let apart = told_apart(effect);
        let others = Fault::ALL.into_iter();
        let others = others.filter(|fault| is_first && !apart.contains(fault));
        let faults: Vec<Fault> = others.collect();
        let all = apart.into_iter().chain(faults);
        all.map(Strike::Fault).collect()
    }
}

/// A quarter of the cases: together they are too many for one test.
fn every_fault(quarter: usize) {
    let cases = each(&[Kind::Call, Kind::Watch], faults());
    all(&cases, false, (quarter, 4));
}

#[test]
fn every_fault_at_every_call_is_outlived_in_the_first_quarter() {
    every_fault(0);
}

#[test]
fn every_fault_at_every_call_is_outlived_in_the_second_quarter() {
    every_fault(1);
}

#[test]
fn every_fault_at_every_call_is_outlived_in_the_third_quarter() {
    every_fault(2);
}

#[test]
fn every_fault_at_every_call_is_outlived_in_the_last_quarter() {
    every_fault(3);
}

#[test]
fn every_store_fault_at_every_write_is_outlived() {
    let strikes = StoreFault::ALL.map(Strike::Store);
    all(&each(&[Kind::Write], |_| strikes.to_vec()), true, ALL);
}
