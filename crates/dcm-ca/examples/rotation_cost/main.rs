//! What a rotation costs the controller itself: a cloud with many simulated members gets another anchor, in virtual
//! time, so that nothing but our own work is measured.
//!
//! Run it with `--release`. Arguments: the folder to measure in, and how many members. It prints one line of JSON.
//! Every decision of the operator is as delivered: leaves live for a day, and each minute the loop looks at everything.

#![expect(clippy::print_stdout, reason = "it prints its figures")]

mod bare;
mod world;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use dcm_ca::Policy;
use dcm_types::ca::{
    CaController as _, Evidence, EvidenceStage, RotationKind, RotationPhase, StartRotation,
};
use futures::{FutureExt as _, StreamExt as _};
use serde_json::json;

use world::World;

/// The unit in which Linux tells processor time to programs.
const TICK: Duration = Duration::from_millis(10);
/// More looks than any rotation takes.
const LOOKS: u32 = 20_000;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().context("give a folder")?;
    let members: usize = arguments
        .next()
        .context("give a number of members")?
        .parse()?;
    let mut world = World::open(Path::new(&folder), members).await?;
    follow(&world).await?;
    let intermediate = rotate(&mut world, RotationKind::Intermediate).await?;
    let anchor = rotate(&mut world, RotationKind::Anchor).await?;
    let line = json!({
        "members": members,
        "intermediate": intermediate,
        "anchor": anchor,
        "bare_ms": milliseconds(bare::sign(members + 1)?),
    });
    println!("{line}");
    Ok(())
}

/// Rotates, and tells what that took of time and of processors.
async fn rotate(world: &mut World, kind: RotationKind) -> Result<serde_json::Value> {
    let (begun, before) = (Instant::now(), processor_time()?);
    let start = StartRotation {
        cloud: world::cloud()?,
        kind,
        dry_run: false,
    };
    let mut phase = world
        .ca
        .start_rotation(&start, &world::somebody())
        .await?
        .phase;
    let mut hints = world.ca.watch();
    let mut looks = 0;
    while phase != RotationPhase::Done {
        world.ca.look_at_all().await?;
        let mut news = false;
        while hints.next().now_or_never().flatten().is_some() {
            news = true;
        }
        if news {
            follow(world).await?;
            phase = world.ca.get_rotation(&start.cloud).await?.phase;
        }
        looks += 1;
        ensure!(looks < LOOKS, "the rotation does not end");
        world.clock.forward(Policy::default().interval);
    }
    let took = begun.elapsed();
    Ok(json!({
        "wall_ms": milliseconds(took),
        "processor_ms": milliseconds(processor_time()?.saturating_sub(before)),
        "looks": looks,
        "virtual_hours": (Policy::default().interval * looks).as_secs_f64() / 3600.0,
    }))
}

/// Every member takes what it shall have, and is seen to use it.
async fn follow(world: &World) -> Result<()> {
    for target in &world.targets {
        let bundle = world.ca.ensure_bundle(target).await?;
        for stage in [EvidenceStage::Written, EvidenceStage::Loaded] {
            let evidence = Evidence {
                target: target.clone(),
                cloud_uid: bundle.cloud_uid,
                version: bundle.version,
                stage,
            };
            world.ca.report_evidence(&evidence).await?;
        }
    }
    Ok(())
}

/// Of this process, with threads that have ended.
fn processor_time() -> Result<Duration> {
    let text = fs::read_to_string("/proc/self/stat")?;
    // The name in parentheses may hold anything; the times are the 12th and 13th word after it.
    let after = text.rsplit(") ").next().unwrap_or_default();
    let mut ticks = 0;
    for time in after.split(' ').skip(11).take(2) {
        ticks += time.parse::<u32>()?;
    }
    Ok(TICK * ticks)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
