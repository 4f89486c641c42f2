//! What the users of a logical cloud may do there. Rules stay inside the envelope of
//! [`dcm_types::permission`], and inside the cloud's own namespace unless policy allows more (T14).

use std::collections::BTreeMap;

use dcm_store::{Scope, StoreExt as _};
use dcm_types::documents::{LogicalCloud, User, UserPermission};
use dcm_types::drafts::PermissionDraft;
use dcm_types::permission::{Extent, Reach, Rule, check_sum};
use dcm_types::{CloudKey, Fault, Key, NamespaceName, PermissionName, UserName};

use crate::documents::Site;
use crate::integrity::same_name;
use crate::privileged::Admitted;
use crate::settle::settle;
use crate::users::name_user;
use crate::{App, Error, Listed, PageRequest, Precondition, Principal, Saved, Written};

/// What a permission is held against: the cloud, and its other permissions.
pub(crate) struct Grants {
    cloud: LogicalCloud,
    namespace: NamespaceName,
    permissions: BTreeMap<PermissionName, UserPermission>,
}

impl App {
    /// Creates a permission.
    pub async fn create_permission(
        &self,
        who: &Principal,
        cloud: &CloudKey,
        draft: PermissionDraft,
    ) -> Result<Saved<UserPermission>, Error> {
        settle(async || {
            let grants = self.grants_of(cloud).await?;
            let admitted = self.check_permission(&grants, &draft).await?;
            let permission = self.new_permission(cloud, draft.clone(), admitted.reach);
            let user = draft.user.as_ref();
            let site = site_of(cloud, user).decided_on(admitted.decided_on);
            self.create_document(who, &site, permission)
                .await
                .map_err(|error| name_user(error, cloud, user))
        })
        .await
    }

    /// Reads a permission.
    pub async fn get_permission(
        &self,
        _who: &Principal,
        cloud: &CloudKey,
        name: &PermissionName,
    ) -> Result<Saved<UserPermission>, Error> {
        self.require_cloud(cloud).await?;
        let key = Key::permission(cloud, name);
        Ok(self.require::<UserPermission>(&key).await?.into())
    }

    /// Lists the permissions of a logical cloud.
    pub async fn list_permissions(
        &self,
        _who: &Principal,
        cloud: &CloudKey,
        page: PageRequest,
    ) -> Result<Listed<UserPermission>, Error> {
        self.require_cloud(cloud).await?;
        self.page(Scope::Under(cloud.path()), page).await
    }

    /// Creates or replaces a permission.
    pub async fn put_permission(
        &self,
        who: &Principal,
        cloud: &CloudKey,
        name: &PermissionName,
        draft: PermissionDraft,
        precondition: Precondition,
    ) -> Result<Written<UserPermission>, Error> {
        same_name(name.as_str(), draft.name.as_str())?;
        settle(async || {
            let grants = self.grants_of(cloud).await?;
            self.put_among(who, &grants, draft.clone(), &precondition)
                .await
        })
        .await
    }

    /// Creates or replaces a permission, decided on grants that are kept true. For a store that nobody
    /// else writes ([`dcm_store::StagedStore`]), where the list need not be read for each of many.
    pub(crate) async fn apply_permission(
        &self,
        who: &Principal,
        grants: &mut Grants,
        draft: PermissionDraft,
    ) -> Result<Written<UserPermission>, Error> {
        let any = Precondition::None;
        let written = self.put_among(who, grants, draft, &any).await?;
        let permission = written.saved.document.clone();
        grants
            .permissions
            .insert(permission.name.clone(), permission);
        Ok(written)
    }

