//! Another logical cloud has a mesh: each cluster signs its workloads with an intermediate of its own, below one anchor.
//! The anchor is replaced while workloads of both clusters talk to each other.

mod members;
mod picture;

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;

use super::setup::{CLUSTERS, Scene, registered};
use super::stage::{Stage, until};
use super::times::in_words;
use members::{Handshakes, Members};

const CLOUD: &str = "market";
/// Far above the seconds that it takes.
const LIMIT: Duration = Duration::from_mins(2);
/// Between two questions.
const LOOK: Duration = Duration::from_millis(50);
/// Handshakes between the clusters that are waited for.
const ENOUGH: usize = 40;

pub(super) fn play(stage: &mut Stage, scene: &Scene) -> Result<()> {
    let Some(program) = &scene.mesh_members else {
        stage.tell("left out: it takes the control plane of the mesh, which `cargo xtask istio build` builds once (5 min)");
        return Ok(());
    };
    let [near, far] = [registered(0), registered(1)];
    let create = ["dcm", "logical-cloud", "create", CLOUD, "--user", "carol"];
    stage.run(&[&create[..], &["--cluster", &near, "--cluster", &far]].concat())?;
    stage.run(&["dcm", "logical-cloud", "instantiate", CLOUD, "--wait"])?;
    stage.tell("(in each cluster a real control plane of the mesh is started, on the keys made for it; a workload comes every moment, and lives for seconds)");
    let mut members = Members::start(program, scene, CLOUD)?;
    stage.measured("two control planes of the mesh started", members.took());
    talk(
        stage,
        &mut members,
        "workloads of both clusters take each other",
    )?;

    stage.tell("one anchor for the cloud, and below it an intermediate for each cluster");
    show_chains(stage)?;
    stage
        .run(&["dcm", "ca", "show", CLOUD])?
        .shows(&near)?
        .shows(&far)?;

    stage.tell("another anchor: every cluster has to trust it before it signs, and no certificate of the old one may live when that goes");
    let began = Instant::now();
    stage.run(&["dcm", "ca", "rotate", CLOUD, "--kind", "anchor"])?;
    follow(stage, began)?;
    stage.measured("anchor replaced on both clusters", began.elapsed());
    show_chains(stage)?;
    let seen = talk(stage, &mut members, "and they still do")?;
    stage.good(&format!(
        "{} of all handshakes were between a workload of the old anchor and one of the new; none was ever refused",
        seen.across_anchors
    ));
    ensure!(seen.across_anchors > 0, "no workloads of both anchors met");
    stage.tell("what happened to every key is in a chained record");
    stage
        .run(&["dcm", "ca", "audit", "verify", CLOUD])?
        .shows("verified")?;
    drop(members);
    leave(stage)
}

/// The cloud goes while the play goes on.
fn leave(stage: &Stage) -> Result<()> {
    for name in CLUSTERS {
        let kubeconfig = format!("{name}.kubeconfig");
        let namespace = format!("istio-{CLOUD}");
        let delete = [
            "kubectl",
            "--kubeconfig",
            &kubeconfig,
            "delete",
            "namespace",
        ];
        let gone = stage.look(&[&delete[..], &[&namespace, "--wait=false"]].concat())?;
        ensure!(gone.is_some(), "namespace '{namespace}' was not deleted");
    }
    stage.run(&["dcm", "logical-cloud", "terminate", CLOUD])?;
    stage.run(&["dcm", "logical-cloud", "delete", CLOUD])?;
    Ok(())
}

/// Waits until nothing of it is in a member.
pub(super) fn wait_until_gone(stage: &Stage) -> Result<()> {
    let get = ["dcm", "logical-cloud", "get", CLOUD];
    let gone = || Ok(stage.look(&get)?.is_none().then_some(()));
    until("the end of the cloud with a mesh", LIMIT, gone)
}

/// Waits for handshakes from now on; not one of all may have been refused.
fn talk(stage: &Stage, members: &mut Members, what: &str) -> Result<Handshakes> {
    let before = members.seen()?.between_clusters;
    let began = Instant::now();
    loop {
        let seen = members.seen()?;
        ensure!(
            seen.refused.is_empty(),
            "refused: {}",
            seen.refused.join("; ")
        );
        let new = seen.between_clusters - before;
        if new >= ENOUGH {
            stage.good(&format!("{what}: {new} handshakes across, none refused"));
            return Ok(seen);
        }
        ensure!(began.elapsed() < LIMIT, "only {new} handshakes happened");
        thread::sleep(LOOK);
    }
}

/// Tells each phase when it is entered.
fn follow(stage: &Stage, began: Instant) -> Result<()> {
    let mut shown = String::new();
    while shown != "done" {
        let phase = until("the next phase", LIMIT, || {
            let rotation = json(stage, &["dcm", "ca", "rotation", CLOUD])?;
            let phase = rotation["phase"].as_str().unwrap_or_default();
            Ok((phase != shown).then(|| phase.to_owned()))
        })?;
        stage.show(&[picture::phase(&phase, &in_words(began.elapsed()))]);
        shown = phase;
        if shown == "sign-with-new" {
            show_chains(stage)?;
        }
    }
    Ok(())
}

fn show_chains(stage: &Stage) -> Result<()> {
    let authority = json(stage, &["dcm", "ca", "show", CLOUD])?;
    stage.show(&picture::chains(&authority));
    Ok(())
}

fn json(stage: &Stage, words: &[&str]) -> Result<Value> {
    let said = stage.look(&[words, &["--output", "json"]].concat())?;
    Ok(serde_json::from_str(&said.unwrap_or_default())?)
}
