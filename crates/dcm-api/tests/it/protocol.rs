//! What HTTP itself asks for: media types, sizes, methods, ids of requests, errors as problems.

use axum::body::{Body, Bytes};
use http::Method;
use insta::assert_snapshot;
use serde_json::json;

use crate::server::{CLOUD, Server};

const PROJECT: &str = "{\"metadata\":{\"name\":\"p\"}}";

#[tokio::test]
async fn the_router_s_own_errors_are_problems_too() {
    let server = Server::new();
    assert_snapshot!(server.get("/v2/nothing").await, @r#"
    404 Not Found
    content-type: application/problem+json
    {
      "detail": "nothing is served at this path",
      "hint": "the paths stand in /v2/openapi.json",
      "status": 404,
      "title": "Not found",
      "type": "urn:dcm:problem:not-found"
    }
    "#);
    assert_snapshot!(server.call(Method::PATCH, "/v2/projects/p", &[], "").await, @r#"
    405 Method Not Allowed
    allow: GET,HEAD,PUT,DELETE
    content-type: application/problem+json
    {
      "detail": "this path does not have this method; the header Allow names those it has",
      "status": 405,
      "title": "Method not allowed",
      "type": "urn:dcm:problem:method-not-allowed"
    }
    "#);
    assert_snapshot!(server.call(Method::DELETE, "/v2/projects", &[], "").await, @r#"
    405 Method Not Allowed
    allow: POST,GET,HEAD
    content-type: application/problem+json
    {
      "detail": "this path does not have this method; the header Allow names those it has",
      "status": 405,
      "title": "Method not allowed",
      "type": "urn:dcm:problem:method-not-allowed"
    }
    "#);
    let get = server.get(&format!("{CLOUD}/instantiate")).await;
    assert_eq!(
        (get.status.as_u16(), get.header("allow")),
        (405, Some("POST"))
    );
    for path in [
        "/",
        "/v2",
        "/v2/projects/",
        "//v2/projects",
        "/v2/projects/a/b",
    ] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_body_that_says_it_is_not_json_is_refused() {
    let server = Server::new();
    for (name, value) in [
        ("content-type", "application/yaml"),
        ("content-type", "text/plain"),
        ("content-type", "multipart/form-data; boundary=x"),
        ("content-type", "application/json; charset=latin1"),
        ("content-type", ""),
        ("content-encoding", "gzip"),
        ("content-encoding", "br"),
    ] {
        let answer = server
            .call(Method::POST, "/v2/projects", &[(name, value)], PROJECT)
            .await;
        assert_eq!(answer.status, 415, "{name}: {value}: {answer}");
    }
    for value in [
        "application/json",
        "Application/JSON; Charset=UTF-8",
        "application/merge-patch+json",
    ] {
        let headers = [("content-type", value)];
        let answer = server
            .call(Method::PUT, "/v2/projects/p", &headers, PROJECT)
            .await;
        assert!(answer.status.is_success(), "{value}: {answer}");
    }
}

#[tokio::test]
async fn a_large_body_is_refused_whether_it_says_its_size_or_not() {
    let server = Server::new();
    let large = format!("{PROJECT}{}", " ".repeat(1024 * 1024));
    let announced = server
        .call(Method::POST, "/v2/projects", &[], large.clone())
        .await;
    assert_snapshot!(announced, @r#"
    413 Payload Too Large
    content-type: application/problem+json
    {
      "detail": "the body is larger than 1048576 bytes",
      "status": 413,
      "title": "Too large",
      "type": "urn:dcm:problem:too-large"
    }
    "#);
    let chunks = large
        .into_bytes()
        .chunks(9000)
        .map(Bytes::copy_from_slice)
        .collect::<Vec<_>>();
    let stream = futures::stream::iter(chunks.into_iter().map(Ok::<_, std::io::Error>));
    let silent = server
        .call(Method::POST, "/v2/projects", &[], Body::from_stream(stream))
        .await;
    assert_eq!(silent.status, 413, "{silent}");
    let fits = format!("{PROJECT}{}", " ".repeat(1024 * 1024 - PROJECT.len()));
    assert_eq!(
        server
            .call(Method::POST, "/v2/projects", &[], fits)
            .await
            .status,
        201
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_is_given_up() {
    let server = Server::new();
    let stream = futures::stream::unfold((), |()| async {
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        Some((Ok::<_, std::io::Error>(Bytes::from_static(b" ")), ()))
    });
    let answer = server
        .call(Method::POST, "/v2/projects", &[], Body::from_stream(stream))
        .await;
    assert_eq!(answer.status, 408, "{answer}");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let server = Server::new();
    let parts = [
        Ok(Bytes::from_static(b"{")),
        Err(std::io::Error::other("gone")),
    ];
    let body = Body::from_stream(futures::stream::iter(parts));
    let answer = server.call(Method::POST, "/v2/projects", &[], body).await;
    assert_eq!(
        (answer.status.as_u16(), answer.fields()),
        (400, vec!["body".to_owned()])
    );
}

#[tokio::test]
async fn undecodable_and_empty_bodies_are_told_apart() {
    let server = Server::new();
    let announced = [("content-length", "0")];
    assert_snapshot!(server.call(Method::POST, "/v2/projects", &announced, "").await, @r#"
    400 Bad Request
    content-type: application/problem+json
    {
      "detail": "the body is empty",
      "status": 400,
      "title": "Invalid input",
      "type": "urn:dcm:problem:invalid"
    }
    "#);
    assert_snapshot!(server.call(Method::POST, "/v2/projects", &[], "{\"metadata\":").await, @r#"
    422 Unprocessable Entity
    content-type: application/problem+json
    {
      "detail": "the body is not the JSON that is expected here: EOF while parsing a value at line 1 column 12",
      "status": 422,
      "title": "Undecodable body",
      "type": "urn:dcm:problem:undecodable"
    }
    "#);
    let repeated = "{\"metadata\":{\"name\":\"a\",\"name\":\"b\"}}";
    assert_snapshot!(server.call(Method::POST, "/v2/projects", &[], repeated).await, @r#"
    422 Unprocessable Entity
    content-type: application/problem+json
    {
      "detail": "the body is not the JSON that is expected here: the member 'name' is repeated at line 1 column 30",
      "status": 422,
      "title": "Undecodable body",
      "type": "urn:dcm:problem:undecodable"
    }
    "#);
    let deep = "[".repeat(100_000);
    assert_eq!(
        server
            .call(Method::POST, "/v2/projects", &[], deep)
            .await
            .status,
        422
    );
}

#[tokio::test]
async fn the_id_of_a_request_comes_back_if_it_is_sane() {
    let server = Server::new();
    let given = server
        .call(Method::GET, "/v2/x", &[("x-request-id", "abc-1.2_3")], "")
        .await;
    assert_eq!(given.header("x-request-id"), Some("abc-1.2_3"));
    assert_eq!(given.json()["requestId"], "abc-1.2_3");
    let long = "x".repeat(65);
    for insane in ["a b", "a\u{9}b", "", "<script>", &long] {
        let answer = server
            .call(Method::GET, "/v2/projects", &[("x-request-id", insane)], "")
            .await;
        let made = answer.header("x-request-id").unwrap();
        assert_eq!(made.len(), 36, "{insane:?}: {made}");
    }
    let none = server.get("/healthz").await;
    assert_eq!(none.header("x-request-id").unwrap().len(), 36);
}

#[tokio::test]
async fn errors_are_text_for_those_who_accept_only_text() {
    let server = Server::new();
    let headers = [("accept", "text/plain"), ("x-request-id", "r1")];
    let body = "{\"metadata\":{\"name\":\"a/b\"}}";
    assert_snapshot!(server.call(Method::POST, "/v2/projects", &headers, body).await, @r#"
    400 Bad Request
    content-type: text/plain; charset=utf-8
    Invalid Input: metadata.name must consist of letters, digits, '-', '_' and '.', begin and end with a letter or digit, and not contain '..'
    "#);
    for accept in [
        "*/*",
        "application/json, text/plain, */*",
        "text/plain;q=0.5, application/json",
        "application/json",
    ] {
        let answer = server
            .call(Method::GET, "/v2/x", &[("accept", accept)], "")
            .await;
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{accept}"
        );
    }
}

#[tokio::test]
async fn health_readiness_and_metrics_are_served() {
    let server = Server::new();
    assert_eq!(server.get("/healthz").await.text, "ok\n");
    assert_eq!(server.get("/readyz").await.text, "ready\n");
    server.put("/v2/projects/secret-name", json!({})).await;
    server.get("/v2/projects/secret-name").await;
    server.get("/no/such/path-of-a-caller").await;
    let metrics = server.get("/metrics").await;
    assert_eq!(
        metrics.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    let line =
        "dcm_http_requests_total{method=\"GET\",route=\"/v2/projects/{project}\",status=\"200\"} 1";
    assert!(metrics.text.contains(line), "{}", metrics.text);
    assert!(
        metrics.text.contains("route=\"unmatched\""),
        "{}",
        metrics.text
    );
    assert!(
        metrics.text.contains("dcm_http_requests_in_flight 1"),
        "{}",
        metrics.text
    );
    assert!(!metrics.text.contains("secret-name") && !metrics.text.contains("path-of-a-caller"));
}

#[tokio::test]
async fn a_head_request_is_a_get_without_a_body() {
    let server = Server::new();
    server.put("/v2/projects/p", json!({})).await;
    let head = server.call(Method::HEAD, "/v2/projects/p", &[], "").await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
    assert!(head.header("etag").is_some());
}

#[tokio::test]
async fn errors_as_text_are_one_line_or_a_list() {
    let server = Server::furnished().await;
    let headers = [("accept", "text/plain")];
    let path = format!("{CLOUD}/cluster-references");
    let body =
        json!({"metadata": {"name": "a/b"}, "spec": {"clusterProvider": "v", "cluster": ""}});
    let several = server
        .call(Method::POST, &path, &headers, body.to_string())
        .await;
    assert!(
        several
            .text
            .starts_with("Invalid Input:\nmetadata.name must "),
        "{several}"
    );
    assert!(several.text.contains("\nspec.cluster "), "{several}");
    assert!(several.text.ends_with('\n'), "{several}");
    let missing = server
        .call(Method::GET, "/v2/projects/none", &headers, "")
        .await;
    assert_eq!(missing.text, "project 'none' does not exist\n");
    // What is not an error comes in its own form.
    let found = server
        .call(Method::GET, "/v2/projects/p", &headers, "")
        .await;
    assert_eq!(
        (found.status.as_u16(), found.header("content-type")),
        (200, Some("application/json"))
    );
}

#[tokio::test]
async fn what_is_not_offered_is_not_acceptable_and_nothing_is_done() {
    let server = Server::furnished().await;
    let kubeconfig = format!("{CLOUD}/kubeconfig");
    let stream = format!("{CLOUD}/status/stream?timeout=0");
    let status = format!("{CLOUD}/status");
    for (path, accept, refused) in [
        ("/v2/projects/p", "application/yaml", true),
        ("/v2/projects/p", "image/*", true),
        ("/v2/projects/p", "application/json;q=0", true),
        (
            "/v2/cluster-providers/v/clusters/c1",
            "application/octet-stream",
            true,
        ),
        (&kubeconfig, "application/json", true),
        (&stream, "application/json", true),
        (&status, "text/event-stream", true),
        ("/v2/projects/p", "application/json; charset=utf-8", false),
        (
            "/v2/projects/p",
            "text/html, application/xhtml+xml, */*;q=0.8",
            false,
        ),
        (
            "/v2/projects/p",
            "application/yaml;q=0.9, application/json;q=0.1",
            false,
        ),
        ("/v2/projects/p", "", false),
        ("/v2/projects/p", "not a range", false),
        (&kubeconfig, "application/x-yaml", false),
        (&kubeconfig, "*/*", false),
        (&stream, "text/event-stream", false),
        (&status, "application/vnd.dcm.status+json", false),
        (
            "/metrics",
            "application/openmetrics-text; version=1.0.0",
            false,
        ),
        ("/healthz", "text/plain", false),
    ] {
        let answer = server
            .call(Method::GET, path, &[("accept", accept)], "")
            .await;
        assert_eq!(answer.status == 406, refused, "{path} {accept}: {answer}");
    }
    let headers = [("accept", "application/yaml")];
    let answer = server.call(Method::DELETE, CLOUD, &headers, "").await;
    assert_snapshot!(answer, @r#"
    406 Not Acceptable
    content-type: application/problem+json
    {
      "detail": "what is offered here is application/json",
      "hint": "leave out Accept, or add one of these, or */*",
      "status": 406,
      "title": "Not acceptable",
      "type": "urn:dcm:problem:not-acceptable"
    }
    "#);
    assert_eq!(server.get(CLOUD).await.status, 200);
}

#[tokio::test]
async fn a_body_that_is_needed_has_a_length_or_chunks() {
    let server = Server::furnished().await;
    let answer = server.call(Method::POST, "/v2/projects", &[], "").await;
    assert_snapshot!(answer, @r#"
    411 Length Required
    content-type: application/problem+json
    {
      "detail": "a body is needed here, and the request has neither Content-Length nor chunks",
      "hint": "send a JSON body with its Content-Length",
      "status": 411,
      "title": "Length required",
      "type": "urn:dcm:problem:length-required"
    }
    "#);
    // Actions and deletions need none.
    assert_eq!(server.delete(CLOUD).await.status, 204);
}

#[tokio::test]
async fn a_path_beyond_the_bound_is_refused() {
    let server = Server::new();
    let path = format!("/v2/projects?continue={}", "x".repeat(16 * 1024));
    let answer = server.get(&path).await;
    assert_eq!(answer.status, 414, "{answer}");
    assert_eq!(answer.json()["type"], "urn:dcm:problem:uri-too-long");
}
