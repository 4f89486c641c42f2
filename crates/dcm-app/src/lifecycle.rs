//! Instantiate, update, terminate, stop, revoke: freeze a revision, reserve its namespaces, tell the synchronizer.
//!
//! Actions are accepted in every state and are idempotent; the last accepted wish wins. One that wishes
//! what is wished already makes no revision, and still nudges. An accepted action is one commit: the
//! revision, the lifecycle (by compare-and-swap, so that two cannot both win), the reservations, and the
//! audit record, with the cloud untouched since its parts were read, so that a revision is never a mix.
//! Stop makes no revision: it pauses the work on the cloud, and every other action resumes it.

mod adopt;
mod freeze;
mod pause;
mod reserve;
mod revoke;

use std::collections::BTreeMap;

use dcm_store::{Expect, Scope, StoreExt as _, Versioned};
use dcm_types::documents::{
    Action, ActionRecord, DriftPolicy, Level, Lifecycle, LogicalCloud, Member, Revision, Slice,
    Wish,
};
use dcm_types::permission::{Extent, Rule, check_sum};
use dcm_types::ports::Nudge;
use dcm_types::{CloudKey, DocumentKind, Key, UserName};

use crate::change::{Act, Change};
use crate::privileged::{refuse_action, version_of};
use crate::service_mesh::wish;
use crate::settle::settle;
use crate::{App, Error, Principal};
use freeze::{Sources, freeze};

/// An accepted action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// The wanted generation; 0 when no action ever made one.
    pub generation: u64,
    /// The wish of that generation.
    pub wish: Wish,
    /// Whether work on it rests until the next action.
    pub paused: bool,
}

/// What an action is decided on.
struct Asked<'a> {
    who: &'a Principal,
    action: Action,
    /// What the audit record names.
    object: Key,
    /// For the audit.
    verb: &'static str,
    /// A new generation comes after this one, and after the present one.
    after: u64,
    cloud: Versioned<LogicalCloud>,
    lifecycle: Option<Versioned<Lifecycle>>,
}

impl Asked<'_> {
    /// What is wished now, and stays so.
    fn unchanged(&self) -> Accepted {
        self.lifecycle.as_ref().map_or(
            Accepted {
                generation: 0,
                wish: Wish::Absent,
                paused: false,
            },
            |found| Accepted {
                generation: found.document.generation,
                wish: found.document.wish,
                paused: found.document.paused_at.is_some(),
            },
        )
    }
}

impl App {
    /// Wishes that the logical cloud exists in its clusters as its documents say now.
    pub async fn instantiate(&self, who: &Principal, key: &CloudKey) -> Result<Accepted, Error> {
        self.act(who, key, Action::Instantiate).await
    }

    /// Wishes that a logical cloud that is instantiated matches its documents. One that is not stays
    /// as it is: an update never brings a terminated cloud back.
    pub async fn update(&self, who: &Principal, key: &CloudKey) -> Result<Accepted, Error> {
        self.act(who, key, Action::Update).await
    }

    /// Wishes that nothing of the logical cloud exists in any cluster.
    pub async fn terminate(&self, who: &Principal, key: &CloudKey) -> Result<Accepted, Error> {
        self.act(who, key, Action::Terminate).await
    }

    /// Leaves everything as it is until the next action: nothing is written to any cluster, drift is
    /// not corrected, and certificates are not renewed. A run that is under way ends first.
    pub async fn stop(&self, who: &Principal, key: &CloudKey) -> Result<Accepted, Error> {
        self.act(who, key, Action::Stop).await
    }

    async fn act(
        &self,
        who: &Principal,
        key: &CloudKey,
        action: Action,
    ) -> Result<Accepted, Error> {
        let accepted = settle(async || {
            let asked = Asked {
                who,
                action,
                object: Key::cloud(key),
                verb: verb_of(action),
                after: 0,
                cloud: self.require_cloud(key).await?,
                lifecycle: self.lifecycle_of(key).await?,
            };
            let wish = asked.lifecycle.as_ref().map(|found| found.document.wish);
            match (action, wish) {
                (Action::Instantiate, _) | (Action::Update, Some(Wish::Present)) => {
                    self.wish_present(&asked).await
                }
                (Action::Terminate, Some(Wish::Present)) => self.wish_absent(&asked).await,
                (Action::Update | Action::Terminate, None | Some(Wish::Absent)) => {
                    self.resume(&asked).await
                }
                (Action::Stop, _) => self.pause(&asked).await,
                // A revocation names a user: it comes in by `revoke_user`.
                (Action::Revoke, _) => self.resume(&asked).await,
            }
        })
        .await?;
        self.nudge(Nudge::Cloud(key.clone())).await;
        Ok(accepted)
    }

