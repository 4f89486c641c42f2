//! Places: which path holds which document.

use serde_json::Value;

use dcm_types::documents::{Action, ControllerGroup};
use dcm_types::{
    CloudKey, CloudName, ClusterKey, ClusterName, DocumentKind, Entry, Key, ProjectName,
    ProviderName, Violation,
};
use dcm_types::{
    CloudKvName, ClusterKvName, ClusterLabelName, ControllerName, PermissionName, QuotaName,
    ReferenceName, SyncObjectName, UserName,
};

use crate::documents;
use crate::refusal::{Decoded, FieldValidation, Refusal};

/// The field of faults of the path itself; no member of a document is called so.
pub(super) const PATH: &str = "\0path";

/// A reader of `documents`.
type Read<N, D> = fn(&[u8], Option<&N>, FieldValidation) -> Result<Decoded<D>, Refusal>;
type Parse<N> = fn(&str) -> Result<N, Violation>;

/// A document with the last part of its path, if that is a name.
struct Source<'a> {
    body: Vec<u8>,
    name: Option<&'a str>,
    validation: FieldValidation,
}

impl Source<'_> {
    fn read<N, D>(
        &self,
        parse: Parse<N>,
        read: Read<N, D>,
        entry: impl FnOnce(D) -> Entry,
    ) -> Result<Decoded<Entry>, Refusal> {
        let name = self.name.map(|name| part(name, parse)).transpose()?;
        let decoded = read(&self.body, name.as_ref(), self.validation)?;
        Ok(Decoded {
            draft: entry(decoded.draft),
            unknown: decoded.unknown,
        })
    }
}

/// Reads the document of a place.
pub(super) fn read(
    path: &str,
    document: &Value,
    validation: FieldValidation,
) -> Result<Decoded<Entry>, Refusal> {
    let relative = path.trim_matches('/');
    let relative = relative.strip_prefix("v2/").unwrap_or(relative);
    let parts: Vec<&str> = relative.split('/').collect();
    if let ["projects", project, "logical-clouds", cloud, last] = parts.as_slice()
        && let Some(action) = action_of(last)
    {
        let draft = Entry::Action(cloud_key(project, cloud)?, action);
        let unknown = Vec::new();
        return Ok(Decoded { draft, unknown });
    }
    // Collections have an odd number of parts, and documents one more.
    let (collection, name) = match parts.split_last() {
        Some((last, parents)) if parts.len().is_multiple_of(2) => (parents, Some(*last)),
        _ => (parts.as_slice(), None),
    };
    let source = Source {
        body: document.to_string().into_bytes(),
        name,
        validation,
    };
    match collection {
        ["projects", project, "logical-clouds", cloud, noun] => {
            read_of_cloud(&source, cloud_key(project, cloud)?, noun)
                .unwrap_or_else(|| Err(unknown_path(path)))
        }
        ["cluster-providers", provider, rest @ ..] => {
            let provider = part(provider, ProviderName::parse)?;
            read_of_provider(&source, provider, rest)?.unwrap_or_else(|| Err(unknown_path(path)))
        }
        ["projects"] => source.read(ProjectName::parse, documents::read_project, Entry::Project),
        ["projects", project, "logical-clouds"] => {
            let project = part(project, ProjectName::parse)?;
            let entry = |draft| Entry::LogicalCloud(project, Box::new(draft));
            source.read(CloudName::parse, documents::read_logical_cloud, entry)
        }
        ["cluster-providers"] => source.read(
            ProviderName::parse,
            documents::read_provider,
            Entry::Provider,
        ),
        ["controllers"] => {
            source.read(ControllerName::parse, documents::read_controller, |draft| {
                Entry::Controller(ControllerGroup::Orchestrator, draft)
            })
        }
        ["clm-controllers"] => source.read(
            ControllerName::parse,
            documents::read_cluster_manager_controller,
            |draft| Entry::Controller(ControllerGroup::ClusterManager, draft),
        ),
        _ => Err(unknown_path(path)),
    }
}

fn read_of_provider(
    source: &Source<'_>,
    provider: ProviderName,
    rest: &[&str],
) -> Result<Option<Result<Decoded<Entry>, Refusal>>, Refusal> {
    Ok(Some(match rest {
        ["clusters"] => {
            let entry = |draft| Entry::Cluster(provider, draft);
            source.read(ClusterName::parse, documents::read_cluster, entry)
        }
        ["cluster-sync-objects"] => {
            let entry = |draft| Entry::SyncObject(provider, draft);
            source.read(SyncObjectName::parse, documents::read_sync_object, entry)
        }
        ["clusters", cluster, noun] => {
            let cluster = ClusterKey {
                provider,
                cluster: part(cluster, ClusterName::parse)?,
            };
            match *noun {
                "labels" => source.read(
                    ClusterLabelName::parse,
                    documents::read_cluster_label,
                    |label| Entry::ClusterLabel(cluster, label),
                ),
                "kv-pairs" => {
                    source.read(ClusterKvName::parse, documents::read_cluster_kv, |draft| {
                        Entry::ClusterKv(cluster, draft)
                    })
                }
                _ => return Ok(None),
            }
        }
        _ => return Ok(None),
    }))
}

