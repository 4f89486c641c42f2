//! The gate in virtual time.

use dcm_cluster::{CallError, CallErrorKind};
use dcm_types::{ClusterName, ProviderName};

use super::*;

struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

/// Always the longest jitter.
struct Most;

impl Randomness for Most {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(u8::MAX);
    }
}

fn member() -> ClusterKey {
    ClusterKey {
        provider: ProviderName::parse("site").unwrap(),
        cluster: ClusterName::parse("edge").unwrap(),
    }
}

fn gates() -> (Gates, mpsc::UnboundedReceiver<ClusterKey>) {
    let (asks, asked) = mpsc::unbounded_channel();
    let config = Config::default();
    let gates = Gates::new(
        &config,
        Arc::new(Epoch),
        Arc::new(Most),
        Metrics::default(),
        asks,
    );
    (gates, asked)
}

fn refused() -> Arc<Error> {
    let call = CallError::new(CallErrorKind::Unreachable, "get Namespace", "refused");
    Arc::new(call.into())
}

#[tokio::test(start_paused = true)]
async fn shut_gate_holds_everybody_with_the_reason_and_asks_for_one_probe() {
    let (gates, mut asked) = gates();
    gates.check(&member()).unwrap();
    for _ in 0..100 {
        gates.shut(&member(), refused());
    }
    let held = gates.check(&member()).unwrap_err();
    assert_eq!(held.category(), "unreachable");
    assert_eq!(asked.try_recv().unwrap(), member());
    assert!(asked.try_recv().is_err(), "one probe is enough");
    assert_eq!(gates.wait(&member()), Some(Duration::ZERO));
    assert!(gates.open(&member()));
    gates.check(&member()).unwrap();
    assert!(!gates.open(&member()), "nobody waited");
}

#[tokio::test(start_paused = true)]
async fn dead_member_is_probed_at_most_three_hundred_times_a_day() {
    let (gates, _asked) = gates();
    gates.shut(&member(), refused());
    let day = Instant::now() + Duration::from_hours(24);
    let mut probes = 0;
    while Instant::now() < day {
        tokio::time::sleep(gates.wait(&member()).unwrap()).await;
        probes += 1;
        let pause = gates.failed(&member(), refused());
        assert!(pause <= Duration::from_secs(330), "{pause:?}");
    }
    assert!((250..=300).contains(&probes), "{probes}");
    gates.hurry(&member());
    assert_eq!(gates.wait(&member()), Some(Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn member_of_which_only_probes_work_is_left_in_peace() {
    let (gates, _asked) = gates();
    let hour = Instant::now() + Duration::from_hours(1);
    let mut openings = 0;
    while Instant::now() < hour {
        gates.shut(&member(), refused());
        tokio::time::sleep(gates.wait(&member()).unwrap()).await;
        gates.open(&member());
        openings += 1;
    }
    assert!(openings <= 30, "{openings}");
    // One that worked for a while is probed at once when it fails again.
    tokio::time::sleep(Duration::from_mins(6)).await;
    gates.shut(&member(), refused());
    assert_eq!(gates.wait(&member()), Some(Duration::ZERO));
}
