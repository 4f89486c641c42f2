//! How values of a kind are merged: which parts are owned one by one, and which as a whole.

use serde_json::Value;

/// The structure of a value, as far as server-side apply must know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A number, a text, a truth value.
    Leaf,
    /// A map or list that is owned as a whole.
    Atomic,
    /// A map with free keys whose values are owned one by one.
    Map(&'static Self),
    /// A map with fixed keys; others are dropped.
    Struct(&'static [(&'static str, Self)]),
    /// A list of structures that are told apart by fields.
    Keyed(&'static [&'static str], &'static Self),
    /// A list of texts without repetition.
    Set,
    /// Nothing is known: maps part by part, lists as a whole.
    Free,
}

impl Shape {
    /// The shape of a member of a map.
    pub(super) fn field(&self, name: &str) -> Self {
        match self {
            Self::Map(inner) => **inner,
            Self::Struct(fields) => {
                let found = fields.iter().find(|(field, _)| *field == name);
                found.map_or(Self::Free, |(_, shape)| *shape)
            }
            _ => Self::Free,
        }
    }

    /// Whether the name is one of the fixed keys.
    pub(super) fn names(&self, name: &str) -> bool {
        matches!(self, Self::Struct(fields) if fields.iter().any(|(field, _)| *field == name))
    }

    /// The shape of an item of a list.
    pub(super) fn item(&self) -> Self {
        match self {
            Self::Keyed(_, inner) => **inner,
            _ => Self::Leaf,
        }
    }

    /// How a value of this shape is to be walked through.
    pub(super) fn walk(&self, value: &Value) -> Walk {
        match (self, value) {
            (Self::Map(_) | Self::Struct(_) | Self::Free, Value::Object(_)) => Walk::Map,
            (Self::Keyed(..) | Self::Set, Value::Array(_)) => Walk::List,
            _ => Walk::Whole,
        }
    }
}

/// The three ways through a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walk {
    Map,
    List,
    Whole,
}

/// `metadata`, the same for all kinds.
pub(super) const METADATA: Shape = Shape::Struct(&[
    ("name", Shape::Leaf),
    ("generateName", Shape::Leaf),
    ("namespace", Shape::Leaf),
    ("uid", Shape::Leaf),
    ("resourceVersion", Shape::Leaf),
    ("generation", Shape::Leaf),
    ("creationTimestamp", Shape::Leaf),
    ("deletionTimestamp", Shape::Leaf),
    ("deletionGracePeriodSeconds", Shape::Leaf),
    ("labels", Shape::Map(&Shape::Leaf)),
    ("annotations", Shape::Map(&Shape::Leaf)),
    (
        "ownerReferences",
        Shape::Keyed(
            &["uid"],
            &Shape::Struct(&[
                ("apiVersion", Shape::Leaf),
                ("blockOwnerDeletion", Shape::Leaf),
                ("controller", Shape::Leaf),
                ("kind", Shape::Leaf),
                ("name", Shape::Leaf),
                ("uid", Shape::Leaf),
            ]),
        ),
    ),
    ("finalizers", Shape::Set),
    ("managedFields", Shape::Atomic),
]);
