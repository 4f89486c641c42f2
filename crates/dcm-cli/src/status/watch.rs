//! What is shown while waiting: a live table on a terminal, a line per change otherwise.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use dcm_wire::views::StatusView;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::table;
use crate::output::{Terminal, printable};

/// How often the sign of life turns.
const TURN: Duration = Duration::from_millis(100);

/// Shows a status that changes, on standard error.
pub(super) struct Watch<'a> {
    terminal: &'a Terminal,
    began: Instant,
    view: View,
}

enum View {
    /// A spinner with the headline, and a line of text per line of the table.
    Live {
        group: MultiProgress,
        headline: ProgressBar,
        lines: Vec<ProgressBar>,
    },
    /// What was last said of each member.
    Plain(BTreeMap<String, String>),
}

impl<'a> Watch<'a> {
    /// Begins to show, live when somebody watches.
    pub(super) fn begin(terminal: &'a Terminal) -> Self {
        Self {
            terminal,
            began: Instant::now(),
            view: if terminal.watched {
                live()
            } else {
                View::Plain(BTreeMap::new())
            },
        }
    }

    /// Shows a newer status.
    pub(super) fn update(&mut self, status: &StatusView) {
        match &mut self.view {
            View::Live {
                group,
                headline,
                lines,
            } => {
                let palette = self.terminal.note_palette;
                headline.set_message(table::headline(status, palette));
                redraw(group, lines, &table::rows(status, palette));
            }
            View::Plain(said) => {
                for line in changes(status, said) {
                    let seconds = self.began.elapsed().as_secs_f64();
                    self.terminal.note(&format!("{seconds:>6.1}s  {line}"));
                }
            }
        }
    }

    /// Ends. The live table goes: the last status is data, and is written where data goes.
    pub(super) fn end(self) {
        if let View::Live {
            group, headline, ..
        } = self.view
        {
            headline.finish_and_clear();
            // A terminal that is gone needs no clearing.
            let _ = group.clear();
        }
    }
}

fn live() -> View {
    let group = MultiProgress::new();
    let headline = group.add(ProgressBar::new_spinner().with_style(
        ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}").expect("a valid template"),
    ));
    headline.enable_steady_tick(TURN);
    View::Live {
        group,
        headline,
        lines: Vec::new(),
    }
}

/// As many lines as the table has, each with its text.
fn redraw(group: &MultiProgress, lines: &mut Vec<ProgressBar>, texts: &[String]) {
    while lines.len() > texts.len() {
        if let Some(line) = lines.pop() {
            group.remove(&line);
        }
    }
    while lines.len() < texts.len() {
        let style = ProgressStyle::with_template("  {wide_msg}").expect("a valid template");
        lines.push(group.add(ProgressBar::new_spinner().with_style(style)));
    }
    for (line, text) in lines.iter().zip(texts) {
        line.set_message(text.clone());
    }
}

/// A line for each member of which there is something new to say.
fn changes(status: &StatusView, said: &mut BTreeMap<String, String>) -> Vec<String> {
    let mut lines = Vec::new();
    for member in &status.members {
        let name = table::cluster(member);
        let (_, state) = table::show_state(member.state);
        let message = table::message(member);
        let line = if message.is_empty() {
            printable(&format!("{name} {state}"))
        } else {
            printable(&format!("{name} {state}: {message}"))
        };
        if said.get(&name) != Some(&line) {
            said.insert(name, line.clone());
            lines.push(line);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_is_said_once_per_change() {
        let status = |state: &str| -> StatusView {
            serde_json::from_value(json!({
                "project": "p", "name": "c", "generation": {"wanted": 1}, "wish": "present",
                "ready": false, "absent": false, "history": [], "at": "2026-01-02T03:04:05Z",
                "members": [{"clusterProvider": "a", "cluster": "b", "state": state,
                             "conditions": [], "objects": []}]
            }))
            .unwrap()
        };
        let mut said = BTreeMap::new();
        assert_eq!(
            changes(&status("progressing"), &mut said),
            ["a/b progressing"]
        );
        assert!(changes(&status("progressing"), &mut said).is_empty());
        assert_eq!(changes(&status("ready"), &mut said), ["a/b ready"]);
    }
}
