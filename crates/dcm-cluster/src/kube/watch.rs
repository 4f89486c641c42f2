//! Watch streams: one JSON document per line, bounded in size, ended when nothing comes for too long.

use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use futures::stream::{self, StreamExt as _};
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::Value;

use crate::{CallError, CallErrorKind, Object, WatchEvent, WatchStream};

struct Reader {
    body: Body,
    buffer: BytesMut,
    limit: usize,
    idle: Duration,
    name: String,
    ended: bool,
}

/// Events out of a body, until it ends or breaks.
pub(super) fn events(body: Body, limit: usize, idle: Duration, name: String) -> WatchStream {
    let reader = Reader {
        body,
        buffer: BytesMut::new(),
        limit,
        idle,
        name,
        ended: false,
    };
    stream::unfold(reader, |mut reader| async move {
        if reader.ended {
            return None;
        }
        let event = reader.next().await.transpose()?;
        reader.ended = event.is_err();
        Some((event, reader))
    })
    .boxed()
}

impl Reader {
    async fn next(&mut self) -> Result<Option<WatchEvent>, CallError> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(end);
                self.buffer.advance(1);
                return self.event(&line).map(Some);
            }
            if self.buffer.len() > self.limit {
                return Err(self.error(CallErrorKind::Garbled, "an event is too large"));
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }

    /// Reads more; false at the end.
    async fn fill(&mut self) -> Result<bool, CallError> {
        let frame = tokio::time::timeout(self.idle, self.body.frame())
            .await
            .map_err(|_| self.error(CallErrorKind::Timeout, "nothing came for too long"))?;
        match frame {
            None => Ok(false),
            Some(Err(_)) => Err(self.error(CallErrorKind::Unreachable, "the watch broke off")),
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.buffer.extend_from_slice(data);
                }
                Ok(true)
            }
        }
    }

    fn event(&self, line: &[u8]) -> Result<WatchEvent, CallError> {
        let mut value: Value = serde_json::from_slice(line)
            .map_err(|_| self.error(CallErrorKind::Garbled, "an event is not JSON"))?;
        let object = Object(value["object"].take());
        match value["type"].as_str() {
            Some("ADDED" | "MODIFIED") => Ok(WatchEvent::Upsert(object)),
            Some("DELETED") => Ok(WatchEvent::Gone(object)),
            Some("BOOKMARK") => Ok(WatchEvent::Bookmark(object.resource_version().to_owned())),
            Some("ERROR") if object.at("/code").and_then(Value::as_u64) == Some(410) => {
                Err(self.error(CallErrorKind::Gone, object.text("/message")))
            }
            _ => Err(self.error(CallErrorKind::Server, object.text("/message"))),
        }
    }

    fn error(&self, kind: CallErrorKind, message: &str) -> CallError {
        CallError::new(kind, &self.name, message)
    }
}
