//! Names that we make inside a member cluster: a readable prefix and a hash over length-prefixed
//! parts, so that distinct inputs give distinct names (T11) and no user's text becomes an identity (T21).

use sha2::{Digest, Sha256};

use crate::key::{CloudKey, ClusterKey};
use crate::uid::Uid;

/// Namespace in a member that holds our anchors.
pub const SYSTEM_NAMESPACE: &str = "dcm-system";
/// Label on everything that belongs to a logical cloud; its value is the cloud's uid.
pub const OWNER_LABEL: &str = "dcm.internal/cloud";
/// Label that says who manages an object.
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// Value of [`MANAGED_BY_LABEL`], and our server-side apply field manager.
pub const MANAGER: &str = "dcm";
/// Name of the limit range in the namespace of a cloud.
pub const LIMIT_RANGE: &str = "dcm-defaults";
/// Name of the network policy for ingress in the namespace of a cloud.
pub const INGRESS_POLICY: &str = "dcm-ingress";
/// Name of the network policy for egress in the namespace of a cloud.
pub const EGRESS_POLICY: &str = "dcm-egress";

/// Hex digits of the hash in a name.
const HASH_DIGITS: usize = 12;
/// Longest name: an RFC 1123 label.
const NAME_LIMIT: usize = 63;
/// Hex digits of the hash in a user identity: 160 bits.
const IDENTITY_DIGITS: usize = 40;

fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

/// Lower-case letters, digits and single dashes of a text, as a readable part of a name.
fn slug(text: &str, limit: usize) -> String {
    let mut slug = String::new();
    for character in text.chars() {
        let lower = character.to_ascii_lowercase();
        if lower.is_ascii_lowercase() || lower.is_ascii_digit() {
            slug.push(lower);
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= limit {
            break;
        }
    }
    slug.trim_matches('-').to_owned()
}

fn with_hash(prefix: &str, readable: &str, parts: &[&[u8]]) -> String {
    let hash = &digest(parts)[..HASH_DIGITS];
    let room = NAME_LIMIT - prefix.len() - HASH_DIGITS - 2;
    let readable = slug(readable, room);
    if readable.is_empty() {
        format!("{prefix}-{hash}")
    } else {
        format!("{prefix}-{readable}-{hash}")
    }
}

/// Name of the anchor of a cloud.
pub fn anchor(cloud: Uid, cloud_name: &str) -> String {
    with_hash("anchor", cloud_name, &[b"anchor", cloud.as_bytes()])
}

/// First part of the trust domain of the mesh of a cloud.
pub fn mesh(cloud: Uid, cloud_name: &str) -> String {
    with_hash("mesh", cloud_name, &[b"mesh", cloud.as_bytes()])
}

/// Name of a cluster in a mesh: a label's value, and the same in all meshes that it is a member of.
pub fn mesh_cluster(cluster: &ClusterKey) -> String {
    of_mesh_member("member", cluster)
}

/// Name of the network of a cluster in a mesh. Pods of two clusters reach each other through gateways only.
pub fn mesh_network(cluster: &ClusterKey) -> String {
    of_mesh_member("net", cluster)
}

fn of_mesh_member(prefix: &str, cluster: &ClusterKey) -> String {
    let provider = cluster.provider.as_str().as_bytes();
    let parts = [
        prefix.as_bytes(),
        provider,
        cluster.cluster.as_str().as_bytes(),
    ];
    with_hash(prefix, cluster.cluster.as_str(), &parts)
}

/// Name of the role of a permission.
pub fn role(cloud: Uid, permission: Uid, permission_name: &str) -> String {
    with_hash(
        "dcm",
        permission_name,
        &[b"role", cloud.as_bytes(), permission.as_bytes()],
    )
}

/// Name of the binding of a permission to a user's identity. Role references cannot be changed, so
/// the identity is part of the name: another identity is another binding.
pub fn role_binding(cloud: Uid, permission: Uid, permission_name: &str, identity: &str) -> String {
    with_hash(
        "dcm",
        permission_name,
        &[
            b"binding",
            cloud.as_bytes(),
            permission.as_bytes(),
            identity.as_bytes(),
        ],
    )
}

/// Name of what a permission outside of the cloud's own namespace becomes there, and cluster-wide, where
/// other projects and clouds have theirs beside it: the readable part tells whose it is.
pub fn outer_role(cloud: &CloudKey, cloud_uid: Uid, permission: Uid, name: &str) -> String {
    with_hash(
        "dcm",
        &outer_readable(cloud, name),
        &[
            b"outer-role",
            cloud.project.as_str().as_bytes(),
            cloud_uid.as_bytes(),
            permission.as_bytes(),
        ],
    )
}

/// Name of the binding of such a permission to a user's identity.
pub fn outer_binding(
    cloud: &CloudKey,
    cloud_uid: Uid,
    permission: Uid,
    name: &str,
    identity: &str,
) -> String {
    with_hash(
        "dcm",
        &outer_readable(cloud, name),
        &[
            b"outer-binding",
            cloud.project.as_str().as_bytes(),
            cloud_uid.as_bytes(),
            permission.as_bytes(),
            identity.as_bytes(),
        ],
    )
}

fn outer_readable(cloud: &CloudKey, name: &str) -> String {
    format!("{}-{}-{name}", cloud.project, cloud.cloud)
}

/// Name of a certificate signing request: not guessable (T20).
pub fn certificate_request(random: [u8; 16]) -> String {
    format!("dcm-{}", hex::encode(random))
}

/// Common name of a user's certificate: 44 characters, under the X.509 limit of 64 (T21).
pub fn user_identity(project: Uid, cloud: Uid, user: Uid, identity_generation: u64) -> String {
    let hash = digest(&[
        b"user",
        project.as_bytes(),
        cloud.as_bytes(),
        user.as_bytes(),
        &identity_generation.to_be_bytes(),
    ]);
    format!("dcm:{}", &hash[..IDENTITY_DIGITS])
}

/// Name of the `ServiceAccount` of a user, in [`SYSTEM_NAMESPACE`]. Another identity is another one.
pub fn service_account(user_name: &str, identity: &str) -> String {
    with_hash("dcm", user_name, &[b"service-account", identity.as_bytes()])
}

/// Who the cluster takes a `ServiceAccount` of ours for.
pub fn service_account_subject(name: &str) -> String {
    format!("system:serviceaccount:{SYSTEM_NAMESPACE}:{name}")
}

/// Namespace name derived from the name of a logical cloud, for a body that names none.
pub fn namespace_from_cloud(cloud_name: &str) -> String {
    let readable = slug(cloud_name, NAME_LIMIT);
    let taken = crate::name::NamespaceName::parse(&readable).is_err();
    if readable == cloud_name && !taken {
        return readable;
    }
    with_hash("lc", cloud_name, &[b"namespace", cloud_name.as_bytes()])
}
