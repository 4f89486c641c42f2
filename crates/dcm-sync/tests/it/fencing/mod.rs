//! A small model of generations, anchor and empty looks, explored completely: whatever two synchronizers do
//! at the same time, frozen for any while and killed at any point, no generation goes back, and absent is
//! absent (I6, G10). Safety does not rest on a lease, so the model has none.
//!
//! Each defence is left out once: then the model finds how it goes wrong.

mod protocol;

use protocol::{Call, Defences, Generation, Observed, Part, Step, Target, Verb, World};
use stateright::{Checker, HasDiscoveries, Model, Property};

/// What is wished one after the other, from generation 1: whether the slice shall exist.
const HISTORIES: [&[bool]; 2] = [&[true, true], &[true, false, true]];

struct Protocol {
    defences: Defences,
    history: &'static [bool],
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Action {
    /// A newer wish is accepted.
    Wish,
    Start(usize),
    /// The next step of a run.
    Go(usize),
    /// The next step of a run that reads the anchor before the rest.
    ReadAnchorFirst(usize),
    /// Killed, or its deadline passed.
    End(usize),
    /// A call reaches the member. Its answer is lost when its sender ended before.
    Land(Call),
    /// A call whose sender ended never reaches the member.
    Lose(Call),
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new()]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if usize::from(world.wish) < self.history.len() {
            actions.push(Action::Wish);
        }
        for who in 0..world.runs.len() {
            match world.runs[who] {
                None => actions.push(Action::Start(who)),
                Some(run) => {
                    actions.push(Action::End(who));
                    if !matches!(run.step, Step::Sent(_)) {
                        actions.push(Action::Go(who));
                    }
                    if run.step == Step::Loaded && !self.defences.anchor_last {
                        actions.push(Action::ReadAnchorFirst(who));
                    }
                }
            }
        }
        for call in &world.calls {
            actions.push(Action::Land(*call));
            if call.sender.is_none() {
                actions.push(Action::Lose(*call));
            }
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        match action {
            Action::Wish => next.wish += 1,
            Action::Start(who) => next.start(who),
            Action::Go(who) => self.go(&mut next, who)?,
            Action::ReadAnchorFirst(who) => {
                self.begin_to_look(&mut next, who);
                read(&mut next, who, Part::Anchor, Step::Half(Part::Object))?;
            }
            Action::End(who) => next.end(who),
            Action::Land(call) => {
                let ok = next.land(call);
                if let Some(who) = call.sender {
                    self.hear(&mut next, who, call, ok);
                }
            }
            Action::Lose(call) => {
                next.calls.remove(&call);
            }
        }
        Some(next)
    }

    /// Calls under way are few: each synchronizer has one, and one that is dead left one.
    fn within_boundary(&self, world: &World) -> bool {
        world.calls.len() <= 2
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(BACK, |_, world: &World| !world.went_back),
            Property::always(ABSENT, |_, world: &World| {
                world.target.observed != Observed::Absent
                    || (world.anchor.is_none() && world.object.is_none())
            }),
            Property::always("what is known is there", |_, world: &World| {
                let target = world.target;
                let overtaken = world.wish != target.wanted;
                target.observed != Observed::Known
                    || overtaken
                    || (world.anchor == Some(target.wanted) && world.object == Some(target.wanted))
            }),
            Property::sometimes("the last wish comes true", |model: &Self, world: &World| {
                let target = world.target;
                usize::from(world.wish) == model.history.len()
                    && target.wanted == world.wish
                    && target.observed == Observed::Known
            }),
        ]
    }
}

/// Reads one part of the member.
fn read(world: &mut World, who: usize, part: Part, then: Step) -> Option<()> {
    let held = world.held(part);
    let run = world.runs[who].as_mut()?;
    match part {
        Part::Anchor => (run.anchor, run.anchor_fresh) = (held, true),
        Part::Object => (run.object, run.object_fresh) = (held, true),
    }
    run.step = then;
    Some(())
}

impl Protocol {
    fn is_wished(&self, generation: Generation) -> bool {
        self.history[usize::from(generation) - 1]
    }

