//! YAML (and so JSON) into a tree of our own, under a tight budget (T33).
//!
//! Anchors, aliases and several documents make the text unreadable. Merge keys and repeated keys stay
//! in the tree, so that they can be refused by their path. Texts are wiped when the tree is dropped.
#![deny(clippy::indexing_slicing)]

use std::fmt;

use dcm_types::Violation;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};
use zeroize::Zeroizing;

use super::SIZE_LIMIT;

/// Deepest nesting; the deepest member that is read lies at 5.
const DEPTH: usize = 32;
/// Most values, keys and collections; 100 clusters, users and contexts need under 5,000.
const NODES: usize = 10_000;

/// A node of the document. It has no `Debug`: any text may be a secret.
pub(crate) enum Node {
    Null,
    Text(Zeroizing<String>),
    /// A number or a boolean; its value is never needed.
    Other,
    List(Vec<Self>),
    /// Members as they stand, keys of any kind, repeated ones too.
    Map(Vec<(Self, Self)>),
}

impl Node {
    /// What it is, for a fault.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Text(_) => "text",
            Self::Other => "a number or a boolean",
            Self::List(_) => "a list",
            Self::Map(_) => "an object",
        }
    }
}

/// Reads one document.
pub(crate) fn read(text: &str) -> Result<Node, Violation> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_reader_input_bytes: Some(SIZE_LIMIT),
            // One more than the depth, so that the budget speaks before the scanner does.
            flow_nesting_limit: DEPTH + 1,
            max_events: 3 * NODES,
            max_aliases: 0,
            max_anchors: 0,
            max_recorded_anchor_events: 0,
            max_recorded_anchor_bytes: 0,
            max_depth: DEPTH,
            max_inclusion_depth: 0,
            max_documents: 1,
            max_nodes: NODES,
            max_total_scalar_bytes: SIZE_LIMIT,
            max_merge_keys: 0,
        },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::AsOrdinary,
        strict_booleans: true,
        reject_unsupported_tags: true,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| violation(&error))
}

/// A sentence of our own: the library's may quote the document.
fn violation(error: &serde_saphyr::Error) -> Violation {
    let error = error.without_snippet();
    let place = error.location().map_or_else(String::new, |location| {
        format!(" (line {}, column {})", location.line(), location.column())
    });
    let (rule, hint) = match error {
        serde_saphyr::Error::Budget { breach, .. } => match breach {
            BudgetBreach::Aliases { .. } | BudgetBreach::Anchors { .. } => (
                "must not use anchors or aliases",
                Some("write the values out where they are used"),
            ),
            BudgetBreach::Depth { .. } => ("must not be nested deeper than 32 levels", None),
            BudgetBreach::Documents { .. } => ONE_DOCUMENT,
            _ => ("holds more values than a kubeconfig needs", None),
        },
        serde_saphyr::Error::MultipleDocuments { .. } => ONE_DOCUMENT,
        _ => ("must be valid YAML or JSON without tags", None),
    };
    let violation = Violation::hidden(format!("{rule}{place}"));
    match hint {
        Some(hint) => violation.hint(hint),
        None => violation,
    }
}

const ONE_DOCUMENT: (&str, Option<&str>) = (
    "must be one document",
    Some("remove what follows the line `---`"),
);

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a node")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(Zeroizing::new(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Node, E> {
        Ok(Node::Text(Zeroizing::new(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(node) = access.next_element()? {
            list.push(node);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Node::Map(members))
    }
}
