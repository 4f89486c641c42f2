//! Kubeconfigs of a tenant: handed out when they can be used, and stored by nobody on the way.

use dcm_pki::kubeconfig::{TenantAuthentication, TenantKubeconfig};
use dcm_store::{Batch, Expect, Place, StoreExt};
use dcm_types::documents::{
    Access, CredentialKind, IssuedCredential, LogicalCloud, Project, Proof, User,
};
use dcm_types::member_name::user_identity;
use dcm_types::sealed::Purpose;
use dcm_types::{
    CloudKey, CloudName, ClusterKey, ClusterName, Document, Key, ProjectName, ProviderName,
    TargetKey, Timestamp, Uid, UserName,
};
use insta::assert_snapshot;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::server::{CLOUD, Server};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn target(cluster: &str) -> TargetKey {
    TargetKey {
        cloud: CloudKey {
            project: ProjectName::parse("p").unwrap(),
            cloud: CloudName::parse("l").unwrap(),
        },
        cluster: ClusterKey {
            provider: ProviderName::parse("v").unwrap(),
            cluster: ClusterName::parse(cluster).unwrap(),
        },
    }
}

fn tenant(cluster: &str) -> TenantKubeconfig {
    TenantKubeconfig {
        context: format!("v-{cluster}"),
        server: "https://1.2.3.4:6443".to_owned(),
        certificate_authority_pem: "authority".to_owned(),
        tls_server_name: None,
        user: "u".to_owned(),
        authentication: TenantAuthentication::Certificate {
            certificate_pem: "certificate".to_owned(),
            key_pem: Some("key".into()),
        },
        namespace: "ns".to_owned(),
    }
}

/// Records what the synchronizer would: an issued certificate of a member.
async fn issue(server: &Server, cluster: &str, usable: bool) {
    issue_to("u", server, cluster, usable).await;
}

async fn issue_to(user: &str, server: &Server, cluster: &str, usable: bool) {
    let target = target(cluster);
    let user = UserName::parse(user).unwrap();
    let key = Key::cloud(&target.cloud);
    let cloud = server
        .store
        .read::<LogicalCloud>(&key)
        .await
        .unwrap()
        .unwrap();
    let project = Key::project(&target.cloud.project);
    let project = server.store.read::<Project>(&project).await.unwrap();
    let named = Key::user(&target.cloud, &user);
    let named = server.store.read::<User>(&named).await.unwrap();
    let identity = user_identity(
        project.unwrap().document.uid,
        cloud.document.uid,
        named.unwrap().document.uid,
        1,
    );
    let uid = Uid::from_random([9; 16]);
    let place = Place {
        key: &Key::access(&target, &user),
        uid,
        field: "kubeconfig",
        epoch: 1,
    };
    let plain = TenantKubeconfig {
        user: user.to_string(),
        ..tenant(cluster)
    }
    .to_json();
    let seal = |purpose| {
        server
            .vault
            .seal(purpose, &place, plain.expose_secret().as_bytes())
            .unwrap()
    };
    let access = Access {
        target,
        user,
        uid,
        cloud_uid: cloud.document.uid,
        identity,
        credential: CredentialKind::Certificate,
        last_epoch: 0,
        current: Some(IssuedCredential {
            epoch: 1,
            proof: Proof::Certificate {
                certificate_pem: "certificate".to_owned(),
                key: Some(seal(Purpose::UserKey)),
            },
            not_before: at(1_600_000_000),
            not_after: at(1_900_000_000),
            kubeconfig: seal(Purpose::TenantKubeconfig),
            usable,
        }),
        pending: None,
    };
    assert_eq!(access.key(), *place.key);
    let mut batch = Batch::new();
    batch.put(&access, Expect::Absent).unwrap();
    server.store.commit(batch).await.unwrap();
}

async fn instantiated() -> Server {
    let server = Server::furnished().await;
    for cluster in ["c1", "c2"] {
        let path = format!("{CLOUD}/cluster-providers/v/cluster-references/{cluster}");
        assert_eq!(server.put(&path, json!({})).await.status, 200);
    }
    assert_eq!(
        server
            .post(&format!("{CLOUD}/instantiate"), json!({}))
            .await
            .status,
        202
    );
    server
}

