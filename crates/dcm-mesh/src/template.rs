//! A manifest that a user wrote, with places for the values of a mesh: `${REVISION}`, `${CLUSTER}` and so on.
//!
//! Not a language: no conditions, no loops. Whatever stands in it is judged as a renderer's manifest is
//! ([`Manifest::read`](crate::Manifest::read)).

use dcm_types::Violation;
use serde_json::Value;

use crate::{Error, MeshRenderer};

/// Places, and where their values are in what a renderer is told.
const PLACES: &[(&str, &str)] = &[
    ("NAMESPACE", "/metadata/namespace"),
    ("REVISION", "/spec/revision"),
    ("HUB", "/spec/hub"),
    ("TAG", "/spec/tag"),
    ("TRUST_DOMAIN", "/spec/meshConfig/trustDomain"),
    ("MESH_ID", "/spec/values/global/meshID"),
    ("CLUSTER", "/spec/values/global/multiCluster/clusterName"),
    ("NETWORK", "/spec/values/global/network"),
];

/// A user's manifest with places, of which each is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    version: String,
}

impl Template {
    /// Reads a template; `version` names it, for example by its hash.
    pub fn new(text: &str, version: &str) -> Result<Self, Error> {
        for place in places(text) {
            if !PLACES.iter().any(|(known, _)| *known == place) {
                let rule = format!("must have no places but {}", known());
                return Err(Error::Invalid {
                    field: "template",
                    violation: Violation::new(rule, place),
                });
            }
        }
        // Namespace and revision are what keeps the meshes of one cluster apart.
        for needed in ["${NAMESPACE}", "${REVISION}"] {
            if !text.contains(needed) {
                let rule = format!("must have the place {needed}");
                return Err(Error::Invalid {
                    field: "template",
                    violation: Violation::hidden(rule),
                });
            }
        }
        Ok(Self {
            text: text.to_owned(),
            version: version.to_owned(),
        })
    }
}

impl MeshRenderer for Template {
    fn version(&self) -> Result<String, Error> {
        Ok(self.version.clone())
    }

    fn render(&self, operator: &Value) -> Result<String, Error> {
        let mut text = self.text.clone();
        for (place, pointer) in PLACES {
            let value = operator.pointer(pointer).and_then(Value::as_str);
            let value =
                value.ok_or_else(|| Error::Render(format!("there is no value for {place}")))?;
            text = text.replace(&format!("${{{place}}}"), value);
        }
        Ok(text)
    }
}

/// What stands between `${` and `}`.
fn places(text: &str) -> impl Iterator<Item = &str> {
    text.split("${")
        .skip(1)
        .map(|rest| rest.split_once('}').map_or(rest, |(place, _)| place))
}

fn known() -> String {
    let all: Vec<_> = PLACES
        .iter()
        .map(|(place, _)| format!("${{{place}}}"))
        .collect();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::renderer::render;
    use crate::{Images, Member, Mesh, MeshName};

    const TEXT: &str = "apiVersion: v1\nkind: ConfigMap\n\
        metadata: {name: 'istio-${REVISION}', namespace: '${NAMESPACE}'}\n\
        data: {cluster: '${CLUSTER}', image: '${HUB}/pilot:${TAG}'}\n";

    #[test]
    fn places_are_filled_for_the_mesh_at_once_and_for_each_member_later() {
        let mesh = Mesh {
            name: MeshName::parse("istio-shop-1").unwrap(),
            id: "shop".to_owned(),
            trust_domain: "shop.acme.example".to_owned(),
            images: Images::new("registry.example/istio", "1.31.0").unwrap(),
        };
        let manifest = render(&Template::new(TEXT, "1").unwrap(), &mesh).unwrap();
        let objects = manifest.for_member(&Member::new("berlin", "n").unwrap());
        assert_eq!(objects.len(), 1);
        let object = &objects[0];
        assert_eq!(object["metadata"]["name"], "istio-istio-shop-1");
        assert_eq!(object["data"]["cluster"], "berlin");
        assert_eq!(
            object["data"]["image"],
            "registry.example/istio/pilot:1.31.0"
        );
    }

    #[test]
    fn unknown_and_missing_places_are_refused() {
        for text in [
            TEXT.replace("${CLUSTER}", "${PASSWORD}"),
            TEXT.replace("${CLUSTER}", "${CLUSTER"),
            TEXT.replace("${CLUSTER}", "${cluster}"),
            TEXT.replace("${NAMESPACE}", "istio-system"),
            TEXT.replace("${REVISION}", "default"),
        ] {
            let refused = Template::new(&text, "1");
            assert!(matches!(refused, Err(Error::Invalid { .. })), "{text}");
        }
    }
}
