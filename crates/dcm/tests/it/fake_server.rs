//! A server that gives prepared answers, for what a real one says seldom.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What is answered to a request line that begins so. Several for the same line are given one after
/// the other, and the last one again and again.
pub(crate) struct Prepared {
    pub(crate) request: &'static str,
    pub(crate) status: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl Prepared {
    pub(crate) fn json(
        request: &'static str,
        status: &'static str,
        body: &serde_json::Value,
    ) -> Self {
        Self {
            request,
            status,
            content_type: "application/json",
            body: body.to_string(),
        }
    }
}

/// A server that runs as long as the test.
pub(crate) struct FakeServer {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl FakeServer {
    pub(crate) fn start(answers: Vec<Prepared>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            let mut answers = answers;
            for stream in listener.incoming().flatten() {
                // A client that went away is its own business.
                let _ = answer(stream, &mut answers, &seen);
            }
        });
        Self { url, requests }
    }

    /// Request lines and bodies so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(
    mut stream: TcpStream,
    answers: &mut Vec<Prepared>,
    seen: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let line = request.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    let text = String::from_utf8(body).unwrap();
    seen.lock()
        .unwrap()
        .push(format!("{line} {text}").trim_end().to_owned());

    let matching: Vec<usize> = (0..answers.len())
        .filter(|index| line.starts_with(answers[*index].request))
        .collect();
    let Some(first) = matching.first().copied() else {
        return write!(
            stream,
            "HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\nno answer"
        );
    };
    let prepared = &answers[first];
    write!(
        stream,
        "HTTP/1.1 {}\r\ncontent-type: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{}",
        prepared.status,
        prepared.content_type,
        prepared.body.len(),
        prepared.body
    )?;
    if matching.len() > 1 {
        answers.remove(first);
    }
    Ok(())
}
