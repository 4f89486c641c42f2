//! The controller goes away, comes back, hangs and panics.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dcm_rpc::Client;
use dcm_types::Kind;
use dcm_types::ca::{CaChange, CaController as _};
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::Semaphore;

use crate::fake::Fake;
use crate::samples;
use crate::wire::Wire;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_bundle_is_asked_for_again_until_the_controller_is_back() {
    let fake = Fake::new();
    let mut wire = Wire::new(fake.clone());
    let client = wire.client();
    let near = samples::target("near");
    client.ensure_bundle(&near).await.unwrap();
    wire.stop().await;
    assert!(!wire.path().exists());
    let mut waiting = Box::pin(client.ensure_bundle(&near));
    // It was sent, refused, and is repeated.
    for _ in 0..3 {
        tokio::task::yield_now().await;
        assert!(waiting.as_mut().now_or_never().is_none());
    }
    wire.start(fake.clone());
    let bundle = waiting.await.unwrap();
    assert_eq!(bundle.target, near);
    assert_eq!(fake.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_controller_a_bundle_is_unavailable_when_its_time_is_over() {
    let client = Client::new(Path::new("/nowhere/ca.sock"));
    let began = tokio::time::Instant::now();
    let error = client
        .ensure_bundle(&samples::target("near"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Unavailable);
    assert!(error.message.contains("socket"), "{}", error.message);
    assert!(began.elapsed() > Duration::from_secs(25));
}

#[tokio::test]
async fn a_change_is_not_asked_for_twice() {
    let client = Client::new(Path::new("/nowhere/ca.sock"));
    let start = samples::start(false);
    let refused = client.start_rotation(&start, &samples::requester()).await;
    assert_eq!(refused.unwrap_err().kind, Kind::Unavailable);
}

#[tokio::test]
async fn a_controller_that_hangs_is_left_at_the_deadline() {
    let fake = Fake::new();
    let wire = Wire::new(fake.clone());
    let client = wire.client();
    client
        .ensure_bundle(&samples::target("near"))
        .await
        .unwrap();
    fake.gate.forget_permits(Semaphore::MAX_PERMITS);
    tokio::time::pause();
    let revoked = client
        .revoke(&samples::target("near"), &samples::requester())
        .await;
    assert_eq!(revoked.unwrap_err().kind, Kind::TimedOut);
}

#[tokio::test]
async fn a_panic_ends_its_call_only() {
    let fake = Fake::new();
    let wire = Wire::new(fake.clone());
    let client = wire.client();
    *fake.panics.lock() = true;
    let error = client
        .ensure_bundle(&samples::target("near"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Internal);
    assert!(!error.message.contains("asked to"), "{}", error.message);
    *fake.panics.lock() = false;
    client
        .ensure_bundle(&samples::target("near"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_call_that_runs_ends_before_the_server_does() {
    let fake = Fake::new();
    let mut wire = Wire::new(fake.clone());
    let client = wire.client();
    fake.gate.forget_permits(Semaphore::MAX_PERMITS);
    let near = samples::target("near");
    let call = tokio::spawn(async move { client.ensure_bundle(&near).await });
    until(|| !fake.asked().is_empty()).await;
    let gate = Arc::clone(&fake.gate);
    let (ended, ()) = tokio::join!(wire.stop().map(|()| true), async {
        tokio::task::yield_now().await;
        gate.add_permits(1);
    });
    assert!(ended);
    call.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_watch_does_not_keep_the_server_and_goes_on_with_the_next_one() {
    let fake = Fake::new();
    let mut wire = Wire::new(fake.clone());
    let mut hints = wire.client().watch();
    assert_eq!(hints.next().await, Some(CaChange::Missed));
    fake.tell(CaChange::Cloud(samples::cloud()));
    assert_eq!(hints.next().await, Some(CaChange::Cloud(samples::cloud())));
    tokio::time::timeout(PATIENCE, wire.stop()).await.unwrap();
    let another = Fake::new();
    wire.start(another.clone());
    // What happened in between may have been missed.
    assert_eq!(hints.next().await, Some(CaChange::Missed));
    another.tell(CaChange::Target(samples::target("near")));
    let heard = hints.next().await;
    assert_eq!(heard, Some(CaChange::Target(samples::target("near"))));
}

async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap();
}
