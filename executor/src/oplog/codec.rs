//! Entries as bytes.
//!
//! ```text
//! checksum: 8 bytes   version: 1 byte   millis: number   kind: 1 byte   fields
//! ```
//!
//! The checksum is the beginning of BLAKE3 of all that follows. It and the version are the frame, which stays as it is in every
//! version: what an older witwire cannot read, it can still tell from damage. A new kind or field is a new version. Values stand
//! in it as [`witwire_ir::container`] writes them, with a version of their own.

mod bytes;

use witwire_ir::container::{ValueError, value_from_bytes, value_to_bytes};
use witwire_ir::{Step, Value};

use super::digest::{ComponentDigest, Digest, IrDigest, RequestDigest};
use super::entry::{
    Class, ClockReading, Completed, Entry, Event, Finished, FunctionName, Invoked, Outcome, RandomBytes, Recorded, Started,
    Stepped, Wave,
};
use super::id::{IdempotencyKey, Ordinal, Timestamp};
use bytes::Reader;
pub(super) use bytes::Writer;

/// The newest version that is read. An entry is written in the oldest version that has its kind.
const VERSION: u8 = 3;
const CHECKSUM: usize = 8;

/// Why bytes are not an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A newer witwire wrote it.
    #[error("it has format {found}, this witwire knows up to {known}; use a newer witwire")]
    Newer {
        /// Its format.
        found: u8,
        /// The newest format that is known here.
        known: u8,
    },
    /// The bytes are not those that were written.
    #[error("its checksum is wrong: the store is damaged")]
    Checksum,
    /// The bytes are whole but mean nothing.
    #[error("it makes no sense: {0}")]
    Meaning(&'static str),
    /// The bytes of a value are none.
    #[error(transparent)]
    Value(#[from] ValueError),
}

/// An entry as bytes.
pub(super) fn encode(entry: &Entry) -> Vec<u8> {
    let mut out = Writer::default();
    out.fixed(&[0; CHECKSUM]);
    out.byte(version(&entry.event));
    out.unsigned(entry.at.millis());
    match &entry.event {
        Event::Invoked(invoked) => {
            out.byte(1);
            out.unsigned(invoked.invocation);
            out.bytes(invoked.key.as_str().as_bytes());
            write_function(&mut out, &invoked.function);
            out.unsigned(invoked.arguments.len() as u64);
            for argument in &invoked.arguments {
                out.bytes(argument.as_str().as_bytes());
            }
            out.fixed(invoked.component.0.as_bytes());
            out.unsigned(invoked.irs.len() as u64);
            for ir in &invoked.irs {
                out.fixed(ir.0.as_bytes());
            }
        }
        Event::Started(started) => {
            out.byte(2);
            write_function(&mut out, &started.function);
            out.fixed(started.ir.0.as_bytes());
            out.fixed(started.digest.0.as_bytes());
            write_recorded(&mut out, &started.request);
            out.byte(match started.class {
                Class::Safe => 0,
                Class::Idempotent => 1,
                Class::Keyed => 2,
                Class::Unsafe => 3,
            });
            out.option(started.key.as_ref(), |out, key| out.bytes(key.as_str().as_bytes()));
        }
        Event::Finished(finished) => {
            out.byte(if finished.beside.is_some() { 9 } else { 3 });
            out.unsigned(finished.call.get());
            write_value(&mut out, &finished.response);
            if let Some(beside) = &finished.beside {
                write_value(&mut out, beside);
            }
        }
        Event::Stepped(stepped) => {
            out.byte(if stepped.beside.is_some() { 10 } else { 8 });
            out.unsigned(stepped.stream.get());
            out.unsigned(stepped.sequence);
            out.byte(step_code(stepped.step));
            out.fixed(stepped.digest.0.as_bytes());
            write_recorded(&mut out, &stepped.request);
            out.option(stepped.response.as_ref(), write_value);
            out.byte(stepped.ended.into());
            if let Some(beside) = &stepped.beside {
                write_value(&mut out, beside);
            }
        }
        Event::Clock(ClockReading::Wall { seconds, nanoseconds }) => {
            out.byte(4);
            out.unsigned(*seconds);
            out.unsigned(u64::from(*nanoseconds));
        }
        Event::Clock(ClockReading::Monotonic(nanoseconds)) => {
            out.byte(5);
            out.unsigned(*nanoseconds);
        }
        Event::Random(RandomBytes(bytes)) => {
            out.byte(6);
            out.bytes(bytes);
        }
        Event::Completed(completed) => {
            out.byte(7);
            out.unsigned(completed.invocation);
            match &completed.outcome {
                Outcome::Returned(result) => {
                    out.byte(0);
                    out.option(result.as_ref(), |out, wave| out.bytes(wave.as_str().as_bytes()));
                }
                Outcome::Trapped(message) => {
                    out.byte(1);
                    out.bytes(message.as_bytes());
                }
            }
        }
    }
    let mut bytes = out.into_bytes();
    let (checksum, rest) = bytes.split_at_mut(CHECKSUM);
    checksum.copy_from_slice(&blake3::hash(rest).as_bytes()[..CHECKSUM]);
    bytes
}

/// The version that an event came with.
const fn version(event: &Event) -> u8 {
    match event {
        Event::Finished(Finished { beside: Some(_), .. }) | Event::Stepped(Stepped { beside: Some(_), .. }) => 3,
        Event::Stepped(_) => 2,
        _ => 1,
    }
}

/// A step's number in the format.
const fn step_code(step: Step) -> u8 {
    match step {
        Step::Next => 0,
        Step::NextBatch => 1,
        Step::Send => 2,
        Step::Finish => 3,
        Step::CloseSend => 4,
        Step::Cancel => 5,
    }
}

fn read_step(input: &mut Reader<'_>) -> Result<Step, DecodeError> {
    const STEPS: [Step; 6] = [Step::Next, Step::NextBatch, Step::Send, Step::Finish, Step::CloseSend, Step::Cancel];
    let code = input.byte()?;
    STEPS.into_iter().find(|s| step_code(*s) == code).ok_or(DecodeError::Meaning("a step is of no known kind"))
}

fn write_recorded(out: &mut Writer, recorded: &Recorded) {
    match recorded {
        Recorded::Digest => out.byte(0),
        Recorded::Typed(values) => {
            out.byte(1);
            write_values(out, values);
        }
    }
}

fn read_recorded(input: &mut Reader<'_>) -> Result<Recorded, DecodeError> {
    match input.byte()? {
        0 => Ok(Recorded::Digest),
        1 => Ok(Recorded::Typed(input.list(read_value)?)),
        _ => Err(DecodeError::Meaning("a request is of no known kind")),
    }
}

/// Appends a function's name.
pub(super) fn write_function(out: &mut Writer, name: &FunctionName) {
    out.option(name.interface.as_deref(), |out, interface| out.bytes(interface.as_bytes()));
    out.bytes(name.function.as_bytes());
}

/// Appends values: how many, then each.
pub(super) fn write_values(out: &mut Writer, values: &[Value]) {
    out.unsigned(values.len() as u64);
    for value in values {
        write_value(out, value);
    }
}

fn write_value(out: &mut Writer, value: &Value) {
    out.bytes(&value_to_bytes(value));
}

/// The entry that bytes are.
pub(super) fn decode(bytes: &[u8]) -> Result<Entry, DecodeError> {
    let (checksum, rest) = bytes.split_at_checked(CHECKSUM).ok_or(DecodeError::Checksum)?;
    if checksum != &blake3::hash(rest).as_bytes()[..CHECKSUM] {
        return Err(DecodeError::Checksum);
    }
    let mut input = Reader(rest);
    let version = input.byte()?;
    if version > VERSION {
        return Err(DecodeError::Newer { found: version, known: VERSION });
    }
    let at = Timestamp::from_millis(input.unsigned()?);
    let event = read_event(&mut input)?;
    if input.0.is_empty() { Ok(Entry { at, event }) } else { Err(DecodeError::Meaning("something follows it")) }
}

fn read_event(input: &mut Reader<'_>) -> Result<Event, DecodeError> {
    Ok(match input.byte()? {
        1 => Event::Invoked(Invoked {
            invocation: input.unsigned()?,
            key: read_key(input)?,
            function: read_function(input)?,
            arguments: input.list(|input| Ok(Wave::new(input.text()?)))?,
            component: ComponentDigest(Digest::from_bytes(input.fixed()?)),
            irs: input.list(|input| Ok(IrDigest(Digest::from_bytes(input.fixed()?))))?,
        }),
        2 => Event::Started(Started {
            function: read_function(input)?,
            ir: IrDigest(Digest::from_bytes(input.fixed()?)),
            digest: RequestDigest(Digest::from_bytes(input.fixed()?)),
            request: read_recorded(input)?,
            class: match input.byte()? {
                0 => Class::Safe,
                1 => Class::Idempotent,
                2 => Class::Keyed,
                3 => Class::Unsafe,
                _ => return Err(DecodeError::Meaning("a call is of no known class")),
            },
            key: input.option(read_key)?,
        }),
        kind @ (3 | 9) => Event::Finished(Finished {
            call: Ordinal::new(input.unsigned()?),
            response: read_value(input)?,
            beside: if kind == 9 { Some(read_value(input)?) } else { None },
        }),
        kind @ (8 | 10) => Event::Stepped(Stepped {
            stream: Ordinal::new(input.unsigned()?),
            sequence: input.unsigned()?,
            step: read_step(input)?,
            digest: RequestDigest(Digest::from_bytes(input.fixed()?)),
            request: read_recorded(input)?,
            response: input.option(read_value)?,
            ended: match input.byte()? {
                0 => false,
                1 => true,
                _ => return Err(DecodeError::Meaning("a flag is neither set nor clear")),
            },
            beside: if kind == 10 { Some(read_value(input)?) } else { None },
        }),
        4 => Event::Clock(ClockReading::Wall { seconds: input.unsigned()?, nanoseconds: input.narrow()? }),
        5 => Event::Clock(ClockReading::Monotonic(input.unsigned()?)),
        6 => Event::Random(RandomBytes(input.bytes()?.into())),
        7 => Event::Completed(Completed {
            invocation: input.unsigned()?,
            outcome: match input.byte()? {
                0 => Outcome::Returned(input.option(|input| Ok(Wave::new(input.text()?)))?),
                1 => Outcome::Trapped(input.text()?.to_owned()),
                _ => return Err(DecodeError::Meaning("an outcome is of no known kind")),
            },
        }),
        _ => return Err(DecodeError::Meaning("it is of no known kind")),
    })
}

fn read_value(input: &mut Reader<'_>) -> Result<Value, DecodeError> {
    Ok(value_from_bytes(input.bytes()?)?)
}

fn read_key(input: &mut Reader<'_>) -> Result<IdempotencyKey, DecodeError> {
    IdempotencyKey::new(input.text()?).map_err(|_| DecodeError::Meaning("an idempotency key is none"))
}

fn read_function(input: &mut Reader<'_>) -> Result<FunctionName, DecodeError> {
    let interface = input.option(|input| Ok(input.text()?.into()))?;
    Ok(FunctionName { interface, function: input.text()?.into() })
}

#[cfg(test)]
mod tests;
