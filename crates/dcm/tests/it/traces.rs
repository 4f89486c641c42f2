//! Spans reach a collector, and hold no secret; without one there are none.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use crate::environment::{DEADLINE, Environment};

/// A collector: takes what is posted, and answers that it did.
pub(crate) struct Collector {
    pub(crate) endpoint: String,
    bodies: Receiver<(String, Vec<u8>)>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (sender, bodies) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sender = sender.clone();
                thread::spawn(move || take(stream, &sender));
            }
        });
        Self { endpoint, bodies }
    }

    /// The first span that is what is asked for, of all that come in time; and every byte until then.
    pub(crate) fn until(&self, wanted: impl Fn(&Span) -> bool) -> (Span, Vec<u8>) {
        let began = Instant::now();
        let mut all = Vec::new();
        while let Some(left) = DEADLINE.checked_sub(began.elapsed()) {
            let (path, body) = self.bodies.recv_timeout(left).expect("spans come");
            assert_eq!(path, "/v1/traces");
            all.extend_from_slice(&body);
            let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
            let mut spans = request
                .resource_spans
                .into_iter()
                .flat_map(|of_resource| of_resource.scope_spans)
                .flat_map(|of_scope| of_scope.spans);
            if let Some(span) = spans.find(&wanted) {
                return (span, all);
            }
        }
        panic!("no such span came");
    }
}

fn take(stream: TcpStream, sender: &Sender<(String, Vec<u8>)>) {
    let mut answers = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or_default() == 0 {
            return;
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).unwrap();
            let header = header.trim().to_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if header.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        if sender.send((path, body)).is_err() {
            return;
        }
        answers
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
    }
}

pub(crate) fn text(span: &Span, key: &str) -> String {
    let attribute = span
        .attributes
        .iter()
        .find(|attribute| attribute.key == key);
    format!(
        "{:?}",
        attribute.and_then(|attribute| attribute.value.clone())
    )
}

#[test]
fn requests_and_runs_are_traced_without_what_is_secret() {
    let collector = Collector::start();
    let mut environment = Environment::new();
    let settings = format!(
        "[clusters]\nallow_addresses = [\"127.0.0.0/8\"]\n[traces]\nendpoint = \"{}\"\n",
        collector.endpoint
    );
    let configuration = environment.write("traces.toml", &settings);
    let server = environment.serve_with(&["--config", &configuration.display().to_string()]);
    environment.dcm(&["provider", "create", "edges"]).done();
    let kubeconfig = environment.write("berlin.kubeconfig", &kubeconfig());
    let kubeconfig = kubeconfig.display().to_string();
    let create = [
        "cluster",
        "create",
        "edges/berlin",
        "--kubeconfig",
        &kubeconfig,
    ];
    environment.dcm(&create).done();
    let (span, bytes) = collector.until(|span| {
        span.name == "request" && text(span, "route").contains("{clusterProvider}/clusters")
    });
    assert!(text(&span, "method").contains("POST"), "{span:?}");
    assert!(span.end_time_unix_nano > span.start_time_unix_nano);
    let shown = String::from_utf8_lossy(&bytes);
    assert!(!shown.contains("DCMCANARY"), "a credential is in a span");
    assert_eq!(server.terminate().0, 0, "it ends although it sends spans");
}

/// A kubeconfig as it should be, with a token to look for; nobody listens at the address that it gets.
fn kubeconfig() -> String {
    const SAMPLE: &str = include_str!("../../../dcm-api/tests/data/kubeconfig.yaml");
    let nowhere = SAMPLE.replace("https://1.2.3.4:6443", "https://127.0.0.1:1");
    assert!(nowhere != SAMPLE && nowhere.contains("DCMCANARY"));
    nowhere
}

#[test]
fn collector_that_does_not_answer_stops_nothing() {
    let mut environment = Environment::new();
    let configuration =
        environment.write("t.toml", "[traces]\nendpoint = \"http://127.0.0.1:1\"\n");
    let server = environment.serve_with(&["--config", &configuration.display().to_string()]);
    environment.dcm(&["provider", "create", "edges"]).done();
    assert_eq!(server.terminate().0, 0);
}

#[test]
fn settings_that_cannot_be_are_refused_at_the_start() {
    let environment = Environment::new();
    for (setting, said) in [
        (
            "endpoint = \"https://collector\"",
            "must begin with http://",
        ),
        (
            "endpoint = \"http://127.0.0.1:1\"\nshare = 1.5",
            "between 0.0 and 1.0",
        ),
    ] {
        let configuration = environment.write("t.toml", &format!("[traces]\n{setting}\n"));
        let refused = environment.dcm(&["serve", "--config", &configuration.display().to_string()]);
        assert_eq!(refused.code, 1, "{}", refused.shown());
        assert!(refused.stderr.contains(said), "{}", refused.shown());
    }
}
