//! The invariant under whatever happens: every live leaf verifies at every live peer.
//!
//! Members fetch, write, load and report when they like, or not at all; reports and answers are lost; a commit fails,
//! or succeeds without anybody hearing of it; the process dies between any two steps; time passes while nobody looks;
//! its clock is wrong. What is drawn is how many members there may be, and a list of events; a workload knows the
//! anchors that it got with its own leaf, as a proxy does.

use std::sync::Arc;
use std::time::Duration;

use dcm_ca::{Controller, Policy};
use dcm_store::{MemoryStore, Vault};
use dcm_types::Timestamp;
use dcm_types::ca::{
    CaBundle, CaController as _, EvidenceStage, RotationKind, RotationPhase, StartRotation,
};
use jiff::SignedDuration;
use proptest::prelude::*;

use crate::faults::{Fault, FaultyStore};
use crate::killer::Killer;
use crate::mesh::{Mesh, Workload, ders};
use crate::world::{HOUR, HandClock, World, cloud, evidence, policy, somebody, target};

const MEMBERS: [&str; 6] = ["berlin", "paris", "rome", "oslo", "wien", "bern"];
/// Longest life of a leaf here.
const LEAF: Duration = HOUR;

#[derive(Debug, Clone)]
enum Event {
    Fetch(usize),
    Load(usize),
    Report(usize, EvidenceStage),
    Follow(usize),
    Sign(usize),
    Release(usize),
    Revoke(usize),
    Look,
    LookOften(u8),
    Pass(u32),
    Clock(i32),
    Start(RotationKind),
    Abort,
    /// A commit fails, or nobody hears that it did not.
    Fail(u8, bool),
    /// The process dies at a point: before a write, after it, or with its answer.
    Die(u8),
}

fn event() -> impl Strategy<Value = Event> {
    let member = 0..MEMBERS.len();
    prop_oneof![
        4 => member.clone().prop_map(Event::Fetch),
        4 => member.clone().prop_map(Event::Load),
        2 => member.clone().prop_map(|one| Event::Report(one, EvidenceStage::Written)),
        4 => member.clone().prop_map(|one| Event::Report(one, EvidenceStage::Loaded)),
        8 => member.clone().prop_map(Event::Follow),
        8 => member.clone().prop_map(Event::Sign),
        1 => member.clone().prop_map(Event::Release),
        1 => member.prop_map(Event::Revoke),
        6 => Just(Event::Look),
        8 => (1..60_u8).prop_map(Event::LookOften),
        3 => (1..20_000_u32).prop_map(Event::Pass),
        1 => (-86_400..240_i32).prop_map(Event::Clock),
        4 => Just(Event::Start(RotationKind::Anchor)),
        1 => Just(Event::Start(RotationKind::Intermediate)),
        1 => Just(Event::Abort),
        2 => (0..6_u8, any::<bool>()).prop_map(|(after, heard)| Event::Fail(after, heard)),
        3 => (0..12_u8).prop_map(Event::Die),
    ]
}

/// One member: what it fetched, and what its control plane uses.
#[derive(Default)]
struct Member {
    secret: Option<CaBundle>,
    loaded: Option<CaBundle>,
    /// Generations that must not be trusted any more: nothing is promised of what they sign.
    revoked: Vec<u64>,
}

fn short_lives() -> Policy {
    Policy {
        edge_life: Duration::from_hours(24),
        longest_leaf: LEAF,
        ..policy()
    }
}

struct Model {
    world: World,
    store: Arc<FaultyStore>,
    killer: Arc<Killer>,
    /// The process of now.
    process: Controller,
    now: Timestamp,
    offset: i64,
    members: Vec<Member>,
    mesh: Mesh,
    seen: Vec<RotationPhase>,
}

