//! The table of bad kubeconfigs, and the documents of its rows; also read by the tests of `dcm-api`.

use serde::Deserialize;

use crate::generate;
use crate::sample::Sample;

const ROWS: &str = include_str!("../data/kubeconfigs.yaml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) threat: String,
    pub(crate) name: String,
    pub(crate) field: String,
    pub(crate) rule: String,
    document: Option<String>,
    generate: Option<String>,
    clusters: Option<String>,
    users: Option<String>,
    contexts: Option<String>,
    current: Option<String>,
    top: Option<String>,
}

impl Row {
    fn composed(&self) -> String {
        if let Some(document) = &self.document {
            return document.clone();
        }
        let part = |own: &Option<String>, good: &str| own.clone().unwrap_or(good.to_owned());
        let clusters = part(
            &self.clusters,
            "[{name: edge, cluster: {server: 'https://192.0.2.10', certificate-authority-data: $CA}}]",
        );
        let users = part(&self.users, "[{name: admin, user: {token: $TOKEN}}]");
        let contexts = part(
            &self.contexts,
            "[{name: main, context: {cluster: edge, user: admin}}]",
        );
        let current = match self.current.as_deref() {
            Some("") => String::new(),
            other => format!("current-context: {}", other.unwrap_or("main")),
        };
        let top = part(&self.top, "");
        format!(
            "apiVersion: v1\nkind: Config\nclusters: {clusters}\nusers: {users}\n\
             contexts: {contexts}\n{current}\n{top}\n"
        )
    }

    pub(crate) fn bytes(&self, sample: &Sample) -> Vec<u8> {
        let text = sample.fill(&self.composed());
        match &self.generate {
            Some(name) => generate::document(name, &text),
            None => text.into_bytes(),
        }
    }
}

pub(crate) fn rows() -> Vec<Row> {
    serde_saphyr::from_str(ROWS).unwrap()
}
