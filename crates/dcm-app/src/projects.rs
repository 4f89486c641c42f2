//! Projects: the tenants.

use dcm_store::Scope;
use dcm_types::documents::{LogicalCloud, Project};
use dcm_types::drafts::ProjectDraft;
use dcm_types::{Key, ProjectName};

use crate::documents::Site;
use crate::integrity::same_name;
use crate::{App, Error, Listed, PageRequest, Precondition, Principal, Saved, Written};

impl App {
    /// Creates a project.
    pub async fn create_project(
        &self,
        who: &Principal,
        draft: ProjectDraft,
    ) -> Result<Saved<Project>, Error> {
        let scope = draft.name.to_string();
        let project = self.new_project(draft);
        self.create_document(who, &Site::top(&scope), project).await
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
        let site = Site::top(name.as_str());
        let make = |found: Option<&Project>| {
            let mut project = self.new_project(draft.clone());
            if let Some(found) = found {
                project.uid = found.uid;
                project.created_at = found.created_at;
            }
            Ok(project)
        };
        self.put_document(who, &site, &Key::project(name), &precondition, make)
            .await
    }

    /// Deletes a project that has no logical clouds.
    pub async fn delete_project(
        &self,
        who: &Principal,
        name: &ProjectName,
        precondition: Precondition,
    ) -> Result<(), Error> {
        let (site, key) = (Site::top(name.as_str()), Key::project(name));
        let children = "logical clouds";
        self.delete_parent::<Project, LogicalCloud>(who, &site, &key, &precondition, children)
            .await
    }

    fn new_project(&self, draft: ProjectDraft) -> Project {
        Project {
            uid: self.new_uid(),
            name: draft.name,
            metadata: draft.metadata,
            policy: draft.policy,
            created_at: self.now(),
        }
    }
}
