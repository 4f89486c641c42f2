//! Alice, with nothing but the kubeconfig that the API gave her and the `kubectl` that everybody has.

use anyhow::{Result, ensure};

use super::setup::{CLOUD, CLUSTERS, Scene};
use super::stage::Stage;

pub(super) fn play(stage: &mut Stage, _scene: &Scene) -> Result<()> {
    stage.tell("one kubeconfig with a context per cluster; the key in it was made for alice and is hers alone");
    stage.run(&["dcm", "kubeconfig", CLOUD, "--output", "alice.kubeconfig"])?;
    stage.export("KUBECONFIG", "alice.kubeconfig");
    stage.run(&["kubectl", "config", "get-contexts"])?;
    for context in contexts(stage)? {
        stage.tell(&format!("{context}: up to the quota, and not beyond"));
        for name in ["one", "two", "three"] {
            stage.run(&[
                "kubectl",
                "--context",
                &context,
                "create",
                "configmap",
                name,
            ])?;
        }
        let fourth = [
            "kubectl",
            "--context",
            &context,
            "create",
            "configmap",
            "four",
        ];
        stage.refused("exceeded quota: small", &fourth)?;
        stage
            .run(&["kubectl", "--context", &context, "get", "configmaps"])?
            .shows("three")?;
        stage.tell("not in another namespace, and not in the cluster as a whole");
        let elsewhere = [
            "kubectl",
            "--context",
            &context,
            "--namespace",
            "default",
            "get",
            "configmaps",
        ];
        stage.refused("Forbidden", &elsewhere)?;
        stage.refused(
            "Forbidden",
            &["kubectl", "--context", &context, "get", "namespaces"],
        )?;
    }
    Ok(())
}

/// The contexts of alice's kubeconfig, one per cluster and in their order.
pub(super) fn contexts(stage: &Stage) -> Result<Vec<String>> {
    let names = stage.look(&["kubectl", "config", "get-contexts", "--output", "name"])?;
    let names: Vec<String> = names
        .unwrap_or_default()
        .lines()
        .map(str::to_owned)
        .collect();
    let complete = names.len() == CLUSTERS.len()
        && names
            .iter()
            .zip(CLUSTERS)
            .all(|(name, cluster)| name.ends_with(cluster));
    ensure!(
        complete,
        "alice's kubeconfig should have a context for each of {CLUSTERS:?}, has {names:?}"
    );
    Ok(names)
}
