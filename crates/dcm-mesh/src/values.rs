//! What a renderer is told: one document of kind `IstioOperator` for the control plane of a mesh.

use serde_json::{Value, json};

use crate::{Error, Member, MeshName, gateway};

/// Label of the namespaces that belong to a mesh; its value is [`Mesh::id`].
pub const DISCOVERY_LABEL: &str = "dcm.internal/mesh";
/// Label of the namespaces whose pods get a proxy; its value is the revision.
pub const REVISION_LABEL: &str = "istio.io/rev";
/// Label of a namespace or a gateway that says in which network it is.
pub const NETWORK_LABEL: &str = "topology.istio.io/network";

/// Label of the pods that serve traffic from other members.
pub const GATEWAY_LABEL: (&str, &str) = ("istio", "eastwestgateway");
/// Name of their Deployment and of their Service, whose address is what other members are told.
pub const GATEWAY: &str = "istio-eastwestgateway";
/// Where load balancers ask whether it works.
const HEALTH_PORT: u16 = 15021;

/// The longest life of a workload's certificate, as Go reads it. A proxy may ask for up to 90 days otherwise, and a rotation
/// of the anchor, which waits until those from before have ended (`ca.longest_leaf`, as long by default), would cut it off.
pub const LONGEST_LEAF: &str = "24h";

/// The images of a control plane and its proxies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    hub: String,
    tag: String,
}

impl Images {
    /// Refuses what is not pinned: a renderer built from source would take images that were never released.
    pub fn new(hub: &str, tag: &str) -> Result<Self, Error> {
        for (field, text) in [("hub", hub), ("tag", tag)] {
            let refused = |rule| Err(Error::ImagesNotPinned { field, rule });
            if text.is_empty() {
                return refused("must be set");
            }
            if !text.bytes().all(|b| b.is_ascii_graphic()) {
                return refused("must be printable ASCII without blanks");
            }
        }
        if tag == "latest" {
            let rule = "must be a version, not 'latest'";
            return Err(Error::ImagesNotPinned { field: "tag", rule });
        }
        Ok(Self {
            hub: hub.to_owned(),
            tag: tag.to_owned(),
        })
    }
}

/// The mesh of one logical cloud, the same in all of its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mesh {
    /// Namespace and revision.
    pub name: MeshName,
    /// Identifies the cloud; a label's value.
    pub id: String,
    /// Under which its workloads are known; never that of another cloud.
    pub trust_domain: String,
    /// What is run.
    pub images: Images,
}

/// Values of the control plane in a member (or in [`Member::stand_in`]).
///
/// Cluster-wide objects with a fixed name are switched off: two meshes in one cluster would fight for them.
pub fn operator(mesh: &Mesh, member: &Member) -> Value {
    let name = mesh.name.as_str();
    json!({
        "apiVersion": "install.istio.io/v1alpha1",
        "kind": "IstioOperator",
        "metadata": { "name": name, "namespace": name },
        "spec": {
            "profile": "minimal",
            "revision": name,
            "hub": mesh.images.hub,
            "tag": mesh.images.tag,
            "meshConfig": {
                "trustDomain": mesh.trust_domain,
                "rootNamespace": name,
                "discoverySelectors": [{ "matchLabels": { DISCOVERY_LABEL: mesh.id } }],
                // Ingresses belong to no tenant.
                "ingressControllerMode": "OFF",
            },
            "components": {
                "pilot": { "k8s": { "resources": { "requests": {
                    // The chart's own wish of 500m and 2 GiB is too much for a control plane per cloud.
                    "cpu": "100m", "memory": "256Mi",
                }}}},
                "ingressGateways": [
                    // The one of the profile, for traffic from outside of the mesh.
                    { "name": "istio-ingressgateway", "enabled": false },
                    east_west_gateway(name, member),
                ],
            },
            "values": {
                // Else a webhook with a fixed name is rendered.
                "defaultRevision": "",
                "revisionTags": [],
                "global": {
                    "istioNamespace": name,
                    "meshID": mesh.id,
                    "multiCluster": { "clusterName": member.cluster() },
                    "network": member.network(),
                },
                "pilot": { "env": {
                    // Without it anchors cannot be changed while the mesh runs.
                    "ISTIO_MULTIROOT_MESH": "true",
                    "MAX_WORKLOAD_CERT_TTL": LONGEST_LEAF,
                } },
            },
        },
    })
}

/// The door for traffic from other members: a load balancer with one port of the mesh, and one for its health.
fn east_west_gateway(name: &str, member: &Member) -> Value {
    json!({
        "name": GATEWAY,
        "enabled": true,
        "namespace": name,
        "label": {
            "app": GATEWAY,
            GATEWAY_LABEL.0: GATEWAY_LABEL.1,
            NETWORK_LABEL: member.network(),
        },
        "k8s": {
            // It routes to this network only, which it is the way into.
            "env": [{ "name": "ISTIO_META_REQUESTED_NETWORK_VIEW", "value": member.network() }],
            "resources": { "requests": { "cpu": "50m", "memory": "64Mi" } },
            "service": { "type": "LoadBalancer", "ports": [
                { "name": "status-port", "port": HEALTH_PORT, "targetPort": HEALTH_PORT },
                { "name": "tls", "port": gateway::PORT, "targetPort": gateway::PORT },
            ]},
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_without_hub_or_version_are_refused() {
        for (hub, tag) in [
            ("", "1.31.0"),
            ("registry.example/istio", ""),
            ("h", "latest"),
            ("h h", "1"),
            ("h", "1\n"),
        ] {
            let refused = Images::new(hub, tag).unwrap_err();
            assert!(
                matches!(refused, Error::ImagesNotPinned { .. }),
                "{hub} {tag}"
            );
            assert!(refused.hint().contains("hub and tag"));
        }
    }
}
