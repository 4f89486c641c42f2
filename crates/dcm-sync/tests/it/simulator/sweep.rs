//! Many runs, on all processors.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

/// After so many that went wrong the others are left out: the first tell enough.
const ENOUGH: usize = 20;
/// Set: how far it is, each so many runs.
const PROGRESS: &str = "DCM_SIMULATE_PROGRESS";

/// Makes every run; what went wrong with which, in their order. It is also told at once.
pub(crate) fn sweep<T: Sync>(
    runs: &[T],
    run: impl Fn(&T) -> Result<(), String> + Sync,
) -> Vec<String> {
    let step = std::env::var_os(PROGRESS);
    let step: Option<usize> = step.map(|step| step.into_string().unwrap().parse().unwrap());
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(case) = runs.get(number) else { return };
            if failed.lock().len() >= ENOUGH {
                return;
            }
            if step.is_some_and(|step| number > 0 && number.is_multiple_of(step)) {
                say(&format!("{number} of {} runs", runs.len()));
            }
            if let Err(why) = run(case) {
                say(&why);
                failed.lock().push((number, why));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    if step.is_some() {
        say(&format!(
            "{} runs, {} failed",
            runs.len(),
            failed.lock().len()
        ));
    }
    let mut failed = failed.into_inner();
    failed.sort();
    failed.into_iter().map(|(_, why)| why).collect()
}

/// Past the capture of tests, which shows nothing before the end of all.
fn say(what: &str) {
    // Whoever closed the stream does not want to know.
    drop(writeln!(std::io::stderr(), "{what}"));
}
