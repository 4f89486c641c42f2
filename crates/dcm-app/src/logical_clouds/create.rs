//! Create: cloud, user, namespace, and the references, permissions and quotas that came with them, in
//! one commit.

use std::collections::BTreeSet;

use dcm_store::Expect;
use dcm_types::documents::{ClusterReference, Level, LogicalCloud, Namespace};
use dcm_types::drafts::{LogicalCloudDraft, ReferenceDraft};
use dcm_types::label::check_namespace_labels;
use dcm_types::member_name::namespace_from_cloud;
use dcm_types::permission::{Extent, Reach, Rule, check_sum};
use dcm_types::{CloudKey, ClusterKey, Key, NamespaceName, ProjectName, Violation};

use super::CloudDetail;
use crate::change::{Act, Change, version_of};
use crate::error::Faults;
use crate::permissions::check_rule;
use crate::privileged::{reach_of, refuse_by_policy, would_leave};
use crate::quotas::not_enforced;
use crate::references::{name_field, name_from_cluster};
use crate::{App, Error, Principal, Saved};

impl App {
    /// Creates a logical cloud. No cluster is touched before it is instantiated.
    pub async fn create_logical_cloud(
        &self,
        who: &Principal,
        project: &ProjectName,
        draft: LogicalCloudDraft,
    ) -> Result<Saved<CloudDetail>, Error> {
        let key = CloudKey {
            project: project.clone(),
            cloud: draft.name.clone(),
        };
        let namespace = namespace_of(&draft)?;
        let parent = self.parent_of(project, &draft, &namespace).await?;
        let reaches = check(&draft, &namespace)?;
        let privileged =
            draft.level == Level::Standard && reaches.iter().any(|reach| !reach.is_own());
        let detail = self.new_detail(&key, &draft, namespace, privileged);
        let references = self.new_references(&key, &draft.clusters);
        let clusters: Vec<ClusterKey> = references.iter().map(|r| r.cluster.clone()).collect();

        let mut change = Change::new();
        change.assert(Key::project(project), parent);
        change.put(&detail.cloud, Expect::Absent)?;
        change.put(&detail.namespace, Expect::Absent)?;
        if let Some(user) = &detail.user {
            change.put(user, Expect::Absent)?;
        }
        for reference in references {
            change.assert(Key::cluster(&reference.cluster), Expect::Exists);
            change.put(&reference, Expect::Absent)?;
        }
        for (permission, reach) in draft.permissions.into_iter().zip(reaches) {
            let permission = self.new_permission(&key, permission, reach);
            change.put(&permission, Expect::Absent)?;
        }
        for quota in draft.quotas {
            change.put(&self.new_quota(&key, quota), Expect::Absent)?;
        }
        let document = Key::cloud(&key);
        let act = Act::done(who, project.as_str(), "create", document.clone());
        let committed = self
            .commit(change, act)
            .await
            .map_err(|error| name_cluster(error, &clusters))?;
        Ok(Saved {
            version: version_of(&committed, &document),
            document: detail,
        })
    }

    /// What is demanded of the project: that it exists, or, when its policy was asked, that it is the same.
    async fn parent_of(
        &self,
        project: &ProjectName,
        draft: &LogicalCloudDraft,
        own: &NamespaceName,
    ) -> Result<Expect, Error> {
        let mut permissions = draft.permissions.iter();
        let outside = permissions.position(|permission| would_leave(permission, own));
        let Some(index) = outside.filter(|_| draft.level == Level::Standard) else {
            return Ok(Expect::Exists);
        };
        let found = self.require_project(project).await?;
        let field = format!("permissions[{index}].namespace");
        refuse_by_policy(&found.document, &draft.permissions[index], own, &field)?;
        Ok(Expect::Number(found.version.number))
    }

    fn new_detail(
        &self,
        key: &CloudKey,
        draft: &LogicalCloudDraft,
        namespace: NamespaceName,
        privileged: bool,
    ) -> CloudDetail {
        let user = draft.user.as_ref().map(|user| self.new_user(key, user));
        CloudDetail {
            cloud: LogicalCloud {
                uid: self.new_uid(),
                key: key.clone(),
                metadata: draft.metadata.clone(),
                level: draft.level,
                user: user.as_ref().map(|user| user.name.clone()),
                drift: draft.drift,
                mesh: None,
                flat: draft.flat,
                created_at: self.now(),
            },
            namespace: Namespace {
                cloud: key.clone(),
                name: namespace,
                labels: draft.labels.clone(),
                isolation: draft.isolation,
                pod_security: draft.pod_security,
            },
            user,
            privileged,
            lifecycle: None,
        }
    }

