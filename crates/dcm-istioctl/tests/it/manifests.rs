//! Manifests by the real program: the same for every member but for its own values, and of no use to other tenants.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use dcm_istioctl::Istioctl;
use dcm_mesh::renderer::render;
use dcm_mesh::values::{GATEWAY, NETWORK_LABEL, operator};
use dcm_mesh::{Images, Manifest, Member, Mesh, MeshName, MeshRenderer as _, objects};
use dcm_testkit::{ControlPlane, IstioAssets, shared_control_planes};
use serde_json::{Value, json};

fn istioctl() -> Istioctl {
    Istioctl::new(&IstioAssets::obtain().unwrap().istioctl).unwrap()
}

fn mesh(cloud: &str) -> Mesh {
    Mesh {
        name: MeshName::of("acme", cloud),
        id: cloud.to_owned(),
        trust_domain: format!("{cloud}.acme.example"),
        images: Images::new("registry.example/istio", "1.31.0").unwrap(),
    }
}

fn member(name: &str) -> Member {
    Member::new(name, &format!("{name}-net")).unwrap()
}

/// What makes an object the same object.
fn identity(object: &Value) -> (String, String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &object["metadata"];
    (
        text(&object["kind"]),
        text(&metadata["namespace"]),
        text(&metadata["name"]),
    )
}

#[test]
fn one_run_with_stand_ins_gives_each_member_what_a_run_of_its_own_gives() {
    let (istioctl, mesh) = (istioctl(), mesh("shop"));
    let for_all = render(&istioctl, &mesh).unwrap();
    for name in ["berlin", "edges.Paris", "x"] {
        let member = member(name);
        let text = istioctl.render(&operator(&mesh, &member)).unwrap();
        let direct = Manifest::read(&text, &mesh.name).unwrap();
        assert_eq!(for_all.for_member(&member), direct.own, "{name}");
        assert_eq!(for_all.shared, direct.shared);
    }
    let left = serde_json::to_string(&for_all.for_member(&member("berlin"))).unwrap();
    assert!(!left.contains("dcm-stand-in"));
}

#[test]
fn images_are_the_ones_that_were_pinned() {
    let manifest = render(&istioctl(), &mesh("shop")).unwrap();
    let deployment = manifest
        .own
        .iter()
        .find(|object| object["kind"] == "Deployment" && object["metadata"]["name"] != GATEWAY)
        .unwrap();
    let image = deployment.pointer("/spec/template/spec/containers/0/image");
    assert_eq!(image, Some(&json!("registry.example/istio/pilot:1.31.0")));
}

#[test]
fn gateway_that_is_rendered_is_the_one_that_our_own_object_selects() {
    let mesh = mesh("shop");
    let own = render(&istioctl(), &mesh)
        .unwrap()
        .for_member(&member("berlin"));
    let of = |kind: &str| {
        let mut all = own.iter();
        let found = all.find(|one| one["kind"] == kind && one["metadata"]["name"] == GATEWAY);
        found.cloned().unwrap()
    };
    let service = of("Service");
    assert_eq!(service["spec"]["type"], "LoadBalancer");
    assert_eq!(service["metadata"]["labels"][NETWORK_LABEL], "berlin-net");
    let gateway = objects::gateway(&mesh.name);
    let port = &gateway["spec"]["servers"][0]["port"]["number"];
    let ports = service["spec"]["ports"].as_array().unwrap();
    assert!(ports.iter().any(|one| one["port"] == *port), "{ports:?}");
    let deployment = of("Deployment");
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    for (label, value) in gateway["spec"]["selector"].as_object().unwrap() {
        assert_eq!(labels[label], *value);
    }
}

