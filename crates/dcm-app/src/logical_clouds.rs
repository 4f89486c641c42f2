//! Logical clouds: the cloud, its namespace and its user are written together and read together.

mod create;
mod delete;
mod replace;

pub(crate) use delete::dismantle;

use std::collections::BTreeSet;

use dcm_store::{Scope, StoreExt as _, decode};
use dcm_types::documents::{Lifecycle, LogicalCloud, Namespace, User};
use dcm_types::selector::LabelSelector;
use dcm_types::{CloudKey, DocumentKind, Key, ProjectName};

use crate::{App, Error, Listed, PageRequest, Principal, Saved};

/// A logical cloud with everything that is written with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudDetail {
    /// The cloud.
    pub cloud: LogicalCloud,
    /// Its namespace.
    pub namespace: Namespace,
    /// Its user, if it has one.
    pub user: Option<User>,
    /// Whether a permission, as it is written now, leaves its namespace.
    pub privileged: bool,
    /// What was wished last; `None` before the first action.
    pub lifecycle: Option<Lifecycle>,
}

/// What became of a delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// It is gone.
    Done,
    /// It goes as soon as nothing of it is left in any member.
    Queued,
}

impl App {
    /// Reads a logical cloud.
    pub async fn get_logical_cloud(
        &self,
        _who: &Principal,
        cloud: &CloudKey,
    ) -> Result<Saved<CloudDetail>, Error> {
        let found = self.require_cloud(cloud).await?;
        let detail = self.detail_of(found.into()).await?;
        detail.ok_or_else(|| crate::integrity::missing(&Key::cloud(cloud)))
    }

    /// Lists the logical clouds of a project.
    pub async fn list_logical_clouds(
        &self,
        _who: &Principal,
        project: &ProjectName,
        page: PageRequest,
    ) -> Result<Listed<CloudDetail>, Error> {
        self.require_project(project).await?;
        let scope = Scope::Under(project.to_string());
        let listed = self.page::<LogicalCloud>(scope, page).await?;
        self.details_of(listed).await
    }

    /// Lists the logical clouds of a project whose namespace has the selected labels.
    pub async fn select_logical_clouds(
        &self,
        _who: &Principal,
        project: &ProjectName,
        selector: &LabelSelector,
        page: PageRequest,
    ) -> Result<Listed<CloudDetail>, Error> {
        self.require_project(project).await?;
        let scope = Scope::Under(project.to_string());
        let namespaces = self.store().read_all::<Namespace>(scope.clone()).await?;
        let selected: BTreeSet<CloudKey> = namespaces
            .into_iter()
            .map(|found| found.document)
            .filter(|namespace| {
                selector.matches(|key| namespace.labels.get(key).map(String::as_str))
            })
            .map(|namespace| namespace.cloud)
            .collect();
        let keep = |cloud: &LogicalCloud| selected.contains(&cloud.key);
        let listed = self.page_where(scope, page, keep).await?;
        self.details_of(listed).await
    }

    async fn details_of(&self, listed: Listed<LogicalCloud>) -> Result<Listed<CloudDetail>, Error> {
        let mut items = Vec::with_capacity(listed.items.len());
        for saved in listed.items {
            items.extend(self.detail_of(saved).await?);
        }
        Ok(Listed {
            items,
            next: listed.next,
        })
    }

    /// Joins a cloud with its parts; `None` when it was deleted while it was read.
    async fn detail_of(
        &self,
        saved: Saved<LogicalCloud>,
    ) -> Result<Option<Saved<CloudDetail>>, Error> {
        let cloud = &saved.document;
        let user = cloud.user.as_ref();
        let mut keys = vec![
            Key::of_cloud(DocumentKind::Namespace, &cloud.key),
            Key::of_cloud(DocumentKind::Lifecycle, &cloud.key),
        ];
        keys.extend(user.map(|name| Key::user(&cloud.key, name)));
        let mut found = self.store().get_many(&keys).await?.into_iter();
        let mut next = || found.next().flatten();
        let (namespace, lifecycle, user) = (next(), next(), next());
        let Some(namespace) = namespace.map(decode::<Namespace>).transpose()? else {
            return Ok(None);
        };
        let lifecycle = lifecycle.map(decode::<Lifecycle>).transpose()?;
        let user = user.map(decode::<User>).transpose()?;
        let privileged = self.is_privileged(cloud, &namespace.document.name).await?;
        Ok(Some(saved.map(|cloud| CloudDetail {
            cloud,
            namespace: namespace.document,
            user: user.map(|found| found.document),
            privileged,
            lifecycle: lifecycle.map(|found| found.document),
        })))
    }
}
