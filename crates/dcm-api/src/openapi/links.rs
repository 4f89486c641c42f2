//! Links: where a client can go with what it has just created.
//!
//! They follow from the paths alone. What was created at `P` is reached at `P/{name}`; every operation whose
//! path begins there, and needs no other name, is linked.

use utoipa::openapi::link::Link;
use utoipa::openapi::path::PathItem;
use utoipa::openapi::{OpenApi, RefOr};

/// An operation that a link can lead to.
struct Target {
    path: String,
    operation: String,
}

/// Adds links to every answer that tells of a creation.
pub(super) fn connect(document: &mut OpenApi) {
    let targets = targets(document);
    for (path, item) in &mut document.paths.paths {
        let Some(post) = &mut item.post else {
            continue;
        };
        let Some(RefOr::T(created)) = post.responses.responses.get_mut("201") else {
            continue;
        };
        let Some(made) = made_at(path, &targets) else {
            continue;
        };
        for target in targets.iter().filter(|target| made.leads_to(target)) {
            let link = RefOr::T(made.link(path, target));
            created.links.insert(target.operation.clone(), link);
        }
    }
}

fn targets(document: &OpenApi) -> Vec<Target> {
    let of = |path: &String, item: &PathItem| {
        super::each_of(item)
            .filter_map(|operation| operation.operation_id.clone())
            .map(|operation| Target {
                path: path.clone(),
                operation,
            })
            .collect::<Vec<_>>()
    };
    let paths = &document.paths.paths;
    paths
        .iter()
        .flat_map(|(path, item)| of(path, item))
        .collect()
}

/// What a POST makes.
struct Made {
    /// Path of one such.
    item: String,
    /// The parameter that holds its name.
    parameter: String,
}

fn made_at(path: &str, targets: &[Target]) -> Option<Made> {
    targets.iter().find_map(|target| {
        let parameter = target.path.strip_prefix(path)?.strip_prefix("/{")?;
        Some(Made {
            item: target.path.clone(),
            parameter: parameter.strip_suffix('}')?.to_owned(),
        })
        .filter(|made| !made.parameter.contains('/'))
    })
}

impl Made {
    fn leads_to(&self, target: &Target) -> bool {
        let rest = target.path.strip_prefix(&self.item);
        rest.is_some_and(|rest| !rest.contains('{') && (rest.is_empty() || rest.starts_with('/')))
    }

    fn link(&self, path: &str, target: &Target) -> Link {
        // A label is its own name, and has no free text.
        let name = match self.parameter.as_str() {
            "clusterLabel" => "$response.body#/clusterLabel",
            _ => "$response.body#/metadata/name",
        };
        let link = Link::builder()
            .operation_id(&target.operation)
            .parameter(&self.parameter, name);
        let parents = parameters_of(path);
        parents
            .fold(link, |link, parent| {
                link.parameter(parent, format!("$request.path.{parent}"))
            })
            .build()
    }
}

fn parameters_of(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}
