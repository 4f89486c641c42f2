//! Rotations whose process is killed again and again, in virtual time: with two members at every point, one run for
//! each; with a hundred at many points of one run. After every answer and every death each leaf that lives verifies at
//! each peer that lives, and it ends as an undisturbed one ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use dcm_ca::{Controller, Policy};
use dcm_store::{MemoryStore, Vault};
use dcm_types::ca::{
    BundleVersion, CaBundle, CaController as _, EvidenceStage, RotationKind, RotationPhase,
    StartRotation,
};
use dcm_types::ports::Clock as _;

use crate::killer::{Killer, Point};
use crate::mesh::{Mesh, Workload, ders};
use crate::world::{HandClock, World, cloud, evidence, somebody, target};

/// Time between two looks.
const STEP: Duration = Duration::from_secs(100);
/// Far more rounds than a rotation takes.
const ROUNDS: usize = 120;
/// Rounds for which a member is out of reach: longer than what the others wait for when it is not.
const FROZEN: usize = 12;

fn policy() -> Policy {
    Policy {
        longest_leaf: Duration::from_mins(10),
        propagation: Duration::from_mins(2),
        ..Policy::default()
    }
}

/// What lies in a member, what its control plane uses, and what the controller was heard to know of both.
struct Member {
    name: String,
    secret: Option<CaBundle>,
    loaded: Option<CaBundle>,
    heard: BTreeMap<EvidenceStage, BundleVersion>,
}

impl Member {
    /// The control plane takes a set of anchors only when it is a part of what it had, or the other way round.
    fn load(&mut self) {
        if let (Some(old), Some(new)) = (&self.loaded, &self.secret) {
            let (old, new) = (ders(&old.anchors_pem), ders(&new.anchors_pem));
            let within =
                |one: &[Vec<u8>], other: &[Vec<u8>]| one.iter().all(|der| other.contains(der));
            assert!(within(&old, &new) || within(&new, &old), "{}", self.name);
        }
        self.loaded.clone_from(&self.secret);
    }

    fn seen(&self, stage: EvidenceStage) -> Option<&CaBundle> {
        match stage {
            EvidenceStage::Written => self.secret.as_ref(),
            _ => self.loaded.as_ref(),
        }
    }
}

struct Play {
    world: World,
    killer: Arc<Killer>,
    /// The process of now.
    process: Controller,
    members: Vec<Member>,
    mesh: Mesh,
    /// The member that nothing reaches.
    frozen: Option<usize>,
    /// Points between two deaths.
    gap: Option<usize>,
    deaths: Vec<(Point, Option<RotationPhase>)>,
}

impl Play {
    async fn of(members: usize) -> Self {
        let clock = Arc::new(HandClock::new());
        let killer = Arc::new(Killer::new(Arc::new(MemoryStore::new(clock.clone()))));
        let vault = Arc::new(Vault::ephemeral());
        let world = World::on(killer.clone(), vault, clock, policy());
        world.create("shop").await;
        let members = (0..members).map(|number| Member {
            name: format!("edge{number:03}"),
            secret: None,
            loaded: None,
            heard: BTreeMap::new(),
        });
        Self {
            process: world.ca.clone(),
            world,
            killer,
            members: members.collect(),
            mesh: Mesh::default(),
            frozen: None,
            gap: None,
            deaths: Vec::new(),
        }
    }

    /// Asks the process of now. `None`: it died, and the next one is there.
    async fn ask<T>(&mut self, asked: impl AsyncFnOnce(Controller) -> T) -> Option<T> {
        let answer = self.killer.call(asked(self.process.clone())).await;
        if let Err(point) = &answer {
            let rotation = self.world.ca.get_rotation(&cloud("shop")).await;
            let phase = rotation.ok().map(|state| state.phase);
            self.deaths.push((*point, phase));
            self.process = self.world.another(policy()).ca;
            if let Some(gap) = self.gap {
                self.killer.kill_after(gap);
            }
        }
        self.mesh.check(self.world.clock.now()).unwrap();
        answer.ok()
    }

    async fn round(&mut self) {
        let looked = self.ask(async |ca| ca.look_at_all().await).await;
        looked.transpose().unwrap();
        for index in 0..self.members.len() {
            if self.frozen != Some(index) {
                self.follow(index).await;
            }
            self.sign(index);
        }
        self.mesh.check(self.world.clock.now()).unwrap();
        self.world.clock.forward(STEP);
    }

    /// Loads what came in the last round, or at once, as members are.
    async fn follow(&mut self, index: usize) {
        self.members[index].load();
        let target = target(&self.members[index].name);
        let bundle = self.ask(async |ca| ca.ensure_bundle(&target).await).await;
        if let Some(bundle) = bundle.transpose().unwrap() {
            self.members[index].secret = Some(bundle);
        }
        if index.is_multiple_of(3) {
            self.members[index].load();
        }
        for stage in [EvidenceStage::Written, EvidenceStage::Loaded] {
            self.report(index, stage).await;
        }
    }

