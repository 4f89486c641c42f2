//! Replace: free text, labels and presets at any time; namespace, user and level only while nothing of
//! the cloud is, or can come to be, in a member.

use dcm_store::{Expect, Versioned};
use dcm_types::documents::{Level, Lifecycle, LogicalCloud, Namespace, Quota, User, Wish};
use dcm_types::drafts::LogicalCloudDraft;
use dcm_types::{CloudKey, DocumentKind, Key, Violation};

use super::CloudDetail;
use super::create::check_labels;
use crate::change::{Act, Change, version_of};
use crate::error::Faults;
use crate::integrity::same_name;
use crate::service_mesh::wish;
use crate::settle::settle;
use crate::{App, Error, Precondition, Principal, Saved, Written};

/// A cloud and what is written with it, as found.
struct Present {
    cloud: Versioned<LogicalCloud>,
    namespace: Versioned<Namespace>,
    /// The first user.
    user: Option<Versioned<User>>,
    /// The user whom the draft names, if there is one already.
    named: Option<Versioned<User>>,
    lifecycle: Option<Versioned<Lifecycle>>,
}

impl Present {
    /// The first user, when the cloud is to name another one or none.
    fn going(&self, wanted: &CloudDetail) -> Option<&Versioned<User>> {
        let stays = |name| wanted.cloud.user.as_ref() == Some(name);
        let first = self.user.as_ref()?;
        (!stays(&first.document.name)).then_some(first)
    }
}

impl App {
    /// Creates or replaces a logical cloud. A namespace that is not named stays as it is; references,
    /// permissions and quotas have paths of their own once the cloud exists.
    pub async fn put_logical_cloud(
        &self,
        who: &Principal,
        key: &CloudKey,
        draft: LogicalCloudDraft,
        precondition: Precondition,
    ) -> Result<Written<CloudDetail>, Error> {
        same_name(key.cloud.as_str(), draft.name.as_str())?;
        let mut faults = Faults::default();
        check_labels(&draft, &mut faults);
        wish::judge(&draft, self.meshes(), &mut faults);
        faults.refuse()?;
        settle(async || {
            let found = self.find::<LogicalCloud>(&Key::cloud(key)).await?;
            precondition.check(found.as_ref())?;
            let Some(cloud) = found else {
                let saved = self
                    .create_logical_cloud(who, &key.project, draft.clone())
                    .await
                    .map_err(Error::raced_if_taken)?;
                return Ok(Written {
                    saved,
                    created: true,
                });
            };
            refuse_lists(&draft)?;
            let present = self.present(cloud, &draft).await?;
            let mut wanted = self.wanted(&present, &draft)?;
            let own = &wanted.namespace.name;
            wanted.privileged = self.is_privileged(&wanted.cloud, own).await?;
            self.refuse_immutable(&present, &wanted).await?;
            self.refuse_left_behind(&present, &wanted).await?;
            let saved = self.replace(who, &present, wanted).await?;
            Ok(Written {
                saved,
                created: false,
            })
        })
        .await
    }

    async fn present(
        &self,
        cloud: Versioned<LogicalCloud>,
        draft: &LogicalCloudDraft,
    ) -> Result<Present, Error> {
        let key = &cloud.document.key;
        let namespace = self.namespace_of(key).await?;
        let user = match &cloud.document.user {
            Some(name) => self.find(&Key::user(key, name)).await?,
            None => None,
        };
        let named = match &draft.user {
            Some(named) => self.find(&Key::user(key, &named.name)).await?,
            None => None,
        };
        Ok(Present {
            namespace,
            user,
            named,
            lifecycle: self.lifecycle_of(key).await?,
            cloud,
        })
    }

    fn wanted(&self, present: &Present, draft: &LogicalCloudDraft) -> Result<CloudDetail, Error> {
        let cloud = &present.cloud.document;
        let namespace = &present.namespace.document;
        let user = draft.user.as_ref().map(|wanted| match &present.named {
            Some(found) => found.document.clone().of_kind(wanted.credential),
            None => self.new_user(&cloud.key, wanted),
        });
        Ok(CloudDetail {
            cloud: LogicalCloud {
                metadata: draft.metadata.clone(),
                level: draft.level,
                drift: draft.drift,
                mesh: wish::next(cloud, draft)?,
                user: user.as_ref().map(|user| user.name.clone()),
                ..cloud.clone()
            },
            namespace: Namespace {
                name: draft
                    .namespace
                    .clone()
                    .unwrap_or_else(|| namespace.name.clone()),
                labels: draft.labels.clone(),
                isolation: draft.isolation,
                pod_security: draft.pod_security,
                ..namespace.clone()
            },
            user,
            privileged: false,
            lifecycle: present
                .lifecycle
                .as_ref()
                .map(|found| found.document.clone()),
        })
    }

