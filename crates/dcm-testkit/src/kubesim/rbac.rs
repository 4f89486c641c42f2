//! Who may do what: rules of roles, found by bindings; and that nobody grants more than is held.

mod escalation;

use serde_json::Value;

use super::core::{Asking, Core};
use super::kinds::Kind;
use super::message::{MASTERS, Refusal, User};
use super::paths::Target;

pub(super) use escalation::check_escalation;

pub(super) const GROUP: &str = "rbac.authorization.k8s.io";

/// What somebody wants to do.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempt<'a> {
    pub(super) verb: &'a str,
    pub(super) group: &'a str,
    /// With the subresource, as in rules.
    pub(super) resource: String,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    /// Of requests that are about no resource.
    pub(super) path: &'a str,
}

/// A binding that gave or might have given a right.
pub(super) struct Grant {
    pub(super) rules: Vec<Value>,
    /// `RoleBinding "b/n" of Role "r" to User "u"`.
    pub(super) text: String,
}

/// Whether an attempt is allowed, and what authorizers said about it.
pub(super) struct Decision {
    pub(super) allowed: bool,
    pub(super) reason: String,
}

/// Decides about an attempt.
pub(super) fn decide(core: &Core, user: &User, attempt: &Attempt<'_>) -> Decision {
    if user.is_in(MASTERS) {
        return Decision {
            allowed: true,
            reason: String::new(),
        };
    }
    let (grants, errors) = grants(core, user, attempt.namespace);
    let granted = grants
        .iter()
        .find(|grant| grant.rules.iter().any(|rule| allows(rule, attempt)));
    match granted {
        Some(grant) => Decision {
            allowed: true,
            reason: format!("RBAC: allowed by {}", grant.text),
        },
        None => Decision {
            allowed: false,
            reason: match errors.as_slice() {
                [] => String::new(),
                [one] => format!("RBAC: {one}"),
                many => format!("RBAC: [{}]", many.join(", ")),
            },
        },
    }
}

pub(super) fn may(core: &Core, user: &User, attempt: &Attempt<'_>) -> bool {
    decide(core, user, attempt).allowed
}

/// All grants of a user, cluster-wide and in a namespace; and the roles that bindings name in vain.
fn grants(core: &Core, user: &User, namespace: &str) -> (Vec<Grant>, Vec<String>) {
    let mut grants = Vec::new();
    let mut errors = Vec::new();
    let kinds = [("clusterrolebindings", ""), ("rolebindings", namespace)];
    for (plural, within) in kinds {
        if plural == "rolebindings" && namespace.is_empty() {
            continue;
        }
        let of_namespace = (!within.is_empty()).then_some(within);
        for binding in core.objects.list(core.id(GROUP, plural), of_namespace) {
            let Some(subject) = subject_of(&binding, user) else {
                continue;
            };
            match role_rules(core, &binding["roleRef"], within) {
                Ok(rules) => grants.push(Grant {
                    rules,
                    text: grant_text(&binding, &subject),
                }),
                Err(error) => errors.push(error),
            }
        }
    }
    (grants, errors)
}

fn grant_text(binding: &Value, subject: &str) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (name, namespace) = (
        text(&binding["metadata"]["name"]),
        text(&binding["metadata"]["namespace"]),
    );
    let place = if namespace.is_empty() {
        name
    } else {
        format!("{name}/{namespace}")
    };
    let (kind, role) = (
        text(&binding["roleRef"]["kind"]),
        text(&binding["roleRef"]["name"]),
    );
    format!(
        "{} {place:?} of {kind} {role:?} to {subject}",
        text(&binding["kind"])
    )
}

/// How a binding names the user, if it does.
fn subject_of(binding: &Value, user: &User) -> Option<String> {
    let home = binding["metadata"]["namespace"]
        .as_str()
        .unwrap_or_default();
    let subjects = binding["subjects"].as_array()?.iter();
    let mut found = subjects.filter_map(|subject| {
        let name = subject["name"].as_str().unwrap_or_default();
        match subject["kind"].as_str()? {
            "User" if name == user.name => Some(format!("User {name:?}")),
            "Group" if user.is_in(name) => Some(format!("Group {name:?}")),
            "ServiceAccount" => {
                let namespace = subject["namespace"].as_str().unwrap_or(home);
                let is = user.name == format!("system:serviceaccount:{namespace}:{name}");
                is.then(|| format!("ServiceAccount \"{name}/{namespace}\""))
            }
            _ => None,
        }
    });
    found.next()
}

