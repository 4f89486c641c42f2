//! Questions to the API server about whoever asks: who am I, may I.

use serde_json::{Value, json};

use super::core::{Asking, Core, not_allowed};
use super::kinds::Kind;
use super::managers::Writer;
use super::message::{Refusal, Response};
use super::rbac::{Attempt, decide};
use super::shape::{METADATA, Shape};

const LEAF: Shape = Shape::Leaf;
const ACCESS: Shape = Shape::Struct(&[
    ("metadata", METADATA),
    (
        "spec",
        Shape::Struct(&[
            (
                "resourceAttributes",
                Shape::Struct(&[
                    ("group", LEAF),
                    ("name", LEAF),
                    ("namespace", LEAF),
                    ("resource", LEAF),
                    ("subresource", LEAF),
                    ("verb", LEAF),
                    ("version", LEAF),
                ]),
            ),
            (
                "nonResourceAttributes",
                Shape::Struct(&[("path", LEAF), ("verb", LEAF)]),
            ),
        ]),
    ),
]);

/// Even questions have owners of their fields.
pub(super) fn own(
    asking: Asking<'_>,
    (group, subresource): (&str, &str),
    shape: Shape,
    review: &mut Value,
) {
    let kind = Kind {
        group: group.to_owned(),
        version: "v1".to_owned(),
        kind: String::new(),
        plural: String::new(),
        singular: String::new(),
        short_names: Vec::new(),
        namespaced: false,
        verbs: &[],
        subresources: Vec::new(),
        shape,
        empty: "",
        custom: false,
    };
    let writer = Writer {
        kind: &kind,
        manager: asking.manager(),
        subresource: String::new(),
        time: asking.time(),
    };
    let asked = json!({ "metadata": {}, "spec": review["spec"] });
    let managers = writer.created(&json!({ "metadata": {}, "spec": {} }), &asked);
    managers.through(subresource).write(review);
}

/// The answer to a review; `None` when the path is none.
pub(super) fn serve(core: &Core, asking: Asking<'_>) -> Result<Option<Response>, Refusal> {
    let (group, plural, kind) = match asking.request.path.as_str() {
        "/apis/authentication.k8s.io/v1/selfsubjectreviews" => (
            "authentication.k8s.io",
            "selfsubjectreviews",
            "SelfSubjectReview",
        ),
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" => (
            "authorization.k8s.io",
            "selfsubjectaccessreviews",
            "SelfSubjectAccessReview",
        ),
        _ => return Ok(None),
    };
    if asking.request.method != "POST" {
        return Err(not_allowed());
    }
    let right = Attempt {
        verb: "create",
        group,
        resource: plural.to_owned(),
        ..Attempt::default()
    };
    if !decide(core, asking.user, &right).allowed {
        let message = format!(
            "{plural}.{group} is forbidden: User {:?} cannot create resource {plural:?} in API group {group:?} at the cluster scope",
            asking.user.name
        );
        return Err(Refusal::new(403, "Forbidden", message).about("", group, plural));
    }
    let mut review = asking.body()?;
    review["kind"] = json!(kind);
    review["apiVersion"] = json!(format!("{group}/v1"));
    if kind == "SelfSubjectReview" {
        review["metadata"] = json!({ "creationTimestamp": asking.time() });
        review["status"] = json!({ "userInfo": user_info(asking) });
    } else {
        review["metadata"] = json!({});
        access(core, asking, &mut review);
        own(asking, ("authorization.k8s.io", ""), ACCESS, &mut review);
    }
    Ok(Some(Response::with(201, review)))
}

fn user_info(asking: Asking<'_>) -> Value {
    let user = asking.user;
    let mut info = json!({ "username": user.name, "groups": user.groups });
    if !user.uid.is_empty() {
        info["uid"] = json!(user.uid);
    }
    if !user.extra.is_empty() {
        info["extra"] = Value::Object(user.extra.clone());
    }
    info
}

fn access(core: &Core, asking: Asking<'_>, review: &mut Value) {
    let attributes = review.pointer_mut("/spec/resourceAttributes");
    if let Some(attributes) = attributes.and_then(Value::as_object_mut) {
        attributes.retain(|_, value| value != "");
    }
    let spec = &review["spec"];
    let attributes = &spec["resourceAttributes"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let [verb, group, namespace, name] =
        ["verb", "group", "namespace", "name"].map(|field| text(&attributes[field]));
    let (resource, sub) = (
        text(&attributes["resource"]),
        text(&attributes["subresource"]),
    );
    let (path, path_verb) = (
        text(&spec["nonResourceAttributes"]["path"]),
        text(&spec["nonResourceAttributes"]["verb"]),
    );
    let attempt = Attempt {
        verb: if path.is_empty() { &verb } else { &path_verb },
        group: &group,
        resource: if sub.is_empty() {
            resource
        } else {
            format!("{resource}/{sub}")
        },
        namespace: &namespace,
        name: &name,
        path: &path,
    };
    let decision = decide(core, asking.user, &attempt);
    let mut status = json!({ "allowed": decision.allowed });
    if !decision.reason.is_empty() {
        status["reason"] = json!(decision.reason);
    }
    review["status"] = status;
}
