//! Describes a logical cloud, document by document, and lets it come to life on both clusters.

use std::time::Instant;

use anyhow::Result;

use super::setup::{CLOUD, CLUSTERS, PROJECT, PROVIDERS, Scene};
use super::stage::Stage;

/// Addresses of load balancers, from the range that is meant for examples.
pub(super) const LOAD_BALANCERS: [&str; 2] = ["192.0.2.10", "192.0.2.20"];

pub(super) fn play(stage: &mut Stage, _scene: &Scene) -> Result<()> {
    stage.tell("these only write down what shall be; no cluster is touched yet");
    stage.run(&["dcm", "project", "create", PROJECT])?;
    let description = ["--user", "alice", "--description", "One shop, two sites"];
    stage.run(&[&["dcm", "logical-cloud", "create", CLOUD][..], &description].concat())?;

    stage.tell("its clusters, through the paths of the original design");
    for ((provider, name), address) in PROVIDERS.iter().zip(CLUSTERS).zip(LOAD_BALANCERS) {
        let path = format!(
            "/v2/projects/{PROJECT}/logical-clouds/{CLOUD}\
             /cluster-providers/{provider}/cluster-references/{name}"
        );
        let body = format!(r#"{{"cluster-name":"{name}","loadbalancer-ip":"{address}"}}"#);
        stage.request("PUT", &path, &body)?;
    }
    let list = stage.run(&["dcm", "reference", "list", "--cloud", CLOUD])?;
    list.shows(LOAD_BALANCERS[0])?.shows(LOAD_BALANCERS[1])?;

    stage.tell("a quota per cluster (Kubernetes itself puts one ConfigMap into every namespace, and it counts)");
    stage.run(&[
        "dcm",
        "quota",
        "create",
        "small",
        "--cloud",
        CLOUD,
        "--limit",
        "configmaps=4",
    ])?;
    stage.tell("what alice may do in its namespace, and nowhere else");
    let verbs = ["get", "list", "watch", "create", "update", "delete"];
    let verbs: Vec<&str> = verbs
        .into_iter()
        .flat_map(|verb| ["--verb", verb])
        .collect();
    let permission = ["dcm", "permission", "create", "edit", "--cloud", CLOUD];
    let resources = ["--resource", "configmaps", "--resource", "secrets"];
    stage.run(&[&permission[..], &resources, &verbs].concat())?;

    stage.tell("now it shall be");
    let began = Instant::now();
    stage.run(&["dcm", "logical-cloud", "instantiate", CLOUD])?;
    stage
        .live(0, &["dcm", "logical-cloud", "status", CLOUD, "--wait"])?
        .shows("2 of 2 ready")?;
    stage.measured("instantiate to ready on both clusters", began.elapsed());
    Ok(())
}
