//! What HTTP costs without us: a server of the same libraries, on the same runtime, that answers with
//! the text in its argument. A baseline of `cargo xtask bench api`.
//!
//! It prints its address and ends when its standard input does.

#![expect(clippy::print_stdout, reason = "it prints its address")]

use std::io::{self, Read as _};

use axum::Router;
use axum::body::Bytes;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use http::header::CONTENT_TYPE;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> io::Result<()> {
    let text = Bytes::from(std::env::args().nth(1).unwrap_or_default());
    let answer = move || std::future::ready(([(CONTENT_TYPE, "application/json")], text.clone()));
    // A route as deep as the one that is asked of us.
    let router = Router::new().route("/v2/projects/{project}/logical-clouds/{cloud}", get(answer));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?);
    std::thread::spawn(|| {
        // Whoever started us is gone, or wants us gone; an error says the same.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let listener = listener.tap_io(|stream| {
        // As ours does; where it cannot be set, answers only come later.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await
}
