//! `cargo xtask bench sync`: the synchronizer with very many members, simulated ones in a process of their
//! own, over TCP and TLS, each call with a latency; beside a bare client that makes the same objects in the
//! same order with the same concurrency, in the same run.
//!
//! Each part stands on its own and prints its table when it ends, so that a run which was broken off goes on
//! with the parts that are missing.

mod clouds;
mod dead;
mod growth;
mod idle;
mod many;
mod real;
mod spread;
mod stage;

use std::fs;

use anyhow::Result;

use super::figure::Figure;
use super::tools::{BARE_CLIENT, KUBESIM_FLEET, Tools};
use super::{Place, report, waiters};
use crate::output;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only these parts
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Members of a fleet of usual size
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(10..=2000))]
    members: u16,
    /// Members of a large fleet; without it, ten times the usual
    #[arg(long, value_parser = clap::value_parser!(u16).range(10..=2000))]
    large: Option<u16>,
    /// Time of each call to a member, in milliseconds
    #[arg(long, default_value_t = 20)]
    latency: u16,
    /// How long a server is looked at that has nothing to do, in seconds
    #[arg(long, default_value_t = 120)]
    rest: u16,
    /// Rounds of each measurement that is a median
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// Real control planes
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=16))]
    control_planes: u16,
    /// Logical clouds on the real control planes
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=200))]
    clouds: u16,
    /// Measure the programs as they were built last
    #[arg(long)]
    no_build: bool,
    /// Print JSON in place of tables
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// One logical cloud in all members of a fleet: to life, and gone
    Spread,
    /// Many logical clouds, each in a tenth of the members
    Many,
    /// What ten logical clouds in all of a large fleet cost while nothing changes, and one change
    Idle,
    /// A large fleet of which a part is dead
    Dead,
    /// What a member costs in small and in large fleets
    Growth,
    /// Logical clouds on real control planes
    Real,
}

const PARTS: [Part; 6] = [
    Part::Spread,
    Part::Many,
    Part::Idle,
    Part::Dead,
    Part::Growth,
    Part::Real,
];

/// What each part needs.
struct Bench<'a> {
    tools: Tools,
    place: Place,
    arguments: &'a Arguments,
}

impl Bench<'_> {
    fn members(&self) -> usize {
        self.arguments.members.into()
    }

    fn large(&self) -> usize {
        let usual = self.members() * 10;
        self.arguments.large.map_or(usual, usize::from)
    }

    fn rounds(&self) -> u16 {
        self.arguments.rounds
    }

    fn measure(&self, part: Part) -> Result<Vec<Figure>> {
        match part {
            Part::Spread => spread::measure(self),
            Part::Many => many::measure(self),
            Part::Idle => idle::measure(self),
            Part::Dead => dead::measure(self),
            Part::Growth => growth::measure(self),
            Part::Real => real::measure(self),
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let bench = Bench {
        tools: Tools::locate()?,
        place: Place::create()?,
        arguments,
    };
    if !arguments.no_build {
        Tools::build(&[BARE_CLIENT, KUBESIM_FLEET])?;
    }
    waiters::allow_connections();
    for part in PARTS {
        if !arguments.parts.is_empty() && !arguments.parts.contains(&part) {
            continue;
        }
        say_how_busy(part)?;
        report(&bench.measure(part)?, arguments.json)?;
    }
    Ok(())
}

/// What others did before makes every figure larger; a table without that is worth nothing.
fn say_how_busy(part: Part) -> Result<()> {
    let load = fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    let busy = load.parse::<f64>().is_ok_and(|load| load > 0.5);
    let what = if busy {
        "; the machine is BUSY, and figures are too large"
    } else {
        ""
    };
    output::warn(format!("==> {part:?}: load at the start {load}{what}"));
    Ok(())
}