impl Model {
    async fn of(members: usize) -> Self {
        let clock = Arc::new(HandClock::new());
        let now = dcm_types::ports::Clock::now(&*clock);
        let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new(clock.clone()))));
        let killer = Arc::new(Killer::new(store.clone()));
        let vault = Arc::new(Vault::ephemeral());
        let world = World::on(killer.clone(), vault, clock, short_lives());
        world.create("shop").await;
        let members = (0..members).map(|_| Member::default()).collect();
        Self {
            process: world.ca.clone(),
            world,
            store,
            killer,
            now,
            offset: 0,
            members,
            mesh: Mesh::default(),
            seen: Vec::new(),
        }
    }

    fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
        self.set_clock();
    }

    fn set_clock(&self) {
        self.world
            .clock
            .set(self.now + SignedDuration::from_secs(self.offset));
    }

    /// Asks the process of now. `None`: it died, and the next one is there; or it could not.
    async fn ask<T, E>(
        &mut self,
        asked: impl AsyncFnOnce(Controller) -> Result<T, E>,
    ) -> Option<T> {
        let answer = self.killer.call(asked(self.process.clone())).await;
        if answer.is_err() {
            self.process = self.world.another(short_lives()).ca;
        }
        answer.ok()?.ok()
    }

    async fn look(&mut self) {
        self.ask(async |ca| ca.look_at_all().await).await;
    }

    async fn happen(&mut self, event: &Event) -> Result<(), String> {
        match *event {
            Event::Fetch(one) => self.fetch(self.index(one)).await,
            Event::Load(one) => self.load(self.index(one))?,
            Event::Report(one, stage) => self.report(self.index(one), stage).await,
            Event::Follow(one) => self.follow(self.index(one)).await?,
            Event::Sign(one) => self.sign(self.index(one)),
            Event::Release(one) => self.release(self.index(one)).await,
            Event::Revoke(one) => self.revoke(self.index(one)).await,
            Event::Look => self.look().await,
            Event::LookOften(times) => {
                for _ in 0..times {
                    self.look().await;
                    self.pass(110);
                }
            }
            Event::Pass(seconds) => self.pass(i64::from(seconds)),
            Event::Clock(offset) => {
                self.offset = i64::from(offset);
                self.set_clock();
            }
            Event::Start(kind) => self.start(kind).await,
            Event::Abort => {
                self.ask(async |ca| ca.abort_rotation(&cloud("shop"), &somebody()).await)
                    .await;
            }
            Event::Fail(after, heard) => {
                let fault = if heard { Fault::Before } else { Fault::After };
                self.store.fail(usize::from(after), fault);
            }
            Event::Die(after) => self.killer.kill_after(usize::from(after)),
        }
        if let Ok(state) = self.world.ca.get_rotation(&cloud("shop")).await {
            self.seen.push(state.phase);
        }
        self.check()
    }

    /// Events know the most members that there can be.
    fn index(&self, one: usize) -> usize {
        one % self.members.len()
    }

    async fn follow(&mut self, one: usize) -> Result<(), String> {
        self.fetch(one).await;
        self.load(one)?;
        self.report(one, EvidenceStage::Loaded).await;
        self.sign(one);
        Ok(())
    }

    /// A mesh is taken down before its edge is released.
    async fn release(&mut self, one: usize) {
        self.members[one] = Member::default();
        self.mesh.clear(MEMBERS[one]);
        self.ask(async |ca| ca.release(&target(MEMBERS[one]), &somebody()).await)
            .await;
    }

    async fn start(&mut self, kind: RotationKind) {
        let start = StartRotation {
            cloud: cloud("shop"),
            kind,
            dry_run: false,
        };
        self.ask(async |ca| ca.start_rotation(&start, &somebody()).await)
            .await;
    }

    async fn fetch(&mut self, one: usize) {
        let target = target(MEMBERS[one]);
        let asked = self.ask(async |ca| ca.ensure_bundle(&target).await).await;
        let Some(bundle) = asked else { return };
        let known = self.members[one].secret.as_ref();
        if known.is_none_or(|known| bundle.version.covers(&known.version)) {
            self.members[one].secret = Some(bundle);
        }
    }

    /// A control plane takes a set of anchors only when it is a part of what it had, or the other way round.
    fn load(&mut self, one: usize) -> Result<(), String> {
        let member = &mut self.members[one];
        if let (Some(old), Some(new)) = (&member.loaded, &member.secret) {
            let (old, new) = (ders(&old.anchors_pem), ders(&new.anchors_pem));
            let within =
                |one: &[Vec<u8>], other: &[Vec<u8>]| one.iter().all(|der| other.contains(der));
            if !within(&old, &new) && !within(&new, &old) {
                return Err(format!("{} would not take its anchors", MEMBERS[one]));
            }
        }
        member.loaded.clone_from(&member.secret);
        Ok(())
    }

    async fn report(&mut self, one: usize, stage: EvidenceStage) {
        let member = &self.members[one];
        let seen = match stage {
            EvidenceStage::Written => &member.secret,
            _ => &member.loaded,
        };
        if let Some(bundle) = seen {
            let report = evidence(bundle, stage);
            self.ask(async |ca| ca.report_evidence(&report).await).await;
        }
    }

    fn sign(&mut self, one: usize) {
        let now = self.now;
        let member = &mut self.members[one];
        let Some(bundle) = &member.loaded else { return };
        if member.revoked.contains(&bundle.version.generation) {
            return;
        }
        let signed = Workload::sign(bundle, now, LEAF);
        if let Some(signed) = signed {
            self.mesh.add(signed);
        }
    }

    async fn revoke(&mut self, one: usize) {
        self.ask(async |ca| ca.revoke(&target(MEMBERS[one]), &somebody()).await)
            .await;
        // Whether or not it was heard of: the store knows.
        let edges = self.world.edges().await;
        let edge = edges
            .iter()
            .find(|edge| edge.target == target(MEMBERS[one]));
        let revoked = edge.map(|edge| {
            let revoked = edge
                .generations
                .iter()
                .filter(|one| one.revoked_at.is_some());
            revoked.map(|one| one.generation).collect::<Vec<_>>()
        });
        self.members[one].revoked = revoked.unwrap_or_default();
        if !self.members[one].revoked.is_empty() {
            self.mesh.clear(MEMBERS[one]);
        }
    }

    fn check(&mut self) -> Result<(), String> {
        self.mesh.check(self.now)
    }

    /// When nothing disturbs any more, everything comes to rest.
    async fn settle(&mut self) -> Result<(), String> {
        self.store.fail(usize::MAX / 2, Fault::Before);
        self.killer.spare();
        self.offset = 0;
        self.set_clock();
        for _ in 0..250 {
            self.happen(&Event::Look).await?;
            for one in 0..self.members.len() {
                self.happen(&Event::Follow(one)).await?;
            }
            self.pass(110);
            let over = self.seen.last().is_none_or(|phase| phase.is_over());
            if over {
                return Ok(());
            }
        }
        Err(format!(
            "does not come to rest: {:?}",
            self.world.rotation().await
        ))
    }
}

fn run(members: usize, events: &[Event]) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut model = Model::of(members).await;
        for event in events {
            model.happen(event).await?;
        }
        model.settle().await?;
        model.world.verified_events().await;
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_live_leaf_verifies_at_every_live_peer(
        members in 1..=MEMBERS.len(),
        events in prop::collection::vec(event(), 20..120),
    ) {
        prop_assert_eq!(run(members, &events), Ok(()));
    }
}

#[test]
fn the_model_sees_a_rotation_that_is_carried_on_too_early() {
    // The invariant can fail: what a peer does not trust yet is refused.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut model = Model::of(2).await;
        model.happen(&Event::Follow(0)).await.unwrap();
        let other = World::with(policy()).await;
        let foreign = other.ensure("paris").await;
        model.members[1].loaded = Some(foreign);
        model.sign(1);
        assert!(model.check().is_err());
    });
}
