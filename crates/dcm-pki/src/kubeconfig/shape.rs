//! The shape of a kubeconfig: which members stand where, of which type. Everything else is refused
//! by its path, in every entry, selected or not.
#![deny(clippy::indexing_slicing)]

use std::collections::BTreeSet;

use dcm_types::Violation;
use dcm_types::text::is_unprintable;

use super::DOCUMENT;
use super::faults::Faults;
use super::fields::{self, List, Member};
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
    list: Vec<(&'static str, &'a Node)>,
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
        clusters: entries(&file, &fields::CLUSTERS, faults),
        users: entries(&file, &fields::USERS, faults),
        contexts: entries(&file, &fields::CONTEXTS, faults),
    }
}

fn constant(file: &Members<'_>, member: &str, value: &str, faults: &mut Faults) {
    if let Some(text) = file.required_text(member, faults)
        && text != value
    {
        faults.add(member, Violation::new(format!("must be {value}"), text));
    }
}

fn entries<'a>(file: &Members<'a>, list: &List, faults: &mut Faults) -> Vec<Entry<'a>> {
    let nodes = match file.get(list.name) {
        Some(Node::List(nodes)) if !nodes.is_empty() => nodes,
        other => {
            let found = match other {
                Some(Node::List(_)) => "an empty list",
                other => other.map_or("nothing", Node::kind),
            };
            let rule = format!("must be a list with at least one entry, but is {found}");
            faults.add(list.name, Violation::hidden(rule));
            return Vec::new();
        }
    };
    if nodes.len() > ENTRIES {
        let hint = "`kubectl config view --raw --flatten --minify` writes the current one only";
        let violation = Violation::hidden("must have at most 100 entries").hint(hint);
        faults.add(list.name, violation);
    }
    let mut seen = BTreeSet::new();
    nodes
        .iter()
        .take(ENTRIES)
        .enumerate()
        .map(|(index, node)| {
            let path = format!("{}[{index}]", list.name);
            let outer = members(node, path, list.entry, faults);
            let name = name(&outer, faults);
            if let Some(name) = name
                && !seen.insert(name)
            {
                let rule = "must be the only entry of this name";
                faults.add(outer.path_of("name"), Violation::new(rule, name));
            }
            let members = content(&outer, list, faults);
            Entry { name, members }
        })
        .collect()
}

fn content<'a>(entry: &Members<'a>, list: &List, faults: &mut Faults) -> Members<'a> {
    let path = entry.path_of(list.inner);
    if let Some(node) = entry.get(list.inner) {
        return members(node, path, list.content, faults);
    }
    faults.add(path.clone(), Violation::hidden("is required"));
    Members {
        path,
        list: Vec::new(),
    }
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
fn members<'a>(node: &'a Node, path: String, known: &[Member], faults: &mut Faults) -> Members<'a> {
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
        let Some(member) = known.iter().find(|member| member.name == key.as_str()) else {
            faults.add(members.path_of(&shown(key)), fields::refusal(key, known));
            continue;
        };
        let path = members.path_of(member.name);
        if members.get(member.name).is_some() {
            faults.add(path, Violation::hidden("is given more than once"));
            continue;
        }
        if member.is_text {
            faults.keep(&path, check_text(value));
        }
        members.list.push((member.name, value));
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

    /// A text member, if it is there. One of another type was refused when it was read.
    pub(super) fn text(&self, member: &str) -> Option<&'a str> {
        match self.get(member)? {
            Node::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// A text member that must be there.
    pub(super) fn required_text(&self, member: &str, faults: &mut Faults) -> Option<&'a str> {
        if self.get(member).is_none() {
            faults.add(self.path_of(member), Violation::hidden("is required"));
        }
        self.text(member)
    }
}

fn check_text(node: &Node) -> Result<(), Violation> {
    match node {
        Node::Text(text) if text.is_empty() => Err(Violation::hidden("must not be empty")),
        Node::Text(_) => Ok(()),
        other => Err(
            Violation::hidden(format!("must be text, but is {}", other.kind()))
                .hint("put it in quotes if it is meant as text"),
        ),
    }
}
