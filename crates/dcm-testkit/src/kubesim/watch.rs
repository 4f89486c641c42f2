//! Watches: what happened since a version, in order, told once; bookmarks; 410 when that is forgotten.

use std::time::Duration;

use dcm_types::Timestamp;
use serde_json::{Value, json};

use super::core::{Asking, Core};
use super::message::Refusal;
use super::objects::Change;
use super::paths::Target;
use super::selector::Selector;

/// How often a watch that wants them gets a bookmark.
const BOOKMARK_INTERVAL: Duration = Duration::from_mins(1);
/// How long before its end a watch gets a last one.
const LAST_BOOKMARK: Duration = Duration::from_secs(2);
/// How long a watch lives that does not say so.
const LIFE: Duration = Duration::from_mins(30);

/// A watch, between two looks at the server.
#[derive(Debug)]
pub(super) struct Watch {
    target: Target,
    selector: Selector,
    position: u64,
    initial: Vec<Value>,
    bookmarks: bool,
    bookmark_at: Timestamp,
    ends_at: Timestamp,
    ended: bool,
}

/// What a look at the server told.
#[derive(Debug)]
pub(super) struct Look {
    /// Events as they are sent.
    pub(super) events: Vec<Value>,
    /// Nothing more will come.
    pub(super) ended: bool,
    /// When to look again, even if nothing changes.
    pub(super) again_at: Timestamp,
}

impl Watch {
    pub(super) fn open(
        core: &Core,
        asking: Asking<'_>,
        target: &Target,
    ) -> Result<Box<Self>, Refusal> {
        let parameter = |name| asking.request.parameter(name);
        let selector = Selector::of(asking.request)?;
        let position = match parameter("resourceVersion").unwrap_or_default() {
            "" | "0" => None,
            text => Some(text.parse().map_err(|_| {
                Refusal::new(
                    500,
                    "",
                    format!("Invalid value: {text:?}: it must be a version"),
                )
            })?),
        };
        let initial = match position {
            Some(_) => Vec::new(),
            None => core.objects.list(target.id, target.within()),
        };
        let initial: Vec<_> = initial
            .into_iter()
            .filter(|object| selector.matches(object))
            .collect();
        let seconds = parameter("timeoutSeconds").and_then(|text| text.parse().ok());
        let life = seconds
            .filter(|seconds| *seconds > 0)
            .map_or(LIFE, Duration::from_secs);
        Ok(Box::new(Self {
            target: target.clone(),
            selector,
            position: position.unwrap_or(core.objects.version()),
            initial: initial
                .into_iter()
                .map(|object| event("ADDED", &object))
                .collect(),
            bookmarks: asking.request.is_set("allowWatchBookmarks"),
            bookmark_at: asking.now + BOOKMARK_INTERVAL.min(life.saturating_sub(LAST_BOOKMARK)),
            ends_at: asking.now + life,
            ended: false,
        }))
    }

    pub(super) fn look(&mut self, core: &Core, now: Timestamp) -> Look {
        let mut events = std::mem::take(&mut self.initial);
        if let Some(changes) = core.objects.since(self.position) {
            events.extend(changes.filter_map(|change| self.tell(change)));
        } else {
            let message = format!(
                "too old resource version: {} ({})",
                self.position,
                core.objects.forgotten() + 1
            );
            events.push(event("ERROR", &Refusal::expired(message).status()));
            self.ended = true;
        }
        self.position = self.position.max(core.objects.version());
        if self.bookmarks && now >= self.bookmark_at && !self.ended {
            events.push(self.bookmark());
            let left = self.ends_at.duration_since(now);
            let left = Duration::try_from(left).unwrap_or_default();
            self.bookmark_at = now
                + BOOKMARK_INTERVAL
                    .min(left.saturating_sub(LAST_BOOKMARK))
                    .max(LAST_BOOKMARK);
        }
        let ended = self.ended || now >= self.ends_at;
        let again_at = if self.bookmarks {
            self.bookmark_at.min(self.ends_at)
        } else {
            self.ends_at
        };
        Look {
            events,
            ended,
            again_at,
        }
    }

    fn tell(&self, change: &Change) -> Option<Value> {
        let key = &change.key;
        let here = self
            .target
            .within()
            .is_none_or(|namespace| *key.namespace == *namespace);
        let named = self.target.name.is_empty() || *self.target.name == *key.name;
        if key.kind != self.target.id || !here || !named {
            return None;
        }
        let object = change.object();
        let was = change
            .former()
            .filter(|former| self.selector.matches(former));
        let is = !change.gone && self.selector.matches(&object);
        match (was, is) {
            (None, true) => Some(event("ADDED", &object)),
            (Some(_), true) => Some(event("MODIFIED", &object)),
            (Some(_), false) if change.gone => Some(event("DELETED", &object)),
            (Some(mut former), false) => {
                // It is still there, but not for this watch: its last look, at the version of its going.
                former["metadata"]["resourceVersion"] =
                    object["metadata"]["resourceVersion"].clone();
                Some(event("DELETED", &former))
            }
            (None, false) => None,
        }
    }

    fn bookmark(&self) -> Value {
        let mut object = self.target.kind.empty_object();
        object["metadata"] =
            json!({ "resourceVersion": self.position.to_string(), "creationTimestamp": null });
        event("BOOKMARK", &object)
    }
}

fn event(name: &str, object: &Value) -> Value {
    json!({ "type": name, "object": object })
}
