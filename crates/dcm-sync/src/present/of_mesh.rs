//! The mesh of a slice: made in its own order once the namespace of the cloud is ours, after everything else.
//!
//! Whatever goes wrong with it is told in its own condition, and does not make the run a failed one, unless the member as
//! a whole does not answer; and then the other tracks are recorded before.

use std::collections::BTreeMap;
use std::time::Duration;

use dcm_cluster::{CallErrorKind, Object, Place, Resource};
use dcm_types::documents::{MeshMode, ObjectIdentity, ObjectState, Target};
use dcm_types::{ConditionStatus, Timestamp, Track};
use futures::future::try_join_all;

use super::Present;
use crate::error::Error;
use crate::mesh::evidence::Shown;
use crate::mesh::look::Part;
use crate::mesh::wish::{Note, Wished};
use crate::mesh::{LOOK_AGAIN, Stage, definitions, down, readiness, secret};
use crate::render::Wanted;
use crate::run::Outcome;

/// What came of a mesh, beside its objects.
pub(super) struct Made {
    /// What is said of it, where its objects say nothing.
    pub(super) note: Option<Note>,
    /// Nothing of it keeps the generation from being applied.
    pub(super) is_settled: bool,
    /// It has a condition.
    pub(super) is_told: bool,
    /// Look again after so long, though nothing shows then.
    pub(super) look_again: Option<Duration>,
    /// It was looked at as a whole.
    pub(super) is_read: bool,
    /// What is gone, and stays in the inventory until no earlier run can write it again.
    pub(super) kept: Vec<ObjectIdentity>,
}

impl Made {
    fn waits(note: Option<Note>) -> Self {
        Self {
            note,
            is_settled: false,
            is_told: true,
            look_again: None,
            is_read: false,
            kept: Vec::new(),
        }
    }
}

/// What an object of the mesh waits for.
type Waits = Option<&'static str>;

