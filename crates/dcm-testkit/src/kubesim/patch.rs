//! PATCH: JSON patch, merge patch, and server-side apply.

use serde_json::{Value, json};

use super::core::{Asking, Core, key_of};
use super::decode::decode;
use super::managers::Managers;
use super::message::{Refusal, Response};
use super::paths::Target;
use super::rbac;
use super::strategy::remove;
use super::write::{check_place, writer};

impl Core {
    pub(super) fn patch(
        &mut self,
        asking: Asking<'_>,
        target: &Target,
    ) -> Result<Response, Refusal> {
        match asking.request.media_type.as_str() {
            "application/apply-patch+yaml" => self.apply(asking, target),
            "application/json-patch+json" => self.change(asking, target, json_patch),
            "application/merge-patch+json" => self.change(asking, target, |_, object, patch| {
                Ok(merge_patch(object, patch))
            }),
            "application/strategic-merge-patch+json" if !target.kind.custom => {
                self.change(asking, target, |_, object, patch| {
                    Ok(merge_patch(object, patch))
                })
            }
            other => {
                let message = format!(
                    "the body of the request was in an unknown format - accepted media types include: \
                     application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml; \
                     this was {other}"
                );
                Err(Refusal::new(415, "UnsupportedMediaType", message))
            }
        }
    }

    fn change(
        &mut self,
        asking: Asking<'_>,
        target: &Target,
        patch: fn(&Target, Value, &Value) -> Result<Value, Refusal>,
    ) -> Result<Response, Refusal> {
        let old = self.get(target)?;
        let patched = patch(target, old.clone(), &asking.body()?)?;
        let mut object = decode(&target.kind, patched)?;
        check_place(&mut object, target)?;
        let given = Managers::read(&object["metadata"]["managedFields"]);
        let managers = given.unwrap_or_else(|| Managers::of(&old));
        let managers = writer(asking, target).updated(&old, &object, managers);
        self.replace(asking, target, &old, object, managers)
    }

    fn apply(&mut self, asking: Asking<'_>, target: &Target) -> Result<Response, Refusal> {
        if asking
            .request
            .parameter("fieldManager")
            .unwrap_or_default()
            .is_empty()
        {
            let message = "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch";
            return Err(Refusal::new(422, "Invalid", message)
                .about("", "meta.k8s.io", "PatchOptions")
                .cause(
                    "FieldValueRequired",
                    "Required value: is required for apply patch",
                    "fieldManager",
                ));
        }
        // JSON is YAML enough for whoever applies here.
        let mut applied = asking.body()?;
        if applied["metadata"]
            .get("managedFields")
            .is_some_and(|list| !list.is_null())
        {
            return Err(Refusal::bad_request("metadata.managedFields must be nil"));
        }
        if applied["apiVersion"].is_null() || applied["kind"].is_null() {
            return Err(Refusal::bad_request(
                "the applied object must say its apiVersion and kind",
            ));
        }
        check_place(&mut applied, target)?;
        // Nothing is removed or added before the merge: what stands in the body is what is owned.
        let force = asking.request.is_set("force");
        match self.objects.get(&key_of(target)) {
            Some(old) => {
                let (merged, managers) = writer(asking, target).applied(&old, &applied, force)?;
                let mut object = decode(&target.kind, merged)?;
                let version = &applied["metadata"]["resourceVersion"];
                if version.is_null() {
                    object["metadata"]["resourceVersion"] =
                        old["metadata"]["resourceVersion"].clone();
                }
                self.replace(asking, target, &old, object, managers)
            }
            None => self.apply_absent(asking, target, &applied),
        }
    }

