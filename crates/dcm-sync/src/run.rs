//! One run against one member: its calls, what came of each object, and what it read.

use std::sync::Arc;

use dcm_types::documents::{Drift, ObjectState, Revision};
use dcm_types::member_name::{OWNER_LABEL, SYSTEM_NAMESPACE};
use dcm_types::{Track, Uid};
use futures::future::{try_join, try_join_all, try_join3};
use tokio::time::Instant;

use crate::driver::Priority;
use crate::error::Error;
use crate::load::Inputs;
use crate::member::Member;
use crate::member::limits::Limited;
use crate::member::watching::Working;
use crate::plan::{Observed, Step, step};
use crate::render::{self, Wanted};
use crate::subject::Subject;
use dcm_cluster::call::Calls;
use dcm_cluster::{CallError, CallErrorKind, Object, Place, Resource};

/// What came of one object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) place: Place,
    pub(crate) track: Track,
    pub(crate) state: ObjectState,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    /// As read back.
    pub(crate) live: Option<Object>,
    /// How it differs, while that stays.
    pub(crate) drift: Option<Drift>,
}

impl Outcome {
    pub(crate) fn of(wanted: &Wanted, state: ObjectState, reason: &'static str) -> Self {
        Self {
            place: wanted.place.clone(),
            track: wanted.track,
            state,
            reason,
            message: String::new(),
            live: None,
            drift: None,
        }
    }

