//! Registers two clusters, each in a way of its own, and shows what was found out about them.

use std::time::Duration;

use anyhow::Result;

use super::setup::{CLUSTERS, PROVIDERS, Scene, registered};
use super::stage::{Shown, Stage, until};

/// Far above what a check takes.
const LIMIT: Duration = Duration::from_secs(30);

pub(super) fn play(stage: &mut Stage, _scene: &Scene) -> Result<()> {
    let [near, far] = [registered(0), registered(1)];
    let [kubeconfig, other] = CLUSTERS.map(|name| format!("{name}.kubeconfig"));
    stage.tell(
        "a provider groups clusters; a cluster is registered with its administrator's kubeconfig",
    );
    stage.run(&["dcm", "provider", "create", PROVIDERS[0]])?;
    create(stage, 0, &near, &kubeconfig)?;

    stage.tell(
        "or as clients of EMCO do it: a form, with its document and the kubeconfig as a file",
    );
    let provider = format!(r#"{{"metadata":{{"name":"{}"}}}}"#, PROVIDERS[1]);
    stage.request("POST", "/v2/cluster-providers", &provider)?;
    let document = format!(r#"{{"metadata":{{"name":"{}"}}}}"#, CLUSTERS[1]);
    let clusters = format!("/v2/cluster-providers/{}/clusters", PROVIDERS[1]);
    stage.upload(&clusters, &document, &other)?;

    stage.tell("each is checked: reachable, who we are there, what we may do, whether it signs certificates");
    until("the check of both clusters", LIMIT, || {
        let shown = stage.look(&["dcm", "cluster", "get", &far])?;
        Ok(shown.filter(|shown| !shown.contains("unchecked")))
    })?;
    let list = stage.run(&["dcm", "cluster", "list"])?;
    list.shows(&near)?.shows(&far)?;
    for cluster in [&near, &far] {
        stage
            .run(&["dcm", "cluster", "get", cluster])?
            .shows("healthy")?;
    }
    stage.tell(
        "the same cluster under a second name would be two owners of one place: it is refused",
    );
    let again = format!("{}/hamburg", PROVIDERS[0]);
    create(stage, 3, &again, &kubeconfig)?.shows("refused")?;
    stage.run(&["dcm", "cluster", "delete", &again])?;
    Ok(())
}

/// Registers a cluster and waits for its check.
fn create(stage: &Stage, code: i32, cluster: &str, kubeconfig: &str) -> Result<Shown> {
    let words = [
        "dcm",
        "cluster",
        "create",
        cluster,
        "--kubeconfig",
        kubeconfig,
        "--wait",
    ];
    stage.ends_with(code, &words)
}
