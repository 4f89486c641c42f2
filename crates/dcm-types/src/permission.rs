//! What a tenant may be granted: one RBAC rule, inside a fixed envelope (T14, T18, T19), in the namespace
//! of its cloud or, where a project's policy allows that, outside of it ([`Reach`]).
//!
//! A rule grants every combination of its groups, resources and verbs. The envelope judges each
//! combination on its own, so that what holds for a rule holds for the sum of many. What `*` means to
//! Kubernetes changes with what is installed in a cluster; so it stands for a fixed list here, and no
//! role that is made has one ([`Rule::expanded`]). URLs that are no resources cannot be expressed at all.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::{Fault, Violation};
use crate::name::{is_label, is_subdomain};

mod catalog;
mod envelope;
mod expansion;
mod reach;

pub use reach::{Extent, Reach};

use envelope::{Refusal, judge, judge_group, judge_resource, judge_verb};

/// One RBAC rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// API groups, `""` is the core group.
    pub api_groups: Vec<String>,
    /// Resources, optionally with a subresource.
    pub resources: Vec<String>,
    /// Verbs.
    pub verbs: Vec<String>,
}

/// What stands for everything of the fixed list.
const WILDCARD: &str = "*";
/// How many groups a rule may name.
const GROUP_COUNT: usize = 32;
/// How many resources a rule may name.
const RESOURCE_COUNT: usize = 100;
/// How many verbs a rule may name; all that can be granted.
const VERB_COUNT: usize = 8;
/// How many rules a user may have.
const RULE_COUNT: usize = 100;
/// Longest name of a group.
const GROUP_LIMIT: usize = 253;
/// Longest name of a resource with its subresource: two labels and the `/`.
const RESOURCE_LIMIT: usize = 127;

impl Rule {
    /// Holds the rule against the envelope; every offending entry is named.
    pub fn check(&self, extent: Extent) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        check_list(
            "apiGroups",
            &self.api_groups,
            GROUP_COUNT,
            check_group,
            &mut faults,
        );
        check_list(
            "resources",
            &self.resources,
            RESOURCE_COUNT,
            |resource| check_resource(extent, resource),
            &mut faults,
        );
        check_list(
            "verbs",
            &self.verbs,
            VERB_COUNT,
            |verb| check_verb(extent, verb),
            &mut faults,
        );
        if faults.is_empty() {
            self.check_combinations(extent, &mut faults);
        }
        if faults.is_empty() {
            self.check_expansion(extent, &mut faults);
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }

    /// Finds resources that are named and may be granted, but not with each of the verbs that are
    /// named. The groups were judged on their own, and refuse no verb.
    fn check_combinations(&self, extent: Extent, faults: &mut Vec<Fault>) {
        let named = |entry: &&String| *entry != WILDCARD;
        for (index, resource) in self.resources.iter().enumerate() {
            if resource == WILDCARD {
                continue;
            }
            let refused: BTreeSet<&str> = self
                .verbs
                .iter()
                .filter(named)
                .filter(|verb| judge(extent, "", resource, verb).is_err())
                .map(String::as_str)
                .collect();
            if refused.is_empty() {
                continue;
            }
            let refused = refused.into_iter().collect::<Vec<_>>().join(", ");
            let violation = Violation::new(
                format!("may only be read by a tenant, so not be granted with {refused}"),
                resource,
            )
            .hint("put it into a permission of its own, with get, list and watch");
            faults.push(violation.at(format!("resources[{index}]")));
        }
    }
}

/// Holds all rules of one user together against the envelope, wherever they hold. Fields begin with `rules[i].`.
///
/// The envelope has no combination across rules that is worse than its parts (each grant is judged
/// on its own), so the sum is within it when each rule is; what is added here is the bound on their
/// number, and that a rule which was stored before the envelope became narrower is found.
pub fn check_sum(rules: &[(Extent, Rule)]) -> Result<(), Vec<Fault>> {
    if rules.len() > RULE_COUNT {
        let violation = Violation::new(
            format!("must be at most {RULE_COUNT} rules for one user"),
            &rules.len().to_string(),
        );
        return Err(vec![violation.at("rules")]);
    }
    let faults: Vec<Fault> = rules
        .iter()
        .enumerate()
        .filter_map(|(index, (extent, rule))| Some((index, rule.check(*extent).err()?)))
        .flat_map(|(index, faults)| {
            faults.into_iter().map(move |mut fault| {
                fault.field = format!("rules[{index}].{}", fault.field);
                fault
            })
        })
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

fn check_list(
    field: &str,
    values: &[String],
    limit: usize,
    check: impl Fn(&str) -> Result<(), Violation>,
    faults: &mut Vec<Fault>,
) {
    if values.is_empty() || values.len() > limit {
        let rule = format!("must have 1 to {limit} entries");
        faults.push(Violation::new(rule, &values.len().to_string()).at(field));
        return;
    }
    let mut seen = BTreeSet::new();
    for (index, value) in values.iter().enumerate() {
        let outcome = if seen.insert(value) {
            check(value)
        } else {
            Err(Violation::new("is listed twice", value))
        };
        if let Err(violation) = outcome {
            faults.push(violation.at(format!("{field}[{index}]")));
        }
    }
}

fn check_group(group: &str) -> Result<(), Violation> {
    if group == WILDCARD {
        return Ok(());
    }
    refuse_pattern(group, "name the API groups")?;
    if group.len() > GROUP_LIMIT || !(group.is_empty() || is_subdomain(group)) {
        return Err(Violation::new(
            "must be an API group: empty for the core group, or a lower-case domain",
            group,
        ));
    }
    refuse(group, judge_group(group))
}

fn check_resource(extent: Extent, resource: &str) -> Result<(), Violation> {
    if resource == WILDCARD {
        return Ok(());
    }
    refuse_pattern(resource, "name the resources")?;
    let (name, subresource) = match resource.split_once('/') {
        Some((name, subresource)) => (name, Some(subresource)),
        None => (resource, None),
    };
    let well_formed =
        resource.len() <= RESOURCE_LIMIT && is_label(name) && subresource.is_none_or(is_label);
    if !well_formed {
        return Err(Violation::new(
            "must be the plural name of a resource in lower case, optionally with '/' and a subresource",
            resource,
        )
        .hint("for example 'deployments' or 'pods/log'; the group goes into apiGroups"));
    }
    refuse(resource, judge_resource(extent, resource))
}

fn check_verb(extent: Extent, verb: &str) -> Result<(), Violation> {
    if verb == WILDCARD {
        return Ok(());
    }
    refuse_pattern(verb, "name the verbs")?;
    refuse(verb, judge_verb(extent, verb))
}

fn refuse_pattern(value: &str, hint: &str) -> Result<(), Violation> {
    if value.contains(WILDCARD) {
        return Err(Violation::new("must not contain '*'", value).hint(format!(
            "{hint} one by one, or give '*' alone, which stands for a fixed list"
        )));
    }
    Ok(())
}

fn refuse(value: &str, judged: Result<(), Refusal>) -> Result<(), Violation> {
    judged.map_err(|refusal| {
        let violation = Violation::new("cannot be granted to a tenant", value);
        violation.hint(refusal.why())
    })
}
