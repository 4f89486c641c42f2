//! `cargo xtask demo`: logical clouds on two real Kubernetes control planes, from birth to nothing left.
//!
//! A play in acts, one file each: they run real commands through the [`stage`], which prints them and
//! holds what they show against what they should. The first thing that is not as it should be ends the
//! demo with an error. Servers live in processes and folders that end with this process, however it
//! ends, so Ctrl-C needs no handler.

mod cloud;
mod clusters;
mod dead_edge;
mod drift;
mod emco;
mod end;
mod mesh;
mod outage;
mod palette;
mod setup;
mod stage;
mod tenant;
mod times;
mod watching;

use std::thread;

use anyhow::Result;

use crate::output;
use setup::Scene;
use stage::Stage;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Leave everything running at the end, until Ctrl-C, and print how to go on
    #[arg(long)]
    keep: bool,
    /// Build dcm with optimisation: takes longer once, and is faster then
    #[arg(long)]
    release: bool,
}

/// An act.
type Act = fn(&mut Stage, &Scene) -> Result<()>;

/// The acts, with their titles.
const ACTS: [(&str, Act); 9] = [
    ("Two clusters are registered", clusters::play),
    (
        "A logical cloud is described, and comes to life",
        cloud::play,
    ),
    (
        "The tenant uses it, and stays within its bounds",
        tenant::play,
    ),
    ("Somebody breaks it, and it heals", drift::play),
    (
        "Its neighbour has a mesh, and gets another anchor while workloads talk",
        mesh::play,
    ),
    ("A cluster goes dark, and catches up", outage::play),
    ("A cloud goes although its cluster is dark", dead_edge::play),
    (
        "It is let go, while a client of EMCO makes another one",
        emco::play,
    ),
    ("Both are gone, and nothing is left", end::play),
];

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let (scene, mut stage) = setup::prepare(arguments.release)?;
    let outcome = play(&mut stage, &scene);
    if let Err(error) = &outcome {
        output::warn(format!(
            "\n--- last lines of dcm serve\n{}",
            scene.server.last_lines()
        ));
        stage.failed(error);
    } else {
        stage.report();
    }
    if arguments.keep {
        setup::tell_how_to_go_on(&stage, &scene);
        loop {
            thread::park();
        }
    }
    outcome
}

fn play(stage: &mut Stage, scene: &Scene) -> Result<()> {
    for (title, act) in ACTS {
        stage.begin(title);
        act(stage, scene)?;
        stage.end();
    }
    Ok(())
}