    /// The next step of a run.
    fn go(&self, world: &mut World, who: usize) -> Option<()> {
        let run = world.runs[who]?;
        match run.step {
            Step::Wish => {
                let target = world.target;
                let run = world.runs[who].as_mut()?;
                run.target = Some(target);
                run.target_fresh = true;
                run.step = Step::Loaded;
            }
            Step::Loaded if run.target?.observed == Observed::Absent => {
                if !self.is_wished(run.generation) {
                    let settled = Target {
                        wanted: run.generation,
                        ..run.target?
                    };
                    self.write(world, who, settled);
                    world.end(who);
                    return Some(());
                }
                world.runs[who].as_mut()?.step = Step::Read;
            }
            Step::Loaded => {
                self.begin_to_look(world, who);
                read(world, who, Part::Object, Step::Half(Part::Anchor))?;
            }
            Step::Half(part) => read(world, who, part, Step::Read)?,
            Step::Read => self.begin(world, who)?,
            Step::Done => {
                let known = Target {
                    observed: Observed::Known,
                    wanted: run.generation,
                    emptied: false,
                };
                self.write(world, who, known);
                world.end(who);
            }
            Step::Sent(_) => return None,
        }
        Some(())
    }

    /// Writes the target by compare-and-swap; a run that cannot ends.
    fn write(&self, world: &mut World, who: usize, target: Target) -> bool {
        let Some(run) = world.runs[who] else {
            return false;
        };
        let overtaken = self.defences.begin_asserts_wish && world.wish != run.generation;
        if !run.target_fresh || overtaken {
            world.end(who);
            return false;
        }
        world.commit(who, target);
        true
    }

    fn begin_to_look(&self, world: &mut World, who: usize) {
        let calm = !self.defences.second_look || !world.has_elders(who);
        if let Some(run) = world.runs[who].as_mut() {
            run.calm = calm;
        }
    }

    fn begin(&self, world: &mut World, who: usize) -> Option<()> {
        let run = world.runs[who]?;
        let target = run.target?;
        if run.anchor.is_some_and(|anchor| anchor > run.generation) {
            world.end(who);
            return Some(());
        }
        let wished = self.is_wished(run.generation);
        if !wished && run.anchor.is_none() && run.object.is_none() {
            self.empty(world, who, target);
            return Some(());
        }
        let as_wished = run.anchor == Some(run.generation) && run.object == Some(run.generation);
        if wished
            && as_wished
            && target.observed == Observed::Known
            && target.wanted == run.generation
        {
            world.end(who);
            return Some(());
        }
        let begun = Target {
            observed: Observed::Unknown,
            wanted: run.generation,
            emptied: false,
        };
        if begun == target || self.write(world, who, begun) {
            return self.send_anchor(world, who);
        }
        Some(())
    }

    /// Nothing was seen: the first look is noted, the second makes it absent.
    fn empty(&self, world: &mut World, who: usize, target: Target) {
        let Some(run) = world.runs[who] else { return };
        let generation = run.generation;
        if !target.emptied {
            let looked = Target {
                observed: Observed::Unknown,
                wanted: generation,
                emptied: true,
            };
            if self.write(world, who, looked) {
                world.age(who);
            }
        } else if run.calm {
            let absent = Target {
                observed: Observed::Absent,
                wanted: generation,
                emptied: false,
            };
            self.write(world, who, absent);
        }
        world.end(who);
    }

    fn send(world: &mut World, who: usize, verb: Verb, part: Part) -> Option<()> {
        let run = world.runs[who].as_mut()?;
        run.step = Step::Sent(part);
        let fresh = match part {
            Part::Anchor => run.anchor_fresh,
            Part::Object => run.object_fresh,
        };
        let call = Call {
            sender: Some(who),
            verb,
            part,
            generation: run.generation,
            fresh,
            elder: run.elder,
        };
        world.calls.insert(call);
        Some(())
    }

    fn send_anchor(&self, world: &mut World, who: usize) -> Option<()> {
        let run = world.runs[who]?;
        match run.anchor {
            Some(anchor) if anchor < run.generation => {
                Self::send(world, who, Verb::Apply, Part::Anchor)
            }
            None if self.is_wished(run.generation) => {
                Self::send(world, who, Verb::Create, Part::Anchor)
            }
            Some(_) | None => self.send_object(world, who),
        }
    }

