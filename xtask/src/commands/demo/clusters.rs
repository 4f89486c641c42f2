//! Registers two clusters, and shows what was found out about them.

use anyhow::Result;

use super::setup::{CLUSTERS, PROVIDER, Scene};
use super::stage::Stage;

pub(super) fn play(stage: &mut Stage, _scene: &Scene) -> Result<()> {
    stage.tell(
        "a provider groups clusters; a cluster is registered with its administrator's kubeconfig",
    );
    stage.run(&["dcm", "provider", "create", PROVIDER])?;
    for name in CLUSTERS {
        let cluster = format!("{PROVIDER}/{name}");
        let kubeconfig = format!("{name}.kubeconfig");
        stage.run(&[
            "dcm",
            "cluster",
            "create",
            &cluster,
            "--kubeconfig",
            &kubeconfig,
            "--wait",
        ])?;
    }
    stage.tell("each was checked: reachable, who we are there, what we may do, whether it signs certificates");
    let list = stage.run(&["dcm", "cluster", "list"])?;
    for name in CLUSTERS {
        list.shows(&format!("{PROVIDER}/{name}"))?;
    }
    let first = format!("{PROVIDER}/{}", CLUSTERS[0]);
    stage
        .run(&["dcm", "cluster", "get", &first])?
        .shows("healthy")?;
    stage.tell(
        "the same cluster under a second name would be two owners of one place: it is refused",
    );
    let kubeconfig = format!("{}.kubeconfig", CLUSTERS[0]);
    let again = format!("{PROVIDER}/hamburg");
    stage
        .ends_with(
            3,
            &[
                "dcm",
                "cluster",
                "create",
                &again,
                "--kubeconfig",
                &kubeconfig,
                "--wait",
            ],
        )?
        .shows("refused")?;
    stage.run(&["dcm", "cluster", "delete", &again])?;
    Ok(())
}
