//! Everything that may be wrong with an issuer: refused with its reason, nothing stored, asked again later.

use std::time::Duration;

use dcm_ca::SigningError;
use dcm_testkit::issuer::{Fault, TOKEN};
use dcm_types::ca::{CaController as _, KeyOrigin};

use crate::world::{Speaks, World, target};

/// What is told of a fault, and whether it is asked again within minutes.
fn told(fault: Fault) -> (&'static str, bool) {
    match fault {
        Fault::AnotherKey => ("must be for the key of the request", false),
        Fault::AnotherSubject => ("must have the subject of the request", false),
        Fault::OtherNames => ("must have the names of the request", false),
        Fault::TooLong => ("must not be valid longer than was asked for", false),
        Fault::TooShort => ("must be valid for longer than an intermediate", false),
        Fault::NoAuthority => ("must be a certificate authority", false),
        Fault::NoRoom => ("path length that leaves room", false),
        Fault::AnotherRoot => ("must verify up to the certificate to be trusted", false),
        Fault::NoCertificate => ("must hold a PEM certificate", false),
        Fault::Forbidden => ("403 Forbidden: permission denied", false),
        Fault::Broken => ("500 Internal Server Error: it broke", true),
        Fault::Hangs => ("it took too long", true),
        Fault::Huge => ("larger than 256 KiB", false),
        Fault::Garbage => ("not the JSON that is expected", false),
        Fault::Closes => ("did not answer", true),
    }
}

#[tokio::test]
async fn every_fault_is_told_stores_nothing_and_is_asked_again() {
    for speaks in [Speaks::Vault, Speaks::StepCa] {
        let world = World::with(speaks, |settings| {
            settings.timeout = Duration::from_millis(800);
        })
        .await;
        world.begin().await;
        for (tries, fault) in Fault::ALL.into_iter().enumerate() {
            let (rule, soon) = told(fault);
            let name = format!("{speaks:?} {fault:?}");
            world.issuer.fail(Some(fault));
            let next = world.look().await.unwrap_or_else(|| unreachable!("{name}"));
            let authority = world.authority().await;
            assert_eq!(
                (authority.signing, authority.anchors.len()),
                (0, 0),
                "{name}"
            );
            let problem = world.shown().await.request_problem.unwrap();
            assert!(problem.contains(rule), "{name}: {problem}");
            let wait = next.duration_since(world.now()).as_secs();
            assert!(wait <= if soon { 300 } else { 3600 }, "{name}: {wait}");
            assert_eq!(world.issuer.asked(), tries + 1, "{name}");
            // Not before its time.
            world.look().await;
            assert_eq!(world.issuer.asked(), tries + 1, "{name}");
            world.forward(Duration::from_hours(2));
        }
        world.issuer.fail(None);
        assert_eq!(world.look().await, None, "{speaks:?}");
        world.ca.ensure_bundle(&target()).await.unwrap();
        let shown = world.shown().await;
        assert_eq!(shown.anchors[0].origin, KeyOrigin::Issued);
        assert_eq!(shown.request_problem, None);
    }
}

#[tokio::test]
async fn pauses_grow_up_to_a_limit() {
    let world = World::new(Speaks::Vault).await;
    world.begin().await;
    world.issuer.fail(Some(Fault::Broken));
    let mut waits = Vec::new();
    for _ in 0..10 {
        let next = world.look().await.unwrap();
        waits.push(next.duration_since(world.now()).as_secs());
        world.forward(Duration::from_mins(6));
    }
    assert!(waits[0] <= 5, "{waits:?}");
    assert!(waits[4] > waits[0], "{waits:?}");
    assert!(waits[9] >= 149 && waits[9] <= 300, "{waits:?}");
}

#[tokio::test]
async fn a_token_is_told_by_nobody() {
    let world = World::with(Speaks::Vault, |settings| {
        if let dcm_issuer::Kind::Vault { token_file, .. } = &settings.kind {
            std::fs::write(token_file, "hvs.another-canary-token").unwrap();
        }
    })
    .await;
    world.begin().await;
    world.look().await;
    let problem = world.shown().await.request_problem.unwrap();
    assert!(
        problem.contains("permission denied for (hidden)"),
        "{problem}"
    );
    assert!(!problem.contains("canary"), "{problem}");
    assert!(!TOKEN.is_empty());
}

#[tokio::test]
async fn a_server_that_cannot_prove_who_it_is_gets_nothing() {
    let world = World::with(Speaks::Vault, |settings| {
        // Another authority than that of its certificate.
        settings.ca_file.clone_from(&settings.anchor_file);
    })
    .await;
    world.begin().await;
    world.look().await;
    assert_eq!(world.issuer.asked(), 0);
    let problem = world.shown().await.request_problem.unwrap();
    assert!(problem.contains("certificate"), "{problem}");
}

#[test]
fn only_an_issuer_that_does_not_answer_keeps_the_others_waiting() {
    let rows = [
        (SigningError::Unanswered(String::new()), true, "unanswered"),
        (SigningError::Refused(String::new()), false, "refused"),
        (SigningError::Unusable(String::new()), false, "unusable"),
    ];
    for (error, about_all, category) in rows {
        assert_eq!(
            (error.is_about_all(), error.category()),
            (about_all, category)
        );
    }
}
