//! Reading a Secret as `kubectl get secret cacerts -o yaml` prints it, or as it stands in a manifest.
#![deny(clippy::indexing_slicing)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{ANCHORS, CERTIFICATE, CHAIN, Files, KEY, LISTS};
use crate::kubeconfig::SIZE_LIMIT;
use crate::kubeconfig::yaml::{self, Node};

/// Certificate and chain, key, and anchors of a Secret of type `kubernetes.io/tls`.
const TLS: [&str; 3] = ["tls.crt", "tls.key", "ca.crt"];

impl Files {
    /// Reads the Secret of a control plane, in YAML or JSON: with the files of `cacerts`, or with those of
    /// a Secret of type `kubernetes.io/tls`. The error is a rule that the text breaks; it quotes nothing.
    pub fn from_secret(text: &str) -> Result<Self, String> {
        if text.len() > SIZE_LIMIT {
            return Err("must be at most 256 KiB".to_owned());
        }
        let root = yaml::read(text).map_err(|violation| violation.rule)?;
        if text_of(&root, "kind").is_none_or(|kind| kind.as_str() != "Secret") {
            return Err("must be one object of kind Secret".to_owned());
        }
        let [certificate, key, anchors] = TLS;
        if entry(&root, CERTIFICATE)?.is_none()
            && let Some(chain) = entry(&root, certificate)?
        {
            let first = chain.find("-----END CERTIFICATE-----");
            let end = first.map_or(chain.len(), |at| at + "-----END CERTIFICATE-----".len());
            let signing = chain.get(..end).unwrap_or_default().to_owned() + "\n";
            return Ok(Self {
                certificate: signing,
                key: secret(entry(&root, key)?.as_ref()),
                chain: chain.to_string(),
                anchors: plain(entry(&root, anchors)?),
                lists: None,
            });
        }
        Ok(Self {
            certificate: plain(entry(&root, CERTIFICATE)?),
            key: secret(entry(&root, KEY)?.as_ref()),
            chain: plain(entry(&root, CHAIN)?),
            anchors: plain(entry(&root, ANCHORS)?),
            lists: entry(&root, LISTS)?.map(|lists| lists.to_string()),
        })
    }
}

fn plain(text: Option<Zeroizing<String>>) -> String {
    text.map(|text| text.to_string()).unwrap_or_default()
}

fn secret(text: Option<&Zeroizing<String>>) -> SecretString {
    SecretString::from(text.map_or("", |text| text.as_str()))
}

/// One file of a Secret; a file of `stringData` goes before one of `data`, as Kubernetes has it.
fn entry(root: &Node, name: &str) -> Result<Option<Zeroizing<String>>, String> {
    if let Some(text) = member(root, "stringData").and_then(|data| text_of(data, name)) {
        return Ok(Some(text.clone()));
    }
    let Some(text) = member(root, "data").and_then(|data| text_of(data, name)) else {
        return Ok(None);
    };
    let compact: Zeroizing<String> =
        Zeroizing::new(text.chars().filter(|c| !c.is_ascii_whitespace()).collect());
    let mut bytes = Zeroizing::new(vec![0; compact.len()]);
    let length = STANDARD
        .decode_slice(compact.as_bytes(), &mut bytes)
        .map_err(|_| format!("must have valid base64 as data['{name}']"))?;
    bytes.truncate(length);
    std::str::from_utf8(&bytes)
        .map(|text| Some(Zeroizing::new(text.to_owned())))
        .map_err(|_| format!("must have text as data['{name}']"))
}

fn member<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    let Node::Map(members) = node else {
        return None;
    };
    members.iter().find_map(|(key, value)| match key {
        Node::Text(text) if text.as_str() == name => Some(value),
        _ => None,
    })
}

fn text_of<'a>(node: &'a Node, name: &str) -> Option<&'a Zeroizing<String>> {
    match member(node, name)? {
        Node::Text(text) => Some(text),
        _ => None,
    }
}
