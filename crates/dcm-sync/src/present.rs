//! Making a slice exist in a member, in order of trust: anchor, namespace, quotas beside isolation,
//! roles and certificate, then bindings, then the kubeconfig.
//!
//! Surplus bindings go first and other surplus last. What is blocked on one track does not hold back
//! the others beyond that order. The mesh comes last, and holds back nothing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use dcm_store::Expect;
use dcm_types::documents::{ObjectState, Observed as ObservedState};
use dcm_types::{Timestamp, Track};
use futures::future::{try_join, try_join_all, try_join3};

use crate::context::Context;
use crate::credentials::{self, Credential, CredentialState, is_for_another_key};
use crate::drift::Stance;
use crate::driver::Next;
use crate::error::Error;
use crate::load::Inputs;
use crate::mesh::{self, look::Part};
use crate::plan::{Observed, Step, step, surplus};
use crate::record::{Ledger, fingerprint};
use crate::render::{self, Wanted};
use crate::run::{Outcome, Run};
use dcm_cluster::{CallErrorKind, Object, Place, Resource};
use drifting::Drifting;
use of_mesh::Made;

mod certificate;
mod drifting;
mod of_mesh;
mod outside;
mod settle;
mod token;

/// Shortest time between two renewals.
const RENEWAL_PAUSE: Duration = Duration::from_mins(1);

/// Work on one slice.
pub(crate) struct Present<'a> {
    pub(crate) context: &'a Context,
    pub(crate) run: &'a Run,
    pub(crate) inputs: &'a Inputs,
    pub(crate) observed: Observed,
    pub(crate) credentials: Vec<Credential>,
    pub(crate) outcomes: Vec<Outcome>,
    drifting: Drifting,
    /// Something that was read a moment ago was said to be gone when it was to be deleted: who says so may be
    /// wrong, and nothing else would look for it soon.
    must_look_again: bool,
    /// The mesh, where one is wished or may be left.
    mesh: Option<Arc<Part>>,
}

/// Makes the slice exist, and records what came of it.
pub(crate) async fn make(
    context: &Context,
    run: &Run,
    inputs: &Inputs,
    ledger: &mut Ledger,
) -> Result<Next, Error> {
    let inside = async {
        if inputs.is_fresh() {
            return Ok(Observed::default());
        }
        Ok(run.observe(inputs).await?)
    };
    let looks = try_join3(
        inside,
        outside::look(run, inputs),
        mesh::look::look(run, inputs),
    );
    let (mut observed, outside, mesh) = looks.await?;
    let mut wanted = render::slice(&inputs.revision);
    let held = outside.hold_back(inputs, &mut wanted);
    if inputs.revision.slice.is_privileged() && outside.is_readable() {
        run.member.ensure_watching_outside(&context.config);
    }
    observed.objects.extend(outside.observed.objects);
    let is_outside = |wanted: &Wanted| render::is_outside(&inputs.revision, &wanted.place);
    let reaches_out = wanted.iter().any(is_outside);
    if let Some(mesh) = &mesh {
        wanted.extend(
            mesh.wished()
                .into_iter()
                .flat_map(|wished| wished.wanted.clone()),
        );
        observed.objects.extend(mesh.observed.objects.clone());
    }
    let credentials = load_credentials(context, run, inputs, &observed)?;
    let mut present = Present {
        context,
        run,
        inputs,
        observed,
        credentials,
        outcomes: held,
        drifting: Drifting::with(Stance::of(inputs)),
        must_look_again: false,
        mesh: mesh.map(Arc::new),
    };
    present.judge_drift(&wanted, &ledger.target);
    present.judge_surplus(&wanted, &ledger.target);
    let changes = present.mutates(&wanted)
        || ledger.target.applied_generation != Some(inputs.revision.generation);
    // An anchor that is made or changed is guarded by itself.
    let keeps_anchor = |wanted: &Wanted| {
        wanted.track == Track::Member && matches!(present.step(wanted), Step::Keep(_))
    };
    if changes && wanted.iter().any(keeps_anchor) {
        run.refuse_if_overtaken(&inputs.revision).await?;
    }
    if changes {
        ledger.target.reaches_out |= reaches_out;
        ledger
            .begin(context.store.as_ref(), &wanted, &mut present.credentials)
            .await?;
    }
    let trusted = present.apply(&wanted).await?;
    // Last, and whatever becomes of it: the other tracks are recorded.
    let (mesh, failure) = present.make_mesh(&wanted, &ledger.target, trusted).await;
    present.note_corrections();
    present.tell_contested_surplus();
    present.report_surplus(&wanted, &ledger.target);
    let next = present.record(&wanted, mesh, ledger).await?;
    failure.map_or(Ok(next), Err)
}

