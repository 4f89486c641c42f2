//! From a rule as it was written to rules without `*`, all inside the envelope. Pure.

use std::collections::BTreeSet;

use super::catalog::{groups, resources_of};
use super::envelope::{VERBS, judge};
use super::reach::Extent;
use super::{Rule, WILDCARD};
use crate::error::{Fault, Violation};

impl Rule {
    /// Whether `*` stands in it.
    pub fn has_wildcard(&self) -> bool {
        [&self.api_groups, &self.resources, &self.verbs]
            .into_iter()
            .any(|entries| has_wildcard(entries))
    }

    /// What it grants, without `*`: rules of one group each, in which every combination is inside the
    /// envelope. A rule without `*` is returned as it is.
    ///
    /// `*` as a group or resource is what the fixed list has, as a verb whatever may be done with the
    /// resource. What is named beside it stays.
    #[must_use]
    pub fn expanded(&self, extent: Extent) -> Vec<Self> {
        if !self.has_wildcard() {
            return vec![self.clone()];
        }
        self.groups(extent)
            .into_iter()
            .flat_map(|group| self.expanded_in(extent, group))
            .collect()
    }

    /// Groups that are named, of which `*` as a resource finds nothing in the fixed list.
    pub fn unlisted_groups(&self, extent: Extent) -> Vec<&str> {
        if !has_wildcard(&self.resources) {
            return Vec::new();
        }
        let named = self.api_groups.iter().map(String::as_str);
        named
            .filter(|group| *group != WILDCARD && resources_of(extent, group).is_empty())
            .collect()
    }

    /// Whether it has no `*` and every combination is inside the envelope.
    pub fn is_within_envelope(&self, extent: Extent) -> bool {
        !self.has_wildcard()
            && self.api_groups.iter().all(|group| {
                self.resources.iter().all(|resource| {
                    self.verbs
                        .iter()
                        .all(|verb| judge(extent, group, resource, verb).is_ok())
                })
            })
    }

    /// Finds `*` and names beside it that come to nothing.
    pub(super) fn check_expansion(&self, extent: Extent, faults: &mut Vec<Fault>) {
        if !self.has_wildcard() {
            return;
        }
        let rules = self.expanded(extent);
        for (index, resource) in self.resources.iter().enumerate() {
            let granted = if resource == WILDCARD {
                !rules.is_empty()
            } else {
                rules.iter().any(|rule| rule.resources.contains(resource))
            };
            if granted {
                continue;
            }
            let violation = if resource == WILDCARD {
                Violation::new("grants nothing with these groups and verbs", resource).hint(
                    "'*' stands for resources of Kubernetes itself; name those of other groups",
                )
            } else {
                Violation::new("is in none of the groups that '*' stands for", resource)
                    .hint("name its API group")
            };
            faults.push(violation.at(format!("resources[{index}]")));
        }
    }

    fn groups(&self, extent: Extent) -> Vec<&str> {
        let listed = groups(extent).map(|group| -> &str { group });
        let named = self.api_groups.iter().map(String::as_str);
        let all: Vec<&str> = if has_wildcard(&self.api_groups) {
            let unlisted = named.filter(|group| *group != WILDCARD);
            listed.chain(unlisted).collect()
        } else {
            named.collect()
        };
        without_repetition(all)
    }

    /// The rules in one group: those of the same verbs are one.
    fn expanded_in(&self, extent: Extent, group: &str) -> Vec<Self> {
        let mut rules: Vec<Self> = Vec::new();
        for resource in self.resources_in(extent, group) {
            let verbs = self.verbs_for(extent, group, resource);
            if verbs.is_empty() {
                continue;
            }
            match rules.iter_mut().find(|rule| rule.verbs == verbs) {
                Some(rule) => rule.resources.push(resource.to_owned()),
                None => rules.push(Self {
                    api_groups: vec![group.to_owned()],
                    resources: vec![resource.to_owned()],
                    verbs: verbs.into_iter().map(str::to_owned).collect(),
                }),
            }
        }
        rules
    }

    fn resources_in(&self, extent: Extent, group: &str) -> Vec<&str> {
        let listed = resources_of(extent, group);
        let named = self.resources.iter().map(String::as_str);
        let named = named.filter(|resource| *resource != WILDCARD);
        // A group that only `*` brings has what the list says, and nothing that is merely named.
        let is_named = self.api_groups.iter().any(|entry| entry == group);
        let named = named.filter(|resource| is_named || listed.contains(resource));
        if has_wildcard(&self.resources) {
            without_repetition(listed.iter().copied().chain(named).collect())
        } else {
            named.collect()
        }
    }

    fn verbs_for(&self, extent: Extent, group: &str, resource: &str) -> Vec<&str> {
        let all: Vec<&str> = if has_wildcard(&self.verbs) {
            VERBS.to_vec()
        } else {
            self.verbs.iter().map(String::as_str).collect()
        };
        all.into_iter()
            .filter(|verb| judge(extent, group, resource, verb).is_ok())
            .collect()
    }
}

fn has_wildcard(entries: &[String]) -> bool {
    entries.iter().any(|entry| entry == WILDCARD)
}

fn without_repetition(entries: Vec<&str>) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    entries
        .into_iter()
        .filter(|entry| seen.insert(*entry))
        .collect()
}
