//! Certificate signing requests: frozen when made, approved through a door of their own, signed, collected.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dcm_types::Timestamp;
use rcgen::{CertificateSigningRequestParams, DnType};
use serde_json::{Value, json};

use super::controllers::{Signer, Task};
use super::core::{Asking, Core, timestamp};
use super::kinds::Kind;
use super::managers::{Managers, Writer};
use super::message::{MASTERS, Refusal, User};
use super::objects::ObjectKey;
use super::rbac::{self, Attempt};
use super::strategy::keep_in;

pub(super) const GROUP: &str = "certificates.k8s.io";
const PLURAL: &str = "certificatesigningrequests";
/// The one signer that is simulated.
const CLIENT_SIGNER: &str = "kubernetes.io/kube-apiserver-client";
/// How long an approved request is kept.
const APPROVED_LIFE: Duration = Duration::from_hours(1);
/// How long a request is kept that nobody answered.
const PENDING_LIFE: Duration = Duration::from_hours(24);
const SHORTEST: u64 = 600;

/// Who asks is written down by the server; what the body says about it does not count.
pub(super) fn before_create(kind: &Kind, object: &mut Value, user: &User) -> Result<(), Refusal> {
    let signer = object["spec"]["signerName"].as_str().unwrap_or_default();
    if signer == CLIENT_SIGNER && asks_for_masters(&object["spec"]) {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let why = format!("use of {signer} signer with {MASTERS} group is not allowed");
        return Err(kind.forbidden(name, &why));
    }
    object["status"] = json!({});
    let spec = &mut object["spec"];
    if let Some(spec) = spec.as_object_mut() {
        for name in ["username", "uid", "groups", "extra"] {
            spec.remove(name);
        }
    }
    spec["username"] = json!(user.name);
    spec["groups"] = json!(user.groups);
    if !user.uid.is_empty() {
        spec["uid"] = json!(user.uid);
    }
    if !user.extra.is_empty() {
        spec["extra"] = Value::Object(user.extra.clone());
    }
    Ok(())
}

fn request_of(spec: &Value) -> Option<CertificateSigningRequestParams> {
    let pem = STANDARD.decode(spec["request"].as_str()?).ok()?;
    CertificateSigningRequestParams::from_pem(std::str::from_utf8(&pem).ok()?).ok()
}

fn asks_for_masters(spec: &Value) -> bool {
    request_of(spec).is_some_and(|request| {
        let group = request
            .params
            .distinguished_name
            .get(&DnType::OrganizationName);
        group.is_some_and(|group| *group == MASTERS.into())
    })
}

