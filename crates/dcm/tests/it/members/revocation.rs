//! A user is revoked over REST while everything runs: the old kubeconfig opens nothing, the new one does.

use std::time::{Duration, Instant};

use dcm_testkit::shared_control_planes;
use serde_json::json;

use super::harness::{Folder, namespace};

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_kubeconfig_opens_nothing_and_the_next_one_does() {
    let planes = shared_control_planes(2);
    let folder = Folder::new();
    let server = folder.serve();
    folder.register(&server, &[&planes[0], &planes[1]]).await;
    let name = namespace("revoke");
    let cloud = folder.describe(&server, "keys", &name, 2).await;
    let instantiate = format!("{cloud}/instantiate");
    folder.post(&server, &instantiate, json!({})).await;
    folder.wait(&server, &cloud, "ready").await;
    let old = folder.kubeconfig(&server, &cloud).await;
    let opens = |kubeconfig: &str, number: usize| {
        let context = format!("front@site/edge{number}");
        let get = ["--context", &context, "get", "configmaps"];
        let (ok, text) = folder.kubectl_as(&planes[number], kubeconfig, &get);
        assert!(ok || text.contains("orbidden"), "{text}");
        ok
    };
    assert!(opens(&old, 0) && opens(&old, 1));

    let revoke = format!("{cloud}/users/alice/revoke");
    let accepted = folder.post(&server, &revoke, json!({})).await;
    assert_eq!(accepted["generation"], 2);
    let asked = Instant::now();
    while opens(&old, 0) || opens(&old, 1) {
        assert!(asked.elapsed() < Duration::from_secs(30));
    }
    folder.wait(&server, &cloud, "ready").await;
    assert!(!opens(&old, 0) && !opens(&old, 1));
    let new = folder.kubeconfig(&server, &cloud).await;
    assert_ne!(new, old);
    assert!(opens(&new, 0) && opens(&new, 1));

    folder
        .post(&server, &format!("{cloud}/terminate"), json!({}))
        .await;
    folder.wait(&server, &cloud, "absent").await;
}
