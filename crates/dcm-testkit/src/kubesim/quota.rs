//! Quotas of objects: refused at creation by what the status says, counted anew by a controller.

use dcm_types::Timestamp;
use dcm_types::quantity::Quantity;
use serde_json::{Map, Value, json};

use super::core::{Core, timestamp};
use super::kinds::{Kind, KindId};
use super::managers::{Managers, Writer};
use super::message::Refusal;
use super::objects::ObjectKey;
use super::paths::Target;

/// Kinds that are counted under their plain name too.
const PLAIN: [&str; 3] = ["configmaps", "resourcequotas", "secrets"];

/// The names under which a quota counts a kind.
fn names(kind: &Kind) -> Vec<String> {
    let counted = format!("count/{}", kind.qualified());
    let is_plain = kind.group.is_empty() && PLAIN.contains(&kind.plural.as_str());
    if is_plain {
        vec![kind.plural.clone(), counted]
    } else {
        vec![counted]
    }
}

fn whole(value: &Value) -> i128 {
    let text = value.as_str().unwrap_or("0");
    let quantity = Quantity::parse(text).map(|quantity| quantity.canonical());
    quantity
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(i128::MAX)
}

/// Counts a new object in every quota of its namespace, or refuses it.
pub(super) fn admit(
    core: &mut Core,
    target: &Target,
    name: &str,
    now: Timestamp,
    dry: bool,
) -> Result<(), Refusal> {
    if !target.kind.namespaced {
        return Ok(());
    }
    let names = names(&target.kind);
    let id = core.id("", "resourcequotas");
    let mut changed = Vec::new();
    for quota in core.objects.list(id, Some(&target.namespace)) {
        let mut used = quota["status"]["used"].clone();
        let mut exceeded = Vec::new();
        let mut counted = false;
        for name in &names {
            let Some(hard) = quota["status"]["hard"].get(name) else {
                continue;
            };
            counted = true;
            let before = whole(&used[name]);
            if before + 1 > whole(hard) {
                exceeded.push((name.clone(), used[name].clone(), hard.clone()));
            }
            used[name] = json!((before + 1).to_string());
        }
        if !exceeded.is_empty() {
            return Err(refusal(&target.kind, name, &quota, &exceeded));
        }
        if counted {
            changed.push((quota, used));
        }
    }
    for (quota, used) in changed {
        if !dry {
            let status = json!({ "hard": quota["status"]["hard"], "used": used });
            write_status(core, &quota, status, "kube-apiserver", now);
        }
    }
    Ok(())
}

fn refusal(kind: &Kind, name: &str, quota: &Value, exceeded: &[(String, Value, Value)]) -> Refusal {
    let list = |amount: fn(&(String, Value, Value)) -> String| {
        let items: Vec<String> = exceeded
            .iter()
            .map(|row| format!("{}={}", row.0, amount(row)))
            .collect();
        items.join(",")
    };
    let text = |value: &Value| value.as_str().unwrap_or("0").to_owned();
    let _ = text;
    let why = format!(
        "exceeded quota: {}, requested: {}, used: {}, limited: {}",
        quota["metadata"]["name"].as_str().unwrap_or_default(),
        list(|_| "1".to_owned()),
        list(|row| row.1.as_str().unwrap_or("0").to_owned()),
        list(|row| row.2.as_str().unwrap_or("0").to_owned()),
    );
    kind.forbidden(name, &why)
}

fn write_status(core: &mut Core, quota: &Value, status: Value, manager: &str, now: Timestamp) {
    let id = core.id("", "resourcequotas");
    let Some(kind) = core.kinds.get(id).cloned() else {
        return;
    };
    let mut changed = quota.clone();
    changed["status"] = status;
    let writer = Writer {
        kind: &kind,
        manager: manager.to_owned(),
        subresource: "status".to_owned(),
        time: timestamp(now),
    };
    writer
        .updated(quota, &changed, Managers::of(quota))
        .write(&mut changed);
    let text = |name: &str| quota["metadata"][name].as_str().unwrap_or_default();
    let key = ObjectKey::new(id, text("namespace"), text("name"));
    core.store(&key, changed, now);
}

/// What the controller does: puts the limits in force and counts what is there.
pub(super) fn count(core: &mut Core, namespace: &str, name: &str, now: Timestamp) {
    let Some(quota) = core.find(("", "resourcequotas"), namespace, name) else {
        return;
    };
    let hard = quota["spec"]["hard"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let kinds: Vec<(KindId, Vec<String>)> = core
        .kinds
        .all()
        .filter(|(_, kind)| kind.namespaced)
        .map(|(id, kind)| (id, names(kind)))
        .collect();
    let used: Map<String, Value> = hard
        .keys()
        .map(|limit| {
            let kind = kinds.iter().find(|(_, names)| names.contains(limit));
            let number = kind.map_or(0, |(id, _)| core.objects.keys(*id, Some(namespace)).len());
            (limit.clone(), json!(number.to_string()))
        })
        .collect();
    let mut status = Map::new();
    if !hard.is_empty() {
        status.insert("hard".to_owned(), Value::Object(hard));
        status.insert("used".to_owned(), Value::Object(used));
    }
    let status = Value::Object(status);
    if quota["status"] != status {
        write_status(core, &quota, status, "kube-controller-manager", now);
    }
}