    fn apply_absent(
        &mut self,
        asking: Asking<'_>,
        target: &Target,
        applied: &Value,
    ) -> Result<Response, Refusal> {
        let kind = &target.kind;
        if !target.subresource.is_empty() {
            return Err(kind.not_found(&target.name));
        }
        rbac::check(self, asking.user, "create", target)?;
        if let Some(uid) = applied["metadata"]["uid"].as_str() {
            let why = format!(
                "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            );
            return Err(kind.conflict(&target.name, &why));
        }
        let empty = kind.empty_object();
        let (merged, managers) = writer(asking, target).applied(&empty, applied, true)?;
        let mut object = decode(kind, merged)?;
        remove(&mut object["metadata"], "resourceVersion");
        self.insert(asking, target, object, managers)
    }
}

/// RFC 7386.
fn merge_patch(mut object: Value, patch: &Value) -> Value {
    lay(&mut object, patch);
    object
}

fn lay(object: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    for (name, value) in patch {
        if value.is_null() {
            remove(object, name);
        } else {
            lay(&mut object[name], value);
        }
    }
}

/// RFC 6902.
fn json_patch(target: &Target, mut object: Value, patch: &Value) -> Result<Value, Refusal> {
    let Some(operations) = patch.as_array() else {
        return Err(Refusal::bad_request(
            "json: cannot unmarshal the patch into a list of operations",
        ));
    };
    for operation in operations {
        step(&mut object, operation).map_err(|message| {
            let message = format!(
                "the server rejected our request due to an error in our request: {message}"
            );
            Refusal::new(422, "Invalid", message).about("", "", &target.kind.plural)
        })?;
    }
    Ok(object)
}

fn step(object: &mut Value, operation: &Value) -> Result<(), String> {
    let text = |name: &str| operation[name].as_str().unwrap_or_default();
    let (path, value) = (text("path"), operation["value"].clone());
    match text("op") {
        "test" if object.pointer(path).unwrap_or(&Value::Null) == &value => Ok(()),
        "test" => Err(format!("testing value {path} failed: test failed")),
        "add" => put(object, path, value, true),
        // A key of a map may be new, as at the real server.
        "replace" => put(object, path, value, false),
        "remove" if object.pointer(path).is_some() => take(object, path).map(|_| ()),
        "remove" => Err(format!(
            "{} operation does not apply: doc is missing path: {path}",
            text("op")
        )),
        "move" => {
            let moved = take(object, text("from"))?;
            put(object, path, moved, true)
        }
        "copy" => {
            let copied = object.pointer(text("from")).cloned();
            let copied =
                copied.ok_or_else(|| format!("copy operation does not apply: {}", text("from")))?;
            put(object, path, copied, true)
        }
        other => Err(format!("Unexpected kind: {other}")),
    }
}

/// The holder of a path, and the last step of it.
fn holder<'a>(object: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), String> {
    let (parent, last) = path
        .rsplit_once('/')
        .ok_or_else(|| format!("no path: {path}"))?;
    let last = last.replace("~1", "/").replace("~0", "~");
    let holder = object.pointer_mut(parent);
    let holder = holder.ok_or_else(|| {
        format!("add operation does not apply: doc is missing path: {path}: missing value")
    })?;
    Ok((holder, last))
}

fn put(object: &mut Value, path: &str, value: Value, insert: bool) -> Result<(), String> {
    let (holder, last) = holder(object, path)?;
    match holder {
        Value::Object(map) => {
            map.insert(last, value);
            Ok(())
        }
        Value::Array(items) => {
            let index = if last == "-" {
                Some(items.len())
            } else {
                last.parse().ok()
            };
            let index = index.filter(|index| *index <= items.len());
            let index = index.ok_or_else(|| format!("Unable to access invalid index: {last}"))?;
            if insert {
                items.insert(index, value);
            } else {
                items[index] = value;
            }
            Ok(())
        }
        _ => Err(format!("doc is missing path: {path}")),
    }
}

fn take(object: &mut Value, path: &str) -> Result<Value, String> {
    let missing = || format!("doc is missing path: {path}");
    let (holder, last) = holder(object, path)?;
    match holder {
        Value::Object(map) => map.remove(&last).ok_or_else(missing),
        Value::Array(items) => {
            let index = last
                .parse()
                .ok()
                .filter(|index: &usize| *index < items.len());
            index.map(|index| items.remove(index)).ok_or_else(missing)
        }
        _ => Err(missing()),
    }
}
