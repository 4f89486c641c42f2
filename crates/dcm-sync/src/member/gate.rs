//! The gate of each member, a circuit breaker: while a member cannot be reached nothing is sent to it but one
//! probe from time to time, however many logical clouds and watches wait for it.
//!
//! It shuts with the first failure of the member as a whole, is probed at once and then less and less often,
//! and opens with the first probe that works. One that shuts again soon after it opened goes on backing off, so
//! that a member of which only the probes work is left in peace too.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use dcm_types::ports::{Clock, Randomness};
use dcm_types::report::WaitingMember;
use dcm_types::{ClusterKey, Timestamp};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::config::Config;
use crate::error::Error;
use crate::metrics::Metrics;

/// Gates of all members.
pub(crate) struct Gates {
    members: Mutex<HashMap<ClusterKey, Gate>>,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    metrics: Metrics,
    /// Members that a probe is asked for.
    probes: mpsc::UnboundedSender<ClusterKey>,
    first: Duration,
    cap: Duration,
}

#[derive(Default)]
struct Gate {
    shut: Option<Shut>,
    /// Probes without lasting success in a row.
    probes: u32,
    opened: Option<Instant>,
}

struct Shut {
    since: Timestamp,
    why: Arc<Error>,
    /// When it is probed next.
    due: Instant,
}

impl Gates {
    pub(crate) fn new(
        config: &Config,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
        metrics: Metrics,
        probes: mpsc::UnboundedSender<ClusterKey>,
    ) -> Self {
        Self {
            members: Mutex::default(),
            clock,
            randomness,
            metrics,
            probes,
            first: config.backoff_first.get(),
            cap: config.backoff_cap.get(),
        }
    }

    /// Whether calls may be made; if not, why not.
    pub(crate) fn check(&self, member: &ClusterKey) -> Result<(), Error> {
        match self
            .members
            .lock()
            .get(member)
            .and_then(|gate| gate.shut.as_ref())
        {
            Some(shut) => Err(Error::Held(Arc::clone(&shut.why))),
            None => Ok(()),
        }
    }

    /// Lets nothing through any more, and asks for a probe.
    pub(crate) fn shut(&self, member: &ClusterKey, why: Arc<Error>) {
        let mut gates = self.members.lock();
        let gate = gates.entry(member.clone()).or_default();
        if gate.shut.is_some() {
            return;
        }
        let now = Instant::now();
        if gate.opened.is_none_or(|opened| now > opened + self.cap) {
            gate.probes = 0;
        }
        let due = match gate.probes {
            0 => now,
            probes => now + self.pause(probes),
        };
        tracing::warn!(cluster = %member, category = why.category(), error = dcm_types::chain(&why), "does not answer; nothing is sent to it but probes");
        gate.shut = Some(Shut {
            since: self.clock.now(),
            why,
            due,
        });
        drop(gates);
        self.count();
        // The driver of checks ends before this only at shutdown.
        drop(self.probes.send(member.clone()));
    }

    /// A probe failed; says when the next one is due.
    pub(crate) fn failed(&self, member: &ClusterKey, why: Arc<Error>) -> Duration {
        let mut gates = self.members.lock();
        let gate = gates.entry(member.clone()).or_default();
        gate.probes = gate.probes.saturating_add(1);
        let pause = self.pause(gate.probes);
        let due = Instant::now() + pause;
        let since = match &gate.shut {
            Some(shut) => shut.since,
            None => self.clock.now(),
        };
        gate.shut = Some(Shut { since, why, due });
        drop(gates);
        self.count();
        pause
    }

    /// A probe worked; says whether anything may have waited for it.
    pub(crate) fn open(&self, member: &ClusterKey) -> bool {
        let mut gates = self.members.lock();
        let Some(gate) = gates.get_mut(member) else {
            return false;
        };
        let Some(shut) = gate.shut.take() else {
            return false;
        };
        gate.probes = gate.probes.saturating_add(1);
        gate.opened = Some(Instant::now());
        drop(gates);
        self.count();
        tracing::info!(cluster = %member, since = %shut.since, "answers again");
        true
    }

    /// How long a probe has to wait; `None` when the gate is open.
    pub(crate) fn wait(&self, member: &ClusterKey) -> Option<Duration> {
        let gates = self.members.lock();
        let shut = gates.get(member)?.shut.as_ref()?;
        Some(shut.due.saturating_duration_since(Instant::now()))
    }

    /// The next probe is due now, and the back-off begins anew.
    pub(crate) fn hurry(&self, member: &ClusterKey) {
        if let Some(gate) = self.members.lock().get_mut(member) {
            gate.probes = 0;
            if let Some(shut) = &mut gate.shut {
                shut.due = Instant::now();
            }
        }
    }

    /// The member is not registered any more.
    pub(crate) fn forget(&self, member: &ClusterKey) {
        self.members.lock().remove(member);
        self.count();
    }

    /// Members that are waited for, by name.
    pub(crate) fn report(&self) -> Vec<WaitingMember> {
        let now = Instant::now();
        let gates = self.members.lock();
        let mut waiting: Vec<WaitingMember> = gates
            .iter()
            .filter_map(|(cluster, gate)| {
                let shut = gate.shut.as_ref()?;
                Some(WaitingMember {
                    cluster: cluster.clone(),
                    since: shut.since,
                    category: shut.why.category().to_owned(),
                    message: dcm_types::chain(&shut.why),
                    hint: shut.why.hint().to_owned(),
                    probes: gate.probes,
                    next_probe_seconds: shut.due.saturating_duration_since(now).as_secs(),
                })
            })
            .collect();
        waiting.sort_by(|one, other| one.cluster.cmp(&other.cluster));
        waiting
    }

    fn count(&self) {
        let gates = self.members.lock();
        self.metrics
            .waiting(gates.values().filter(|gate| gate.shut.is_some()).count());
    }

    /// Doubles up to the cap, and never shorter than that, so that the number of probes of a day is bounded; a
    /// little longer, so that many members do not come together.
    fn pause(&self, probes: u32) -> Duration {
        let doubled = self
            .first
            .saturating_mul(1 << probes.saturating_sub(1).min(20));
        let jitter = 0.9 + 0.2 * self.randomness.jitter();
        doubled.min(self.cap).mul_f64(jitter)
    }
}

#[cfg(test)]
mod tests;
