//! The process ends in the middle, or is asked for much at once: F3 to F6, F8, F9.

use std::time::Duration;

use dcm_testkit::proxy::Mode;
use dcm_testkit::shared_control_planes;
use rustix::process::Signal;
use serde_json::Value;

use super::{proxied, says};
use crate::members::harness::{Folder, Server, kubectl, labelled, namespace};

/// Ends the server as a crash does, and starts another one on the same data.
fn crash(folder: &Folder, server: Server) -> Server {
    server.signal(Signal::KILL);
    drop(server);
    folder.serve()
}

#[tokio::test(flavor = "multi_thread")]
async fn emco_f03_an_update_is_not_lost_by_restarts() {
    let plane = &shared_control_planes(2)[0];
    let (proxy, kubeconfig) = proxied(plane);
    let folder = Folder::new();
    let server = folder.serve();
    folder.register_by(&server, &[&kubeconfig]).await;
    let name = namespace("f03");
    let cloud = folder.describe(&server, "shop", &name, 1).await;
    proxy.set(Mode::Hang);
    folder.act(&server, &cloud, "instantiate").await;
    let server = crash(&folder, server);
    folder.limit(&server, &cloud, 5).await;
    assert_eq!(folder.act(&server, &cloud, "update").await, 2);
    let server = crash(&folder, server);
    proxy.set(Mode::Pass);
    let view = folder.wait(&server, &cloud, "ready").await;
    assert_eq!(view["generation"]["wanted"], 2);
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
async fn emco_f04_every_action_is_accepted_while_another_one_hangs() {
    let plane = &shared_control_planes(2)[0];
    let (proxy, kubeconfig) = proxied(plane);
    let folder = Folder::new();
    let server = folder.serve();
    folder.register_by(&server, &[&kubeconfig]).await;
    let name = namespace("f04");
    let cloud = folder.describe(&server, "shop", &name, 1).await;
    proxy.set(Mode::HalfOpen);
    for action in [
        "instantiate",
        "stop",
        "update",
        "stop",
        "instantiate",
        "terminate",
    ] {
        folder.act(&server, &cloud, action).await;
    }
    let server = crash(&folder, server);
    folder.act(&server, &cloud, "terminate").await;
    proxy.set(Mode::Pass);
    folder.wait(&server, &cloud, "absent").await;
    assert_eq!(labelled(plane, &name), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn emco_f05_what_was_acknowledged_survives_a_crash_right_after() {
    let plane = &shared_control_planes(2)[1];
    let folder = Folder::new();
    let mut server = folder.serve();
    folder.register(&server, &[plane]).await;
    let name = namespace("f05");
    let cloud = folder.describe(&server, "shop", &name, 1).await;
    for limit in 3..8 {
        folder.limit(&server, &cloud, limit).await;
        let action = if limit == 3 { "instantiate" } else { "update" };
        let accepted = folder.act(&server, &cloud, action).await;
        server = crash(&folder, server);
        let view = folder.status(&server, &cloud).await;
        assert_eq!(view["generation"]["wanted"], accepted);
    }
    folder.wait(&server, &cloud, "ready").await;
    let hard = [
        "get",
        "quota",
        "limits",
        "-n",
        &name,
        "-o=jsonpath={.spec.hard.configmaps}",
    ];
    assert_eq!(kubectl(plane, &hard), "7");
    folder.act(&server, &cloud, "terminate").await;
    folder.wait(&server, &cloud, "absent").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn emco_f06_a_crash_after_the_first_write_leaves_no_orphan() {
    let plane = &shared_control_planes(2)[1];
    let (proxy, kubeconfig) = proxied(plane);
    let folder = Folder::new();
    let server = folder.serve();
    folder.register_by(&server, &[&kubeconfig]).await;
    let name = namespace("f06");
    let cloud = folder.describe(&server, "shop", &name, 1).await;
    // Slow enough to be met in the middle.
    proxy.set(Mode::Delay(Duration::from_millis(60)));
    folder.act(&server, &cloud, "instantiate").await;
    while kubectl(plane, &["get", "ns", &name, "--ignore-not-found"]).is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let server = crash(&folder, server);
    proxy.set(Mode::Pass);
    folder.act(&server, &cloud, "terminate").await;
    folder.wait(&server, &cloud, "absent").await;
    assert_eq!(labelled(plane, &name), Vec::<String>::new());
    let (status, text) = folder.send(&server, "DELETE", &cloud, None).await;
    assert_eq!(status, 204, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn emco_f08_what_fails_after_a_restart_holds_up_nothing_else() {
    let planes = shared_control_planes(2);
    let (proxy, dead) = proxied(&planes[1]);
    let folder = Folder::new();
    let server = folder.serve();
    folder
        .register_by(&server, &[planes[0].kubeconfig(), &dead])
        .await;
    let names = ["f08-taken", "f08-dead", "f08-well"].map(namespace);
    kubectl(&planes[0], &["create", "namespace", &names[0]]);
    let mut clouds = Vec::new();
    for (number, (name, on)) in names.iter().zip([0, 1, 0]).enumerate() {
        let project = format!("p{number}");
        clouds.push(folder.describe_on(&server, &project, name, &[on]).await);
    }
    proxy.set(Mode::Refuse);
    for cloud in &clouds {
        folder.act(&server, cloud, "instantiate").await;
    }
    let server = crash(&folder, server);
    folder.wait(&server, &clouds[2], "ready").await;
    let taken = |view: &Value| says(view, 0, "Conflict");
    folder
        .until(&server, &clouds[0], "in conflict", taken)
        .await;
    let dead = |view: &Value| says(view, 1, "unreachable");
    folder.until(&server, &clouds[1], "unreachable", dead).await;
    proxy.set(Mode::Pass);
    folder.wait(&server, &clouds[1], "ready").await;
    for cloud in &clouds {
        folder.act(&server, cloud, "terminate").await;
        folder.wait(&server, cloud, "absent").await;
    }
    kubectl(&planes[0], &["get", "namespace", &names[0]]);
    kubectl(&planes[0], &["delete", "namespace", &names[0]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn emco_f09_actions_at_the_same_time_are_all_in_the_history() {
    let plane = &shared_control_planes(2)[0];
    let folder = Folder::new();
    let server = folder.serve();
    folder.register(&server, &[plane]).await;
    let name = namespace("f09");
    let cloud = folder.describe(&server, "shop", &name, 1).await;
    folder.act(&server, &cloud, "instantiate").await;
    let asked = (4..12).map(|limit| {
        let (folder, server, cloud) = (&folder, &server, &cloud);
        async move {
            let mut generations = Vec::new();
            for limit in [limit, limit + 10, limit + 20] {
                folder.limit(server, cloud, limit).await;
                generations.push(folder.act(server, cloud, "update").await);
            }
            generations
        }
    });
    // Who finds what another one has just asked for, gets that one's generation.
    let generations = futures::future::join_all(asked).await.concat();
    let generations = std::collections::BTreeSet::from_iter(generations);
    let view = folder.wait(&server, &cloud, "ready").await;
    assert_eq!(
        view["generation"]["wanted"].as_u64(),
        generations.last().copied()
    );
    let history = view["history"].as_array().unwrap();
    let updates = history.iter().filter(|record| record["action"] == "update");
    let told: Vec<u64> = updates
        .map(|record| record["generation"].as_u64().unwrap())
        .collect();
    assert!(generations.len() > 1);
    assert_eq!(told, Vec::from_iter(generations));
    folder.act(&server, &cloud, "terminate").await;
    folder.wait(&server, &cloud, "absent").await;
}
