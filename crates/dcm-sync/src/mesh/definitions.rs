//! Definitions of the kinds of a mesh: one set per cluster, of no tenant. They are installed where they are not there,
//! brought up where ours are older, and otherwise left alone; never deleted. A session looks at them from time to time
//! only: they are a megabyte.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::time::Duration;

use dcm_cluster::{CallError, CallErrorKind, Object};
use futures::future::try_join_all;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::wish::Note;
use crate::run::Run;

/// Label of those that we installed: of which version they are.
const VERSION: &str = "dcm.internal/mesh-definitions";
/// The version of those that somebody else installed, by its usual label.
const USUAL_VERSION: &str = "app.kubernetes.io/version";

/// What a session knows, by version.
#[derive(Default)]
pub(crate) struct Known(Mutex<HashMap<String, (Instant, Report)>>);

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Report {
    /// Some were made now: kinds may not be served for a moment.
    pub(crate) changed: bool,
    /// What the cluster has is of another version.
    pub(crate) skew: Option<String>,
    /// They are not there, and cannot be made.
    pub(crate) hindrance: Option<Note>,
}

/// Makes the definitions be there, unless this session has looked a short time ago.
pub(crate) async fn ensure(
    run: &Run,
    definitions: &[Value],
    version: &str,
    every: Duration,
) -> Result<Report, CallError> {
    let version = as_label(version);
    let known = &run.member.definitions.0;
    if let Some((at, report)) = known.lock().get(&version)
        && at.elapsed() < every
    {
        return Ok(report.clone());
    }
    let looks = definitions
        .iter()
        .map(|definition| ensure_one(run, definition, &version));
    let found = try_join_all(looks).await?;
    let mut report = Report::default();
    for one in found {
        match one {
            Found::AsWished => {}
            Found::Changed => report.changed = true,
            Found::Other(what) => report.skew = report.skew.or(Some(what)),
            Found::Hindered(note) => report.hindrance = report.hindrance.or(Some(note)),
        }
    }
    if report.hindrance.is_none() && !report.changed {
        known
            .lock()
            .insert(version, (Instant::now(), report.clone()));
    }
    Ok(report)
}

/// Looks anew the next time: a kind was not served.
pub(crate) fn forget(run: &Run) {
    run.member.definitions.0.lock().clear();
}

enum Found {
    AsWished,
    Changed,
    Other(String),
    Hindered(Note),
}

async fn ensure_one(run: &Run, definition: &Value, version: &str) -> Result<Found, CallError> {
    let mut wanted = Object(definition.clone());
    let Some(place) = wanted.place() else {
        return Ok(Found::AsWished);
    };
    wanted.0["metadata"]["labels"][VERSION] = json!(version);
    let made = match run.calls().get(place).await {
        Ok(None) => run.calls().create(&wanted).await,
        Ok(Some(live)) => {
            let held = label(&live, VERSION).to_owned();
            if held.is_empty() {
                return Ok(foreign(&live, version));
            }
            match age(&held, version) {
                Some(Ordering::Equal) => return Ok(Found::AsWished),
                Some(Ordering::Less) => run.calls().change(&wanted, &live).await,
                _ => {
                    let what = format!("definitions of kinds are of version {held}");
                    return Ok(Found::Other(what));
                }
            }
        }
        Err(error) => Err(error),
    };
    match made {
        Ok(_) => {
            tracing::info!(member = %run.subject, definition = wanted.name(), version, "definition of a kind of the mesh installed");
            Ok(Found::Changed)
        }
        // Another run was faster.
        Err(error)
            if matches!(
                error.kind,
                CallErrorKind::AlreadyExists | CallErrorKind::Conflict
            ) =>
        {
            Ok(Found::Changed)
        }
        Err(error) if error.concerns_object_only() => {
            let reason = crate::conditions::camel_case(error.category());
            Ok(Found::Hindered(Note::blocked(&reason, error.message)))
        }
        Err(error) => Err(error),
    }
}

fn foreign(live: &Object, version: &str) -> Found {
    let held = label(live, USUAL_VERSION);
    if held == version {
        return Found::AsWished;
    }
    let held = if held.is_empty() { "unknown" } else { held };
    let held: String = held.chars().take(63).collect();
    Found::Other(format!(
        "definitions of kinds were installed by somebody else, version {held}"
    ))
}

fn label<'a>(object: &'a Object, name: &str) -> &'a str {
    let labels = object.at("/metadata/labels");
    let found = labels.and_then(|labels| labels.get(name));
    found.and_then(Value::as_str).unwrap_or_default()
}

/// A version as the value of a label.
fn as_label(version: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let text: String = version.chars().filter(|c| fits(*c)).take(63).collect();
    let edge = |c: char| !c.is_ascii_alphanumeric();
    text.trim_matches(edge).to_owned()
}

/// Which version is older; `None`: that cannot be told.
fn age(one: &str, other: &str) -> Option<Ordering> {
    if one == other {
        return Some(Ordering::Equal);
    }
    let (one, other) = (parts(one)?, parts(other)?);
    // What comes before a release is older than it.
    let by_numbers = one.0.cmp(&other.0);
    Some(by_numbers.then_with(|| match (one.1, other.1) {
        ("", "") => Ordering::Equal,
        ("", _) => Ordering::Greater,
        (_, "") => Ordering::Less,
        (one, other) => one.cmp(other),
    }))
}

/// The three numbers, and what follows them.
fn parts(version: &str) -> Option<([u64; 3], &str)> {
    let version = version.strip_prefix('v').unwrap_or(version);
    let (numbers, rest) = version.split_once('-').unwrap_or((version, ""));
    let mut parts = numbers.split('.').map(|part| part.parse().ok());
    let read = [
        parts.next()??,
        parts.next()??,
        parts.next().unwrap_or(Some(0))?,
    ];
    parts.next().is_none().then_some((read, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_their_numbers() {
        for (one, other, expected) in [
            ("1.31.0", "1.31.0", Some(Ordering::Equal)),
            ("1.9.10", "1.31.0", Some(Ordering::Less)),
            ("1.31.0-rc.0", "1.31.0", Some(Ordering::Less)),
            ("1.31.1", "1.31.0-rc.1", Some(Ordering::Greater)),
            ("v1.31", "1.31.0", Some(Ordering::Equal)),
            ("main", "1.31.0", None),
            ("1.31.0.1", "1.31.0", None),
        ] {
            assert_eq!(age(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn version_fits_into_a_label() {
        assert_eq!(as_label("1.31.0-rc.0+build/7"), "1.31.0-rc.0build7");
        assert_eq!(as_label("-a-"), "a");
        assert_eq!(as_label(&"1".repeat(80)).len(), 63);
    }
}
