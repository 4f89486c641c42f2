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

/// The rights that are missing, as `verb resource.group`: those of every logical cloud, and those that only
/// privileged ones need. One question per resource suffices for an administrator; only where that is
/// refused each verb is asked for.
pub(super) async fn missing(calls: &Calls<'_>) -> Result<(Vec<String>, Vec<String>), CallError> {
    let approve = [
        Right {
            verb: "create",
            group: "",
            resource: "serviceaccounts/token".to_owned(),
            name: "",
        },
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
    ];
    let special: Vec<Right> = approve.into_iter().chain(grant(Resource::Role)).collect();
    let standard = of_resources(calls, &Resource::STANDARD, &special);
    let special = grant(Resource::ClusterRole);
    let privileged = of_resources(calls, &Resource::PRIVILEGED, &special);
    futures::future::try_join(standard, privileged).await
}

/// What it takes to give rights that we do not have ourselves.
fn grant(roles: Resource) -> [Right; 2] {
    ["escalate", "bind"].map(|verb| Right {
        verb,
        group: roles.group(),
        resource: roles.plural().to_owned(),
        name: "",
    })
}

async fn of_resources(
    calls: &Calls<'_>,
    resources: &[Resource],
    special: &[Right],
) -> Result<Vec<String>, CallError> {
    let each = try_join_all(
        resources
            .iter()
            .map(|resource| of_resource(calls, *resource)),
    );
    let (each, special) = futures::future::try_join(each, refused(calls, special)).await?;
    Ok(each.into_iter().flatten().chain(special).collect())
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
