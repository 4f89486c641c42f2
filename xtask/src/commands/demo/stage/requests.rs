//! Requests to the server, shown as the `curl` that would send them.

use std::fs;
use std::io;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{Shown, Stage};
use crate::commands::demo::times::in_words;
use crate::http::{Answer, Connection};
use crate::output::say;

/// Answers are shown to this length; the rest is not what one looks at.
const WIDTH: usize = 240;
/// Between the parts of a form.
const BOUNDARY: &str = "dcm-demo-form";

impl Stage {
    /// Sends a request that must succeed.
    pub(in super::super) fn request(&self, method: &str, path: &str, body: &str) -> Result<Shown> {
        let verb = if method == "GET" {
            String::new()
        } else {
            format!(" -X {method}")
        };
        let data = if body.is_empty() {
            String::new()
        } else {
            format!(" --json '{body}'")
        };
        let line = format!("curl{verb}{data} {}", url(path));
        let send = |connection: &mut Connection| connection.send(method, path, body);
        self.exchange(line, send, shortened)
    }

    /// Reads a document, and shows of it the members that matter.
    pub(in super::super) fn members(&self, path: &str, members: &[&str]) -> Result<Shown> {
        let line = format!("curl {} | jq -c '{{{}}}'", url(path), members.join(","));
        let show = |text: &str| {
            let document: Value = serde_json::from_str(text).unwrap_or_default();
            let one = |name: &&str| format!("\"{name}\":{}", document[name]);
            format!(
                "{{{}}}",
                members.iter().map(one).collect::<Vec<_>>().join(",")
            )
        };
        self.exchange(line, |connection| connection.send("GET", path, ""), show)
    }

    /// Sends a form with a document and a file.
    pub(in super::super) fn upload(&self, path: &str, document: &str, file: &str) -> Result<Shown> {
        let content = fs::read_to_string(self.folder.join(file)).context("the file of a form")?;
        let line = format!(
            "curl -F 'metadata={document}' -F file=@{file} {}",
            url(path)
        );
        let part = |name: &str, content: &str| {
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {name}\r\n\r\n{content}\r\n")
        };
        let form = part("name=\"metadata\"", document)
            + &part(&format!("name=\"file\"; filename=\"{file}\""), &content)
            + &format!("--{BOUNDARY}--\r\n");
        let media_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let send =
            |connection: &mut Connection| connection.send_as(&media_type, "POST", path, &form);
        self.exchange(line, send, shortened)
    }

    /// Saves an answer to a file.
    pub(in super::super) fn download(&self, path: &str, file: &str) -> Result<()> {
        let line = format!("curl -o {file} {}", url(path));
        let send = |connection: &mut Connection| connection.send("GET", path, "");
        let shown = self.exchange(line, send, |_| String::new())?;
        fs::write(self.folder.join(file), shown.text).context("saving an answer")
    }

    /// Reads a path without showing it, to look whether something is so.
    pub(in super::super) fn fetch(&self, path: &str) -> Result<String> {
        Ok(Connection::open(self.server)?.send("GET", path, "")?.body)
    }

    fn exchange(
        &self,
        line: String,
        send: impl FnOnce(&mut Connection) -> io::Result<Answer>,
        show: impl Fn(&str) -> String,
    ) -> Result<Shown> {
        self.prompt(&line);
        let began = Instant::now();
        let answer = send(&mut Connection::open(self.server)?)?;
        let took = began.elapsed();
        let succeeded = (200..300).contains(&answer.status);
        let text = if succeeded {
            show(&answer.body)
        } else {
            answer.body.clone()
        };
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            say(format!("  {line}"));
        }
        if !succeeded {
            bail!("`{line}` was answered with {}", answer.status);
        }
        self.good(&format!("{} · {}", answer.status, in_words(took)));
        Ok(Shown {
            line,
            text: answer.body,
        })
    }
}

/// As a shell takes it: what a shell would take for its own is quoted.
fn url(path: &str) -> String {
    let url = format!("$DCM_SERVER{path}");
    if path.contains(['?', '&']) {
        format!("\"{url}\"")
    } else {
        url
    }
}

/// The beginning of an answer, which is one line.
fn shortened(text: &str) -> String {
    let text = text.trim_end();
    match text.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_answers_are_shown_in_part() {
        assert_eq!(shortened("{}"), "{}");
        let long = shortened(&"é".repeat(WIDTH + 1));
        assert_eq!(long, "é".repeat(WIDTH) + "...");
    }
}
