//! `grpc-status-details-bin`: a `google.rpc.Status` and the messages of `google/rpc/error_details.proto` in it.
//!
//! These few messages are read by hand, so that every API has them without their descriptors.

use witwire_ir::Value;
use witwire_ir::host::grpc::Detail;
use witwire_ir::host::{Violation, violation};

use super::protobuf::{DecodeError, MAX_DEPTH, Reader, WireType, keep_last};

type Read<T> = Result<T, DecodeError>;

/// The message and the values of `list<status-detail>`. What cannot be read is left out: the status itself is known without it.
pub(super) fn read(status: &[u8]) -> (String, Vec<Value>) {
    let mut message = String::new();
    let mut details = Vec::new();
    let read = each(status, |number, bytes| {
        match number {
            2 => message = text(bytes),
            3 => details.push(any(bytes)?),
            _ => {}
        }
        Ok(())
    });
    match read {
        Ok(()) => (message, details),
        Err(_) => (String::new(), Vec::new()),
    }
}

/// A detail by its type, or as it is where the type is another or the bytes are malformed.
fn any(bytes: &[u8]) -> Read<Value> {
    let [url, value] = fields(bytes, [1, 2])?;
    let url = text(url);
    let typed = match url.rsplit('/').next() {
        Some("google.rpc.ErrorInfo") => error_info(value),
        Some("google.rpc.RetryInfo") => retry_info(value),
        Some("google.rpc.BadRequest") => list(value, Detail::BadRequest, |bytes| {
            let [location, message, rule] = fields(bytes, [1, 2, 3])?.map(text);
            Ok(violation(&Violation { location, rule, message }))
        }),
        Some("google.rpc.PreconditionFailure") => list(value, Detail::PreconditionFailure, |bytes| record(bytes, [1, 2, 3])),
        Some("google.rpc.QuotaFailure") => list(value, Detail::QuotaFailure, |bytes| record(bytes, [1, 2])),
        Some("google.rpc.ResourceInfo") => record(value, [1, 2, 3, 4]).map(|r| case(Detail::ResourceInfo, r)),
        Some("google.rpc.LocalizedMessage") => pair(value).map(|p| case(Detail::LocalizedMessage, p)),
        Some("google.rpc.Help") => list(value, Detail::Help, pair),
        _ => Ok(other(&url, value)),
    };
    Ok(typed.unwrap_or_else(|_| other(&url, value)))
}

fn case(detail: Detail, payload: Value) -> Value {
    Value::case(detail as u32, payload)
}

fn other(url: &str, value: &[u8]) -> Value {
    case(Detail::Other, Value::record([Value::string(url), Value::Bytes(value.into())]))
}

fn error_info(bytes: &[u8]) -> Read<Value> {
    let [reason, domain] = fields(bytes, [1, 2])?;
    let mut metadata: Vec<Value> = Vec::new();
    each(bytes, |number, bytes| {
        if number == 3 {
            metadata.push(pair(bytes)?);
        }
        Ok(())
    })?;
    keep_last(&mut metadata);
    Ok(case(
        Detail::ErrorInfo,
        Value::record([Value::string(text(reason)), Value::string(text(domain)), Value::list(metadata)]),
    ))
}

/// The delay in milliseconds, rounded up; a negative one is none.
fn retry_info(bytes: &[u8]) -> Read<Value> {
    let [delay] = fields(bytes, [1])?;
    let mut seconds = 0_i64;
    let mut nanoseconds = 0_i64;
    let mut reader = Reader::new(delay);
    while !reader.is_done() {
        let key = reader.key()?;
        match (key.number, key.wire) {
            (1, WireType::Varint) => seconds = reader.varint()? as i64,
            (2, WireType::Varint) => nanoseconds = i64::from(reader.varint()? as i32),
            _ => reader.skip(key, MAX_DEPTH)?,
        }
    }
    let milliseconds = (i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds) + 999_999) / 1_000_000;
    Ok(case(Detail::RetryInfo, Value::U64(u64::try_from(milliseconds.max(0)).unwrap_or(u64::MAX))))
}

/// The messages in field 1, each read by `item`.
fn list(bytes: &[u8], detail: Detail, item: impl Fn(&[u8]) -> Read<Value>) -> Read<Value> {
    let mut items = Vec::new();
    each(bytes, |number, bytes| {
        if number == 1 {
            items.push(item(bytes)?);
        }
        Ok(())
    })?;
    Ok(case(detail, Value::list(items)))
}

/// A record of strings.
fn record<const N: usize>(bytes: &[u8], numbers: [u32; N]) -> Read<Value> {
    Ok(Value::record(fields(bytes, numbers)?.map(|bytes| Value::string(text(bytes)))))
}

/// A pair of strings, fields 1 and 2: a map's entry, a localized message, a link.
fn pair(bytes: &[u8]) -> Read<Value> {
    Ok(Value::tuple(fields(bytes, [1, 2])?.map(|bytes| Value::string(text(bytes)))))
}

/// The last bytes of each length-delimited field; empty where it is absent.
fn fields<const N: usize>(message: &[u8], numbers: [u32; N]) -> Read<[&[u8]; N]> {
    let mut found: [&[u8]; N] = [&[]; N];
    each(message, |number, bytes| {
        if let Some(position) = numbers.iter().position(|n| *n == number) {
            found[position] = bytes;
        }
        Ok(())
    })?;
    Ok(found)
}

/// Calls `with` for every length-delimited field.
fn each<'a>(message: &'a [u8], mut with: impl FnMut(u32, &'a [u8]) -> Read<()>) -> Read<()> {
    let mut reader = Reader::new(message);
    while !reader.is_done() {
        let key = reader.key()?;
        match key.wire {
            WireType::Bytes => with(key.number, reader.bytes()?)?,
            _ => reader.skip(key, MAX_DEPTH)?,
        }
    }
    Ok(())
}

/// Texts for people: what is not UTF-8 in them is replaced.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
