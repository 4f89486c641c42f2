//! Drift: what others changed of what was applied. Whether it is corrected is the cloud's policy; how often,
//! where somebody changes it back each time, is the loop breaker's ([`fight`]).
//!
//! It is drift only once the wanted generation was applied completely: until then everything that differs is
//! still to be made.

pub(crate) mod fight;

use dcm_types::documents::{
    Access, Drift, DriftPolicy, DriftedField, ObjectState, ObjectStatus, RevisionUser, Target, Wish,
};
use dcm_types::{Timestamp, Track};

use crate::credentials::{self, is_for_another_key, printable};
use crate::driver::Next;
use crate::load::Inputs;
use crate::plan::differences;
use crate::render::Wanted;
use crate::run::Outcome;
use dcm_cluster::{Object, Resource};

/// Reason of an object that differs and is only told of.
pub(crate) const DRIFTED: &str = "Drifted";
/// Reason of an object that is not compared.
const NOT_COMPARED: &str = "NotCompared";
/// Names of managers that are told for one field.
const MANAGERS: usize = 4;

/// What a run does about an object that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stance {
    /// The generation is still being applied.
    Apply,
    /// It is drift, and changed back.
    Correct,
    /// It is drift, and told.
    Report,
    /// It is drift, and not looked at.
    Ignore,
}

impl Stance {
    pub(crate) fn of(inputs: &Inputs) -> Self {
        let target = inputs.target.as_ref().map(|target| &target.document);
        let applied = target.and_then(|target| target.applied_generation);
        if applied != Some(inputs.revision.generation) {
            return Self::Apply;
        }
        match inputs.revision.slice.drift {
            DriftPolicy::Correct => Self::Correct,
            DriftPolicy::Report => Self::Report,
            DriftPolicy::Off => Self::Ignore,
        }
    }

    /// Whether surplus goes.
    pub(crate) fn prunes(self) -> bool {
        matches!(self, Self::Apply | Self::Correct)
    }
}

/// How an object differs. Since when is carried over while it is the same that differs.
pub(crate) fn drift_of(
    wanted: &Wanted,
    live: Option<&Object>,
    earlier: Option<&Target>,
    now: Timestamp,
) -> Drift {
    let fields = match live {
        None => vec![DriftedField {
            field: String::new(),
            managers: Vec::new(),
        }],
        Some(live) => differences(&wanted.object, live)
            .into_iter()
            .map(|path| DriftedField {
                managers: managers(live, &path),
                field: printable(&path.join(".")),
            })
            .collect(),
    };
    let identity = wanted.place.identity();
    let known = earlier.into_iter().flat_map(|target| &target.objects);
    let same = |status: &&ObjectStatus| status.object == identity;
    let known = known
        .filter(same)
        .find_map(|status| status.drift.as_ref())
        .filter(|drift| {
            drift
                .fields
                .iter()
                .map(|f| &f.field)
                .eq(fields.iter().map(|f| &f.field))
        });
    Drift {
        since: known.map_or(now, |drift| drift.since),
        fields,
    }
}

/// Who wrote a field, as the cluster tells.
fn managers(live: &Object, path: &[String]) -> Vec<String> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let mut managers: Vec<String> = live.other_managers(&path).map(printable).collect();
    managers.sort();
    managers.dedup();
    managers.truncate(MANAGERS);
    managers
}

/// What is said of an object that differs and stays so.
pub(crate) fn held(
    wanted: &Wanted,
    live: Option<&Object>,
    stance: Stance,
    drift: Drift,
) -> Outcome {
    let outcome = if stance == Stance::Ignore {
        Outcome::of(wanted, ObjectState::Ready, NOT_COMPARED)
    } else {
        let kind = wanted.place.resource.kind();
        let told = format!("{kind} {} {}", wanted.place.name, told(&drift));
        let blocked = Outcome::of(wanted, ObjectState::Blocked, DRIFTED).says(told);
        Outcome {
            drift: Some(drift),
            ..blocked
        }
    };
    Outcome {
        live: live.cloned(),
        ..outcome
    }
}

