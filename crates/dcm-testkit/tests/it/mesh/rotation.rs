//! Keys change under a running mesh, as the CA controller changes them: first the intermediate of each member, then the
//! anchor of the cloud. One member is out of reach for a while, the controller is killed on the way, and all the time
//! freshly and formerly signed workloads shake hands.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use dcm_ca::Policy;
use dcm_testkit::mesh::{
    Authority as _, Istiod, Keeper, Place, Seen, Traffic, live, through_the_secret,
};
use dcm_testkit::shared_control_planes;
use dcm_types::ca::{CaBundle, RotationKind, RotationPhase, RotationState};

use super::control_planes::{SERVICE_ACCOUNT, mesh_of, prepare};
use super::controller::{Ca, cloud, target};
use crate::processes::wait_until;

/// Between two looks at a rotation.
const LOOK: Duration = Duration::from_millis(200);
/// How long workloads live.
const LEAF: Duration = Duration::from_secs(20);
const CLOUD: &str = "rotation";
const CLUSTERS: [&str; 2] = ["berlin", "paris"];

/// As an operator may set it for a mesh whose workloads are renewed that often.
fn policy() -> Policy {
    Policy {
        longest_leaf: LEAF,
        propagation: Duration::from_secs(2),
        interval: Duration::from_secs(1),
        longest_step: Duration::from_secs(4),
        ..Policy::default()
    }
}

/// Ends what runs beside a test, also when the test fails: else it would wait for that for ever.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A member out of reach stays there for longer than the others would have to wait for without it.
fn stays_away(ca: &Ca, place: &Place<'_>) {
    let waits_for = |state: &RotationState| -> Vec<_> {
        let waiting = state.waiting.iter();
        waiting.map(|one| one.cluster.clone()).collect()
    };
    let of = &place.target().cloud;
    wait_until("the other member", || {
        waits_for(&ca.rotation(of)) == [place.target().cluster.clone()]
    });
    let until = Instant::now() + LEAF + policy().propagation + 2 * policy().longest_step;
    while Instant::now() < until {
        let state = ca.rotation(of);
        assert_eq!(state.phase, RotationPhase::TrustBoth);
        assert_eq!(waits_for(&state), [place.target().cluster.clone()]);
        sleep(LOOK);
    }
}

fn until(ca: &Ca, place: &Place<'_>, phase: RotationPhase) {
    let name = phase.as_str();
    wait_until(name, || ca.rotation(&place.target().cloud).phase == phase);
}

/// The play: every assertion about it is here, or about what the traffic saw.
fn rotate_both(ca: &Ca, places: &[Place<'_>; 2]) {
    let [near, far] = places;
    let of = &near.target().cloud;
    ca.rotate(of, RotationKind::Intermediate);
    ca.kill();
    until(ca, near, RotationPhase::Done);

    far.freeze(true);
    ca.rotate(of, RotationKind::Anchor);
    until(ca, near, RotationPhase::TrustBoth);
    ca.kill();
    stays_away(ca, far);
    far.freeze(false);
    until(ca, near, RotationPhase::SignWithNew);
    ca.kill();
    until(ca, near, RotationPhase::OldOut);
    ca.kill();
    until(ca, near, RotationPhase::Done);
}

/// Bundles come, workloads are signed and shake hands while the play goes on.
fn with_traffic(places: &[Place<'_>; 2], ca: &Ca, play: impl FnOnce(&Traffic)) -> Seen {
    let (traffic, ended) = (Traffic::default(), AtomicBool::new(false));
    thread::scope(|scope| {
        let _ending = Ending(&ended);
        scope.spawn(|| live(places, ca, &traffic, &ended));
        play(&traffic);
    });
    traffic.seen()
}

/// A control plane of the mesh in each member, on the first bundle of it.
fn start(ca: &Ca, bundles: &[CaBundle; 2]) -> [Istiod; 2] {
    let members = shared_control_planes(CLUSTERS.len());
    let domain = ca.authority(&cloud(CLOUD)).trust_domain.unwrap();
    let mut files = Vec::new();
    for ((member, cluster), bundle) in members.iter().zip(CLUSTERS).zip(bundles) {
        let settings = mesh_of(CLOUD, &domain, cluster);
        prepare(member, &settings, CLOUD);
        let read = through_the_secret(&member.into(), &settings.namespace, bundle).unwrap();
        files.push((member, settings, read));
    }
    let wanted: Vec<_> = files
        .iter()
        .map(|(member, settings, files)| (*member, settings.clone(), files.each()))
        .collect();
    let started = Istiod::start_many(&wanted).unwrap();
    started.try_into().ok().unwrap()
}

#[test]
fn intermediates_and_anchor_change_and_no_handshake_is_refused() {
    let of = cloud(CLOUD);
    let ca = Ca::start(policy());
    ca.create(CLOUD);
    let bundles = CLUSTERS.map(|cluster| ca.bundle(&target(&of, cluster)).unwrap());
    let istiods = start(&ca, &bundles);
    let members = shared_control_planes(CLUSTERS.len());
    let places = [0, 1].map(|index| {
        let workloads = (CLOUD, SERVICE_ACCOUNT);
        let keeper = Keeper::of(&members[index], &istiods[index], workloads, LEAF);
        Place::new(target(&of, CLUSTERS[index]), keeper.unwrap())
    });
    let seen = with_traffic(&places, &ca, |traffic| {
        wait_until("the first handshakes", || traffic.seen().shaken > 0);
        rotate_both(&ca, &places);
        // Workloads of the end shake hands, too.
        let before = traffic.seen().shaken;
        wait_until("the last ones", || traffic.seen().shaken > before + 16);
    });
    assert_eq!(seen.refused, [""; 0]);
    assert!(
        seen.across_anchors > 0 && seen.across_generations > 0,
        "{seen:?}"
    );
    // Nothing but the new anchor is left, in the members and here.
    let authority = ca.authority(&of);
    let [anchor] = authority.anchors.as_slice() else {
        panic!("{authority:?}")
    };
    assert!(!bundles[0].anchors_pem.contains(&anchor.certificate_pem));
    for place in &places {
        assert_eq!(place.keeper().trusted().unwrap(), anchor.certificate_pem);
        let workload = place.keeper().workload().unwrap();
        assert_eq!(workload.anchors, anchor.certificate_pem);
    }
    assert!(ca.verified_events(&of) > 0);
    let day_and_more = Duration::from_hours(25);
    let keeper = Keeper::of(
        &members[0],
        &istiods[0],
        (CLOUD, SERVICE_ACCOUNT),
        day_and_more,
    );
    let refused = keeper.unwrap().workload().unwrap_err().to_string();
    assert!(refused.contains("greater than the max"), "{refused}");
}
