//! What we may do in a cluster, asked of itself (`SelfSubjectAccessReview`).

use futures::future::try_join_all;
use serde_json::{Value, json};

use crate::render::SIGNER;
use dcm_cluster::call::Calls;
use dcm_cluster::{CallError, Resource};

/// What we do with every resource that we write.
const VERBS: [&str; 6] = ["get", "list", "watch", "create", "patch", "delete"];

/// A right as the review names it.
struct Right {
    verb: &'static str,
    group: &'static str,
    resource: String,
    name: &'static str,
}

impl Right {
    fn attributes(&self) -> Value {
        let (resource, subresource) = self
            .resource
            .split_once('/')
            .unwrap_or((&self.resource, ""));
        json!({
            "verb": self.verb, "group": self.group, "resource": resource,
            "subresource": subresource, "name": self.name,
        })
    }

    fn text(&self) -> String {
        if self.group.is_empty() {
            format!("{} {}", self.verb, self.resource)
        } else {
            format!("{} {}.{}", self.verb, self.resource, self.group)
        }
    }
}

/// The rights that are missing, as `verb resource.group`. One question per resource suffices for an
/// administrator; only where that is refused each verb is asked for.
pub(super) async fn missing(calls: &Calls<'_>) -> Result<Vec<String>, CallError> {
    let per_resource = try_join_all(Resource::ALL.map(|resource| of_resource(calls, resource)));
    let special = [
        Right {
            verb: "update",
            group: "certificates.k8s.io",
            resource: "certificatesigningrequests/approval".to_owned(),
            name: "",
        },
        Right {
            verb: "approve",
            group: "certificates.k8s.io",
            resource: "signers".to_owned(),
            name: SIGNER,
        },
        Right {
            verb: "escalate",
            group: "rbac.authorization.k8s.io",
            resource: "roles".to_owned(),
            name: "",
        },
        Right {
            verb: "bind",
            group: "rbac.authorization.k8s.io",
            resource: "roles".to_owned(),
            name: "",
        },
    ];
    let special = refused(calls, &special);
    let (per_resource, special) = futures::future::try_join(per_resource, special).await?;
    Ok(per_resource.into_iter().flatten().chain(special).collect())
}

async fn of_resource(calls: &Calls<'_>, resource: Resource) -> Result<Vec<String>, CallError> {
    let right = |verb| Right {
        verb,
        group: resource.group(),
        resource: resource.plural().to_owned(),
        name: "",
    };
    if allowed(calls, &right("*")).await? {
        return Ok(Vec::new());
    }
    refused(calls, &VERBS.map(right)).await
}

async fn refused(calls: &Calls<'_>, rights: &[Right]) -> Result<Vec<String>, CallError> {
    let answers = try_join_all(rights.iter().map(|right| allowed(calls, right))).await?;
    Ok(rights
        .iter()
        .zip(answers)
        .filter(|(_, allowed)| !allowed)
        .map(|(right, _)| right.text())
        .collect())
}

async fn allowed(calls: &Calls<'_>, right: &Right) -> Result<bool, CallError> {
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": right.attributes() },
    });
    let answer = calls.review(review).await?;
    Ok(answer
        .at("/status/allowed")
        .and_then(Value::as_bool)
        .unwrap_or(false))
}
