//! The form of the script.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// One file: steps in order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    /// Name of the file.
    #[serde(skip)]
    pub(crate) name: String,
    /// What it shows; for people.
    #[serde(rename = "about")]
    pub(crate) _about: String,
    pub(crate) steps: Vec<Step>,
}

impl Script {
    /// Whether it restarts the server, so that nothing else may run beside it.
    pub(crate) fn restarts(&self) -> bool {
        self.steps.iter().any(|step| step.send == "RESTART")
    }
}

/// One request, and what of its answer counts. `${name}` stands for a saved text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// What it does.
    pub(crate) name: String,
    /// Method and path; or `RESTART`.
    pub(crate) send: String,
    /// User: `admin`, or one of no group. `token` is the bearer of the saved text of that name.
    #[serde(default = "admin", rename = "as")]
    pub(crate) user: String,
    #[serde(default)]
    pub(crate) body: Value,
    /// Media type of the body.
    #[serde(default = "json", rename = "type")]
    pub(crate) media_type: String,
    /// Sent again until these places have these values (`null`: there is nothing).
    #[serde(default)]
    pub(crate) until: BTreeMap<String, Value>,
    /// Texts to keep, by place.
    #[serde(default)]
    pub(crate) save: BTreeMap<String, String>,
    /// Places that are not compared, each with its reason.
    #[serde(default)]
    pub(crate) ignore: BTreeMap<String, String>,
    /// Only these places are compared.
    #[serde(default)]
    pub(crate) only: Vec<String>,
}

fn admin() -> String {
    "admin".to_owned()
}

fn json() -> String {
    "application/json".to_owned()
}

/// All files, in the order of their names.
pub(crate) fn all() -> Vec<Script> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/conformance");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Script {
    let text = std::fs::read_to_string(path).unwrap();
    let script: Result<Script, _> = serde_json::from_str(&text);
    let mut script = script.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    script.name = path.file_stem().unwrap().to_string_lossy().into_owned();
    script
}