/// What differs, and through whom.
pub(crate) fn told(drift: &Drift) -> String {
    let missing = |drifted: &DriftedField| drifted.field.is_empty();
    if drift.fields.iter().any(missing) {
        return "was deleted in the cluster".to_owned();
    }
    let fields: Vec<&str> = drift.fields.iter().map(|f| f.field.as_str()).collect();
    let by = rivals(drift);
    let by = if by.is_empty() {
        String::new()
    } else {
        format!(" by {}", by.join(", "))
    };
    format!("was changed in the cluster{by}: {}", fields.join(", "))
}

/// Everybody who wrote something that differs, each once.
pub(crate) fn rivals(drift: &Drift) -> Vec<&str> {
    let managers = drift.fields.iter().flat_map(|field| &field.managers);
    let mut names: Vec<&str> = managers.map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The track that an object belongs to.
fn track_of(resource: Resource) -> Track {
    match resource {
        Resource::ResourceQuota | Resource::LimitRange => Track::Quota,
        Resource::NetworkPolicy => Track::Isolation,
        Resource::Namespace => Track::Namespace,
        Resource::ConfigMap => Track::Member,
        _ => Track::Access,
    }
}

/// The outcome of an object of ours that nobody wishes and that stays.
pub(crate) fn unwished(
    object: &Object,
    track: Option<Track>,
    earlier: &Target,
    now: Timestamp,
) -> Option<Outcome> {
    let place = object.place()?;
    let wanted = Wanted {
        track: track.unwrap_or_else(|| track_of(place.resource)),
        object: object.clone(),
        place,
    };
    let mut drift = drift_of(&wanted, None, Some(earlier), now);
    for field in &mut drift.fields {
        field.managers = managers(object, &["metadata".to_owned(), "labels".to_owned()]);
    }
    let message = format!(
        "{} {} has the label of this logical cloud and is not wished",
        object.kind(),
        object.name()
    );
    let blocked = Outcome::of(&wanted, ObjectState::Blocked, DRIFTED).says(message);
    Some(Outcome {
        drift: Some(drift),
        live: Some(object.clone()),
        ..blocked
    })
}

/// Whether nothing at all needs to be done in a member whose drift is not looked at, and until when: no
/// credential is missing, due, on its way or for another key.
pub(crate) fn rest(inputs: &Inputs, now: Timestamp) -> Option<Next> {
    let target = inputs.target.as_ref().map(|target| &target.document);
    let failed = target.is_none_or(|target| target.last_error.is_some());
    // Bundles are renewed whatever others change.
    if inputs.revision.slice.mesh.is_some() || inputs.may_have_mesh().is_some() {
        return None;
    }
    if inputs.wish != Wish::Present || Stance::of(inputs) != Stance::Ignore || failed {
        return None;
    }
    let users = inputs.revision.slice.users.iter();
    let ends: Vec<Timestamp> = users
        .map(|user| user_rests(inputs, user, now))
        .collect::<Option<_>>()?;
    let first = ends.into_iter().min();
    Some(Next::Done(first.map(|at| {
        at.duration_since(now).try_into().unwrap_or_default()
    })))
}

fn user_rests(inputs: &Inputs, user: &RevisionUser, now: Timestamp) -> Option<Timestamp> {
    let is_theirs = |access: &&Access| {
        access.user == user.name
            && access.identity == user.identity
            && access.credential == user.credential
            && access.cloud_uid == inputs.revision.cloud_uid
    };
    let mut accesses = inputs.accesses.iter().map(|access| &access.document);
    let access = accesses.find(is_theirs)?;
    let current = access.current.as_ref()?;
    let given = inputs.requests.get(&user.name);
    let is_replaced = given.is_some_and(|given| is_for_another_key(access, given));
    let at = credentials::renewal_at(current.not_before, current.not_after);
    let rests = access.pending.is_none() && current.usable && !is_replaced && now < at;
    rests.then_some(at)
}
