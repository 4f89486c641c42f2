//! Controllers of the later system: stored and served for its clients. Ours need none.

use dcm_store::Scope;
use dcm_types::documents::{Controller, ControllerGroup};
use dcm_types::drafts::ControllerDraft;
use dcm_types::{ControllerName, Key};

use crate::documents::Site;
use crate::integrity::same_name;
use crate::{App, Error, Listed, PageRequest, Precondition, Principal, Saved, Written};

const SITE: Site<'static> = Site::top(Key::SYSTEM_SCOPE);

impl App {
    /// Creates a controller.
    pub async fn create_controller(
        &self,
        who: &Principal,
        group: ControllerGroup,
        draft: ControllerDraft,
    ) -> Result<Saved<Controller>, Error> {
        let document = self.new_controller(group, draft);
        self.create_document(who, &SITE, document).await
    }

    /// Reads a controller.
    pub async fn get_controller(
        &self,
        _who: &Principal,
        group: ControllerGroup,
        name: &ControllerName,
    ) -> Result<Saved<Controller>, Error> {
        Ok(self
            .require::<Controller>(&Key::controller(group, name))
            .await?
            .into())
    }

    /// Lists the controllers of a group.
    pub async fn list_controllers(
        &self,
        _who: &Principal,
        group: ControllerGroup,
        page: PageRequest,
    ) -> Result<Listed<Controller>, Error> {
        self.page(Scope::Under(group.as_str().to_owned()), page)
            .await
    }

    /// Creates or replaces a controller.
    pub async fn put_controller(
        &self,
        who: &Principal,
        group: ControllerGroup,
        name: &ControllerName,
        draft: ControllerDraft,
        precondition: Precondition,
    ) -> Result<Written<Controller>, Error> {
        same_name(name.as_str(), draft.name.as_str())?;
        let make = |found: Option<&Controller>| {
            let mut document = self.new_controller(group, draft.clone());
            if let Some(found) = found {
                document.uid = found.uid;
            }
            Ok(document)
        };
        let key = Key::controller(group, name);
        self.put_document(who, &SITE, &key, &precondition, make)
            .await
    }

    /// Deletes a controller.
    pub async fn delete_controller(
        &self,
        who: &Principal,
        group: ControllerGroup,
        name: &ControllerName,
        precondition: Precondition,
    ) -> Result<(), Error> {
        let key = Key::controller(group, name);
        self.delete_document::<Controller>(who, &SITE, &key, &precondition)
            .await
    }

    fn new_controller(&self, group: ControllerGroup, draft: ControllerDraft) -> Controller {
        Controller {
            uid: self.new_uid(),
            group,
            name: draft.name,
            metadata: draft.metadata,
            host: draft.host,
            port: draft.port,
            kind: draft.kind,
            priority: draft.priority,
        }
    }
}
