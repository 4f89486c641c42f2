//! Both clouds are gone; looks for anything that they left, tries the old kubeconfig, and deletes all
//! documents.

use anyhow::Result;

use super::setup::{CLOUD, CLUSTERS, PROJECT, PROVIDERS, Scene, registered};
use super::stage::Stage;
use super::tenant::contexts;
use super::{emco, mesh};

/// Every kind of which a logical cloud has objects.
const KINDS: &str = "namespaces,configmaps,resourcequotas,limitranges,networkpolicies,roles,\
                     rolebindings,certificatesigningrequests,serviceaccounts";
/// On everything that belongs to a logical cloud.
const LABEL: &str = "dcm.internal/cloud";

pub(super) fn play(stage: &mut Stage, _scene: &Scene) -> Result<()> {
    stage.tell("the second look comes later than anything could still write");
    let terminate = ["dcm", "logical-cloud", "terminate", CLOUD, "--wait"];
    stage.live(0, &terminate)?.shows("2 of 2 absent")?;
    stage.stop_clock("terminate to verified absent on both clusters");
    emco::wait_until_gone(stage)?;
    mesh::wait_until_gone(stage)?;
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
    stage.tell("the documents can go now, too: alice's");
    stage.run(&["dcm", "logical-cloud", "delete", CLOUD])?;
    stage.run(&["dcm", "project", "delete", PROJECT])?;
    emco::delete_cloud(stage)?;
    stage.tell("and the clusters, each the way it came");
    stage.run(&["dcm", "cluster", "delete", &registered(0)])?;
    stage.run(&["dcm", "provider", "delete", PROVIDERS[0]])?;
    emco::delete_the_rest(stage)
}
