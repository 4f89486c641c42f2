//! Lists, in pages: each page shows the state at the version of the first one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::core::{Asking, Core};
use super::message::{Refusal, Response};
use super::paths::Target;
use super::selector::Selector;

/// Where a list goes on.
struct Continue {
    version: u64,
    after: (String, String),
}

impl Continue {
    fn read(text: &str) -> Result<Self, Refusal> {
        let decoded = URL_SAFE_NO_PAD.decode(text).ok();
        let value: Option<Value> = decoded.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        value
            .and_then(|value| {
                let start = value["start"].as_str()?.trim_end_matches('\0');
                let (namespace, name) = start.split_once('/').unwrap_or(("", start));
                Some(Self {
                    version: value["rv"].as_u64()?,
                    after: (namespace.to_owned(), name.to_owned()),
                })
            })
            .ok_or_else(|| Refusal::bad_request("continue key is not valid: illegal base64 data"))
    }

    fn write(&self) -> String {
        let (namespace, name) = &self.after;
        let start = format!("{namespace}/{name}\0");
        URL_SAFE_NO_PAD.encode(
            json!({ "v": "meta.k8s.io/v1", "rv": self.version, "start": start }).to_string(),
        )
    }
}

impl Core {
    pub(super) fn list(&self, asking: Asking<'_>, target: &Target) -> Result<Response, Refusal> {
        let selector = Selector::of(asking.request)?;
        let limit: usize = asking
            .request
            .parameter("limit")
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        let token = asking
            .request
            .parameter("continue")
            .filter(|text| !text.is_empty());
        let from = token.map(Continue::read).transpose()?;
        let version = from
            .as_ref()
            .map_or(self.objects.version(), |from| from.version);
        let all = self.objects.snapshot(target.id, target.within(), version);
        let mut all = all.ok_or_else(expired)?;
        if let Some(from) = &from {
            all.retain(|(key, _)| (&*key.namespace, &*key.name) > (&from.after.0, &from.after.1));
        }
        let mut items = Vec::new();
        let mut metadata = json!({ "resourceVersion": version.to_string() });
        if target.kind.custom {
            metadata["continue"] = json!("");
        }
        for (index, (key, text)) in all.iter().enumerate() {
            let object: Value = serde_json::from_str(text).unwrap_or_default();
            if !selector.matches(&object) {
                continue;
            }
            items.push(item(target, object));
            if limit > 0 && items.len() == limit && index + 1 < all.len() {
                let after = (key.namespace.to_string(), key.name.to_string());
                metadata["continue"] = json!(Continue { version, after }.write());
                if selector.is_empty() {
                    metadata["remainingItemCount"] = json!(all.len() - index - 1);
                }
                break;
            }
        }
        Ok(Response::ok(json!({
            "kind": format!("{}List", target.kind.kind), "apiVersion": target.kind.api_version(),
            "metadata": metadata, "items": items,
        })))
    }
}

/// Items of a list do not say what they are, unless their kind was added by a definition.
pub(super) fn item(target: &Target, mut object: Value) -> Value {
    if !target.kind.custom
        && let Some(map) = object.as_object_mut()
    {
        map.remove("kind");
        map.remove("apiVersion");
    }
    object
}

fn expired() -> Refusal {
    Refusal::expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without \
         the continue parameter.",
    )
}