/// Conditions of an answer: true, of one kind, and for ever.
fn check_answers(kind: &Kind, old: &Value, new: &Value) -> Result<(), Refusal> {
    let name = new["metadata"]["name"].as_str().unwrap_or_default();
    let answers = |object: &Value| -> Vec<Value> {
        let all = object["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        all.into_iter().filter(is_answer).collect()
    };
    let (former, present) = (answers(old), answers(new));
    let has =
        |list: &[Value], wanted: &str| list.iter().any(|condition| condition["type"] == wanted);
    let field = "status.conditions";
    if present
        .iter()
        .any(|condition| condition["status"] != "True")
    {
        let why = "Unsupported value: supported values: \"True\"";
        return Err(kind.invalid(
            name,
            "status.conditions[0].status",
            "FieldValueNotSupported",
            why,
        ));
    }
    if has(&present, "Approved") && has(&present, "Denied") {
        let why =
            "Invalid value: \"Denied\": Approved and Denied conditions are mutually exclusive";
        return Err(kind.invalid(name, field, "FieldValueInvalid", why));
    }
    if ["Approved", "Denied"]
        .into_iter()
        .any(|answer| has(&former, answer) && !has(&present, answer))
    {
        let why = "Forbidden: updates may not remove a condition of this type";
        return Err(kind.invalid(name, field, "FieldValueForbidden", why));
    }
    Ok(())
}

fn is_answer(condition: &Value) -> bool {
    matches!(condition["type"].as_str(), Some("Approved" | "Denied"))
}

/// The spec is frozen; each door writes its own part of the status.
pub(super) fn before_update(
    kind: &Kind,
    door: &str,
    old: &Value,
    new: &mut Value,
    asking: Asking<'_>,
) -> Result<(), Refusal> {
    keep_in(old, new, "spec");
    if door.is_empty() {
        keep_in(old, new, "status");
        return Ok(());
    }
    let list = |object: &Value| {
        object["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    };
    if door == "approval" {
        keep_in(&old["status"], &mut new["status"], "certificate");
    }
    let mut conditions = Vec::new();
    for mut condition in list(new) {
        let former = list(old)
            .into_iter()
            .find(|former| former["type"] == condition["type"]);
        let now = asking.time();
        if condition.get("lastUpdateTime").is_none_or(Value::is_null) {
            condition["lastUpdateTime"] = json!(now);
        }
        if condition
            .get("lastTransitionTime")
            .is_none_or(Value::is_null)
        {
            let kept = former.filter(|former| former["status"] == condition["status"]);
            condition["lastTransitionTime"] =
                kept.map_or(json!(now), |kept| kept["lastTransitionTime"].clone());
        }
        conditions.push(condition);
    }
    if conditions.is_empty() {
        super::strategy::remove(&mut new["status"], "conditions");
    } else {
        new["status"]["conditions"] = json!(conditions);
    }
    check_answers(kind, old, new)
}

/// Who may answer a request: whoever may `approve` its signer.
pub(super) fn check_approver(
    core: &Core,
    asking: Asking<'_>,
    kind: &Kind,
    old: &Value,
) -> Result<(), Refusal> {
    let signer = old["spec"]["signerName"].as_str().unwrap_or_default();
    let domain = signer.split('/').next().unwrap_or_default();
    let may = [signer.to_owned(), format!("{domain}/*")]
        .iter()
        .any(|name| {
            let attempt = Attempt {
                verb: "approve",
                group: GROUP,
                resource: "signers".to_owned(),
                name,
                ..Attempt::default()
            };
            rbac::may(core, asking.user, &attempt)
        });
    if may {
        return Ok(());
    }
    let name = old["metadata"]["name"].as_str().unwrap_or_default();
    let why = format!("user not permitted to approve requests with signerName {signer:?}");
    Err(kind.forbidden(name, &why))
}

pub(super) fn validate(kind: &Kind, object: &Value) -> Result<(), Refusal> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let spec = &object["spec"];
    if request_of(spec).is_none() {
        let why = "Invalid value: \"\": PEM block type must be CERTIFICATE REQUEST";
        return Err(kind.invalid(name, "spec.request", "FieldValueInvalid", why));
    }
    if spec["signerName"].as_str().unwrap_or_default().is_empty() {
        let why = "Required value";
        return Err(kind.invalid(name, "spec.signerName", "FieldValueRequired", why));
    }
    if let Some(seconds) = spec["expirationSeconds"]
        .as_u64()
        .filter(|seconds| *seconds < SHORTEST)
    {
        let why = format!(
            "Invalid value: {seconds}: may not specify a duration less than 600 seconds (10 minutes)"
        );
        return Err(kind.invalid(name, "spec.expirationSeconds", "FieldValueInvalid", &why));
    }
    if spec["usages"].as_array().is_none_or(Vec::is_empty) {
        let why = "Required value";
        return Err(kind.invalid(name, "spec.usages", "FieldValueRequired", why));
    }
    let conditions = object["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    for (index, condition) in conditions.iter().enumerate() {
        let twice = conditions[..index]
            .iter()
            .any(|other| other["type"] == condition["type"]);
        if twice {
            let field = format!("status.conditions[{index}].type");
            let why = format!("Duplicate value: {}", condition["type"]);
            return Err(kind.invalid(name, &field, "FieldValueDuplicate", &why));
        }
    }
    Ok(())
}

fn has(object: &Value, condition: &str) -> bool {
    let conditions = object["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten();
    conditions
        .into_iter()
        .any(|found| found["type"] == condition && found["status"] == "True")
}

/// What is to be done about a request that was made or changed.
pub(super) fn noticed(core: &mut Core, object: &Value, now: Timestamp) {
    let name = object["metadata"]["name"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let has_certificate = object["status"].get("certificate").is_some();
    if has(object, "Approved")
        && !has_certificate
        && !has(object, "Failed")
        && !has(object, "Denied")
    {
        core.timers
            .at(now + core.controllers.signing, Task::Sign(name.clone()));
    }
    let life = if has(object, "Approved") || has(object, "Denied") {
        APPROVED_LIFE
    } else {
        PENDING_LIFE
    };
    core.timers.at(now + life, Task::CollectRequest(name));
}

/// What the cleaner does: removes requests that were approved or left for too long.
pub(super) fn collect(core: &mut Core, name: &str, now: Timestamp) {
    let Some(object) = core.find((GROUP, PLURAL), "", name) else {
        return;
    };
    let since = |text: &Value, life: Duration| {
        let time: Option<Timestamp> = text.as_str().and_then(|text| text.parse().ok());
        time.is_some_and(|time| time + life <= now)
    };
    let answered = object["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten();
    let answered: Vec<_> = answered
        .filter(|c| c["type"] == "Approved" || c["type"] == "Denied")
        .collect();
    let is_old = if answered.is_empty() {
        since(&object["metadata"]["creationTimestamp"], PENDING_LIFE)
    } else {
        answered
            .iter()
            .any(|condition| since(&condition["lastUpdateTime"], APPROVED_LIFE))
    };
    if is_old {
        let key = ObjectKey::new(core.id(GROUP, PLURAL), "", name);
        core.erase(&key, None, now);
    }
}

/// What the signer does with an approved request.
pub(super) fn sign(core: &mut Core, name: &str, now: Timestamp) {
    let Some(old) = core.find((GROUP, PLURAL), "", name) else {
        return;
    };
    let is_due = has(&old, "Approved") && !has(&old, "Denied") && !has(&old, "Failed");
    let spec = &old["spec"];
    if !is_due || old["status"].get("certificate").is_some() || spec["signerName"] != CLIENT_SIGNER
    {
        return;
    }
    let authority = match &core.controllers.signer {
        Signer::Absent => return,
        Signer::Works | Signer::OtherKey => core.authority.clone(),
        Signer::Other(authority) => authority.clone(),
    };
    let mut new = old.clone();
    let usages: Vec<&str> = spec["usages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let permitted = ["digital signature", "key encipherment", "client auth"];
    let foreign = usages.iter().find(|usage| !permitted.contains(usage));
    let why = foreign.map_or_else(
        || "missing required usage for client certificate: client auth".to_owned(),
        |usage| format!("invalid usage for client certificate: {usage}"),
    );
    let fits =
        usages.contains(&"client auth") && usages.iter().all(|usage| permitted.contains(usage));
    if fits {
        let other_key = matches!(core.controllers.signer, Signer::OtherKey);
        let Some(certificate) = authority.sign_request(spec, now, other_key) else {
            return;
        };
        new["status"]["certificate"] = json!(STANDARD.encode(certificate));
    } else {
        let failure = json!({
            "type": "Failed", "status": "True", "reason": "SignerValidationFailure",
            "message": why, "lastUpdateTime": timestamp(now),
            "lastTransitionTime": timestamp(now),
        });
        if let Some(conditions) = new["status"]["conditions"].as_array_mut() {
            conditions.push(failure);
        }
    }
    let id = core.id(GROUP, PLURAL);
    let Some(kind) = core.kinds.get(id).cloned() else {
        return;
    };
    let writer = Writer {
        kind: &kind,
        manager: "kube-controller-manager".to_owned(),
        subresource: "status".to_owned(),
        time: timestamp(now),
    };
    writer
        .updated(&old, &new, Managers::of(&old))
        .write(&mut new);
    core.store(&ObjectKey::new(id, "", name), new, now);
}