/// The credential of each user, with a new request where one is due.
fn load_credentials(
    context: &Context,
    run: &Run,
    inputs: &Inputs,
    observed: &Observed,
) -> Result<Vec<Credential>, Error> {
    let now = context.clock.now();
    let mut credentials = Vec::new();
    for user in &inputs.revision.slice.users {
        let stored = inputs
            .accesses
            .iter()
            .find(|access| access.document.user == user.name)
            .map(|access| (access.document.clone(), access.version.number));
        let randomness = context.randomness.as_ref();
        let mut credential =
            Credential::load(&inputs.key, run.cloud_uid, user, stored, randomness, now);
        let given = inputs.requests.get(&user.name).map(String::as_str);
        credential.follow(given);
        if needs_request(&credential, given, observed, now) {
            if credential.keeps_key() && given.is_none() {
                credential.wait_for_request();
            } else {
                credential.prepare(now, given, &context.vault, randomness)?;
            }
        }
        credentials.push(credential);
    }
    Ok(credentials)
}

/// Whether a certificate must be asked for: one is due, or the member has forgotten the request. Until then
/// a request that is not there may be one whose POST was lost: it is sent again as it is.
fn needs_request(
    credential: &Credential,
    given: Option<&str>,
    observed: &Observed,
    now: Timestamp,
) -> bool {
    if credential.account().is_some() {
        return false;
    }
    match &credential.access.pending {
        None => {
            credentials::is_due(&credential.access, now)
                || given.is_some_and(|given| is_for_another_key(&credential.access, given))
        }
        Some(pending) => {
            credential.is_outlived(now)
                && !observed.objects.contains_key(&certificate::place(pending))
        }
    }
}

/// Looks again at the latest after so long.
fn sooner(next: Next, after: Option<Duration>) -> Next {
    match (next, after) {
        (Next::Done(first), Some(after)) => {
            Next::Done(Some(first.map_or(after, |first| first.min(after))))
        }
        (next, _) => next,
    }
}

fn opens(object: &Object) -> bool {
    Resource::of_kind(object.kind())
        .is_some_and(|kind| kind.is_binding() || kind == Resource::ServiceAccount)
}