    pub(crate) fn says(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    pub(crate) fn ready(wanted: &Wanted, live: Object) -> Self {
        Self {
            live: Some(live),
            ..Self::of(wanted, ObjectState::Ready, "Ready")
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.state == ObjectState::Ready
    }

    /// Whether what follows in the order of trust may go on: also while drift of what is there stays.
    pub(crate) fn is_there(&self) -> bool {
        self.is_ready() || (self.drift.is_some() && self.live.is_some())
    }
}

/// One run. Its calls end with its deadline.
pub(crate) struct Run {
    pub(crate) subject: Subject,
    pub(crate) cloud_uid: Uid,
    /// The owner's uid as label value.
    pub(crate) owner: String,
    pub(crate) member: Arc<Member>,
    api: Limited,
    _working: Working,
}

/// Resources listed in the namespace of a cloud.
pub(crate) const IN_NAMESPACE: [Resource; 5] = [
    Resource::ResourceQuota,
    Resource::LimitRange,
    Resource::NetworkPolicy,
    Resource::Role,
    Resource::RoleBinding,
];

/// Resources listed in the whole cluster when permissions reach, or reached, out of the namespace.
const EVERYWHERE: [Resource; 4] = [
    Resource::ClusterRoleBinding,
    Resource::RoleBinding,
    Resource::ClusterRole,
    Resource::Role,
];

impl Run {
    pub(crate) fn new(
        subject: Subject,
        cloud_uid: Uid,
        member: Arc<Member>,
        priority: Priority,
        deadline: Instant,
    ) -> Self {
        let api = Limited {
            inner: Arc::clone(&member.api),
            limits: Arc::clone(&member.limits),
            deadline,
            housekeeping: priority == Priority::Housekeeping,
        };
        Self {
            _working: member.work_on(&subject),
            subject,
            cloud_uid,
            owner: cloud_uid.to_string(),
            member,
            api,
        }
    }

    pub(crate) fn calls(&self) -> Calls<'_> {
        Calls(&self.api)
    }

    /// Reads everything of ours: by label, and by name where something foreign may stand.
    pub(crate) async fn observe(&self, inputs: &Inputs) -> Result<Observed, CallError> {
        let revision = &inputs.revision;
        let calls = self.calls();
        let by_name = try_join_all(
            [
                render::anchor_place(revision),
                render::namespace_place(revision),
            ]
            .map(|place| calls.get(place)),
        );
        let in_namespace = self.list_in_namespace(revision, &IN_NAMESPACE);
        let apart = self.list_apart(inputs);
        let (by_name, in_namespace, apart) = try_join3(by_name, in_namespace, apart).await?;
        let by_name = by_name.into_iter().flatten();
        Ok(self.take_in(by_name.chain(in_namespace).chain(apart)))
    }

    /// Reads what is ours of roles and bindings, in whatever namespace and in none, by label.
    pub(crate) async fn observe_outside(&self) -> Result<Observed, CallError> {
        let lists = EVERYWHERE.map(|resource| self.list(resource, None));
        let listed = try_join_all(lists).await?;
        Ok(self.take_in(listed.into_iter().flatten()))
    }

    /// Remembers what was read as seen.
    pub(crate) fn take_in(&self, objects: impl IntoIterator<Item = Object>) -> Observed {
        let mut observed = Observed::default();
        for object in objects {
            self.member.learn(&object);
            if let Some(place) = object.place() {
                observed.objects.insert(place, object);
            }
        }
        observed
    }

    async fn list(
        &self,
        resource: Resource,
        namespace: Option<&str>,
    ) -> Result<Vec<Object>, CallError> {
        let selector = format!("{OWNER_LABEL}={}", self.owner);
        Ok(self.calls().list(resource, namespace, &selector).await?.0)
    }

    /// What is ours of these resources in the namespace of the cloud.
    pub(crate) async fn list_in_namespace(
        &self,
        revision: &Revision,
        resources: &[Resource],
    ) -> Result<Vec<Object>, CallError> {
        let namespace = Some(revision.slice.namespace.as_str());
        let lists = resources.iter().map(|one| self.list(*one, namespace));
        Ok(try_join_all(lists).await?.into_iter().flatten().collect())
    }

    /// What every cloud may have beside its namespace: requests, and service accounts, if there can be any (a
    /// credential that may not read them does for the others).
    pub(crate) async fn list_apart(&self, inputs: &Inputs) -> Result<Vec<Object>, CallError> {
        let requests = self.list(Resource::CertificateSigningRequest, None);
        if !inputs.may_have_accounts() {
            return requests.await;
        }
        let accounts = self.list(Resource::ServiceAccount, Some(SYSTEM_NAMESPACE));
        let (mut requests, accounts) = try_join(requests, accounts).await?;
        requests.extend(accounts);
        Ok(requests)
    }

    /// Makes one object be as wished. An error is one that ends the run; what concerns the object only
    /// is an outcome.
    pub(crate) async fn ensure(
        &self,
        wanted: &Wanted,
        planned: Step,
    ) -> Result<Outcome, CallError> {
        let result = match planned {
            Step::Create => match self.calls().create(&wanted.object).await {
                Err(error) if error.kind == CallErrorKind::AlreadyExists => {
                    return self.ensure_existing(wanted).await;
                }
                other => other,
            },
            other => return self.ensure_planned(wanted, other).await,
        };
        self.outcome(wanted, result)
    }

    /// Something of this name appeared between the read and the POST: read it, and never adopt it.
    async fn ensure_existing(&self, wanted: &Wanted) -> Result<Outcome, CallError> {
        let live = self.calls().get(wanted.place.clone()).await?;
        match step(wanted, live.as_ref(), &self.owner) {
            Step::Create => Ok(Outcome::of(wanted, ObjectState::Progressing, "Vanished")
                .says("it existed and is gone again; tried again")),
            // It is ours, of another run, maybe of a newer wish: only a run that read it before the anchor
            // may change it.
            Step::Change(_) | Step::Replace(_) => {
                Ok(Outcome::of(wanted, ObjectState::Progressing, "Appeared")
                    .says("another run made it meanwhile; tried again"))
            }
            other => self.ensure_planned(wanted, other).await,
        }
    }

    /// Reads the anchor, after everything else was read, and refuses when it is ahead: what was read may be of
    /// a newer generation than an anchor that was read beside it. Gives the anchor, if it is ours.
    pub(crate) async fn refuse_if_overtaken(
        &self,
        revision: &Revision,
    ) -> Result<Option<Object>, Error> {
        let anchor = self.calls().get(render::anchor_place(revision)).await?;
        let anchor = anchor.filter(|anchor| anchor.owner() == self.owner);
        let member = anchor.as_ref().map_or(0, render::anchor_generation);
        let wanted = revision.generation;
        if member > wanted {
            return Err(Error::Ahead { member, wanted });
        }
        Ok(anchor)
    }

    async fn ensure_planned(&self, wanted: &Wanted, planned: Step) -> Result<Outcome, CallError> {
        match planned {
            Step::Create => Ok(Outcome::of(wanted, ObjectState::Pending, "Pending")),
            Step::Keep(live) => {
                self.member.learn(&live);
                Ok(Outcome::ready(wanted, live))
            }
            Step::Change(live) => {
                tracing::info!(member = %self.subject, object = wanted.place.name, kind = wanted.place.resource.kind(), "differs from the wish; changed");
                let result = self.calls().change(&wanted.object, &live).await;
                self.outcome(wanted, result)
            }
            Step::Replace(live) => {
                let result = self.delete(&live).await;
                match result {
                    Ok(_) => Ok(Outcome::of(wanted, ObjectState::Progressing, "Replaced")),
                    Err(error) => self.outcome(wanted, Err(error)),
                }
            }
            Step::Hold(outcome) => Ok(*outcome),
            Step::Terminating => Ok(Outcome::of(wanted, ObjectState::Progressing, "Terminating")
                .says("an earlier one is still being deleted")),
            Step::Foreign => Ok(Outcome::of(wanted, ObjectState::Blocked, "Conflict").says(
                format!(
                    "{} {} exists in the cluster and does not belong to this logical cloud",
                    wanted.place.resource.kind(),
                    wanted.place.name
                ),
            )),
        }
    }

    /// Deletes what was read, if it is still that. Says whether it was still there.
    pub(crate) async fn delete(&self, live: &Object) -> Result<bool, CallError> {
        let was_there = self.calls().delete(live).await?;
        if let Some(place) = live.place() {
            self.member.forget(&place);
            self.member.note_usage(live, true);
        }
        Ok(was_there)
    }

    pub(crate) fn outcome(
        &self,
        wanted: &Wanted,
        result: Result<Object, CallError>,
    ) -> Result<Outcome, CallError> {
        match result {
            Ok(live) => {
                self.member.learn(&live);
                Ok(Outcome::ready(wanted, live))
            }
            Err(error) if error.concerns_object_only() => Ok(refused(wanted, &error)),
            Err(error) => Err(error),
        }
    }
}

/// The outcome of a call that the member refused.
fn refused(wanted: &Wanted, error: &CallError) -> Outcome {
    let (state, reason) = match error.kind {
        CallErrorKind::Invalid => (ObjectState::Blocked, "Invalid"),
        CallErrorKind::Forbidden => (ObjectState::Blocked, "Forbidden"),
        CallErrorKind::QuotaExceeded => (ObjectState::Blocked, "QuotaExceeded"),
        CallErrorKind::MissingKind => (ObjectState::Blocked, "MissingKind"),
        CallErrorKind::Webhook => (ObjectState::Blocked, "WebhookDown"),
        CallErrorKind::NotFound => (ObjectState::Progressing, "NotFound"),
        _ => (ObjectState::Progressing, "ChangedMeanwhile"),
    };
    Outcome::of(wanted, state, reason).says(error.message.clone())
}
