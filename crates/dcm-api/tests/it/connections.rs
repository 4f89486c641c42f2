//! Real connections: time limits, bounds, and the end of the process.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use dcm_api::{Limits, PressureLimits};
use dcm_app::Policy;
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
    listen_as(Server::furnished().await, limits).await
}

/// A furnished server that is asked for no more than this.
async fn pressed(pressure: PressureLimits) -> Listening {
    let server = Server::with(Policy::default(), pressure);
    server.furnish().await;
    listen_as(server, Limits::default()).await
}

async fn listen_as(server: Server, limits: Limits) -> Listening {
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

/// Sends a body as it is, with its length, and reads the answer.
async fn post(listening: &Listening, body: &str) -> String {
    let mut stream = connect(listening).await;
    let head = format!(
        "POST /v2/projects HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // Who is refused early may be told before everything is sent.
    let _ = stream.write_all(body.as_bytes()).await;
    read_until(&mut stream, "\r\n\r\n").await
}

#[tokio::test]
async fn a_body_that_trickles_is_given_up() {
    let listening = listen(Limits {
        body: milliseconds(300),
        ..Limits::default()
    })
    .await;
    let mut stream = connect(&listening).await;
    let head = "POST /v2/projects HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let trickle = tokio::spawn(async move {
        while writing.write_all(b" ").await.is_ok() {
            sleep(milliseconds(20)).await;
        }
    });
    let mut answer = [0; 64];
    let read = timeout(PATIENCE, reading.read(&mut answer)).await;
    let read = read.expect("the body is given up").unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    drop(reading);
    timeout(PATIENCE, trickle)
        .await
        .expect("the connection is ended")
        .unwrap();
}

#[tokio::test]
async fn hostile_json_is_refused_on_the_wire() {
    let listening = listen(Limits::default()).await;
    let wide = |count: usize| {
        let members: Vec<String> = (0..count)
            .map(|number| format!("\"a{number}\":1"))
            .collect();
        format!(
            "{{\"metadata\":{{\"name\":\"wide\"}},{}}}",
            members.join(",")
        )
    };
    let deep = |depth: usize| {
        let inside = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        format!("{{\"metadata\":{{\"name\":\"deep\"}},\"x\":{inside}}}")
    };
    let rows = [
        ("deep lists", deep(32), 422),
        ("very deep lists", deep(400_000), 422),
        (
            "deep objects",
            format!("{}1{}", "{\"a\":".repeat(60_000), "}".repeat(60_000)),
            422,
        ),
        ("not closed", "[".repeat(1_000_000), 422),
        (
            "a repeated member",
            "{\"metadata\":{\"name\":\"a\"},\"metadata\":{\"name\":\"b\"}}".to_owned(),
            422,
        ),
        (
            "a huge exponent",
            "{\"metadata\":{\"name\":1e999999}}".to_owned(),
            422,
        ),
        (
            "a huge integer",
            format!("{{\"metadata\":{{\"name\":{}}}}}", "9".repeat(900_000)),
            422,
        ),
        (
            "a long text",
            format!("{{\"metadata\":{{\"name\":\"{}\"}}}}", "x".repeat(900_000)),
            400,
        ),
        (
            "too large",
            format!("{{\"x\":\"{}\"}}", "x".repeat(1_100_000)),
            413,
        ),
        (
            "not text",
            "{\"metadata\":{\"name\":\"\\ud800\"}}".to_owned(),
            422,
        ),
        ("depth that is allowed", deep(31), 201),
        ("many unknown members", wide(60_000), 201),
    ];
    for (what, body, status) in rows {
        let answer = post(&listening, &body).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{what}: {answer:.300}"
        );
        assert!(answer.len() < 16_000, "{what}: {}", answer.len());
    }
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_told_when_to_come_back() {
    let listening = pressed(PressureLimits {
        per_second: NonZeroU32::new(3).unwrap(),
        ..PressureLimits::default()
    })
    .await;
    let mut stream = connect(&listening).await;
    let mut refused = String::new();
    for _ in 0..20 {
        send(&mut stream, "/v2/projects/p").await;
        let answer = read_until(&mut stream, "}").await;
        if answer.starts_with("HTTP/1.1 429") {
            refused = answer;
            break;
        }
    }
    assert!(refused.contains("retry-after: 1\r\n"), "{refused}");
    assert!(
        refused.contains("urn:dcm:problem:too-many-requests"),
        "{refused}"
    );
    // Whether it lives is told all the same.
    let mut other = connect(&listening).await;
    for _ in 0..20 {
        send(&mut other, "/healthz").await;
        assert!(
            read_until(&mut other, "ok\n")
                .await
                .starts_with("HTTP/1.1 200")
        );
    }
}

/// A connection on which a request waits for a status.
async fn wait_on(listening: &Listening) -> TcpStream {
    let mut stream = connect(listening).await;
    send(
        &mut stream,
        &format!("{CLOUD}/status?wait=ready&timeout=60s"),
    )
    .await;
    let early = timeout(milliseconds(150), stream.peek(&mut [0])).await;
    assert!(early.is_err(), "the wait ended at once");
    stream
}

#[tokio::test]
async fn an_address_has_so_many_requests_at_the_same_time() {
    let listening = pressed(PressureLimits {
        per_address: 2,
        ..PressureLimits::default()
    })
    .await;
    let (first, _second) = (wait_on(&listening).await, wait_on(&listening).await);
    let mut third = connect(&listening).await;
    send(&mut third, "/v2/projects/p").await;
    let answer = read_until(&mut third, "}").await;
    assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
    drop(first);
    let served = async {
        loop {
            send(&mut third, "/v2/projects/p").await;
            if read_until(&mut third, "}")
                .await
                .starts_with("HTTP/1.1 200")
            {
                return;
            }
            sleep(milliseconds(20)).await;
        }
    };
    timeout(PATIENCE, served)
        .await
        .expect("who went makes room");
}

#[tokio::test]
async fn what_cannot_be_answered_now_is_refused_and_waiting_does_not_count() {
    let listening = pressed(PressureLimits {
        answered: 1,
        ..PressureLimits::default()
    })
    .await;
    let _waiting = (wait_on(&listening).await, wait_on(&listening).await);
    // A write whose body does not come holds the only place.
    let mut slow = connect(&listening).await;
    let head = "POST /v2/projects HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n";
    slow.write_all(head.as_bytes()).await.unwrap();
    let refused = async {
        loop {
            let mut stream = connect(&listening).await;
            send(&mut stream, "/v2/projects/p").await;
            let answer = read_until(&mut stream, "}").await;
            if answer.starts_with("HTTP/1.1 503") {
                return answer;
            }
        }
    };
    let answer = timeout(PATIENCE, refused)
        .await
        .expect("the place is taken");
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
}

#[tokio::test]
async fn an_address_has_so_many_connections() {
    let listening = listen(Limits {
        connections_per_address: 1,
        ..Limits::default()
    })
    .await;
    let mut first = connect(&listening).await;
    send(&mut first, "/healthz").await;
    read_until(&mut first, "ok\n").await;
    let mut second = connect(&listening).await;
    assert_eq!(read_until(&mut second, "never").await, "");
    drop(first);
    let served = async {
        loop {
            let mut third = connect(&listening).await;
            let head = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
            let sent = third.write_all(head.as_bytes()).await;
            if sent.is_ok() && read_until(&mut third, "ok\n").await.contains("200") {
                return;
            }
        }
    };
    timeout(PATIENCE, served)
        .await
        .expect("who went makes room");
}
