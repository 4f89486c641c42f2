//! The list of crash points: every effect of R3, as counted by the program, against the one that is checked in.

use std::path::Path;
use std::sync::LazyLock;

use super::funnel::{Effect, Kind};
use super::scenario::{self, Plan};

/// Writes the list anew.
const SWITCH: &str = "DCM_UPDATE_CRASH_POINTS";
const LIST: &str = "tests/it/simulator/crash-points.snap";

/// The effects of a run in which nothing goes wrong.
pub(crate) static POINTS: LazyLock<Vec<Effect>> = LazyLock::new(|| {
    let outcome = scenario::run(Plan::default());
    assert_eq!(outcome.violations, [""; 0], "nothing was struck");
    outcome.effects
});

/// The effects of some kinds.
pub(crate) fn of(kinds: &[Kind]) -> Vec<Effect> {
    let points = POINTS.iter().filter(|effect| kinds.contains(&effect.kind));
    points.cloned().collect()
}

#[test]
fn crash_points_are_those_of_the_list() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(LIST);
    let lines: Vec<String> = POINTS.iter().map(Effect::to_string).collect();
    let counted = lines.join("\n") + "\n";
    if std::env::var_os(SWITCH).is_some() {
        std::fs::write(&file, &counted).unwrap();
    }
    let listed = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = lines.iter().zip(listed.lines());
    let first = differs
        .filter(|(counted, listed)| counted != listed)
        .take(1);
    assert!(
        counted == listed,
        "the effects of R3 are {} now and were {}; the first that differs: {:?}. Look whether the new ones are in \
         the right order, then renew the list with {SWITCH}=1",
        lines.len(),
        listed.lines().count(),
        first.collect::<Vec<_>>()
    );
}

#[test]
fn same_seed_is_the_same_run() {
    let [one, other] = [0, 1].map(|_| scenario::run(Plan::default()));
    assert_eq!(one.effects, other.effects);
    assert_eq!(one.hash, other.hash);
}
