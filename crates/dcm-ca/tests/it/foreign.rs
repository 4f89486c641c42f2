//! Authorities of others: what they sign, and what is imported, is taken when it is what was asked for.

use dcm_ca::Metrics;
use dcm_pki::authority::{
    AuthorityKey, Certificate, Issuer, Level, Profile, Serial, Subject, issue, self_sign,
};
use dcm_types::ca::{
    AuthorityRequest, AuthorityScope, CaController as _, ImportAuthority, InstallSigned, KeyOrigin,
    PrivateKeyPem, RotationKind, RotationPhase, TrustModel,
};
use dcm_types::ports::{Clock as _, PortError};
use dcm_types::{KeyAlgorithm, Kind};
use jiff::SignedDuration;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use rcgen::{CertificateSigningRequestParams, IsCa, KeyPair, SerialNumber};

use crate::world::{DAY, HOUR, World, cloud, delete_cloud, somebody, target};

/// Somebody else's authority.
struct Signer {
    certificate: Certificate,
    key: AuthorityKey,
}

fn profile(world: &World, level: Level, name: &str) -> Profile {
    let now = world.clock.now();
    Profile {
        level,
        subject: Subject {
            organization: "others".to_owned(),
            unit: None,
            common_name: name.to_owned(),
        },
        serial: Serial::from_random([7; 16]),
        trust_domain: None,
        constrained: false,
        now,
        not_after: now + SignedDuration::from_hours(24 * 1000),
    }
}

impl Signer {
    fn new(world: &World) -> Self {
        let key = AuthorityKey::generate(KeyAlgorithm::EcdsaP384).unwrap();
        let certificate = self_sign(&profile(world, Level::Root, "others root"), &key)
            .unwrap()
            .certificate;
        Self { certificate, key }
    }

    /// An authority below it, with its key.
    fn below(&self, world: &World, level: Level) -> (Certificate, AuthorityKey) {
        let key = AuthorityKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let issuer = Issuer::new(&self.certificate, &self.key).unwrap();
        let made = issue(&profile(world, level, "others authority"), &key, &issuer).unwrap();
        (made.certificate, key)
    }

    /// Signs a request as a signer does that takes what is asked for.
    fn sign(&self, world: &World, request: &AuthorityRequest, path_length: Option<u8>) -> String {
        let mut parsed =
            CertificateSigningRequestParams::from_pem(request.pem.as_ref().unwrap()).unwrap();
        let now = world.clock.now();
        let at = |time: dcm_types::Timestamp| {
            time::OffsetDateTime::from_unix_timestamp(time.as_second()).unwrap()
        };
        parsed.params.not_before = at(now - SignedDuration::from_mins(5));
        parsed.params.not_after = at(now + SignedDuration::from_hours(24 * 900));
        parsed.params.serial_number = Some(SerialNumber::from_slice(&[66; 16]));
        parsed.params.use_authority_key_identifier_extension = true;
        parsed.params.is_ca = match path_length {
            Some(length) => IsCa::Ca(rcgen::BasicConstraints::Constrained(length)),
            None => IsCa::ExplicitNoCa,
        };
        let key =
            KeyPair::from_pem(secrecy::ExposeSecret::expose_secret(&self.key.to_pem())).unwrap();
        let der = self.certificate.der.as_slice().into();
        let issuer = rcgen::Issuer::from_ca_cert_der(&der, key).unwrap();
        parsed.signed_by(&issuer).unwrap().pem() + &self.certificate.to_pem()
    }
}

fn of_shop() -> AuthorityScope {
    AuthorityScope::Cloud(cloud("shop"))
}

async fn requested(world: &World, scope: &AuthorityScope) -> AuthorityRequest {
    let asked = world
        .ca
        .authority_request(scope, &somebody())
        .await
        .unwrap();
    assert_eq!(asked.pem, None);
    world.look().await;
    let made = world
        .ca
        .authority_request(scope, &somebody())
        .await
        .unwrap();
    assert_eq!(made.asked_at, asked.asked_at);
    made
}

async fn install(world: &World, chain_pem: &str, pin: Option<String>) -> Result<(), PortError> {
    let answer = InstallSigned {
        scope: of_shop(),
        chain_pem: chain_pem.to_owned(),
        anchor_fingerprint: pin,
    };
    world
        .ca
        .install_signed(&answer, &somebody())
        .await
        .map(drop)
}

