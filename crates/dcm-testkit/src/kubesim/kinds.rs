//! The kinds that an API server serves: built-in ones, and those that a definition added while it runs.

mod builtin;

use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};

use super::message::Refusal;
use super::shape::Shape;

/// A kind of objects and how it is served.
#[derive(Debug, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the word of Kubernetes for it")]
pub(super) struct Kind {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) plural: String,
    pub(super) singular: String,
    pub(super) short_names: Vec<String>,
    pub(super) namespaced: bool,
    pub(super) verbs: &'static [&'static str],
    pub(super) subresources: Vec<&'static str>,
    pub(super) shape: Shape,
    /// Members that every object has, even an empty one.
    pub(super) empty: &'static str,
    /// Whether it was added by a definition.
    pub(super) custom: bool,
}

/// The verbs of a kind that was added, in their order.
pub(super) const CUSTOM_VERBS: &[&str] = &[
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "create",
    "update",
    "watch",
];

/// The verbs of a kind without restrictions.
pub(super) const ALL_VERBS: &[&str] = &[
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

impl Kind {
    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `roles.rbac.authorization.k8s.io`, as in messages.
    pub(super) fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.clone()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// `Role.rbac.authorization.k8s.io`, as in messages about invalid objects.
    pub(super) fn qualified_kind(&self) -> String {
        if self.group.is_empty() {
            self.kind.clone()
        } else {
            format!("{}.{}", self.kind, self.group)
        }
    }

    pub(super) fn is(&self, group: &str, plural: &str) -> bool {
        self.group == group && self.plural == plural
    }

    /// Whether `metadata.generation` is kept.
    pub(super) fn has_generation(&self) -> bool {
        self.custom
            || matches!(
                self.kind.as_str(),
                "NetworkPolicy"
                    | "CustomResourceDefinition"
                    | "Deployment"
                    | "PodDisruptionBudget"
                    | "MutatingWebhookConfiguration"
                    | "ValidatingWebhookConfiguration"
            )
    }

    /// Whether a PUT makes what is not there.
    pub(super) fn created_by_update(&self) -> bool {
        self.group == "rbac.authorization.k8s.io" || self.kind == "LimitRange"
    }

    /// Whether a DELETE is answered by the object.
    pub(super) fn shows_deleted(&self) -> bool {
        matches!(self.kind.as_str(), "ServiceAccount" | "ResourceQuota")
    }

    /// An object with nothing in it but what is always there.
    pub(super) fn empty_object(&self) -> Value {
        let mut object: Value = serde_json::from_str(self.empty).unwrap_or_else(|_| json!({}));
        object["apiVersion"] = json!(self.api_version());
        object["kind"] = json!(self.kind);
        object
    }

    pub(super) fn not_found(&self, name: &str) -> Refusal {
        let message = format!("{} \"{name}\" not found", self.qualified());
        Refusal::new(404, "NotFound", message).about(name, &self.group, &self.plural)
    }

    pub(super) fn conflict(&self, name: &str, why: &str) -> Refusal {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": {why}",
            self.qualified()
        );
        Refusal::new(409, "Conflict", message).about(name, &self.group, &self.plural)
    }

    pub(super) fn forbidden(&self, name: &str, why: &str) -> Refusal {
        let subject = if name.is_empty() {
            self.qualified()
        } else {
            format!("{} \"{name}\"", self.qualified())
        };
        Refusal::new(403, "Forbidden", format!("{subject} is forbidden: {why}")).about(
            name,
            &self.group,
            &self.plural,
        )
    }

    /// 422 with one cause.
    pub(super) fn invalid(&self, name: &str, field: &str, reason: &str, why: &str) -> Refusal {
        let message = format!(
            "{} \"{name}\" is invalid: {field}: {why}",
            self.qualified_kind()
        );
        Refusal::new(422, "Invalid", message)
            .about(name, &self.group, &self.kind)
            .cause(reason, why, field)
    }
}

/// Number of a kind within one API server.
pub(super) type KindId = u16;

/// The kinds of one API server. Those built in are shared by all.
#[derive(Debug, Clone, Default)]
pub(super) struct Kinds {
    custom: Vec<Option<Arc<Kind>>>,
}

static BUILTIN: LazyLock<Vec<Arc<Kind>>> =
    LazyLock::new(|| builtin::all().into_iter().map(Arc::new).collect());

fn id(position: usize) -> KindId {
    KindId::try_from(position).unwrap_or(KindId::MAX)
}

impl Kinds {
    pub(super) fn all(&self) -> impl Iterator<Item = (KindId, &Arc<Kind>)> {
        let custom = self.custom.iter().enumerate();
        let custom =
            custom.filter_map(|(index, kind)| Some((BUILTIN.len() + index, kind.as_ref()?)));
        let all = BUILTIN.iter().enumerate().chain(custom);
        all.map(|(index, kind)| (id(index), kind))
    }

    pub(super) fn get(&self, wanted: KindId) -> Option<&Arc<Kind>> {
        self.all()
            .find(|(id, _)| *id == wanted)
            .map(|(_, kind)| kind)
    }

    pub(super) fn find(
        &self,
        group: &str,
        version: &str,
        plural: &str,
    ) -> Option<(KindId, Arc<Kind>)> {
        let mut all = self.all();
        let found = all.find(|(_, kind)| kind.is(group, plural) && kind.version == version)?;
        Some((found.0, Arc::clone(found.1)))
    }

    /// The number of a built-in kind.
    pub(super) fn id_of(&self, group: &str, plural: &str) -> KindId {
        let found = self.all().find(|(_, kind)| kind.is(group, plural));
        found.map_or(KindId::MAX, |(id, _)| id)
    }

    pub(super) fn add(&mut self, kind: Kind) {
        let known = self.find(&kind.group, &kind.version, &kind.plural);
        if known.is_none() {
            self.custom.push(Some(Arc::new(kind)));
        }
    }

    /// Forgets an added kind. Numbers are never used again.
    pub(super) fn remove(&mut self, group: &str, plural: &str) {
        for slot in &mut self.custom {
            if slot.as_ref().is_some_and(|kind| kind.is(group, plural)) {
                *slot = None;
            }
        }
    }
}
