//! What goes wrong between a caller and a simulated member, and when.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::message::{Refusal, Request};

/// A fault of one call. The kinds are those of the plan of tests: see [`Fault::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Nobody listens.
    ConnectRefused,
    /// The connection is never made.
    ConnectHang,
    /// The connection is made, and nothing comes of TLS.
    HandshakeHang,
    /// The certificate of the server has expired, or is of an unknown authority.
    BadCertificate,
    /// No answer, and no effect.
    TimeoutBefore,
    /// No answer, but the call took effect.
    TimeoutAfter,
    /// The call took effect; its answer breaks off.
    ResetMidAnswer,
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404.
    NotFound,
    /// 409.
    Conflict,
    /// 410; of a watch as an event.
    Gone,
    /// 422.
    Invalid,
    /// 429 with `Retry-After`.
    TooManyRequests(Duration),
    /// 500.
    ServerError,
    /// 503.
    Unavailable,
    /// 200, and a body that is no JSON.
    Garbled,
    /// 200, and a body that ends early.
    Truncated,
    /// 200, and a body without end.
    Endless,
    /// The call took effect; its answer comes one byte a second.
    SlowDrip,
}

/// Whether a call takes effect although it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It never reaches the server.
    Before,
    /// The server did it; only the answer is lost.
    After,
}

impl Fault {
    /// One of each kind: seventeen, where three are of two or three sorts.
    pub const ALL: [Self; 20] = [
        Self::ConnectRefused,
        Self::ConnectHang,
        Self::HandshakeHang,
        Self::BadCertificate,
        Self::TimeoutBefore,
        Self::TimeoutAfter,
        Self::ResetMidAnswer,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::Conflict,
        Self::Gone,
        Self::Invalid,
        Self::TooManyRequests(Duration::from_secs(1)),
        Self::ServerError,
        Self::Unavailable,
        Self::Garbled,
        Self::Truncated,
        Self::Endless,
        Self::SlowDrip,
    ];

    /// Whether the call takes effect when nothing else is said.
    pub fn effect(self) -> Effect {
        match self {
            Self::TimeoutAfter
            | Self::ResetMidAnswer
            | Self::Garbled
            | Self::Truncated
            | Self::Endless
            | Self::SlowDrip => Effect::After,
            _ => Effect::Before,
        }
    }

    /// The answer of faults that are answers.
    pub(super) fn refusal(self) -> Option<Refusal> {
        let (code, reason) = match self {
            Self::Unauthorized => (401, "Unauthorized"),
            Self::Forbidden => (403, "Forbidden"),
            Self::NotFound => (404, "NotFound"),
            Self::Conflict => (409, "Conflict"),
            Self::Gone => (410, "Expired"),
            Self::Invalid => (422, "Invalid"),
            Self::TooManyRequests(_) => (429, "TooManyRequests"),
            Self::ServerError => (500, "InternalError"),
            Self::Unavailable => (503, "ServiceUnavailable"),
            _ => return None,
        };
        let mut refusal = Refusal::new(code, reason, "this call was made to fail");
        if let Self::TooManyRequests(after) = self {
            refusal.retry_after = Some(after.as_secs().max(1));
        }
        Some(refusal)
    }
}

/// A call as rules see it.
#[derive(Debug, Clone)]
pub struct CallInfo {
    /// Number of the call at this member, from 0. Watches count too.
    pub index: u64,
    /// HTTP method.
    pub method: String,
    /// Path, without the query.
    pub path: String,
    /// Whether it opens a watch.
    pub watch: bool,
}

/// Which calls a rule strikes.
#[derive(Clone)]
pub enum When {
    /// All of them.
    Always,
    /// The one of that number.
    Call(u64),
    /// That one and all after it.
    From(u64),
    /// Those that a function picks.
    Matching(Arc<dyn Fn(&CallInfo) -> bool + Send + Sync>),
}

/// One rule: which calls fail, how, and how often.
#[derive(Clone)]
pub struct Rule {
    /// How they fail.
    pub fault: Fault,
    /// Whether they take effect.
    pub effect: Effect,
    /// Which.
    pub when: When,
    /// How often at most.
    pub times: Option<u32>,
}

impl Rule {
    /// Every call that `when` strikes fails, with the effect that is usual for the fault.
    pub fn new(fault: Fault, when: When) -> Self {
        Self {
            fault,
            effect: fault.effect(),
            when,
            times: None,
        }
    }

    /// The same, once.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.times = Some(1);
        self
    }

    /// The same with another effect.
    #[must_use]
    pub fn with_effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    fn strikes(&self, call: &CallInfo) -> bool {
        self.times != Some(0)
            && match &self.when {
                When::Always => true,
                When::Call(index) => call.index == *index,
                When::From(index) => call.index >= *index,
                When::Matching(picks) => picks(call),
            }
    }
}

/// The rules of one member, and the count of its calls.
#[derive(Default)]
pub struct Faults {
    rules: Mutex<Vec<Rule>>,
    calls: AtomicU64,
    struck: AtomicU64,
}

impl Faults {
    /// Adds a rule. The first one that strikes counts.
    pub fn add(&self, rule: Rule) {
        self.rules.lock().push(rule);
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.rules.lock().clear();
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// How many calls were struck: a test can see that its fault took place.
    pub fn struck(&self) -> u64 {
        self.struck.load(Ordering::Relaxed)
    }

    /// Numbers a call.
    pub(super) fn count(&self, request: &Request) -> CallInfo {
        CallInfo {
            index: self.calls.fetch_add(1, Ordering::Relaxed),
            method: request.method.clone(),
            path: request.path.clone(),
            watch: request.is_set("watch"),
        }
    }

    /// What happens to a connection: what happens to all calls, if it happens before the first.
    pub(super) fn of_connection(&self) -> Option<Fault> {
        let early = |fault: Fault| {
            matches!(
                fault,
                Fault::ConnectRefused
                    | Fault::ConnectHang
                    | Fault::HandshakeHang
                    | Fault::BadCertificate
            )
        };
        let rules = self.rules.lock();
        let mut always = rules
            .iter()
            .filter(|rule| matches!(rule.when, When::Always) && rule.times.is_none());
        always.find(|rule| early(rule.fault)).map(|rule| rule.fault)
    }

    /// What happens to a call.
    pub(super) fn decide(&self, call: &CallInfo) -> Option<(Fault, Effect)> {
        let mut rules = self.rules.lock();
        let rule = rules.iter_mut().find(|rule| rule.strikes(call))?;
        if let Some(times) = &mut rule.times {
            *times -= 1;
        }
        self.struck.fetch_add(1, Ordering::Relaxed);
        Some((rule.fault, rule.effect))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_strike_by_number_by_choice_and_so_often_as_they_say() {
        let faults = Faults::default();
        faults.add(Rule::new(Fault::Conflict, When::Call(1)));
        faults.add(
            Rule::new(
                Fault::Invalid,
                When::Matching(Arc::new(|call| call.path == "/b")),
            )
            .once(),
        );
        let strike = |path: &str| {
            let call = faults.count(&Request::new("GET", path));
            faults.decide(&call).map(|(fault, _)| fault)
        };
        let struck = ["/a", "/a", "/b", "/b"].map(strike);
        assert_eq!(
            struck,
            [None, Some(Fault::Conflict), Some(Fault::Invalid), None]
        );
        assert_eq!((faults.calls(), faults.struck()), (4, 2));
    }

    #[test]
    fn every_fault_is_an_answer_or_none() {
        let answers = Fault::ALL.iter().filter(|fault| fault.refusal().is_some());
        assert_eq!(answers.count(), 9);
    }
}
