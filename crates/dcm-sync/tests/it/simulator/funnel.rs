//! The funnel: numbers every effect of every synchronizer, and asks a judge what happens to it.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::pin::pin;
use std::time::Duration;

use dcm_testkit::kubesim::Fault;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

/// What kind of effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Call,
    Watch,
    Write,
    Nudge,
}

/// One effect.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Effect {
    /// Counted from 0 over the operations that are counted.
    pub(crate) number: usize,
    pub(crate) operation: &'static str,
    pub(crate) synchronizer: usize,
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// Since the beginning.
    pub(crate) at: Duration,
    /// How long it takes to reach the world.
    pub(crate) delay: Duration,
}

impl fmt::Display for Effect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = format!("{:?}", self.kind).to_lowercase();
        let Self {
            number,
            operation,
            name,
            ..
        } = self;
        write!(formatter, "{number:4} {operation:<11} {kind:<5} {name}")
    }
}

/// The ways in which a write to the store goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum StoreFault {
    Busy,
    Io,
    NoSpace,
    /// Written, and answered with an error.
    Unknown,
    /// Five seconds late.
    Late,
}

impl StoreFault {
    pub(crate) const ALL: [Self; 5] = [
        Self::Busy,
        Self::Io,
        Self::NoSpace,
        Self::Unknown,
        Self::Late,
    ];
}

/// What happens to an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Strike {
    /// The synchronizer dies before it.
    CrashBefore,
    /// It takes effect, and the synchronizer dies before it hears of it.
    CrashLost,
    /// It takes effect, is answered, and the synchronizer dies before its next effect.
    CrashAfter,
    /// A call or watch fails.
    Fault(Fault),
    /// A write fails.
    Store(StoreFault),
}

/// What a judge says.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Verdict {
    /// How long it takes to reach the world.
    pub(crate) delay: Duration,
    pub(crate) strike: Option<Strike>,
}

pub(crate) type Judge = Box<dyn FnMut(&Effect) -> Verdict + Send>;

struct State {
    effects: Vec<Effect>,
    operation: Option<&'static str>,
    judge: Option<Judge>,
    struck: Vec<(usize, Strike)>,
    notes: Vec<(Duration, String)>,
    latest: Instant,
}

/// Numbers effects.
pub(crate) struct Funnel {
    began: Instant,
    state: Mutex<State>,
}

impl Funnel {
    pub(crate) fn new() -> Self {
        let began = Instant::now();
        let state = State {
            effects: Vec::new(),
            operation: None,
            judge: None,
            struck: Vec::new(),
            notes: Vec::new(),
            latest: began,
        };
        Self {
            began,
            state: Mutex::new(state),
        }
    }

    /// Counts from here on under this name; `None`: effects pass uncounted.
    pub(crate) fn operation(&self, name: Option<&'static str>) {
        self.state.lock().operation = name;
    }

    /// Who decides from now on; `None`: everything passes.
    pub(crate) fn judge(&self, judge: Option<Judge>) {
        self.state.lock().judge = judge;
    }

    /// An effect is about to happen.
    pub(crate) fn enter(&self, synchronizer: usize, kind: Kind, name: String) -> Verdict {
        let mut state = self.state.lock();
        state.latest = Instant::now();
        let Some(operation) = state.operation else {
            return Verdict::default();
        };
        let mut effect = Effect {
            number: state.effects.len(),
            operation,
            synchronizer,
            kind,
            name,
            at: self.began.elapsed(),
            delay: Duration::ZERO,
        };
        let verdict = match &mut state.judge {
            Some(judge) => judge(&effect),
            None => Verdict::default(),
        };
        state
            .struck
            .extend(verdict.strike.map(|strike| (effect.number, strike)));
        effect.delay = verdict.delay;
        state.effects.push(effect);
        verdict
    }

    /// Effects counted so far.
    pub(crate) fn effects(&self) -> Vec<Effect> {
        self.state.lock().effects.clone()
    }

    /// What was struck so far.
    pub(crate) fn struck(&self) -> Vec<(usize, Strike)> {
        self.state.lock().struck.clone()
    }

    /// Keeps what is no effect, for whoever reads the history.
    pub(crate) fn note(&self, what: String) {
        let note = (self.began.elapsed(), what);
        self.state.lock().notes.push(note);
    }

    pub(crate) fn notes(&self) -> Vec<(Duration, String)> {
        self.state.lock().notes.clone()
    }

    /// How long nothing has happened.
    pub(crate) fn quiet_for(&self) -> Duration {
        self.state.lock().latest.elapsed()
    }

    /// A number that two runs share only when the same happened at the same times.
    pub(crate) fn hash(&self) -> u64 {
        let state = self.state.lock();
        let mut hasher = DefaultHasher::new();
        state.effects.hash(&mut hasher);
        state.struck.hash(&mut hasher);
        hasher.finish()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    Open,
    Frozen,
    Dead,
}

/// One life of a synchronizer: whether what it does reaches the world.
pub(crate) struct Gate {
    stand: Mutex<Stand>,
    moved: Notify,
    under_way: Mutex<usize>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self {
            stand: Mutex::new(Stand::Open),
            moved: Notify::new(),
            under_way: Mutex::new(0),
        }
    }

    /// Goes on when the synchronizer lives and is awake.
    pub(crate) async fn pass(&self) {
        loop {
            let mut moved = pin!(self.moved.notified());
            moved.as_mut().enable();
            if *self.stand.lock() == Stand::Open {
                return;
            }
            moved.await;
        }
    }

    /// Kills it.
    pub(crate) fn die(&self) {
        *self.stand.lock() = Stand::Dead;
    }

    pub(crate) fn is_dead(&self) -> bool {
        *self.stand.lock() == Stand::Dead
    }

    pub(crate) fn is_frozen(&self) -> bool {
        *self.stand.lock() == Stand::Frozen
    }

    /// Stops or wakes it, if it lives.
    pub(crate) fn freeze(&self, frozen: bool) {
        let mut stand = self.stand.lock();
        if *stand != Stand::Dead {
            *stand = if frozen { Stand::Frozen } else { Stand::Open };
            self.moved.notify_waiters();
        }
    }

    /// Says that an effect is under way, until it is dropped.
    pub(crate) fn busy(&self) -> Busy<'_> {
        *self.under_way.lock() += 1;
        Busy(self)
    }

    pub(crate) fn is_busy(&self) -> bool {
        *self.under_way.lock() > 0
    }
}

/// An effect under way.
pub(crate) struct Busy<'a>(&'a Gate);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        *self.0.under_way.lock() -= 1;
    }
}
