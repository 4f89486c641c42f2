//! Certificate requests, service accounts, roles and bindings.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dcm_types::Track;
use dcm_types::documents::{
    CredentialKind, PendingCertificate, Revision, RevisionPermission, RevisionUser,
};
use dcm_types::member_name::{self, SYSTEM_NAMESPACE};
use dcm_types::permission::Reach;
use serde_json::{Value, json};

use super::{CLOUD_ANNOTATION, Wanted, labels};
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

/// Where a service account of ours is: not in the namespace of the cloud, where whoever may create pods or
/// secrets could borrow it, and where it would count against the tenant's quotas.
pub(crate) fn account_place(name: String) -> Place {
    Place {
        resource: Resource::ServiceAccount,
        namespace: Some(SYSTEM_NAMESPACE.to_owned()),
        name,
    }
}

fn account_name(user: &RevisionUser) -> String {
    member_name::service_account(user.name.as_str(), &user.identity)
}

/// One service account per user of that type. No pod gets its token by itself.
pub(super) fn accounts(revision: &Revision) -> impl Iterator<Item = Wanted> + '_ {
    let robots = revision.slice.users.iter();
    robots
        .filter(|user| user.credential == CredentialKind::ServiceAccount)
        .map(|user| {
            let place = account_place(account_name(user));
            let mut object = Object::new(&place, &labels(revision));
            object.0["metadata"]["annotations"] = json!({
                CLOUD_ANNOTATION: revision.cloud.to_string(),
                USER_ANNOTATION: user.name.as_str(),
            });
            Wanted {
                track: Track::Access,
                place,
                object: object.with("automountServiceAccountToken", json!(false)),
            }
        })
}

/// Whom the bindings of a user name.
fn subject(user: &RevisionUser) -> Value {
    match user.credential {
        CredentialKind::Certificate | CredentialKind::SigningRequest => {
            json!({ "kind": "User", "name": user.identity, "apiGroup": RBAC_GROUP })
        }
        CredentialKind::ServiceAccount => json!({
            "kind": "ServiceAccount", "name": account_name(user), "namespace": SYSTEM_NAMESPACE,
        }),
    }
}

/// One role per permission, named by its identity and never by its position in a list (T12).
pub(super) fn roles(revision: &Revision) -> impl Iterator<Item = Wanted> + '_ {
    revision.slice.permissions.iter().map(|permission| {
        let place = Place {
            resource: match permission.reach {
                Reach::Own | Reach::Namespace(_) => Resource::Role,
                Reach::Cluster => Resource::ClusterRole,
            },
            namespace: namespace_of(revision, permission),
            name: role_name(revision, permission),
        };
        let mut annotations = annotations(revision, permission);
        annotations["dcm.internal/permission"] = permission.name.as_str().into();
        let rules = permission.rules.iter().map(|rule| {
            json!({
                "apiGroups": rule.api_groups,
                "resources": rule.resources,
                "verbs": rule.verbs,
            })
        });
        let object = Object::new(&place, &labels(revision)).with("rules", rules.collect());
        wanted(place, object, annotations)
    })
}

/// One binding per permission, to the identity of its user.
pub(super) fn bindings(revision: &Revision) -> impl Iterator<Item = Wanted> + '_ {
    revision.slice.permissions.iter().filter_map(|permission| {
        let users = &revision.slice.users;
        let user = users.iter().find(|user| user.name == permission.user)?;
        let (resource, role) = match permission.reach {
            Reach::Own | Reach::Namespace(_) => (Resource::RoleBinding, Resource::Role),
            Reach::Cluster => (Resource::ClusterRoleBinding, Resource::ClusterRole),
        };
        let place = Place {
            resource,
            namespace: namespace_of(revision, permission),
            name: binding_name(revision, permission, &user.identity),
        };
        let mut annotations = annotations(revision, permission);
        annotations[USER_ANNOTATION] = user.name.as_str().into();
        let object = Object::new(&place, &labels(revision))
            .with("subjects", json!([subject(user)]))
            .with(
                "roleRef",
                json!({
                    "apiGroup": RBAC_GROUP, "kind": role.kind(), "name": role_name(revision, permission),
                }),
            );
        Some(wanted(place, object, annotations))
    })
}

fn wanted(place: Place, mut object: Object, annotations: Value) -> Wanted {
    object.0["metadata"]["annotations"] = annotations;
    Wanted {
        track: Track::Access,
        place,
        object,
    }
}

/// For people; where others have theirs beside it, it says whose it is.
fn annotations(revision: &Revision, permission: &RevisionPermission) -> Value {
    if permission.reach.is_own() {
        json!({})
    } else {
        json!({ CLOUD_ANNOTATION: revision.cloud.to_string() })
    }
}

fn namespace_of(revision: &Revision, permission: &RevisionPermission) -> Option<String> {
    match &permission.reach {
        Reach::Own => Some(revision.slice.namespace.to_string()),
        Reach::Namespace(name) => Some(name.to_string()),
        Reach::Cluster => None,
    }
}

/// Where the role of a rendered binding is.
pub(crate) fn role_of(binding: &Object) -> Place {
    let resource = Resource::of_kind(binding.text("/roleRef/kind")).unwrap_or(Resource::Role);
    Place {
        resource,
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
    let (cloud, name) = (revision.cloud_uid, permission.name.as_str());
    if permission.reach.is_own() {
        member_name::role(cloud, permission.uid, name)
    } else {
        member_name::outer_role(&revision.cloud, cloud, permission.uid, name)
    }
}

fn binding_name(revision: &Revision, permission: &RevisionPermission, identity: &str) -> String {
    let (cloud, name) = (revision.cloud_uid, permission.name.as_str());
    if permission.reach.is_own() {
        member_name::role_binding(cloud, permission.uid, name, identity)
    } else {
        member_name::outer_binding(&revision.cloud, cloud, permission.uid, name, identity)
    }
}
