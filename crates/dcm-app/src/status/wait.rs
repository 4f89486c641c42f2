//! Waiting for a status: one reader per cloud tells all who wait for it ([`super::hub`]).

use std::sync::Arc;
use std::time::Duration;

use dcm_types::documents::Wish;
use dcm_types::status::CloudStatus;
use dcm_types::{CloudKey, Key};
use tokio::time::{Instant, timeout_at};

use crate::{App, Error, Principal};

/// The longest wait.
const LONGEST: Duration = Duration::from_hours(24);

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Every member is ready at the wanted generation.
    Ready,
    /// Nothing is left in any member.
    Absent,
}

impl Until {
    fn wish(self) -> Wish {
        match self {
            Self::Ready => Wish::Present,
            Self::Absent => Wish::Absent,
        }
    }

    fn holds(self, status: &CloudStatus) -> bool {
        match self {
            Self::Ready => status.is_ready(),
            Self::Absent => status.is_absent(),
        }
    }
}

impl App {
    /// Waits until it holds at this generation or a later one, at most so long. The flag tells whether
    /// it holds. A wish that was overtaken by the opposite one cannot come true and ends the wait.
    pub async fn wait_status(
        &self,
        who: &Principal,
        key: &CloudKey,
        until: Until,
        generation: Option<u64>,
        timeout: Duration,
    ) -> Result<(CloudStatus, bool), Error> {
        let deadline = Instant::now() + timeout.min(LONGEST);
        // Before the first look, so that nothing happens unseen between look and wait.
        let mut looks = self.looks(key);
        let mut status = Arc::new(self.cloud_status(who, key).await?);
        loop {
            if let Some(reached) = verdict(&status, until, generation) {
                return Ok((Arc::unwrap_or_clone(status), reached));
            }
            let told = timeout_at(deadline, looks.changed()).await;
            let look = looks.borrow_and_update().clone();
            if let Ok(Err(_)) = told {
                looks = self.looks(key);
            }
            status = match (told, look) {
                (Ok(Ok(())), Some(look)) => look,
                // It could not be read for all, or there is nobody who reads: see for yourself.
                (told, _) => match self.cloud_status(who, key).await {
                    Err(error) if is_gone(&error, key, until) => {
                        return Ok((without_members(Arc::unwrap_or_clone(status)), true));
                    }
                    Ok(now) if told.is_err() => {
                        let reached = verdict(&now, until, generation).unwrap_or(false);
                        return Ok((now, reached));
                    }
                    outcome => Arc::new(outcome?),
                },
            };
        }
    }
}

/// Whether it holds, when that is decided.
fn verdict(status: &CloudStatus, until: Until, generation: Option<u64>) -> Option<bool> {
    let wanted = generation.unwrap_or(0);
    if status.wanted_generation >= wanted && until.holds(status) {
        return Some(true);
    }
    let opposite = status.wish.is_some_and(|wish| wish != until.wish());
    let overtaken = generation.is_some() && status.wanted_generation > wanted && opposite;
    overtaken.then_some(false)
}

/// Whether the cloud was deleted while somebody waited for its end.
fn is_gone(error: &Error, key: &CloudKey, until: Until) -> bool {
    until == Until::Absent && error.is_missing(&Key::cloud(key))
}

fn without_members(last: CloudStatus) -> CloudStatus {
    CloudStatus {
        members: Vec::new(),
        ..last
    }
}
