//! Optimistic concurrency: what was decided on documents that changed meanwhile is decided again.

use std::time::Duration;

use crate::Error;

/// How often a decision is taken anew before the caller is told.
const ATTEMPTS: u32 = 20;
/// Attempts after which others are given time.
const EAGER: u32 = 4;

/// Repeats an attempt as long as it lost a race. Each attempt reads everything that it decides on.
pub(crate) async fn settle<T, F, A>(attempt: F) -> Result<T, Error>
where
    F: Fn() -> A,
    A: Future<Output = Result<T, Error>>,
{
    for tries in 1..ATTEMPTS {
        match attempt().await {
            Err(Error::Raced) => {
                let pause = tries.saturating_sub(EAGER);
                tokio::time::sleep(Duration::from_millis(pause.into())).await;
            }
            outcome => return outcome,
        }
    }
    attempt().await
}