#[tokio::test]
async fn a_kubeconfig_is_a_file_that_nobody_stores() {
    let server = instantiated().await;
    issue(&server, "c1", true).await;
    assert_snapshot!(server.get(&format!("{CLOUD}/cluster-references/v-c1/kubeconfig")).await, @r#"
    200 OK
    content-type: application/yaml
    content-disposition: attachment; filename="l-v-c1.yaml"
    cache-control: no-store
    apiVersion: v1
    kind: Config
    preferences: {}
    current-context: "v-c1"
    clusters:
      - name: "v-c1"
        cluster:
          server: "https://1.2.3.4:6443"
          certificate-authority-data: "YXV0aG9yaXR5"
    contexts:
      - name: "v-c1"
        context:
          cluster: "v-c1"
          namespace: "ns"
          user: "u@v-c1"
    users:
      - name: "u@v-c1"
        user:
          client-certificate-data: "Y2VydGlmaWNhdGU="
          client-key-data: "a2V5"
    "#);
}

#[tokio::test]
async fn the_merged_kubeconfig_has_a_context_for_each_member_that_can_be_used() {
    let server = instantiated().await;
    issue(&server, "c1", true).await;
    issue(&server, "c2", false).await;
    let merged = server.get(&format!("{CLOUD}/kubeconfig")).await;
    assert_eq!(merged.status, 200, "{merged}");
    assert_eq!(merged.header("cache-control"), Some("no-store"));
    assert_eq!(
        merged.header("content-disposition"),
        Some("attachment; filename=\"l.yaml\"")
    );
    assert!(
        merged.text.contains("v-c1") && !merged.text.contains("v-c2"),
        "{merged}"
    );
}

#[tokio::test]
async fn each_user_asks_for_his_own() {
    let server = instantiated().await;
    let ann = json!({"metadata": {"name": "ann"}});
    let created = server.post(&format!("{CLOUD}/users"), ann).await;
    assert_eq!(created.status, 201, "{created}");
    issue(&server, "c1", true).await;
    issue_to("ann", &server, "c1", true).await;
    for (path, file) in [
        (format!("{CLOUD}/kubeconfig"), "l"),
        (
            format!("{CLOUD}/cluster-references/v-c1/kubeconfig"),
            "l-v-c1",
        ),
    ] {
        let first = server.get(&path).await;
        assert!(first.text.contains("u@v-c1"), "{first}");
        let hers = server.get(&format!("{path}?user=ann")).await;
        assert!(hers.text.contains("ann@v-c1"), "{hers}");
        let disposition = format!("attachment; filename=\"{file}-ann.yaml\"");
        assert_eq!(hers.header("content-disposition"), Some(&*disposition));
        for (query, status) in [("user=eve", 404), ("user=", 400), ("user=a&user=b", 400)] {
            let answer = server.get(&format!("{path}?{query}")).await;
            assert_eq!(answer.status, status, "{query}: {answer}");
        }
        assert_eq!(
            server.get(&format!("{path}?user=")).await.fields(),
            ["user"]
        );
    }
}

#[tokio::test]
async fn a_kubeconfig_can_name_a_plugin_instead_of_a_credential() {
    let server = instantiated().await;
    issue(&server, "c1", true).await;
    let exec = "exec=http%3A%2F%2F127.0.0.1%3A9077";
    for path in ["kubeconfig", "cluster-references/v-c1/kubeconfig"] {
        let answer = server.get(&format!("{CLOUD}/{path}?{exec}")).await;
        assert_eq!(answer.status, 200, "{answer}");
        let (_, users) = answer.text.split_once("users:").unwrap();
        insta::allow_duplicates! {
            assert_snapshot!(users, @r#"

            - name: "u@v-c1"
              user:
                exec:
                  apiVersion: client.authentication.k8s.io/v1
                  command: dcm
                  interactiveMode: Never
                  provideClusterInfo: false
                  args:
                  - "credential"
                  - "l"
                  - "--project"
                  - "p"
                  - "--cluster"
                  - "v/c1"
                  - "--user"
                  - "u"
                  - "--server"
                  - "http://127.0.0.1:9077"
            "#);
        }
        assert!(!answer.text.contains("client-key-data"), "{answer}");
        for wrong in [
            "exec=",
            "exec=true",
            "exec=ftp%3A%2F%2Fx",
            "exec=http%3A%2F%2Fu%3Ap%40x",
            "exec=http%3A%2F%2Fx%2Fpath",
            "exec=http%3A%2F%2Fx%3Fquery",
            "exec=http%3A%2F%2Fx&exec=http%3A%2F%2Fy",
        ] {
            let answer = server.get(&format!("{CLOUD}/{path}?{wrong}")).await;
            assert_eq!(answer.status, 400, "{wrong}: {answer}");
            assert_eq!(answer.fields(), ["exec"], "{wrong}");
        }
    }
}

#[tokio::test]
async fn a_credential_is_given_as_a_plugin_gives_it_and_stored_by_nobody() {
    let server = instantiated().await;
    let path = format!("{CLOUD}/cluster-references/v-c1/credential");
    assert_eq!(server.get(&path).await.status, 409);
    issue(&server, "c1", true).await;
    assert_snapshot!(server.get(&path).await, @r#"
    200 OK
    content-type: application/json
    cache-control: no-store
    {
      "apiVersion": "client.authentication.k8s.io/v1",
      "kind": "ExecCredential",
      "status": {
        "clientCertificateData": "certificate",
        "clientKeyData": "key",
        "expirationTimestamp": "[time]"
      }
    }
    "#);
    for (query, status) in [("user=eve", 404), ("user=", 400), ("user=u", 200)] {
        let answer = server.get(&format!("{path}?{query}")).await;
        assert_eq!(answer.status, status, "{query}: {answer}");
    }
}

#[tokio::test]
async fn a_cloud_of_level_0_has_none() {
    let server = Server::furnished().await;
    let cloud = "/v2/projects/p/logical-clouds/admin";
    let body =
        json!({"metadata": {"name": "admin"}, "spec": {"level": "0", "user": {"userName": "u"}}});
    let created = server.post("/v2/projects/p/logical-clouds", body).await;
    assert_eq!(created.status, 201, "{created}");
    let reference = format!("{cloud}/cluster-providers/v/cluster-references/c1");
    assert_eq!(server.put(&reference, json!({})).await.status, 200);
    let accepted = server
        .post(&format!("{cloud}/instantiate"), json!({}))
        .await;
    assert_eq!(accepted.status, 202, "{accepted}");
    let status = server
        .get(&format!("{cloud}/status?wait=ready&timeout=0s"))
        .await;
    assert_eq!(status.status, 200, "{status}");
    let quota = json!({"metadata": {"name": "q"}, "spec": {"pods": "1"}});
    let refused = server.post(&format!("{cloud}/cluster-quotas"), quota).await;
    assert_eq!(refused.status, 400, "{refused}");
    assert_snapshot!(server.get(&format!("{cloud}/cluster-references/v-c1/kubeconfig")).await, @r#"
    409 Conflict
    content-type: application/problem+json
    {
      "detail": "a logical cloud of level 0 issues no kubeconfig",
      "hint": "use the clusters' own credentials",
      "status": 409,
      "title": "Conflict",
      "type": "urn:dcm:problem:conflict"
    }
    "#);
}

#[tokio::test]
async fn a_reference_shows_until_when_its_kubeconfig_is_valid() {
    let server = instantiated().await;
    issue(&server, "c1", true).await;
    let reference = server
        .get(&format!("{CLOUD}/cluster-references/v-c1"))
        .await;
    assert_eq!(
        reference.json()["status"]["kubeconfigUntil"],
        at(1_900_000_000).to_string()
    );
}

#[tokio::test]
async fn what_is_not_ready_is_a_conflict_that_says_what_to_wait_for() {
    let server = Server::furnished().await;
    assert_snapshot!(server.get(&format!("{CLOUD}/kubeconfig")).await, @r#"
    409 Conflict
    content-type: application/problem+json
    {
      "detail": "the logical cloud was never instantiated",
      "hint": "instantiate it and wait until it is ready",
      "status": 409,
      "title": "Conflict",
      "type": "urn:dcm:problem:conflict"
    }
    "#);
    let server = instantiated().await;
    issue(&server, "c1", false).await;
    assert_snapshot!(server.get(&format!("{CLOUD}/cluster-references/v-c1/kubeconfig")).await, @r#"
    409 Conflict
    content-type: application/problem+json
    {
      "detail": "cluster 'v/c1' has not issued a usable certificate yet",
      "hint": "see the access condition of this member in the status of the logical cloud",
      "status": 409,
      "title": "Conflict",
      "type": "urn:dcm:problem:conflict"
    }
    "#);
    assert_eq!(
        server
            .get(&format!("{CLOUD}/cluster-references/none/kubeconfig"))
            .await
            .status,
        404
    );
}