fn import(scope: AuthorityScope, chain: &[&Certificate], key: &AuthorityKey) -> ImportAuthority {
    ImportAuthority {
        scope,
        chain_pem: chain.iter().map(|one| one.to_pem()).collect(),
        key: PrivateKeyPem::new(key.to_pem()),
        anchor_fingerprint: None,
    }
}

#[tokio::test]
async fn an_anchor_that_somebody_else_signed_signs_edges() {
    let world = World::new().await;
    let signer = Signer::new(&world);
    let request = requested(&world, &of_shop()).await;
    let waits = world.ca.ensure_bundle(&target("berlin")).await.unwrap_err();
    assert_eq!(waits.kind, Kind::Unavailable);
    let chain = signer.sign(&world, &request, Some(1));
    install(&world, &chain, None).await.unwrap();
    let bundle = world.ensure("berlin").await;
    assert!(chain.starts_with(&bundle.anchors_pem));
    let shown = world.ca.show(&of_shop()).await.unwrap();
    assert_eq!(shown.anchors[0].origin, KeyOrigin::SignedElsewhere);
    assert!(!shown.request_pending);
    let again = install(&world, &chain, None).await.unwrap_err();
    assert_eq!(again.kind, Kind::Conflict);
    world.verified_events().await;
}

#[tokio::test]
async fn answers_that_are_not_what_was_asked_for_are_refused_and_change_nothing() {
    let world = World::new().await;
    let signer = Signer::new(&world);
    let other = Signer::new(&world);
    let request = requested(&world, &of_shop()).await;
    let (foreign, _) = signer.below(&world, Level::Cloud);
    let good = signer.sign(&world, &request, Some(1));
    let alone = good
        .split_inclusive("-----END CERTIFICATE-----\n")
        .next()
        .unwrap();
    let rows = [
        ("no authority", signer.sign(&world, &request, None)),
        ("no room", signer.sign(&world, &request, Some(0))),
        (
            "another key",
            foreign.to_pem() + &signer.certificate.to_pem(),
        ),
        (
            "another issuer",
            alone.to_owned() + &other.certificate.to_pem(),
        ),
        ("nothing above it", alone.to_owned()),
        ("no certificate", "hello".to_owned()),
        ("nothing", String::new()),
        ("too much", "x".repeat(65 * 1024)),
    ];
    let before = world.authority().await;
    for (what, chain) in rows {
        let refused = install(&world, &chain, None).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Invalid, "{what}: {refused}");
    }
    let pinned = install(&world, &good, Some("00".repeat(32)))
        .await
        .unwrap_err();
    assert_eq!(pinned.kind, Kind::Invalid);
    assert_eq!(world.authority().await, before);
    let fingerprint = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(
        &signer.certificate.der,
    ));
    install(&world, &good, Some(fingerprint.to_uppercase()))
        .await
        .unwrap();
}

#[tokio::test]
async fn an_imported_intermediate_signs_the_anchors_of_clouds() {
    let world = World::new().await;
    let root = Signer::new(&world);
    let taken = import(
        AuthorityScope::Organization,
        &[&root.certificate],
        &root.key,
    );
    world.ca.import(taken, &somebody()).await.unwrap();
    world.ensure("berlin").await;
    let authority = world.authority().await;
    assert_eq!(authority.trust_model, TrustModel::CloudIntermediate);
    assert_eq!(authority.anchors[0].above_pem, root.certificate.to_pem());
}

#[tokio::test]
async fn imports_that_are_not_good_are_refused() {
    let world = World::new().await;
    let root = Signer::new(&world);
    let (edge, edge_key) = root.below(&world, Level::Edge);
    let (good, good_key) = root.below(&world, Level::Cloud);
    let rows = [
        import(of_shop(), &[&edge, &root.certificate], &edge_key),
        import(of_shop(), &[&good, &root.certificate], &edge_key),
        import(of_shop(), &[&root.certificate, &good], &good_key),
        import(of_shop(), &[&good], &good_key),
        import(
            AuthorityScope::Organization,
            &[&good, &root.certificate],
            &good_key,
        ),
    ];
    for (number, row) in rows.into_iter().enumerate() {
        let refused = world.ca.import(row, &somebody()).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Invalid, "{number}: {refused}");
        assert!(!refused.message.contains("PRIVATE"), "{refused}");
    }
}