impl Present<'_> {
    /// What stands in a place, as far as this look can tell. Its reads are made beside each other: what was listed
    /// in a namespace that was gone when it was read went with it.
    fn live(&self, place: &Place) -> Option<&Object> {
        let own = render::namespace_place(&self.inputs.revision);
        let is_inside = place.namespace.as_ref() == Some(&own.name);
        if is_inside && !self.observed.objects.contains_key(&own) {
            return None;
        }
        self.observed.objects.get(place)
    }

    fn step(&self, wanted: &Wanted) -> Step {
        let step = step(wanted, self.live(&wanted.place), &self.run.owner);
        match self.drifting.held.get(&wanted.place) {
            Some(outcome) if step.mutates() => Step::Hold(Box::new(outcome.clone())),
            _ => step,
        }
    }

    /// Bindings and accounts open something; the others do not.
    fn surplus(&self, wanted: &[Wanted], bindings: bool) -> Vec<Object> {
        surplus(wanted, &self.observed, &self.run.owner)
            .into_iter()
            // Requests end by themselves: the cluster collects them.
            .filter(|object| object.kind() != Resource::CertificateSigningRequest.kind())
            .filter(|object| {
                !object
                    .place()
                    .is_some_and(|place| self.inputs.is_of_mesh(&place))
            })
            .filter(|object| !self.is_contested(object))
            .filter(|object| opens(object) == bindings)
            .collect()
    }

    fn is_contested(&self, object: &Object) -> bool {
        let place = object.place();
        place.is_some_and(|place| self.drifting.left.contains_key(&place))
    }

    /// Whether this run will change anything in the member.
    fn mutates(&self, wanted: &[Wanted]) -> bool {
        wanted.iter().any(|wanted| self.step(wanted).mutates())
            || self.credentials.iter().any(|credential| {
                credential.access.pending.is_some() || self.needs_token(credential)
            })
            || (self.drifting.stance.prunes()
                && !(self.surplus(wanted, true).is_empty()
                    && self.surplus(wanted, false).is_empty()
                    && self.surplus_of_mesh(wanted).is_empty()))
    }

    fn needs_token(&self, credential: &Credential) -> bool {
        let Some(name) = credential.account() else {
            return false;
        };
        let account = self.observed.objects.get(&render::account_place(name));
        let uid = account.map_or("", Object::uid);
        credential.needs_token(uid, self.context.clock.now())
    }

    /// Everything but the mesh; says whether what trusts the namespace could follow.
    async fn apply(&mut self, wanted: &[Wanted]) -> Result<bool, Error> {
        let mut events = self.run.member.subscribe();
        let of = |track: Track| wanted.iter().filter(move |wanted| wanted.track == track);
        let is_binding = |wanted: &&Wanted| wanted.place.resource.is_binding();
        let not_of_mesh = |wanted: &&Wanted| wanted.track != Track::Mesh;
        let bindings = wanted.iter().filter(not_of_mesh).filter(is_binding);
        let bindings: Vec<&Wanted> = bindings.collect();

        let trusted = self.apply_anchor(of(Track::Member)).await?;
        if trusted {
            self.prune(self.surplus(wanted, true)).await?;
        }
        let trusted = trusted && self.apply_all(of(Track::Namespace)).await?;
        let middle: Vec<&Wanted> = wanted
            .iter()
            .filter(not_of_mesh)
            .filter(|wanted| !matches!(wanted.track, Track::Member | Track::Namespace))
            .filter(|wanted| !is_binding(wanted))
            .collect();
        if !trusted {
            let held = middle.into_iter().chain(bindings);
            self.outcomes.extend(
                held.map(|wanted| Outcome::of(wanted, ObjectState::Pending, "WaitsForNamespace")),
            );
            return Ok(false);
        }
        self.apply_middle(&middle).await?;
        self.obtain_tokens().await?;
        self.settle(&mut events).await?;
        self.apply_bindings(&bindings).await?;
        self.prune(self.surplus(wanted, false)).await?;
        Ok(true)
    }

    /// The anchor orders the runs: a member that is ahead of the store is left alone.
    async fn apply_anchor(&mut self, anchor: impl Iterator<Item = &Wanted>) -> Result<bool, Error> {
        for wanted in anchor {
            let step = self.step(wanted);
            self.refuse_to_go_back(self.observed.objects.get(&wanted.place))?;
            let mut outcome = self.run.ensure(wanted, step.clone()).await?;
            if step == Step::Create && outcome.reason == "NotFound" {
                self.ensure_system_namespace().await?;
                outcome = self.run.ensure(wanted, step).await?;
            }
            self.refuse_to_go_back(outcome.live.as_ref())?;
            let ready = outcome.is_ready();
            self.outcomes.push(outcome);
            if !ready {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn refuse_to_go_back(&self, anchor: Option<&Object>) -> Result<(), Error> {
        let wanted = self.inputs.revision.generation;
        let member = anchor
            .filter(|anchor| anchor.owner() == self.run.owner)
            .map_or(0, render::anchor_generation);
        if member > wanted {
            Err(Error::Ahead { member, wanted })
        } else {
            Ok(())
        }
    }

    async fn ensure_system_namespace(&self) -> Result<(), Error> {
        match self.run.calls().create(&render::system_namespace()).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind == CallErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Applies objects beside each other; says whether what trusts them may follow.
    async fn apply_all(&mut self, wanted: impl Iterator<Item = &Wanted>) -> Result<bool, Error> {
        let made =
            try_join_all(wanted.map(|wanted| self.run.ensure(wanted, self.step(wanted)))).await?;
        let there = made.iter().all(Outcome::is_there);
        self.outcomes.extend(made);
        Ok(there)
    }

    /// Quotas, isolation and roles beside the certificate request.
    async fn apply_middle(&mut self, wanted: &[&Wanted]) -> Result<(), Error> {
        let mut credentials = std::mem::take(&mut self.credentials);
        let this = &*self;
        let objects = try_join_all(
            wanted
                .iter()
                .map(|wanted| this.run.ensure(wanted, this.step(wanted))),
        );
        let requests = try_join_all(
            credentials
                .iter_mut()
                .map(|credential| certificate::obtain(this, credential)),
        );
        let result = try_join(async { objects.await.map_err(Error::from) }, requests).await;
        self.credentials = credentials;
        let (made, _) = result?;
        self.outcomes
            .extend(made.into_iter().map(settle::quota_outcome));
        Ok(())
    }

    /// Tokens, once their accounts are there.
    async fn obtain_tokens(&mut self) -> Result<(), Error> {
        let mut credentials = std::mem::take(&mut self.credentials);
        let this = &*self;
        let tokens = credentials
            .iter_mut()
            .map(|credential| token::obtain(this, credential));
        let result = try_join_all(tokens).await;
        self.credentials = credentials;
        result.map(drop)
    }

    /// Bindings, where quotas are in force, the binding's role is there and its user has a credential.
    /// Those that are there as wished stay.
    async fn apply_bindings(&mut self, bindings: &[&Wanted]) -> Result<(), Error> {
        let this = &*self;
        let quota_in_force = this.quota_in_force();
        let made = try_join_all(bindings.iter().map(|wanted| {
            let planned = this.step(wanted);
            let waits = if matches!(planned, Step::Keep(_) | Step::Hold(_)) {
                None
            } else if !quota_in_force {
                Some("WaitsForQuota")
            } else if !this.is_ready(&render::role_of(&wanted.object)) {
                Some("WaitsForRoles")
            } else if !this.has_credential(render::binding_user(&wanted.object)) {
                Some("WaitsForCertificate")
            } else {
                None
            };
            async move {
                match waits {
                    Some(reason) => Ok(Outcome::of(wanted, ObjectState::Pending, reason)),
                    None => this.run.ensure(wanted, planned).await,
                }
            }
        }))
        .await?;
        self.outcomes.extend(made);
        Ok(())
    }

    fn quota_in_force(&self) -> bool {
        let mut quotas = self.outcomes.iter().filter(|o| o.track == Track::Quota);
        quotas.all(Outcome::is_ready)
    }

    fn is_ready(&self, place: &Place) -> bool {
        let outcome = self.outcomes.iter().find(|o| &o.place == place);
        outcome.is_some_and(Outcome::is_ready)
    }

    fn has_credential(&self, user: &str) -> bool {
        self.credentials.iter().any(|credential| {
            credential.access.user.as_str() == user && credential.access.current.is_some()
        })
    }

    async fn prune(&mut self, surplus: Vec<Object>) -> Result<(), Error> {
        if !self.drifting.stance.prunes() {
            return Ok(());
        }
        for object in &surplus {
            tracing::info!(member = %self.run.subject, object = object.name(), kind = object.kind(), "not wanted any more; deleted");
        }
        let deleted = try_join_all(surplus.iter().map(|object| self.run.delete(object))).await?;
        self.must_look_again |= deleted.contains(&false);
        Ok(())
    }

    /// Records what was read back; `Known` only when all of it is as wished and in force.
    async fn record(
        mut self,
        wanted: &[Wanted],
        mesh: Option<Made>,
        ledger: &mut Ledger,
    ) -> Result<Next, Error> {
        let now = self.context.clock.now();
        let complete = !self.must_look_again
            && mesh.as_ref().is_none_or(|mesh| mesh.is_settled)
            && self.outcomes.iter().all(Outcome::is_ready)
            && crate::conditions::all_current(&self.inputs.revision.slice.users, &self.credentials);
        self.mark_usable(wanted);
        let target = &mut ledger.target;
        let earlier = &target.conditions;
        let mut conditions =
            crate::conditions::of_run(&self.outcomes, &self.credentials, earlier, now);
        if let Some(mesh) = mesh.as_ref().filter(|mesh| mesh.is_told) {
            let note = mesh.note.as_ref();
            let told = crate::conditions::of_mesh(&self.outcomes, note, now);
            conditions.push(told.merged(earlier));
        }
        target.conditions = conditions;
        // While nothing was read of it, it stays what it was.
        if mesh.as_ref().is_none_or(|mesh| mesh.is_read) {
            target.gateway_address = mesh::readiness::gateway_address(&self.outcomes);
        }
        target.objects = crate::conditions::objects(&self.outcomes, now);
        target.checked_at = Some(now);
        target.last_error = None;
        if complete {
            target.applied_generation = Some(self.inputs.revision.generation);
            target.observed = ObservedState::Known {
                generation: self.inputs.revision.generation,
                fingerprint: fingerprint(wanted, &self.credentials),
            };
            let kept = mesh.as_ref().map(|mesh| mesh.kept.clone());
            target.inventory = wanted
                .iter()
                .map(|wanted| wanted.place.identity())
                .chain(kept.into_iter().flatten())
                .collect();
        }
        let look_again = mesh.and_then(|mesh| mesh.look_again);
        let next = sooner(self.next(complete), look_again);
        target.check_at = match next {
            Next::Done(Some(after)) => now.checked_add(after).ok(),
            Next::Done(None) | Next::Again | Next::Waiting | Next::Failed(_) => None,
        };
        let gone = self.surplus_accesses();
        ledger
            .write(self.context.store.as_ref(), &mut self.credentials, &gone)
            .await?;
        self.context
            .tell(&self.run.subject, ledger.target.applied_generation);
        Ok(next)
    }

    /// A kubeconfig is handed out once the quotas are in force and the bindings of its user, with their
    /// roles, were read back. What another user waits for does not hold it up.
    fn mark_usable(&mut self, wanted: &[Wanted]) {
        if !self.quota_in_force() {
            return;
        }
        let unready: BTreeSet<String> = wanted
            .iter()
            .filter(|wanted| wanted.place.resource.is_binding() && wanted.track != Track::Mesh)
            .filter(|wanted| {
                let role = render::role_of(&wanted.object);
                !(self.is_ready(&wanted.place) && self.is_ready(&role))
            })
            .map(|wanted| render::binding_user(&wanted.object).to_owned())
            .collect();
        for credential in &mut self.credentials {
            if let Some(current) = &mut credential.access.current
                && !current.usable
                && !unready.contains(credential.access.user.as_str())
            {
                current.usable = true;
                credential.dirty = true;
            }
        }
    }

    /// Access documents of users that the revision does not have any more.
    fn surplus_accesses(&self) -> Vec<(dcm_types::Key, Expect)> {
        use dcm_types::Document as _;
        let users = &self.inputs.revision.slice.users;
        self.inputs
            .accesses
            .iter()
            .filter(|access| !users.iter().any(|user| user.name == access.document.user))
            .map(|access| (access.document.key(), Expect::Anything))
            .collect()
    }

    fn next(&self, complete: bool) -> Next {
        let replaced = self
            .outcomes
            .iter()
            .any(|o| matches!(o.reason, "Replaced" | "Vanished" | "Appeared"));
        let planted = self
            .credentials
            .iter()
            .any(|credential| credential.state == CredentialState::Waiting("RequestReplaced"));
        if replaced || planted {
            return Next::Again;
        }
        let now = self.context.clock.now();
        if let Some(until) = self.drifting.until() {
            // A moment later, so that it surely may.
            let left: Duration = until.duration_since(now).try_into().unwrap_or_default();
            return Next::Done(Some(left + Duration::from_millis(100)));
        }
        let pending = self.credentials.iter().any(|credential| {
            // A token that is due was refused: it is asked for again later.
            credential.access.pending.is_some() || credential.hindrance.is_some()
        });
        if !complete || pending {
            return Next::Waiting;
        }
        let renewal = self
            .credentials
            .iter()
            .filter_map(|credential| credential.access.current.as_ref())
            .map(|current| credentials::renewal_at(current.not_before, current.not_after))
            .min();
        // A renewal that is due already has its request pending, or is made by the next run. That is not
        // at once: where clocks differ, what was just issued may be due again.
        Next::Done(renewal.map(|at| {
            let left: Duration = at.duration_since(now).try_into().unwrap_or_default();
            left.max(RENEWAL_PAUSE)
        }))
    }
}
