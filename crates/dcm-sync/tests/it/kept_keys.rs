//! Users who keep their key, in virtual time: their own request is sent and no other, again for each renewal.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dcm_pki::{UserKey, certificate_request};
use dcm_store::Expect;
use dcm_testkit::kubesim::Member;
use dcm_types::documents::{
    CredentialKind, IssuedCredential, Metadata, Proof, Revision, Target, User,
};
use dcm_types::member_name::user_identity;
use dcm_types::ports::{Nudge, Synchronizer as _};
use dcm_types::{ConditionStatus, TargetKey, Track};

use tokio::time::Instant;

use crate::world::{PATIENCE, World, condition, next, revision, target};

/// The requests that the member holds, as text.
fn requests(member: &Member) -> Vec<String> {
    let path = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
    let list = member.object(path).unwrap();
    let items = list["items"].as_array().unwrap().iter();
    items
        .map(|item| {
            let encoded = item["spec"]["request"].as_str().unwrap();
            String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
        })
        .collect()
}

/// Writes what alice gave, as the use case does.
async fn give(world: &World, revision: &Revision, request: &str) {
    let alice = &revision.slice.users[0];
    let user = User {
        uid: alice.uid,
        cloud: revision.cloud.clone(),
        name: alice.name.clone(),
        metadata: Metadata::default(),
        credential: CredentialKind::SigningRequest,
        identity_generation: 1,
        revoked_at: None,
        signing_request: Some(request.to_owned()),
        revoked_key: None,
    };
    world.put(&user, Expect::Anything).await;
    nudge(world, revision).await;
}

async fn nudge(world: &World, revision: &Revision) {
    let nudge = Nudge::Cloud(revision.cloud.clone());
    world.handle.nudge(nudge).await.unwrap();
}

fn waits(target: &Target) -> bool {
    let access = target.conditions.iter().find(|c| c.track == Track::Access);
    access.is_some_and(|access| access.reason == "WaitsForSigningRequest")
}

/// Waits for a certificate of which something holds.
async fn issued(
    world: &World,
    key: &TargetKey,
    holds: impl Fn(&IssuedCredential) -> bool,
) -> IssuedCredential {
    let started = Instant::now();
    loop {
        let access = world.access(key, "alice").await;
        if let Some(current) = access.and_then(|access| access.current).filter(&holds) {
            return current;
        }
        assert!(started.elapsed() < PATIENCE, "no such certificate");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn public_key(issued: &IssuedCredential) -> Option<Vec<u8>> {
    let Proof::Certificate {
        certificate_pem, ..
    } = &issued.proof
    else {
        return None;
    };
    dcm_pki::certificate_public_key(certificate_pem)
}

fn kept(revision: &mut Revision) {
    revision.slice.users[0].credential = CredentialKind::SigningRequest;
}

#[tokio::test(start_paused = true)]
async fn the_holders_request_is_sent_as_it_is_and_again_for_each_renewal() {
    let (world, members) = World::simulated(&["one"]);
    let one = world
        .register("one", &members[0].kubeconfig().unwrap())
        .await;
    let mut first = revision(&[&one]);
    kept(&mut first);
    let key = target(&first, &one);
    world.wish(&first).await;
    let waiting = world.until(&key, "waiting for a request", waits).await;
    let access = condition(&waiting, Track::Access);
    assert_eq!(access.status, ConditionStatus::Blocked);
    let identity = &first.slice.users[0].identity;
    assert!(
        access.message.contains(&format!("CN={identity}")),
        "{access:?}"
    );
    assert!(requests(&members[0]).is_empty());

    // What is for somebody else is not sent, whoever wrote it.
    let own = UserKey::generate().unwrap();
    give(
        &world,
        &first,
        &certificate_request(&own, "dcm:other").unwrap(),
    )
    .await;
    world.quiet(Duration::from_millis(500)).await;
    assert!(requests(&members[0]).is_empty());

    let request = certificate_request(&own, identity).unwrap();
    give(&world, &first, &request).await;
    world.ready(&key, 1).await;
    assert_eq!(requests(&members[0]), [request.as_str()]);
    let first_one = issued(&world, &key, |_| true).await;
    assert!(matches!(
        first_one.proof,
        Proof::Certificate { key: None, .. }
    ));
    assert!(first_one.usable);
    world.clock.advance(Duration::from_hours(3 * 24));
    nudge(&world, &first).await;
    let renewed = issued(&world, &key, |now| now.epoch > first_one.epoch).await;
    assert!(renewed.usable);
    assert_eq!(public_key(&renewed), Some(own.public_key_der()));
    let sent = requests(&members[0]);
    assert!(sent.len() > 1 && sent.iter().all(|sent| sent == &request));

    // Another key is no reason to wait.
    let other = UserKey::generate().unwrap();
    let request = certificate_request(&other, identity).unwrap();
    give(&world, &first, &request).await;
    let is_for_other = |now: &IssuedCredential| public_key(now) == Some(other.public_key_der());
    assert!(issued(&world, &key, is_for_other).await.usable);

    // With another identity it waits for another one, although the document still has the earlier.
    let mut second = next(&first);
    let alice = &mut second.slice.users[0];
    alice.identity = user_identity(first.cloud_uid, first.cloud_uid, alice.uid, 2);
    world.wish(&second).await;
    world
        .until(&key, "waiting for another request", waits)
        .await;
    let access = world.access(&key, "alice").await.unwrap();
    assert!(access.current.is_none() && access.pending.is_none());
}
