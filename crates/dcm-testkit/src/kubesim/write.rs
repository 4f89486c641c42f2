//! POST and PUT.

use serde_json::{Value, json};

use super::core::{Asking, Core, key_of};
use super::decode::decode;
use super::managers::{Managers, Writer};
use super::message::{Refusal, Response};
use super::objects::ObjectKey;
use super::paths::Target;
use super::strategy::{self, remove};
use super::{csr, quota, rbac};

pub(super) fn writer<'a>(asking: Asking<'_>, target: &'a Target) -> Writer<'a> {
    Writer {
        kind: &target.kind,
        manager: asking.manager(),
        subresource: target.subresource.clone(),
        time: asking.time(),
    }
}

/// Names and namespaces in the body must be those of the path.
pub(super) fn check_place(object: &mut Value, target: &Target) -> Result<(), Refusal> {
    let metadata = &mut object["metadata"];
    if target.kind.namespaced {
        let given = metadata["namespace"].as_str().unwrap_or_default();
        if !given.is_empty() && given != target.namespace {
            return Err(Refusal::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        metadata["namespace"] = json!(target.namespace);
    } else {
        remove(metadata, "namespace");
    }
    if target.name.is_empty() {
        return Ok(());
    }
    let given = metadata["name"].as_str().unwrap_or_default();
    if !given.is_empty() && given != target.name {
        let message = format!(
            "the name of the object ({given}) does not match the name on the URL ({})",
            target.name
        );
        return Err(Refusal::bad_request(message));
    }
    metadata["name"] = json!(target.name);
    Ok(())
}

impl Core {
    pub(super) fn create(
        &mut self,
        asking: Asking<'_>,
        target: &Target,
    ) -> Result<Response, Refusal> {
        let mut object = decode(&target.kind, asking.body()?)?;
        check_place(&mut object, target)?;
        let version = object["metadata"]["resourceVersion"]
            .as_str()
            .unwrap_or_default();
        if !version.is_empty() && version != "0" {
            let message = "resourceVersion should not be set on objects to be created";
            return Err(Refusal::new(500, "", message));
        }
        remove(&mut object["metadata"], "managedFields");
        let managers = writer(asking, target).created(&target.kind.empty_object(), &object);
        self.insert(asking, target, object, managers)
    }

    /// Stores a new object: by POST, by the apply of what is not there, or by a PUT of some kinds.
    pub(super) fn insert(
        &mut self,
        asking: Asking<'_>,
        target: &Target,
        mut object: Value,
        managers: Managers,
    ) -> Result<Response, Refusal> {
        let kind = &target.kind;
        let metadata = &mut object["metadata"];
        let prefix = metadata["generateName"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if metadata["name"].as_str().unwrap_or_default().is_empty() && !prefix.is_empty() {
            metadata["name"] = json!(format!("{prefix}{}", self.suffix()));
            if kind.kind == "Namespace" {
                let name = metadata["name"].clone();
                metadata["labels"]["kubernetes.io/metadata.name"] = name;
            }
        }
        for name in [
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "selfLink",
            "resourceVersion",
        ] {
            remove(metadata, name);
        }
        let name = metadata["name"].as_str().unwrap_or_default().to_owned();
        self.check_namespace(target, &name)?;
        metadata["uid"] = json!(self.uid());
        metadata["creationTimestamp"] = json!(asking.time());
        strategy::before_create(kind, &mut object, asking)?;
        strategy::validate(kind, &object)?;
        rbac::check_escalation(self, asking.user, kind, None, &object)?;
        let key = ObjectKey::new(target.id, &target.namespace, &name);
        let dry = asking.request.parameter("dryRun") == Some("All");
        quota::admit(self, target, &name, asking.now, dry)?;
        if let Some(known) = self.objects.get(&key) {
            let mut message = format!("{} {name:?} already exists", kind.qualified());
            if known["metadata"].get("deletionTimestamp").is_some() {
                message = format!("object is being deleted: {message}");
            }
            return Err(Refusal::new(409, "AlreadyExists", message).about(
                &name,
                &kind.group,
                &kind.plural,
            ));
        }
        managers.write(&mut object);
        if !dry {
            object = self.store(&key, object, asking.now);
        }
        Ok(Response::with(201, object))
    }

    /// A namespace must be there, and not on its way out.
    fn check_namespace(&self, target: &Target, name: &str) -> Result<(), Refusal> {
        if !target.kind.namespaced {
            return Ok(());
        }
        let namespace = &target.namespace;
        let Some(found) = self.find(("", "namespaces"), "", namespace) else {
            let message = format!("namespaces {namespace:?} not found");
            return Err(Refusal::new(404, "NotFound", message).about(namespace, "", "namespaces"));
        };
        if found["metadata"].get("deletionTimestamp").is_none() {
            return Ok(());
        }
        let why = format!(
            "unable to create new content in namespace {namespace} because it is being terminated"
        );
        let cause = format!("namespace {namespace} is being terminated");
        Err(target.kind.forbidden(name, &why).cause(
            "NamespaceTerminating",
            &cause,
            "metadata.namespace",
        ))
    }

    pub(super) fn update(
        &mut self,
        asking: Asking<'_>,
        target: &Target,
    ) -> Result<Response, Refusal> {
        let mut object = decode(&target.kind, asking.body()?)?;
        check_place(&mut object, target)?;
        let Some(old) = self.objects.get(&key_of(target)) else {
            return self.update_absent(asking, target, object);
        };
        let given = Managers::read(&object["metadata"]["managedFields"]);
        let managers = given.unwrap_or_else(|| Managers::of(&old));
        let managers = writer(asking, target).updated(&old, &object, managers);
        self.replace(asking, target, &old, object, managers)
    }

    fn update_absent(
        &mut self,
        asking: Asking<'_>,
        target: &Target,
        object: Value,
    ) -> Result<Response, Refusal> {
        if !target.kind.created_by_update() || !target.subresource.is_empty() {
            return Err(target.kind.not_found(&target.name));
        }
        rbac::check(self, asking.user, "create", target)?;
        let empty = target.kind.empty_object();
        let managers = writer(asking, target).created(&empty, &object);
        self.insert(asking, target, object, managers)
    }

    /// Stores a changed object: by PUT, or by a patch.
    pub(super) fn replace(
        &mut self,
        asking: Asking<'_>,
        target: &Target,
        old: &Value,
        mut object: Value,
        managers: Managers,
    ) -> Result<Response, Refusal> {
        let kind = &target.kind;
        check_preconditions(&asking.request.method, target, old, &object)?;
        if target.subresource == "approval" {
            csr::check_approver(self, asking, kind, old)?;
        }
        strategy::before_update(kind, &target.subresource, old, &mut object, asking)?;
        strategy::validate(kind, &object)?;
        rbac::check_escalation(self, asking.user, kind, Some(old), &object)?;
        managers.write(&mut object);
        object["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"].clone();
        let is_same = without_times(&object) == without_times(old);
        let dry = asking.request.parameter("dryRun") == Some("All");
        if is_same || dry {
            return Ok(Response::ok(if is_same { old.clone() } else { object }));
        }
        let key = key_of(target);
        if is_finished(&object) {
            self.erase(&key, Some(object.clone()), asking.now);
            return Ok(Response::ok(object));
        }
        Ok(Response::ok(self.store(&key, object, asking.now)))
    }
}

/// An object that is being deleted goes with its last finalizer.
pub(super) fn is_finished(object: &Value) -> bool {
    let none = |list: &Value| list.as_array().is_none_or(Vec::is_empty);
    let spec = object["kind"] != "Namespace" || none(&object["spec"]["finalizers"]);
    object["metadata"].get("deletionTimestamp").is_some()
        && none(&object["metadata"]["finalizers"])
        && spec
}

/// Where a real server keeps an object; it says so in some errors.
fn storage_key(target: &Target) -> String {
    let kind = &target.kind;
    let group = if kind.custom {
        format!("{}/", kind.group)
    } else {
        String::new()
    };
    let namespace = if kind.namespaced {
        format!("{}/", target.namespace)
    } else {
        String::new()
    };
    format!(
        "/registry/{group}{}/{namespace}{}",
        kind.plural, target.name
    )
}

/// Uid and resourceVersion that the body carries must be those that are there.
fn check_preconditions(
    method: &str,
    target: &Target,
    old: &Value,
    new: &Value,
) -> Result<(), Refusal> {
    let (kind, name) = (&target.kind, target.name.as_str());
    let text = |object: &Value, field: &str| {
        object["metadata"][field]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let (version, uid) = (text(new, "resourceVersion"), text(new, "uid"));
    if version.is_empty() && kind.custom {
        let why = "Invalid value: 0: must be specified for an update";
        let field = "metadata.resourceVersion";
        let message = format!("{} {name:?} is invalid: {field}: {why}", kind.qualified());
        let refusal = Refusal::new(422, "Invalid", message).about(name, &kind.group, &kind.plural);
        return Err(refusal.cause("FieldValueInvalid", why, field));
    }
    if !uid.is_empty() && uid != text(old, "uid") {
        if method == "PATCH" {
            let why = format!("Invalid value: {uid:?}: field is immutable");
            let field = "metadata.uid";
            // Told twice, as by the real one, which checks it in two places.
            let refusal = kind.invalid(name, field, "FieldValueInvalid", &why);
            return Err(refusal.cause("FieldValueInvalid", &why, field));
        }
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: {}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: \
             UID in precondition: {uid}, UID in object meta: {}",
            storage_key(target),
            text(old, "uid")
        );
        return Err(kind.conflict(name, &why));
    }
    if !version.is_empty() && version != "0" && version != text(old, "resourceVersion") {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        return Err(kind.conflict(name, why));
    }
    Ok(())
}

/// The object without the times of its owners: those alone are no change.
fn without_times(object: &Value) -> Value {
    let mut object = object.clone();
    let entries = object
        .pointer_mut("/metadata/managedFields")
        .and_then(Value::as_array_mut);
    for entry in entries.into_iter().flatten() {
        remove(entry, "time");
    }
    object
}
