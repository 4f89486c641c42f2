//! Revocation: what a user holds opens nothing any more, and they get something new.
//!
//! No cluster can take a certificate back, so the user becomes somebody else there: the generation of
//! their identity grows, and with it the subject of their bindings. That, and the revision which names
//! the new identity, are one commit. The revision is the wanted one with nothing else changed: edits
//! that wait for an `update` go on waiting. Each request revokes again; `If-Match`
//! or an `Idempotency-Key` makes one that is repeated safe.

use dcm_store::Expect;
use dcm_types::documents::{Action, Member, Revision, Slice, User, Wish};
use dcm_types::member_name::user_identity;
use dcm_types::ports::Nudge;
use dcm_types::{CloudKey, DocumentKind, Key, UserName};

use super::{Accepted, Asked};
use crate::change::{Act, Change};
use crate::settle::settle;
use crate::users::revoked;
use crate::{App, Error, Precondition, Principal};

impl App {
    /// Revokes everything that was issued to a user. In a cloud that is not instantiated, or does not
    /// have the user yet, it counts from the next action on. Work that rests goes on.
    pub async fn revoke_user(
        &self,
        who: &Principal,
        cloud: &CloudKey,
        name: &UserName,
        precondition: Precondition,
    ) -> Result<Accepted, Error> {
        let accepted = settle(async || {
            let asked = Asked {
                who,
                action: Action::Revoke,
                object: Key::user(cloud, name),
                verb: "revoke",
                after: 0,
                cloud: self.require_cloud(cloud).await?,
                lifecycle: self.lifecycle_of(cloud).await?,
            };
            self.revoke(&asked, &precondition).await
        })
        .await?;
        self.nudge(Nudge::Cloud(cloud.clone())).await;
        Ok(accepted)
    }

    async fn revoke(
        &self,
        asked: &Asked<'_>,
        precondition: &Precondition,
    ) -> Result<Accepted, Error> {
        let found = self.require::<User>(&asked.object).await?;
        precondition.check(Some(&found))?;
        let user = User {
            identity_generation: found.document.identity_generation + 1,
            revoked_at: Some(self.now()),
            ..revoked(found.document)
        };
        let mut change = Change::new();
        change.put(&user, Expect::Number(found.version.number))?;
        if let Some((members, slice)) = self.with_new_identity(asked, &user).await? {
            return self
                .accept(asked, Wish::Present, members, slice, change)
                .await;
        }
        change.assert(Key::cloud(&user.cloud), Expect::Exists);
        // No action that would name the user may come in between.
        let lifecycle = Key::of_cloud(DocumentKind::Lifecycle, &user.cloud);
        let number = asked.lifecycle.as_ref().map(|found| found.version.number);
        change.assert(lifecycle, number.map_or(Expect::Absent, Expect::Number));
        let project = user.cloud.project.as_str();
        let act = Act::done(asked.who, project, asked.verb, asked.object.clone());
        self.commit(change, act).await?;
        Ok(asked.unchanged())
    }

    /// The wanted revision with another identity for a user; `None` when it does not have the user.
    async fn with_new_identity(
        &self,
        asked: &Asked<'_>,
        user: &User,
    ) -> Result<Option<(Vec<Member>, Slice)>, Error> {
        let current = self
            .current_revision(&asked.cloud, asked.lifecycle.as_ref())
            .await?;
        let Some(current) = current.filter(|now| now.wish == Wish::Present) else {
            return Ok(None);
        };
        let project = self.require_project(&user.cloud.project).await?;
        let identity = user_identity(
            project.document.uid,
            asked.cloud.document.uid,
            user.uid,
            user.identity_generation,
        );
        Ok(renamed(current, user, identity))
    }
}

/// Whoever has the name in the revision is meant, also when the user was created anew since.
fn renamed(revision: Revision, user: &User, identity: String) -> Option<(Vec<Member>, Slice)> {
    let mut slice = revision.slice;
    let named = slice.users.iter_mut().find(|one| one.name == user.name)?;
    named.uid = user.uid;
    // The kind of credential waits for an update, as other edits do.
    named.identity = identity;
    Some((revision.members, slice))
}
