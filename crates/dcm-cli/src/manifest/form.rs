//! One document of a file: in our own form, which names its kind and what it belongs to, or in the
//! form of EMCO's tool, which names the path.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::Content;
use super::nouns::{
    ACTION_PARENTS, ACTIONS, CLUSTER, CLUSTER_KEY_VALUES, NOUNS, Noun, SYNC_OBJECT,
};
use crate::arguments::segment;
use crate::file;

/// Reads a document, or a list of documents.
pub(super) fn read(value: Value, folder: Option<&Path>) -> Result<Vec<Content>, String> {
    match value {
        Value::Array(items) => items
            .into_iter()
            .map(|item| read_one(item, folder))
            .collect(),
        value => Ok(vec![read_one(value, folder)?]),
    }
}

fn read_one(value: Value, folder: Option<&Path>) -> Result<Content, String> {
    let Value::Object(mut members) = value else {
        return Err("must be an object".to_owned());
    };
    // Nominal in both forms.
    members.remove("version");
    if let Some(context) = members.remove("resourceContext") {
        return by_anchor(&context, members, folder);
    }
    match members.remove("kind") {
        Some(Value::String(kind)) => by_kind(&kind, members, folder),
        Some(_) => Err("'kind' must be text".to_owned()),
        None => Err(
            "must have 'kind' (our form) or 'resourceContext.anchor' (the form of EMCO's tool)"
                .to_owned(),
        ),
    }
}

fn by_kind(
    kind: &str,
    mut members: Map<String, Value>,
    folder: Option<&Path>,
) -> Result<Content, String> {
    if let Some((_, action)) = ACTIONS.iter().find(|(name, _)| *name == kind) {
        let names = take_names(ACTION_PARENTS, &mut members)?;
        return match names.as_slice() {
            [project, cloud] => Ok(Content::Action {
                cloud: ["projects", project, "logical-clouds", cloud]
                    .map(str::to_owned)
                    .to_vec(),
                action: (*action).to_owned(),
            }),
            _ => Err("must name a logical cloud".to_owned()),
        };
    }
    let noun = NOUNS.iter().find(|noun| noun.kind == kind);
    let noun = noun.ok_or_else(|| {
        let known = NOUNS.iter().map(|noun| noun.kind);
        let known = known.chain(ACTIONS.iter().map(|(kind, _)| *kind));
        let known: Vec<&str> = known.collect();
        format!(
            "'kind' is '{kind}', and must be one of {}",
            known.join(", ")
        )
    })?;
    let names = take_names(noun.parents, &mut members)?;
    document(noun, noun.under(names), members, folder)
}

/// What a document of our form belongs to.
fn take_names(parents: &[&str], members: &mut Map<String, Value>) -> Result<Vec<String>, String> {
    let mut names = Vec::with_capacity(parents.len());
    for parent in parents {
        let mut value = members.remove(*parent);
        value.as_mut().into_iter().for_each(as_text);
        match value {
            Some(Value::String(name)) => {
                names.push(segment(&name).map_err(|rule| format!("'{parent}' {rule}"))?);
            }
            Some(_) => return Err(format!("'{parent}' must be a name")),
            None => return Err(format!("'{parent}' is required: what it belongs to")),
        }
    }
    Ok(names)
}

fn by_anchor(
    context: &Value,
    members: Map<String, Value>,
    folder: Option<&Path>,
) -> Result<Content, String> {
    let anchor = context.get("anchor").and_then(Value::as_str);
    let anchor = anchor.ok_or("'resourceContext.anchor' must be a path")?;
    // A query says nothing that we take.
    let path = anchor.split('?').next().unwrap_or_default();
    let parts: Vec<String> = path
        .trim_matches('/')
        .split('/')
        .map(|part| segment(part).map_err(|rule| format!("each part of '{anchor}' {rule}")))
        .collect::<Result<_, _>>()?;
    if let Some(action) = action_of(&parts) {
        return action.map_err(|reason| format!("'{anchor}' {reason}"));
    }
    let noun = NOUNS.iter().find(|noun| noun.has(&parts));
    let noun = noun.ok_or_else(|| {
        format!("'{anchor}' is no collection of documents that this server keeps")
    })?;
    document(noun, parts, members, folder)
}

