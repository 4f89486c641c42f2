//! Certificate requests, roles and bindings.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dcm_types::Track;
use dcm_types::documents::{PendingCertificate, Revision, RevisionPermission};
use dcm_types::member_name;
use serde_json::{Value, json};

use super::{CLOUD_ANNOTATION, Wanted, in_namespace, labels};
use dcm_cluster::{Object, Place, Resource};

/// Signer of client certificates for the API server.
/// <https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/>
pub(crate) const SIGNER: &str = "kubernetes.io/kube-apiserver-client";
/// Usages of a client certificate with an elliptic-curve key.
pub(crate) const USAGES: [&str; 2] = ["digital signature", "client auth"];
/// API group of roles and bindings.
const RBAC_GROUP: &str = "rbac.authorization.k8s.io";
/// Annotation of a binding: the user's name, for people.
const USER_ANNOTATION: &str = "dcm.internal/user";

/// The certificate signing request of a pending certificate.
pub(crate) fn certificate_request(
    revision: &Revision,
    pending: &PendingCertificate,
    seconds: u64,
) -> Object {
    let place = Place {
        resource: Resource::CertificateSigningRequest,
        namespace: None,
        name: pending.request_name.clone(),
    };
    let mut object = Object::new(&place, &labels(revision)).with(
        "spec",
        json!({
            "request": STANDARD.encode(&pending.request_pem),
            "signerName": SIGNER,
            "expirationSeconds": seconds,
            "usages": USAGES,
        }),
    );
    object.0["metadata"]["annotations"] = json!({ CLOUD_ANNOTATION: revision.cloud.to_string() });
    object
}

/// One role per permission, named by its identity and never by its position in a list (T12).
pub(super) fn roles(revision: &Revision) -> impl Iterator<Item = Wanted> + '_ {
    revision.slice.permissions.iter().map(|permission| {
        let name = role_name(revision, permission);
        let (place, mut object) = in_namespace(revision, Resource::Role, &name);
        object.0["metadata"]["annotations"] =
            json!({ "dcm.internal/permission": permission.name.as_str() });
        let rules = permission.rules.iter().map(|rule| {
            json!({
                "apiGroups": rule.api_groups,
                "resources": rule.resources,
                "verbs": rule.verbs,
            })
        });
        let rules = rules.collect();
        Wanted {
            track: Track::Access,
            place,
            object: object.with("rules", rules),
        }
    })
}

/// One binding per permission, to the identity of its user.
pub(super) fn bindings(revision: &Revision) -> impl Iterator<Item = Wanted> + '_ {
    revision.slice.permissions.iter().filter_map(|permission| {
        let user = revision
            .slice
            .users
            .iter()
            .find(|user| user.name == permission.user)?;
        let name = member_name::role_binding(
            revision.cloud_uid,
            permission.uid,
            permission.name.as_str(),
            &user.identity,
        );
        let (place, mut object) = in_namespace(revision, Resource::RoleBinding, &name);
        object.0["metadata"]["annotations"] = json!({ USER_ANNOTATION: user.name.as_str() });
        let object = object
            .with(
                "subjects",
                json!([{ "kind": "User", "name": user.identity, "apiGroup": RBAC_GROUP }]),
            )
            .with(
                "roleRef",
                json!({
                    "apiGroup": RBAC_GROUP, "kind": "Role", "name": role_name(revision, permission),
                }),
            );
        Some(Wanted {
            track: Track::Access,
            place,
            object,
        })
    })
}

/// Where the role of a rendered binding is.
pub(crate) fn role_of(binding: &Object) -> Place {
    Place {
        resource: Resource::Role,
        namespace: binding.place().and_then(|place| place.namespace),
        name: binding.text("/roleRef/name").to_owned(),
    }
}

/// The name of the user whom a rendered binding is for.
pub(crate) fn binding_user(binding: &Object) -> &str {
    binding
        .at("/metadata/annotations")
        .and_then(|annotations| annotations.get(USER_ANNOTATION))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn role_name(revision: &Revision, permission: &RevisionPermission) -> String {
    member_name::role(revision.cloud_uid, permission.uid, permission.name.as_str())
}
