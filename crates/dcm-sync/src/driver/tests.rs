//! The driver in virtual time, with a counter as its only client.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Bounds, Next, Priority, Queue, Work, start};

/// Counts runs; what each of them asks for is scripted by key.
struct Counter {
    script: HashMap<u32, Vec<Next>>,
    takes: Duration,
    seen: Mutex<Vec<(u32, Priority, u32, Instant)>>,
    running: Mutex<Vec<u32>>,
    most: Mutex<usize>,
}

impl Counter {
    fn new(takes: Duration, script: &[(u32, &[Next])]) -> Arc<Self> {
        Arc::new(Self {
            script: script
                .iter()
                .map(|(key, nexts)| (*key, nexts.to_vec()))
                .collect(),
            takes,
            seen: Mutex::default(),
            running: Mutex::default(),
            most: Mutex::default(),
        })
    }

    fn runs(&self, key: u32) -> Vec<(Priority, u32, Instant)> {
        let seen = self.seen.lock();
        seen.iter()
            .filter(|run| run.0 == key)
            .map(|run| (run.1, run.2, run.3))
            .collect()
    }
}

#[async_trait]
impl Work for Counter {
    type Key = u32;
    type Group = u32;

    fn group(&self, key: &u32) -> u32 {
        key / 100
    }

    fn jitter(&self) -> f64 {
        0.75
    }

    async fn run(&self, key: u32, priority: Priority, attempts: u32) -> Next {
        let number = {
            let mut seen = self.seen.lock();
            seen.push((key, priority, attempts, Instant::now()));
            let mut running = self.running.lock();
            assert!(!running.contains(&key), "one run per key");
            running.push(key);
            let mut most = self.most.lock();
            *most = (*most).max(running.len());
            seen.iter().filter(|run| run.0 == key).count()
        };
        tokio::time::sleep(self.takes).await;
        self.running.lock().retain(|running| *running != key);
        let script = self.script.get(&key);
        script
            .and_then(|nexts| nexts.get(number - 1))
            .copied()
            .unwrap_or(Next::Done(None))
    }
}

const BOUNDS: Bounds = Bounds {
    total: 4,
    per_group: 2,
    backoff_first: Duration::from_millis(500),
    backoff_cap: Duration::from_mins(5),
};

fn drive(work: &Arc<Counter>) -> (Queue<u32>, CancellationToken) {
    let ended = CancellationToken::new();
    let (queue, _) = start(Arc::clone(work), BOUNDS, ended.clone());
    (queue, ended)
}

