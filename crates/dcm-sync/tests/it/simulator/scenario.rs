//! Scenario R3 of the plan: a member is registered; a cloud comes to three of them; it leaves the third and
//! comes to the fourth, loses a permission and gets a larger quota; it goes.
//!
//! Beside it stand other members and things of others: a cloud of another project, and objects that nobody of us made.

use std::sync::Arc;
use std::time::Duration;

use dcm_testkit::kubesim::{Request, User};
use dcm_types::documents::{Revision, Wish};
use serde_json::{Value, json};

use super::doors::Treason;
use super::funnel::{Effect, Judge, Strike};
use super::history;
use super::stage::{Setting, Stage, in_virtual_time};
use super::wishes;
use crate::world::quota;

/// Within this everything is at rest again, whatever happened once.
pub(crate) const BOUND: Duration = Duration::from_mins(3);

/// Operations that are counted.
pub(crate) const OPERATIONS: [&str; 4] = ["register", "instantiate", "update", "terminate"];

/// What happens in one run.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) judge: Option<Judge>,
    pub(crate) treason: Option<Arc<Treason>>,
    /// Ends after this operation.
    pub(crate) last: Option<&'static str>,
}

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) effects: Vec<Effect>,
    pub(crate) struck: Vec<(usize, Strike)>,
    pub(crate) violations: Vec<String>,
    pub(crate) hash: u64,
    /// What happened, where something was violated.
    pub(crate) history: Vec<String>,
}

/// Runs the scenario.
pub(crate) fn run(plan: Plan) -> Outcome {
    in_virtual_time(async {
        let setting = Setting {
            treason: plan.treason,
            ..Setting::plain()
        };
        let mut stage = Stage::new(setting);
        let is_listed = plan.judge.is_none();
        stage.funnel.judge(plan.judge);
        let violations = play(&mut stage, is_listed, plan.last).await;
        let history = if violations.is_empty() {
            Vec::new()
        } else {
            history::of(&stage)
        };
        Outcome {
            history,
            effects: stage.funnel.effects(),
            struck: stage.funnel.struck(),
            hash: stage.funnel.hash(),
            violations,
        }
    })
}

/// Runs the scenario until something is violated. Up to what is struck first it is the run of the list, which was
/// checked by itself.
async fn play(stage: &mut Stage, is_listed: bool, last: Option<&str>) -> Vec<String> {
    for member in &stage.members {
        plant(member);
    }
    let mut wish = None;
    for operation in OPERATIONS {
        stage.funnel.operation(Some(operation));
        if operation == "register" {
            stage.start();
            stage.register(0..1).await;
        } else {
            let next = next(stage, wish.as_ref(), operation);
            stage.wish(&next).await;
            wish = Some(next);
        }
        let rest = stage.rest(BOUND).await;
        stage.funnel.operation(None);
        let is_struck = !stage.funnel.struck().is_empty();
        let mut violations: Vec<String> = rest.err().into_iter().collect();
        if is_listed || is_struck {
            violations.extend(stage.violations().await);
            violations.extend(strangers_lost(stage));
        }
        let is_over = last == Some(operation);
        if is_over || !violations.is_empty() {
            return violations;
        }
        if operation == "register"
            && let Err(why) = surround(stage).await
        {
            return vec![why];
        }
    }
    Vec::new()
}

/// The other members, and a cloud of another project: not counted.
async fn surround(stage: &mut Stage) -> Result<(), String> {
    stage.register(1..stage.clusters.len()).await;
    let members: Vec<_> = stage.clusters.iter().take(1).collect();
    let other = wishes::first(&stage.random, ("lab", "other"), &members, stage.now());
    stage.wish(&other).await;
    stage.rest(BOUND).await
}

/// The wish of an operation.
fn next(stage: &Stage, former: Option<&Revision>, operation: &str) -> Revision {
    let (random, clusters) = (&stage.random, &stage.clusters);
    let Some(former) = former else {
        let members: Vec<_> = clusters.iter().take(3).collect();
        let mut first = wishes::first(random, ("shop", "cloud"), &members, stage.now());
        wishes::permit(random, &mut first, "more", "secrets");
        return first;
    };
    let mut next = Revision {
        generation: former.generation + 1,
        ..former.clone()
    };
    if operation == "update" {
        wishes::place(&mut next, &[&clusters[0], &clusters[1], &clusters[3]]);
        next.slice.permissions.pop();
        next.slice.quotas[0] = quota("limits", &[("configmaps", "5")]);
    } else {
        next.wish = Wish::Absent;
        next.members.clear();
    }
    next
}

/// Things of a stranger: collection, and object.
fn strange() -> Vec<(&'static str, Value)> {
    let named = |name: &str| json!({ "metadata": { "name": name } });
    let mut binding = named("theirs");
    binding["roleRef"] =
        json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "theirs" });
    let mut limits = named("theirs");
    limits["spec"] = json!({ "hard": { "pods": "7" } });
    vec![
        ("/api/v1/namespaces", named("theirs")),
        ("/api/v1/namespaces/theirs/configmaps", named("theirs")),
        ("/api/v1/namespaces/theirs/resourcequotas", limits),
        (
            "/apis/rbac.authorization.k8s.io/v1/namespaces/theirs/roles",
            named("theirs"),
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/namespaces/theirs/rolebindings",
            binding,
        ),
    ]
}

fn plant(member: &dcm_testkit::kubesim::Member) {
    let stranger = User::named("stranger", &["system:masters"]);
    for (path, object) in strange() {
        let request = Request::new("POST", path).with_body(&object);
        let answer = member.request(&stranger, &request);
        assert_eq!(answer.status, 201, "{path}: {}", answer.body);
    }
}

/// I8: what strangers made is still there.
fn strangers_lost(stage: &Stage) -> Vec<String> {
    let mut lost = Vec::new();
    for member in &stage.members {
        for (path, _) in strange() {
            let path = format!("{path}/theirs");
            if member.object(&path).is_none() {
                lost.push(format!("I8: {} lost {path}", member.name()));
            }
        }
    }
    lost
}
