//! Adopt a generation: the store is older than a member, as after a restore from a backup, and what the store
//! says shall be true all the same.
//!
//! The anchor in the member refuses every older generation. So the wish as it is stored becomes a revision with
//! a generation above the member's. Whoever asks names the generation that the member holds: what was wished
//! between is lost, and nobody does that by accident.

use dcm_store::{Scope, StoreExt as _};
use dcm_types::documents::{Action, Level, Target, Wish};
use dcm_types::ports::Nudge;
use dcm_types::{CloudKey, Key, Uid};

use super::{Accepted, Asked};
use crate::change::Change;
use crate::settle::settle;
use crate::{App, Error, Principal};

impl App {
    /// Raises the generation of what is wished above that of the newest member, which the caller names.
    pub async fn adopt_generation(
        &self,
        who: &Principal,
        key: &CloudKey,
        named: u64,
    ) -> Result<Accepted, Error> {
        let accepted = settle(async || {
            let cloud = self.require_cloud(key).await?;
            let lifecycle = self.lifecycle_of(key).await?;
            let current = self.current_revision(&cloud, lifecycle.as_ref()).await?;
            let current = current.ok_or_else(not_ahead)?;
            let seen = self.newest_seen(key, cloud.document.uid).await?;
            let seen = seen.filter(|seen| *seen > current.generation);
            refuse_another(seen.ok_or_else(not_ahead)?, named)?;
            let mut change = Change::new();
            if current.wish == Wish::Present && current.level == Level::Standard {
                let namespace = &current.slice.namespace;
                let (cloud, members) = (&cloud.document, &current.members);
                self.reserve(cloud, namespace, members, &mut change).await?;
                self.respect(cloud, &current.slice, members, &mut change)
                    .await?;
            }
            let asked = Asked {
                who,
                action: match current.wish {
                    Wish::Present => Action::Update,
                    Wish::Absent => Action::Terminate,
                },
                object: Key::cloud(key),
                verb: "adopt-generation",
                after: named,
                cloud,
                lifecycle,
            };
            self.accept(&asked, current.wish, current.members, current.slice, change)
                .await
        })
        .await?;
        self.nudge(Nudge::Cloud(key.clone())).await;
        Ok(accepted)
    }

    /// The newest generation that a member was found to hold, ahead of the store.
    async fn newest_seen(&self, key: &CloudKey, uid: Uid) -> Result<Option<u64>, Error> {
        let targets = self
            .store()
            .read_all::<Target>(Scope::Under(key.path()))
            .await?;
        let targets = targets.into_iter().map(|found| found.document);
        Ok(targets
            .filter(|target| target.cloud_uid == uid)
            .filter_map(|target| target.last_error?.member_generation)
            .max())
    }
}

fn not_ahead() -> Error {
    Error::conflict("no member of the logical cloud is ahead of the store")
        .hint("look at the status; a member that is ahead says so, with its generation")
}

fn refuse_another(seen: u64, named: u64) -> Result<(), Error> {
    if seen == named {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "the newest generation that a member holds is {seen}, not {named}"
    ))
    .hint("look at the status, and decide again"))
}
