//! A signal to the process under test at the moment when a chosen call arrives at a simulated member.

use std::sync::Arc;

use dcm_testkit::kubesim::{CallInfo, Effect, Fault, Member, Rule, When};
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};

/// The call that springs a trap.
#[derive(Debug, Clone, Copy)]
pub(super) enum Point {
    /// The changing call of this number, from 0, over all members that share the trap.
    Number(u32),
    /// The first call with this method whose path ends so.
    Named(&'static str, &'static str),
}

struct Armed {
    point: Point,
    pid: Pid,
    signal: Signal,
}

/// Set by a test, sprung by a call.
#[derive(Clone, Default)]
pub(super) struct Trap(Arc<Mutex<Option<Armed>>>);

impl Trap {
    /// From now on the call at that point gets the process signalled. Whether it takes effect, the process will
    /// not hear of it.
    pub(super) fn set(&self, members: &[&Member], on: (Point, Effect), who: (Pid, Signal)) {
        let (point, effect) = on;
        let (pid, signal) = who;
        *self.0.lock() = Some(Armed { point, pid, signal });
        let fault = match effect {
            Effect::Before => Fault::TimeoutBefore,
            Effect::After => Fault::TimeoutAfter,
        };
        for member in members {
            let trap = self.clone();
            let rule = Rule::new(
                fault,
                When::Matching(Arc::new(move |call| trap.meets(call))),
            );
            member.faults().clear();
            member.faults().add(rule.with_effect(effect));
        }
    }

    /// Whether it was sprung.
    pub(super) fn is_sprung(&self) -> bool {
        self.0.lock().is_none()
    }

    fn meets(&self, call: &CallInfo) -> bool {
        let mut armed = self.0.lock();
        let Some(trap) = armed.as_mut() else {
            return false;
        };
        if !changes(call) {
            return false;
        }
        let strikes = match &mut trap.point {
            Point::Named(method, end) => call.method == *method && call.path.ends_with(*end),
            Point::Number(0) => true,
            Point::Number(left) => {
                *left -= 1;
                false
            }
        };
        if strikes {
            kill_process(trap.pid, trap.signal).unwrap();
            *armed = None;
        }
        strikes
    }
}

/// Whether a call changes something of a slice. Reviews change nothing.
fn changes(call: &CallInfo) -> bool {
    call.method != "GET" && !call.path.contains("reviews")
}
