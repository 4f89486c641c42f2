//! The protocol as a state machine: one target, one member, two synchronizers, calls that land late.
//!
//! Versions are modelled by what they are for: a snapshot is `fresh` until what it was taken of changes.
//! Time is modelled by what it is for: a run or call that is older than the first empty look is an
//! `elder`, and with [`Defences::second_look`] the second look comes after the last elder.

use std::collections::BTreeSet;

use stateright::Representative;

/// What keeps two synchronizers apart. Each can be left out, to see that it is needed.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each can be left out alone")]
pub(crate) struct Defences {
    /// The anchor is read after everything else.
    pub(crate) anchor_last: bool,
    /// The commit that precedes the first call asserts that the wish is the one that was read.
    pub(crate) begin_asserts_wish: bool,
    /// What turns out to exist is left to a run that reads it first.
    pub(crate) existing_is_left: bool,
    /// The anchor's generation is looked at before it is deleted.
    pub(crate) anchor_checked_at_deletion: bool,
    /// The second empty look begins when no earlier run can write any more.
    pub(crate) second_look: bool,
}

impl Defences {
    pub(crate) const ALL: Self = Self {
        anchor_last: true,
        begin_asserts_wish: true,
        existing_is_left: true,
        anchor_checked_at_deletion: true,
        second_look: true,
    };
}

/// A generation; the wish of each is given by the model.
pub(crate) type Generation = u8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Observed {
    Absent,
    Unknown,
    Known,
}

/// The stored document of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Target {
    pub(crate) observed: Observed,
    pub(crate) wanted: Generation,
    /// A first empty look was made.
    pub(crate) emptied: bool,
}

/// What is sent to the member; `object` stands for everything but the anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Verb {
    Create,
    Apply,
    Delete,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Part {
    Anchor,
    Object,
}

/// A call under way. Its sender may be gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Call {
    pub(crate) sender: Option<usize>,
    pub(crate) verb: Verb,
    pub(crate) part: Part,
    pub(crate) generation: Generation,
    /// Its guard still holds.
    pub(crate) fresh: bool,
    pub(crate) elder: bool,
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Step {
    /// The wish was read, the target was not.
    Wish,
    /// The target was read.
    Loaded,
    /// The first part of the member was read.
    Half(Part),
    /// All was read.
    Read,
    /// A call is under way.
    Sent(Part),
    /// Everything is as wished.
    Done,
}

/// A run of one synchronizer.
#[expect(
    clippy::struct_excessive_bools,
    reason = "what it read can each be stale"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Run {
    pub(crate) step: Step,
    pub(crate) generation: Generation,
    pub(crate) target: Option<Target>,
    pub(crate) target_fresh: bool,
    pub(crate) anchor: Option<Generation>,
    pub(crate) anchor_fresh: bool,
    pub(crate) object: Option<Generation>,
    pub(crate) object_fresh: bool,
    pub(crate) elder: bool,
    /// Nothing older than the first empty look was under way when this run began to read.
    pub(crate) calm: bool,
}

impl Run {
    fn new(generation: Generation) -> Self {
        Self {
            step: Step::Wish,
            generation,
            target: None,
            target_fresh: false,
            anchor: None,
            anchor_fresh: true,
            object: None,
            object_fresh: true,
            elder: false,
            calm: false,
        }
    }
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) wish: Generation,
    pub(crate) target: Target,
    pub(crate) anchor: Option<Generation>,
    pub(crate) object: Option<Generation>,
    pub(crate) runs: [Option<Run>; 2],
    pub(crate) calls: BTreeSet<Call>,
    /// The newest generation under which it was recorded that nothing is left.
    pub(crate) gone: Generation,
    /// Something of a newer generation was replaced or deleted by an older one, or came back after it was
    /// recorded that nothing is left.
    pub(crate) went_back: bool,
}

/// The two synchronizers are alike: which is which makes no difference.
impl Representative for World {
    fn representative(&self) -> Self {
        if self.runs[0] <= self.runs[1] {
            return self.clone();
        }
        let swapped = |mut call: Call| {
            call.sender = call.sender.map(|who| 1 - who);
            call
        };
        Self {
            runs: [self.runs[1], self.runs[0]],
            calls: self.calls.iter().copied().map(swapped).collect(),
            ..self.clone()
        }
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            wish: 1,
            target: Target {
                observed: Observed::Absent,
                wanted: 0,
                emptied: false,
            },
            anchor: None,
            object: None,
            runs: [None, None],
            calls: BTreeSet::new(),
            gone: 0,
            went_back: false,
        }
    }

    pub(crate) fn start(&mut self, who: usize) {
        self.runs[who] = Some(Run::new(self.wish));
    }

    /// Ends a run; what it sent stays under way.
    pub(crate) fn end(&mut self, who: usize) {
        self.runs[who] = None;
        let orphan = |mut call: Call| {
            if call.sender == Some(who) {
                call.sender = None;
            }
            call
        };
        self.calls = self.calls.iter().copied().map(orphan).collect();
    }

    pub(crate) fn held(&self, part: Part) -> Option<Generation> {
        match part {
            Part::Anchor => self.anchor,
            Part::Object => self.object,
        }
    }

    /// A commit of the target: whoever read it before will fail.
    pub(crate) fn commit(&mut self, who: usize, target: Target) {
        self.target = target;
        if target.observed == Observed::Absent {
            self.gone = target.wanted;
        }
        for (other, run) in self.runs.iter_mut().enumerate() {
            if let Some(run) = run {
                run.target_fresh &= other == who;
                if other == who {
                    run.target = Some(target);
                }
            }
        }
    }

    /// The first empty look: from now on whatever is under way is older than it.
    pub(crate) fn age(&mut self, who: usize) {
        for (other, run) in self.runs.iter_mut().enumerate() {
            if let Some(run) = run {
                run.elder |= other != who;
            }
        }
        let aged = |mut call: Call| {
            call.elder = true;
            call
        };
        self.calls = self.calls.iter().copied().map(aged).collect();
    }

    pub(crate) fn has_elders(&self, who: usize) -> bool {
        let runs = self.runs.iter().enumerate();
        let older =
            |(other, run): (usize, &Option<Run>)| other != who && run.is_some_and(|run| run.elder);
        runs.into_iter().any(older) || self.calls.iter().any(|call| call.elder)
    }

    fn set(&mut self, part: Part, value: Option<Generation>) {
        let held = match part {
            Part::Anchor => &mut self.anchor,
            Part::Object => &mut self.object,
        };
        *held = value;
        for run in self.runs.iter_mut().flatten() {
            match part {
                Part::Anchor => run.anchor_fresh = false,
                Part::Object => run.object_fresh = false,
            }
        }
        let stale = |mut call: Call| {
            if call.part == part && call.verb != Verb::Create {
                call.fresh = false;
            }
            call
        };
        self.calls = self.calls.iter().copied().map(stale).collect();
    }

    /// A call takes effect, or is refused; says whether it was answered with success.
    pub(crate) fn land(&mut self, call: Call) -> bool {
        self.calls.remove(&call);
        let held = self.held(call.part);
        let (ok, value) = match call.verb {
            Verb::Create => (held.is_none(), Some(call.generation)),
            Verb::Apply => (call.fresh && held.is_some(), Some(call.generation)),
            Verb::Delete => (call.fresh && held.is_some(), None),
        };
        if ok {
            self.went_back |= held.is_some_and(|held| held > call.generation);
            self.went_back |= call.verb == Verb::Create && call.generation < self.gone;
            self.set(call.part, value);
        }
        ok
    }
}
