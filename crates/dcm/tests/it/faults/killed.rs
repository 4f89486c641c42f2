//! SIGKILL of the server: at named calls, and at random ones and random times, with several clouds under way.
//! Whatever the moment, the next process on the same data ends right.

use std::time::Duration;

use dcm_testkit::kubesim::{Effect, Member};
use rustix::process::Signal;

use super::site::Edge;
use super::trap::{Point, Trap};
use crate::members::harness::{Folder, SHORT, Server};

/// Variables of `cargo xtask kill`: how many rounds of three kills, and from which seed on.
const ROUNDS: &str = "DCM_KILL_ROUNDS";
const SEED: &str = "DCM_KILL_SEED";
/// Clouds of a round, all under way at once.
const CLOUDS: usize = 3;

/// Where a process dies in instantiate, in update, in terminate.
type Moments = [(Moment, Effect); 3];

#[derive(Debug, Clone, Copy)]
enum Moment {
    Call(Point),
    /// So long after the actions were accepted.
    Later(Duration),
}

const fn at(method: &'static str, end: &'static str, effect: Effect) -> (Moment, Effect) {
    (Moment::Call(Point::Named(method, end)), effect)
}

/// The steps of each action, before and after they took effect.
const NAMED: [Moments; 6] = [
    [
        at("POST", "/dcm-system/configmaps", Effect::After),
        at("PATCH", "/resourcequotas/limits", Effect::Before),
        at("PATCH", "", Effect::After),
    ],
    [
        at("POST", "/api/v1/namespaces", Effect::Before),
        at("PATCH", "/resourcequotas/limits", Effect::After),
        at("DELETE", "", Effect::Before),
    ],
    [
        at("POST", "/resourcequotas", Effect::After),
        at("POST", "/roles", Effect::After),
        at("DELETE", "", Effect::After),
    ],
    [
        at("POST", "/certificatesigningrequests", Effect::After),
        at("POST", "/rolebindings", Effect::Before),
        at("DELETE", "", Effect::After),
    ],
    [
        at("PUT", "/approval", Effect::After),
        at("POST", "/rolebindings", Effect::After),
        at("PATCH", "", Effect::Before),
    ],
    [
        at("POST", "/rolebindings", Effect::After),
        at("PATCH", "", Effect::After),
        at("DELETE", "", Effect::Before),
    ],
];

/// One round: clouds on two clusters, and a server that is killed in each of their actions.
struct Round {
    folder: Folder,
    server: Server,
    edges: Vec<Edge>,
    trap: Trap,
    clouds: Vec<String>,
    told: String,
}

impl Round {
    async fn begin(told: String) -> Self {
        let folder = Folder::with(SHORT);
        let server = folder.serve();
        let edges = Edge::several(2).await;
        let kubeconfigs: Vec<_> = edges.iter().map(Edge::kubeconfig).collect();
        folder.register_by(&server, &kubeconfigs).await;
        let mut clouds = Vec::new();
        for number in 0..CLOUDS {
            let project = format!("p{number}");
            clouds.push(folder.describe(&server, &project, &slice(number), 2).await);
        }
        Self {
            folder,
            server,
            edges,
            trap: Trap::default(),
            clouds,
            told,
        }
    }

    /// Asks for an action of all clouds; the server dies at the moment; another one goes on.
    async fn killed_in(&mut self, action: &str, (moment, effect): (Moment, Effect)) {
        let members: Vec<&Member> = self.edges.iter().map(|edge| &edge.member).collect();
        if let Moment::Call(point) = moment {
            let who = (self.server.pid(), Signal::KILL);
            self.trap.set(&members, (point, effect), who);
        }
        let mut acknowledged = Vec::new();
        for cloud in &self.clouds {
            let path = format!("{cloud}/{action}");
            acknowledged.push(self.folder.try_post(&self.server, &path).await);
        }
        if let Moment::Later(time) = moment {
            tokio::time::sleep(time).await;
            self.server.signal(Signal::KILL);
        }
        let killed = self.server.was_killed().await;
        assert!(
            killed,
            "{}: not killed in {action} at {moment:?}",
            self.told
        );
        for edge in &self.edges {
            edge.member.faults().clear();
        }
        self.server = self.folder.serve();
        for (cloud, acknowledged) in self.clouds.iter().zip(acknowledged) {
            if !acknowledged {
                // Whoever got no answer asks again.
                self.folder.act(&self.server, cloud, action).await;
            }
        }
    }

