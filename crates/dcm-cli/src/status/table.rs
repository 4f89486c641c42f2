//! The table of a status: one row per member, a mark per track, age and message.

use dcm_types::Track;
use dcm_wire::views::{ConditionStatusView, MemberStateView, MemberView, StatusView};

use crate::commands::logical_cloud::show_wish;
use crate::output::{Cell, Palette, Table, Tone, age, printable};

/// A state, and what it means.
pub(super) const fn show_state(state: MemberStateView) -> (Tone, &'static str) {
    match state {
        MemberStateView::Pending => (Tone::Faint, "pending"),
        MemberStateView::Progressing => (Tone::Busy, "progressing"),
        MemberStateView::Ready => (Tone::Good, "ready"),
        MemberStateView::Blocked => (Tone::Bad, "blocked"),
        MemberStateView::Unreachable => (Tone::Bad, "unreachable"),
        MemberStateView::Terminating => (Tone::Busy, "terminating"),
        MemberStateView::Absent => (Tone::Faint, "absent"),
        MemberStateView::Paused => (Tone::Faint, "paused"),
    }
}

const fn mark(status: Option<ConditionStatusView>) -> (Tone, &'static str) {
    match status {
        Some(ConditionStatusView::True) => (Tone::Good, "✔"),
        Some(ConditionStatusView::Progressing) => (Tone::Busy, "…"),
        Some(ConditionStatusView::Blocked) => (Tone::Bad, "✘"),
        Some(ConditionStatusView::Unknown) => (Tone::Faint, "?"),
        None => (Tone::Faint, "-"),
    }
}

/// A track in a header: short, because the message shall still fit on the line.
const fn short_name(track: Track) -> &'static str {
    match track {
        Track::Member => "MEMBER",
        Track::Namespace => "NS",
        Track::Quota => "QUOTA",
        Track::Isolation => "NET",
        Track::Access => "ACCESS",
        Track::Mesh => "MESH",
    }
}

/// The line above the table.
pub(super) fn headline(status: &StatusView, palette: Palette) -> String {
    let (tone, wish) = match status.wish {
        None => (Tone::Faint, "never instantiated"),
        Some(wish) => show_wish(wish),
    };
    let name = palette.paint(
        Tone::Strong,
        &printable(&format!("{}/{}", status.project, status.name)),
    );
    let wish = palette.paint(tone, wish);
    if status.wish.is_none() && status.members.is_empty() {
        return format!("{name}  {wish}");
    }
    let paused = if status.paused_since.is_some() {
        format!("  {}", palette.paint(Tone::Busy, "stopped"))
    } else {
        String::new()
    };
    let privileged = if status.privileged {
        format!("  {}", palette.paint(Tone::Busy, "privileged"))
    } else {
        String::new()
    };
    let drift = status.drift.as_ref().map_or_else(String::new, |policy| {
        let told = printable(&format!("drift: {policy}"));
        format!("  {}", palette.paint(Tone::Busy, &told))
    });
    format!(
        "{name}  {wish}  generation {}  {}{privileged}{drift}{paused}",
        status.generation.wanted,
        progress(status)
    )
}

/// How many members are as wished.
pub(super) fn progress(status: &StatusView) -> String {
    let wished = if status.wish == Some(dcm_wire::views::Wish::Present) {
        MemberStateView::Ready
    } else {
        MemberStateView::Absent
    };
    let done = status
        .members
        .iter()
        .filter(|member| member.state == wished)
        .count();
    let (_, word) = show_state(wished);
    format!("{done} of {} {word}", status.members.len())
}

/// The rows, below their header.
pub(super) fn rows(status: &StatusView, palette: Palette) -> Vec<String> {
    if status.members.is_empty() {
        return Vec::new();
    }
    let mut header = vec!["CLUSTER", "STATE", "GEN"];
    let tracks = tracks(status);
    header.extend(tracks.iter().copied().map(short_name));
    header.extend(["AGE", "MESSAGE"]);
    let mut table = Table::new(&header);
    for member in &status.members {
        table.row(row(member, &tracks, status.generation.wanted));
    }
    table.lines(palette)
}

/// The mesh has a column where a member has one.
fn tracks(status: &StatusView) -> Vec<Track> {
    let mut conditions = status.members.iter().flat_map(|member| &member.conditions);
    if conditions.any(|condition| condition.track == Track::Mesh.as_str()) {
        return Track::ALL.to_vec();
    }
    Track::USUAL.to_vec()
}

fn row(member: &MemberView, tracks: &[Track], wanted: u64) -> Vec<Cell> {
    let (tone, state) = show_state(member.state);
    let applied = member
        .applied_generation
        .map_or_else(|| "-".to_owned(), |generation| generation.to_string());
    let mut cells = vec![
        Cell::plain(cluster(member)),
        Cell::new(tone, state),
        Cell::plain(format!("{applied}/{wanted}")),
    ];
    for track in tracks {
        let condition = member
            .conditions
            .iter()
            .find(|condition| condition.track == track.as_str());
        // Of what is gone no track holds, whatever the conditions say about its absence.
        let condition = condition.filter(|_| member.state != MemberStateView::Absent);
        let (tone, mark) = mark(condition.map(|condition| condition.status));
        cells.push(Cell::new(tone, mark));
    }
    cells.push(Cell::plain(member.age_seconds.map(age).unwrap_or_default()));
    cells.push(Cell::plain(message(member)));
    cells
}