/// The rules of the role that a reference names.
pub(super) fn role_rules(
    core: &Core,
    reference: &Value,
    namespace: &str,
) -> Result<Vec<Value>, String> {
    let name = reference["name"].as_str().unwrap_or_default();
    let (plural, within) = match reference["kind"].as_str() {
        Some("Role") => ("roles", namespace),
        _ => ("clusterroles", ""),
    };
    let Some(role) = core.find((GROUP, plural), within, name) else {
        let kind = plural.trim_end_matches('s');
        return Err(format!("{kind}.{GROUP} {name:?} not found"));
    };
    Ok(role["rules"].as_array().cloned().unwrap_or_default())
}

fn has(list: &Value, wanted: &str) -> bool {
    let items = list
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    items.into_iter().any(|item| item == wanted || item == "*")
}

/// Whether one rule allows an attempt.
fn allows(rule: &Value, attempt: &Attempt<'_>) -> bool {
    if !has(&rule["verbs"], attempt.verb) {
        return false;
    }
    if !attempt.path.is_empty() {
        let paths = rule["nonResourceURLs"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        return paths.into_iter().any(|path| match path.strip_suffix('*') {
            Some(prefix) => attempt.path.starts_with(prefix),
            None => attempt.path == path,
        });
    }
    let sub = attempt
        .resource
        .split_once('/')
        .map(|(_, sub)| format!("*/{sub}"));
    let resource = has(&rule["resources"], &attempt.resource)
        || sub.is_some_and(|sub| has(&rule["resources"], &sub));
    let names = rule["resourceNames"]
        .as_array()
        .filter(|names| !names.is_empty());
    let is_named = names.is_none_or(|names| names.iter().any(|name| name == attempt.name));
    has(&rule["apiGroups"], attempt.group) && resource && is_named
}

/// Refuses a request for a resource that the user has no right to make.
pub(super) fn check(core: &Core, user: &User, verb: &str, target: &Target) -> Result<(), Refusal> {
    let kind = &target.kind;
    let resource = if target.subresource.is_empty() {
        kind.plural.clone()
    } else {
        format!("{}/{}", kind.plural, target.subresource)
    };
    // A namespace is in itself.
    let namespace = if kind.is("", "namespaces") {
        &target.name
    } else {
        &target.namespace
    };
    let attempt = Attempt {
        verb,
        group: &kind.group,
        resource,
        namespace,
        name: &target.name,
        path: "",
    };
    let decision = decide(core, user, &attempt);
    if decision.allowed {
        return Ok(());
    }
    Err(forbidden(kind, user, &attempt, &decision.reason))
}

fn forbidden(kind: &Kind, user: &User, attempt: &Attempt<'_>, reason: &str) -> Refusal {
    let place = if attempt.namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {:?}", attempt.namespace)
    };
    let mut why = format!(
        "User {:?} cannot {} resource {:?} in API group {:?} {place}",
        user.name, attempt.verb, attempt.resource, attempt.group
    );
    if !reason.is_empty() {
        why = format!("{why}: {reason}");
    }
    kind.forbidden(attempt.name, &why)
}

/// Refuses a request for a path that is no resource.
pub(super) fn check_path(core: &Core, asking: Asking<'_>) -> Result<(), Refusal> {
    let path = asking.request.path.as_str();
    let verb = asking.request.method.to_lowercase();
    let attempt = Attempt {
        verb: &verb,
        path,
        ..Attempt::default()
    };
    if may(core, asking.user, &attempt) {
        return Ok(());
    }
    let message = format!(
        "forbidden: User {:?} cannot {verb} path {path:?}",
        asking.user.name
    );
    let mut refusal = Refusal::new(403, "Forbidden", message);
    refusal.with_details = true;
    Err(refusal)
}
