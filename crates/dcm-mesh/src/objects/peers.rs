//! Where the other members of a mesh are, from the addresses of their gateways alone: no credential crosses clusters.

use serde_json::{Map, Value, json};

use super::object;
use crate::{GatewayAddress, Member, Mesh, MeshName};

/// Another member, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Who it is.
    pub member: Member,
    /// Where it is reached; nothing: not known yet.
    pub gateway: Option<GatewayAddress>,
}

/// A service that peers may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Its name.
    pub service: String,
    /// The namespace in which it is, the same in every member.
    pub namespace: String,
    /// The account that its pods have; a peer that shows another one is refused.
    pub service_account: String,
    /// Numbers of its ports with their names; the name says the protocol (`http`, `grpc-web`, `tcp-x`).
    pub ports: Vec<(u16, String)>,
}

/// The networks of a mesh with the gateways that are known. A member without one is left out: there is no way to it.
pub fn mesh_networks(peers: &[Peer]) -> Value {
    let networks: Map<_, _> = peers
        .iter()
        .filter_map(|peer| {
            let gateway = peer.gateway.as_ref()?;
            let network = json!({
                "endpoints": [{ "fromRegistry": peer.member.cluster() }],
                "gateways": [{ "address": gateway.host(), "port": gateway.port() }],
            });
            Some((peer.member.network().to_owned(), network))
        })
        .collect();
    Value::Object(networks)
}

/// Puts the networks into the objects of a control plane, without rendering anything anew.
pub fn with_mesh_networks(mut own: Vec<Value>, mesh: &MeshName, peers: &[Peer]) -> Vec<Value> {
    // JSON is YAML.
    let text = json!({ "networks": mesh_networks(peers) }).to_string();
    let name = format!("istio-{mesh}");
    for object in &mut own {
        if object["kind"] == "ConfigMap" && object["metadata"]["name"] == name.as_str() {
            object["data"]["meshNetworks"] = text.as_str().into();
        }
    }
    own
}

/// One entry per exported service, with an endpoint per member that can be reached; none where there is no such.
pub fn service_entries(mesh: &Mesh, peers: &[Peer], exported: &[Exported]) -> Vec<Value> {
    let known: Vec<_> = peers
        .iter()
        .filter_map(|peer| Some((&peer.member, peer.gateway.as_ref()?)))
        .collect();
    if known.is_empty() {
        return Vec::new();
    }
    exported
        .iter()
        .map(|service| entry(mesh, &known, service))
        .collect()
}

fn entry(mesh: &Mesh, known: &[(&Member, &GatewayAddress)], exported: &Exported) -> Value {
    let ports = exported.ports.iter();
    let ports: Vec<_> = ports
        .map(|(number, name)| json!({ "number": number, "name": name, "protocol": protocol(name) }))
        .collect();
    let endpoints: Vec<_> = known
        .iter()
        .map(|(member, gateway)| {
            let all = exported.ports.iter();
            let to_gateway: Map<_, _> = all
                .map(|(_, name)| (name.clone(), gateway.port().into()))
                .collect();
            json!({
                "address": gateway.host(),
                "network": member.network(),
                "ports": to_gateway,
            })
        })
        .collect();
    let by_name = known.iter().any(|(_, gateway)| gateway.is_name());
    let identity = format!(
        "spiffe://{}/ns/{}/sa/{}",
        mesh.trust_domain, exported.namespace, exported.service_account
    );
    let name = format!("{}.{}", exported.service, exported.namespace);
    let mut entry = object("networking.istio.io/v1", "ServiceEntry", &name, &mesh.name);
    entry["spec"] = json!({
        "hosts": [format!("{name}.svc.cluster.local")],
        "location": "MESH_INTERNAL",
        // Names of hosts have to be looked up, by every proxy for itself.
        "resolution": if by_name { "DNS" } else { "STATIC" },
        "ports": ports,
        "endpoints": endpoints,
        "subjectAltNames": [identity],
    });
    entry
}

/// What stands before the first dash, as for the ports of a Service.
fn protocol(name: &str) -> String {
    let prefix = name.split('-').next().unwrap_or_default();
    match prefix {
        "http" | "http2" | "https" | "grpc" | "tls" | "mongo" => prefix.to_ascii_uppercase(),
        _ => "TCP".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Images;

    fn peer(name: &str, gateway: &str) -> Peer {
        Peer {
            member: Member::new(name, &format!("{name}-net")).unwrap(),
            gateway: GatewayAddress::read(gateway).unwrap(),
        }
    }

    fn mesh() -> Mesh {
        Mesh {
            name: MeshName::parse("istio-shop-1").unwrap(),
            id: "shop".to_owned(),
            trust_domain: "shop.acme.example".to_owned(),
            images: Images::new("registry.example/istio", "1.31.0").unwrap(),
        }
    }

    #[test]
    fn a_member_whose_address_is_not_known_yet_is_no_network() {
        let networks = mesh_networks(&[peer("berlin", "192.0.2.7"), peer("paris", "0.0.0.0")]);
        let expected = json!({ "berlin-net": {
            "endpoints": [{ "fromRegistry": "berlin" }],
            "gateways": [{ "address": "192.0.2.7", "port": 15443 }],
        }});
        assert_eq!(networks, expected);
    }

    #[test]
    fn the_networks_get_into_the_mesh_of_the_control_plane_and_nowhere_else() {
        let map = |name: &str| json!({ "kind": "ConfigMap", "metadata": { "name": name }, "data": { "mesh": "a" } });
        let own = vec![map("istio-istio-shop-1"), map("values-istio-shop-1")];
        let with = with_mesh_networks(own.clone(), &mesh().name, &[peer("berlin", "lb.example")]);
        let text = with[0]["data"]["meshNetworks"].as_str().unwrap();
        let read: Value = serde_json::from_str(text).unwrap();
        assert_eq!(
            read["networks"]["berlin-net"]["gateways"][0]["address"],
            "lb.example"
        );
        assert_eq!(with[1], own[1]);
    }

    #[test]
    fn an_exported_service_has_an_endpoint_per_reachable_member_and_one_identity() {
        let exported = Exported {
            service: "web".to_owned(),
            namespace: "shop".to_owned(),
            service_account: "front".to_owned(),
            ports: vec![(80, "http-web".to_owned()), (9000, "raw".to_owned())],
        };
        let exported = std::slice::from_ref(&exported);
        let peers = [
            peer("berlin", "192.0.2.7:31443"),
            peer("paris", ""),
            peer("rome", "192.0.2.9"),
        ];
        let entries = service_entries(&mesh(), &peers, exported);
        assert_eq!(entries.len(), 1);
        let spec = &entries[0]["spec"];
        assert_eq!(spec["endpoints"].as_array().unwrap().len(), 2);
        assert_eq!(
            spec["endpoints"][0]["ports"],
            json!({ "http-web": 31443, "raw": 31443 })
        );
        assert_eq!(spec["ports"][0]["protocol"], "HTTP");
        assert_eq!(spec["ports"][1]["protocol"], "TCP");
        assert_eq!(spec["resolution"], "STATIC");
        assert_eq!(
            spec["subjectAltNames"],
            json!(["spiffe://shop.acme.example/ns/shop/sa/front"])
        );
        assert_eq!(
            service_entries(&mesh(), &peers[1..2], exported),
            [Value::Null; 0]
        );
    }
}
