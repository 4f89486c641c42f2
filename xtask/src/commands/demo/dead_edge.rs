//! A logical cloud is terminated and deleted while its only cluster is dark: it goes now, what is left of it stays
//! visible, and is cleaned up when the cluster is back.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::setup::{CLUSTERS, Scene, registered};
use super::stage::{Stage, until};

/// A second cloud, for one evening.
const CLOUD: &str = "popup";
/// The cloud goes within moments.
const GONE_LIMIT: Duration = Duration::from_secs(20);
/// A namespace takes 5 s, the second look comes 6 s later, and the machine may be busy.
const CLEAN_LIMIT: Duration = Duration::from_mins(2);

pub(super) fn play(stage: &mut Stage, scene: &Scene) -> Result<()> {
    let far = registered(1);
    let control_plane = scene.control_planes.last().context("two control planes")?;
    let create = ["dcm", "logical-cloud", "create", CLOUD, "--user", "bob"];
    stage.run(&[&create[..], &["--cluster", &far]].concat())?;
    stage.run(&["dcm", "logical-cloud", "instantiate", CLOUD, "--wait"])?;

    stage.tell(&format!("(the control plane of {far} is switched off)"));
    control_plane.stop();
    let began = Instant::now();
    stage.run(&["dcm", "logical-cloud", "terminate", CLOUD])?;
    stage.run(&["dcm", "logical-cloud", "delete", CLOUD])?;
    let get = ["dcm", "logical-cloud", "get", CLOUD];
    let gone = || Ok(stage.look(&get)?.is_none().then_some(()));
    until("the end of the logical cloud", GONE_LIMIT, gone)?;
    let took = began.elapsed();
    stage.ends_with(1, &get)?;
    stage.measured("terminate and delete with a dead cluster", took);
    stage.tell("what it left there is not forgotten, and its namespace stays held");
    stage
        .run(&["dcm", "tombstone", "list"])?
        .shows(&far)?
        .shows("unreachable")?;
    stage.run(&["dcm", "sync", "status"])?.shows("NEXT PROBE")?;

    stage.tell(&format!(
        "(the control plane of {far} is switched on again)"
    ));
    control_plane.restart()?;
    let began = Instant::now();
    stage.run(&["dcm", "cluster", "probe", &far])?;
    let list = ["dcm", "tombstone", "list", "-o", "json"];
    let clean = || Ok((stage.look(&list)?.as_deref().map(str::trim) == Some("[]")).then_some(()));
    until("the clean-up", CLEAN_LIMIT, clean)?;
    stage.measured("cleaned up after its return", began.elapsed());
    let kubeconfig = format!("{}.kubeconfig", CLUSTERS[1]);
    let namespace = ["kubectl", "--kubeconfig", &kubeconfig, "get", "namespace"];
    let left = stage.look(&[&namespace[..], &[CLOUD]].concat())?;
    if left.is_some() {
        bail!("the namespace of the deleted cloud is still there");
    }
    Ok(())
}
