//! Random runs: two synchronizers on one store, clouds of two projects, operations, delays, faults, deaths and
//! frozen synchronizers at random, all from one seed. Then everything ends that disturbs, and all must come to
//! rest within a bound (I5).

use std::time::Duration;

use dcm_testkit::kubesim::{Fault, Load};
use dcm_types::documents::{Revision, Wish};
use dcm_types::ports::Nudge;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use super::funnel::{Effect, Judge, Kind, StoreFault, Strike, Verdict};
use super::history;
use super::stage::{Setting, Stage, in_virtual_time};
use super::wishes;
use crate::world::quota;

/// After the last disturbance everything is at rest within this.
pub(crate) const BOUND: Duration = Duration::from_mins(5);

const SYNCHRONIZERS: usize = 2;
const CLOUDS: [(&str, &str); 3] = [("shop", "cloud"), ("shop", "more"), ("lab", "cloud")];

/// What came of a seed.
pub(crate) struct Outcome {
    pub(crate) violations: Vec<String>,
    pub(crate) effects: usize,
    pub(crate) struck: usize,
    pub(crate) hash: u64,
    /// What happened, where something was violated.
    pub(crate) history: Vec<String>,
}

/// How rough a run is: chances of one effect, out of a thousand.
#[derive(Debug, Clone, Copy)]
struct Weather {
    fault: u32,
    store_fault: u32,
    crash: u32,
    slow: u32,
}

impl Weather {
    fn of(random: &mut StdRng) -> Self {
        let mut up_to = |most: u32| random.random_range(0..=most);
        Self {
            fault: up_to(50),
            store_fault: up_to(50),
            crash: up_to(5),
            slow: up_to(300),
        }
    }

    /// What happens to an effect.
    fn judge(self, random: &mut StdRng, effect: &Effect) -> Verdict {
        let mut chance = |of_thousand: u32| random.random_ratio(of_thousand, 1000);
        let (crashes, faulty) = (chance(self.crash), chance(self.fault));
        let (store_faulty, slow) = (chance(self.store_fault), chance(self.slow));
        let delay = if !slow {
            Duration::ZERO
        } else if chance(20) {
            Duration::from_secs(random.random_range(5..30))
        } else {
            Duration::from_millis(random.random_range(1..500))
        };
        let crash = [Strike::CrashBefore, Strike::CrashLost, Strike::CrashAfter];
        let strike = if crashes {
            crash.choose(random).copied()
        } else if effect.kind == Kind::Write {
            let fault = StoreFault::ALL.choose(random).filter(|_| store_faulty);
            fault.map(|fault| Strike::Store(*fault))
        } else if effect.kind == Kind::Nudge {
            None
        } else {
            let fault = Fault::ALL.choose(random).filter(|_| faulty);
            fault.map(|fault| Strike::Fault(*fault))
        };
        Verdict { delay, strike }
    }
}

/// Runs a seed.
pub(crate) fn run(seed: u64) -> Outcome {
    in_virtual_time(async {
        let mut stage = Stage::new(Setting {
            seed,
            synchronizers: SYNCHRONIZERS,
            treason: None,
        });
        let violations = Chaos::new(seed).play(&mut stage).await;
        let history = if violations.is_empty() {
            Vec::new()
        } else {
            history::of(&stage)
        };
        Outcome {
            history,
            violations,
            effects: stage.funnel.effects().len(),
            struck: stage.funnel.struck().len(),
            hash: stage.funnel.hash(),
        }
    })
}

struct Chaos {
    random: StdRng,
    seed: u64,
}

