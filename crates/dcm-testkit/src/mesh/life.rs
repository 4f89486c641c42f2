//! The members of a mesh as they live: bundles come and are told of, workloads are signed and shake hands, all of it at
//! the same time and again and again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::Duration;

use dcm_types::TargetKey;
use dcm_types::ca::{BundleVersion, CaBundle, EvidenceStage};

use super::{Keeper, Traffic, handshake, openssl_handshake};

/// Between two rounds of handshakes.
const PAUSE: Duration = Duration::from_millis(50);
/// Between two looks for a bundle, and between two workloads of a member.
const LOOK: Duration = Duration::from_millis(200);
/// Rounds with one library, to one with the other.
const ROUNDS: usize = 40;

/// Where bundles come from, and what is told what was seen of them.
pub trait Authority: Sync {
    /// What a member shall have; `None`: nobody answers now.
    fn bundle(&self, target: &TargetKey) -> Option<CaBundle>;

    /// Tells what was seen; `false`: nobody heard it.
    fn report(&self, bundle: &CaBundle, stage: EvidenceStage) -> bool;
}

/// One member.
pub struct Place<'a> {
    target: TargetKey,
    keeper: Keeper<'a>,
    frozen: AtomicBool,
}

/// What was heard of a member.
#[derive(Default)]
struct Heard {
    written: Option<BundleVersion>,
    loaded: Option<BundleVersion>,
}

impl<'a> Place<'a> {
    /// A member with what reaches it.
    pub fn new(target: TargetKey, keeper: Keeper<'a>) -> Self {
        Self {
            target,
            keeper,
            frozen: AtomicBool::new(false),
        }
    }

    /// Which one it is.
    pub fn target(&self) -> &TargetKey {
        &self.target
    }

    /// What reaches it.
    pub fn keeper(&self) -> &Keeper<'a> {
        &self.keeper
    }

    /// Nothing reaches it from now on, or something does again. Its control plane goes on with what it has.
    pub fn freeze(&self, frozen: bool) {
        self.frozen.store(frozen, Ordering::Relaxed);
    }

    fn follow(&self, authority: &dyn Authority, ended: &AtomicBool) {
        let mut heard = Heard::default();
        while !ended.load(Ordering::Relaxed) {
            if !self.frozen.load(Ordering::Relaxed) {
                // What fails now, such as a call to a busy API server, is tried again in a moment.
                self.step(authority, &mut heard);
            }
            sleep(LOOK);
        }
    }

    fn step(&self, authority: &dyn Authority, heard: &mut Heard) -> Option<()> {
        let bundle = authority.bundle(&self.target)?;
        let version = Some(bundle.version);
        if heard.written != version {
            let lies_there = self.keeper.bring(&bundle).ok()?;
            if !lies_there || !authority.report(&bundle, EvidenceStage::Written) {
                return None;
            }
            heard.written = version;
        }
        let used = heard.loaded != version && self.keeper.uses(&bundle).ok()?;
        if used && authority.report(&bundle, EvidenceStage::Loaded) {
            heard.loaded = version;
        }
        Some(())
    }

    fn sign(&self, number: usize, traffic: &Traffic, ended: &AtomicBool) {
        while !ended.load(Ordering::Relaxed) {
            // One that could not be signed now is signed in a moment, as a proxy does it.
            let signed = self.keeper.workload();
            signed
                .and_then(|workload| traffic.join(number, workload))
                .ok();
            sleep(LOOK);
        }
    }
}

/// Lets them live until it is told to end.
pub fn live(
    places: &[Place<'_>],
    authority: &dyn Authority,
    traffic: &Traffic,
    ended: &AtomicBool,
) {
    thread::scope(|scope| {
        for (number, place) in places.iter().enumerate() {
            scope.spawn(move || place.follow(authority, ended));
            scope.spawn(move || place.sign(number, traffic, ended));
        }
        for round in 1.. {
            if ended.load(Ordering::Relaxed) {
                return;
            }
            traffic.round(handshake);
            if round % ROUNDS == 0 {
                traffic.round(openssl_handshake);
            }
            sleep(PAUSE);
        }
    });
}