/// An action on a logical cloud, if the anchor is one.
fn action_of(parts: &[String]) -> Option<Result<Content, &'static str>> {
    let (last, cloud) = parts.split_last()?;
    let of_cloud = cloud.len() == 4 && cloud[0] == "projects" && cloud[2] == "logical-clouds";
    Some(match last.as_str() {
        "instantiate" | "apply" | "update" | "terminate" | "stop" if of_cloud => {
            Ok(Content::Action {
                cloud: cloud.to_vec(),
                action: last.clone(),
            })
        }
        "instantiate" | "apply" | "update" | "terminate" | "stop" => {
            Err("is no action of a logical cloud")
        }
        "approve" | "migrate" | "rollback" | "status" => Err("is no action that can be applied"),
        _ => return None,
    })
}

/// The document itself: what is left of the members, with the file that is uploaded with it.
fn document(
    noun: &Noun,
    collection: Vec<String>,
    mut members: Map<String, Value>,
    folder: Option<&Path>,
) -> Result<Content, String> {
    let upload = take_upload(&mut members)?;
    let mut document = Value::Object(members);
    in_text(noun, &mut document);
    if let Some(path) = upload {
        add_kubeconfig(noun, &mut document, &path, folder)?;
    }
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let name = text(document.pointer("/metadata/name")).filter(|name| !name.is_empty());
    let name = name.or_else(|| text(document.get("clusterLabel")));
    let name = name.unwrap_or_default();
    if !name.is_empty() {
        segment(&name).map_err(|rule| format!("its name {rule}"))?;
    }
    Ok(Content::Document {
        collection,
        name,
        document,
    })
}

/// The file beside a document; `file` counts more than `files`.
fn take_upload(members: &mut Map<String, Value>) -> Result<Option<PathBuf>, String> {
    let (one, many) = (members.remove("file"), members.remove("files"));
    match (one, many) {
        (Some(Value::String(path)), _) => Ok(Some(PathBuf::from(path))),
        (Some(_), _) => Err("'file' must be a path".to_owned()),
        (None, Some(Value::Array(paths))) => match paths.as_slice() {
            [Value::String(path)] => Ok(Some(PathBuf::from(path))),
            _ => Err("'files' must be one path: no document takes several files".to_owned()),
        },
        (None, Some(_)) => Err("'files' must be a list of paths".to_owned()),
        (None, None) => Ok(None),
    }
}

/// Puts the uploaded kubeconfig where the JSON form has it. A cluster that is reached through a
/// repository names a file only because the form of EMCO's tool needs one; it is not read.
fn add_kubeconfig(
    noun: &Noun,
    document: &mut Value,
    path: &Path,
    folder: Option<&Path>,
) -> Result<(), String> {
    if noun.kind != CLUSTER {
        return Err("takes no file: only a cluster does, its kubeconfig".to_owned());
    }
    let by_repository = document
        .pointer("/spec/gitOps/gitOpsType")
        .is_some_and(|kind| kind.as_str() != Some(""));
    if by_repository {
        return Ok(());
    }
    // Beside the file that names it, else where EMCO's tool looks: in the working directory.
    let beside = folder.map(|folder| folder.join(path));
    let path = beside.filter(|path| path.is_file()).unwrap_or(path.into());
    let text = file::read_text(&path).map_err(|error| {
        let cause = std::error::Error::source(&error);
        cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
    })?;
    let spec = document
        .as_object_mut()
        .map(|members| members.entry("spec").or_insert(Value::Null));
    match spec {
        Some(Value::Object(spec)) => {
            spec.insert("kubeconfig".to_owned(), Value::String(text));
        }
        Some(spec @ Value::Null) => *spec = serde_json::json!({ "kubeconfig": text }),
        _ => return Err("'spec' must be an object".to_owned()),
    }
    Ok(())
}

