//! From entries to steps: in the order of what depends on what, with the lists of a logical cloud as
//! steps of their own, so that a cloud that exists is given what is new of them.

use std::collections::BTreeMap;
use std::mem::take;

use dcm_types::{CloudKey, Entry, Violation};

use crate::Error;
use crate::error::Faults;

/// One use case to run.
pub(super) struct Step {
    /// Index of the entry in the list.
    pub(super) index: usize,
    /// Where its document stands, as faults name it: `[3].document`.
    pub(super) field: String,
    /// Whether the document stands in a list of another one, without a `spec` of its own.
    pub(super) nested: bool,
    pub(super) entry: Entry,
}

impl Step {
    pub(super) fn is_action(&self) -> bool {
        matches!(self.entry, Entry::Action(..))
    }

    /// What it is about: no two steps may be about the same.
    fn subject(&self) -> String {
        match (&self.entry, self.entry.key()) {
            (_, Some(key)) => key.to_string(),
            (Entry::Reference(cloud, draft), None) => format!("{cloud} to {}", draft.cluster),
            (Entry::Action(cloud, _), None) => format!("action on {cloud}"),
            (_, None) => String::new(),
        }
    }
}

/// The steps of a list of entries.
pub(super) fn steps_of(entries: Vec<Entry>) -> Vec<Step> {
    let mut steps = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        let field = format!("[{index}].document");
        let (entry, parts) = taken_apart(entry);
        steps.push(Step {
            index,
            field: field.clone(),
            nested: false,
            entry,
        });
        steps.extend(parts.into_iter().map(|(part, entry)| Step {
            index,
            field: format!("{field}.{part}"),
            nested: true,
            entry,
        }));
    }
    // References of one cloud stand together, and so do permissions: they are decided on one list.
    steps.sort_by_cached_key(|step| (step.entry.rank(), cloud_of(&step.entry)));
    steps
}

fn cloud_of(entry: &Entry) -> Option<CloudKey> {
    match entry {
        Entry::Reference(cloud, _) | Entry::Permission(cloud, _) => Some(cloud.clone()),
        _ => None,
    }
}

/// A logical cloud without its lists, and what stood in them.
fn taken_apart(entry: Entry) -> (Entry, Vec<(String, Entry)>) {
    let Entry::LogicalCloud(project, mut draft) = entry else {
        return (entry, Vec::new());
    };
    let cloud = CloudKey {
        project: project.clone(),
        cloud: draft.name.clone(),
    };
    let clusters = take(&mut draft.clusters).into_iter().enumerate();
    let permissions = take(&mut draft.permissions).into_iter().enumerate();
    let quotas = take(&mut draft.quotas).into_iter().enumerate();
    let parts = clusters
        .map(|(index, draft)| {
            let entry = Entry::Reference(cloud.clone(), draft);
            (format!("spec.clusters[{index}]"), entry)
        })
        .chain(permissions.map(|(index, draft)| {
            let entry = Entry::Permission(cloud.clone(), draft);
            (format!("permissions[{index}]"), entry)
        }))
        .chain(quotas.map(|(index, draft)| {
            let entry = Entry::Quota(cloud.clone(), draft);
            (format!("quotas[{index}]"), entry)
        }))
        .collect();
    (Entry::LogicalCloud(project, draft), parts)
}

/// Refuses a list in which the order of its entries would matter.
pub(super) fn refuse_repeated(steps: &[Step]) -> Result<(), Error> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut faults = Faults::default();
    let mut in_order: Vec<&Step> = steps.iter().collect();
    in_order.sort_by_key(|step| step.index);
    for step in in_order {
        let first = *seen.entry(step.subject()).or_insert(step.index);
        if step.is_action() && first != step.index {
            let rule = format!("is a second action on the logical cloud of [{first}]");
            let violation = Violation::hidden(rule).hint("send the second one afterwards");
            faults.add(format!("[{}].path", step.index), violation);
        } else if first != step.index {
            let rule = format!("is the same document as that of [{first}]");
            faults.add(format!("[{}]", step.index), Violation::hidden(rule));
        }
    }
    faults.refuse()
}