/// What is used of each limit: over all members, then in each.
fn quota_rows(status: &StatusView, palette: Palette) -> Vec<String> {
    // One that no member has put in force yet has no limits.
    if status.quotas.iter().all(|quota| quota.hard.is_empty()) {
        return Vec::new();
    }
    let mut table = Table::new(&["QUOTA", "RESOURCE", "CLUSTER", "USED", "HARD"]);
    for total in &status.quotas {
        let of_members = status.members.iter().filter_map(|member| {
            let quota = member
                .quotas
                .iter()
                .find(|quota| quota.name == total.name)?;
            Some((cluster(member), quota))
        });
        let of_members: Vec<_> = of_members.collect();
        for resource in total.hard.keys() {
            // Of one member there is nothing to add up.
            let all = (of_members.len() > 1).then(|| ("(all)".to_owned(), total));
            for (name, quota) in all.iter().chain(&of_members) {
                if let Some(hard) = quota.hard.get(resource) {
                    let used = quota.used.get(resource).map_or("-", String::as_str);
                    table.row(vec![
                        Cell::plain(&total.name),
                        Cell::plain(resource),
                        Cell::plain(name),
                        Cell::plain(used),
                        Cell::plain(hard),
                    ]);
                }
            }
        }
    }
    table.lines(palette)
}

/// What others changed and is not corrected, field by field.
fn drift_rows(status: &StatusView, palette: Palette) -> Vec<String> {
    let mut table = Table::new(&["CLUSTER", "OBJECT", "FIELD", "CHANGED BY", "SINCE"]);
    let mut any = false;
    for member in &status.members {
        for object in &member.objects {
            let Some(drift) = &object.drift else { continue };
            let since = status.at.duration_since(drift.since).as_secs();
            for drifted in &drift.fields {
                any = true;
                table.row(vec![
                    Cell::plain(cluster(member)),
                    Cell::plain(format!("{} {}", object.kind, object.name)),
                    Cell::plain(&drifted.field),
                    Cell::plain(drifted.managers.join(", ")),
                    Cell::plain(age(u64::try_from(since).unwrap_or_default())),
                ]);
            }
        }
    }
    if any {
        table.lines(palette)
    } else {
        Vec::new()
    }
}

/// A member as it is named on the command line.
pub(super) fn cluster(member: &MemberView) -> String {
    format!("{}/{}", member.cluster_provider, member.cluster)
}

/// The one thing to say about a member: what is blocked, else why the last run failed, else what is
/// being waited for.
pub(super) fn message(member: &MemberView) -> String {
    let of = |wanted: ConditionStatusView| {
        member
            .conditions
            .iter()
            .find(|condition| condition.status == wanted)
            .map(|condition| {
                let text = if condition.message.is_empty() {
                    &condition.reason
                } else {
                    &condition.message
                };
                format!("{}: {text}", condition.track)
            })
    };
    let failed = || {
        member
            .last_error
            .as_ref()
            .map(|error| match error.attempts {
                0 | 1 => error.message.clone(),
                attempts => format!("{} (attempt {attempts})", error.message),
            })
    };
    of(ConditionStatusView::Blocked)
        .or_else(failed)
        .or_else(|| of(ConditionStatusView::Progressing))
        .or_else(|| {
            of(ConditionStatusView::Unknown).filter(|_| member.state != MemberStateView::Ready)
        })
        .unwrap_or_default()
}

/// What to do, one line per member that needs something.
fn hints(status: &StatusView, palette: Palette) -> Vec<String> {
    status
        .members
        .iter()
        .filter_map(|member| {
            let hint = member
                .conditions
                .iter()
                .filter(|condition| condition.status != ConditionStatusView::True)
                .find_map(|condition| condition.hint.as_deref())
                .or_else(|| member.last_error.as_ref().map(|error| error.hint.as_str()))
                .filter(|hint| !hint.is_empty())?;
            let word = palette.paint(Tone::Strong, "hint:");
            Some(format!(
                "{word} {}: {}",
                printable(&cluster(member)),
                printable(hint)
            ))
        })
        .collect()
}

/// All of it.
pub(super) fn render(status: &StatusView, palette: Palette) -> String {
    let mut lines = vec![headline(status, palette)];
    let rows = rows(status, palette);
    if !rows.is_empty() {
        lines.push(String::new());
        lines.extend(rows);
    }
    let quotas = quota_rows(status, palette);
    if !quotas.is_empty() {
        lines.push(String::new());
        lines.extend(quotas);
    }
    let drift = drift_rows(status, palette);
    if !drift.is_empty() {
        lines.push(String::new());
        lines.extend(drift);
    }
    let hints = hints(status, palette);
    if !hints.is_empty() {
        lines.push(String::new());
        lines.extend(hints);
    }
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
