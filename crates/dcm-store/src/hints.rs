//! Hints about changes: one channel from a backend to everybody who listens.

use dcm_types::Key;
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

use crate::store::Change;

/// How many hints a slow reader may lag behind before it is told that it missed some.
pub(crate) const CAPACITY: usize = 1024;

/// The sending side.
#[derive(Debug, Clone)]
pub(crate) struct Hints(broadcast::Sender<Key>);

impl Hints {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }

    /// Tells everybody who listens; it is no error when nobody does.
    pub(crate) fn send(&self, changed: impl IntoIterator<Item = Key>) {
        for key in changed {
            if self.0.send(key).is_err() {
                return;
            }
        }
    }

    pub(crate) fn subscribe(&self) -> BoxStream<'static, Change> {
        BroadcastStream::new(self.0.subscribe())
            .map(|received| match received {
                Ok(key) => Change::Document(key),
                Err(_lagged) => Change::Missed,
            })
            .boxed()
    }
}

#[cfg(test)]
mod tests {
    use dcm_types::DocumentKind;

    use super::*;

    fn key(number: usize) -> Key {
        Key::from_stored(DocumentKind::Project, format!("p{number}"))
    }

    #[tokio::test]
    async fn reader_that_lags_is_told_once_and_then_goes_on() {
        let hints = Hints::new();
        let mut changes = hints.subscribe();
        hints.send((0..=CAPACITY).map(key));

        assert_eq!(changes.next().await, Some(Change::Missed));
        assert_eq!(changes.next().await, Some(Change::Document(key(1))));
    }

    #[tokio::test]
    async fn stream_ends_with_the_store() {
        let hints = Hints::new();
        let mut changes = hints.subscribe();
        hints.send([key(1)]);
        drop(hints);

        assert_eq!(changes.next().await, Some(Change::Document(key(1))));
        assert_eq!(changes.next().await, None);
    }
}