/// YAML reads `0` as a number and `true` as a boolean also where a document has text.
fn in_text(noun: &Noun, document: &mut Value) {
    let texts = [
        "/metadata/name",
        "/metadata/description",
        "/metadata/userData1",
        "/metadata/userData2",
        "/clusterLabel",
        "/spec/level",
        "/spec/namespace",
        "/spec/cluster",
        "/spec/clusterProvider",
        "/spec/user",
        "/spec/user/userName",
    ];
    for pointer in texts {
        document.pointer_mut(pointer).into_iter().for_each(as_text);
    }
    if [CLUSTER_KEY_VALUES, SYNC_OBJECT].contains(&noun.kind)
        && let Some(Value::Array(maps)) = document.pointer_mut("/spec/kv")
    {
        let maps = maps.iter_mut().filter_map(Value::as_object_mut);
        maps.flat_map(Map::values_mut).for_each(as_text);
    }
}

fn as_text(value: &mut Value) {
    if matches!(value, Value::Number(_) | Value::Bool(_)) {
        *value = Value::String(value.to_string());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::read;
    use crate::manifest::Content;

    fn one(value: Value) -> Result<(String, Value), String> {
        match read(value, None)?.remove(0) {
            Content::Document {
                collection,
                document,
                ..
            } => Ok((collection.join("/"), document)),
            Content::Action { cloud, action } => Ok((cloud.join("/"), json!(action))),
        }
    }

    #[test]
    fn both_forms_say_the_same() {
        let body = json!({"metadata": {"name": "q"}, "spec": {"pods": 5}});
        let mut own = json!({"kind": "ClusterQuota", "project": "p", "logicalCloud": "lc"});
        let anchor = "projects/p/logical-clouds/lc/cluster-quotas";
        let mut foreign = json!({"version": "emco/v2", "resourceContext": {"anchor": anchor}});
        for (member, value) in body.as_object().unwrap() {
            own[member] = value.clone();
            foreign[member] = value.clone();
        }
        let expected = Ok((anchor.to_owned(), body));
        assert_eq!(one(own), expected);
        assert_eq!(one(foreign), expected);
    }

    #[test]
    fn actions_are_no_documents() {
        let cloud = "projects/p/logical-clouds/lc";
        let own = json!({"kind": "Instantiate", "project": "p", "logicalCloud": "lc"});
        assert_eq!(one(own), Ok((cloud.to_owned(), json!("instantiate"))));
        let foreign = json!({"resourceContext": {"anchor": format!("{cloud}/terminate")}});
        assert_eq!(one(foreign), Ok((cloud.to_owned(), json!("terminate"))));
    }

    #[test]
    fn scalars_become_text_where_text_belongs() {
        let cloud = json!({"kind": "LogicalCloud", "project": 7, "metadata": {"name": 12}, "spec": {"level": 0}});
        let (place, document) = one(cloud).unwrap();
        assert_eq!(place, "projects/7/logical-clouds");
        assert_eq!(
            document,
            json!({"metadata": {"name": "12"}, "spec": {"level": "0"}})
        );
    }

    #[test]
    fn what_cannot_be_placed_is_refused_with_a_reason() {
        let anchored = |anchor: &str| json!({"resourceContext": {"anchor": anchor}});
        for (bad, reason) in [
            (json!("text"), "must be an object"),
            (json!({"metadata": {}}), "must have 'kind'"),
            (json!({"kind": "Pod"}), "must be one of Project"),
            (json!({"kind": "LogicalCloud"}), "'project' is required"),
            (
                json!({"kind": "LogicalCloud", "project": "a/b"}),
                "'project' must be one name",
            ),
            (anchored("projects/p/composite-apps"), "no collection"),
            (
                anchored("projects/p/logical-clouds/lc/rollback"),
                "no action",
            ),
            (anchored("projects/../x"), "each part"),
            (json!({"resourceContext": {}}), "must be a path"),
            (json!({"kind": "Project", "file": "x"}), "takes no file"),
            (
                json!({"kind": "Cluster", "clusterProvider": "v", "files": ["a", "b"]}),
                "one path",
            ),
            (
                json!({"kind": "Cluster", "clusterProvider": "v", "file": "/nowhere/at/all"}),
                "read /nowhere",
            ),
        ] {
            let told = one(bad.clone()).unwrap_err();
            assert!(told.contains(reason), "{bad}: {told}");
        }
    }
}
