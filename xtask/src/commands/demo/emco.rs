//! A client of EMCO, with its own documents, on the same server: a second logical cloud comes, is used
//! and goes, while the first one takes its time to go.

use std::time::Duration;

use anyhow::Result;

use super::cloud::LOAD_BALANCERS;
use super::setup::{CLOUD, CLUSTERS, PROVIDERS, Scene};
use super::stage::{Stage, until};

const PROJECTS: &str = "/v2/projects";
const PROJECT: &str = "/v2/projects/globex";
const MALL: &str = "/v2/projects/globex/logical-clouds/mall";
/// Of the cluster that was registered as a form.
const OSLO: &str = "/v2/cluster-providers/sites/clusters/oslo";
/// What says of a status how far it is.
const STATUS: [&str; 3] = ["deployedStatus", "readyStatus", "readyCounts"];
const CONTROLLERS: &str = "/v2/controllers";
/// Far above what it takes.
const READY_LIMIT: Duration = Duration::from_secs(30);
const GONE_LIMIT: Duration = Duration::from_mins(2);

/// The cloud comes to life and is used; both clouds are on their way out at the end.
pub(super) fn play(stage: &mut Stage, _scene: &Scene) -> Result<()> {
    stage.tell("shop is let go; Kubernetes takes 5 s for a namespace, and we look twice");
    stage.start_clock();
    stage.run(&["dcm", "logical-cloud", "terminate", CLOUD])?;
    stage.tell("meanwhile a client of EMCO: its controller is kept for it, and never called");
    let controller = r#"{"metadata":{"name":"rsync"},"spec":{"host":"rsync","port":9031}}"#;
    stage.request("POST", CONTROLLERS, controller)?;
    stage.tell("labels and key-values of the cluster that was registered its way");
    stage.request(
        "POST",
        &format!("{OSLO}/labels"),
        r#"{"clusterLabel":"north"}"#,
    )?;
    let pairs = r#"{"metadata":{"name":"site"},"spec":{"kv":[{"region":"eu-north"}]}}"#;
    stage.request("POST", &format!("{OSLO}/kv-pairs"), pairs)?;
    let labelled = "/v2/cluster-providers/sites/clusters?label=north";
    stage.request("GET", labelled, "")?.shows(r#"["oslo"]"#)?;
    describe(stage)?;
    come_to_life(stage)?;
    use_it(stage)?;
    stage.tell("and it goes, too");
    stage.request("POST", &format!("{MALL}/terminate"), UNREAD)?;
    Ok(())
}

/// What clients of EMCO send along with an action; it is never read.
const UNREAD: &str = r#"{"metadata":{"name":""}}"#;

/// All documents of the cloud.
fn describe(stage: &Stage) -> Result<()> {
    stage.tell("a logical cloud, in documents of metadata and spec");
    stage.request("POST", PROJECTS, r#"{"metadata":{"name":"globex"}}"#)?;
    let cloud = r#"{"metadata":{"name":"mall"},"spec":{"namespace":"mall","level":"1","user":{"userName":"bob","type":"certificate"}}}"#;
    stage.request("POST", &format!("{PROJECT}/logical-clouds"), cloud)?;
    stage.tell("its usual permission: everything; it is given what is safe within a namespace");
    let everything = r#"{"metadata":{"name":"all"},"spec":{"namespace":"mall","apiGroups":["*"],"resources":["*"],"verbs":["*"]}}"#;
    stage
        .request("POST", &format!("{MALL}/user-permissions"), everything)?
        .shows("effective")?;
    let quota = r#"{"metadata":{"name":"limits"},"spec":{"configmaps":"8","services":"5"}}"#;
    stage.request("POST", &format!("{MALL}/cluster-quotas"), quota)?;
    for ((provider, cluster), address) in PROVIDERS.iter().zip(CLUSTERS).zip(LOAD_BALANCERS) {
        let reference = format!(
            r#"{{"metadata":{{"name":"in-{cluster}"}},"spec":{{"clusterProvider":"{provider}","cluster":"{cluster}","loadBalancerIP":"{address}"}}}}"#
        );
        stage.request("POST", &format!("{MALL}/cluster-references"), &reference)?;
    }
    Ok(())
}

fn come_to_life(stage: &Stage) -> Result<()> {
    stage.tell("now it shall be; its client asks for the status until it is ready");
    stage.request("POST", &format!("{MALL}/instantiate"), UNREAD)?;
    let summary = format!("{MALL}/status?output=summary");
    until("bob's cloud ready", READY_LIMIT, || {
        let status = stage.fetch(&summary)?;
        Ok(status.contains(r#""readyStatus":"Ready""#).then_some(()))
    })?;
    let status = stage.members(&summary, &STATUS)?;
    status.shows(r#""deployedStatus":"Instantiated""#)?;
    let members = stage.request("GET", &format!("{MALL}/status?clusters"), "")?;
    members.shows(CLUSTERS[0])?.shows(CLUSTERS[1])?;
    Ok(())
}

fn use_it(stage: &Stage) -> Result<()> {
    stage.tell("the kubeconfig of one member, for bob");
    let kubeconfig = format!("{MALL}/cluster-references/in-oslo/kubeconfig");
    stage.download(&kubeconfig, "bob.kubeconfig")?;
    let kubectl = ["kubectl", "--kubeconfig", "bob.kubeconfig"];
    let create = ["create", "configmap", "hello", "--from-literal=from=bob"];
    stage.run(&[&kubectl[..], &create].concat())?;
    stage
        .run(&[&kubectl[..], &["get", "configmaps"]].concat())?
        .shows("hello")?;
    stage.tell("everything ends at the edge of his namespace");
    let elsewhere = ["--namespace", "default", "get", "configmaps"];
    stage.refused("Forbidden", &[&kubectl[..], &elsewhere].concat())
}

/// Waits until nothing of it is in a member.
pub(super) fn wait_until_gone(stage: &Stage) -> Result<()> {
    let summary = format!("{MALL}/status?output=summary");
    until("the end of bob's cloud", GONE_LIMIT, || {
        let status = stage.fetch(&summary)?;
        Ok(status
            .contains(r#""deployedStatus":"Terminated""#)
            .then_some(()))
    })?;
    stage.members(&summary, &STATUS)?;
    Ok(())
}

/// Deletes the cloud with all its documents, the last one first.
pub(super) fn delete_cloud(stage: &Stage) -> Result<()> {
    stage.tell("bob's, by the client of EMCO, the last one first");
    let documents = [
        "/cluster-references/in-oslo",
        "/cluster-references/in-berlin",
        "/cluster-quotas/limits",
        "/user-permissions/all",
        "",
    ];
    for path in documents {
        stage.request("DELETE", &format!("{MALL}{path}"), "")?;
    }
    stage.request("DELETE", PROJECT, "")?;
    Ok(())
}

/// Deletes what else was made, and shows that there is nothing more.
pub(super) fn delete_the_rest(stage: &Stage) -> Result<()> {
    for path in ["/kv-pairs/site", "/labels/north", ""] {
        stage.request("DELETE", &format!("{OSLO}{path}"), "")?;
    }
    stage.request("DELETE", "/v2/cluster-providers/sites", "")?;
    stage.request("DELETE", &format!("{CONTROLLERS}/rsync"), "")?;
    stage.tell("the lists from which everything else is reached");
    for list in [PROJECTS, "/v2/cluster-providers", CONTROLLERS] {
        stage.request("GET", list, "")?.shows_only("[]")?;
    }
    Ok(())
}
