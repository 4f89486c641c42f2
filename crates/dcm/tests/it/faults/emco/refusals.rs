//! A cluster that refuses a call: F1, F2, F10, F16.

use dcm_testkit::shared_control_planes;
use rustix::process::Signal;
use serde_json::Value;

use super::denial::{Denial, Refused};
use super::says;
use crate::members::harness::{Folder, Server, kubectl, labelled, member, namespace};

/// No role binding of a namespace may be deleted.
fn no_deletes(namespace: &str) -> Refused {
    Refused {
        group: "rbac.authorization.k8s.io",
        resource: "rolebindings",
        operation: "DELETE",
        condition: format!("oldObject.metadata.namespace == '{namespace}'"),
    }
}

async fn ready(folder: &Folder, server: &Server, namespace: &str) -> String {
    let cloud = folder.describe(server, "shop", namespace, 1).await;
    folder.act(server, &cloud, "instantiate").await;
    folder.wait(server, &cloud, "ready").await;
    cloud
}

#[tokio::test(flavor = "multi_thread")]
async fn emco_f01_a_failed_delete_does_not_count_as_done() {
    let plane = &shared_control_planes(2)[0];
    let folder = Folder::new();
    let server = folder.serve();
    folder.register(&server, &[plane]).await;
    let name = namespace("f01");
    let cloud = ready(&folder, &server, &name).await;
    let denial = Denial::set(plane, &name, &no_deletes(&name));
    folder.act(&server, &cloud, "terminate").await;
    let refused = |view: &Value| says(view, 0, "orbidden");
    let view = folder.until(&server, &cloud, "refused", refused).await;
    assert_eq!(view["absent"], false, "{view:#}");
    assert_ne!(member(&view, 0)["state"], "absent");
    assert_ne!(labelled(plane, &name), Vec::<String>::new());
    denial.lift();
    folder.wait(&server, &cloud, "absent").await;
    assert_eq!(labelled(plane, &name), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn emco_f02_a_failed_write_is_not_told_as_success() {
    let plane = &shared_control_planes(2)[0];
    let folder = Folder::new();
    let server = folder.serve();
    folder.register(&server, &[plane]).await;
    let name = namespace("f02");
    let cloud = ready(&folder, &server, &name).await;
    let refused = Refused {
        group: "",
        resource: "resourcequotas",
        operation: "UPDATE",
        condition: format!("oldObject.metadata.namespace == '{name}'"),
    };
    let denial = Denial::set(plane, &name, &refused);
    folder.limit(&server, &cloud, 5).await;
    folder.act(&server, &cloud, "update").await;
    let refused = |view: &Value| says(view, 0, "orbidden");
    let view = folder.until(&server, &cloud, "refused", refused).await;
    assert_eq!(view["ready"], false, "{view:#}");
    assert_ne!(member(&view, 0)["state"], "ready");
    assert_ne!(member(&view, 0)["appliedGeneration"], 2);
    denial.lift();
    folder.wait(&server, &cloud, "ready").await;
    let hard = [
        "get",
        "quota",
        "limits",
        "-n",
        &name,
        "-o=jsonpath={.spec.hard.configmaps}",
    ];
    assert_eq!(kubectl(plane, &hard), "5");
    folder.act(&server, &cloud, "terminate").await;
    folder.wait(&server, &cloud, "absent").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn emco_f10_a_certificate_is_picked_up_after_a_restart() {
    let plane = &shared_control_planes(2)[1];
    let folder = Folder::new();
    let server = folder.serve();
    let name = namespace("f10");
    let kubeconfig = plane.kubeconfig_for(&name, Some("system:masters")).unwrap();
    folder.register_by(&server, &[&kubeconfig]).await;
    let cloud = folder.describe(&server, "shop", &name, 1).await;
    // What the signer made of our requests is not taken from it.
    let refused = Refused {
        group: "certificates.k8s.io",
        resource: "certificatesigningrequests/status",
        operation: "UPDATE",
        condition: format!("object.spec.username == '{name}'"),
    };
    let denial = Denial::set(plane, &name, &refused);
    folder.act(&server, &cloud, "instantiate").await;
    let waits =
        |view: &Value| says(view, 0, "WaitsForSigner") || says(view, 0, "CertificateRequested");
    folder
        .until(&server, &cloud, "waiting for the signer", waits)
        .await;
    server.signal(Signal::KILL);
    drop(server);
    let server = folder.serve();
    denial.lift();
    folder.wait(&server, &cloud, "ready").await;
    let tenant = folder.kubeconfig(&server, &cloud).await;
    assert!(folder.kubectl_as(plane, &tenant, &["get", "configmaps"]).0);
    folder.act(&server, &cloud, "terminate").await;
    folder.wait(&server, &cloud, "absent").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn emco_f16_a_cloud_that_cannot_be_terminated_is_not_forgotten() {
    let plane = &shared_control_planes(2)[1];
    let folder = Folder::new();
    let server = folder.serve();
    folder.register(&server, &[plane]).await;
    let name = namespace("f16");
    let cloud = ready(&folder, &server, &name).await;
    let denial = Denial::set(plane, &name, &no_deletes(&name));
    folder.act(&server, &cloud, "terminate").await;
    let refused = |view: &Value| says(view, 0, "orbidden");
    folder.until(&server, &cloud, "refused", refused).await;
    let (status, text) = folder.send(&server, "DELETE", &cloud, None).await;
    assert_eq!(status, 202, "its end is waited for: {text}");
    folder.until(&server, &cloud, "refused", refused).await;
    assert_ne!(labelled(plane, &name), Vec::<String>::new());
    denial.lift();
    let started = std::time::Instant::now();
    while folder.send(&server, "GET", &cloud, None).await.0 != 404 {
        assert!(started.elapsed() < std::time::Duration::from_mins(1));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(labelled(plane, &name), Vec::<String>::new());
}
