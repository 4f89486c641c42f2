//! Alice, with nothing but the kubeconfig that the API gave her and the `kubectl` that everybody has.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::setup::{CLOUD, CLUSTERS, Scene};
use super::stage::{Stage, until};

const LIMIT: Duration = Duration::from_secs(10);
/// What the quota of the demo allows.
const QUOTA: usize = 4;
const NAMES: [&str; QUOTA + 1] = ["one", "two", "three", "four", "five"];

pub(super) fn play(stage: &mut Stage, _scene: &Scene) -> Result<()> {
    stage.tell(
        "one kubeconfig, a context per cluster; its key was made for alice and is hers alone",
    );
    stage.run(&["dcm", "kubeconfig", CLOUD, "--output", "alice.kubeconfig"])?;
    stage.export("KUBECONFIG", "alice.kubeconfig");
    stage.run(&["kubectl", "config", "get-contexts"])?;
    for (cluster, context) in CLUSTERS.iter().zip(contexts(stage)?) {
        let kubectl = ["kubectl", "--context", &context];
        fill(stage, cluster, &kubectl)?;
        stage.tell("not in another namespace, and not in the cluster as a whole");
        let elsewhere = ["--namespace", "default", "get", "configmaps"];
        stage.refused("Forbidden", &[&kubectl[..], &elsewhere].concat())?;
        stage.refused(
            "Forbidden",
            &[&kubectl[..], &["get", "namespaces"]].concat(),
        )?;
    }
    Ok(())
}

/// Creates as many `ConfigMap`s as the quota has room for, and one more, which is refused.
fn fill(stage: &Stage, cluster: &str, kubectl: &[&str]) -> Result<()> {
    let room = room(stage, cluster)?;
    let own = if room < QUOTA {
        "counts"
    } else {
        "came before the count"
    };
    stage.tell(&format!(
        "{cluster}: {QUOTA} ConfigMaps are allowed, Kubernetes' own one {own}: {room} more, no further"
    ));
    let (fit, beyond) = NAMES
        .split_at_checked(room)
        .context("the quota is too large")?;
    let create = [kubectl, &["create", "configmap"]].concat();
    for name in fit {
        stage.run(&[&create[..], &[name]].concat())?;
    }
    stage.refused(
        "exceeded quota: small",
        &[&create[..], &beyond[..1]].concat(),
    )?;
    let list = stage.run(&[kubectl, &["get", "configmaps"]].concat())?;
    fit.iter().try_for_each(|name| list.shows(name).map(|_| ()))
}

/// How many more `ConfigMap`s the quota allows. Kubernetes puts one of its own into each namespace, at
/// about the time at which it counts for the first time: nobody knows which comes first.
fn room(stage: &Stage, cluster: &str) -> Result<usize> {
    let kubeconfig = format!("{cluster}.kubeconfig");
    let get = [
        "kubectl",
        "--kubeconfig",
        &kubeconfig,
        "--namespace",
        CLOUD,
        "get",
    ];
    until("Kubernetes' own ConfigMap", LIMIT, || {
        stage.look(&[&get[..], &["configmap", "kube-root-ca.crt"]].concat())
    })?;
    let used = [
        "resourcequota",
        "small",
        "--output=jsonpath={.status.used.configmaps}",
    ];
    let used = stage.look(&[&get[..], &used].concat())?;
    let used: usize = used.context("there should be a quota")?.parse()?;
    QUOTA.checked_sub(used).context("more is used than allowed")
}

/// The contexts of alice's kubeconfig, one per cluster and in their order.
pub(super) fn contexts(stage: &Stage) -> Result<Vec<String>> {
    let names = stage.look(&["kubectl", "config", "get-contexts", "--output", "name"])?;
    let names = names.unwrap_or_default();
    let names: Vec<String> = names.lines().map(str::to_owned).collect();
    let complete = names.len() == CLUSTERS.len()
        && names
            .iter()
            .zip(CLUSTERS)
            .all(|(name, cluster)| name.ends_with(cluster));
    ensure!(
        complete,
        "alice's kubeconfig should have contexts for {CLUSTERS:?}, has {names:?}"
    );
    Ok(names)
}
