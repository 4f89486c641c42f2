//! Mode `istio`: what the real `istioctl` renders is in every member, and each knows where the others are.

use std::time::{Duration, Instant};

use dcm_testkit::{ControlPlane, IstioAssets, shared_control_planes};
use serde_json::{Value, json};

use super::{SETTINGS, cacerts, describe, looked, mesh, owner, versions};
use crate::members::harness::{Folder, kubectl, namespace};

fn settings() -> String {
    let istioctl = IstioAssets::obtain().unwrap().istioctl;
    let istioctl = istioctl.display();
    format!(
        "{SETTINGS}[mesh]\nhub = \"registry.example/istio\"\ntag = \"1.30.3\"\nistioctl = \"{istioctl}\"\n"
    )
}

/// Addresses of the gateways that a control plane knows.
fn known(plane: &ControlPlane, mesh: &str) -> Vec<String> {
    let map = format!("istio-{mesh}");
    let path = "jsonpath={.data.meshNetworks}";
    let told = kubectl(plane, &["get", "configmap", &map, "-n", mesh, "-o", path]);
    let networks: Value = serde_json::from_str(&told).unwrap();
    let networks = networks["networks"].as_object().unwrap().values();
    networks
        .map(|network| {
            network["gateways"][0]["address"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn control_planes_know_each_other_and_only_definitions_stay_behind() {
    let planes = shared_control_planes(2);
    let folder = Folder::with(&settings());
    let server = folder.serve();
    folder.register(&server, &[&planes[0], &planes[1]]).await;
    let space = namespace("meshed");
    let cloud = describe(&folder, &server, &space, "istio").await;
    folder.act(&server, &cloud, "instantiate").await;
    folder.wait(&server, &cloud, "ready").await;
    let shown = mesh(&folder, &server, &cloud).await;
    let name = shown["name"].as_str().unwrap();
    for plane in planes {
        cacerts(plane, name);
        kubectl(
            plane,
            &["get", "deployment", &format!("istiod-{name}"), "-n", name],
        );
    }
    assert_eq!(known(&planes[0], name), Vec::<String>::new());
    assert_eq!(known(&planes[1], name), ["192.0.2.10"]);
    let path = format!("{cloud}/service-mesh/cluster-providers/site/clusters/edge0/manifest");
    let (status, manifest) = folder.send(&server, "GET", &path, None).await;
    assert_eq!(status, 200);
    let network = shown["members"][0]["network"].as_str().unwrap();
    assert!(manifest.contains(network) && !manifest.contains("dcm-stand-in"));

    // An address is no wish: it reaches the other member without an action.
    let path = format!("{cloud}/cluster-providers/site/cluster-references/edge1");
    let body = json!({ "loadbalancer-ip": "192.0.2.20" });
    let (status, text) = folder.send(&server, "PUT", &path, Some(body)).await;
    assert_eq!(status, 200, "{text}");
    let deadline = Instant::now() + Duration::from_mins(1);
    while known(&planes[0], name) != ["192.0.2.20"] {
        assert!(Instant::now() < deadline, "{:?}", known(&planes[0], name));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    let owner = owner(&planes[0], &space);
    folder.wait(&server, &cloud, "ready").await;
    let before: Vec<_> = planes.iter().map(|plane| versions(plane, &owner)).collect();
    drop(server);
    let server = folder.serve();
    looked(&folder, &server, &cloud).await;
    let after: Vec<_> = planes.iter().map(|plane| versions(plane, &owner)).collect();
    assert_eq!(before, after, "a second run writes nothing");

    folder.act(&server, &cloud, "terminate").await;
    folder.wait(&server, &cloud, "absent").await;
    for plane in planes {
        assert_eq!(versions(plane, &owner), Vec::<String>::new());
        kubectl(plane, &["get", "crd", "gateways.networking.istio.io"]);
    }
}
