//! DELETE, of one object or of a collection.

use serde_json::{Value, json};

use super::core::{Asking, Core, deleted, key_of};
use super::kinds::Kind;
use super::message::{Refusal, Response};
use super::objects::ObjectKey;
use super::paths::Target;
use super::read::item;
use super::selector::Selector;

impl Core {
    pub(super) fn delete(
        &mut self,
        asking: Asking<'_>,
        target: &Target,
    ) -> Result<Response, Refusal> {
        let object = self.get(target)?;
        let options = if asking.request.body.is_empty() {
            json!({})
        } else {
            asking.body()?
        };
        check_preconditions(
            &target.kind,
            &target.name,
            &object,
            &options["preconditions"],
        )?;
        if asking.request.parameter("dryRun") == Some("All") {
            return Ok(Response::ok(deleted(target, &object)));
        }
        let key = key_of(target);
        if !has_finalizers(&object) {
            let last = self.erase(&key, None, asking.now);
            let last = last.filter(|_| target.kind.shows_deleted());
            return Ok(Response::ok(
                last.unwrap_or_else(|| deleted(target, &object)),
            ));
        }
        let object = self.mark(&key, object, asking);
        Ok(Response::ok(object))
    }

    /// Marks an object that finalizers hold; once is enough.
    fn mark(&mut self, key: &ObjectKey, mut object: Value, asking: Asking<'_>) -> Value {
        let is_namespace = object["kind"] == "Namespace";
        let metadata = &mut object["metadata"];
        if metadata.get("deletionTimestamp").is_some() {
            return object;
        }
        metadata["deletionTimestamp"] = json!(asking.time());
        if is_namespace {
            object["status"]["phase"] = json!("Terminating");
        } else {
            metadata["deletionGracePeriodSeconds"] = json!(0);
            if let Some(generation) = metadata["generation"].as_u64() {
                metadata["generation"] = json!(generation + 1);
            }
        }
        self.store(key, object, asking.now)
    }

    pub(super) fn delete_collection(
        &mut self,
        asking: Asking<'_>,
        target: &Target,
    ) -> Result<Response, Refusal> {
        let selector = Selector::of(asking.request)?;
        let mut items = Vec::new();
        for key in self.objects.keys(target.id, target.within()) {
            let Some(object) = self
                .objects
                .get(&key)
                .filter(|object| selector.matches(object))
            else {
                continue;
            };
            if has_finalizers(&object) {
                items.push(self.mark(&key, object, asking));
            } else {
                self.erase(&key, None, asking.now);
                items.push(object);
            }
        }
        Ok(Response::ok(json!({
            "kind": format!("{}List", target.kind.kind), "apiVersion": target.kind.api_version(),
            "metadata": { "resourceVersion": self.objects.version().to_string() }, "items": items.into_iter().map(|object| item(target, object)).collect::<Vec<_>>(),
        })))
    }
}

pub(super) fn has_finalizers(object: &Value) -> bool {
    let some = |list: &Value| list.as_array().is_some_and(|list| !list.is_empty());
    some(&object["metadata"]["finalizers"])
        || (object["kind"] == "Namespace" && some(&object["spec"]["finalizers"]))
}

fn check_preconditions(
    kind: &Kind,
    name: &str,
    object: &Value,
    wanted: &Value,
) -> Result<(), Refusal> {
    let rows = [
        ("uid", "UID", "deleted and then recreated"),
        ("resourceVersion", "ResourceVersion", "modified"),
    ];
    for (field, title, what) in rows {
        let Some(wanted) = wanted[field].as_str() else {
            continue;
        };
        let found = object["metadata"][field].as_str().unwrap_or_default();
        if wanted != found {
            let message = format!(
                "Operation cannot be fulfilled on {} {name:?}: the {title} in the precondition ({wanted}) does not match the \
                 {title} in record ({found}). The object might have been {what}",
                kind.qualified_kind()
            );
            return Err(Refusal::new(409, "Conflict", message).about(
                name,
                &kind.group,
                &kind.kind,
            ));
        }
    }
    Ok(())
}
