//! Kinds of documents, and the paths that they stand for.

/// A kind of document.
#[derive(Debug)]
pub(super) struct Noun {
    /// As it is written in the member `kind`.
    pub(super) kind: &'static str,
    /// Path of its collection; `*` is a name.
    pub(super) collection: &'static [&'static str],
    /// Members that hold those names, in order.
    pub(super) parents: &'static [&'static str],
}

const fn noun(
    kind: &'static str,
    collection: &'static [&'static str],
    parents: &'static [&'static str],
) -> Noun {
    Noun {
        kind,
        collection,
        parents,
    }
}

const IN_PROJECT: &[&str] = &["project"];
const IN_PROVIDER: &[&str] = &["clusterProvider"];
const IN_CLUSTER: &[&str] = &["clusterProvider", "cluster"];
const IN_CLOUD: &[&str] = &["project", "logicalCloud"];

/// All of them.
pub(super) const NOUNS: &[Noun] = &[
    noun("Project", &["projects"], &[]),
    noun("ClusterProvider", &["cluster-providers"], &[]),
    noun(
        CLUSTER,
        &["cluster-providers", "*", "clusters"],
        IN_PROVIDER,
    ),
    noun(
        "ClusterLabel",
        &["cluster-providers", "*", "clusters", "*", "labels"],
        IN_CLUSTER,
    ),
    noun(
        CLUSTER_KEY_VALUES,
        &["cluster-providers", "*", "clusters", "*", "kv-pairs"],
        IN_CLUSTER,
    ),
    noun(
        SYNC_OBJECT,
        &["cluster-providers", "*", "cluster-sync-objects"],
        IN_PROVIDER,
    ),
    noun(
        "LogicalCloud",
        &["projects", "*", "logical-clouds"],
        IN_PROJECT,
    ),
    noun(
        "ClusterReference",
        &["projects", "*", "logical-clouds", "*", "cluster-references"],
        IN_CLOUD,
    ),
    noun(
        "User",
        &["projects", "*", "logical-clouds", "*", "users"],
        IN_CLOUD,
    ),
    noun(
        "UserPermission",
        &["projects", "*", "logical-clouds", "*", "user-permissions"],
        IN_CLOUD,
    ),
    noun(
        "ClusterQuota",
        &["projects", "*", "logical-clouds", "*", "cluster-quotas"],
        IN_CLOUD,
    ),
    noun(
        "LogicalCloudKeyValues",
        &["projects", "*", "logical-clouds", "*", "kv-pairs"],
        IN_CLOUD,
    ),
    noun("Controller", &["controllers"], &[]),
    noun("ClusterManagerController", &["clm-controllers"], &[]),
];

/// The kind that is uploaded with a file.
pub(super) const CLUSTER: &str = "Cluster";
/// Kinds whose values are texts.
pub(super) const CLUSTER_KEY_VALUES: &str = "ClusterKeyValues";
pub(super) const SYNC_OBJECT: &str = "ClusterSyncObject";

/// Kinds of actions, with the last part of their paths.
pub(super) const ACTIONS: &[(&str, &str)] = &[
    ("Instantiate", "instantiate"),
    ("Update", "update"),
    ("Terminate", "terminate"),
    ("Stop", "stop"),
];

/// The members that name the logical cloud of an action.
pub(super) const ACTION_PARENTS: &[&str] = IN_CLOUD;

impl Noun {
    /// The path of a collection under these names.
    pub(super) fn under(&self, names: Vec<String>) -> Vec<String> {
        let mut names = names.into_iter();
        let part = |part: &&'static str| match *part {
            "*" => names.next().unwrap_or_default(),
            part => part.to_owned(),
        };
        self.collection.iter().map(part).collect()
    }

    /// Whether this is the path of such a collection.
    pub(super) fn has(&self, path: &[String]) -> bool {
        let same = |(pattern, part): (&&'static str, &String)| *pattern == "*" || pattern == part;
        self.collection.len() == path.len() && self.collection.iter().zip(path).all(same)
    }
}
