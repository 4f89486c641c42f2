//! A member that holds everything of a mesh, as it is rendered and written by us, and a control plane that runs on it.

use dcm_istioctl::Istioctl;
use dcm_mesh::objects::{self, Exported, Peer};
use dcm_mesh::renderer::render;
use dcm_mesh::values::DISCOVERY_LABEL;
use dcm_mesh::{GatewayAddress, Images, Member, Mesh, MeshName};
use dcm_pki::bundle::Files;
use dcm_testkit::mesh::{Istiod, Settings};
use dcm_testkit::{ControlPlane, IstioAssets, shared_control_planes};
use dcm_types::KeyAlgorithm;
use serde_json::{Value, json};

use super::authority::Cloud;
use super::control_planes::{SERVICE_ACCOUNT, apply};
use crate::processes::{run, wait_until};

fn mesh(cloud: &Cloud) -> Mesh {
    Mesh {
        name: MeshName::of("acme", &cloud.name),
        id: cloud.name.clone(),
        trust_domain: cloud.domain(),
        images: Images::new("registry.example/istio", "1.31.0").unwrap(),
    }
}

fn settings(mesh: &Mesh, member: &Member) -> Settings {
    Settings {
        namespace: mesh.name.to_string(),
        revision: mesh.name.to_string(),
        trust_domain: mesh.trust_domain.clone(),
        cluster: member.cluster().to_owned(),
        discovery_label: (DISCOVERY_LABEL.to_owned(), mesh.id.clone()),
    }
}

fn peers(address: &str) -> Vec<Peer> {
    [("paris", address), ("oslo", "0.0.0.0")]
        .map(|(name, address)| Peer {
            member: Member::new(name, &format!("{name}-net")).unwrap(),
            gateway: GatewayAddress::read(address).unwrap(),
        })
        .into()
}

fn list(items: &[Value]) -> Value {
    json!({ "apiVersion": "v1", "kind": "List", "items": items })
}

/// The namespace of the cloud, as the synchronizer would label it.
fn of_the_cloud(cloud: &Cloud, mesh: &Mesh) -> Value {
    let labels = objects::cloud_labels(&mesh.name, &mesh.id);
    list(&[
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": cloud.name, "labels": labels } }),
        json!({ "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": { "name": SERVICE_ACCOUNT, "namespace": cloud.name } }),
    ])
}

fn bundle_in(member: &ControlPlane, mesh: &Mesh) -> Files {
    let mut read = member.kubectl();
    read.args(["get", "secret", "cacerts", "--output=json", "--namespace"]);
    Files::from_secret(&run(read.arg(mesh.name.as_str()))).unwrap()
}

#[test]
fn what_is_rendered_and_written_is_taken_by_a_cluster_and_by_a_control_plane() {
    let cluster = &shared_control_planes(2)[0];
    let cloud = Cloud::under_root("installed");
    let (mesh, member) = (mesh(&cloud), Member::new("berlin", "berlin-net").unwrap());
    let edge = cloud.edge("berlin", 10, KeyAlgorithm::EcdsaP256);
    let istioctl = Istioctl::new(&IstioAssets::obtain().unwrap().istioctl).unwrap();
    let manifest = render(&istioctl, &mesh).unwrap();

    apply(cluster, &list(&manifest.shared));
    let mut wait = cluster.kubectl();
    wait.args(["wait", "--for=condition=Established", "--timeout=60s"]);
    run(wait.args(["crd", "--all"]));
    apply(
        cluster,
        &list(&[objects::namespace(&mesh.name, &mesh.id, &member)]),
    );
    apply(cluster, &of_the_cloud(&cloud, &mesh));
    apply(cluster, &objects::cacerts(&mesh.name, &edge.files));
    let own = manifest.for_member(&member);
    let with = |address| objects::with_mesh_networks(own.clone(), &mesh.name, &peers(address));
    apply(cluster, &list(&with("192.0.2.7")));
    let exported = Exported {
        service: "web".to_owned(),
        namespace: cloud.name.clone(),
        service_account: SERVICE_ACCOUNT.to_owned(),
        ports: vec![(80, "http".to_owned())],
    };
    let mut rules = objects::service_entries(&mesh, &peers("192.0.2.7"), &[exported]);
    rules.push(objects::gateway(&mesh.name));
    rules.push(objects::strict_mutual_tls(&mesh.name));
    apply(cluster, &list(&rules));

    let files = bundle_in(cluster, &mesh);
    let istiod = Istiod::start(cluster, &settings(&mesh, &member), &files.each()).unwrap();
    assert!(istiod.took_the_bundle(), "{}", istiod.log());
    istiod
        .sign(
            cluster,
            &cloud.name,
            SERVICE_ACCOUNT,
            &cloud.anchor.to_pem(),
        )
        .unwrap();
    // It tells the gateways that it knows; a member without an address has none.
    let knows = |address: &str| {
        let told = istiod.ask("/debug/networkz").unwrap();
        told.contains(address) && told.contains("paris-net") && !told.contains("oslo-net")
    };
    wait_until("the networks", || knows("192.0.2.7"));
    // Another address reaches it without anything being rendered anew.
    apply(cluster, &list(&with("192.0.2.99")));
    wait_until("the new address", || knows("192.0.2.99"));
    // The anchors get to the namespace of the cloud, and there they can be read as evidence.
    let mut anchors = cluster.kubectl();
    anchors.args(["get", "configmap", "istio-ca-root-cert", "--namespace"]);
    let anchors = run(anchors.args([&cloud.name, "--output=json"]));
    let anchors: Value = serde_json::from_str(&anchors).unwrap();
    assert_eq!(anchors["data"]["root-cert.pem"], cloud.anchor.to_pem());
}
