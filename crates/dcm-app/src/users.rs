//! Users of a logical cloud. The cloud names its first one; permissions name whom they are for. A change
//! takes effect with the next `update`.
//!
//! A user is deleted only while neither the cloud nor a permission names them. That is decided on the
//! list of permissions, and each write of a permission touches its user, so that of a permission and a
//! deletion that race one is refused.

mod signing;

pub use signing::Identities;
pub(crate) use signing::revoked;

use dcm_store::{Expect, Scope, StoreExt as _, Versioned};
use dcm_types::documents::{LogicalCloud, User, UserPermission};
use dcm_types::drafts::UserDraft;
use dcm_types::ports::Nudge;
use dcm_types::{CloudKey, Key, UserName, Violation};

use crate::change::{Act, Change};
use crate::documents::Site;
use crate::integrity::{describe, same_name};
use crate::settle::settle;
use crate::{App, Error, Listed, PageRequest, Precondition, Principal, Saved, Written};

/// How many users a logical cloud may have: each has a key and a certificate in every member.
const USER_COUNT: usize = 32;

impl App {
    /// Creates a user.
    pub async fn create_user(
        &self,
        who: &Principal,
        cloud: &CloudKey,
        draft: UserDraft,
    ) -> Result<Saved<User>, Error> {
        self.require_cloud(cloud).await?;
        signing::refuse_early(&draft)?;
        self.refuse_crowd(cloud, &draft.name).await?;
        let user = self.new_user(cloud, &draft);
        self.create_document(who, &Site::in_cloud(cloud), user)
            .await
    }

    /// Reads a user.
    pub async fn get_user(
        &self,
        _who: &Principal,
        cloud: &CloudKey,
        name: &UserName,
    ) -> Result<Saved<User>, Error> {
        self.require_cloud(cloud).await?;
        Ok(self.require::<User>(&Key::user(cloud, name)).await?.into())
    }

    /// Lists the users of a logical cloud.
    pub async fn list_users(
        &self,
        _who: &Principal,
        cloud: &CloudKey,
        page: PageRequest,
    ) -> Result<Listed<User>, Error> {
        self.require_cloud(cloud).await?;
        self.page(Scope::Under(cloud.path()), page).await
    }

    /// Creates or replaces a user; who they are in the members stays. A request of somebody who keeps
    /// their key counts at once, as their credentials do.
    pub async fn put_user(
        &self,
        who: &Principal,
        cloud: &CloudKey,
        name: &UserName,
        draft: UserDraft,
        precondition: Precondition,
    ) -> Result<Written<User>, Error> {
        same_name(name.as_str(), draft.name.as_str())?;
        let identities = self.identities(who, cloud).await?;
        self.refuse_crowd(cloud, name).await?;
        let make = |found: Option<&User>| {
            let user = self.new_user(cloud, &draft);
            let Some(found) = found else {
                signing::refuse_early(&draft)?;
                return Ok(user);
            };
            Ok(User {
                uid: found.uid,
                identity_generation: found.identity_generation,
                revoked_at: found.revoked_at,
                signing_request: signing::taken(&draft, found, identities)?,
                revoked_key: found.revoked_key.clone(),
                ..user
            })
        };
        let (site, key) = (Site::in_cloud(cloud), Key::user(cloud, name));
        let written = self
            .put_document(who, &site, &key, &precondition, make)
            .await?;
        if draft.signing_request.is_some() {
            self.nudge(Nudge::Cloud(cloud.clone())).await;
        }
        Ok(written)
    }

    /// Deletes a user whom nothing names.
    pub async fn delete_user(
        &self,
        who: &Principal,
        cloud: &CloudKey,
        name: &UserName,
        precondition: Precondition,
    ) -> Result<(), Error> {
        settle(async || {
            let parent = self.require_cloud(cloud).await?;
            let key = Key::user(cloud, name);
            let found = self.require::<User>(&key).await?;
            precondition.check(Some(&found))?;
            refuse_first(&parent.document, name)?;
            self.refuse_named_user(cloud, name).await?;
            let mut change = Change::new();
            change.assert(Key::cloud(cloud), Expect::Number(parent.version.number));
            change.delete(key.clone(), Expect::Untouched(found.version));
            let act = Act::done(who, cloud.project.as_str(), "delete", key);
            self.commit(change, act).await?;
            Ok(())
        })
        .await
    }

    pub(crate) fn new_user(&self, cloud: &CloudKey, draft: &UserDraft) -> User {
        User {
            uid: self.new_uid(),
            cloud: cloud.clone(),
            name: draft.name.clone(),
            metadata: draft.metadata.clone(),
            credential: draft.credential,
            identity_generation: 1,
            revoked_at: None,
            signing_request: None,
            revoked_key: None,
        }
    }

    /// Refuses while a permission names the user. The user must be read before this, and be committed
    /// on as untouched.
    pub(crate) async fn refuse_named_user(
        &self,
        cloud: &CloudKey,
        name: &UserName,
    ) -> Result<(), Error> {
        let all: Vec<Versioned<UserPermission>> =
            self.store().read_all(Scope::Under(cloud.path())).await?;
        let mut naming = all
            .iter()
            .filter(|permission| permission.document.user.as_ref() == Some(name));
        let Some(first) = naming.next() else {
            return Ok(());
        };
        let others = match naming.count() {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        let described = describe(&Key::user(cloud, name));
        Err(Error::conflict(format!(
            "{described} is named by user permission '{}'{others}",
            first.document.name
        ))
        .hint("delete those permissions, or name another user in them, first"))
    }

    async fn refuse_crowd(&self, cloud: &CloudKey, but: &UserName) -> Result<(), Error> {
        let all: Vec<Versioned<User>> = self.store().read_all(Scope::Under(cloud.path())).await?;
        let others = all.iter().filter(|user| &user.document.name != but).count();
        if others < USER_COUNT {
            return Ok(());
        }
        let message = format!("a logical cloud has at most {USER_COUNT} users");
        Err(Error::conflict(message).hint("delete a user that is not needed, or use another cloud"))
    }
}

/// The first user goes only when the cloud names another one.
fn refuse_first(cloud: &LogicalCloud, name: &UserName) -> Result<(), Error> {
    if cloud.user.as_ref() != Some(name) {
        return Ok(());
    }
    let described = describe(&Key::user(&cloud.key, name));
    Err(
        Error::conflict(format!("{described} is the first user of it"))
            .hint("name another one in spec.user.userName of the logical cloud first"),
    )
}

/// Names the field when it is this user that is missing.
pub(crate) fn name_user(error: Error, cloud: &CloudKey, user: Option<&UserName>) -> Error {
    let Some(user) = user else {
        return error;
    };
    if !error.is_missing(&Key::user(cloud, user)) {
        return error;
    }
    let fault =
        Violation::new("must be a user of the logical cloud", user.as_str()).at("spec.user");
    error
        .hint("create the user first, or leave it out: then the first user is meant")
        .fault(fault)
}