#[tokio::test(start_paused = true)]
async fn nudges_during_a_run_mean_one_more_run_after_it() {
    let work = Counter::new(Duration::from_secs(1), &[]);
    let (queue, _ended) = drive(&work);
    queue.nudge(1, Priority::Foreground);
    tokio::time::sleep(Duration::from_millis(500)).await;
    for _ in 0..10 {
        queue.nudge(1, Priority::Foreground);
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(work.runs(1).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn runs_are_bounded_in_total_and_per_group() {
    let work = Counter::new(Duration::from_secs(1), &[]);
    let (queue, _ended) = drive(&work);
    for key in [1, 2, 3, 4, 101, 102, 103, 201, 202, 203] {
        queue.nudge(key, Priority::Foreground);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let running = work.running.lock().clone();
    assert_eq!(running.len(), 4);
    assert!(running.iter().filter(|key| **key < 100).count() <= 2);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(work.seen.lock().len(), 10, "every key had its run");
    assert_eq!(*work.most.lock(), 4);
}

#[tokio::test(start_paused = true)]
async fn failures_back_off_to_the_cap_and_a_nudge_resets_them() {
    let work = Counter::new(Duration::ZERO, &[(1, &[Next::Failed(None); 20])]);
    let (queue, _ended) = drive(&work);
    queue.nudge(1, Priority::Foreground);
    tokio::time::sleep(Duration::from_mins(30)).await;
    let runs = work.runs(1);
    let pauses: Vec<Duration> = runs.windows(2).map(|pair| pair[1].2 - pair[0].2).collect();
    assert!(pauses[0] <= Duration::from_millis(501), "{pauses:?}");
    assert!(
        pauses.iter().all(|pause| *pause <= Duration::from_mins(5)),
        "{pauses:?}"
    );
    assert!(
        *pauses.last().unwrap() >= Duration::from_secs(149),
        "{pauses:?}"
    );
    assert_eq!(
        runs.last().unwrap().1,
        u32::try_from(runs.len()).unwrap() - 1
    );
    queue.nudge(1, Priority::Foreground);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(
        work.runs(1).last().unwrap().1,
        0,
        "the nudge reset the back-off"
    );
    assert_eq!(
        work.runs(1).len(),
        runs.len() + 1,
        "and did not wait for the timer"
    );
}

#[tokio::test(start_paused = true)]
async fn member_that_asks_for_time_gets_it() {
    let work = Counter::new(
        Duration::ZERO,
        &[(1, &[Next::Failed(Some(Duration::from_secs(40)))])],
    );
    let (queue, _ended) = drive(&work);
    queue.nudge(1, Priority::Foreground);
    tokio::time::sleep(Duration::from_secs(39)).await;
    assert_eq!(work.runs(1).len(), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(work.runs(1).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn timers_run_as_housekeeping_and_again_at_once() {
    let script: &[(u32, &[Next])] = &[
        (1, &[Next::Done(Some(Duration::from_secs(10)))]),
        (2, &[Next::Again]),
    ];
    let work = Counter::new(Duration::ZERO, script);
    let (queue, _ended) = drive(&work);
    queue.nudge(1, Priority::Foreground);
    queue.nudge(2, Priority::Foreground);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(work.runs(2).len(), 2);
    assert_eq!(work.runs(1).len(), 1);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(work.runs(1).len(), 2);
    assert_eq!(work.runs(1)[1].0, Priority::Housekeeping);
}

#[tokio::test(start_paused = true)]
async fn housekeeping_leaves_room_for_what_somebody_asked_for() {
    let work = Counter::new(Duration::from_mins(1), &[]);
    let (queue, _ended) = drive(&work);
    for key in [1, 101, 201, 301, 401, 501] {
        queue.nudge(key, Priority::Housekeeping);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(work.running.lock().len(), 3, "a quarter stays free");
    queue.nudge(601, Priority::Foreground);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(work.runs(601).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn end_waits_for_runs_under_way() {
    let work = Counter::new(Duration::from_secs(3), &[]);
    let ended = CancellationToken::new();
    let (queue, done) = start(Arc::clone(&work), BOUNDS, ended.clone());
    queue.nudge(1, Priority::Foreground);
    tokio::time::sleep(Duration::from_secs(1)).await;
    ended.cancel();
    done.await.unwrap();
    assert!(work.running.lock().is_empty());
}

/// Panics once.
struct Panicking(Mutex<u32>);

#[async_trait]
impl Work for Panicking {
    type Key = u32;
    type Group = u32;

    fn group(&self, key: &u32) -> u32 {
        *key
    }

    fn jitter(&self) -> f64 {
        0.75
    }

    async fn run(&self, _key: u32, _priority: Priority, _attempts: u32) -> Next {
        let first = {
            let mut runs = self.0.lock();
            *runs += 1;
            *runs == 1
        };
        assert!(!first, "the first run ends abnormally");
        Next::Done(None)
    }
}

#[tokio::test(start_paused = true)]
async fn run_that_panics_counts_as_failed_and_is_repeated() {
    let work = Arc::new(Panicking(Mutex::new(0)));
    let (queue, _done) = start(Arc::clone(&work), BOUNDS, CancellationToken::new());
    queue.nudge(1, Priority::Foreground);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(*work.0.lock(), 2);
}
