//! Every crash point and every single fault of R3: each is struck once, and everything must come to rest with
//! every invariant kept (G1, G2).

use std::collections::BTreeSet;
use std::time::Duration;

use dcm_testkit::kubesim::Fault;
use parking_lot::Mutex;

use super::funnel::{Effect, Kind, StoreFault, Strike, Verdict};
use super::history;
use super::points;
use super::scenario::{self, Plan};
use super::sweep::sweep;

/// Strikes one effect.
pub(crate) fn at(number: usize, strike: Strike) -> Plan {
    let judge = move |effect: &Effect| Verdict {
        strike: (effect.number == number).then_some(strike),
        ..Verdict::default()
    };
    Plan {
        judge: Some(Box::new(judge)),
        ..Plan::default()
    }
}

/// One case: the effect that is struck, and how.
type Case = (Effect, Strike);

fn strike((effect, strike): &Case, brief: bool) -> Result<(), String> {
    let plan = Plan {
        brief,
        ..at(effect.number, *strike)
    };
    let outcome = scenario::run(plan);
    let what = format!("{strike:?} at {effect}");
    // Up to the strike the run is the one that was counted.
    let met = outcome.effects.get(effect.number);
    if outcome.struck != [(effect.number, *strike)] || met != Some(effect) {
        return Err(format!("{what}: did not strike, but {met:?}"));
    }
    match outcome.violations.as_slice() {
        [] => Ok(()),
        violations => {
            let run = format!("R3-{}-{strike:?}", effect.number);
            let history = history::keep(&run, &outcome.history);
            let violations = violations.join("\n  ");
            Err(format!("{what}:\n  {violations}\n  {history}"))
        }
    }
}

fn all(cases: &[Case], brief: bool) {
    assert!(!cases.is_empty());
    let failed = sweep(cases, |case| strike(case, brief));
    assert!(
        failed.is_empty(),
        "of {} cases at least {} failed:\n{}",
        cases.len(),
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
    all(&each(&[Kind::Call, Kind::Watch], strikes), false);
}

#[test]
fn crash_at_every_write_and_nudge_leaves_no_trace() {
    let strikes = [Strike::CrashBefore, Strike::CrashAfter];
    all(
        &each(&[Kind::Write, Kind::Nudge], |_| strikes.to_vec()),
        false,
    );
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
        apart.into_iter().chain(faults).map(Strike::Fault).collect()
    }
}

/// The cases of one operation: together they are too many for one test.
fn every_fault_in(operation: &str) {
    let mut cases = each(&[Kind::Call, Kind::Watch], faults());
    cases.retain(|(effect, _)| effect.operation == operation);
    all(&cases, true);
}

#[test]
fn every_fault_at_every_call_of_a_registration_is_outlived() {
    every_fault_in("register");
}

#[test]
fn every_fault_at_every_call_of_an_instantiation_is_outlived() {
    every_fault_in("instantiate");
}

#[test]
fn every_fault_at_every_call_of_an_update_is_outlived() {
    every_fault_in("update");
}

#[test]
fn every_fault_at_every_call_of_a_termination_is_outlived() {
    every_fault_in("terminate");
}

#[test]
fn every_store_fault_at_every_write_is_outlived() {
    let strikes = StoreFault::ALL.map(Strike::Store);
    all(&each(&[Kind::Write], |_| strikes.to_vec()), false);
}
