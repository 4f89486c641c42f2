//! Removing a slice from a member: bindings first, namespace and anchor last, and absent only after a
//! second empty look, later than any stale run could still write.

use std::collections::BTreeMap;
use std::time::Duration;

use dcm_store::Expect;
use dcm_types::documents::Observed as ObservedState;
use dcm_types::{ConditionStatus, Document as _, Key};
use futures::future::try_join_all;
use serde_json::Value;

use crate::conditions::of_removal;
use crate::context::Context;
use crate::driver::Next;
use crate::error::Error;
use crate::load::Inputs;
use crate::mesh;
use crate::plan::Observed;
use crate::record::Ledger;
use crate::render;
use crate::run::Run;
use dcm_cluster::{Object, Place, Resource};

pub(crate) mod going;
mod look;
pub(crate) mod looks;

use going::Namespace;

/// When to look again at a namespace that is going, should the watch miss its end.
const NAMESPACE_GOING: Duration = Duration::from_secs(5);

/// Removes the slice, and records how far it got.
pub(crate) async fn make(
    context: &Context,
    run: &Run,
    inputs: &Inputs,
    ledger: &mut Ledger,
) -> Result<Next, Error> {
    // Before it begins to look: what is written while it looks would not be seen.
    let emptied_at = ledger.target.emptied_at;
    let waited = emptied_at.map(|at| context.empty_looks.known_for(&run.subject, at));
    let namespace = context.going.look(run, inputs).await?;
    if let Namespace::Going(namespace) = namespace {
        return goes_on(context, run, inputs, ledger, waits_for(&namespace)).await;
    }
    let mesh = mesh::look::at_what_is_left(run, inputs).await?;
    let mesh = mesh::down::ours(&mesh, &run.owner);
    // The anchor is read last.
    let observed = look::at_what_is_left(run, inputs, &namespace).await?;
    let ours = Ours {
        mesh,
        ..Ours::of(&observed, inputs, &run.owner)
    };
    if ours.is_empty() {
        return empty(context, run, inputs, ledger, waited).await;
    }
    context.empty_looks.forget(&run.subject);
    // It answered: what kept us from it before is over.
    ledger.target.last_error = None;
    ledger.begin(context.store.as_ref(), &[], &mut []).await?;
    let anchor = raise_anchor(run, inputs, &ours).await?;
    let waiting = take_down(run, &ours, anchor.as_ref()).await?;
    if ours.namespace.is_some()
        && let Some(message) = waiting
    {
        return goes_on(context, run, inputs, ledger, message).await;
    }
    if waiting.is_none() && matches!(namespace, Namespace::Gone) && ours.nothing_but_the_anchor() {
        // Nothing was left but the anchor, and that was deleted.
        let anchor = run
            .calls()
            .get(render::anchor_place(&inputs.revision))
            .await?;
        if anchor.is_none_or(|anchor| anchor.owner() != run.owner) {
            return empty(context, run, inputs, ledger, None).await;
        }
    }
    let (message, next) = match waiting {
        Some(message) => (message, Next::Done(Some(NAMESPACE_GOING))),
        // Everything was deleted: look whether it is gone.
        None => ("deleted; being checked".to_owned(), Next::Again),
    };
    note_progress(context, run, ledger, &message).await?;
    Ok(next)
}

/// The namespace is all that is waited for.
async fn goes_on(
    context: &Context,
    run: &Run,
    inputs: &Inputs,
    ledger: &mut Ledger,
    message: String,
) -> Result<Next, Error> {
    note_progress(context, run, ledger, &message).await?;
    context
        .going
        .remember(&run.subject, inputs.revision.generation);
    Ok(Next::Done(Some(NAMESPACE_GOING)))
}

async fn note_progress(
    context: &Context,
    run: &Run,
    ledger: &mut Ledger,
    message: &str,
) -> Result<(), Error> {
    let now = context.clock.now();
    let target = &mut ledger.target;
    target.conditions = of_removal(
        ConditionStatus::Progressing,
        "Terminating",
        message,
        &target.conditions,
        now,
    );
    target.objects.clear();
    target.checked_at = Some(now);
    target.last_error = None;
    target.check_at = now.checked_add(NAMESPACE_GOING).ok();
    ledger.write(context.store.as_ref(), &mut [], &[]).await?;
    context.tell(&run.subject, ledger.target.applied_generation);
    Ok(())
}

