//! Many references of a cloud one after the other, decided on a list that is read once.
//!
//! Invariant: the store is one that nobody else writes ([`dcm_store::StagedStore`]): after a write of
//! ours the cloud is read again, and what touched it since was that write.

use dcm_types::documents::ClusterReference;
use dcm_types::drafts::ReferenceDraft;
use dcm_types::{CloudKey, Document as _, Key};

use super::members::{Members, name_from_cluster};
use crate::{App, Error, Principal, Written};

impl App {
    /// The members of a cloud, for [`App::apply_reference`].
    pub(crate) async fn members_to_change(&self, cloud: &CloudKey) -> Result<Members, Error> {
        self.members_of(cloud).await
    }

    /// Makes a cluster a member, or changes the reference of this name; without a name, the one to
    /// this cluster.
    pub(crate) async fn apply_reference(
        &self,
        who: &Principal,
        members: &mut Members,
        draft: &ReferenceDraft,
    ) -> Result<Written<ClusterReference>, Error> {
        let mut draft = draft.clone();
        let name = match draft.name.take() {
            Some(name) => name,
            None => match members.of_cluster(&draft.cluster) {
                Some(found) => {
                    draft.metadata = found.document.metadata;
                    found.document.name
                }
                None => name_from_cluster(&draft.cluster, |name| members.named(name).is_some()),
            },
        };
        let found = members.named(&name);
        let reference = self.placed(members, &name, &draft)?;
        let written = self.write_reference(who, members, found, reference).await?;
        let cloud = members.cloud.document.key.clone();
        members.cloud = self.require_cloud(&cloud).await?;
        let key = Key::reference(&cloud, &name);
        if let Some(found) = self.find(&key).await? {
            members.insert(found);
        }
        debug_assert_eq!(written.saved.document.key(), key);
        Ok(written)
    }
}
