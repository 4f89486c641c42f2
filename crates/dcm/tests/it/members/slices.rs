//! Tenants side by side: the same names, the same namespace, and a restart in between.

use dcm_testkit::shared_control_planes;
use serde_json::{Value, json};

use super::harness::{Folder, kubectl, labelled, namespace};

#[tokio::test(flavor = "multi_thread")]
async fn slice_is_used_updated_and_terminated_over_rest() {
    let planes = shared_control_planes(2);
    let folder = Folder::new();
    let server = folder.serve();
    folder.register(&server, &[&planes[0], &planes[1]]).await;
    let name = namespace("rest");
    let cloud = folder.describe(&server, "shop", &name, 2).await;
    folder
        .post(&server, &format!("{cloud}/instantiate"), json!({}))
        .await;
    folder.wait(&server, &cloud, "ready").await;
    let tenant = folder.kubeconfig(&server, &cloud).await;
    for (number, plane) in planes.iter().enumerate() {
        let context = format!("front@site/edge{number}");
        let user = |arguments: &[&str]| {
            folder.kubectl_as(
                plane,
                &tenant,
                &[&["--context", &context][..], arguments].concat(),
            )
        };
        // kube-root-ca.crt is one of three; the cluster's first count may miss it.
        let made =
            (0..5).take_while(|number| user(&["create", "configmap", &format!("c{number}")]).0);
        assert!((2..=3).contains(&made.count()));
        let (ok, text) = user(&["create", "configmap", "more"]);
        assert!(!ok && text.contains("exceeded quota"), "{text}");
        assert!(!user(&["get", "configmaps", "-n", "default"]).0);
        assert!(!user(&["get", "nodes"]).0);
    }
    // The server ends and starts again while a quota changes: nothing is lost.
    let (status, _) = folder
        .send(
            &server,
            "PUT",
            &format!("{cloud}/cluster-quotas/limits"),
            Some(json!({
                "metadata": { "name": "limits" }, "spec": { "configmaps": "4" },
            })),
        )
        .await;
    assert_eq!(status, 200);
    folder
        .post(&server, &format!("{cloud}/update"), json!({}))
        .await;
    drop(server);
    let server = folder.serve();
    let view = folder.wait(&server, &cloud, "ready").await;
    assert_eq!(view["generation"]["wanted"], 2);
    for plane in planes {
        let hard = kubectl(
            plane,
            &[
                "get",
                "quota",
                "limits",
                "-n",
                &name,
                "-o",
                "jsonpath={.spec.hard.configmaps}",
            ],
        );
        assert_eq!(hard, "4");
    }
    folder
        .post(&server, &format!("{cloud}/terminate"), json!({}))
        .await;
    folder.wait(&server, &cloud, "absent").await;
    for plane in planes {
        assert_eq!(labelled(plane, &name), Vec::<String>::new());
        let (ok, text) = folder.kubectl_as(plane, &tenant, &["get", "configmaps"]);
        assert!(!ok, "the old kubeconfig opens nothing: {text}");
    }
    let (status, text) = folder.send(&server, "DELETE", &cloud, None).await;
    assert_eq!(status, 204, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_user_with_a_permission_of_everything_stays_inside_the_envelope() {
    let plane = &shared_control_planes(2)[0];
    let folder = Folder::new();
    let server = folder.serve();
    folder.register(&server, &[plane]).await;
    let name = namespace("users");
    let cloud = folder.describe(&server, "team", &name, 1).await;
    let user = json!({ "metadata": { "name": "bob" }, "spec": { "type": "certificate" } });
    folder.post(&server, &format!("{cloud}/users"), user).await;
    let everything = json!({
        "metadata": { "name": "permission-1" },
        "spec": {
            "namespace": name, "user": "bob",
            "apiGroups": ["", "apps", "k8splugin.io"], "resources": ["*"], "verbs": ["*"],
        },
    });
    let permissions = format!("{cloud}/user-permissions");
    folder.post(&server, &permissions, everything).await;
    folder
        .post(&server, &format!("{cloud}/instantiate"), json!({}))
        .await;
    folder.wait(&server, &cloud, "ready").await;

    let alice = folder.kubeconfig(&server, &cloud).await;
    let path = format!("{cloud}/kubeconfig?user=bob");
    let (status, bob) = folder.send(&server, "GET", &path, None).await;
    assert_eq!(status, 200, "{bob}");
    let alice = |arguments: &[&str]| folder.kubectl_as(plane, &alice, arguments);
    let bob = |arguments: &[&str]| folder.kubectl_as(plane, &bob, arguments);
    assert!(alice(&["get", "configmaps"]).0);
    assert!(!alice(&["get", "secrets"]).0);
    for allowed in [
        &["get", "secrets,pods,deployments.apps,resourcequotas"][..],
        &["create", "secret", "generic", "his"],
    ] {
        let (ok, text) = bob(allowed);
        assert!(ok, "{allowed:?}: {text}");
    }
    for refused in [
        &["delete", "resourcequota", "limits"][..],
        &["delete", "networkpolicies", "--all"],
        &["get", "roles"],
        &["get", "jobs.batch"],
        &["get", "secrets", "-n", "default"],
    ] {
        let (ok, text) = bob(refused);
        assert!(!ok && text.contains("orbidden"), "{refused:?}: {text}");
    }
    folder
        .post(&server, &format!("{cloud}/terminate"), json!({}))
        .await;
    folder.wait(&server, &cloud, "absent").await;
    assert!(!bob(&["get", "secrets"]).0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_projects_with_the_same_cloud_name_do_not_touch_each_other() {
    let planes = shared_control_planes(2);
    let folder = Folder::new();
    let server = folder.serve();
    folder.register(&server, &[&planes[0]]).await;
    let (one, two) = (namespace("same-one"), namespace("same-two"));
    let first = folder.describe(&server, "one", &one, 1).await;
    let second = folder.describe(&server, "two", &two, 1).await;
    for cloud in [&first, &second] {
        folder
            .post(&server, &format!("{cloud}/instantiate"), json!({}))
            .await;
    }
    folder.wait(&server, &first, "ready").await;
    folder.wait(&server, &second, "ready").await;
    let tenant = folder.kubeconfig(&server, &first).await;
    assert!(
        folder
            .kubectl_as(&planes[0], &tenant, &["get", "configmaps"])
            .0
    );
    // The same user name, and no right in the other's namespace.
    assert!(
        !folder
            .kubectl_as(&planes[0], &tenant, &["get", "configmaps", "-n", &two])
            .0
    );
    folder
        .post(&server, &format!("{first}/terminate"), json!({}))
        .await;
    folder.wait(&server, &first, "absent").await;
    folder.wait(&server, &second, "ready").await;
    let tenant = folder.kubeconfig(&server, &second).await;
    assert!(
        folder
            .kubectl_as(&planes[0], &tenant, &["get", "configmaps"])
            .0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn namespace_wished_twice_goes_to_the_first_and_is_free_after_it() {
    let planes = shared_control_planes(2);
    let folder = Folder::new();
    let server = folder.serve();
    folder.register(&server, &[&planes[1]]).await;
    let name = namespace("twice");
    let first = folder.describe(&server, "one", &name, 1).await;
    let second = folder.describe(&server, "two", &name, 1).await;
    folder
        .post(&server, &format!("{first}/instantiate"), json!({}))
        .await;
    let path = format!("{second}/instantiate");
    let (status, text) = folder.send(&server, "POST", &path, Some(json!({}))).await;
    assert_eq!(status, 409, "{text}");
    let problem: Value = serde_json::from_str(&text).unwrap();
    for told in ["one", "front@", "projects/one"] {
        assert!(
            !problem["detail"].as_str().unwrap().contains(told),
            "{text}"
        );
    }
    folder.wait(&server, &first, "ready").await;
    folder
        .post(&server, &format!("{first}/terminate"), json!({}))
        .await;
    folder.wait(&server, &first, "absent").await;
    folder.post(&server, &path, json!({})).await;
    folder.wait(&server, &second, "ready").await;
}