    async fn put_among(
        &self,
        who: &Principal,
        grants: &Grants,
        draft: PermissionDraft,
        precondition: &Precondition,
    ) -> Result<Written<UserPermission>, Error> {
        let admitted = self.check_permission(grants, &draft).await?;
        let cloud = &grants.cloud.key;
        let key = Key::permission(cloud, &draft.name);
        let found = self.find::<UserPermission>(&key).await?;
        precondition.check(found.as_ref())?;
        let user = draft.user.clone();
        let user = user.as_ref();
        let mut permission = self.new_permission(cloud, draft, admitted.reach);
        if let Some(found) = &found {
            permission.uid = found.document.uid;
        }
        let site = site_of(cloud, user).decided_on(admitted.decided_on);
        self.write(
            who,
            cloud.project.as_str(),
            found,
            permission,
            site.change(),
        )
        .await
        .map_err(|error| name_user(error, cloud, user))
    }

    /// Deletes a permission.
    pub async fn delete_permission(
        &self,
        who: &Principal,
        cloud: &CloudKey,
        name: &PermissionName,
        precondition: Precondition,
    ) -> Result<(), Error> {
        self.require_cloud(cloud).await?;
        let (site, key) = (Site::in_cloud(cloud), Key::permission(cloud, name));
        self.delete_document::<UserPermission>(who, &site, &key, &precondition)
            .await
    }

    /// What permissions of a cloud are held against.
    pub(crate) async fn grants_of(&self, cloud: &CloudKey) -> Result<Grants, Error> {
        let found = self.require_cloud(cloud).await?.document;
        let namespace = self.namespace_of(cloud).await?.document.name;
        let scope = Scope::Under(cloud.path());
        let all = self.store().read_all::<UserPermission>(scope).await?;
        let permissions = all.into_iter().map(|found| found.document);
        Ok(Grants {
            cloud: found,
            namespace,
            permissions: permissions.map(|p| (p.name.clone(), p)).collect(),
        })
    }

    /// Holds a permission against the cloud that it is for: its namespace, its user, the envelope, and
    /// all the rules of that user together.
    async fn check_permission(
        &self,
        grants: &Grants,
        draft: &PermissionDraft,
    ) -> Result<Admitted, Error> {
        let found = &grants.cloud;
        let admitted = self.admit(found, &grants.namespace, draft).await?;
        let (cloud, first, extent) = (&found.key, found.user.as_ref(), admitted.reach.extent());
        check_rule(&draft.rule, extent, "spec").map_err(Error::invalid)?;
        if let Some(user) = &draft.user {
            self.require::<User>(&Key::user(cloud, user))
                .await
                .map_err(|error| name_user(error, cloud, Some(user)))?;
        }
        let user = draft.user.as_ref().or(first);
        let others = grants.permissions.values();
        let mut rules: Vec<(Extent, Rule)> = others
            .filter(|permission| permission.name != draft.name)
            .filter(|permission| permission.user.as_ref().or(first) == user)
            .map(|permission| (permission.reach.extent(), permission.rule.clone()))
            .collect();
        rules.push((extent, draft.rule.clone()));
        check_sum(&rules).map_err(Error::invalid)?;
        Ok(admitted)
    }

    pub(crate) fn new_permission(
        &self,
        cloud: &CloudKey,
        draft: PermissionDraft,
        reach: Reach,
    ) -> UserPermission {
        UserPermission {
            uid: self.new_uid(),
            cloud: cloud.clone(),
            name: draft.name,
            metadata: draft.metadata,
            user: draft.user,
            reach,
            rule: draft.rule,
        }
    }
}

fn site_of<'a>(cloud: &'a CloudKey, user: Option<&UserName>) -> Site<'a> {
    Site::in_cloud(cloud).naming(user.map(|user| Key::user(cloud, user)))
}

/// Holds a rule against the envelope; fields are named as in the document, below `field`.
pub(crate) fn check_rule(rule: &Rule, extent: Extent, field: &str) -> Result<(), Vec<Fault>> {
    rule.check(extent).map_err(|faults| {
        faults
            .into_iter()
            .map(|fault| Fault {
                field: format!("{field}.{}", fault.field),
                ..fault
            })
            .collect()
    })
}
