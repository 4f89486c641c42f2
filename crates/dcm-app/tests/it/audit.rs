//! Audit: a record in every commit, and a chain that tells when somebody touched them (T38).

use std::collections::BTreeSet;

use dcm_app::audit::ChainReport;
use dcm_app::{Precondition, run_background};
use dcm_store::{Batch, Expect, Scope, StoreExt as _};
use dcm_types::documents::{AuditLink, AuditRecord};
use dcm_types::{Document, Key};
use tokio_util::sync::CancellationToken;

use crate::world::{World, cloud_key, eventually, project_draft, who};

on_every_store!(
    a_record_says_who_what_and_from_where,
    a_refused_change_leaves_no_record,
    every_record_is_linked_once,
    linking_goes_on_after_a_restart,
    two_linkers_make_one_chain,
    an_edited_record_is_found,
    a_deleted_record_is_found,
    an_edited_link_is_found,
    a_deleted_link_is_found,
    swapped_links_are_found,
    a_record_that_is_linked_twice_is_found,
    a_burst_of_changes_is_linked,
);

impl World {
    async fn links(&self) -> Vec<AuditLink> {
        let scope = Scope::Under("p".to_owned());
        let found = self.store.read_all::<AuditLink>(scope).await.unwrap();
        found.into_iter().map(|found| found.document).collect()
    }

    async fn verify(&self) -> ChainReport {
        self.app.verify_audit(&who(), "p").await.unwrap()
    }

    /// Changes the project so many times, and waits until all of it is linked.
    async fn linked(&self, changes: usize) -> Vec<AuditLink> {
        let cancellation = CancellationToken::new();
        let work = tokio::spawn(run_background(self.app.clone(), cancellation.clone()));
        self.change(changes).await;
        self.await_links().await;
        cancellation.cancel();
        work.await.unwrap();
        self.links().await
    }

    async fn change(&self, times: usize) {
        for number in 0..times {
            let draft = project_draft("p", &format!("text {number}"));
            let name = draft.name.clone();
            self.app
                .put_project(&who(), &name, draft, Precondition::None)
                .await
                .unwrap();
        }
    }

    async fn await_links(&self) {
        eventually("every record is linked", async || {
            self.links().await.len() == self.records("p").await.len()
        })
        .await;
    }

    async fn overwrite<D: Document>(&self, document: &D) {
        let mut batch = Batch::new();
        batch.put(document, Expect::Exists).unwrap();
        self.store.commit(batch).await.unwrap();
    }

    async fn erase(&self, key: Key) {
        let mut batch = Batch::new();
        batch.delete(key, Expect::Exists);
        self.store.commit(batch).await.unwrap();
    }

    async fn assert_bad(&self, sequence: u64, why: &str) {
        let report = self.verify().await;
        let bad = report.first_bad.unwrap();
        assert_eq!((bad.sequence, bad.why), (sequence, why));
        assert_eq!(report.verified, sequence - 1);
    }
}

async fn a_record_says_who_what_and_from_where(world: World) {
    world.project("p").await;
    let [record] = &world.records("p").await[..] else {
        unreachable!()
    };
    assert_eq!(record.principal, "local-operator");
    assert_eq!(record.origin, "127.0.0.1");
    assert_eq!(record.request, "request-1");
    assert_eq!(record.object, "project/p");
    assert_eq!(record.scope, "p");
}

async fn a_refused_change_leaves_no_record(world: World) {
    world.project("p").await;
    let key = cloud_key("p", "lc");
    world.app.instantiate(&who(), &key).await.unwrap_err();
    let again = world
        .app
        .create_project(&who(), project_draft("p", ""))
        .await;
    again.unwrap_err();
    assert_eq!(world.records("p").await.len(), 1);
}

async fn every_record_is_linked_once(world: World) {
    let links = world.linked(250).await;
    assert_eq!(links.len(), 250);
    let records: BTreeSet<_> = links.iter().map(|link| &link.record).collect();
    assert_eq!(records.len(), links.len());
    let report = world.verify().await;
    assert_eq!(
        report,
        ChainReport {
            verified: 250,
            unlinked: 0,
            first_bad: None
        }
    );
    world.change(1).await;
    assert_eq!(world.verify().await.unlinked, 1);
}

async fn linking_goes_on_after_a_restart(world: World) {
    world.linked(3).await;
    world.change(4).await;
    let links = world.linked(2).await;
    assert_eq!(links.len(), world.records("p").await.len());
    assert!(world.verify().await.first_bad.is_none());
}

async fn two_linkers_make_one_chain(world: World) {
    let cancellation = CancellationToken::new();
    for _ in 0..3 {
        tokio::spawn(run_background(world.app.clone(), cancellation.clone()));
    }
    for _ in 0..20 {
        world.change(10).await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    world.await_links().await;
    cancellation.cancel();
    let report = world.verify().await;
    assert_eq!(report.first_bad, None);
    assert_eq!(report.unlinked, 0);
}

async fn an_edited_record_is_found(world: World) {
    let links = world.linked(5).await;
    let mut record = world.records("p").await[2].clone();
    assert_eq!(record.id, links[2].record);
    "somebody-else".clone_into(&mut record.principal);
    world.overwrite(&record).await;
    world.assert_bad(3, "links a record that was changed").await;
}

async fn a_deleted_record_is_found(world: World) {
    world.linked(5).await;
    let record: AuditRecord = world.records("p").await[1].clone();
    world.erase(record.key()).await;
    world
        .assert_bad(2, "links a record that does not exist")
        .await;
}

async fn an_edited_link_is_found(world: World) {
    let mut link = world.linked(5).await[3].clone();
    link.hash = "0".repeat(64);
    world.overwrite(&link).await;
    world.assert_bad(4, "links a record that was changed").await;
}

async fn a_deleted_link_is_found(world: World) {
    let links = world.linked(5).await;
    world.erase(links[1].key()).await;
    world
        .assert_bad(
            2,
            "is not the next link: one before it is missing, or it was moved",
        )
        .await;
}

async fn swapped_links_are_found(world: World) {
    let links = world.linked(5).await;
    for (link, place) in [(&links[1], 3), (&links[2], 2)] {
        let moved = AuditLink {
            sequence: place,
            ..link.clone()
        };
        world.overwrite(&moved).await;
    }
    world
        .assert_bad(2, "does not follow the link before it")
        .await;
}

async fn a_record_that_is_linked_twice_is_found(world: World) {
    let links = world.linked(3).await;
    let again = AuditLink {
        record: links[0].record.clone(),
        ..links[2].clone()
    };
    world.overwrite(&again).await;
    world.assert_bad(3, "links a record that was changed").await;
}

async fn a_burst_of_changes_is_linked(world: World) {
    let cancellation = CancellationToken::new();
    tokio::spawn(run_background(world.app.clone(), cancellation.clone()));
    world.project("p").await;
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let app = world.app.clone();
            tokio::spawn(async move {
                for number in 0..150 {
                    let draft = crate::world::cloud_draft(&format!("lc-{writer}-{number}"));
                    let project = cloud_key("p", "lc").project;
                    let created = app.create_logical_cloud(&who(), &project, draft).await;
                    created.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    world.await_links().await;
    cancellation.cancel();
    let report = world.verify().await;
    assert_eq!((report.verified, report.first_bad), (1201, None));
}