    fn send_object(&self, world: &mut World, who: usize) -> Option<()> {
        let run = world.runs[who]?;
        if self.is_wished(run.generation) {
            return match run.object {
                Some(object) if object == run.generation => {
                    world.runs[who].as_mut()?.step = Step::Done;
                    Some(())
                }
                Some(_) => Self::send(world, who, Verb::Apply, Part::Object),
                None => Self::send(world, who, Verb::Create, Part::Object),
            };
        }
        if run.object.is_some() {
            return Self::send(world, who, Verb::Delete, Part::Object);
        }
        // The anchor goes last, and is read again for its version.
        read(world, who, Part::Anchor, Step::Sent(Part::Anchor))?;
        let anchor = world.runs[who]?.anchor;
        let newer = anchor.is_some_and(|anchor| anchor > run.generation);
        if anchor.is_none() || (newer && self.defences.anchor_checked_at_deletion) {
            world.end(who);
            return Some(());
        }
        Self::send(world, who, Verb::Delete, Part::Anchor)
    }

    /// A part is as wished. What follows at once is no step of its own: to be killed before it is to be
    /// killed before the answer was heard.
    fn after(&self, world: &mut World, who: usize, part: Part) {
        match part {
            Part::Anchor => {
                self.send_object(world, who);
            }
            Part::Object => {
                if let Some(run) = world.runs[who].as_mut() {
                    run.step = Step::Done;
                }
            }
        }
    }

    /// The sender hears the answer.
    fn hear(&self, world: &mut World, who: usize, call: Call, ok: bool) {
        let held = world.held(call.part);
        let Some(run) = world.runs[who].as_mut() else {
            return;
        };
        match (call.verb, ok) {
            (Verb::Create | Verb::Apply, true) => {
                match call.part {
                    Part::Anchor => (run.anchor, run.anchor_fresh) = (held, true),
                    Part::Object => (run.object, run.object_fresh) = (held, true),
                }
                self.after(world, who, call.part);
            }
            (Verb::Create, false) if !self.defences.existing_is_left => {
                // It exists: what stands there is read, and changed to the wish of this run.
                match call.part {
                    Part::Anchor => (run.anchor, run.anchor_fresh) = (held, true),
                    Part::Object => (run.object, run.object_fresh) = (held, true),
                }
                if held == Some(run.generation) {
                    self.after(world, who, call.part);
                } else {
                    Self::send(world, who, Verb::Apply, call.part);
                }
            }
            // Removed, or refused: another run looks at it anew.
            (Verb::Delete, _) | (_, false) => world.end(who),
        }
    }
}

const BACK: &str = "no generation goes back";
const ABSENT: &str = "absent is absent";

fn explore(
    defences: Defences,
    history: &'static [bool],
    until: HasDiscoveries,
) -> impl Checker<Protocol> {
    let checker = Protocol { defences, history }.checker();
    let checker = checker.threads(2).symmetry().finish_when(until);
    checker.spawn_dfs().join()
}

#[test]
fn two_synchronizers_never_go_back_and_absent_is_absent() {
    for history in HISTORIES {
        let checker = explore(Defences::ALL, history, HasDiscoveries::All);
        checker.assert_properties();
        assert!(checker.is_done());
        let states = checker.unique_state_count();
        assert!(
            states > 10_000,
            "{history:?}: {states} states are too few to be all"
        );
    }
}

#[test]
fn without_any_one_defence_it_goes_wrong() {
    let all = Defences::ALL;
    let cases = [
        (
            Defences {
                anchor_last: false,
                ..all
            },
            BACK,
        ),
        (
            Defences {
                existing_is_left: false,
                ..all
            },
            BACK,
        ),
        (
            Defences {
                anchor_checked_at_deletion: false,
                ..all
            },
            BACK,
        ),
        (
            Defences {
                begin_asserts_wish: false,
                ..all
            },
            BACK,
        ),
        (
            Defences {
                second_look: false,
                ..all
            },
            ABSENT,
        ),
    ];
    for (defences, property) in cases {
        let wrong = || HasDiscoveries::AnyOf([property].into());
        let found = HISTORIES.iter().any(|history| {
            explore(defences, history, wrong())
                .discovery(property)
                .is_some()
        });
        assert!(found, "{defences:?}: {property}");
    }
}
