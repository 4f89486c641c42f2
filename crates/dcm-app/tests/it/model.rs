//! A logical cloud in every state: random sequences of all calls, of members that do what is wished and
//! of members that fail, compared with a small reference model, on both stores. From every state in which
//! a sequence ends, terminate and delete lead to nothing.

use std::collections::{BTreeMap, BTreeSet};

use dcm_app::{Deletion, Precondition};
use dcm_store::{Batch, Expect};
use dcm_types::documents::{Observed, Wish};
use dcm_types::{CloudKey, Key, Kind, UserName};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::members::{failure, ready_target, target_key};
use crate::world::{World, cloud_draft, cloud_key, cluster, quota_draft, who};

const CLUSTERS: [&str; 2] = ["c1", "c2"];

#[derive(Debug, Clone, Copy)]
enum Step {
    Create,
    Delete,
    Refer(usize),
    Unrefer(usize),
    Quota(u8),
    Instantiate,
    Update,
    Terminate,
    Stop,
    Revoke,
    /// The synchronizer brings a member to what is wished.
    Run(usize),
    /// A run of a member fails.
    Fail(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let member = 0..CLUSTERS.len();
    let step = prop_oneof![
        1 => Just(Step::Create),
        1 => Just(Step::Delete),
        2 => member.clone().prop_map(Step::Refer),
        1 => member.clone().prop_map(Step::Unrefer),
        1 => (1_u8..4).prop_map(Step::Quota),
        3 => Just(Step::Instantiate),
        1 => Just(Step::Update),
        2 => Just(Step::Terminate),
        1 => Just(Step::Stop),
        1 => Just(Step::Revoke),
        4 => member.clone().prop_map(Step::Run),
        1 => member.prop_map(Step::Fail),
    ];
    prop::collection::vec(step, 1..40)
}

/// What a revision froze.
type Frozen = (BTreeSet<usize>, Option<u8>);

/// What must be true.
#[derive(Debug, Default)]
struct Model {
    exists: bool,
    references: BTreeSet<usize>,
    quota: Option<u8>,
    generation: u64,
    wish: Option<Wish>,
    frozen: Frozen,
    /// Work rests.
    paused: bool,
    /// Members whose namespace is reserved.
    held: BTreeSet<usize>,
    /// Members with a target, and the generation that is true there; `None`: not known, or nothing.
    targets: BTreeMap<usize, Option<u64>>,
}

/// What a call came to: nothing to say, a generation, or the kind of its error.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Fine,
    Queued,
    Generation(u64, Wish),
    Refused(Kind),
}

impl Model {
    fn accepted(&self) -> Outcome {
        Outcome::Generation(self.generation, self.wish.unwrap_or(Wish::Absent))
    }

    fn wish_present(&mut self) -> Outcome {
        if self.references.is_empty() {
            return Outcome::Refused(Kind::Conflict);
        }
        self.paused = false;
        let now = (self.references.clone(), self.quota);
        if self.wish != Some(Wish::Present) || self.frozen != now {
            self.generation += 1;
            self.wish = Some(Wish::Present);
            self.held.extend(&now.0);
            self.frozen = now;
        }
        self.accepted()
    }

    fn wish_absent(&mut self) -> Outcome {
        self.paused = false;
        if self.wish == Some(Wish::Present) {
            self.generation += 1;
            self.wish = Some(Wish::Absent);
        }
        self.accepted()
    }

    fn delete(&mut self) -> Outcome {
        if self.wish == Some(Wish::Present) {
            return Outcome::Refused(Kind::Conflict);
        }
        if self.held.is_empty() {
            *self = Self::default();
            Outcome::Fine
        } else {
            self.paused = false;
            Outcome::Queued
        }
    }

    fn is_member(&self, member: usize) -> bool {
        self.wish == Some(Wish::Present) && self.frozen.0.contains(&member)
    }

    fn expect(&mut self, step: Step) -> Outcome {
        match step {
            Step::Create if self.exists => return Outcome::Refused(Kind::AlreadyExists),
            Step::Create => {
                *self = Self {
                    exists: true,
                    ..Self::default()
                }
            }
            Step::Run(_) | Step::Fail(_) => {}
            _ if !self.exists => return Outcome::Refused(Kind::NotFound),
            Step::Delete => return self.delete(),
            Step::Refer(member) => drop(self.references.insert(member)),
            Step::Unrefer(member) if !self.references.remove(&member) => {
                return Outcome::Refused(Kind::NotFound);
            }
            Step::Unrefer(_) => {}
            Step::Quota(pods) => self.quota = Some(pods),
            Step::Instantiate => return self.wish_present(),
            Step::Update if self.wish == Some(Wish::Present) => return self.wish_present(),
            Step::Update => {
                self.paused = false;
                return self.accepted();
            }
            Step::Stop => {
                self.paused = self.wish.is_some();
                return self.accepted();
            }
            Step::Terminate => return self.wish_absent(),
            Step::Revoke => {
                if self.wish == Some(Wish::Present) {
                    // What is frozen stays, also what the documents do not say any more.
                    self.generation += 1;
                    self.paused = false;
                }
                return self.accepted();
            }
        }
        Outcome::Fine
    }
}

fn refused<T>(result: Result<T, dcm_app::Error>, fine: impl Fn(T) -> Outcome) -> Outcome {
    result.map_or_else(|error| Outcome::Refused(error.kind), fine)
}

