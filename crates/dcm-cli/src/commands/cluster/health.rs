//! What the last check of a cluster found, for people; and waiting for a first check.

use std::time::{Duration, Instant};

use dcm_wire::documents::ClusterDocument;
use dcm_wire::views::{CheckState, ClusterHealthView, SignerView};

use crate::client::Path;
use crate::error::Error;
use crate::output::{Palette, Tone, printable};
use crate::run::Context;

/// How often the server is asked while waiting.
const POLL: Duration = Duration::from_millis(100);

/// A state, and what it means.
pub(super) const fn show_state(state: CheckState) -> (Tone, &'static str) {
    match state {
        CheckState::Unchecked => (Tone::Busy, "unchecked"),
        CheckState::Healthy => (Tone::Good, "healthy"),
        CheckState::Degraded => (Tone::Bad, "degraded"),
        CheckState::Unreachable => (Tone::Bad, "unreachable"),
        CheckState::Refused => (Tone::Bad, "refused"),
    }
}

/// What the last check found, one fact per line, each finding with what to do about it.
pub(super) fn lines(health: &ClusterHealthView, palette: Palette) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut fact = |name: &str, value: &str| {
        if !value.is_empty() {
            let name = palette.paint(Tone::Faint, &format!("{name:<14}"));
            lines.push(format!("  {name} {}", printable(value)));
        }
    };
    fact(
        "checked",
        &health.checked_at.map_or_else(
            || "not yet; the check runs in the background".to_owned(),
            |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        ),
    );
    fact("identity", health.identity.as_deref().unwrap_or_default());
    fact("we are", &who(health));
    if health.checked_at.is_some() {
        fact(
            "certificates",
            match health.signer {
                SignerView::Works => "the cluster signs client certificates",
                SignerView::Silent => "a request was not signed in time",
                SignerView::Unknown => "not known",
            },
        );
    }
    fact("missing rights", &health.missing_rights.join(", "));
    fact(
        "for privileged",
        &for_privileged(&health.missing_privileged_rights),
    );
    for finding in &health.findings {
        let reason = palette.paint(Tone::Bad, &printable(&finding.reason));
        lines.push(format!("  {reason}: {}", printable(&finding.message)));
        if !finding.hint.is_empty() {
            let word = palette.paint(Tone::Strong, "hint:");
            lines.push(format!("    {word} {}", printable(&finding.hint)));
        }
    }
    lines
}

fn for_privileged(missing: &[String]) -> String {
    if missing.is_empty() {
        return String::new();
    }
    format!("clouds it lacks {}", missing.join(", "))
}

fn who(health: &ClusterHealthView) -> String {
    match &health.user_name {
        None => String::new(),
        Some(name) if health.groups.is_empty() => name.clone(),
        Some(name) => format!("{name} ({})", health.groups.join(", ")),
    }
}

/// Waits until the cluster was checked; anything but healthy is an error with what was found.
pub(super) async fn wait_checked(
    context: &Context<'_>,
    path: &Path,
    name: &str,
    timeout: Duration,
) -> Result<(), Error> {
    let end = Instant::now() + timeout;
    loop {
        let document: ClusterDocument = context.client.get(path).await?.decode("cluster")?;
        let state = document.status.state;
        let (_, shown) = show_state(state);
        match state {
            CheckState::Healthy => {
                context
                    .terminal
                    .note(&format!("cluster '{name}' is {shown}"));
                return Ok(());
            }
            CheckState::Unchecked if Instant::now() >= end => {
                return Err(Error::TimedOut {
                    after: timeout,
                    waiting: format!("cluster '{name}' was not checked yet"),
                });
            }
            CheckState::Unchecked => tokio::time::sleep(POLL).await,
            CheckState::Degraded | CheckState::Unreachable | CheckState::Refused => {
                for line in lines(&document.status, context.terminal.note_palette) {
                    context.terminal.note(&line);
                }
                return Err(Error::Degraded(format!("cluster '{name}' is {shown}")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dcm_wire::views::FindingView;

    fn shown(health: &ClusterHealthView) -> String {
        format!("health{}", lines(health, Palette::new(false)).join("\n"))
    }

    #[test]
    fn findings_come_with_what_to_do() {
        let health = ClusterHealthView {
            state: CheckState::Degraded,
            reachable: true,
            checked_at: Some("2026-01-02T03:04:05Z".parse().unwrap()),
            user_name: Some("admin".to_owned()),
            groups: vec!["system:masters".to_owned()],
            missing_rights: vec!["create namespaces".to_owned()],
            missing_privileged_rights: vec!["create clusterroles".to_owned()],
            signer: SignerView::Silent,
            findings: vec![FindingView {
                reason: "SignerSilent".to_owned(),
                message: "no certificate\nwithin 10 s".to_owned(),
                hint: "start kube-controller-manager with a signing key".to_owned(),
            }],
            ..ClusterHealthView::unchecked()
        };
        insta::assert_snapshot!(shown(&health), @r"
        health
          checked        2026-01-02 03:04:05 UTC
          we are         admin (system:masters)
          certificates   a request was not signed in time
          missing rights create namespaces
          for privileged clouds it lacks create clusterroles
          SignerSilent: no certificate within 10 s
            hint: start kube-controller-manager with a signing key
        ");
    }

    #[test]
    fn unchecked_cluster_says_that_it_is_not_checked() {
        insta::assert_snapshot!(shown(&ClusterHealthView::unchecked()), @r"
        health
          checked        not yet; the check runs in the background
        ");
    }
}
