//! User permissions: one RBAC rule, in the namespace of the logical cloud or outside of it.

use serde::{Deserialize, Serialize};

use dcm_types::documents::UserPermission;
use dcm_types::drafts::PermissionDraft;
use dcm_types::permission::{Extent, Rule};
use dcm_types::{Fault, PermissionName, UserName};

use super::metadata::read_metadata;
use super::{MetadataDocument, read};
use crate::object::{Member, Object, member};
use crate::refusal::{Decoded, FieldValidation, Refusal};

/// A user permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PermissionDocument {
    /// Name and free text.
    pub metadata: MetadataDocument,
    /// The rule.
    pub spec: PermissionSpec,
    /// What the rule means; only when `*` stands in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(read_only))]
    pub status: Option<PermissionStatus>,
}

/// The rule of a permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PermissionSpec {
    /// Where it holds. Left out, or by its name: the namespace of the logical cloud. Any other name: that
    /// namespace; empty: the whole cluster. Those two make the logical cloud privileged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The user who gets it; the first user of the logical cloud when this is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// API groups; the core group is the empty text. `*` stands for those of a fixed list.
    pub api_groups: Vec<String>,
    /// Resources, optionally with a subresource. `*` stands for those of a fixed list.
    pub resources: Vec<String>,
    /// Verbs. `*` stands for all that may be granted for a resource.
    pub verbs: Vec<String>,
}

/// What a rule means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PermissionStatus {
    /// What is granted, without `*`.
    pub effective: Vec<RuleView>,
}

/// Grants every combination of its groups, resources and verbs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RuleView {
    /// API groups.
    pub api_groups: Vec<String>,
    /// Resources.
    pub resources: Vec<String>,
    /// Verbs.
    pub verbs: Vec<String>,
}

impl PermissionDocument {
    /// The document of a stored permission.
    pub fn of(permission: &UserPermission) -> Self {
        Self {
            metadata: MetadataDocument::of(permission.name.as_str(), &permission.metadata),
            spec: PermissionSpec {
                namespace: permission.reach.written().map(str::to_owned),
                user: permission.user.as_ref().map(ToString::to_string),
                api_groups: permission.rule.api_groups.clone(),
                resources: permission.rule.resources.clone(),
                verbs: permission.rule.verbs.clone(),
            },
            status: permission.rule.has_wildcard().then(|| PermissionStatus {
                effective: permission
                    .rule
                    .expanded(permission.reach.extent())
                    .into_iter()
                    .map(view)
                    .collect(),
            }),
        }
    }
}

fn view(rule: Rule) -> RuleView {
    RuleView {
        api_groups: rule.api_groups,
        resources: rule.resources,
        verbs: rule.verbs,
    }
}

/// What a caller who wrote `*` is told.
pub fn expansion_note(permission: &PermissionDraft) -> Option<String> {
    let rule = &permission.rule;
    let extent = Extent::of(permission.namespace.as_deref());
    if !rule.has_wildcard() {
        return None;
    }
    let granted = match extent {
        Extent::Namespace => "what a tenant can be granted",
        Extent::Cluster => "what a tenant can read cluster-wide",
    };
    let mut note = format!(
        "'*' in permission '{}' stands for a fixed list of {granted}; see status.effective of the permission",
        permission.name
    );
    let unlisted = rule.unlisted_groups(extent);
    if !unlisted.is_empty() {
        note.push_str("; it has nothing of ");
        note.push_str(&unlisted.join(", "));
        note.push_str(": name the resources");
    }
    Some(note)
}

const DOCUMENT: &[Member] = &[member("metadata"), member("spec"), member("status")];
const SPEC: &[Member] = &[
    member("namespace"),
    member("user"),
    member("apiGroups"),
    member("resources"),
    member("verbs"),
];

/// Reads a permission.
pub fn read_permission(
    body: &[u8],
    path_name: Option<&PermissionName>,
    validation: FieldValidation,
) -> Result<Decoded<PermissionDraft>, Refusal> {
    read(body, validation, |value, report| {
        let body = Object::body(value, DOCUMENT, report)?;
        let named = read_metadata(&body, path_name, PermissionName::parse);
        let spec = body.object("spec", SPEC)?;
        let namespace = spec.text("namespace").map(str::to_owned);
        let rule = read_rule(&spec, Extent::of(namespace.as_deref()));
        let user = spec.parsed("user", UserName::parse);
        let (name, metadata) = named?;
        Some(PermissionDraft {
            name,
            metadata,
            namespace,
            user,
            rule: rule?,
        })
    })
}

/// Reads the rule and holds it against the envelope.
pub(super) fn read_rule(spec: &Object<'_>, extent: Extent) -> Option<Rule> {
    let api_groups = spec.texts("apiGroups");
    let resources = spec.texts("resources");
    let verbs = spec.texts("verbs");
    let rule = Rule {
        api_groups: api_groups?,
        resources: resources?,
        verbs: verbs?,
    };
    match rule.check(extent) {
        Ok(()) => Some(rule),
        Err(faults) => {
            for fault in faults {
                let field = rule_path(spec, &fault.field);
                spec.report().invalid(Fault { field, ..fault });
            }
            None
        }
    }
}

/// Path of a field of the rule, the first part of it spelled as the caller did.
fn rule_path(spec: &Object<'_>, field: &str) -> String {
    let (name, index) = field.split_at(field.find('[').unwrap_or(field.len()));
    format!("{}{index}", spec.path_of(name))
}
