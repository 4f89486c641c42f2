//! The few HTTP requests that tasks send to a server of ours: HTTP/1.1 over one connection kept alive.
//!
//! So small that a load generator made of it takes little of the processors it shares with the
//! server that it measures.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const CONNECT_DEADLINE: Duration = Duration::from_secs(1);
/// Far above what a caller asks the server to wait.
const ANSWER_DEADLINE: Duration = Duration::from_mins(2);
const JSON: &str = "application/json";

/// A connection to a server.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
}

/// What the server said.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// Where a list goes on: its header `X-Continue`.
    pub(crate) next: Option<String>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, CONNECT_DEADLINE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_DEADLINE))?;
        stream.set_write_timeout(Some(ANSWER_DEADLINE))?;
        Ok(Self {
            stream: BufReader::new(stream),
            address,
        })
    }

    /// Sends a request, with JSON in it unless `body` is empty, and reads the answer.
    pub(crate) fn send(&mut self, method: &str, path: &str, body: &str) -> io::Result<Answer> {
        let media_type = if body.is_empty() { "" } else { JSON };
        self.send_as(media_type, method, path, body)
    }

    /// Sends a request with a body of any kind; an empty media type is not told.
    pub(crate) fn send_as(
        &mut self,
        media_type: &str,
        method: &str,
        path: &str,
        body: &str,
    ) -> io::Result<Answer> {
        let kind = if media_type.is_empty() {
            String::new()
        } else {
            format!("Content-Type: {media_type}\r\n")
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        self.read_answer()
    }

    fn read_answer(&mut self) -> io::Result<Answer> {
        let line = self.read_line()?;
        let status = line.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.ok_or_else(|| broken("no status"))?;
        let (mut length, mut next) = (0, None);
        loop {
            let line = self.read_line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(|_| broken("no length"))?;
            } else if name.eq_ignore_ascii_case("x-continue") {
                next = Some(value.trim().to_owned());
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                return Err(broken("comes in chunks, which are not understood here"));
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        let body = String::from_utf8(body).map_err(|_| broken("is not UTF-8"))?;
        Ok(Answer { status, body, next })
    }

    fn read_line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::other(format!("the answer {what}"))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Gives these answers in turn on one connection, and returns what was asked.
    fn serve(answers: &'static [&'static str]) -> (SocketAddr, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = String::new();
            for answer in answers {
                let mut bytes = [0; 1024];
                let length = stream.read(&mut bytes).unwrap();
                asked.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
                stream.write_all(answer.as_bytes()).unwrap();
            }
            asked
        });
        (address, server)
    }

    #[test]
    fn several_answers_are_read_from_one_connection() {
        let (address, server) = serve(&[
            "HTTP/1.1 201 Created\r\nContent-Length: 2\r\nEtag: x\r\n\r\n{}",
            "HTTP/1.1 204 No Content\r\nx-continue: a/b\r\n\r\n",
        ]);
        let mut connection = Connection::open(address).unwrap();
        let answer = connection.send("PUT", "/v2/a", "{\"b\":1}").unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (201, "{}"));
        assert_eq!(answer.next, None);
        let answer = connection.send("DELETE", "/v2/a", "").unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
        assert_eq!(answer.next.as_deref(), Some("a/b"));
        let asked = server.join().unwrap();
        assert!(asked.starts_with("PUT /v2/a HTTP/1.1\r\n"), "{asked}");
        assert!(
            asked.contains("Content-Length: 7\r\n\r\n{\"b\":1}DELETE"),
            "{asked}"
        );
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        const ANSWERS: [&[&str]; 2] = [
            &["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
            &["nonsense\r\n\r\n"],
        ];
        for answer in ANSWERS {
            let (address, _server) = serve(answer);
            let mut connection = Connection::open(address).unwrap();
            assert!(connection.send("GET", "/", "").is_err(), "{answer:?}");
        }
    }
}
