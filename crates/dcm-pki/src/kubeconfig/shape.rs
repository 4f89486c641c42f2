//! The shape of a kubeconfig: which members stand where, of which type. Everything else is refused
//! by its path, in every entry, selected or not.
#![deny(clippy::indexing_slicing)]

use std::collections::BTreeSet;

use dcm_types::Violation;
use dcm_types::text::is_unprintable;

use super::DOCUMENT;
use super::faults::Faults;
use super::fields;
use super::yaml::Node;

/// Most entries of one list.
const ENTRIES: usize = 100;
/// Longest name of an entry, in bytes.
const NAME: usize = 512;
/// Longest part of an unknown member's name that is shown.
const SHOWN: usize = 64;

/// The file, as far as it could be read.
pub(super) struct File<'a> {
    /// Name of the selected context.
    pub(super) current_context: Option<&'a str>,
    pub(super) clusters: Vec<Entry<'a>>,
    pub(super) users: Vec<Entry<'a>>,
    pub(super) contexts: Vec<Entry<'a>>,
}

/// One named entry of a list: `clusters[0]` with the members of `clusters[0].cluster`.
pub(super) struct Entry<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) members: Members<'a>,
}

/// The known members of an object, each once.
pub(super) struct Members<'a> {
    /// Path of the object; empty at the top.
    path: String,
    list: Vec<(&'a str, &'a Node)>,
}

/// Reads the shape of a file.
pub(super) fn read<'a>(tree: &'a Node, faults: &mut Faults) -> File<'a> {
    let file = members(tree, String::new(), fields::FILE, faults);
    constant(&file, "apiVersion", "v1", faults);
    constant(&file, "kind", "Config", faults);
    if let Some(node) = file.get("preferences")
        && !matches!(node, Node::Map(preferences) if preferences.is_empty())
    {
        let rule = "must be empty: preferences are not read";
        faults.add(
            "preferences",
            Violation::hidden(rule).hint("write `preferences: {}`"),
        );
    }
    File {
        current_context: file.required_text("current-context", faults),
        clusters: entries(&file, "clusters", "cluster", fields::CLUSTER, faults),
        users: entries(&file, "users", "user", fields::USER, faults),
        contexts: entries(&file, "contexts", "context", fields::CONTEXT, faults),
    }
}

fn constant(file: &Members<'_>, member: &str, value: &str, faults: &mut Faults) {
    if let Some(text) = file.required_text(member, faults)
        && text != value
    {
        faults.add(member, Violation::new(format!("must be {value}"), text));
    }
}

fn entries<'a>(
    file: &Members<'a>,
    list: &str,
    inner: &str,
    known: &'static [&'static str],
    faults: &mut Faults,
) -> Vec<Entry<'a>> {
    let Some(Node::List(nodes)) = file.get(list) else {
        let found = file.get(list).map_or("nothing", Node::kind);
        let rule = format!("must be a list with at least one entry, but is {found}");
        faults.add(list, Violation::hidden(rule));
        return Vec::new();
    };
    if nodes.is_empty() {
        faults.add(
            list,
            Violation::hidden("must be a list with at least one entry"),
        );
    }
    if nodes.len() > ENTRIES {
        let hint = "`kubectl config view --raw --flatten --minify` writes the current one only";
        faults.add(
            list,
            Violation::hidden("must have at most 100 entries").hint(hint),
        );
    }
    let mut seen = BTreeSet::new();
    let mut entries = Vec::new();
    for (index, node) in nodes.iter().take(ENTRIES).enumerate() {
        let outer = members(node, format!("{list}[{index}]"), &["name", inner], faults);
        let name = name(&outer, faults);
        if let Some(name) = name
            && !seen.insert(name)
        {
            let rule = "must be the only entry of this name";
            faults.add(outer.path_of("name"), Violation::new(rule, name));
        }
        let path = outer.path_of(inner);
        let members = match outer.get(inner) {
            Some(node) => members(node, path, known, faults),
            None => {
                faults.add(path.clone(), Violation::hidden("is required"));
                Members {
                    path,
                    list: Vec::new(),
                }
            }
        };
        entries.push(Entry { name, members });
    }
    entries
}

fn name<'a>(entry: &Members<'a>, faults: &mut Faults) -> Option<&'a str> {
    let name = entry.required_text("name", faults)?;
    if name.len() > NAME || name.contains(is_unprintable) {
        let rule = "must be at most 512 bytes of printable characters";
        faults.add(entry.path_of("name"), Violation::new(rule, name));
        return None;
    }
    Some(name)
}

/// The known members of a node; all that is wrong with the others goes to the faults.
fn members<'a>(node: &'a Node, path: String, known: &[&str], faults: &mut Faults) -> Members<'a> {
    let mut members = Members {
        path,
        list: Vec::new(),
    };
    let Node::Map(map) = node else {
        let rule = format!("must be an object, but is {}", node.kind());
        faults.add(members.own_path(), Violation::hidden(rule));
        return members;
    };
    for (key, value) in map {
        let Node::Text(key) = key else {
            let rule = format!("has a member whose name is {}", key.kind());
            faults.add(
                members.own_path(),
                Violation::hidden(rule).hint("remove it"),
            );
            continue;
        };
        if !known.contains(&key.as_str()) {
            faults.add(members.path_of(&shown(key)), fields::refusal(key, known));
        } else if members.get(key).is_some() {
            faults.add(
                members.path_of(key),
                Violation::hidden("is given more than once"),
            );
        } else {
            members.list.push((key, value));
        }
    }
    members
}

/// An unknown member's name, safe to show: short, printable, and unable to pose as a longer path.
fn shown(key: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "-_<>$:/".contains(character);
    if !key.is_empty() && key.len() <= SHOWN && key.chars().all(plain) {
        return key.to_owned();
    }
    let short: String = key.chars().take(SHOWN).collect();
    format!("\"{}\"", short.escape_default())
}

impl<'a> Members<'a> {
    /// Path of one member.
    pub(super) fn path_of(&self, member: &str) -> String {
        if self.path.is_empty() {
            member.to_owned()
        } else {
            format!("{}.{member}", self.path)
        }
    }

    /// Path of the object itself.
    pub(super) fn own_path(&self) -> &str {
        if self.path.is_empty() {
            DOCUMENT
        } else {
            &self.path
        }
    }

    fn get(&self, member: &str) -> Option<&'a Node> {
        self.list
            .iter()
            .find(|(name, _)| *name == member)
            .map(|(_, node)| *node)
    }

    /// A text member, if it is there; one of another type or empty is a fault.
    pub(super) fn text(&self, member: &str, faults: &mut Faults) -> Option<&'a str> {
        match self.get(member)? {
            Node::Text(text) if !text.is_empty() => Some(text),
            Node::Text(_) => {
                faults.add(self.path_of(member), Violation::hidden("must not be empty"));
                None
            }
            other => {
                let rule = format!("must be text, but is {}", other.kind());
                let hint = "put it in quotes if it is meant as text";
                faults.add(self.path_of(member), Violation::hidden(rule).hint(hint));
                None
            }
        }
    }

    /// A text member that must be there.
    pub(super) fn required_text(&self, member: &str, faults: &mut Faults) -> Option<&'a str> {
        if self.get(member).is_none() {
            faults.add(self.path_of(member), Violation::hidden("is required"));
        }
        self.text(member, faults)
    }
}
