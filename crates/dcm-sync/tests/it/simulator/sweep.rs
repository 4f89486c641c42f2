//! Many runs, on all processors.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

/// What went wrong, at most so many of them: the first tell enough.
const ENOUGH: usize = 20;

/// Makes every run; what went wrong with which, in their order.
pub(crate) fn sweep<T: Sync>(
    runs: &[T],
    run: impl Fn(&T) -> Result<(), String> + Sync,
) -> Vec<String> {
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
            if let Err(why) = run(case) {
                failed.lock().push((number, why));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let mut failed = failed.into_inner();
    failed.sort();
    failed.into_iter().map(|(_, why)| why).collect()
}
