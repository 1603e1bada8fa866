//! A response into the operation's `result`.

use witwire_ir::host::http::ErrorKind;
use witwire_ir::operation::http::{
    ErrorBody, Method, OkShape, Outcome, ParameterValue, Response, ResponseBody, ResponseEncoding, ResponseHeader,
};
use witwire_ir::{Shape, TypeId, Value};

use super::error::ErrorValue;
use super::form::Part;
use super::{HttpPlan, date, header, media, place, status};
use crate::json::{self, Codec, Writer};
use crate::message::HttpResponse;

/// An error's `raw` holds at most so many bytes.
const MAX_RAW: usize = 64 << 10;

/// A response being read.
pub(super) struct Decoding<'a> {
    pub(super) plan: &'a HttpPlan,
    pub(super) writer: Writer<'a>,
    pub(super) args: &'a [Value],
    pub(super) response: &'a HttpResponse,
}

impl Decoding<'_> {
    /// `ok`, with the case of the success where there are several.
    fn success(&self, case: Option<u16>, value: Option<Value>) -> Value {
        let value = match case {
            Some(case) => Some(Value::Variant(case.into(), value.map(Box::new))),
            None => value,
        };
        // A page, for `next` of a pager.
        Value::ok(if self.plan.call.pager.is_some() { Some(Value::option(value)) } else { value })
    }

    /// `ok` for a success that reads as declared, else `err`.
    pub(super) fn result(&self) -> Value {
        let status = self.response.status;
        if (200..300).contains(&status)
            && let Some((case, shape)) = self.declared(|outcome| match outcome {
                Outcome::Ok { case, shape } => Some((*case, shape)),
                Outcome::Error { .. } => None,
            })
        {
            return match self.ok(shape) {
                Ok(value) => self.success(case, value),
                Err(trouble) => self.invalid(&trouble),
            };
        }
        if let Some(value) = self.undeclared_success() {
            return value;
        }
        let body = self.declared(|outcome| match outcome {
            Outcome::Error { body } => Some(body.as_ref()),
            Outcome::Ok { .. } => None,
        });
        self.error(body.flatten())
    }

    /// A success whose status is not declared, where it reads as the only one that is: a client takes a status that it does not know
    /// as another of its class (RFC 9110, section 15).
    fn undeclared_success(&self) -> Option<Value> {
        let mut successes = self.plan.call.responses.iter().filter_map(|response| match &response.outcome {
            Outcome::Ok { case, shape } => Some((*case, shape)),
            Outcome::Error { .. } => None,
        });
        let (case, shape) = successes.next()?;
        let alone = successes.next().is_none();
        let body = match shape {
            OkShape::Body(body) | OkShape::Record { body: Some((_, body)), .. } => Some(body),
            OkShape::None | OkShape::Record { body: None, .. } => None,
            // Which operation streams is known before its status.
            OkShape::Stream(_) => return None,
        };
        // Any bytes would read as text: what they are has to be said.
        let fits = body.is_none_or(|body| media::matches(self.content_type(), &body.media_type));
        let is_success = (200..300).contains(&self.response.status);
        (is_success && alone && fits).then(|| self.ok(shape).ok().map(|value| self.success(case, value)))?
    }

    /// The declaration that fits best: the most exact status, then the response's own media type.
    fn declared<'r, T>(&'r self, of: impl Fn(&'r Outcome) -> Option<T>) -> Option<T> {
        let rank = |response: &&Response| {
            let media_type = match &response.outcome {
                Outcome::Ok { shape: OkShape::Body(body) | OkShape::Record { body: Some((_, body)), .. }, .. } => {
                    Some(&body.media_type)
                }
                Outcome::Error { body: Some(body) } => Some(&body.body.media_type),
                _ => None,
            };
            let other_type = media_type.is_some_and(|m| !media::matches(self.content_type(), m));
            (response.status, other_type)
        };
        self.plan
            .call
            .responses
            .iter()
            .filter(|response| response.status.matches(self.response.status) && of(&response.outcome).is_some())
            .min_by_key(rank)
            .and_then(|response| of(&response.outcome))
    }

    fn content_type(&self) -> &str {
        self.response.header("content-type").unwrap_or_default()
    }

    /// The `ok` payload, or what is wrong with the response.
    fn ok(&self, shape: &OkShape) -> Result<Option<Value>, String> {
        match shape {
            OkShape::None => Ok(None),
            OkShape::Stream(stream) => {
                let found = media::essence(self.content_type());
                Err(format!("its body is `{found}`, the API declares the stream `{}`", stream.media_type))
            }
            OkShape::Body(body) => self.body(body).map(Some),
            OkShape::Record { ty, body, headers } => {
                let Shape::Record(fields) = self.writer.api.shape(*ty) else {
                    return Err("the API's description is damaged: recompile it".to_owned());
                };
                let mut slots = vec![Value::none(); fields.len()];
                let mut fill = |slot: u16, value| {
                    if let Some(place) = slots.get_mut(slot as usize) {
                        *place = value;
                    }
                };
                if let Some((slot, body)) = body {
                    fill(*slot, self.body(body)?);
                }
                for header in headers {
                    fill(header.slot, self.header(header));
                }
                Ok(Some(Value::record(slots)))
            }
        }
    }

    /// A declared header; `none` where it is absent or cannot be read.
    fn header(&self, declared: &ResponseHeader) -> Value {
        let mut values = self.response.headers.iter().filter(|(name, _)| *name == declared.name).map(|(_, v)| v.as_str());
        // A list may be spread over several headers of one name (RFC 9110 section 5.3). Links are one, even where a text is declared.
        let is_list = matches!(self.writer.codecs.inner(declared.ty), Codec::List(_));
        let text = if is_list || declared.name == "link" {
            let all: Vec<_> = values.collect();
            (!all.is_empty()).then(|| all.join(if is_list { "," } else { ", " }))
        } else {
            values.next().map(str::to_owned)
        };
        let ty = place::inner(self.writer.api, declared.ty);
        Value::option(text.and_then(|text| header::read(self.writer.codecs, ty, &text)))
    }

    fn body(&self, body: &ResponseBody) -> Result<Value, String> {
        let bytes = &self.response.body[..];
        match body.encoding {
            ResponseEncoding::Json => self.json(body, bytes),
            ResponseEncoding::Text => {
                let text = media::text(self.content_type(), bytes)
                    .ok_or_else(|| "the body is not text in the charset that it names".to_owned())?;
                self.text(body.ty, &text).ok_or_else(|| "the body is not the text that the API declares".to_owned())
            }
            ResponseEncoding::Binary => Ok(self.optional(body.ty, Value::Bytes(bytes.into()))),
        }
    }

    fn json(&self, body: &ResponseBody, bytes: &[u8]) -> Result<Value, String> {
        let codecs = self.writer.codecs;
        let is_option = matches!(codecs.get(body.ty), Codec::Option(_));
        if bytes.is_empty() && is_option {
            return Ok(Value::none());
        }
        let read = || {
            let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
            if bytes.is_empty() {
                return Err("the body is empty, the API declares JSON".to_owned());
            }
            let text = std::str::from_utf8(bytes)
                .map_err(|e| format!("the body is not JSON: byte {} is not UTF-8", e.valid_up_to()))?;
            match &body.unwrap {
                None => json::read(codecs, body.ty, text),
                Some(unwrap) => json::read_member(codecs, body.ty, &unwrap.key, unwrap.required, text),
            }
            .map_err(|e| format!("the body is not what the API declares: {e}"))
        };
        read().map_err(|trouble| {
            let found = media::essence(self.content_type());
            if found.is_empty() || media::is_json(&found) { trouble } else { format!("{trouble} (it is `{found}`)") }
        })
    }

    /// A text as a value of a string type, or of another scalar.
    fn text(&self, ty: TypeId, text: &str) -> Option<Value> {
        let inner = place::inner(self.writer.api, ty);
        let value = match self.writer.codecs.get(inner) {
            Codec::Text | Codec::Raw => Some(Value::string(text)),
            _ => header::read(self.writer.codecs, inner, text),
        };
        value.map(|value| self.optional(ty, value))
    }

    /// The value, in an option where the type is one.
    fn optional(&self, ty: TypeId, value: Value) -> Value {
        match self.writer.api.shape(ty) {
            Shape::Option(inner) => Value::some(self.optional(*inner, value)),
            _ => value,
        }
    }

    /// `err(invalid-response)`
    pub(super) fn invalid(&self, trouble: &str) -> Value {
        let message = format!(
            "`{} {}` answered {}{}, but {trouble}. The call may have had its effect; the API's description or the server is wrong",
            self.plan.call.method,
            self.plan.call.template,
            self.response.status,
            status::reason(self.response.status),
        );
        let error = ErrorValue {
            status: Some(self.response.status),
            raw: self.raw(),
            headers: self.headers(),
            ..ErrorValue::new(ErrorKind::InvalidResponse, message)
        };
        error.into_result(self.writer.api)
    }

    /// `err` by the status.
    fn error(&self, declared: Option<&ErrorBody>) -> Value {
        let number = self.response.status;
        let kind = status::kind(number);
        let message = format!(
            "`{} {}` answered {number}{}: {}",
            self.plan.call.method,
            self.plan.call.template,
            status::reason(number),
            status::advice(number),
        );
        let payload = match kind {
            ErrorKind::NotFound => Some(self.missing()),
            ErrorKind::RateLimited => Some(Value::option(self.retry_after().map(Value::U32))),
            ErrorKind::Redirected => Some(Value::option(self.response.header("location").map(Value::string))),
            _ => None,
        };
        let is_empty = self.response.body.is_empty();
        let body = declared.filter(|_| !is_empty).and_then(|declared| {
            let value = self.body(&declared.body).ok()?;
            Some(match declared.case {
                Some(case) => Value::case(case.into(), value),
                None => value,
            })
        });
        let raw = if body.is_some() { None } else { self.raw() };
        let headers = self.headers();
        ErrorValue { kind, payload, message, status: Some(number), body, raw, headers }.into_result(self.writer.api)
    }

    /// The body as text, cut at a character; `None` where there is none or it is not text.
    fn raw(&self) -> Option<String> {
        let body = &self.response.body;
        if body.is_empty() || self.plan.call.method == Method::Head {
            return None;
        }
        // Four bytes more than can stay hold the last character whole, so that a cut is never taken for a fault.
        let is_cut = body.len() > MAX_RAW + 4;
        let head = &body[..body.len().min(MAX_RAW + 4)];
        let whole = if is_cut && media::charset(self.content_type()).is_none_or(|c| c == "utf-8") {
            match std::str::from_utf8(head) {
                Ok(_) => head,
                Err(e) if e.error_len().is_none() => &head[..e.valid_up_to()],
                Err(_) => return None,
            }
        } else {
            head
        };
        let mut text = media::text(self.content_type(), whole)?;
        if text.contains('\0') {
            return None;
        }
        let mut end = text.len().min(MAX_RAW);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        Some(text)
    }

    fn headers(&self) -> Vec<Value> {
        let pair =
            |(name, value): &(String, String)| Value::tuple([Value::string(name.as_str()), Value::string(value.as_str())]);
        self.response.headers.iter().map(pair).collect()
    }

    /// `record missing`: what was not found, from the path.
    fn missing(&self) -> Value {
        let from = &self.plan.call.missing;
        let id = from.id.and_then(|i| match &self.plan.call.parameters.get(i as usize)?.value {
            ParameterValue::Argument { place, ty } => {
                let value = place::find(self.args, place)?;
                let ty = place::inner(self.writer.api, *ty);
                Part::Value(ty, value, self.writer.nodes)
                    .text(self.writer)
                    .ok()
                    .flatten()
                    .map(|text| Value::string(text.as_ref()))
            }
            ParameterValue::Fixed(_) => None,
        });
        Value::record([Value::string(from.resource.as_str()), Value::option(id)])
    }

    /// Seconds to wait (RFC 9110 section 10.2.3). A date counts from the response's own, for there is no clock here.
    fn retry_after(&self) -> Option<u32> {
        let text = self.response.header("retry-after")?.trim();
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            // A number out of range is a very long time.
            return Some(text.parse().unwrap_or(u32::MAX));
        }
        let until = date::parse(text)?;
        let now = date::parse(self.response.header("date")?)?;
        Some(u32::try_from((until - now).max(0)).unwrap_or(u32::MAX))
    }
}