    /// Until it was heard that it was heard.
    async fn report(&mut self, index: usize, stage: EvidenceStage) {
        let member = &self.members[index];
        let Some(seen) = member.seen(stage) else {
            return;
        };
        if member.heard.get(&stage) == Some(&seen.version) {
            return;
        }
        let (report, version) = (evidence(seen, stage), seen.version);
        let heard = self.ask(async |ca| ca.report_evidence(&report).await).await;
        if heard.transpose().unwrap().is_some() {
            self.members[index].heard.insert(stage, version);
        }
    }

    /// The control plane of a member signs, whether or not anything reaches it.
    fn sign(&mut self, index: usize) {
        if let Some(bundle) = &self.members[index].loaded {
            let now = self.world.clock.now();
            let signed = Workload::sign(bundle, now, policy().longest_leaf);
            self.mesh.add(signed.unwrap());
        }
    }

    /// Everybody has the first bundle, and was seen to use it.
    async fn begin(&mut self) {
        for _ in 0..3 {
            self.round().await;
        }
    }

    async fn rotate(&mut self, kind: RotationKind, number: u64) {
        let start = StartRotation {
            cloud: cloud("shop"),
            kind,
            dry_run: false,
        };
        // Whoever does not hear the answer asks whether it began.
        while self
            .ask(async |ca| ca.start_rotation(&start, &somebody()).await)
            .await
            .is_none_or(|begun| begun.is_err())
        {
            let known = self.world.ca.get_rotation(&cloud("shop")).await;
            if known.is_ok_and(|state| state.number == number) {
                break;
            }
        }
    }

    async fn until(&mut self, phase: RotationPhase) {
        for _ in 0..ROUNDS {
            if self.world.phase().await == phase {
                return;
            }
            self.round().await;
        }
        panic!("{phase:?} was not reached: {:?}", self.deaths);
    }

    /// Nothing of the old anchor is left, anywhere.
    async fn ends_right(&mut self, number: u64) {
        self.killer.spare();
        let state = self.world.rotation().await;
        assert_eq!((state.number, state.phase), (number, RotationPhase::Done));
        let authority = self.world.authority().await;
        assert_eq!(authority.anchors.len(), 1, "{:?}", self.deaths);
        let anchor = ders(&authority.anchors[0].certificate_pem);
        for member in &self.members {
            let loaded = member.loaded.as_ref().unwrap();
            assert_eq!(ders(&loaded.anchors_pem), anchor, "{}", member.name);
            assert!(ders(&loaded.chain_pem).ends_with(&anchor));
        }
        self.world.verified_events().await;
    }
}

/// Two members, one anchor for another. Returns how many points there are.
async fn rotate_two(kill_at: Option<usize>) -> usize {
    let mut play = Play::of(2).await;
    play.begin().await;
    let before = play.killer.passed();
    if let Some(point) = kill_at {
        play.killer.kill_after(point);
    }
    play.rotate(RotationKind::Anchor, 1).await;
    play.until(RotationPhase::Done).await;
    assert_eq!(play.deaths.len(), usize::from(kill_at.is_some()));
    play.ends_right(1).await;
    play.killer.passed() - before
}

#[tokio::test]
async fn a_rotation_goes_on_after_a_death_at_every_write_and_at_every_answer() {
    let points = rotate_two(None).await;
    assert!(points >= 30, "{points}");
    for point in 0..points {
        rotate_two(Some(point)).await;
    }
}

#[tokio::test]
async fn a_hundred_members_get_new_keys_while_the_process_dies_again_and_again() {
    let mut play = Play::of(100).await;
    play.begin().await;
    play.gap = Some(83);
    play.killer.kill_after(0);
    play.rotate(RotationKind::Intermediate, 1).await;
    play.until(RotationPhase::Done).await;
    play.rotate(RotationKind::Anchor, 2).await;
    play.until(RotationPhase::TrustBoth).await;
    play.frozen = Some(41);
    for _ in 0..FROZEN {
        play.round().await;
    }
    // It holds the gate for as long as it is away, and is named.
    let state = play.world.rotation().await;
    assert_eq!(state.phase, RotationPhase::TrustBoth);
    let waiting: Vec<_> = state.waiting.iter().map(|one| &one.cluster).collect();
    assert_eq!(waiting, [&target("edge041").cluster]);
    play.frozen = None;
    play.until(RotationPhase::Done).await;
    play.ends_right(2).await;
    assert!(play.deaths.len() >= 30, "{}", play.deaths.len());
    let points: BTreeSet<Point> = play.deaths.iter().map(|(point, _)| *point).collect();
    assert_eq!(points, BTreeSet::from(Point::ALL));
    for phase in [
        RotationPhase::TrustBoth,
        RotationPhase::SignWithNew,
        RotationPhase::OldOut,
    ] {
        let died_in = play
            .deaths
            .iter()
            .any(|(_, in_phase)| *in_phase == Some(phase));
        assert!(died_in, "{phase:?}: {:?}", play.deaths);
    }
}