#[test]
fn manifests_of_two_clouds_have_nothing_in_common_but_the_definitions() {
    let istioctl = istioctl();
    let [shop, bank] = ["shop", "bank"].map(|cloud| render(&istioctl, &mesh(cloud)).unwrap());
    let identities = |objects: &[Value]| objects.iter().map(identity).collect::<BTreeSet<_>>();
    let common: Vec<_> = identities(&shop.own)
        .intersection(&identities(&bank.own))
        .cloned()
        .collect();
    assert_eq!(common, []);
    assert_eq!(shop.shared, bank.shared);
    assert!(shop.shared.len() > 10);
    let kinds = shop.shared.iter().map(|object| object["kind"].clone());
    assert!(
        kinds
            .into_iter()
            .all(|kind| kind == "CustomResourceDefinition")
    );
    // By meaning, too: each webhook looks at pods of its own revision only.
    for (manifest, cloud) in [(&shop, "shop"), (&bank, "bank")] {
        let webhooks: Vec<_> = manifest
            .own
            .iter()
            .filter(|object| object["kind"] == "MutatingWebhookConfiguration")
            .flat_map(|object| object["webhooks"].as_array().unwrap())
            .collect();
        assert!(!webhooks.is_empty());
        let revision = MeshName::of("acme", cloud).to_string();
        for webhook in webhooks {
            assert!(webhook.to_string().contains(&revision), "{webhook}");
        }
    }
}

#[test]
fn program_tells_its_version() {
    let version = istioctl().version().unwrap();
    assert!(!version.is_empty() && !version.contains('\n'), "{version}");
}

#[test]
fn program_that_refuses_the_values_is_told() {
    let mut operator = operator(&mesh("shop"), &member("berlin"));
    operator["spec"]["profile"] = "no-such-profile".into();
    let refused = istioctl().render(&operator).unwrap_err().to_string();
    assert!(refused.contains("no-such-profile"), "{refused}");
}

#[test]
fn a_real_cluster_takes_all_of_it_and_a_second_time_changes_nothing() {
    let cluster = &shared_control_planes(1)[0];
    let (mesh, member) = (mesh("applied"), member("berlin"));
    let manifest = render(&istioctl(), &mesh).unwrap();
    apply(cluster, &manifest.shared);
    let established = ["wait", "--for=condition=Established", "--timeout=60s"];
    let mut wait = cluster.kubectl();
    succeeded(wait.args(established).args(["crd", "--all"]));
    let mut all = vec![objects::namespace(&mesh.name, &mesh.id, &member)];
    all.extend(manifest.for_member(&member));
    all.push(objects::strict_mutual_tls(&mesh.name));
    all.push(objects::gateway(&mesh.name));
    apply(cluster, &all);
    all.extend(manifest.shared);
    assert_eq!(changes(cluster, &all), "");
    all[0]["metadata"]["labels"]["changed"] = "yes".into();
    assert!(changes(cluster, &all).contains("changed: \"yes\""));
}

/// What applying would change, by the server's own answer.
fn changes(to: &ControlPlane, objects: &[Value]) -> String {
    let mut command = to.kubectl();
    command.args(["diff", "--server-side", "--field-manager=dcm", "-f", "-"]);
    let said = fed(&mut command, objects);
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let errors = String::from_utf8_lossy(&said.stderr);
    // 1 means that there are differences, more that they could not be told.
    assert!(said.status.code().unwrap() < 2, "{errors}");
    assert_eq!(said.status.success(), text.is_empty(), "{errors}");
    text
}

fn apply(to: &ControlPlane, objects: &[Value]) {
    let mut command = to.kubectl();
    command.args(["apply", "--server-side", "--field-manager=dcm", "-f", "-"]);
    let said = fed(&mut command, objects);
    let text = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{text:.2000}");
}

fn fed(command: &mut Command, objects: &[Value]) -> Output {
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects }).to_string();
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = pipes.stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(list.as_bytes()).unwrap();
    drop(input);
    child.wait_with_output().unwrap()
}

fn succeeded(command: &mut Command) {
    let said = command.output().unwrap();
    let text = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{text}");
}
