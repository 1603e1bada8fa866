//! Responses that are read item by item.

use bytes::Bytes;
use witwire_ir::operation::http::{Framing, ItemEncoding, OkShape, Outcome, StreamBody};
use witwire_ir::{Api, Value};

use super::{HttpPlan, header, media, response};
use crate::frames::{Event, Frame};
use crate::json::{self, Budget, Codecs, Writer, escape};
use crate::message::HttpResponse;

/// `204 No Content`: a stream that has ended (HTML Living Standard, section 9.2.3).
const NO_CONTENT: u16 = 204;

impl HttpPlan {
    /// What a response's body is read as, if item by item. Else it is read whole.
    pub(crate) fn stream(&self, head: &HttpResponse) -> Option<&StreamBody> {
        if !(200..300).contains(&head.status) {
            return None;
        }
        let content_type = head.header("content-type").unwrap_or_default();
        let readable = |stream: &&StreamBody| match stream.framing {
            // What follows no such framing has no end that could be found. A proxy may have changed the type to plain text.
            Framing::Events => {
                let found = media::essence(content_type);
                found.is_empty() || matches!(&*found, "text/event-stream" | "text/plain") || head.status == NO_CONTENT
            }
            // Servers call lines of JSON all kinds of names. What is none is found out at the first one.
            Framing::Lines | Framing::Records | Framing::Chunks => true,
        };
        let mut declared = self.call.responses.iter().filter_map(|response| match &response.outcome {
            Outcome::Ok { shape: OkShape::Stream(stream), .. } if response.status.matches(head.status) => {
                Some((response.status, stream))
            }
            _ => None,
        });
        // Asked for every item: media types are compared only where there is a choice.
        let best = match (declared.next(), declared.next()) {
            (Some(only), None) => Some(only),
            (first, second) => first
                .into_iter()
                .chain(second)
                .chain(declared)
                .min_by_key(|(status, stream)| (*status, !media::matches(content_type, &stream.media_type))),
        };
        let ended = || self.call.streams().next().filter(|_| head.status == NO_CONTENT);
        best.map(|(_, stream)| stream).or_else(ended).filter(readable)
    }

    /// The value of an item, or the result's `err` that says what is wrong with it.
    pub(crate) fn item(&self, api: &Api, codecs: &Codecs, head: &HttpResponse, frame: &Frame) -> Result<Value, Value> {
        let trouble = match self.stream(head) {
            Some(stream) => match read(codecs, stream, frame) {
                Ok(value) => return Ok(value),
                Err(trouble) => trouble,
            },
            None => "its body is no stream".to_owned(),
        };
        let text = match frame {
            Frame::Event(event) => event.data.clone().into(),
            Frame::Text(text) => text.clone().into(),
            Frame::Bytes(_) => Bytes::new(),
        };
        Err(self.broken(api, codecs, head, text, &trouble))
    }

    /// The result's `err` for a body that cannot be read on. `text` is what could not be read.
    pub(crate) fn broken(&self, api: &Api, codecs: &Codecs, head: &HttpResponse, text: Bytes, trouble: &str) -> Value {
        let response = HttpResponse { body: text, ..header::cleaned(api, head).into_owned() };
        let budget = Budget::default();
        let writer = Writer::new(api, codecs, &budget);
        response::Decoding { plan: self, writer, args: &[], response: &response }.invalid(trouble)
    }
}

fn read(codecs: &Codecs, stream: &StreamBody, frame: &Frame) -> Result<Value, String> {
    let of_json = |text: &str| json::read(codecs, stream.ty, text);
    let unlike = |e: json::ReadError| format!("an item of its stream is not what the API declares: {e}");
    match (stream.item, frame) {
        (ItemEncoding::Json, Frame::Event(Event { data: text, .. }) | Frame::Text(text)) => of_json(text).map_err(unlike),
        (ItemEncoding::Text, Frame::Event(Event { data: text, .. }) | Frame::Text(text)) => Ok(Value::string(text.as_str())),
        (ItemEncoding::Event, Frame::Event(Event { id, event, data })) => {
            let optional = |text: &Option<String>| Value::option(text.as_deref().map(Value::string));
            Ok(Value::record([optional(id), optional(event), Value::string(data.as_str())]))
        }
        (ItemEncoding::Object, Frame::Event(event)) => {
            let mut quoted = Vec::new();
            escape(&event.data, &mut quoted);
            let as_text = || of_json(&object(event, &quoted));
            if json::outline(&event.data).is_ok() {
                of_json(&object(event, event.data.as_bytes())).or_else(|e| as_text().map_err(|_| e)).map_err(unlike)
            } else {
                as_text().map_err(unlike)
            }
        }
        (ItemEncoding::Binary, Frame::Bytes(bytes)) => Ok(Value::Bytes(bytes[..].into())),
        _ => Err("the API's description is damaged: recompile it".to_owned()),
    }
}

/// An event as a JSON object, with this text for its data.
fn object(event: &Event, data: &[u8]) -> String {
    let mut out = b"{".to_vec();
    for (key, text) in [("id", &event.id), ("event", &event.event)] {
        if let Some(text) = text {
            escape(key, &mut out);
            out.push(b':');
            escape(text, &mut out);
            out.push(b',');
        }
    }
    out.extend_from_slice(b"\"data\":");
    out.extend_from_slice(data);
    out.push(b'}');
    String::from_utf8_lossy(&out).into_owned()
}
