//! Requests that break rules: each is refused with field and rule, and never reaches the controller.

use dcm_rpc::v1;
use dcm_rpc::v1::ca_controller_client::CaControllerClient;
use hyper_util::rt::TokioIo;
use prost::Message as _;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tower::service_fn;

use crate::fake::Fake;
use crate::samples;
use crate::wire::Wire;

async fn connect(wire: &Wire) -> CaControllerClient<Channel> {
    let path = wire.path().to_owned();
    let connector = service_fn(move |_| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_static("http://ca.invalid");
    let channel = endpoint.connect_with_connector(connector).await.unwrap();
    CaControllerClient::new(channel)
}

fn problem(status: &Status) -> v1::Problem {
    let details = v1::ErrorStatus::decode(status.details()).unwrap();
    assert_eq!(details.code, i32::from(status.code()));
    assert_eq!(details.message, status.message());
    v1::Problem::decode(details.details[0].value.as_slice()).unwrap()
}

/// Fields and rules of a refusal.
fn faults(status: &Status) -> Vec<(String, String)> {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let problem = problem(status);
    assert_eq!(problem.kind, "invalid");
    let faults = problem.faults.into_iter();
    faults.map(|fault| (fault.field, fault.rule)).collect()
}

fn fields(status: &Status) -> Vec<String> {
    faults(status).into_iter().map(|(field, _)| field).collect()
}

fn cloud(project: &str, name: &str) -> v1::Cloud {
    v1::Cloud {
        project: project.to_owned(),
        logical_cloud: name.to_owned(),
    }
}

fn target(cloud: Option<v1::Cloud>, provider: &str, cluster: &str) -> v1::Target {
    let (provider, cluster) = (provider.to_owned(), cluster.to_owned());
    v1::Target {
        cloud,
        cluster: Some(v1::Cluster { provider, cluster }),
    }
}

fn requester() -> v1::Requester {
    v1::Requester {
        principal: "alice".to_owned(),
        origin: String::new(),
        request: String::new(),
    }
}

#[tokio::test]
async fn names_that_break_a_rule_are_refused_all_at_once() {
    let fake = Fake::new();
    let wire = Wire::new(fake.clone());
    let mut calls = connect(&wire).await;
    let good = Some(cloud("acme", "shop"));
    let rows = [
        (None, vec!["target"]),
        (
            Some(v1::Target::default()),
            vec!["target.cloud", "target.cluster"],
        ),
        (
            Some(target(good.clone(), "edge", "")),
            vec!["target.cluster.cluster"],
        ),
        (
            Some(target(good.clone(), "..", "near")),
            vec!["target.cluster.provider"],
        ),
        (
            Some(target(
                Some(cloud("a/b", "shop\n")),
                "edge",
                &"x".repeat(1000),
            )),
            vec![
                "target.cloud.project",
                "target.cloud.logical_cloud",
                "target.cluster.cluster",
            ],
        ),
    ];
    for (target, expected) in rows {
        let request = v1::EnsureBundleRequest { target };
        let refused = calls.ensure_bundle(request).await.unwrap_err();
        assert_eq!(fields(&refused), expected);
        assert!(
            faults(&refused)
                .iter()
                .all(|(_, rule)| rule.starts_with("must"))
        );
    }
    assert_eq!(fake.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn who_asks_must_be_said_in_printable_words() {
    let fake = Fake::new();
    let wire = Wire::new(fake.clone());
    let mut calls = connect(&wire).await;
    let with = |spoil: fn(&mut v1::Requester)| {
        let mut by = requester();
        spoil(&mut by);
        Some(by)
    };
    let rows = [
        (None, "requester"),
        (with(|by| by.principal.clear()), "requester.principal"),
        (
            with(|by| by.principal = "a\u{202e}b".to_owned()),
            "requester.principal",
        ),
        (with(|by| by.origin = "x".repeat(513)), "requester.origin"),
        (
            with(|by| by.request = "a\nb".to_owned()),
            "requester.request",
        ),
    ];
    for (requester, expected) in rows {
        let request = v1::RevokeRequest {
            target: Some((&samples::target("near")).into()),
            requester,
        };
        let refused = calls.revoke(request).await.unwrap_err();
        assert_eq!(fields(&refused), [expected]);
    }
    assert_eq!(fake.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn numbers_that_are_not_described_are_refused() {
    let fake = Fake::new();
    let wire = Wire::new(fake.clone());
    let mut calls = connect(&wire).await;
    for kind in [0, 3, -1] {
        let request = v1::StartRotationRequest {
            cloud: Some(cloud("acme", "shop")),
            kind,
            dry_run: true,
            requester: Some(requester()),
        };
        let refused = calls.start_rotation(request).await.unwrap_err();
        assert_eq!(fields(&refused), ["kind"], "{kind}");
    }
    for (stage, uid, expected) in [
        (0, samples::uid().to_string(), vec!["stage"]),
        (
            4,
            "not-a-uid".to_owned(),
            vec!["cloud_uid", "version", "stage"],
        ),
    ] {
        let version = (stage == 0).then(v1::BundleVersion::default);
        let request = v1::ReportEvidenceRequest {
            target: Some((&samples::target("near")).into()),
            cloud_uid: uid,
            version,
            stage,
        };
        let refused = calls.report_evidence(request).await.unwrap_err();
        assert_eq!(fields(&refused), expected);
    }
    assert_eq!(fake.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_scope_of_nobody_is_refused() {
    let fake = Fake::new();
    let wire = Wire::new(fake.clone());
    let mut calls = connect(&wire).await;
    for scope in [None, Some(v1::Scope::default())] {
        let request = v1::GetAuthorityRequest { scope };
        let refused = calls.get_authority(request).await.unwrap_err();
        assert_eq!(fields(&refused), ["scope"]);
    }
    let owner = v1::scope::Owner::Cloud(cloud("", "shop"));
    let scope = Some(v1::Scope { owner: Some(owner) });
    let refused = calls.verify_audit(v1::VerifyAuditRequest { scope }).await;
    assert_eq!(fields(&refused.unwrap_err()), ["scope.cloud.project"]);
    assert_eq!(fake.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_before_it_is_read() {
    let fake = Fake::new();
    let wire = Wire::new(fake.clone());
    let mut calls = connect(&wire).await;
    let request = v1::ImportAuthorityRequest {
        chain_pem: "x".repeat(2 * 1024 * 1024),
        key_pem: samples::KEY.to_owned(),
        ..v1::ImportAuthorityRequest::default()
    };
    let refused = calls.import_authority(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange, "{refused:?}");
    assert!(!format!("{refused:?}").contains(samples::KEY));
    assert_eq!(fake.asked(), Vec::<String>::new());
}