    async fn wish_present(&self, asked: &Asked<'_>) -> Result<Accepted, Error> {
        let cloud = &asked.cloud;
        let sources = self.sources_of(cloud).await?;
        let (members, slice) = freeze(&sources);
        refuse_empty(&members)?;
        refuse_wide_rights(&sources)?;
        wish::refuse_unmade(slice.mesh.as_ref(), self.meshes())?;
        if sources.is_privileged() {
            refuse_action(&sources.project.document, &cloud.document.key)?;
        }
        let current = self
            .current_revision(cloud, asked.lifecycle.as_ref())
            .await?;
        let present = current.as_ref().filter(|now| now.wish == Wish::Present);
        let same = |now: &&Revision| {
            now.level == sources.level && now.members == members && now.slice == slice
        };
        // Where changes of others stay, an action is how the wish is applied again.
        let stays = sources.level == Level::Standard && slice.drift != DriftPolicy::Correct;
        if !stays
            && present.is_some_and(|now| same(&now))
            && self
                .holds_all(&cloud.document, &slice.namespace, &members)
                .await?
        {
            return self.resume(asked).await;
        }
        let mut change = Change::new();
        match sources.level {
            Level::Standard => {
                let known = present.map_or(&[][..], |now| &now.members);
                self.refuse_unfit(&members, known).await?;
                self.reserve(&cloud.document, &slice.namespace, &members, &mut change)
                    .await?;
                self.respect(&cloud.document, &slice, &members, &mut change)
                    .await?;
            }
            // Nothing is written to the members; they must be registered, and that is all.
            Level::Admin => {
                for member in &members {
                    change.assert(Key::cluster(&member.cluster), Expect::Exists);
                }
            }
        }
        if sources.is_privileged() {
            let (project, version) = version_of(&sources.project);
            change.assert(project, Expect::Number(version));
        }
        self.accept(asked, Wish::Present, members, slice, change)
            .await
    }

    async fn wish_absent(&self, asked: &Asked<'_>) -> Result<Accepted, Error> {
        let current = self
            .current_revision(&asked.cloud, asked.lifecycle.as_ref())
            .await?;
        let Some(current) = current else {
            return self.resume(asked).await;
        };
        self.accept(
            asked,
            Wish::Absent,
            Vec::new(),
            current.slice,
            Change::new(),
        )
        .await
    }

    /// Commits a revision as the wanted one.
    async fn accept(
        &self,
        asked: &Asked<'_>,
        wish: Wish,
        members: Vec<Member>,
        slice: Slice,
        mut change: Change,
    ) -> Result<Accepted, Error> {
        let cloud = &asked.cloud.document;
        let generation = asked.unchanged().generation.max(asked.after) + 1;
        let revision = Revision {
            cloud: cloud.key.clone(),
            cloud_uid: cloud.uid,
            generation,
            wish,
            level: cloud.level,
            members,
            slice,
            created_at: self.now(),
        };
        let expect = match &asked.lifecycle {
            Some(found) => Expect::Number(found.version.number),
            None => Expect::Absent,
        };
        change.put(&next_lifecycle(asked, &revision), expect)?;
        change.put(&revision, Expect::Absent)?;
        change.assert(
            Key::cloud(&cloud.key),
            Expect::Untouched(asked.cloud.version),
        );
        let project = cloud.key.project.as_str();
        let act = Act::done(asked.who, project, asked.verb, asked.object.clone());
        self.commit(change, act.accepted()).await?;
        Ok(Accepted {
            generation,
            wish,
            paused: false,
        })
    }

