//! Keys change under a running mesh: first the intermediate of each member, then the anchor of the cloud, in the three
//! phases that the CA controller goes through; and all the time freshly and formerly signed workloads shake hands.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use dcm_pki::authority::Certificate;
use dcm_pki::bundle::Files;
use dcm_testkit::mesh::{self, Istiod, Workload};
use dcm_testkit::{ControlPlane, shared_control_planes};
use dcm_types::KeyAlgorithm;
use serde_json::Value;

use super::authority::Cloud;
use super::control_planes::{SERVICE_ACCOUNT, prepare, settings, signer};
use crate::processes::{run, wait_until};

/// How often workloads shake hands; no assertion depends on it.
const PAUSE: Duration = Duration::from_millis(50);

/// One member with its control plane.
struct Place<'a> {
    member: &'a ControlPlane,
    istiod: Istiod,
    /// By which the control plane itself is known, whatever signed its certificate.
    any_anchor: String,
}

impl Place<'_> {
    fn workload(&self, cloud: &Cloud) -> Workload {
        self.istiod
            .sign(self.member, &cloud.name, SERVICE_ACCOUNT, &self.any_anchor)
            .unwrap()
    }
}

/// The files of an edge whose peers shall trust these.
fn trusting(files: &Files, anchors: &[&Certificate]) -> Files {
    Files {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        chain: files.chain.clone(),
        anchors: anchors.iter().map(|anchor| anchor.to_pem()).collect(),
        lists: files.lists.clone(),
    }
}

/// The evidence that a member trusts exactly these: what its control plane wrote into the namespace of the cloud.
fn trusted(place: &Place<'_>, cloud: &Cloud) -> String {
    let mut read = place.member.kubectl();
    read.args(["get", "configmap", "istio-ca-root-cert", "--output=json"]);
    let object = run(read.args(["--namespace", &cloud.name]));
    let object: Value = serde_json::from_str(&object).unwrap();
    object["data"]["root-cert.pem"].as_str().unwrap().to_owned()
}

/// Workloads of every time, each with its member, and with the anchors that this one has now.
struct Mesh {
    workloads: Mutex<Vec<(usize, Workload)>>,
    ended: AtomicBool,
    rounds: AtomicUsize,
    refused: Mutex<Vec<String>>,
}

/// Ends the handshakes, also when a step fails: else the test would wait for them for ever.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Mesh {
    fn new() -> Self {
        Self {
            workloads: Mutex::default(),
            ended: AtomicBool::new(false),
            rounds: AtomicUsize::new(0),
            refused: Mutex::default(),
        }
    }

    /// Each with each, again and again, until it is told to end.
    fn shake(&self) {
        while !self.ended.load(Ordering::Relaxed) {
            let workloads = self.workloads.lock().unwrap().clone();
            for (_, client) in &workloads {
                for (_, server) in &workloads {
                    let refused = match mesh::handshake(client, server) {
                        // One that was not through in time is tried again in the next round.
                        Ok(Ok(())) | Err(mesh::Error::Reach(_)) => continue,
                        Ok(Err(refused)) => refused,
                        Err(error) => error.to_string(),
                    };
                    self.refused.lock().unwrap().push(refused);
                }
            }
            self.rounds.fetch_add(1, Ordering::Relaxed);
            thread::sleep(PAUSE);
        }
    }

    /// A workload that a member has just signed; the newest four live on, the others have come to their end. Goes on
    /// when all of them have shaken hands.
    fn join(&self, index: usize, workload: Workload) {
        {
            let mut workloads = self.workloads.lock().unwrap();
            workloads.push((index, workload));
            let old = workloads.len().saturating_sub(4);
            workloads.drain(..old);
        }
        let before = self.rounds.load(Ordering::Relaxed);
        // The round that is under way may have begun before.
        wait_until("all to shake hands", || {
            self.rounds.load(Ordering::Relaxed) >= before + 2
        });
    }

    /// The workloads of a member hear of its anchors.
    fn hear(&self, index: usize, anchors: &str) {
        for (of, workload) in self.workloads.lock().unwrap().iter_mut() {
            if *of == index {
                anchors.clone_into(&mut workload.anchors);
            }
        }
    }
}

/// Each member gets its files, and is waited for; what it then signs shakes hands before the next member has any.
fn step(mesh: &Mesh, places: &[Place<'_>], cloud: &Cloud, files: &[Files]) {
    for (index, (place, files)) in places.iter().zip(files).enumerate() {
        place.istiod.replace_bundle(&files.each()).unwrap();
        wait_until("the new anchors", || trusted(place, cloud) == files.anchors);
        let by_this_edge = || signer(&place.workload(cloud)) == files.certificate;
        wait_until("the new intermediate to sign", by_this_edge);
        mesh.hear(index, &files.anchors);
        mesh.join(index, place.workload(cloud));
    }
}

#[test]
fn intermediates_and_anchor_change_and_no_handshake_is_refused() {
    let members = shared_control_planes(2);
    let names = ["berlin", "paris"];
    let old = Cloud::under_root("rotation");
    let new = old.with_next_anchor();
    let edges = |of: &Cloud, first: u8| {
        [0, 1].map(|index| {
            let cluster = names[usize::from(index)];
            of.edge(cluster, first + index, KeyAlgorithm::EcdsaP256)
                .files
        })
    };
    let first = edges(&old, 10);
    let settings = names.map(|name| settings(&old, name));
    let mut wanted = Vec::new();
    for ((member, settings), files) in members.iter().zip(&settings).zip(&first) {
        prepare(member, settings, &old);
        wanted.push((member, settings.clone(), files.each()));
    }
    let istiods = Istiod::start_many(&wanted).unwrap();
    let places: Vec<_> = members
        .iter()
        .zip(istiods)
        .map(|(member, istiod)| Place {
            member,
            istiod,
            any_anchor: old.anchor.to_pem() + &new.anchor.to_pem(),
        })
        .collect();
    let (second, third) = (edges(&old, 20), edges(&new, 30));
    let mesh = Mesh::new();
    thread::scope(|scope| {
        scope.spawn(|| mesh.shake());
        let _ending = Ending(&mesh.ended);
        step(&mesh, &places, &old, &first);
        // A new intermediate of the same anchor.
        step(&mesh, &places, &old, &second);
        let both = [&old.anchor, &new.anchor];
        // Both are trusted; then the new one signs; then the old one goes.
        step(
            &mesh,
            &places,
            &old,
            &second.each_ref().map(|files| trusting(files, &both)),
        );
        step(
            &mesh,
            &places,
            &old,
            &third.each_ref().map(|files| trusting(files, &both)),
        );
        // What the old one signed comes to its end.
        for (index, place) in places.iter().enumerate() {
            mesh.join(index, place.workload(&old));
        }
        step(&mesh, &places, &old, &third);
    });
    assert_eq!(*mesh.refused.lock().unwrap(), [""; 0]);
    for place in &places {
        assert_eq!(trusted(place, &old), new.anchor.to_pem());
    }
}
