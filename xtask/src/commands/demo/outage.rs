//! One control plane is switched off while the wish changes; the other is not held back, and this one
//! catches up when it returns.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use dcm_testkit::ControlPlane;

use super::setup::{CLOUD, CLUSTERS, Scene, registered};
use super::stage::{Stage, until};

/// Far above the few seconds that it takes.
const RESTART_LIMIT: Duration = Duration::from_mins(2);

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
        .shows(&format!("hint: {}", registered(1)))?;
    shows_limit(stage, near)?;

    stage.tell(&format!(
        "(the control plane of {far} is switched on again)"
    ));
    let took = catches_up(stage, control_plane)?;
    stage.measured("caught up after its API server answered again", took);
    shows_limit(stage, far)
}

/// Switches a control plane on and watches; the time from its first answer until all is ready.
fn catches_up(stage: &Stage, control_plane: &ControlPlane) -> Result<Duration> {
    let wait = ["dcm", "logical-cloud", "status", CLOUD, "--wait"];
    thread::scope(|scope| {
        let restart = scope.spawn(|| control_plane.restart());
        let answer = scope.spawn(|| first_answer(control_plane));
        let shown = stage.live(0, &wait);
        let ready = Instant::now();
        shown?.shows("2 of 2 ready")?;
        let panicked = |_| anyhow!("a thread panicked");
        restart.join().map_err(panicked)??;
        let answered = answer.join().map_err(panicked)??;
        Ok(ready.saturating_duration_since(answered))
    })
}

fn first_answer(control_plane: &ControlPlane) -> Result<Instant> {
    let look = || Ok(control_plane.version().ok().map(|_| Instant::now()));
    until("an answer of the API server", RESTART_LIMIT, look)
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