impl Chaos {
    fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            seed,
        }
    }

    async fn play(&mut self, stage: &mut Stage) -> Vec<String> {
        let members = self.random.random_range(2..=3);
        for member in &stage.members {
            let latency = Duration::from_millis(self.random.random_range(0..200));
            member.set_load(Load {
                latency,
                capacity: None,
            });
        }
        stage.start();
        stage.register(0..members).await;
        if let Err(why) = stage.rest(BOUND).await {
            return vec![why];
        }
        stage.funnel.operation(Some("chaos"));
        stage.funnel.judge(Some(self.judge()));
        for _ in 0..self.random.random_range(3..8) {
            self.step(stage).await;
        }
        stage.funnel.judge(None);
        for slot in 0..SYNCHRONIZERS {
            stage.freeze(slot, false);
        }
        let rest = stage.rest(BOUND).await;
        let mut violations = stage.violations().await;
        violations.extend(rest.err());
        violations
    }

    fn judge(&mut self) -> Judge {
        let weather = Weather::of(&mut self.random);
        let mut random = StdRng::seed_from_u64(!self.seed);
        Box::new(move |effect| weather.judge(&mut random, effect))
    }

    /// Something is wished, or a synchronizer is killed, frozen or woken; then time passes.
    async fn step(&mut self, stage: &mut Stage) {
        stage.revive();
        let slot = self.random.random_range(0..SYNCHRONIZERS);
        match self.random.random_range(0..10) {
            0 => stage.kill(slot),
            1 | 2 => stage.freeze(slot, true),
            3 => stage.freeze(slot, false),
            _ => self.wish(stage, slot).await,
        }
        let time = match self.random.random_range(0..10) {
            0 => Duration::from_secs(self.random.random_range(60..180)),
            1..4 => Duration::from_secs(self.random.random_range(5..30)),
            _ => Duration::from_millis(self.random.random_range(0..5000)),
        };
        self.pass(stage, time).await;
    }

    /// Lets time pass; who dies meanwhile is replaced within a second.
    async fn pass(&mut self, stage: &mut Stage, time: Duration) {
        let end = tokio::time::Instant::now() + time;
        while tokio::time::Instant::now() < end {
            let left = end - tokio::time::Instant::now();
            tokio::time::sleep(left.min(Duration::from_secs(1))).await;
            stage.revive();
        }
    }

    async fn wish(&mut self, stage: &mut Stage, slot: usize) {
        let (project, cloud) = *CLOUDS.choose(&mut self.random).unwrap();
        let former = stage.wishes.values().find(|wish| {
            wish.cloud.project.as_str() == project && wish.cloud.cloud.as_str() == cloud
        });
        let next = match former.cloned() {
            None => {
                let first = wishes::first(&stage.random, (project, cloud), &[], stage.now());
                self.placed(stage, first)
            }
            Some(former) => self.changed(stage, &former),
        };
        stage.accept(&next).await;
        // A nudge may be lost, and go to either.
        if self.random.random_bool(0.8) {
            stage.nudge(slot, Nudge::Cloud(next.cloud)).await;
        }
    }

    /// On some of the members, at least one.
    fn placed(&mut self, stage: &Stage, mut revision: Revision) -> Revision {
        let registered = &stage.clusters[..stage.registered];
        let count = self.random.random_range(1..=registered.len());
        let members: Vec<_> = registered
            .choose_multiple(&mut self.random, count)
            .collect();
        wishes::place(&mut revision, &members);
        revision
    }

    fn changed(&mut self, stage: &Stage, former: &Revision) -> Revision {
        let mut next = Revision {
            generation: former.generation + 1,
            ..former.clone()
        };
        if former.wish == Wish::Present && self.random.random_bool(0.3) {
            next.wish = Wish::Absent;
            next.members.clear();
            return next;
        }
        next.wish = Wish::Present;
        if former.wish == Wish::Absent || self.random.random_bool(0.5) {
            next = self.placed(stage, next);
        }
        if self.random.random_bool(0.5) {
            let most = self.random.random_range(2..9).to_string();
            next.slice.quotas[0] = quota("limits", &[("configmaps", &most)]);
        }
        if self.random.random_bool(0.3) {
            if next.slice.quotas.len() == 1 {
                next.slice.quotas.push(quota("more", &[("secrets", "4")]));
            } else {
                next.slice.quotas.pop();
            }
        }
        if self.random.random_bool(0.5) {
            if next.slice.permissions.len() == 1 {
                wishes::permit(&stage.random, &mut next, "more", "secrets");
            } else {
                next.slice.permissions.pop();
            }
        }
        self.changed_users(stage, &mut next);
        next
    }

    fn changed_users(&mut self, stage: &Stage, next: &mut Revision) {
        if self.random.random_bool(0.7) {
            return;
        }
        if next.slice.users.len() == 1 {
            let bob = wishes::user(&stage.random, next.cloud_uid, "bob");
            next.slice.users.push(bob);
        } else {
            next.slice.users.pop();
        }
    }
}

#[test]
fn same_seed_has_the_same_history() {
    for seed in [1, 2, 3] {
        let [one, other] = [0, 1].map(|_| run(seed));
        assert_eq!(
            (one.hash, one.effects, one.struck),
            (other.hash, other.effects, other.struck),
            "seed {seed}"
        );
    }
}

#[test]
fn synchronizers_that_meet_a_cluster_at_once_agree_about_it() {
    in_virtual_time(async {
        let mut stage = Stage::new(Setting {
            seed: 1,
            synchronizers: SYNCHRONIZERS,
            treason: None,
        });
        // Every write takes a while: both have looked before either has written.
        let slow = |effect: &Effect| Verdict {
            delay: Duration::from_millis(if effect.kind == Kind::Write { 50 } else { 0 }),
            strike: None,
        };
        stage.funnel.operation(Some("meet"));
        stage.funnel.judge(Some(Box::new(slow)));
        stage.start();
        stage.register(0..1).await;
        stage.rest(BOUND).await.unwrap();
        assert_eq!(stage.violations().await, [""; 0]);
    });
}
