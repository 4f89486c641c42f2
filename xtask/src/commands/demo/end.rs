//! Terminates the cloud; then looks for anything that it left, and tries the old kubeconfig.

use std::time::Instant;

use anyhow::Result;

use super::setup::{CLOUD, CLUSTERS, PROJECT, Scene};
use super::stage::Stage;
use super::tenant::contexts;

/// Every kind of which a logical cloud has objects.
const KINDS: &str = "namespaces,configmaps,resourcequotas,limitranges,networkpolicies,roles,\
                     rolebindings,certificatesigningrequests";
/// On everything that belongs to a logical cloud.
const LABEL: &str = "dcm.internal/cloud";

pub(super) fn play(stage: &mut Stage, _scene: &Scene) -> Result<()> {
    stage.tell("Kubernetes takes 5 s for a namespace; then we look a second time, later than anything could still write");
    let began = Instant::now();
    let terminate = ["dcm", "logical-cloud", "terminate", CLOUD, "--wait"];
    stage.live(0, &terminate)?.shows("2 of 2 absent")?;
    stage.measured(
        "terminate to verified absent on both clusters",
        began.elapsed(),
    );
    stage.tell("nothing with our label is left");
    for name in CLUSTERS {
        let kubeconfig = format!("{name}.kubeconfig");
        let get = [
            "kubectl",
            "--kubeconfig",
            &kubeconfig,
            "get",
            KINDS,
            "--all-namespaces",
        ];
        let left = stage.run(&[&get[..], &["--selector", LABEL]].concat())?;
        left.shows_only("No resources found")?;
    }
    stage.tell("alice's old kubeconfig opens nothing, and there is no new one");
    for context in contexts(stage)? {
        stage.refused(
            "Forbidden",
            &["kubectl", "--context", &context, "get", "configmaps"],
        )?;
    }
    stage.ends_with(1, &["dcm", "kubeconfig", CLOUD])?;
    stage.tell("the documents can go now, too");
    stage.run(&["dcm", "logical-cloud", "delete", CLOUD])?;
    stage.run(&["dcm", "project", "delete", PROJECT])?;
    Ok(())
}