fn read_of_cloud(
    source: &Source<'_>,
    cloud: CloudKey,
    noun: &str,
) -> Option<Result<Decoded<Entry>, Refusal>> {
    Some(match noun {
        "cluster-references" => {
            source.read(ReferenceName::parse, documents::read_reference, |draft| {
                Entry::Reference(cloud, draft)
            })
        }
        "user-permissions" => {
            source.read(PermissionName::parse, documents::read_permission, |draft| {
                Entry::Permission(cloud, draft)
            })
        }
        "cluster-quotas" => source.read(QuotaName::parse, documents::read_quota, |draft| {
            Entry::Quota(cloud, draft)
        }),
        "users" => source.read(UserName::parse, documents::read_user_document, |draft| {
            Entry::User(cloud, draft)
        }),
        "kv-pairs" => source.read(CloudKvName::parse, documents::read_cloud_kv, |draft| {
            Entry::CloudKv(cloud, draft)
        }),
        _ => return None,
    })
}

fn action_of(last: &str) -> Option<Action> {
    Some(match last {
        "instantiate" | "apply" => Action::Instantiate,
        "update" => Action::Update,
        "terminate" => Action::Terminate,
        "stop" => Action::Stop,
        _ => return None,
    })
}

fn part<N>(text: &str, parse: Parse<N>) -> Result<N, Refusal> {
    parse(text).map_err(|violation| Refusal::invalid(vec![violation.at(PATH)]))
}

fn cloud_key(project: &str, cloud: &str) -> Result<CloudKey, Refusal> {
    Ok(CloudKey {
        project: part(project, ProjectName::parse)?,
        cloud: part(cloud, CloudName::parse)?,
    })
}

fn unknown_path(path: &str) -> Refusal {
    let violation = Violation::new("must be the path of documents that can be applied", path)
        .hint("for example 'projects', 'projects/P/logical-clouds' or 'projects/P/logical-clouds/C/instantiate'");
    Refusal::invalid(vec![violation.at(PATH)])
}

/// The path of a document that users write, relative to `/v2/`.
pub fn place_of(key: &Key) -> String {
    let parts: Vec<&str> = key.path().split('/').collect();
    let below = |noun: &str| match parts.as_slice() {
        [project, cloud, name] => {
            format!("projects/{project}/logical-clouds/{cloud}/{noun}/{name}")
        }
        _ => key.path().to_owned(),
    };
    match (key.kind(), parts.as_slice()) {
        (DocumentKind::Project, _) => format!("projects/{}", key.path()),
        (DocumentKind::ClusterProvider, _) => format!("cluster-providers/{}", key.path()),
        (DocumentKind::Controller, [group, name]) => {
            if *group == ControllerGroup::ClusterManager.as_str() {
                format!("clm-controllers/{name}")
            } else {
                format!("controllers/{name}")
            }
        }
        (DocumentKind::Cluster, [provider, name]) => {
            format!("cluster-providers/{provider}/clusters/{name}")
        }
        (DocumentKind::ClusterSyncObject, [provider, name]) => {
            format!("cluster-providers/{provider}/cluster-sync-objects/{name}")
        }
        (DocumentKind::ClusterLabel, [provider, cluster, name]) => {
            format!("cluster-providers/{provider}/clusters/{cluster}/labels/{name}")
        }
        (DocumentKind::ClusterKv, [provider, cluster, name]) => {
            format!("cluster-providers/{provider}/clusters/{cluster}/kv-pairs/{name}")
        }
        (DocumentKind::LogicalCloud, [project, name]) => {
            format!("projects/{project}/logical-clouds/{name}")
        }
        (DocumentKind::ClusterReference, _) => below("cluster-references"),
        (DocumentKind::UserPermission, _) => below("user-permissions"),
        (DocumentKind::Quota, _) => below("cluster-quotas"),
        (DocumentKind::User, _) => below("users"),
        (DocumentKind::LogicalCloudKv, _) => below("kv-pairs"),
        _ => key.path().to_owned(),
    }
}
