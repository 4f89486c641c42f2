//! Simulated members from outside: both fronts, time, faults, and what a member costs.

use std::sync::Arc;
use std::time::Duration;

use dcm_cluster::call::Calls;
use dcm_cluster::{
    CallErrorKind, ClusterApi, Connector, KubeConnector, Limits, Object, Place, Resource,
    WatchEvent,
};
use dcm_pki::UserKey;
use dcm_testkit::Assets;
use dcm_testkit::kubesim::{
    Authority, Fault, Fleet, Load, Member, Options, Request, Rule, Server, Signer, User,
    VirtualClock, When,
};
use dcm_types::address::AddressPolicy;
use dcm_types::documents::Cluster;
use futures::StreamExt as _;
use serde_json::json;

const REQUESTS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

fn member(seed: u64, authority: Option<Arc<Authority>>) -> Member {
    let clock = Arc::new(VirtualClock::starting_at(dcm_types::Timestamp::now()));
    let options = Options {
        seed,
        version: "v1.36.3".to_owned(),
        clock,
        authority,
    };
    Member::new("one", options).unwrap()
}

fn limits() -> Limits {
    Limits {
        connect_deadline: Duration::from_millis(500),
        call_deadline: Duration::from_secs(2),
        watch_idle: Duration::from_secs(30),
        answer_bytes: 4 * 1024 * 1024,
    }
}

/// Both connectors use nothing of it.
fn cluster() -> Cluster {
    let sealed = dcm_store::Vault::ephemeral();
    let key = dcm_types::ClusterKey {
        provider: dcm_types::ProviderName::parse("site").unwrap(),
        cluster: dcm_types::ClusterName::parse("one").unwrap(),
    };
    let uid = dcm_types::Uid::from_random([1; 16]);
    let document = dcm_types::Key::cluster(&key);
    let place = dcm_store::vault::Place {
        key: &document,
        uid,
        field: "credential",
        epoch: 1,
    };
    let purpose = dcm_types::sealed::Purpose::ClusterCredential;
    Cluster {
        uid,
        key: key.clone(),
        metadata: dcm_types::documents::Metadata::default(),
        server: String::new(),
        credential: sealed.seal(purpose, &place, b"x").unwrap(),
        credential_epoch: 1,
        git_ops: dcm_types::documents::GitOps::default(),
        public: dcm_types::documents::PublicAccess::default(),
        created_at: dcm_types::Timestamp::now(),
    }
}

/// A member through the front without a socket.
async fn direct(member: &Member) -> Arc<dyn ClusterApi> {
    let fleet = Fleet::new(limits());
    fleet.add(member.clone());
    let credential = dcm_pki::kubeconfig::parse(member.kubeconfig().unwrap().as_bytes()).unwrap();
    fleet.connect(&cluster(), &credential).await.unwrap()
}

/// The same member through a socket, by the connector of the product.
async fn served(server: &Server) -> Arc<dyn ClusterApi> {
    let policy = AddressPolicy {
        allow: vec!["127.0.0.0/8".parse().unwrap()],
        own: Vec::new(),
    };
    let credential = dcm_pki::kubeconfig::parse(server.kubeconfig().unwrap().as_bytes()).unwrap();
    KubeConnector::new(policy, limits())
        .connect(&cluster(), &credential)
        .await
        .unwrap()
}

