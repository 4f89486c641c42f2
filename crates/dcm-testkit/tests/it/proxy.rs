//! The proxy that fails as told: every mode, on connections to come and on those that are there.

use std::io::ErrorKind;
use std::time::Duration;

use dcm_testkit::proxy::{Mode, Proxy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Long enough for what would come to come.
const MOMENT: Duration = Duration::from_millis(150);

/// A server that says back whatever it hears, and a proxy before it.
async fn echo() -> Proxy {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap()).unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    proxy
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

/// Says something, and gives what comes back.
async fn said(stream: &mut TcpStream, words: &str) -> std::io::Result<String> {
    stream.write_all(words.as_bytes()).await?;
    heard(stream, words.len()).await
}

async fn heard(stream: &mut TcpStream, length: usize) -> std::io::Result<String> {
    let mut buffer = vec![0; length];
    stream.read_exact(&mut buffer).await?;
    Ok(String::from_utf8(buffer).unwrap())
}

async fn is_silent(stream: &mut TcpStream) -> bool {
    tokio::time::timeout(MOMENT, stream.read_u8())
        .await
        .is_err()
}

/// A connection through which something went already.
async fn used(proxy: &Proxy) -> TcpStream {
    let mut stream = connect(proxy).await;
    assert_eq!(said(&mut stream, "one").await.unwrap(), "one");
    stream
}

#[tokio::test]
async fn pass_brings_everything_and_the_end_of_it() {
    let proxy = echo().await;
    let mut stream = used(&proxy).await;
    stream.shutdown().await.unwrap();
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn refuse_lets_nobody_in_and_cuts_who_is_there() {
    let proxy = echo().await;
    let mut old = used(&proxy).await;
    for _ in 0..3 {
        proxy.set(Mode::Refuse);
        assert!(old.read_u8().await.is_err());
        // The listener goes a moment after the word.
        while TcpStream::connect(proxy.address()).await.is_ok() {
            tokio::task::yield_now().await;
        }
        let error = TcpStream::connect(proxy.address()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        proxy.set(Mode::Pass);
        old = loop {
            match TcpStream::connect(proxy.address()).await {
                Ok(stream) => break stream,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        assert_eq!(said(&mut old, "again").await.unwrap(), "again");
    }
}

#[tokio::test]
async fn hang_makes_connections_and_moves_nothing() {
    let proxy = echo().await;
    let mut old = used(&proxy).await;
    proxy.set(Mode::Hang);
    let mut new = connect(&proxy).await;
    for stream in [&mut old, &mut new] {
        stream.write_all(b"two").await.unwrap();
        assert!(is_silent(stream).await);
    }
    proxy.set(Mode::Pass);
    for stream in [&mut old, &mut new] {
        assert_eq!(heard(stream, 3).await.unwrap(), "two");
    }
}

#[tokio::test]
async fn reset_ends_old_and_new_connections_by_a_reset() {
    let proxy = echo().await;
    let mut old = used(&proxy).await;
    proxy.set(Mode::Reset);
    let error = old.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    // It may come before the connection was seen to be made.
    let error = match TcpStream::connect(proxy.address()).await {
        Ok(mut stream) => stream.read_u8().await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    proxy.set(Mode::Pass);
    used(&proxy).await;
}

#[tokio::test]
async fn half_open_takes_everything_and_gives_nothing_back() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap()).unwrap();
    proxy.set(Mode::HalfOpen);
    let mut caller = connect(&proxy).await;
    caller.write_all(b"two").await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    assert_eq!(heard(&mut server, 3).await.unwrap(), "two");
    server.write_all(b"yes").await.unwrap();
    drop(server);
    assert!(is_silent(&mut caller).await);
    proxy.set(Mode::Pass);
    assert_eq!(heard(&mut caller, 3).await.unwrap(), "yes");
}

#[tokio::test]
async fn drip_gives_one_byte_and_then_another() {
    let proxy = echo().await;
    let mut stream = used(&proxy).await;
    proxy.set(Mode::Drip);
    let words = "a long answer";
    stream.write_all(words.as_bytes()).await.unwrap();
    assert_eq!(heard(&mut stream, 1).await.unwrap(), "a");
    assert!(is_silent(&mut stream).await);
    assert_eq!(heard(&mut stream, 1).await.unwrap(), " ");
    // Who passes again does not wait for the drops that are left.
    proxy.set(Mode::Pass);
    assert_eq!(
        heard(&mut stream, words.len() - 2).await.unwrap(),
        words[2..]
    );
}

#[tokio::test]
async fn delay_brings_everything_later() {
    let proxy = echo().await;
    proxy.set(Mode::Delay(MOMENT * 2));
    let mut stream = connect(&proxy).await;
    stream.write_all(b"two").await.unwrap();
    assert!(is_silent(&mut stream).await);
    assert_eq!(heard(&mut stream, 3).await.unwrap(), "two");
}

#[tokio::test]
async fn it_ends_with_the_value() {
    let proxy = echo().await;
    let mut stream = used(&proxy).await;
    let address = proxy.address();
    drop(proxy);
    assert!(stream.read_u8().await.is_err());
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
