//! The life of namespaces: what is put into a new one, and how an ending one is emptied.

use dcm_types::Timestamp;
use serde_json::{Value, json};

use super::controllers::Task;
use super::core::{Core, timestamp};
use super::delete::has_finalizers;
use super::kinds::KindId;
use super::managers::{Managers, Writer};
use super::objects::ObjectKey;
use super::write::is_finished;

const MANAGER: &str = "kube-controller-manager";

pub(super) fn noticed(core: &mut Core, namespace: &Value, now: Timestamp) {
    let name = namespace["metadata"]["name"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    if namespace["metadata"].get("deletionTimestamp").is_none() {
        let at = now + core.controllers.namespace_setup;
        core.timers.at(at, Task::SetUpNamespace(name));
    } else {
        let at = now + core.controllers.namespace_end;
        core.timers.at(at, Task::EmptyNamespace(name));
    }
}

/// Makes what every namespace has: the certificate authority and the default service account.
pub(super) fn set_up(core: &mut Core, name: &str, now: Timestamp) {
    let Some(namespace) = core.find(("", "namespaces"), "", name) else {
        return;
    };
    if namespace["metadata"].get("deletionTimestamp").is_some() {
        return;
    }
    let account = json!({ "metadata": { "name": "default", "namespace": name } });
    make(core, "serviceaccounts", account, now);
    let authority = core.authority.certificate();
    let description = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints \
                       such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across \
                       distributions of Kubernetes clusters.";
    let bundle = json!({
        "metadata": {
            "name": "kube-root-ca.crt", "namespace": name,
            "annotations": { "kubernetes.io/description": description },
        },
        "data": { "ca.crt": authority },
    });
    make(core, "configmaps", bundle, now);
}

/// Creates an object of a controller, unless it is there or a quota stands in its way.
fn make(core: &mut Core, plural: &str, mut object: Value, now: Timestamp) {
    let Some((id, kind)) = core.kinds.find("", "v1", plural) else {
        return;
    };
    let text = |object: &Value, name: &str| {
        object["metadata"][name]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let key = ObjectKey::new(id, &text(&object, "namespace"), &text(&object, "name"));
    if core.objects.contains(&key) {
        return;
    }
    object["apiVersion"] = json!("v1");
    object["kind"] = json!(kind.kind);
    let target = super::paths::Target {
        id,
        kind: kind.clone(),
        namespace: key.namespace.to_string(),
        name: String::new(),
        subresource: String::new(),
    };
    if super::quota::admit(core, &target, &key.name, now, false).is_err() {
        return;
    }
    let writer = Writer {
        kind: &kind,
        manager: MANAGER.to_owned(),
        subresource: String::new(),
        time: timestamp(now),
    };
    // A service account has no field that somebody could own.
    let managers = writer.created(&kind.empty_object(), &object);
    object["metadata"]["uid"] = json!(core.uid());
    object["metadata"]["creationTimestamp"] = json!(timestamp(now));
    managers.write(&mut object);
    core.store(&key, object, now);
}

/// Deletes what is in an ending namespace; ends the namespace when nothing is left.
pub(super) fn empty(core: &mut Core, name: &str, now: Timestamp) {
    let Some(namespace) = core.find(("", "namespaces"), "", name) else {
        return;
    };
    let is_ending = namespace["metadata"].get("deletionTimestamp").is_some();
    let is_held = namespace["spec"]["finalizers"]
        .as_array()
        .is_some_and(|list| !list.is_empty());
    if !is_ending || !is_held {
        return;
    }
    let kinds: Vec<(KindId, String)> = core
        .kinds
        .all()
        .filter(|(_, kind)| kind.namespaced)
        .map(|(id, kind)| (id, format!("{}{}", kind.plural, dotted(&kind.group))))
        .collect();
    let mut left = Vec::new();
    for (id, resource) in kinds {
        for key in core.objects.keys(id, Some(name)) {
            if let Some(finalizers) = end(core, &key, now) {
                left.push((resource.clone(), finalizers));
            }
        }
    }
    let Some((id, kind)) = core.kinds.find("", "v1", "namespaces") else {
        return;
    };
    let mut changed = namespace.clone();
    changed["status"]["conditions"] = conditions(&left, &namespace, now);
    let finished = left.is_empty();
    if finished {
        changed["spec"] = json!({});
    }
    let writer = Writer {
        kind: &kind,
        manager: MANAGER.to_owned(),
        subresource: "status".to_owned(),
        time: timestamp(now),
    };
    writer
        .updated(&namespace, &changed, Managers::of(&namespace))
        .write(&mut changed);
    let key = ObjectKey::new(id, "", name);
    if finished && is_finished(&changed) {
        core.erase(&key, Some(changed), now);
    } else if changed["status"] != namespace["status"] || changed["spec"] != namespace["spec"] {
        core.store(&key, changed, now);
    } else {
        // Held by somebody: looked at again.
        let at = now + core.controllers.namespace_end;
        core.timers.at(at, Task::EmptyNamespace(name.to_owned()));
    }
}

fn dotted(group: &str) -> String {
    format!(".{group}")
}

/// Deletes one object, or marks it when finalizers hold it; tells those.
fn end(core: &mut Core, key: &ObjectKey, now: Timestamp) -> Option<Vec<String>> {
    let mut object = core.objects.get(key)?;
    if !has_finalizers(&object) {
        core.erase(key, None, now);
        return None;
    }
    let finalizers = object["metadata"]["finalizers"]
        .as_array()
        .into_iter()
        .flatten();
    let finalizers = finalizers
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    if object["metadata"].get("deletionTimestamp").is_none() {
        object["metadata"]["deletionTimestamp"] = json!(timestamp(now));
        object["metadata"]["deletionGracePeriodSeconds"] = json!(0);
        core.store(key, object, now);
    }
    Some(finalizers)
}

/// What the controller says about an ending namespace.
fn conditions(left: &[(String, Vec<String>)], namespace: &Value, now: Timestamp) -> Value {
    let remaining = counted(
        left.iter().map(|(resource, _)| resource.clone()),
        "has",
        "resource instances",
    );
    let held = counted(
        left.iter().flat_map(|(_, names)| names.clone()),
        "in",
        "resource instances",
    );
    let content = (
        !left.is_empty(),
        "SomeResourcesRemain",
        format!("Some resources are remaining: {remaining}"),
    );
    let finalizers = (
        !left.is_empty(),
        "SomeFinalizersRemain",
        format!("Some content in the namespace has finalizers remaining: {held}"),
    );
    let no = |reason, message: &str| (false, reason, message.to_owned());
    let rows = [
        (
            "NamespaceDeletionDiscoveryFailure",
            no(
                "ResourcesDiscovered",
                "All resources successfully discovered",
            ),
            "",
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            no(
                "ParsedGroupVersions",
                "All legacy kube types successfully parsed",
            ),
            "",
        ),
        (
            "NamespaceDeletionContentFailure",
            no(
                "ContentDeleted",
                "All content successfully deleted, may be waiting on finalization",
            ),
            "",
        ),
        (
            "NamespaceContentRemaining",
            content,
            "ContentRemoved|All content successfully removed",
        ),
        (
            "NamespaceFinalizersRemaining",
            finalizers,
            "ContentHasNoFinalizers|All content-preserving finalizers finished",
        ),
    ];
    let former = namespace["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let conditions = rows.into_iter().map(|(name, (is, reason, message), otherwise)| {
        let (reason, message) = match otherwise.split_once('|') {
            Some((reason, message)) if !is => (reason, message.to_owned()),
            _ => (reason, message),
        };
        let status = if is { "True" } else { "False" };
        let known = former.iter().find(|former| former["type"] == name && former["status"] == status);
        let since = known.map_or_else(|| json!(timestamp(now)), |known| known["lastTransitionTime"].clone());
        json!({ "type": name, "status": status, "reason": reason, "message": message, "lastTransitionTime": since })
    });
    conditions.collect()
}

fn counted(names: impl Iterator<Item = String>, verb: &str, what: &str) -> String {
    let mut counts = std::collections::BTreeMap::new();
    for name in names {
        *counts.entry(name).or_insert(0) += 1;
    }
    let texts: Vec<String> = counts
        .iter()
        .map(|(name, count)| format!("{name} {verb} {count} {what}"))
        .collect();
    texts.join(", ")
}