fn place(resource: Resource, namespace: Option<&str>, name: &str) -> Place {
    Place {
        resource,
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_fronts_show_the_same_member() {
    let member = member(1, None);
    let server = Server::start(&member).await.unwrap();
    for (name, api) in [("a", direct(&member).await), ("b", served(&server).await)] {
        let calls = Calls(api.as_ref());
        let namespace = Object::new(
            &place(Resource::Namespace, None, name),
            &json!({ "set": "x" }),
        );
        let made = calls.create(&namespace).await.unwrap();
        assert_eq!(made.text("/status/phase"), "Active");
        assert_eq!(
            calls.create(&namespace).await.unwrap_err().kind,
            CallErrorKind::AlreadyExists
        );
        let (all, version) = calls
            .list(Resource::Namespace, None, "set=x")
            .await
            .unwrap();
        assert_eq!(all.last().unwrap().name(), name);
        let mut events = api
            .watch(Resource::Namespace, "set=x", &version)
            .await
            .unwrap();
        calls.delete(&made).await.unwrap();
        let event = events.next().await.unwrap().unwrap();
        let WatchEvent::Upsert(ending) = event else {
            panic!("it is ending: {event:?}")
        };
        assert!(ending.is_terminating() && ending.name() == name);
        let review =
            json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
        let me = calls.review(review).await.unwrap();
        assert_eq!(me.text("/status/userInfo/username"), "kubesim-admin");
        assert_eq!(
            calls.version().await.unwrap().text("/gitVersion"),
            "v1.36.3"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_fronts_make_the_same_of_every_fault() {
    let member = member(1, None);
    let server = Server::start(&member).await.unwrap();
    for fault in Fault::ALL {
        member.faults().clear();
        let fronts = [direct(&member).await, served(&server).await];
        member.faults().add(Rule::new(fault, When::Always));
        let mut kinds = Vec::new();
        for api in fronts {
            let outcome = Calls(api.as_ref()).version().await;
            kinds.push(outcome.unwrap_err().kind);
        }
        assert_eq!(kinds[0], kinds[1], "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_works_with_a_served_member() {
    let member = member(1, None);
    let server = Server::start(&member).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    std::fs::write(&path, server.kubeconfig().unwrap()).unwrap();
    let kubectl = Assets::obtain().unwrap().kubectl;
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(&kubectl);
        command
            .arg("--kubeconfig")
            .arg(&path)
            .arg("--cache-dir")
            .arg(folder.path().join("cache"));
        command.args(arguments);
        tokio::task::block_in_place(|| crate::processes::run(&mut command))
    };
    let create = |object: &serde_json::Value| {
        // From a file, because what kubectl makes itself it sends as protobuf.
        let file = folder.path().join("object.json");
        std::fs::write(&file, object.to_string()).unwrap();
        run(&["create", "--validate=false", "-f", file.to_str().unwrap()]);
    };
    create(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } }));
    create(
        &json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "c", "namespace": "shop" } }),
    );
    run(&["label", "ns", "shop", "team=a"]);
    run(&["delete", "namespace", "shop", "--wait=false"]);
    assert_eq!(
        member.object("/api/v1/namespaces/shop").unwrap()["status"]["phase"],
        "Terminating"
    );
}

#[tokio::test(start_paused = true)]
async fn more_calls_at_once_than_a_member_takes_are_told_to_come_back() {
    let member = member(1, None);
    member.set_load(Load {
        latency: Duration::from_millis(20),
        capacity: Some(2),
    });
    let api = direct(&member).await;
    let calls = Calls(api.as_ref());
    let started = tokio::time::Instant::now();
    let outcomes = tokio::join!(calls.version(), calls.version(), calls.version());
    assert_eq!(started.elapsed(), Duration::from_millis(20));
    assert!(outcomes.0.is_ok() && outcomes.1.is_ok());
    let error = outcomes.2.unwrap_err();
    assert_eq!(
        (error.kind, error.retry_after),
        (CallErrorKind::TooManyRequests, Some(Duration::from_secs(1)))
    );
}

