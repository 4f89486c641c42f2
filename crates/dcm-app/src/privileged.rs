//! Privileged logical clouds: those of which a permission leaves the cloud's own namespace. The policy of
//! their project must allow it, when the permission is written and with every action that wishes it.
//!
//! Terminate and stop ask nobody. What runs when the policy is turned back stays until the next action.

use dcm_store::{Scope, StoreExt as _, Versioned};
use dcm_types::documents::{Level, LogicalCloud, Privileged, Project, UserPermission};
use dcm_types::drafts::PermissionDraft;
use dcm_types::permission::Reach;
use dcm_types::{CloudKey, Index, Key, Kind, NamespaceName, ProjectName, Violation};

use crate::{App, Error};

/// Most clouds have none, and one is enough.
const FEW: usize = 8;

/// A permission that was let through: where it holds, and the version of the project that this was
/// decided on.
pub(crate) struct Admitted {
    pub(crate) reach: Reach,
    pub(crate) decided_on: Option<(Key, u64)>,
}

impl App {
    /// Where a permission holds; outside of the own namespace only where the policy allows it. Nothing
    /// of a cloud of level 0 is in a member, so there it is kept and means nothing.
    pub(crate) async fn admit(
        &self,
        cloud: &LogicalCloud,
        own: &NamespaceName,
        draft: &PermissionDraft,
    ) -> Result<Admitted, Error> {
        let field = "spec.namespace";
        let decided_on = if cloud.level == Level::Standard && would_leave(draft, own) {
            let project = self.require_project(&cloud.key.project).await?;
            refuse_by_policy(&project.document, draft, own, field)?;
            Some(version_of(&project))
        } else {
            None
        };
        Ok(Admitted {
            reach: reach_of(draft, own, field)?,
            decided_on,
        })
    }

    /// Whether a permission of a cloud, as it is written now, leaves its namespace.
    pub(crate) async fn is_privileged(
        &self,
        cloud: &LogicalCloud,
        own: &NamespaceName,
    ) -> Result<bool, Error> {
        if cloud.level == Level::Admin {
            return Ok(false);
        }
        let scope = Scope::Indexed(Index::Outreach, cloud.key.path());
        let mut after = None;
        loop {
            let (page, next) = self
                .store()
                .read_page::<UserPermission>(scope.clone(), after, FEW)
                .await?;
            if page
                .iter()
                .any(|permission| leaves(&permission.document, own))
            {
                return Ok(true);
            }
            if next.is_none() {
                return Ok(false);
            }
            after = next;
        }
    }
}

/// Whether a permission leaves the namespace of its cloud.
pub(crate) fn leaves(permission: &UserPermission, own: &NamespaceName) -> bool {
    !permission.reach.clone().seen_from(own).is_own()
}

/// Whether a permission that is to be written leaves the namespace of its cloud, or tries to.
pub(crate) fn would_leave(draft: &PermissionDraft, own: &NamespaceName) -> bool {
    let written = draft.namespace.as_deref();
    written.is_some_and(|written| written != own.as_str())
}

/// What a decision on the policy of a project rests on.
pub(crate) fn version_of(project: &Versioned<Project>) -> (Key, u64) {
    (Key::project(&project.document.name), project.version.number)
}

/// Reads where a permission holds. Namespaces of the cluster itself are nobody's to give.
pub(crate) fn reach_of(
    draft: &PermissionDraft,
    own: &NamespaceName,
    field: &str,
) -> Result<Reach, Error> {
    Reach::parse(draft.namespace.as_deref(), own)
        .map_err(|violation| Error::invalid(vec![violation.at(field)]))
}

/// Refuses a permission that leaves the namespace, unless the policy allows it.
pub(crate) fn refuse_by_policy(
    project: &Project,
    draft: &PermissionDraft,
    own: &NamespaceName,
    field: &str,
) -> Result<(), Error> {
    if project.policy.privileged == Privileged::Allow {
        return Ok(());
    }
    let rule = format!("must be '{own}', the namespace of the logical cloud");
    let fault = Violation::new(rule, draft.namespace.as_deref().unwrap_or_default())
        .hint("leave it out")
        .at(field);
    let message = "permissions outside of the logical cloud's own namespace are not granted";
    Err(Error::new(Kind::Forbidden, message)
        .hint(allow(&project.name))
        .fault(fault))
}

/// Refuses an action that wishes a privileged cloud, unless the policy allows it.
pub(crate) fn refuse_action(project: &Project, cloud: &CloudKey) -> Result<(), Error> {
    if project.policy.privileged == Privileged::Allow {
        return Ok(());
    }
    let message = format!(
        "logical cloud '{}' is privileged, which the policy of project '{}' refuses",
        cloud.cloud, project.name
    );
    let hint = format!(
        "{}, or delete its permissions outside of its namespace; it can always be terminated",
        allow(&project.name)
    );
    Err(Error::new(Kind::Forbidden, message).hint(hint))
}

fn allow(project: &ProjectName) -> String {
    format!("let the operator set spec.policy.privileged of project '{project}' to allow")
}
