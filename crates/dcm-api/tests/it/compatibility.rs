//! What clients of EMCO and of the original design expect, call by call: the same as there, or better on
//! purpose, and then it is said in which respect.
//!
//! The rows stand in `tests/data/compatibility`, a file per group of endpoints, written from the description
//! of those interfaces. Each file is a sequence on a server of its own. A row says `emco`, the code there, and
//! either nothing more, so ours is the same; or `better`, a subject of [`SUBJECTS`], with `ours` when the code
//! is another. The authorities' interface (`ca-certs`) is not served yet and has no rows.

use std::collections::BTreeSet;

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::server::{Answer, KUBECONFIG, Server};

/// In which respects we differ on purpose.
const SUBJECTS: [&str; 13] = [
    "Actions",
    "Codes",
    "DELETE of a logical cloud",
    "Empty list",
    "Names",
    "One reference per cluster",
    "PUT",
    "Quota keys and quantities",
    "Unknown members",
    "cluster GET",
    "cluster PUT",
    "level",
    "status",
];

/// A file of rows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// Which parts of the description it covers.
    sections: String,
    rows: Vec<Row>,
}

/// A call, and what is expected of its answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// What is special about the call.
    #[serde(default)]
    about: String,
    /// Method and path.
    call: String,
    #[serde(default)]
    headers: Map<String, Value>,
    /// A body of JSON.
    body: Option<Value>,
    /// A body as it is.
    text: Option<String>,
    /// A body as a form, part by part; `@kubeconfig` is one that is accepted.
    form: Option<Map<String, Value>>,
    /// The code of EMCO.
    emco: u16,
    /// Ours, when it is another.
    ours: Option<u16>,
    /// In which respect ours is better.
    better: Option<String>,
    /// The whole body of the answer.
    equals: Option<Value>,
    /// Members of the body of the answer.
    contains: Option<Value>,
    /// Members that the body does not have.
    #[serde(default)]
    without: Vec<String>,
    /// Headers of the answer.
    #[serde(default)]
    header: Map<String, Value>,
    /// Text of the header `Warning`.
    warning: Option<String>,
}

const BOUNDARY: &str = "compatibility-boundary";

impl Row {
    fn parts(&self) -> (Method, &str) {
        let (method, path) = self.call.split_once(' ').unwrap();
        (method.parse().unwrap(), path)
    }

    fn content(&self) -> String {
        let text = self.text.clone();
        let body = text.or_else(|| self.body.as_ref().map(Value::to_string));
        body.or_else(|| self.form.as_ref().map(written))
            .unwrap_or_default()
    }

    async fn send(&self, server: &Server) -> Answer {
        let (method, path) = self.parts();
        let given = self.headers.iter();
        let mut headers: Vec<(&str, &str)> = given
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        let form = format!("multipart/form-data; boundary={BOUNDARY}");
        if self.form.is_some() {
            headers.push(("content-type", &form));
        }
        if self.text.as_deref() == Some("") {
            // As clients say it on the wire.
            headers.push(("content-length", "0"));
        }
        server.call(method, path, &headers, self.content()).await
    }