async fn call(world: &World, key: &CloudKey, step: Step) -> Outcome {
    let (app, who) = (&world.app, who());
    let fine = |()| Outcome::Fine;
    let accepted = |a: dcm_app::Accepted| Outcome::Generation(a.generation, a.wish);
    match step {
        Step::Create => {
            let draft = cloud_draft(key.cloud.as_str());
            let made = app.create_logical_cloud(&who, &key.project, draft).await;
            refused(made, |_| Outcome::Fine)
        }
        Step::Delete => refused(world.delete_cloud(key).await, |deletion| match deletion {
            Deletion::Done => Outcome::Fine,
            Deletion::Queued => Outcome::Queued,
        }),
        Step::Refer(member) => {
            let cluster = cluster(CLUSTERS[member]);
            let put = app
                .put_reference_of(&who, key, &cluster, None, Precondition::None)
                .await;
            refused(put, |_| Outcome::Fine)
        }
        Step::Unrefer(member) => {
            let cluster = cluster(CLUSTERS[member]);
            let gone = app
                .delete_reference_of(&who, key, &cluster, Precondition::None)
                .await;
            refused(gone, fine)
        }
        Step::Quota(pods) => {
            let draft = quota_draft("q", &pods.to_string());
            let name = draft.name.clone();
            let put = app
                .put_quota(&who, key, &name, draft, Precondition::None)
                .await;
            refused(put, |_| Outcome::Fine)
        }
        Step::Instantiate => refused(app.instantiate(&who, key).await, accepted),
        Step::Update => refused(app.update(&who, key).await, accepted),
        Step::Terminate => refused(app.terminate(&who, key).await, accepted),
        Step::Stop => refused(app.stop(&who, key).await, accepted),
        Step::Revoke => {
            let user = UserName::parse("bob").unwrap();
            let revoked = app.revoke_user(&who, key, &user, Precondition::None).await;
            refused(revoked, accepted)
        }
        Step::Run(_) | Step::Fail(_) => Outcome::Fine,
    }
}

/// What the synchronizer records of a member, in the model and in the store.
async fn synchronize(world: &World, key: &CloudKey, model: &mut Model, step: Step) {
    match step {
        Step::Run(_) | Step::Fail(_) if model.paused => {}
        Step::Run(member) if model.is_member(member) => {
            world.make_ready(key, CLUSTERS[member]).await;
            model.targets.insert(member, Some(model.generation));
        }
        Step::Run(member) if model.held.contains(&member) => {
            world.make_absent(key, CLUSTERS[member]).await;
            model.held.remove(&member);
            model.targets.insert(member, None);
            if model.wish == Some(Wish::Present) {
                // The cloud lives on without this member: its tombstone goes, too.
                let mut batch = Batch::new();
                batch.delete(
                    Key::target(&target_key(key, CLUSTERS[member])),
                    Expect::Exists,
                );
                world.store.commit(batch).await.unwrap();
                model.targets.remove(&member);
            }
        }
        Step::Fail(member) if model.held.contains(&member) => {
            let uid = world.lifecycle(key).await.cloud_uid;
            let target = target_key(key, CLUSTERS[member]);
            let mut target = ready_target(&target, uid, model.generation);
            target.observed = Observed::Unknown;
            target.applied_generation = None;
            target.last_error = Some(failure("unreachable"));
            world.record(&target).await;
            model.targets.insert(member, None);
        }
        _ => {}
    }
}

/// The status must tell what the model knows.
async fn compare(world: &World, key: &CloudKey, model: &Model) {
    let status = world.app.cloud_status(&who(), key).await;
    if !model.exists {
        assert_eq!(status.unwrap_err().kind, Kind::NotFound);
        return;
    }
    let status = status.unwrap();
    assert_eq!(
        (status.wanted_generation, status.wish),
        (model.generation, model.wish)
    );
    assert_eq!(status.paused_at.is_some(), model.paused);
    let members = model.frozen.0.iter();
    let known = |member: &usize| model.targets.get(member) == Some(&Some(model.generation));
    let ready = model.wish == Some(Wish::Present) && members.clone().all(known);
    let stale = model.held.iter().any(|member| !model.is_member(*member));
    assert_eq!(
        status.is_ready(),
        ready && !stale && !model.paused,
        "{model:#?} {status:#?}"
    );
    let absent = model.wish != Some(Wish::Present) && model.held.is_empty();
    assert_eq!(status.is_absent(), absent, "{model:#?} {status:#?}");
}

/// From wherever a sequence ended: terminate, let every member run, delete.
async fn to_nothing(world: &World, key: &CloudKey, model: &mut Model) {
    if !model.exists {
        return;
    }
    model.wish_absent();
    world.app.terminate(&who(), key).await.unwrap();
    for member in 0..CLUSTERS.len() {
        synchronize(world, key, model, Step::Run(member)).await;
    }
    assert_eq!(world.delete_cloud(key).await.unwrap(), Deletion::Done);
}

async fn play(world: World, steps: Vec<Step>) {
    let key = cloud_key("p", "lc");
    world.register(&CLUSTERS).await;
    world.project("p").await;
    let mut model = Model::default();
    for step in steps {
        let expected = model.expect(step);
        assert_eq!(
            call(&world, &key, step).await,
            expected,
            "{step:?} {model:#?}"
        );
        synchronize(&world, &key, &mut model, step).await;
        compare(&world, &key, &model).await;
    }
    to_nothing(&world, &key, &mut model).await;
    assert_eq!(world.leftovers().await, [""; 0]);
}

fn run(cases: u32, world: fn() -> World) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            let told = format!("{steps:?}");
            let played = runtime.block_on(async { tokio::spawn(play(world(), steps)).await });
            played.map_err(|error| TestCaseError::fail(format!("{told}: {error}")))
        })
        .unwrap();
}

#[test]
fn memory_follows_the_model() {
    run(192, World::in_memory);
}

#[test]
fn sqlite_follows_the_model() {
    run(24, World::on_disk);
}
