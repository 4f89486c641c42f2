//! One suite for the port: a controller and a client of it are asked the same, and say and hear the same.

use std::sync::Arc;

use dcm_types::Kind;
use dcm_types::ca::{AuthorityScope, CaBundle, CaChange, CaController, EvidenceStage};
use dcm_types::ports::PortError;
use futures::StreamExt as _;

use crate::fake::Fake;
use crate::samples;
use crate::wire::Wire;

/// Everything that a call says, in words: a bundle with its key.
type Said = Vec<Result<String, PortError>>;

fn bundle(bundle: &CaBundle) -> String {
    format!("{bundle:?} {}", bundle.key.expose())
}

fn shown(value: impl std::fmt::Debug) -> String {
    format!("{value:?}")
}

async fn say_everything(ca: &dyn CaController) -> Said {
    let (near, far) = (samples::target("near"), samples::target("far"));
    let (cloud, by) = (samples::cloud(), samples::requester());
    let mut said = vec![
        ca.ensure_bundle(&near).await.map(|found| bundle(&found)),
        ca.get_bundle(&far).await.map(|found| bundle(&found)),
        ca.list_bundles(&cloud).await.map(shown),
        ca.release(&near, &by).await.map(shown),
        ca.start_rotation(&samples::start(false), &by)
            .await
            .map(shown),
        ca.start_rotation(&samples::start(true), &by)
            .await
            .map(shown),
        ca.get_rotation(&cloud).await.map(shown),
        ca.abort_rotation(&cloud, &by).await.map(shown),
        ca.revoke(&far, &by).await.map(shown),
    ];
    for stage in [
        EvidenceStage::Written,
        EvidenceStage::Loaded,
        EvidenceStage::Aged,
    ] {
        let evidence = samples::evidence(stage);
        said.push(ca.report_evidence(&evidence).await.map(shown));
    }
    for scope in [AuthorityScope::Organization, AuthorityScope::Cloud(cloud)] {
        said.push(ca.show(&scope).await.map(shown));
        said.push(ca.authority_request(&scope, &by).await.map(shown));
        said.push(ca.verify_audit(&scope).await.map(shown));
        for anchor in [None, Some("ab12")] {
            let answer = samples::answer(&scope, anchor);
            said.push(ca.install_signed(&answer, &by).await.map(shown));
            let import = samples::import(&scope, anchor);
            said.push(ca.import(import, &by).await.map(shown));
        }
    }
    said
}

#[tokio::test]
async fn a_client_says_and_hears_what_the_controller_does() {
    let fake = Fake::new();
    let near = say_everything(fake.as_ref()).await;
    let asked_near = fake.asked();
    let wire = Wire::new(fake.clone());
    let far = say_everything(&wire.client()).await;
    assert!(near.iter().all(Result::is_ok), "{near:?}");
    assert_eq!(far, near);
    assert_eq!(fake.asked(), asked_near);
    assert_eq!(asked_near.len(), near.len());
}

#[tokio::test]
async fn every_kind_of_refusal_comes_through_once_and_with_its_words() {
    let fake = Fake::new();
    let wire = Wire::new(fake.clone());
    let client = wire.client();
    for kind in Kind::ALL {
        let message = format!("refused as {}: 'ä' is \"wrong\"\n(a hint)", kind.as_str());
        let refusal = PortError::new(kind, message);
        fake.fail(Some(refusal.clone()));
        let near = say_everything(fake.as_ref()).await;
        let asked_near = fake.asked();
        assert_eq!(say_everything(&client).await, near);
        assert!(near.iter().all(|said| said == &Err(refusal.clone())));
        // Also one that is not available: that is an answer.
        assert_eq!(fake.asked(), asked_near);
    }
}

async fn hears(ca: &dyn CaController, fake: &Arc<Fake>, change: CaChange) {
    let mut hints = ca.watch();
    // A client may say first that it was not there before.
    let heard = async {
        loop {
            let hint = hints.next().await.unwrap();
            if hint == change {
                return;
            }
            assert_eq!(hint, CaChange::Missed);
        }
    };
    let told = async {
        loop {
            if fake.watchers() > 0 {
                fake.tell(change.clone());
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = heard => {}
        () = told => {}
    }
}

#[tokio::test]
async fn hints_are_heard_by_whoever_watches() {
    let fake = Fake::new();
    let wire = Wire::new(fake.clone());
    let client = wire.client();
    for change in [
        CaChange::Cloud(samples::cloud()),
        CaChange::Target(samples::target("near")),
        CaChange::Missed,
    ] {
        hears(fake.as_ref(), &fake, change.clone()).await;
        hears(&client, &fake, change).await;
    }
}