    /// What is wrong with the row itself.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        match &self.better {
            None if self.ours.is_some() => faults.push("differs without a subject".to_owned()),
            Some(subject) if !SUBJECTS.contains(&subject.as_str()) => {
                faults.push(format!("'{subject}' is no subject"));
            }
            _ => {}
        }
        if self.ours == Some(self.emco) {
            faults.push("says the same code twice".to_owned());
        }
        faults
    }

    /// What of an answer is not as expected.
    fn lacks(&self, answer: &Answer) -> Vec<String> {
        let mut lacks = self.faults();
        let expected = self.ours.unwrap_or(self.emco);
        if answer.status.as_u16() != expected {
            lacks.push(format!("expected {expected}"));
        }
        let body = serde_json::from_str(&answer.text).unwrap_or(Value::Null);
        if self.equals.as_ref().is_some_and(|whole| *whole != body) {
            lacks.push("the body is another".to_owned());
        }
        if let Some(part) = &self.contains
            && !contains(&body, part)
        {
            lacks.push("the body lacks something".to_owned());
        }
        let told = self.without.iter().filter(|name| !body[*name].is_null());
        lacks.extend(told.map(|name| format!("{name} is there")));
        for (name, value) in &self.header {
            if answer.header(name) != value.as_str() {
                lacks.push(format!("{name} is {:?}", answer.header(name)));
            }
        }
        let warnings = answer.headers.get_all("warning").iter();
        let warnings: Vec<&str> = warnings.map(|value| value.to_str().unwrap()).collect();
        if let Some(text) = &self.warning
            && !warnings.iter().any(|warning| warning.contains(text))
        {
            lacks.push(format!("warnings are {warnings:?}"));
        }
        if expected >= 400 && answer.header("content-type") != Some("application/problem+json") {
            lacks.push("an error is no problem document".to_owned());
        }
        if answer.text.contains("DCMCANARY") {
            lacks.push("a credential is shown".to_owned());
        }
        lacks
    }
}

/// A form as EMCO's own tool writes it: no part but the file says a type.
fn written(form: &Map<String, Value>) -> String {
    let part = |(name, value): (&String, &Value)| {
        let value = match value.as_str() {
            Some("@kubeconfig") => KUBECONFIG.to_owned(),
            Some(other) => other.to_owned(),
            None => value.to_string(),
        };
        let more = match name.as_str() {
            "file" => "; filename=\"filename\"\r\nContent-Type: application/octet-stream",
            _ => "",
        };
        format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{value}\r\n"
        )
    };
    let parts: String = form.iter().map(part).collect();
    format!("{parts}--{BOUNDARY}--\r\n")
}

/// Whether a value has all members of another; lists have as many items.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(name, part)| whole.get(name).is_some_and(|whole| contains(whole, part))),
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(w, p)| contains(w, p))
        }
        _ => whole == part,
    }
}

/// Sends the rows of a file in order, and says what is not as expected.
async fn run(file: &str) -> Vec<String> {
    let table: Table = serde_json::from_str(file).unwrap();
    assert!(!table.sections.is_empty() && table.rows.len() > 15);
    let server = Server::new();
    let mut lacks = Vec::new();
    for row in &table.rows {
        let answer = row.send(&server).await;
        let found = row.lacks(&answer);
        if !found.is_empty() {
            lacks.push(format!("{} ({}): {found:?}: {answer}", row.call, row.about));
        }
        // What is deleted in the background is gone before the next call.
        if answer.status == 202 && row.call.starts_with("DELETE") {
            server.finish().await;
        }
    }
    lacks
}

macro_rules! tables {
    ($($test:ident = $file:literal),* $(,)?) => {$(
        #[tokio::test]
        async fn $test() {
            let lacks = run(include_str!(concat!("../data/compatibility/", $file))).await;
            assert!(lacks.is_empty(), "{}", lacks.join("\n\n"));
        }
    )*};
}

tables!(
    projects_answer_as_emco_or_better = "projects.json",
    controllers_answer_as_emco_or_better = "controllers.json",
    the_cluster_manager_answers_as_emco_or_better = "cluster-manager.json",
    logical_clouds_answer_as_emco_or_better = "logical-clouds.json",
    the_life_of_a_cloud_is_as_in_emco_or_better = "life.json",
    the_original_design_is_served_as_it_was_shown = "seed.json",
    the_tool_of_emco_takes_a_cloud_through_its_life = "emcoctl.json",
);

#[test]
fn every_subject_is_needed_by_a_row() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/compatibility");
    let mut named = BTreeSet::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let table: Table = serde_json::from_str(&text).unwrap();
        named.extend(table.rows.into_iter().filter_map(|row| row.better));
    }
    assert_eq!(named, SUBJECTS.map(str::to_owned).into());
}
