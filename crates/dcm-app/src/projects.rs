//! Projects: the tenants.

use dcm_store::{Expect, Scope};
use dcm_types::documents::{LogicalCloud, Project};
use dcm_types::drafts::ProjectDraft;
use dcm_types::{Key, ProjectName};

use crate::change::{Act, Change};
use crate::integrity::same_name;
use crate::settle::settle;
use crate::{App, Error, Listed, PageRequest, Precondition, Principal, Saved, Written};

impl App {
    /// Creates a project.
    pub async fn create_project(
        &self,
        who: &Principal,
        draft: ProjectDraft,
    ) -> Result<Saved<Project>, Error> {
        let project = self.new_project(draft);
        let scope = project.name.to_string();
        self.create(who, &scope, project, Change::new()).await
    }

    /// Reads a project.
    pub async fn get_project(
        &self,
        _who: &Principal,
        name: &ProjectName,
    ) -> Result<Saved<Project>, Error> {
        Ok(self.require_project(name).await?.into())
    }

    /// Lists projects.
    pub async fn list_projects(
        &self,
        _who: &Principal,
        page: PageRequest,
    ) -> Result<Listed<Project>, Error> {
        self.page(Scope::All, page).await
    }

    /// Creates or replaces a project.
    pub async fn put_project(
        &self,
        who: &Principal,
        name: &ProjectName,
        draft: ProjectDraft,
        precondition: Precondition,
    ) -> Result<Written<Project>, Error> {
        same_name(name.as_str(), draft.name.as_str())?;
        settle(async || {
            let found = self.find::<Project>(&Key::project(name)).await?;
            precondition.check(found.as_ref())?;
            let project = match &found {
                Some(found) => Project {
                    metadata: draft.metadata.clone(),
                    ..found.document.clone()
                },
                None => self.new_project(draft.clone()),
            };
            self.write(who, name.as_str(), found, project, Change::new())
                .await
        })
        .await
    }

    /// Deletes a project that has no logical clouds.
    pub async fn delete_project(
        &self,
        who: &Principal,
        name: &ProjectName,
        precondition: Precondition,
    ) -> Result<(), Error> {
        settle(async || {
            let found = self.require_project(name).await?;
            precondition.check(Some(&found))?;
            let key = Key::project(name);
            self.refuse_children::<LogicalCloud>(&key, "logical clouds")
                .await?;
            let mut change = Change::new();
            change.delete(key.clone(), Expect::Untouched(found.version));
            self.commit(change, Act::done(who, name.as_str(), "delete", key))
                .await?;
            Ok(())
        })
        .await
    }

    fn new_project(&self, draft: ProjectDraft) -> Project {
        Project {
            uid: self.new_uid(),
            name: draft.name,
            metadata: draft.metadata,
            created_at: self.now(),
        }
    }
}
