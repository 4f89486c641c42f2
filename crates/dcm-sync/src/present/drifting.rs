//! What of the drift stays as it is in this run: by the policy of the cloud, or because correcting it again at
//! once would only go on with a fight.

use std::collections::BTreeMap;

use dcm_types::documents::{ObjectState, Target};
use dcm_types::{Timestamp, Track};

use super::Present;
use crate::drift::fight::{Contested, Ground};
use crate::drift::{self, Stance};
use crate::mesh::{compare, secret};
use crate::plan::step;
use crate::render::Wanted;
use crate::run::Outcome;
use dcm_cluster::{Object, Place, Resource};

/// Reason of an object that somebody else changes back each time.
const CONTESTED: &str = "Contested";

/// What a run does about drift.
pub(super) struct Drifting {
    pub(super) stance: Stance,
    /// What stays, and what is said of it.
    pub(super) held: BTreeMap<Place, Outcome>,
    /// What is not wished and stays because of a fight, and what is said of it.
    pub(super) left: BTreeMap<Place, Outcome>,
    /// What is corrected, and against whom.
    corrections: Vec<(Place, Vec<String>)>,
    /// What is not wished and is deleted, and against whom.
    deletions: Vec<(Place, Vec<String>)>,
    /// When the next contested object may be corrected.
    until: Option<Timestamp>,
}

impl Drifting {
    pub(super) fn with(stance: Stance) -> Self {
        Self {
            stance,
            held: BTreeMap::new(),
            left: BTreeMap::new(),
            corrections: Vec::new(),
            deletions: Vec::new(),
            until: None,
        }
    }

    /// When to look again because of a fight.
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.until
    }

    fn wait(&mut self, contested: &Contested) {
        let until = self.until.get_or_insert(contested.until);
        *until = contested.until.min(*until);
    }
}

impl Present<'_> {
    /// Decides about everything that differs and was applied before. The anchor is never left.
    pub(super) fn judge_drift(&mut self, wanted: &[Wanted], earlier: &Target) {
        let stance = self.drifting.stance;
        if stance == Stance::Apply {
            return;
        }
        let now = self.context.clock.now();
        for wanted in wanted.iter().filter(|wanted| wanted.track != Track::Member) {
            if !step(wanted, self.live(&wanted.place), &self.run.owner).mutates() {
                continue;
            }
            let live = self.live(&wanted.place).cloned();
            let live = live.as_ref();
            if wanted.track == Track::Mesh && is_new_wish(wanted, live, earlier) {
                continue;
            }
            let found = drift::drift_of(wanted, live, Some(earlier), now);
            let outcome = if stance == Stance::Correct {
                let rivals = drift::rivals(&found);
                let ground = self.ground(&wanted.place);
                let Some(contested) = self.context.fights.judge(&ground, &rivals, now) else {
                    let rivals = rivals.iter().map(ToString::to_string).collect();
                    self.drifting
                        .corrections
                        .push((wanted.place.clone(), rivals));
                    continue;
                };
                self.drifting.wait(&contested);
                let told = told(wanted, &drift::told(&found), &contested);
                Outcome {
                    drift: Some(found),
                    live: live.cloned(),
                    ..Outcome::of(wanted, ObjectState::Blocked, CONTESTED).says(told)
                }
            } else {
                drift::held(wanted, live, stance, found)
            };
            if live.is_none() {
                // That it is gone is known now, so its next event is news.
                self.run.member.forget(&wanted.place);
            }
            self.drifting.held.insert(wanted.place.clone(), outcome);
        }
    }

    /// Decides about what is ours and not wished: what somebody makes anew each time that it is deleted waits. What
    /// opens something never does.
    pub(super) fn judge_surplus(&mut self, wanted: &[Wanted], earlier: &Target) {
        if self.drifting.stance != Stance::Correct {
            return;
        }
        let now = self.context.clock.now();
        for object in self.surplus(wanted, false) {
            let Some(outcome) = drift::unwished(&object, None, earlier, now) else {
                continue;
            };
            let rivals = outcome
                .drift
                .as_ref()
                .map(drift::rivals)
                .unwrap_or_default();
            let place = outcome.place.clone();
            let ground = self.ground(&place);
            let Some(contested) = self.context.fights.judge(&ground, &rivals, now) else {
                let rivals = rivals.into_iter().map(str::to_owned).collect();
                self.drifting.deletions.push((place, rivals));
                continue;
            };
            self.drifting.wait(&contested);
            let told = told_of_surplus(&outcome.message, &rivals, &contested);
            let outcome = Outcome {
                reason: CONTESTED,
                ..outcome.says(told)
            };
            self.drifting.left.insert(place, outcome);
        }
    }

    /// What is ours and not wished, where it is told and left.
    pub(super) fn report_surplus(&mut self, wanted: &[Wanted], earlier: &Target) {
        if self.drifting.stance != Stance::Report {
            return;
        }
        let now = self.context.clock.now();
        let surplus = [self.surplus(wanted, true), self.surplus(wanted, false)].concat();
        let told = surplus
            .iter()
            .filter_map(|object| drift::unwished(object, None, earlier, now));
        let of_mesh = self.surplus_of_mesh(wanted);
        let of_mesh = of_mesh
            .values()
            .filter_map(|object| drift::unwished(object, Some(Track::Mesh), earlier, now));
        let told: Vec<Outcome> = told.chain(of_mesh).collect();
        self.outcomes.extend(told);
    }

    /// Tells of surplus that stays because of a fight.
    pub(super) fn tell_contested_surplus(&mut self) {
        self.outcomes.extend(self.drifting.left.values().cloned());
    }

    /// Remembers what was corrected. A replacement counts once the object is there again.
    pub(super) fn note_corrections(&self) {
        let now = self.context.clock.now();
        for (place, rivals) in &self.drifting.deletions {
            let rivals: Vec<&str> = rivals.iter().map(String::as_str).collect();
            self.context.fights.note(self.ground(place), &rivals, now);
        }
        for (place, rivals) in &self.drifting.corrections {
            if self.is_ready(place) {
                let rivals: Vec<&str> = rivals.iter().map(String::as_str).collect();
                self.context.fights.note(self.ground(place), &rivals, now);
            }
        }
    }

    fn ground(&self, place: &Place) -> Ground {
        Ground {
            cloud: self.run.cloud_uid,
            cluster: self.run.member.key.clone(),
            place: place.clone(),
        }
    }
}

/// A mesh changes within a generation: its bundle is renewed, and others come and go. That is no drift.
fn is_new_wish(wanted: &Wanted, live: Option<&Object>, earlier: &Target) -> bool {
    match live {
        None => !earlier.inventory.contains(&wanted.place.identity()),
        Some(live) if wanted.place.resource == Resource::Secret => {
            secret::version_of(&wanted.object) != secret::version_of(live)
        }
        Some(live) => compare::is_of_another_wish(&wanted.object, live),
    }
}

fn told(wanted: &Wanted, what: &str, contested: &Contested) -> String {
    let (kind, name) = (wanted.place.resource.kind(), &wanted.place.name);
    let (count, until) = (contested.corrections, moment(contested.until));
    format!(
        "{kind} {name} {what}; corrected {count} times and each time changed back; the next time at {until}"
    )
}

fn told_of_surplus(what: &str, rivals: &[&str], contested: &Contested) -> String {
    let (count, until) = (contested.corrections, moment(contested.until));
    let by = if rivals.is_empty() {
        String::new()
    } else {
        format!(" by {}", rivals.join(", "))
    };
    format!("{what}; deleted {count} times and each time made anew{by}; the next time at {until}")
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
