//! What happened in a run, in order of time: for whoever looks for the cause of a violation.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use dcm_testkit::kubesim::Written;
use dcm_types::Timestamp;

use super::funnel::{Effect, Strike};
use super::sites::START;
use super::stage::Stage;

/// Effects, what they did in the members, and what was done to the synchronizers.
pub(crate) fn of(stage: &Stage) -> Vec<String> {
    let struck: BTreeMap<usize, Strike> = stage.funnel.struck().into_iter().collect();
    let effects = stage.funnel.effects();
    let effects = effects.iter().map(|effect| {
        let strike = struck.get(&effect.number);
        (effect.at, told(effect, strike))
    });
    let mut all: Vec<(Duration, String)> =
        stage.funnel.notes().into_iter().chain(effects).collect();
    let start: Timestamp = START.parse().unwrap();
    for member in &stage.members {
        let name = member.name();
        all.extend(member.journal().entries().iter().map(|entry| {
            let at = entry
                .at
                .duration_since(start)
                .try_into()
                .unwrap_or_default();
            (at, format!("        {name} {}", written(entry)))
        }));
    }
    all.sort_by_key(|(at, _)| *at);
    let line = |(at, text): (Duration, String)| format!("{:>10.3} {text}", at.as_secs_f64());
    all.into_iter().map(line).collect()
}

fn told(effect: &Effect, strike: Option<&Strike>) -> String {
    let delay = if effect.delay.is_zero() {
        String::new()
    } else {
        format!(" [{:?} later]", effect.delay)
    };
    let strike = strike.map_or_else(String::new, |strike| format!(" [{strike:?}]"));
    format!("S{} {effect}{delay}{strike}", effect.synchronizer)
}

fn written(entry: &Written) -> String {
    let metadata = &entry.after["metadata"];
    let text = |name: &str| metadata[name].as_str().unwrap_or_default();
    let what = match (entry.gone, &entry.before) {
        (true, _) => "gone",
        (false, None) => "made",
        (false, Some(_)) => "changed",
    };
    let kind = entry.after["kind"].as_str().unwrap_or_default();
    let generation = metadata["annotations"]["dcm.internal/generation"].as_str();
    let generation = generation.map_or_else(String::new, |it| format!(" generation {it}"));
    let going = if text("deletionTimestamp").is_empty() {
        ""
    } else {
        " (going)"
    };
    let (namespace, name, by) = (text("namespace"), text("name"), &entry.by);
    format!("{kind} {namespace}/{name} {what}{generation}{going} by {by:?}")
}

/// Writes it beside the test programs, and says where.
pub(crate) fn keep(run: &str, lines: &[String]) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("simulator");
    let file = folder.join(format!("{run}.log"));
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(&file, lines.join("\n") + "\n").unwrap();
    format!("history: {}", file.display())
}
