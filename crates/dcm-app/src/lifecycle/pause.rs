//! Stop, and the end of it: the wish stays, and work on the cloud rests or goes on.

use dcm_store::Expect;
use dcm_types::Key;
use dcm_types::documents::{ActionRecord, Lifecycle};

use super::{Accepted, Asked};
use crate::change::{Act, Change};
use crate::{App, Error};

impl App {
    /// Makes the work rest. A cloud on which no action was ever accepted rests anyway.
    pub(super) async fn pause(&self, asked: &Asked<'_>) -> Result<Accepted, Error> {
        match &asked.lifecycle {
            Some(found) if found.document.paused_at.is_none() => {
                self.write_pause(asked, &found.document, true).await
            }
            _ => Ok(asked.unchanged()),
        }
    }

    /// What is wished stays as it is, and work that rests goes on.
    pub(super) async fn resume(&self, asked: &Asked<'_>) -> Result<Accepted, Error> {
        match &asked.lifecycle {
            Some(found) if found.document.paused_at.is_some() => {
                self.write_pause(asked, &found.document, false).await
            }
            _ => Ok(asked.unchanged()),
        }
    }

    async fn write_pause(
        &self,
        asked: &Asked<'_>,
        found: &Lifecycle,
        paused: bool,
    ) -> Result<Accepted, Error> {
        let now = self.now();
        let mut next = Lifecycle {
            paused_at: paused.then_some(now),
            ..found.clone()
        };
        next.remember(ActionRecord {
            action: asked.action,
            generation: found.generation,
            at: now,
        });
        let number = asked.lifecycle.as_ref().map(|l| l.version.number);
        let mut change = Change::new();
        change.put(&next, number.map_or(Expect::Absent, Expect::Number))?;
        let key = Key::cloud(&found.cloud);
        change.assert(key.clone(), Expect::Untouched(asked.cloud.version));
        let project = found.cloud.project.as_str();
        let act = Act::done(asked.who, project, asked.verb, key);
        self.commit(change, act.accepted()).await?;
        Ok(Accepted {
            generation: next.generation,
            wish: next.wish,
            paused,
        })
    }
}
