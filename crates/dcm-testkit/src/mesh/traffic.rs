//! Workloads of a mesh that shake hands: of each member the one that was signed last, and the one that has lived longest.
//!
//! A workload takes whom the control plane told it when it was signed, and hears of nothing later. So two that live
//! must take each other whatever happened between their signing.

use std::sync::{Mutex, MutexGuard, PoisonError};

use dcm_pki::authority::{Certificate, certificates};
use dcm_types::Timestamp;

use super::{Error, Workload};

/// Shakes hands; see [`super::handshake`] and [`super::openssl_handshake`].
pub type Shake = fn(&Workload, &Workload) -> Result<Result<(), String>, Error>;

/// See the module.
#[derive(Default)]
pub struct Traffic {
    living: Mutex<Vec<Living>>,
    seen: Mutex<Seen>,
}

/// What was seen of handshakes.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Those that were done.
    pub shaken: usize,
    /// Those of them between workloads of different members.
    pub between_members: usize,
    /// Those of them between workloads below different anchors.
    pub across_anchors: usize,
    /// Those of them between workloads below different intermediates of one member.
    pub across_generations: usize,
    /// Those that were refused, although both lived: who, whom, and why.
    pub refused: Vec<String>,
}

#[derive(Clone)]
struct Living {
    member: usize,
    workload: Workload,
    signer: Certificate,
    /// The certificate below which its chain is.
    anchor: Certificate,
    ends: Timestamp,
}

impl Living {
    fn lives(&self) -> bool {
        Timestamp::now() < self.ends
    }
}

impl Traffic {
    /// A workload of a member, which was just signed.
    pub fn join(&self, member: usize, workload: Workload) -> Result<(), Error> {
        let chain = certificates(&workload.chain, "chain");
        let chain = chain.map_err(|error| Error::Material(std::io::Error::other(error)))?;
        let [leaf, signer, .., anchor] = chain.as_slice() else {
            let short = std::io::Error::other("the chain of a workload has three certificates");
            return Err(Error::Material(short));
        };
        let living = Living {
            member,
            ends: leaf.not_after,
            signer: signer.clone(),
            anchor: anchor.clone(),
            workload,
        };
        lock(&self.living).push(living);
        Ok(())
    }

    /// Each of those that are picked with each.
    pub fn round(&self, shake: Shake) {
        let picked = self.pick();
        for client in &picked {
            for server in &picked {
                self.shake(shake, client, server);
            }
        }
    }

    /// What was seen so far.
    pub fn seen(&self) -> Seen {
        lock(&self.seen).clone()
    }

    /// Of each member that one which ends first, and the newest.
    fn pick(&self) -> Vec<Living> {
        let mut living = lock(&self.living);
        living.retain(Living::lives);
        let mut members: Vec<usize> = living.iter().map(|one| one.member).collect();
        members.sort_unstable();
        members.dedup();
        let mut picked = Vec::new();
        for member in members {
            let mut own = living.iter().filter(|one| one.member == member);
            picked.extend(own.next().cloned());
            picked.extend(own.next_back().cloned());
        }
        picked
    }

    fn shake(&self, shake: Shake, client: &Living, server: &Living) {
        let outcome = shake(&client.workload, &server.workload);
        let mut seen = lock(&self.seen);
        let refused = match outcome {
            Ok(Ok(())) => {
                seen.shaken += 1;
                seen.across_anchors += usize::from(client.anchor != server.anchor);
                let one_member = client.member == server.member;
                seen.between_members += usize::from(!one_member);
                let across = one_member && client.signer != server.signer;
                seen.across_generations += usize::from(across);
                return;
            }
            // Not through in time: the next round tries again.
            Err(Error::Reach(_)) => return,
            Ok(Err(refused)) => refused,
            Err(error) => error.to_string(),
        };
        // Who has ended meanwhile is refused by right.
        if client.lives() && server.lives() {
            let pair = [client, server]
                .map(|one| format!("{} below {}", one.member, one.signer.subject_text));
            seen.refused
                .push(format!("{}: {refused}", pair.join(" to ")));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
