//! How far a stream has come by its steps. Pure: playback and life tell it the same.

use bytes::Bytes;
use witwire_ir::host::http::SseEvent;
use witwire_ir::{Step, Value};

/// How far a stream has come.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// What is counted.
    pub(crate) count: Count,
    /// How many steps were taken.
    pub(crate) sequence: u64,
    /// How many items, or bytes, the guest got.
    pub(crate) received: u64,
    /// The ids of the events that the guest got, where all of them had one so far.
    ids: Option<EventIds>,
    /// The items that the guest sent before this process had a connection, encoded: what a call that is sent again begins with. Only where
    /// its class may let it, and until it has ended.
    pub(crate) sent: Vec<Bytes>,
    /// Whether the guest has ended its side.
    pub(crate) closed: bool,
    /// How it ended.
    pub(crate) ending: Option<Ending>,
}

/// What of a stream is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Count {
    /// Items.
    #[default]
    Items,
    /// Items that are server-sent events, with their ids.
    Events,
    /// Bytes: where they are cut into pieces is chance.
    Bytes,
}

/// The ids of a stream's events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventIds {
    pub(crate) first: Box<str>,
    pub(crate) last: Box<str>,
}

/// How a stream ended. Later steps are answered from this.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ending {
    /// All was received.
    Complete,
    /// With this `err`, which every later step gives again.
    Failed(Value),
    /// The guest gave it up.
    Cancelled,
}

impl Progress {
    /// A stream that begins.
    pub(crate) fn new(count: Count) -> Self {
        Self { count, ..Self::default() }
    }

    /// The ids by which a server can be asked to go on, if they tell events apart.
    pub(crate) fn resumable(&self) -> Option<&EventIds> {
        self.ids.as_ref().filter(|ids| self.received == 1 || ids.first != ids.last)
    }

    /// A step was taken. `item` is what it sent.
    pub(crate) fn note(&mut self, step: Step, response: Option<&Value>, ended: bool, item: Option<Bytes>) {
        self.sequence += 1;
        let ok = match response {
            Some(Value::Result(Ok(value))) => Some(value.as_deref()),
            _ => None,
        };
        match (step, ok) {
            (Step::Next | Step::NextBatch, Some(value)) => {
                if self.count == Count::Events
                    && let Some(event) = event(value)
                {
                    self.note_event(event);
                }
                self.received += items(self.count, value);
            }
            (Step::Send, Some(_)) => self.sent.extend(item),
            (Step::CloseSend | Step::Finish, Some(_)) => self.closed = true,
            _ => {}
        }
        if ended && self.ending.is_none() {
            self.sent = Vec::new();
            self.ending = Some(match response {
                None => Ending::Cancelled,
                Some(error @ Value::Result(Err(_))) => Ending::Failed(error.clone()),
                Some(_) => Ending::Complete,
            });
        }
    }
}

impl Progress {
    fn note_event(&mut self, event: &Value) {
        let id = match event {
            Value::Record(slots) => match slots.get(SseEvent::Id as usize) {
                Some(Value::Option(Some(id))) => match &**id {
                    Value::String(id) => Some(id.clone()),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        };
        self.ids = match (id, self.ids.take()) {
            (Some(id), None) if self.received == 0 => Some(EventIds { first: id.clone(), last: id }),
            (Some(last), Some(EventIds { first, .. })) => Some(EventIds { first, last }),
            _ => None,
        };
    }
}

/// The item in the `ok` of `next`.
fn event(ok: Option<&Value>) -> Option<&Value> {
    match ok {
        Some(Value::Option(Some(event))) => Some(event),
        _ => None,
    }
}

/// How much the `ok` of `next` or `next-batch` holds.
fn items(count: Count, ok: Option<&Value>) -> u64 {
    match ok {
        Some(Value::Option(Some(item))) if count == Count::Bytes => match &**item {
            Value::Bytes(bytes) => bytes.len() as u64,
            _ => 0,
        },
        Some(Value::Option(Some(_)) | Value::Bool(true)) => 1,
        Some(Value::List(items)) => items.len() as u64,
        Some(Value::Bytes(items)) => items.len() as u64,
        Some(Value::U32(count)) => u64::from(*count),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_counted_as_the_guest_got_them() {
        let some = Value::ok(Some(Value::some(Value::U8(1))));
        let none = Value::ok(Some(Value::none()));
        let steps = [
            (Step::Next, some, 1),
            (Step::Next, Value::ok(Some(Value::Bool(true))), 2),
            (Step::NextBatch, Value::ok(Some(Value::list([Value::U8(1), Value::U8(2)]))), 4),
            (Step::NextBatch, Value::ok(Some(Value::U32(3))), 7),
            (Step::NextBatch, Value::ok(Some(Value::list([]))), 7),
            (Step::Next, Value::err(Value::U8(0)), 7),
            (Step::Next, none, 7),
        ];
        let mut progress = Progress::default();
        for (step, response, received) in steps {
            progress.note(step, Some(&response), false, None);
            assert_eq!(progress.received, received, "{response:?}");
        }
        assert_eq!((progress.sequence, &progress.ending), (7, &None));
    }

    #[test]
    fn only_what_was_taken_counts_as_sent() {
        let mut progress = Progress::default();
        let item = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
        progress.note(Step::Send, Some(&Value::ok(None)), false, item("a"));
        progress.note(Step::Send, Some(&Value::err(Value::U8(0))), false, item("b"));
        progress.note(Step::Send, Some(&Value::ok(None)), false, item("c"));
        assert_eq!(progress.sent, ["a", "c"]);
        assert!(!progress.closed);
        progress.note(Step::CloseSend, Some(&Value::ok(None)), false, None);
        assert!(progress.closed);
    }

    #[test]
    fn the_first_ending_stays() {
        let failed = Value::err(Value::U8(3));
        for (response, ending) in [
            (Some(failed.clone()), Ending::Failed(failed)),
            (Some(Value::ok(Some(Value::none()))), Ending::Complete),
            (None, Ending::Cancelled),
        ] {
            let mut progress = Progress::default();
            progress.note(Step::Next, response.as_ref(), true, None);
            progress.note(Step::Cancel, None, true, None);
            assert_eq!(progress.ending, Some(ending));
        }
    }
}