/// What carries our owner's uid, by its part in the removal.
struct Ours<'a> {
    anchor: Option<&'a Object>,
    namespace: Option<&'a Object>,
    bindings: Vec<&'a Object>,
    accounts: Vec<&'a Object>,
    requests: Vec<&'a Object>,
    /// Roles outside of the namespace; they do not go with it.
    outside: Vec<&'a Object>,
    others: Vec<&'a Object>,
    mesh: BTreeMap<Place, Object>,
}

impl<'a> Ours<'a> {
    fn of(observed: &'a Observed, inputs: &Inputs, owner: &str) -> Self {
        let mut ours = Self {
            anchor: None,
            namespace: None,
            bindings: Vec::new(),
            accounts: Vec::new(),
            requests: Vec::new(),
            outside: Vec::new(),
            others: Vec::new(),
            mesh: BTreeMap::new(),
        };
        for (place, object) in &observed.objects {
            if object.owner() != owner {
                continue;
            }
            match place.resource {
                Resource::ConfigMap => ours.anchor = Some(object),
                Resource::Namespace => ours.namespace = Some(object),
                Resource::RoleBinding | Resource::ClusterRoleBinding => {
                    ours.bindings.push(object);
                }
                Resource::ServiceAccount => ours.accounts.push(object),
                Resource::CertificateSigningRequest => ours.requests.push(object),
                Resource::Role | Resource::ClusterRole
                    if render::is_outside(&inputs.revision, place) =>
                {
                    ours.outside.push(object);
                }
                Resource::ResourceQuota
                | Resource::LimitRange
                | Resource::NetworkPolicy
                | Resource::Role
                | Resource::ClusterRole => ours.others.push(object),
                // Of the mesh only, which is read apart.
                _ => {}
            }
        }
        ours
    }

    fn is_empty(&self) -> bool {
        self.anchor.is_none() && self.nothing_but_the_anchor()
    }

    /// Whether or not the anchor is there.
    fn nothing_but_the_anchor(&self) -> bool {
        self.namespace.is_none()
            && self.bindings.is_empty()
            && self.accounts.is_empty()
            && self.requests.is_empty()
            && self.outside.is_empty()
            && self.others.is_empty()
            && self.mesh.is_empty()
    }
}

/// The terminating generation goes into the anchor before anything is deleted, so that an older run
/// that is still under way is refused. Gives the anchor as it stands then.
async fn raise_anchor(
    run: &Run,
    inputs: &Inputs,
    ours: &Ours<'_>,
) -> Result<Option<Object>, Error> {
    let Some(anchor) = ours.anchor else {
        return Ok(None);
    };
    if render::anchor_generation(anchor) >= inputs.revision.generation || anchor.is_terminating() {
        return Ok(Some(anchor.clone()));
    }
    let wanted = render::anchor(&inputs.revision);
    let raised = run.calls().change(&wanted.object, anchor).await?;
    run.member.learn(&raised);
    Ok(Some(raised))
}

/// Deletes in order of trust; says what is being waited for.
async fn take_down(
    run: &Run,
    ours: &Ours<'_>,
    anchor: Option<&Object>,
) -> Result<Option<String>, Error> {
    let standing = |objects: &[&Object]| -> Vec<Object> {
        objects
            .iter()
            .filter(|o| !o.is_terminating())
            .map(|o| (*o).clone())
            .collect()
    };
    delete_all(run, &standing(&ours.bindings)).await?;
    let mesh_waits = mesh::down::take_down(run, &ours.mesh).await?;
    let mut rest = standing(&ours.requests);
    rest.extend(standing(&ours.outside));
    rest.extend(standing(&ours.accounts));
    match ours.namespace {
        Some(namespace) => rest.extend(standing(&[namespace])),
        // Somebody took our label off the namespace: it is not ours to delete, what is in it is.
        None => rest.extend(standing(&ours.others)),
    }
    delete_all(run, &rest).await?;
    if let Some(namespace) = ours.namespace {
        return Ok(Some(waits_for(namespace)));
    }
    if let Some(message) = mesh_waits.or_else(|| going_outside(ours)) {
        return Ok(Some(message));
    }
    if ours.nothing_but_the_anchor()
        && let Some(anchor) = anchor
    {
        run.delete(anchor).await?;
    }
    Ok(None)
}

