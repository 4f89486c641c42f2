//! The authorities of a mesh as a small tree, and the phases of a rotation in words.

use serde_json::Value;

use crate::commands::demo::palette::Tone;

/// Digits of a fingerprint that tell two apart.
const DIGITS: usize = 8;

/// Each anchor, and below it the intermediates that are in force.
pub(super) fn chains(authority: &Value) -> Vec<(Tone, String)> {
    let mut lines = Vec::new();
    for anchor in items(authority, "anchors") {
        lines.push(anchor_line(anchor));
        let bundles = items(authority, "bundles");
        let own: Vec<&Value> = bundles
            .iter()
            .filter(|bundle| bundle["anchor"] == anchor["generation"])
            .filter(|bundle| ["issued", "active"].contains(&text(&bundle["state"])))
            .collect();
        for (index, bundle) in own.iter().enumerate() {
            let branch = if index + 1 == own.len() {
                "└─"
            } else {
                "├─"
            };
            lines.push(edge_line(branch, bundle));
        }
    }
    lines
}

fn anchor_line(anchor: &Value) -> (Tone, String) {
    let (trusted, signs) = (anchor["trusted"] == true, anchor["signs"] == true);
    let (tone, role) = match (trusted, signs) {
        (true, true) => (Tone::Good, "trusted, signs"),
        (true, false) => (Tone::Busy, "trusted, does not sign"),
        (false, _) => (Tone::Faint, "not trusted"),
    };
    let name = format!("anchor {}", anchor["generation"]);
    (tone, format!("{name:<28} {}  {role}", short(anchor)))
}

fn edge_line(branch: &str, bundle: &Value) -> (Tone, String) {
    let cluster = format!(
        "{}/{}",
        text(&bundle["clusterProvider"]),
        text(&bundle["cluster"])
    );
    let name = format!("{branch} {cluster} {}", bundle["generation"]);
    let (tone, role) = match text(&bundle["state"]) {
        "active" => (Tone::Good, "in use"),
        _ => (Tone::Busy, "on its way"),
    };
    (tone, format!("{name:<28} {}  {role}", short(bundle)))
}

/// A phase that was just entered.
pub(super) fn phase(name: &str, after: &str) -> (Tone, String) {
    let (tone, means) = match name {
        "requested" => (Tone::Busy, "the new anchor is being made"),
        "trust-both" => (Tone::Busy, "both are trusted, the old one signs"),
        "sign-with-new" => (Tone::Busy, "both are trusted, the new one signs"),
        "old-out" => (Tone::Busy, "only the new one is trusted"),
        "done" => (Tone::Good, "every cluster was seen to have it"),
        _ => (Tone::Bad, "not what was expected"),
    };
    (tone, format!("{after:>8}  {name:<14} {means}"))
}

fn items<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn short(of: &Value) -> String {
    text(&of["fingerprint"]).chars().take(DIGITS).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn intermediates_stand_below_the_anchor_that_signed_them() {
        let bundle = |cluster: &str, anchor: u64, state: &str| {
            json!({ "clusterProvider": "edges", "cluster": cluster, "generation": anchor,
                "anchor": anchor, "state": state, "fingerprint": "0123456789" })
        };
        let authority = json!({
            "anchors": [
                { "generation": 1, "trusted": true, "signs": false, "fingerprint": "aaaaaaaaaa" },
                { "generation": 2, "trusted": true, "signs": true, "fingerprint": "bbbbbbbbbb" },
            ],
            "bundles": [
                bundle("berlin", 1, "superseded"),
                bundle("berlin", 2, "active"),
                bundle("oslo", 1, "active"),
            ],
        });
        let lines: Vec<String> = chains(&authority)
            .into_iter()
            .map(|(_, line)| line)
            .collect();
        assert_eq!(
            lines,
            [
                "anchor 1                     aaaaaaaa  trusted, does not sign",
                "└─ edges/oslo 1              01234567  in use",
                "anchor 2                     bbbbbbbb  trusted, signs",
                "└─ edges/berlin 2            01234567  in use",
            ]
        );
    }
}
