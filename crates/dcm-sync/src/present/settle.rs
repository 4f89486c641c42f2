//! The short wait for what the member is about to do: sign the certificate, put quotas in force. It is
//! ended by events of the watch, never by a fixed sleep; what does not come in time is left to the
//! watch, which asks for another run.

use std::sync::Arc;

use dcm_types::Track;
use dcm_types::documents::ObjectState;
use serde_json::Value;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use super::{Present, certificate};
use crate::credentials::Credential;
use crate::error::Error;
use crate::member::MemberEvent;
use crate::render::quota_in_force;
use crate::run::Outcome;
use dcm_cluster::{Object, Resource};

/// A quota that was written is ready only once it is in force.
pub(super) fn quota_outcome(outcome: Outcome) -> Outcome {
    if outcome.place.resource != Resource::ResourceQuota || !outcome.is_ready() {
        return outcome;
    }
    if outcome.live.as_ref().is_some_and(quota_in_force) {
        return outcome;
    }
    let message = "written; the cluster has not put it in force yet".to_owned();
    Outcome {
        state: ObjectState::Progressing,
        reason: "NotInForce",
        message,
        ..outcome
    }
}

impl Present<'_> {
    pub(super) async fn settle(
        &mut self,
        events: &mut broadcast::Receiver<MemberEvent>,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + self.context.config.settle.get();
        while self.is_waiting() {
            let event = match tokio::time::timeout_at(deadline, events.recv()).await {
                Ok(Ok(event)) => event,
                // Missed events: the next run reads instead.
                Ok(Err(RecvError::Lagged(_) | RecvError::Closed)) | Err(_) => break,
            };
            if !event.gone && event.object.owner() == self.run.owner {
                self.take_event(&event.object).await?;
            }
        }
        Ok(())
    }

    fn is_waiting(&self) -> bool {
        let quota = self
            .outcomes
            .iter()
            .any(|outcome| outcome.reason == "NotInForce");
        quota || self.credentials.iter().any(Credential::is_coming)
    }

    async fn take_event(&mut self, object: &Arc<Object>) -> Result<(), Error> {
        match object.kind() {
            "ResourceQuota" if quota_in_force(object) => {
                self.take_quota(object);
                Ok(())
            }
            "CertificateSigningRequest" => self.take_request(object).await,
            _ => Ok(()),
        }
    }

    fn take_quota(&mut self, object: &Arc<Object>) {
        for outcome in &mut self.outcomes {
            let same = outcome.track == Track::Quota
                && outcome.reason == "NotInForce"
                && outcome.place.name == object.name()
                && outcome.live.as_ref().is_some_and(|live| {
                    live.uid() == object.uid() && live.at("/spec") == object.at("/spec")
                });
            if same {
                self.run.member.learn(object);
                outcome.live = Some(Object::clone(object));
                outcome.state = ObjectState::Ready;
                outcome.reason = "Ready";
                outcome.message.clear();
            }
        }
    }

    async fn take_request(&mut self, object: &Arc<Object>) -> Result<(), Error> {
        // Only what is signed, denied or failed is news; our own POST and approval are not.
        let conditions = object.at("/status/conditions").and_then(Value::as_array);
        let refused = conditions
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "Denied" || condition["type"] == "Failed");
        let is_news = refused || !object.text("/status/certificate").is_empty();
        if !is_news {
            return Ok(());
        }
        let mut credentials = std::mem::take(&mut self.credentials);
        let mut result = Ok(());
        for credential in &mut credentials {
            let named = credential
                .access
                .pending
                .as_ref()
                .is_some_and(|pending| pending.request_name == object.name());
            if named && result.is_ok() {
                result = certificate::take_in(self, credential, object).await;
            }
        }
        self.credentials = credentials;
        result
    }
}
