//! The status as server-sent events.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::body::Body;
use dcm_api::Limits;
use futures::StreamExt as _;
use http::Request;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tower::ServiceExt as _;

use crate::server::{CLOUD, Server};

/// One event.
#[derive(Debug)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

fn events(text: &str) -> Vec<Event> {
    let blocks = text.split("\n\n").filter(|block| block.contains("data:"));
    blocks
        .map(|block| {
            let field = |name: &str| {
                let lines = block.lines().find_map(|line| line.strip_prefix(name));
                lines.unwrap_or_default().trim().to_owned()
            };
            Event {
                name: field("event:"),
                id: field("id:"),
                data: serde_json::from_str(&field("data:")).unwrap(),
            }
        })
        .collect()
}

async fn instantiated() -> Server {
    let server = Server::furnished().await;
    let path = format!("{CLOUD}/cluster-providers/v/cluster-references/c1");
    server.put(&path, json!({})).await;
    act(&server, "instantiate").await;
    server
}

async fn act(server: &Server, action: &str) {
    let answer = server.post(&format!("{CLOUD}/{action}"), json!({})).await;
    assert_eq!(answer.status, 202);
}

async fn short(server: &Server, seen: &str) -> Vec<Event> {
    let headers = [("last-event-id", seen)];
    let path = format!("{CLOUD}/status/stream?timeout=200ms");
    let answer = server.call(http::Method::GET, &path, &headers, "").await;
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    events(&answer.text)
}

#[tokio::test]
async fn a_stream_begins_with_the_present_and_resumes_where_it_ended() {
    let server = instantiated().await;
    let first = short(&server, "").await;
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(first[0].name, "status");
    assert_eq!(first[0].data["generation"]["wanted"], 1);
    assert!(short(&server, &first[0].id).await.is_empty());
    act(&server, "stop").await;
    let second = short(&server, &first[0].id).await;
    assert_eq!(second[0].data["members"][0]["state"], "paused");
    assert_eq!(short(&server, "nonsense").await[0].id, second[0].id);
}

#[tokio::test]
async fn a_change_is_told_at_once_and_the_end_of_the_cloud_is_the_last() {
    let server = Server::furnished().await;
    let request = Request::get(format!("{CLOUD}/status/stream"));
    let request = request.body(Body::empty()).unwrap();
    let response = server.router.clone().oneshot(request).await.unwrap();
    let mut body = response.into_body().into_data_stream();
    let mut next = async || {
        let chunk = tokio::time::timeout(Duration::from_secs(10), body.next()).await;
        let chunk = chunk.expect("in time")?.unwrap();
        Some(String::from_utf8(chunk.to_vec()).unwrap())
    };
    let told = events(&next().await.unwrap());
    assert_eq!(told[0].data["generation"]["wanted"], 0);
    let path = format!("{CLOUD}/cluster-providers/v/cluster-references/c1");
    server.put(&path, json!({})).await;
    act(&server, "instantiate").await;
    let told = events(&next().await.unwrap());
    assert_eq!(told[0].data["members"][0]["state"], "pending");
    act(&server, "terminate").await;
    assert_eq!(
        events(&next().await.unwrap())[0].data["generation"]["wanted"],
        2
    );
    let other = Server::furnished().await;
    let request = Request::get(format!("{CLOUD}/status/stream")).body(Body::empty());
    let response = other
        .router
        .clone()
        .oneshot(request.unwrap())
        .await
        .unwrap();
    let reading = tokio::spawn(axum::body::to_bytes(response.into_body(), usize::MAX));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(other.delete(CLOUD).await.status, 204);
    let text = reading.await.unwrap().unwrap();
    let told = events(std::str::from_utf8(&text).unwrap());
    assert_eq!(told.last().unwrap().name, "deleted");
}

#[tokio::test]
async fn bad_parameters_of_a_stream_are_refused() {
    let server = instantiated().await;
    let path = format!("{CLOUD}/status/stream?timeout=1h");
    let answer = server.get(&path).await;
    assert_eq!(
        (answer.status.as_u16(), answer.fields()),
        (400, vec!["timeout".to_owned()])
    );
}

async fn ask(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

async fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn streams_and_waits_end_with_the_server() {
    let server = instantiated().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ended) = oneshot::channel::<()>();
    let router = server.router.clone();
    let serving = tokio::spawn(dcm_api::serve(listener, router, Limits::default(), async {
        ended.await.ok();
    }));
    let stream = ask(address, &format!("{CLOUD}/status/stream")).await;
    let wait = ask(address, &format!("{CLOUD}/status?wait=ready&timeout=5m")).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    end.send(()).unwrap();
    let (stream, wait) = (rest(stream).await, rest(wait).await);
    assert!(
        stream.contains("event: status") && stream.ends_with("0\r\n\r\n"),
        "{stream}"
    );
    assert!(
        wait.starts_with("HTTP/1.1 200") && wait.contains("\"reached\":false"),
        "{wait}"
    );
    serving.await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(5));
}
