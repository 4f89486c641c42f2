//! `dcm sync`: what the synchronizer works on, and what it waits for.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use dcm_wire::views::{DecisionView, QueueView, RunView, SyncStatusView, WaitingMemberView};

use crate::arguments::OutputArguments;
use crate::client::Path;
use crate::error::Error;
use crate::output::{Cell, Palette, Table, Tone};
use crate::run::Context;

/// Arguments of `dcm sync`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Format.
    #[command(flatten)]
    output: OutputArguments,

    /// What to do.
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show queues, clusters that do not answer, and the last run of each logical cloud in each cluster
    Status,
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    let Action::Status = arguments.action;
    let path = Path::new(&["sync", "status"]);
    let answer = context.client.get(&path).await?;
    let format = arguments.output.output;
    context.terminal.show(format, &answer.document, |palette| {
        let status: SyncStatusView = answer.decode("status of the synchronizer")?;
        Ok(show(&status, palette))
    })
}

fn show(status: &SyncStatusView, palette: Palette) -> String {
    let mut queues = Table::new(&[
        "QUEUE",
        "ASKED",
        "HOUSEKEEPING",
        "PARKED",
        "RUNNING",
        "OLDEST",
    ]);
    queues.row(queue_row("runs", &status.runs));
    queues.row(queue_row("checks", &status.checks));
    let mut text = queues.render(palette);
    if !status.waiting.is_empty() {
        let mut waiting = Table::new(&["CLUSTER", "NO ANSWER", "SINCE", "PROBES", "NEXT PROBE"]);
        status
            .waiting
            .iter()
            .for_each(|member| waiting.row(waiting_row(member)));
        let _ = write!(text, "\n{}", waiting.render(palette));
    }
    if !status.subjects.is_empty() {
        let mut runs = Table::new(&["SUBJECT", "LAST RUN", "TOOK", "IN A ROW", "REASON"]);
        status
            .subjects
            .iter()
            .for_each(|run| runs.row(run_row(run)));
        let _ = write!(text, "\n{}", runs.render(palette));
    }
    text
}

fn queue_row(name: &str, queue: &QueueView) -> Vec<Cell> {
    let oldest = queue.oldest.as_ref().map_or_else(String::new, |oldest| {
        format!("{} ({} s)", oldest.key, oldest.seconds)
    });
    vec![
        Cell::plain(name),
        Cell::plain(queue.foreground.to_string()),
        Cell::plain(queue.housekeeping.to_string()),
        Cell::plain(queue.parked.to_string()),
        Cell::plain(queue.running.to_string()),
        Cell::plain(oldest),
    ]
}

fn waiting_row(member: &WaitingMemberView) -> Vec<Cell> {
    vec![
        Cell::plain(format!("{}/{}", member.cluster_provider, member.cluster)),
        Cell::new(Tone::Bad, member.category.clone()),
        Cell::plain(member.since.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()),
        Cell::plain(member.probes.to_string()),
        Cell::plain(format!("in {} s", member.next_probe_seconds)),
    ]
}

fn run_row(run: &RunView) -> Vec<Cell> {
    let (tone, decision) = match run.decision {
        DecisionView::Done => (Tone::Good, "done"),
        DecisionView::Again => (Tone::Busy, "again"),
        DecisionView::Waiting => (Tone::Busy, "waiting"),
        DecisionView::Held => (Tone::Bad, "held"),
        DecisionView::Failed => (Tone::Bad, "failed"),
    };
    let decision = if run.stuck {
        format!("{decision}, stuck")
    } else {
        decision.to_owned()
    };
    vec![
        Cell::plain(&run.subject),
        Cell::new(tone, decision),
        Cell::plain(format!("{} ms", run.millis)),
        Cell::plain(run.unsettled.to_string()),
        Cell::plain(&run.reason),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn status_shows_what_is_waited_for_and_what_is_stuck() {
        let status: SyncStatusView = serde_json::from_value(json!({
            "at": "2026-01-02T03:04:05Z",
            "runs": {"foreground": 1, "housekeeping": 2, "parked": 0, "running": 3,
                     "oldest": {"key": "p/lc/edge/c1", "seconds": 4}},
            "checks": {"foreground": 0, "housekeeping": 0, "parked": 0, "running": 1},
            "waiting": [{"clusterProvider": "edge", "cluster": "c2",
                         "since": "2026-01-02T03:00:00Z", "category": "unreachable",
                         "message": "refused", "hint": "look", "probes": 7, "nextProbeSeconds": 31}],
            "subjects": [
                {"subject": "p/lc/edge/c1", "decision": "failed", "category": "server",
                 "reason": "apply Role: webhook", "at": "2026-01-02T03:04:00Z", "millis": 12,
                 "unsettled": 11, "stuck": true},
                {"subject": "p/lc/edge/c3", "decision": "done", "reason": "",
                 "at": "2026-01-02T03:04:00Z", "millis": 3, "unsettled": 0, "stuck": false}],
            "forgotten": 0
        }))
        .unwrap();
        insta::assert_snapshot!(show(&status, Palette::new(false)), @r"
        QUEUE   ASKED  HOUSEKEEPING  PARKED  RUNNING  OLDEST
        runs    1      2             0       3        p/lc/edge/c1 (4 s)
        checks  0      0             0       1        -

        CLUSTER  NO ANSWER    SINCE                    PROBES  NEXT PROBE
        edge/c2  unreachable  2026-01-02 03:00:00 UTC  7       in 31 s

        SUBJECT       LAST RUN       TOOK   IN A ROW  REASON
        p/lc/edge/c1  failed, stuck  12 ms  11        apply Role: webhook
        p/lc/edge/c3  done           3 ms   0         -
        ");
    }
}
