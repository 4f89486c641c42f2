//! One control plane is switched off while the wish changes; the other is not held back, and this one
//! catches up when it returns.

use std::time::Instant;

use anyhow::{Context, Result};

use super::setup::{CLOUD, CLUSTERS, PROVIDER, Scene};
use super::stage::Stage;

pub(super) fn play(stage: &mut Stage, scene: &Scene) -> Result<()> {
    let (near, far) = (CLUSTERS[0], CLUSTERS[1]);
    let control_plane = scene.control_planes.last().context("two control planes")?;
    stage.tell(&format!("(the control plane of {far} is switched off)"));
    control_plane.stop();
    stage.tell("meanwhile alice gets more");
    stage.run(&[
        "dcm",
        "quota",
        "set",
        "small",
        "--cloud",
        CLOUD,
        "--limit",
        "configmaps=6",
    ])?;
    stage.run(&["dcm", "logical-cloud", "update", CLOUD])?;
    let wait = [
        "dcm",
        "logical-cloud",
        "status",
        CLOUD,
        "--wait",
        "--timeout",
        "4s",
    ];
    stage
        .live(3, &wait)?
        .shows("1 of 2 ready")?
        .shows("unreachable")?
        .shows(&format!("hint: {PROVIDER}/{far}"))?;
    shows_limit(stage, near)?;

    stage.tell(&format!(
        "(the control plane of {far} is switched on again)"
    ));
    control_plane.restart()?;
    let began = Instant::now();
    let wait = ["dcm", "logical-cloud", "status", CLOUD, "--wait"];
    stage.live(0, &wait)?.shows("2 of 2 ready")?;
    stage.measured("caught up after its return", began.elapsed());
    shows_limit(stage, far)
}

fn shows_limit(stage: &Stage, cluster: &str) -> Result<()> {
    let kubeconfig = format!("{cluster}.kubeconfig");
    let quota = [
        "kubectl",
        "--kubeconfig",
        &kubeconfig,
        "--namespace",
        CLOUD,
        "get",
        "resourcequota",
    ];
    stage.run(&quota)?.shows("/6")?;
    Ok(())
}