    async fn all(&self, until: &str) {
        for cloud in &self.clouds {
            self.folder.wait(&self.server, cloud, until).await;
        }
    }

    /// The whole life of the clouds, with a kill in each action.
    async fn live(mut self, [instantiate, update, terminate]: Moments) {
        self.killed_in("instantiate", instantiate).await;
        self.all("ready").await;
        let mut tenants = Vec::new();
        for cloud in &self.clouds {
            tenants.push(self.folder.kubeconfig(&self.server, cloud).await);
        }
        self.change().await;
        self.killed_in("update", update).await;
        self.all("ready").await;
        for edge in &self.edges {
            for (number, tenant) in tenants.iter().enumerate() {
                assert!(edge.opens(tenant, &slice(number)), "{}", self.told);
                let path = format!("/api/v1/namespaces/{}/resourcequotas/limits", slice(number));
                let quota = edge.object(&path).unwrap();
                assert_eq!(quota["status"]["hard"]["configmaps"], "5", "{}", self.told);
            }
        }
        self.killed_in("terminate", terminate).await;
        self.all("absent").await;
        for edge in &self.edges {
            assert_eq!(edge.ours(), [""; 0], "{}: orphans", self.told);
            edge.check_what_was_written();
            for (number, tenant) in tenants.iter().enumerate() {
                assert!(!edge.opens(tenant, &slice(number)), "{}", self.told);
            }
        }
    }

    /// More `ConfigMaps`, and one more permission.
    async fn change(&self) {
        for (number, cloud) in self.clouds.iter().enumerate() {
            self.folder.limit(&self.server, cloud, 5).await;
            let permission = serde_json::json!({
                "metadata": { "name": "more" },
                "spec": {
                    "namespace": slice(number), "apiGroups": [""],
                    "resources": ["services"], "verbs": ["get", "list"],
                },
            });
            let path = format!("{cloud}/user-permissions");
            self.folder.post(&self.server, &path, permission).await;
        }
    }
}

fn slice(number: usize) -> String {
    format!("slice-{number}")
}

/// Numbers that follow from a seed, and look random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// A call of those that an action of three clouds on two clusters has for certain, or a time.
    fn moment(&mut self, calls: u64) -> (Moment, Effect) {
        let effect = [Effect::Before, Effect::After][usize::from(self.below(2) == 1)];
        let moment = if self.below(3) == 0 {
            Moment::Later(Duration::from_millis(self.below(1_200)))
        } else {
            let number = u32::try_from(self.below(calls)).unwrap();
            Moment::Call(Point::Number(number))
        };
        (moment, effect)
    }
}

fn number_from(variable: &str) -> Option<u64> {
    std::env::var_os(variable)?.to_str()?.parse().ok()
}

// More threads than cores: rounds are started side by side, and starting a process blocks.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_process_that_is_killed_at_a_named_step_ends_right() {
    let rounds = NAMED.into_iter().enumerate().map(|(number, moments)| {
        tokio::spawn(async move {
            Round::begin(format!("named {number}"))
                .await
                .live(moments)
                .await;
        })
    });
    for round in futures::future::join_all(rounds).await {
        round.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[expect(
    clippy::print_stderr,
    reason = "a round that fails is repeated by its seed"
)]
async fn a_process_that_is_killed_at_random_ends_right() {
    let first = number_from(SEED).unwrap_or(20_261_125);
    let rounds = number_from(ROUNDS).unwrap_or(4);
    for seed in first..first + rounds {
        let mut dice = Dice(seed);
        let moments = [dice.moment(50), dice.moment(12), dice.moment(24)];
        let told = format!("{SEED}={seed}: {moments:?}");
        eprintln!("{told}");
        Round::begin(told).await.live(moments).await;
    }
}