    /// What reached a member cannot be renamed there.
    async fn refuse_immutable(&self, present: &Present, wanted: &CloudDetail) -> Result<(), Error> {
        let cloud = &present.cloud.document;
        let fields = [
            (
                "spec.namespace",
                present.namespace.document.name != wanted.namespace.name,
            ),
            ("spec.user", cloud.user != wanted.cloud.user),
            ("spec.level", cloud.level != wanted.cloud.level),
        ];
        let changed: Vec<_> = fields.into_iter().filter(|(_, changed)| *changed).collect();
        if changed.is_empty() || !self.is_engaged(present).await? {
            return Ok(());
        }
        let error = Error::conflict(
            "the logical cloud is instantiated: its namespace, user and level cannot change",
        )
        .hint("terminate it, wait until nothing is left of it, and try again");
        Err(changed.into_iter().fold(error, |error, (field, _)| {
            error.fault(Violation::hidden("cannot change while instantiated").at(field))
        }))
    }

    /// Refuses what would leave something behind that the cloud has no more use for: permissions that
    /// name a first user who goes, quotas of a cloud that becomes one of level 0.
    async fn refuse_left_behind(
        &self,
        present: &Present,
        wanted: &CloudDetail,
    ) -> Result<(), Error> {
        let key = &wanted.cloud.key;
        if let Some(going) = present.going(wanted) {
            self.refuse_named_user(key, &going.document.name).await?;
        }
        if wanted.cloud.level == Level::Admin && present.cloud.document.level != Level::Admin {
            let described = "quotas, which a logical cloud of level 0 cannot have";
            self.refuse_children::<Quota>(&Key::cloud(key), described)
                .await?;
        }
        Ok(())
    }

    async fn is_engaged(&self, present: &Present) -> Result<bool, Error> {
        let Some(lifecycle) = &present.lifecycle else {
            return Ok(false);
        };
        if lifecycle.document.wish == Wish::Present {
            return Ok(true);
        }
        let cloud = &present.cloud.document;
        Ok(!self.is_clean(&cloud.key, cloud.uid).await?)
    }

    /// Writes what differs. The cloud itself is always written with it, so that its version tells of
    /// every change; the lifecycle is held, so that no action slips in between.
    async fn replace(
        &self,
        who: &Principal,
        present: &Present,
        wanted: CloudDetail,
    ) -> Result<Saved<CloudDetail>, Error> {
        let key = &wanted.cloud.key;
        let old_user = present.user.as_ref().map(|found| &found.document);
        if present.cloud.document == wanted.cloud
            && present.namespace.document == wanted.namespace
            && old_user == wanted.user.as_ref()
        {
            return Ok(Saved {
                version: present.cloud.version.number,
                document: wanted,
            });
        }
        let mut change = Change::new();
        change.put(&wanted.cloud, Expect::Untouched(present.cloud.version))?;
        let version = present.namespace.version.number;
        change.put(&wanted.namespace, Expect::Number(version))?;
        if let Some(user) = &wanted.user {
            let found = present.named.as_ref();
            let expect = found.map_or(Expect::Absent, |found| Expect::Number(found.version.number));
            change.put(user, expect)?;
        }
        if let Some(going) = present.going(&wanted) {
            let expect = Expect::Untouched(going.version);
            change.delete(Key::user(key, &going.document.name), expect);
        }
        let lifecycle = Key::of_cloud(DocumentKind::Lifecycle, key);
        change.assert(
            lifecycle,
            present
                .lifecycle
                .as_ref()
                .map_or(Expect::Absent, |found| Expect::Number(found.version.number)),
        );
        let document = Key::cloud(key);
        let act = Act::done(who, key.project.as_str(), "update", document.clone());
        let committed = self
            .commit(change, act)
            .await
            .map_err(Error::raced_if_taken)?;
        Ok(Saved {
            version: version_of(&committed, &document),
            document: wanted,
        })
    }
}

fn refuse_lists(draft: &LogicalCloudDraft) -> Result<(), Error> {
    let mut faults = Faults::default();
    for (field, given) in [
        ("spec.clusters", !draft.clusters.is_empty()),
        ("permissions", !draft.permissions.is_empty()),
        ("quotas", !draft.quotas.is_empty()),
    ] {
        if given {
            let violation = Violation::hidden("is taken when the logical cloud is created only")
                .hint("use cluster-references, user-permissions and cluster-quotas");
            faults.add(field, violation);
        }
    }
    faults.refuse()
}