#[tokio::test]
async fn an_import_where_there_is_an_anchor_begins_to_rotate_to_it() {
    let world = World::new().await;
    world.follow("berlin").await;
    let root = Signer::new(&world);
    let (anchor, key) = root.below(&world, Level::Cloud);
    let taken = import(of_shop(), &[&anchor, &root.certificate], &key);
    world.ca.import(taken, &somebody()).await.unwrap();
    assert_eq!(world.phase().await, RotationPhase::TrustBoth);
    world.follow("berlin").await;
    world.live(2 * HOUR).await;
    world.follow("berlin").await;
    world.live(2 * HOUR).await;
    let bundle = world.follow("berlin").await;
    world.look().await;
    assert_eq!(world.phase().await, RotationPhase::Done);
    assert_eq!(bundle.anchors_pem, anchor.to_pem());
    let refused = world.start(RotationKind::Anchor).await.unwrap_err();
    assert!(refused.message.contains("import"), "{refused}");
    world.clock.forward(DAY);
    world.verified_events().await;
}

#[tokio::test]
async fn no_anchor_that_is_made_meanwhile_has_the_subject_of_a_request() {
    let world = World::new().await;
    world.follow("berlin").await;
    let signer = Signer::new(&world);
    let request = requested(&world, &of_shop()).await;
    world.start(RotationKind::Anchor).await.unwrap();
    world.look().await;
    let chain = signer.sign(&world, &request, Some(1));
    let refused = install(&world, &chain, None).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Conflict);
    let answered = dcm_pki::authority::certificates(&chain, "x").unwrap();
    let shown = world.ca.show(&of_shop()).await.unwrap();
    assert_eq!(shown.anchors.len(), 2);
    let mut subjects: Vec<_> = shown.anchors.into_iter().map(|one| one.subject).collect();
    subjects.push(answered[0].subject_text.clone());
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), 3);
}

#[tokio::test]
async fn clouds_wait_for_the_root_that_was_asked_for() {
    let world = World::new().await;
    requested(&world, &AuthorityScope::Organization).await;
    let waits = world.ca.ensure_bundle(&target("berlin")).await.unwrap_err();
    assert_eq!(waits.kind, Kind::Unavailable);
    let root = Signer::new(&world);
    let taken = import(
        AuthorityScope::Organization,
        &[&root.certificate],
        &root.key,
    );
    world.ca.import(taken, &somebody()).await.unwrap();
    world.ensure("berlin").await;
    let model = world.authority().await.trust_model;
    assert_eq!(model, TrustModel::CloudIntermediate);
}

fn late(registry: &Registry) -> Vec<String> {
    let mut text = String::new();
    encode(&mut text, registry).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("dcm_ca_late"));
    lines.map(str::to_owned).collect()
}

#[tokio::test]
async fn an_anchor_that_nobody_replaces_is_counted_as_late_until_its_cloud_is_gone() {
    let mut registry = Registry::default();
    let mut world = World::new().await;
    world.ca = world.ca.with_metrics(Metrics::register(&mut registry));
    let count = |anchors: u64, edges: u64| {
        let line = |what, count| format!("dcm_ca_late_certificates{{what=\"{what}\"}} {count}");
        let mut lines = vec![line("anchor", anchors), line("edge", edges)];
        lines.sort();
        lines
    };
    let shown = |registry: &Registry| {
        let mut lines = late(registry);
        lines.sort();
        lines
    };
    let root = Signer::new(&world);
    let (anchor, key) = root.below(&world, Level::Cloud);
    let taken = import(of_shop(), &[&anchor, &root.certificate], &key);
    world.ca.import(taken, &somebody()).await.unwrap();
    world.follow("berlin").await;
    world.look().await;
    assert_eq!(shown(&registry), count(0, 0));
    // The anchor lives for 1,000 days; its edge is renewed on the way.
    world.clock.forward(834 * DAY);
    world.look().await;
    assert_eq!(shown(&registry), count(1, 0));
    // No edge outlives its anchor, so none is renewed any more.
    world.clock.forward(160 * DAY);
    world.look().await;
    world.clock.forward(5 * DAY + 12 * HOUR);
    world.look().await;
    assert_eq!(shown(&registry), count(1, 1));
    delete_cloud(world.store.as_ref(), "shop").await;
    world.look().await;
    assert_eq!(shown(&registry), count(0, 0));
}