/// A request for a certificate, approved if so wished.
fn ask(member: &Member, name: &str, approve: bool) {
    use base64::Engine as _;
    let admin = User::admin();
    let pem = dcm_pki::certificate_request(&UserKey::generate().unwrap(), name).unwrap();
    let request = json!({
        "metadata": { "name": name },
        "spec": {
            "request": base64::engine::general_purpose::STANDARD.encode(pem), "expirationSeconds": 600,
            "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"],
        },
    });
    let mut made = member
        .request(&admin, &Request::new("POST", REQUESTS).with_body(&request))
        .body;
    if approve {
        made["status"] = json!({ "conditions": [{ "type": "Approved", "status": "True" }] });
        let path = format!("{REQUESTS}/{name}/approval");
        let answer = member.request(&admin, &Request::new("PUT", &path).with_body(&made));
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

fn certificate(member: &Member, name: &str) -> Option<String> {
    use base64::Engine as _;
    let object = member.object(&format!("{REQUESTS}/{name}"))?;
    let text = object["status"]["certificate"].as_str()?;
    let pem = base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap();
    Some(String::from_utf8(pem).unwrap())
}

#[tokio::test(start_paused = true)]
async fn requests_are_signed_expire_and_are_collected_in_their_time() {
    let member = member(1, None);
    ask(&member, "approved", true);
    ask(&member, "pending", false);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let pem = certificate(&member, "approved").expect("signed");
    assert_eq!(member.user(&pem).unwrap().name, "approved");
    assert_eq!(certificate(&member, "pending"), None);
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(member.user(&pem), None, "a certificate of ten minutes");
    let there = |name: &str| member.object(&format!("{REQUESTS}/{name}")).is_some();
    tokio::time::sleep(Duration::from_mins(49)).await;
    assert!(there("approved") && there("pending"));
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert!(
        !there("approved") && there("pending"),
        "an hour after the approval"
    );
    tokio::time::sleep(Duration::from_hours(23)).await;
    assert!(!there("pending"), "a day after it was made");
}

#[tokio::test(start_paused = true)]
async fn a_signer_can_be_absent_or_wrong() {
    let member = member(1, None);
    let other = Arc::new(Authority::create("other", dcm_types::Timestamp::now()).unwrap());
    member.controllers(|controllers| controllers.signer = Signer::Absent);
    ask(&member, "unsigned", true);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(certificate(&member, "unsigned"), None);
    member.controllers(|controllers| controllers.signer = Signer::Other(other));
    ask(&member, "foreign", true);
    tokio::time::sleep(Duration::from_mins(1)).await;
    let pem = certificate(&member, "foreign").expect("signed by somebody");
    assert_eq!(member.user(&pem), None);
}

#[tokio::test(start_paused = true)]
async fn every_change_is_in_the_journal_with_who_did_it() {
    let member = member(1, None);
    member.journal().start();
    let namespace = json!({ "metadata": { "name": "shop" } });
    member.request(
        &User::admin(),
        &Request::new("POST", "/api/v1/namespaces").with_body(&namespace),
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(
        member
            .object("/api/v1/namespaces/shop/configmaps/kube-root-ca.crt")
            .is_some()
    );
    let entries = member.journal().take();
    let told: Vec<(&str, &str)> = entries
        .iter()
        .map(|entry| (entry.by.as_str(), entry.after["kind"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("kubesim-admin", "Namespace"),
            ("", "ServiceAccount"),
            ("", "ConfigMap")
        ]
    );
}

/// The objects of one logical cloud, about as the synchronizer writes them.
fn fill(member: &Member) {
    let admin = User::admin();
    let labels = json!({ "app.kubernetes.io/managed-by": "dcm", "dcm.internal/cloud": "7f8c2a52-7a2b-4f5a-9a57-9a1a6f1c8a11" });
    let rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop";
    let core = "/api/v1/namespaces/shop";
    let policies = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies";
    let rules = json!([{ "apiGroups": ["", "apps"], "resources": ["pods", "deployments"], "verbs": ["get", "list", "watch", "create"] }]);
    let reference = json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r" });
    let objects = [
        ("/api/v1/namespaces".to_owned(), "shop", json!({})),
        (
            format!("{core}/configmaps"),
            "anchor",
            json!({ "data": { "inventory": "x".repeat(2_000) } }),
        ),
        (
            format!("{core}/resourcequotas"),
            "q",
            json!({ "spec": { "hard": { "pods": "10", "limits.cpu": "4" } } }),
        ),
        (
            format!("{core}/limitranges"),
            "l",
            json!({ "spec": { "limits": [{ "type": "Container", "default": { "cpu": "1" } }] } }),
        ),
        (
            policies.to_owned(),
            "in",
            json!({ "spec": { "podSelector": {}, "ingress": [{ "from": [{ "podSelector": {} }] }] } }),
        ),
        (
            policies.to_owned(),
            "out",
            json!({ "spec": { "podSelector": {}, "egress": [{ "to": [{ "podSelector": {} }] }] } }),
        ),
        (format!("{rbac}/roles"), "r", json!({ "rules": rules })),
        (
            format!("{rbac}/rolebindings"),
            "b",
            json!({ "subjects": [{ "kind": "User", "name": "u" }], "roleRef": reference }),
        ),
    ];
    for (path, name, mut object) in objects {
        object["metadata"] = json!({ "name": name, "labels": labels });
        let answer = member.request(&admin, &Request::new("POST", &path).with_body(&object));
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    ask(member, "user", true);
}

fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim()
        .trim_end_matches(" kB")
        .parse::<usize>()
        .unwrap()
        * 1024
}

/// Measured as the growth of the resident memory of the process: allocator, keys and all.
#[tokio::test(start_paused = true)]
async fn a_member_with_a_logical_cloud_takes_at_most_200_kilobytes() {
    const MEMBERS: usize = 400;
    const LIMIT: usize = 200 * 1024;
    let make = |seed| {
        let member = member(seed, None);
        fill(&member);
        member
    };
    // What is made once, for all, is not counted.
    let first = make(0);
    let before = resident_bytes();
    let members: Vec<Member> = (1..=MEMBERS as u64).map(make).collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(
        members
            .iter()
            .all(|member| certificate(member, "user").is_some())
    );
    let each = resident_bytes().saturating_sub(before) / MEMBERS;
    assert!(
        each <= LIMIT,
        "{each} bytes each, of which {} are objects and log",
        first.text_bytes()
    );
    assert!(first.text_bytes() <= LIMIT / 2);
}
