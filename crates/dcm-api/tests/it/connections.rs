//! Real connections: time limits, bounds, and the end of the process.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use dcm_api::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::server::{CLOUD, Server};

/// Nothing here takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(20);

struct Listening {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<io::Result<()>>,
}

async fn listen(limits: Limits) -> Listening {
    let server = Server::furnished().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(async move {
        let shutdown = async move {
            let _ = stopped.await;
        };
        dcm_api::serve(listener, server.router, limits, shutdown).await
    });
    Listening {
        address,
        stop,
        ended,
    }
}

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

async fn connect(listening: &Listening) -> TcpStream {
    TcpStream::connect(listening.address).await.unwrap()
}

async fn send(stream: &mut TcpStream, path: &str) {
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
}

/// Reads until the text is there, or until the connection ends.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let read = async {
        let mut text = String::new();
        let mut buffer = [0; 4096];
        while !text.contains(end) {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(count) => text.push_str(&String::from_utf8_lossy(&buffer[..count])),
            }
        }
        text
    };
    timeout(PATIENCE, read).await.unwrap()
}

#[tokio::test]
async fn a_head_that_trickles_ends_the_connection() {
    let listening = listen(Limits {
        head: milliseconds(200),
        ..Limits::default()
    })
    .await;
    let mut stream = connect(&listening).await;
    let trickle = async {
        for byte in "GET /healthz HTTP/1.1\r\nhost: x\r\nx: "
            .bytes()
            .chain([b'x'; 10_000])
        {
            if stream.write_all(&[byte]).await.is_err() {
                return;
            }
            sleep(milliseconds(20)).await;
        }
    };
    timeout(PATIENCE, trickle)
        .await
        .expect("the connection is ended");
}

#[tokio::test]
async fn an_idle_connection_outlives_the_limit_of_a_head_and_not_its_own() {
    let listening = listen(Limits {
        head: milliseconds(100),
        idle: milliseconds(2500),
        ..Limits::default()
    })
    .await;
    let mut silent = connect(&listening).await;
    let mut stream = connect(&listening).await;
    for _ in 0..2 {
        sleep(milliseconds(300)).await;
        send(&mut stream, "/healthz").await;
        let answer = read_until(&mut stream, "ok\n").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert_eq!(read_until(&mut stream, "never").await, "");
    assert_eq!(read_until(&mut silent, "never").await, "");
}

#[tokio::test]
async fn a_slow_answer_is_not_cut_by_the_limits() {
    let listening = listen(Limits {
        head: milliseconds(500),
        idle: milliseconds(1500),
        ..Limits::default()
    })
    .await;
    let mut stream = connect(&listening).await;
    send(
        &mut stream,
        &format!("{CLOUD}/status?wait=ready&timeout=2500ms"),
    )
    .await;
    let answer = read_until(&mut stream, "\"reached\":false").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_their_turn() {
    let listening = listen(Limits {
        connections: 1,
        ..Limits::default()
    })
    .await;
    let mut first = connect(&listening).await;
    send(&mut first, "/healthz").await;
    read_until(&mut first, "ok\n").await;
    let mut second = connect(&listening).await;
    send(&mut second, "/healthz").await;
    let early = timeout(milliseconds(200), second.read_u8()).await;
    assert!(
        early.is_err(),
        "the second connection was served beside the first"
    );
    drop(first);
    assert!(read_until(&mut second, "ok\n").await.contains("200"));
}

#[tokio::test]
async fn a_head_beyond_the_bound_is_refused() {
    let listening = listen(Limits {
        head_bytes: 8 * 1024,
        ..Limits::default()
    })
    .await;
    let mut stream = connect(&listening).await;
    send(&mut stream, &format!("/{}", "x".repeat(20_000))).await;
    let answer = read_until(&mut stream, "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn requests_end_before_the_process_does() {
    let listening = listen(Limits::default()).await;
    let mut idle = connect(&listening).await;
    send(&mut idle, "/healthz").await;
    read_until(&mut idle, "ok\n").await;
    let mut busy = connect(&listening).await;
    send(
        &mut busy,
        &format!("{CLOUD}/status?wait=ready&timeout=500ms"),
    )
    .await;
    // The request is being answered when nothing came back for a while.
    assert!(timeout(milliseconds(150), busy.read_u8()).await.is_err());
    listening.stop.send(()).unwrap();
    assert!(
        read_until(&mut busy, "\"reached\":false")
            .await
            .contains("200")
    );
    timeout(PATIENCE, listening.ended)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(read_until(&mut idle, "never").await, "");
    assert!(TcpStream::connect(listening.address).await.is_err());
}

#[tokio::test]
async fn requests_that_do_not_end_are_dropped_after_a_while() {
    let listening = listen(Limits {
        shutdown: milliseconds(100),
        ..Limits::default()
    })
    .await;
    let mut stream = connect(&listening).await;
    let head = "POST /v2/projects HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(timeout(milliseconds(150), stream.read_u8()).await.is_err());
    listening.stop.send(()).unwrap();
    timeout(PATIENCE, listening.ended)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(read_until(&mut stream, "never").await, "");
}
