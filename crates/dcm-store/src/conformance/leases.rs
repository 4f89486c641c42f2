//! Cases about leases.

use std::time::Duration;

use tokio::task::JoinSet;

use super::Subject;

const TTL: Duration = Duration::from_secs(10);

async fn token(subject: &dyn Subject, holder: &str) -> Option<u64> {
    let lease = subject.store().lease("sync", holder, TTL).await.unwrap();
    lease.map(|lease| {
        assert!(lease.remaining <= TTL && !lease.remaining.is_zero());
        lease.token
    })
}

/// While one holds it others get nothing; when its time is over another gets it, with a new token.
pub async fn one_holder_until_it_expires(subject: &dyn Subject) {
    let first = token(subject, "a").await.unwrap();
    assert_eq!(token(subject, "b").await, None);
    subject.pass(TTL / 2).await;
    assert_eq!(token(subject, "b").await, None);
    subject.pass(TTL / 2).await;
    let second = token(subject, "b").await.unwrap();
    assert!(second > first);
    assert_eq!(token(subject, "a").await, None);
    subject.pass(TTL).await;
    assert!(token(subject, "a").await.unwrap() > second);
}

/// Whoever renews in time keeps it as long as it likes, under the same token.
pub async fn renewal_keeps_the_token(subject: &dyn Subject) {
    let first = token(subject, "a").await.unwrap();
    for _ in 0..5 {
        subject.pass(TTL * 3 / 4).await;
        assert_eq!(token(subject, "b").await, None);
        assert_eq!(token(subject, "a").await, Some(first));
    }
}

/// A renewal for no time gives it up at once.
pub async fn lease_can_be_given_up(subject: &dyn Subject) {
    let first = token(subject, "a").await.unwrap();
    let store = subject.store();
    store
        .lease("sync", "a", Duration::ZERO)
        .await
        .unwrap()
        .unwrap();
    assert!(token(subject, "b").await.unwrap() > first);
}

/// Leases of different names have nothing to do with each other.
pub async fn names_are_independent(subject: &dyn Subject) {
    let store = subject.store();
    for (name, holder) in [("sync", "a"), ("audit", "b"), ("syn", "c"), ("", "d")] {
        assert!(store.lease(name, holder, TTL).await.unwrap().is_some());
    }
    assert_eq!(store.lease("audit", "a", TTL).await.unwrap(), None);
}

/// Of many that take an expired lease at once one gets it, and its token is new.
pub async fn one_of_many_takers_wins(subject: &dyn Subject) {
    let mut last = 0;
    for round in 0..10 {
        let mut takers = JoinSet::new();
        for taker in 0..16 {
            let store = subject.store();
            takers.spawn(async move {
                let holder = format!("{round}/{taker}");
                store.lease("sync", &holder, TTL).await.unwrap()
            });
        }
        let leases: Vec<_> = takers.join_all().await.into_iter().flatten().collect();
        assert_eq!(leases.len(), 1);
        assert!(leases[0].token > last);
        last = leases[0].token;
        subject.pass(TTL).await;
    }
}