    fn new_references(&self, cloud: &CloudKey, drafts: &[ReferenceDraft]) -> Vec<ClusterReference> {
        let mut taken: BTreeSet<_> = drafts.iter().filter_map(|d| d.name.clone()).collect();
        drafts
            .iter()
            .map(|draft| {
                let name = draft.name.clone().unwrap_or_else(|| {
                    name_from_cluster(&draft.cluster, |name| taken.contains(name))
                });
                taken.insert(name.clone());
                ClusterReference {
                    uid: self.new_uid(),
                    cloud: cloud.clone(),
                    name,
                    metadata: draft.metadata.clone(),
                    cluster: draft.cluster.clone(),
                    load_balancer_address: draft.load_balancer_address,
                }
            })
            .collect()
    }
}

/// The namespace that a draft names, or the one that follows from the name of the cloud.
fn namespace_of(draft: &LogicalCloudDraft) -> Result<NamespaceName, Error> {
    if let Some(namespace) = &draft.namespace {
        return Ok(namespace.clone());
    }
    NamespaceName::parse(&namespace_from_cloud(draft.name.as_str()))
        .map_err(|violation| Error::invalid(vec![violation.at("spec.namespace")]))
}

/// Everything about a draft that can be judged without the store. Says where each permission holds.
fn check(draft: &LogicalCloudDraft, namespace: &NamespaceName) -> Result<Vec<Reach>, Error> {
    let mut faults = Faults::default();
    check_labels(draft, &mut faults);
    refuse_repeated(
        "spec.clusters",
        &draft.clusters,
        |c| c.cluster.path(),
        &mut faults,
    );
    let named: Vec<_> = draft
        .clusters
        .iter()
        .filter_map(|c| c.name.clone())
        .collect();
    refuse_repeated("spec.clusters", &named, ToString::to_string, &mut faults);
    refuse_repeated(
        "permissions",
        &draft.permissions,
        |p| p.name.to_string(),
        &mut faults,
    );
    refuse_repeated("quotas", &draft.quotas, |q| q.name.to_string(), &mut faults);
    let mut reaches = Vec::new();
    for (index, permission) in draft.permissions.iter().enumerate() {
        let field = format!("permissions[{index}]");
        let reach = reach_of(permission, namespace, &format!("{field}.namespace"))?;
        let judged = check_rule(&permission.rule, reach.extent(), &field);
        faults.extend(judged.err().unwrap_or_default());
        reaches.push(reach);
    }
    if draft.level == Level::Admin && !draft.quotas.is_empty() {
        faults.add("quota", not_enforced());
    }
    faults.refuse()?;
    let rules: Vec<(Extent, Rule)> = draft
        .permissions
        .iter()
        .zip(&reaches)
        .map(|(permission, reach)| (reach.extent(), permission.rule.clone()))
        .collect();
    check_sum(&rules).map_err(Error::invalid)?;
    Ok(reaches)
}

pub(super) fn check_labels(draft: &LogicalCloudDraft, faults: &mut Faults) {
    for (_, violation) in check_namespace_labels(&draft.labels)
        .err()
        .unwrap_or_default()
    {
        faults.add("spec.labels", violation);
    }
}

fn refuse_repeated<T>(field: &str, values: &[T], name: impl Fn(&T) -> String, faults: &mut Faults) {
    let mut seen = BTreeSet::new();
    for (index, value) in values.iter().enumerate() {
        let name = name(value);
        if seen.contains(&name) {
            let violation = Violation::new("is listed twice", &name);
            faults.add(format!("{field}[{index}]"), violation);
        }
        seen.insert(name);
    }
}

/// Names the entry whose cluster is missing.
fn name_cluster(error: Error, clusters: &[ClusterKey]) -> Error {
    clusters
        .iter()
        .enumerate()
        .fold(error, |error, (index, cluster)| {
            name_field(error, cluster, &format!("spec.clusters[{index}].cluster"))
        })
}