/// What was asked to go outside of the namespace already, and is held by somebody's finalizer.
fn going_outside(ours: &Ours<'_>) -> Option<String> {
    let mut all = ours.bindings.iter().chain(&ours.outside);
    let going = all.find(|object| object.is_terminating())?;
    Some(format!(
        "the cluster is deleting {} {}",
        going.kind(),
        going.name()
    ))
}

async fn delete_all(run: &Run, objects: &[Object]) -> Result<(), Error> {
    try_join_all(objects.iter().map(|object| run.delete(object))).await?;
    Ok(())
}

/// What a namespace that is going waits for, in the words of the cluster.
fn waits_for(namespace: &Object) -> String {
    let conditions = namespace.at("/status/conditions").and_then(Value::as_array);
    let reasons: Vec<String> = conditions
        .into_iter()
        .flatten()
        .filter(|condition| condition["status"] == "True")
        .filter_map(|condition| condition["message"].as_str())
        .map(|message| message.chars().take(200).collect())
        .collect();
    if reasons.is_empty() {
        "the cluster is deleting the namespace".to_owned()
    } else {
        format!("the namespace waits: {}", reasons.join("; "))
    }
}

/// Nothing of ours was seen: the first time it is noted, the second time, late enough, it is absent.
async fn empty(
    context: &Context,
    run: &Run,
    inputs: &Inputs,
    ledger: &mut Ledger,
    waited: Option<Duration>,
) -> Result<Next, Error> {
    let now = context.clock.now();
    let store = context.store.as_ref();
    let second_look = context.config.second_look();
    let emptied_at = ledger.target.emptied_at.unwrap_or(now);
    let waited = waited.unwrap_or_else(|| context.empty_looks.known_for(&run.subject, emptied_at));
    if waited >= second_look {
        context.empty_looks.forget(&run.subject);
        return absent(context, run, inputs, ledger).await;
    }
    let wait = second_look.saturating_sub(waited);
    let target = &mut ledger.target;
    target.emptied_at = Some(emptied_at);
    target.observed = ObservedState::Unknown;
    target.objects.clear();
    target.checked_at = Some(now);
    target.last_error = None;
    let message = "nothing is left; looked at once more when no earlier run can write any longer";
    target.conditions = of_removal(
        ConditionStatus::Progressing,
        "Verifying",
        message,
        &target.conditions,
        now,
    );
    target.check_at = now.checked_add(wait).ok();
    ledger.write(store, &mut [], &[]).await?;
    context.tell(&run.subject, ledger.target.applied_generation);
    Ok(Next::Done(Some(wait)))
}

/// The usage of the target; that of a deleted cloud went with it, and a namesake may have its own by now.
fn usage_of(inputs: &Inputs) -> Option<(Key, Expect)> {
    let key = Key::quota_usage(&inputs.key);
    inputs
        .tombstone
        .is_none()
        .then_some((key, Expect::Anything))
}

/// Absent: credentials and reservation go in the same commit.
async fn absent(
    context: &Context,
    run: &Run,
    inputs: &Inputs,
    ledger: &mut Ledger,
) -> Result<Next, Error> {
    let now = context.clock.now();
    let store = context.store.as_ref();
    let accesses = inputs.accesses.iter();
    let gone: Vec<(Key, Expect)> = accesses
        .map(|access| (access.document.key(), Expect::Anything))
        .chain(usage_of(inputs))
        .chain(inputs.release())
        .collect();
    let place = [
        render::anchor_place(&inputs.revision),
        render::namespace_place(&inputs.revision),
    ];
    run.member.unwatch_subject(run.cloud_uid, place.into_iter());
    context.told.forget(&inputs.key);
    let target = &mut ledger.target;
    target.observed = ObservedState::Absent;
    target.applied_generation = Some(inputs.revision.generation);
    target.inventory.clear();
    target.reaches_out = false;
    target.gateway_address = None;
    target.objects.clear();
    target.checked_at = Some(now);
    target.check_at = None;
    target.conditions = of_removal(
        ConditionStatus::True,
        "Absent",
        "nothing is left",
        &target.conditions,
        now,
    );
    if inputs.dropped {
        ledger.remove(store, &gone).await?;
    } else {
        ledger.write(store, &mut [], &gone).await?;
    }
    tracing::info!(member = %run.subject, "nothing is left in the member");
    context.tell(&run.subject, Some(inputs.revision.generation));
    Ok(Next::Done(None))
}
