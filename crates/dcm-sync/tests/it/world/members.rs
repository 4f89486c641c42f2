//! Worlds of simulated members, in time that is paused.

use std::sync::Arc;

use dcm_sync::Config;
use dcm_testkit::kubesim::{Fleet, Member, Options, VirtualClock};

use super::{SystemClock, World, quick};

/// The Kubernetes of members of which nothing else is said.
const VERSION: &str = "v1.36.3";

impl World {
    /// With short times.
    pub(crate) fn simulated(names: &[&str]) -> (Self, Vec<Member>) {
        Self::simulated_as(quick(), VERSION, names)
    }

    /// With the times of the product.
    pub(crate) fn simulated_as_delivered(names: &[&str]) -> (Self, Vec<Member>) {
        Self::simulated_as(Config::default(), VERSION, names)
    }

    /// Of another version.
    pub(crate) fn simulated_as(
        config: Config,
        version: &str,
        names: &[&str],
    ) -> (Self, Vec<Member>) {
        let start = "2026-01-01T00:00:00Z".parse().unwrap();
        let clock = SystemClock {
            simulated: Some(VirtualClock::starting_at(start)),
            ..SystemClock::default()
        };
        let fleet = Fleet::new(config.call_limits());
        let member = |(seed, name): (u64, &&str)| {
            let options = Options {
                seed,
                version: version.to_owned(),
                clock: Arc::new(VirtualClock::starting_at(start)),
                authority: None,
            };
            let member = Member::new(name, options).unwrap();
            fleet.add(member.clone());
            member
        };
        let members = (1..).zip(names).map(member).collect();
        (Self::on(config, clock, fleet), members)
    }
}