impl Present<'_> {
    /// Makes the mesh be as wished; `None`: there is none. The error is about the member as a whole.
    pub(super) async fn make_mesh(
        &mut self,
        wanted: &[Wanted],
        earlier: &Target,
        trusted: bool,
    ) -> (Option<Made>, Option<Error>) {
        let Some(part) = self.mesh.clone() else {
            return (None, None);
        };
        let of_mesh: Vec<&Wanted> = wanted.iter().filter(|w| w.track == Track::Mesh).collect();
        if let Some(note) = part.note() {
            return (Some(Made::waits(Some(note.clone()))), None);
        }
        if !trusted {
            self.hold_mesh(&of_mesh, "WaitsForNamespace");
            return (Some(Made::waits(None)), None);
        }
        let result = self.apply_mesh(&part, &of_mesh, wanted, earlier).await;
        let there = self
            .outcomes
            .iter()
            .filter(|o| o.track == Track::Mesh && o.live.is_some());
        let kinds = there.map(|outcome| outcome.place.resource);
        let member = &self.run.member;
        member.ensure_watching_mesh(kinds, &self.context.config);
        match result {
            Ok(made) => (Some(made), None),
            Err(error) => {
                self.hold_mesh(&of_mesh, "NotReached");
                let reason = crate::conditions::camel_case(error.category());
                let note = Note::progressing(&reason, dcm_types::chain(&error));
                let failure = error.shuts_the_gate().then_some(error);
                (Some(Made::waits(Some(note))), failure)
            }
        }
    }

    /// What nothing is known of yet waits.
    fn hold_mesh(&mut self, of_mesh: &[&Wanted], reason: &'static str) {
        let known = |wanted: &Wanted| self.outcomes.iter().any(|o| o.place == wanted.place);
        let held: Vec<Outcome> = of_mesh
            .iter()
            .filter(|wanted| !known(wanted))
            .map(|wanted| Outcome::of(wanted, ObjectState::Pending, reason))
            .collect();
        self.outcomes.extend(held);
    }

    async fn apply_mesh(
        &mut self,
        part: &Part,
        of_mesh: &[&Wanted],
        wanted: &[Wanted],
        earlier: &Target,
    ) -> Result<Made, Error> {
        let mut report = definitions::Report::default();
        if let Some(wished) = part.wished() {
            report = self.ensure_definitions(wished).await?;
            self.climb(wished, of_mesh, &report).await?;
        }
        let surplus = self.surplus_of_mesh(wanted);
        let mut going = None;
        if self.drifting.stance.prunes() {
            for object in surplus.values() {
                tracing::info!(member = %self.run.subject, object = object.name(), kind = object.kind(), "not wanted any more of the mesh; deleted");
            }
            going = down::take_down(self.run, &surplus).await?;
        }
        let mut made = self.left_of(part, wanted, (earlier, surplus.is_empty()));
        if let Some(wished) = part.wished() {
            made.is_told = true;
            made.note = self.note_of(wished, report.skew);
            let after = self.tell_evidence(wished).await?;
            // What does not work yet is seen by watches, and looked for by the scan.
            let works = made.note.as_ref().map(|note| note.status);
            let after = after.filter(|_| works != Some(ConditionStatus::Progressing));
            made.look_again = [made.look_again, after].into_iter().flatten().min();
        }
        let terminating = going.map(|message| Note::progressing("Terminating", message));
        if let Some(note) = report.hindrance.or(terminating) {
            made.note = Some(note);
            made.is_told = true;
            made.is_settled = false;
        }
        Ok(made)
    }

    async fn ensure_definitions(&self, wished: &Wished) -> Result<definitions::Report, Error> {
        let Some(parsed) = &wished.definitions else {
            return Ok(definitions::Report::default());
        };
        let mesh = self.inputs.revision.slice.mesh.as_ref();
        let version = mesh.map_or("", |mesh| mesh.tag.as_str());
        let every = self.context.config.rescan_interval.get();
        let found = definitions::ensure(self.run, &parsed.definitions, version, every).await;
        Ok(found?)
    }

    /// The way up. Without its namespace nothing of it can be there, and nothing runs without its bundle.
    async fn climb(
        &mut self,
        wished: &Wished,
        of_mesh: &[&Wanted],
        report: &definitions::Report,
    ) -> Result<(), Error> {
        let mut waits: Waits = None;
        for stage in Stage::UP {
            let due = of_mesh.iter().filter(|one| Stage::of(&one.place) == stage);
            let due: Vec<&Wanted> = due.copied().collect();
            if let Some(reason) = waits {
                self.hold_mesh(&due, reason);
                continue;
            }
            let this = &*self;
            let made = try_join_all(due.iter().map(|wanted| this.ensure_of_mesh(wished, wanted)));
            let made = made.await?;
            let there = made.iter().all(Outcome::is_there);
            let made = made.into_iter().map(|outcome| self.served(outcome, report));
            let made: Vec<Outcome> = made.collect();
            self.outcomes.extend(made);
            waits = match stage {
                Stage::Namespace if !there => Some("WaitsForMeshNamespace"),
                Stage::Bundle if !there => Some("WaitsForBundle"),
                _ => None,
            };
        }
        Ok(())
    }

    async fn ensure_of_mesh(&self, wished: &Wished, wanted: &Wanted) -> Result<Outcome, Error> {
        let step = self.step(wanted);
        if Stage::of(&wanted.place) != Stage::Bundle {
            return Ok(self.run.ensure(wanted, step).await?);
        }
        if !step.mutates() {
            return Ok(secret::told(self.run.ensure(wanted, step).await?));
        }
        let whose = (&self.inputs.key, self.run.cloud_uid);
        let authorities = self.context.authorities.as_ref();
        let name = &wished.document.name;
        match secret::joined(authorities, whose, name, wanted).await {
            Ok(joined) => Ok(secret::told(self.run.ensure(&joined, step).await?)),
            Err(outcome) => Ok(*outcome),
        }
    }

    /// A kind that is not served a moment after its definition came is about to be.
    fn served(&self, outcome: Outcome, report: &definitions::Report) -> Outcome {
        if outcome.reason != "MissingKind" || Stage::of(&outcome.place) != Stage::Wiring {
            return outcome;
        }
        definitions::forget(self.run);
        if !report.changed {
            return outcome;
        }
        Outcome {
            state: ObjectState::Progressing,
            reason: "DefinitionsNotServed",
            ..outcome
        }
    }

    /// What is ours of the mesh and not wished; nothing while it is not known what is.
    pub(super) fn surplus_of_mesh(&self, wanted: &[Wanted]) -> BTreeMap<Place, Object> {
        let is_known = self.mesh.as_ref().is_none_or(|part| part.note().is_none());
        let mut ours = down::ours(&self.observed, &self.run.owner);
        ours.retain(|place, _| {
            is_known
                && self.inputs.is_of_mesh(place)
                && !wanted.iter().any(|wanted| &wanted.place == place)
        });
        ours
    }

    /// What was there once is looked for until no earlier run can make it again.
    fn left_of(&self, part: &Part, wanted: &[Wanted], (earlier, empty): (&Target, bool)) -> Made {
        let left = part.left.as_ref();
        let mut kept = left.map_or_else(Vec::new, |left| left.identities(&earlier.inventory));
        kept.retain(|one| !wanted.iter().any(|wanted| &wanted.place.identity() == one));
        let mut made = Made {
            note: None,
            is_settled: true,
            is_told: !kept.is_empty(),
            look_again: None,
            is_read: true,
            kept: Vec::new(),
        };
        let looks = &self.context.mesh_looks;
        if kept.is_empty() || !empty {
            looks.forget(&self.run.subject);
            made.kept = kept;
            let is_pruned = !empty && self.drifting.stance.prunes();
            made.look_again = is_pruned.then_some(LOOK_AGAIN);
            return made;
        }
        let generation = i64::try_from(self.inputs.revision.generation).unwrap_or(i64::MAX);
        let first = Timestamp::from_second(generation).unwrap_or(Timestamp::UNIX_EPOCH);
        let since = looks.known_for(&self.run.subject, first);
        let second_look = self.context.config.second_look();
        if since >= second_look {
            looks.forget(&self.run.subject);
            made.is_told = false;
            return made;
        }
        made.kept = kept;
        made.look_again = Some(second_look.saturating_sub(since));
        made
    }

    /// What is said of a mesh whose objects are as wished.
    fn note_of(&self, wished: &Wished, skew: Option<String>) -> Option<Note> {
        if let Some(problem) = &wished.document.problem {
            let message = format!("what was prepared before stays: {}", problem.message);
            return Some(Note {
                hint: Some(problem.hint.clone()),
                ..Note::progressing(&problem.reason, message)
            });
        }
        if wished.document.mode == MeshMode::Istio
            && let Some(why) = readiness::not_running(&self.outcomes)
        {
            return Some(Note::progressing("ControlPlaneNotRunning", why));
        }
        skew.map(|skew| Note {
            status: ConditionStatus::True,
            ..Note::progressing("Ready", skew)
        })
    }

    /// Tells what was read back of the bundle; gives when to look again.
    async fn tell_evidence(&self, wished: &Wished) -> Result<Option<Duration>, Error> {
        let Some(authorities) = &self.context.authorities else {
            return Ok(None);
        };
        let mut bundles = self
            .outcomes
            .iter()
            .filter(|o| o.track == Track::Mesh && Stage::of(&o.place) == Stage::Bundle);
        let bundle = bundles.find(|outcome| outcome.is_ready());
        let live = bundle.and_then(|outcome| outcome.live.as_ref());
        let Some(version) = live.and_then(secret::version_of) else {
            return Ok(None);
        };
        let told = &self.context.told;
        if !told.is_open(&self.inputs.key, &version) {
            return Ok(None);
        }
        let shown = match wished.document.mode {
            MeshMode::Istio => self.shown(&wished.bundle.anchors_pem).await?,
            _ => Shown::ByNobody,
        };
        let whose = (&self.inputs.key, self.run.cloud_uid);
        Ok(told.tell(authorities, whose, version, shown).await)
    }

    async fn shown(&self, anchors: &str) -> Result<Shown, Error> {
        let place = Place {
            resource: Resource::ConfigMap,
            namespace: Some(self.inputs.revision.slice.namespace.to_string()),
            name: readiness::SHOWN_ANCHORS.to_owned(),
        };
        match self.run.calls().get(place).await {
            Ok(Some(map)) if readiness::shows(&map, anchors) => Ok(Shown::Anchors),
            Ok(_) => Ok(Shown::Nothing),
            Err(error) if error.kind == CallErrorKind::Forbidden => Ok(Shown::Nothing),
            Err(error) => Err(error.into()),
        }
    }
}