    pub(crate) async fn lifecycle_of(
        &self,
        cloud: &CloudKey,
    ) -> Result<Option<Versioned<Lifecycle>>, Error> {
        self.find(&Key::of_cloud(DocumentKind::Lifecycle, cloud))
            .await
    }

    /// The wanted revision; `None` before the first action.
    pub(crate) async fn current_revision(
        &self,
        cloud: &Versioned<LogicalCloud>,
        lifecycle: Option<&Versioned<Lifecycle>>,
    ) -> Result<Option<Revision>, Error> {
        let Some(found) = lifecycle else {
            return Ok(None);
        };
        let key = Key::revision(cloud.document.uid, found.document.generation);
        // It is missing only when the cloud went, or many newer ones came, since the lifecycle was read.
        let revision = self
            .find::<Revision>(&key)
            .await?
            .ok_or_else(Error::raced)?;
        Ok(Some(revision.document))
    }

    /// Everything that a revision is made of.
    async fn sources_of(&self, cloud: &Versioned<LogicalCloud>) -> Result<Sources, Error> {
        let key = &cloud.document.key;
        let project = self.require_project(&key.project).await?;
        let namespace = self.namespace_of(key).await?.document;
        let below = || Scope::Under(key.path());
        let sources = Sources {
            project,
            cloud: cloud.document.uid,
            namespace,
            level: cloud.document.level,
            drift: cloud.document.drift,
            mesh: wish::frozen(&cloud.document, self.meshes()),
            first_user: cloud.document.user.clone(),
            users: documents(self.store().read_all(below()).await?),
            references: documents(self.store().read_all(below()).await?),
            quotas: documents(self.store().read_all(below()).await?),
            permissions: documents(self.store().read_all(below()).await?),
        };
        // A refusal is not committed, so what it rests on must be no mix either.
        self.confirm(cloud).await?;
        Ok(sources)
    }
}

fn documents<D>(found: Vec<Versioned<D>>) -> Vec<D> {
    found.into_iter().map(|found| found.document).collect()
}

/// The lifecycle that wants this revision. Whatever deletion was queued is overtaken by it, and so is
/// a pause.
fn next_lifecycle(asked: &Asked<'_>, revision: &Revision) -> Lifecycle {
    let known = asked.lifecycle.as_ref().map(|found| &found.document);
    let mut next = Lifecycle {
        cloud: revision.cloud.clone(),
        cloud_uid: revision.cloud_uid,
        generation: revision.generation,
        wish: revision.wish,
        delete_when_absent: false,
        paused_at: None,
        history: known.map(|l| l.history.clone()).unwrap_or_default(),
        forgotten: known.map_or(0, |l| l.forgotten),
    };
    next.remember(ActionRecord {
        action: asked.action,
        generation: revision.generation,
        at: revision.created_at,
    });
    next
}

fn verb_of(action: Action) -> &'static str {
    match action {
        Action::Instantiate => "instantiate",
        Action::Update => "update",
        Action::Terminate => "terminate",
        Action::Stop => "stop",
        Action::Revoke => "revoke",
    }
}

fn refuse_empty(members: &[Member]) -> Result<(), Error> {
    if !members.is_empty() {
        return Ok(());
    }
    Err(Error::conflict("the logical cloud references no cluster")
        .hint("create a cluster reference first; to remove it from all clusters, terminate it"))
}

/// Stored rules were inside the envelope of their day; what is frozen is inside that of today, for the
/// rules of each user together.
fn refuse_wide_rights(sources: &Sources) -> Result<(), Error> {
    let mut sums: BTreeMap<&UserName, Vec<(Extent, Rule)>> = BTreeMap::new();
    for permission in &sources.permissions {
        if let Some(user) = sources.user_of(permission) {
            let rule = (permission.reach.extent(), permission.rule.clone());
            sums.entry(&user.name).or_default().push(rule);
        }
    }
    let wide = |(user, rules): (&UserName, Vec<(Extent, Rule)>)| {
        let faults = check_sum(&rules).err()?;
        let message =
            format!("stored permissions of user '{user}' grant what cannot be granted any more");
        let error = Error::conflict(message).hint("change or delete those permissions");
        Some(faults.into_iter().fold(error, Error::fault))
    };
    match sums.into_iter().find_map(wide) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}
