//! What the description shows as an example works: every body is accepted by the server.

use http::Method;
use serde_json::Value;

use crate::described::{Described, Description, examples_of};
use crate::server::{Answer, Server};
use crate::signer::Signer;

/// An example of a request.
struct Shown {
    name: String,
    method: Method,
    path: String,
    media_type: String,
    body: String,
    /// It makes something at a path of its own, so it can be sent once only.
    creates: bool,
}

const BOUNDARY: &str = "example-boundary";

/// The text of a body in its media type.
fn written(media_type: &str, example: &Value) -> String {
    if media_type != "multipart/form-data" {
        return example.to_string();
    }
    let part = |(name, part): (&String, &Value)| {
        let part = part.as_str().unwrap();
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{part}\r\n")
    };
    let parts: String = example.as_object().unwrap().iter().map(part).collect();
    format!("{parts}--{BOUNDARY}--\r\n")
}

/// The name that a body gives to what it is of.
fn name_in(example: &Value) -> Option<String> {
    let form = example["metadata"].as_str();
    let inner = form.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let document = inner.as_ref().unwrap_or(example);
    let names = ["/metadata/name", "/name", "/clusterLabel"];
    let name = names.iter().find_map(|at| document.pointer(at));
    name.and_then(Value::as_str).map(str::to_owned)
}

/// The path with the examples of its parameters; the last one of a PUT is the name in the body.
fn filled(operation: &Described<'_>, example: &Value) -> String {
    let named = (operation.method == Method::PUT)
        .then(|| name_in(example))
        .flatten();
    let mut path = operation.path.to_owned();
    let parameters = operation.told["parameters"]
        .as_array()
        .into_iter()
        .flatten();
    for parameter in parameters.filter(|parameter| parameter["in"] == "path") {
        let hole = format!("{{{}}}", parameter["name"].as_str().unwrap());
        let own = parameter["example"].as_str().unwrap();
        let value = match &named {
            Some(name) if path.ends_with(&hole) => name,
            _ => own,
        };
        path = path.replace(&hole, value);
    }
    path
}

fn shown(description: &Description) -> Vec<Shown> {
    let mut all = Vec::new();
    for operation in description.operations() {
        let content = operation.told["requestBody"]["content"].as_object();
        for (media_type, content) in content.into_iter().flatten() {
            for example in examples_of(content) {
                all.push(Shown {
                    name: format!("{} as {media_type}", operation.id()),
                    method: operation.method.clone(),
                    path: filled(&operation, example),
                    media_type: media_type.clone(),
                    body: written(media_type, example),
                    creates: operation.told["responses"]["201"]["links"].is_object(),
                });
            }
        }
    }
    all
}

async fn send(server: &Server, shown: &Shown) -> Answer {
    // The answer to a request is for a key that only this server has.
    let body = match shown.path.strip_suffix("/ca/signed") {
        Some(scope) => Signer::new("others")
            .signed(server, scope)
            .await
            .to_string(),
        None => shown.body.clone(),
    };
    let media_type = match shown.media_type.as_str() {
        "multipart/form-data" => format!("multipart/form-data; boundary={BOUNDARY}"),
        other => other.to_owned(),
    };
    let headers = [("content-type", media_type.as_str())];
    let method = shown.method.clone();
    server.call(method, &shown.path, &headers, body).await
}

/// Sends what can be sent, again and again, until nothing more is accepted; what is left is returned
/// with its last answer.
async fn send_all(server: &Server, mut waiting: Vec<Shown>) -> Vec<String> {
    loop {
        let (before, mut left, mut answers) = (waiting.len(), Vec::new(), Vec::new());
        for shown in waiting {
            let answer = send(server, &shown).await;
            if !answer.status.is_success() {
                answers.push(format!("{}, {}: {answer}", shown.name, shown.path));
                left.push(shown);
            }
        }
        if left.len() == before || left.is_empty() {
            return answers;
        }
        waiting = left;
    }
}

#[tokio::test]
async fn every_example_of_a_request_is_accepted() {
    let server = Server::new();
    let all = shown(&Description::new());
    assert!(all.len() > 30, "{}", all.len());
    let (creating, others) = all.into_iter().partition(|shown| shown.creates);
    // Parents come to be before their children, in whatever order the document has them.
    let refused = send_all(&server, creating).await;
    assert!(refused.is_empty(), "{refused:#?}");
    let refused = send_all(&server, others).await;
    assert!(refused.is_empty(), "{refused:#?}");
}
