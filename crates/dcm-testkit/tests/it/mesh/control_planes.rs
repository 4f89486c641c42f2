//! Real control planes of meshes that run on what lies in a member's Secret.

use std::io::Write as _;
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dcm_pki::authority::certificates;
use dcm_pki::bundle::Files;
use dcm_testkit::mesh::{self, Istiod, Settings, Workload};
use dcm_testkit::{ControlPlane, shared_control_planes};
use dcm_types::KeyAlgorithm;
use serde_json::{Value, json};

use super::authority::{Cloud, Edge};
use crate::processes::{run, wait_until};

pub(super) const SERVICE_ACCOUNT: &str = "web";

/// The mesh of a cloud in one member; workloads live in the namespace that has the cloud's name.
pub(super) fn mesh_of(cloud: &str, trust_domain: &str, cluster: &str) -> Settings {
    let name = format!("istio-{cloud}-0000abcd");
    Settings {
        namespace: name.clone(),
        revision: name,
        trust_domain: trust_domain.to_owned(),
        cluster: cluster.to_owned(),
        discovery_label: ("dcm.internal/mesh".to_owned(), cloud.to_owned()),
    }
}

fn settings(cloud: &Cloud, cluster: &str) -> Settings {
    mesh_of(&cloud.name, &cloud.domain(), cluster)
}

pub(super) fn apply(to: &ControlPlane, object: &Value) {
    let mut command = to.kubectl();
    command.args(["apply", "--server-side", "--field-manager=dcm", "-f", "-"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let text = object.to_string();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success(), "{}", object["kind"]);
}

/// Puts the bundle into the member, and gives what is then read there.
fn through_the_secret(member: &ControlPlane, settings: &Settings, edge: &Edge) -> Files {
    let data: serde_json::Map<String, Value> = edge
        .files
        .each()
        .into_iter()
        .map(|(name, text)| (name.to_owned(), STANDARD.encode(text).into()))
        .collect();
    let metadata = json!({ "name": "cacerts", "namespace": settings.namespace });
    apply(
        member,
        &json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data }),
    );
    let mut read = member.kubectl();
    read.args(["get", "secret", "cacerts", "--output=json", "--namespace"]);
    Files::from_secret(&run(read.arg(&settings.namespace))).unwrap()
}

/// Namespaces and a service account, as there are in a member of the cloud.
pub(super) fn prepare(member: &ControlPlane, settings: &Settings, cloud: &str) {
    let (label, value) = &settings.discovery_label;
    let namespace = |name: &str, labels: Value| json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels } });
    let account = json!({ "name": SERVICE_ACCOUNT, "namespace": cloud });
    apply(
        member,
        &json!({ "apiVersion": "v1", "kind": "List", "items": [
            namespace(&settings.namespace, json!({})),
            namespace(cloud, json!({ label: value })),
            { "apiVersion": "v1", "kind": "ServiceAccount", "metadata": account },
        ]}),
    );
}

fn workload(istiod: &Istiod, member: &ControlPlane, cloud: &Cloud) -> Workload {
    let anchors = cloud.anchor.to_pem();
    istiod
        .sign(member, &cloud.name, SERVICE_ACCOUNT, &anchors)
        .unwrap()
}

#[test]
fn control_plane_signs_with_what_lies_in_the_secret_whatever_its_algorithm() {
    let member = &shared_control_planes(2)[0];
    let cloud = Cloud::under_root("algorithms");
    let settings = settings(&cloud, "berlin");
    prepare(member, &settings, &cloud.name);
    let edges: Vec<_> = KeyAlgorithm::ALL
        .into_iter()
        .zip(10..)
        .map(|(algorithm, number)| cloud.edge("berlin", number, algorithm))
        .collect();
    let files = through_the_secret(member, &settings, &edges[0]);
    let istiod = Istiod::start(member, &settings, &files.each()).unwrap();
    assert!(istiod.took_the_bundle(), "{}", istiod.log());
    for edge in &edges {
        let files = through_the_secret(member, &settings, edge);
        istiod.replace_bundle(&files.each()).unwrap();
        let signed = || workload(&istiod, member, &cloud).signer();
        let by_this_edge = || signed().as_ref() == Some(&files.certificate);
        wait_until("the new intermediate to sign", by_this_edge);
        let workload = workload(&istiod, member, &cloud);
        let leaf = &certificates(&workload.chain, "chain").unwrap()[0];
        let uri = format!("spiffe://{}/ns/algorithms/sa/web", cloud.domain());
        assert_eq!(leaf.uris, [uri]);
        assert_eq!(mesh::handshake(&workload, &workload).unwrap(), Ok(()));
        assert_eq!(
            mesh::openssl_handshake(&workload, &workload).unwrap(),
            Ok(())
        );
    }
}

#[test]
fn a_foreign_service_account_and_a_foreign_token_get_no_certificate() {
    let [one, two] = shared_control_planes(2) else {
        panic!("two were asked for")
    };
    let cloud = Cloud::under_root("foreign");
    let settings = settings(&cloud, "berlin");
    for member in [one, two] {
        prepare(member, &settings, &cloud.name);
    }
    let edge = cloud.edge("berlin", 10, KeyAlgorithm::EcdsaP256);
    let istiod = Istiod::start(one, &settings, &edge.files.each()).unwrap();
    let anchors = cloud.anchor.to_pem();
    let missing = istiod.sign(one, &cloud.name, "nobody", &anchors);
    assert!(matches!(missing, Err(mesh::Error::Token(_))), "{missing:?}");
    let elsewhere = istiod.sign(two, &cloud.name, SERVICE_ACCOUNT, &anchors);
    let refused = elsewhere.unwrap_err().to_string();
    assert!(refused.contains("authenticate"), "{refused}");
}
