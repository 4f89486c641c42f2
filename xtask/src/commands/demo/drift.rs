//! An administrator deletes what holds the tenant's rights and bounds; both come back by themselves. Then
//! alice's key gets lost, and what it opened is shut.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use super::setup::{CLOUD, CLUSTERS, Scene};
use super::stage::{Stage, until};
use super::tenant::contexts;

/// Far above what it takes; the target is 300 ms.
const LIMIT: Duration = Duration::from_secs(10);

pub(super) fn play(stage: &mut Stage, _scene: &Scene) -> Result<()> {
    let kubeconfig = format!("{}.kubeconfig", CLUSTERS[0]);
    let admin = ["kubectl", "--kubeconfig", &kubeconfig, "--namespace", CLOUD];
    stage.tell("an administrator of the cluster deletes alice's rights, and watches");
    comes_back(stage, &admin, "rolebinding")?;
    stage.tell("the same with the quota");
    comes_back(stage, &admin, "resourcequota")?;
    stage.tell("alice has her rights, and her bounds");
    let context = &contexts(stage)?[0];
    stage.run(&["kubectl", "--context", context, "get", "configmaps"])?;
    until("the quota in force again", LIMIT, || {
        let quota = [
            &admin[..],
            &[
                "get",
                "resourcequota",
                "small",
                "--output=jsonpath={.status.hard}",
            ],
        ];
        let hard = stage.look(&quota.concat())?;
        Ok(hard.filter(|hard| hard.contains("configmaps")))
    })?;
    let one_more = [
        "kubectl",
        "--context",
        context,
        "create",
        "configmap",
        "another",
    ];
    stage.refused("exceeded quota: small", &one_more)?;
    loses_her_key(stage)
}

/// Revokes what alice holds: the lost kubeconfig opens nothing on either cluster, the next one does.
fn loses_her_key(stage: &mut Stage) -> Result<()> {
    stage.tell(
        "alice's laptop is stolen: what it holds shall open nothing, and she needs another key",
    );
    let lost: Vec<Vec<String>> = contexts(stage)?
        .into_iter()
        .map(|context| {
            let words = ["kubectl", "--context", &context, "get", "configmaps"];
            words.map(str::to_owned).to_vec()
        })
        .collect();
    let began = Instant::now();
    stage.run(&["dcm", "user", "revoke", "alice", "--cloud", CLOUD])?;
    for words in &lost {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        until("the stolen key to open nothing", LIMIT, || {
            Ok(stage.look(&words)?.is_none().then_some(()))
        })?;
    }
    stage.measured("stolen key opens nothing on both clusters", began.elapsed());
    for words in &lost {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        stage.refused("Forbidden", &words)?;
    }
    let wait = ["dcm", "logical-cloud", "status", CLOUD, "--wait"];
    stage.live(0, &wait)?.shows("2 of 2 ready")?;
    stage.run(&["dcm", "kubeconfig", CLOUD, "--output", "alice.kubeconfig"])?;
    let words: Vec<&str> = lost[0].iter().map(String::as_str).collect();
    stage.run(&words)?;
    Ok(())
}

/// Deletes the one object of a kind while watching the kind, and sees it come back.
fn comes_back(stage: &mut Stage, admin: &[&str], kind: &str) -> Result<()> {
    let names = stage.look(&[admin, &["get", kind, "--output=name"]].concat())?;
    let name = names
        .as_deref()
        .and_then(|names| names.lines().next())
        .map(str::to_owned);
    let name = name.ok_or_else(|| anyhow!("there should be a {kind} of the cloud"))?;
    let plain = name.rsplit('/').next().unwrap_or(&name);
    let watch = [admin, &["get", kind, "--watch", "--output-watch-events"]].concat();
    let watching = stage.watch(&watch)?;
    watching.wait_for("ADDED", plain, LIMIT)?;
    stage.run(&[admin, &["delete", kind, plain]].concat())?;
    let gone = watching.wait_for("DELETED", plain, LIMIT)?;
    let back = watching.wait_for("ADDED", plain, LIMIT)?;
    stage.measured(
        &format!("deleted {kind} is back"),
        back.saturating_duration_since(gone),
    );
    Ok(())
}
