//! Entries as text, for people.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

use witwire_ir::{Api, OperationId, Step, Value, wave};

use super::digest::IrDigest;
use super::entry::{Class, ClockReading, Entry, Event, FunctionName, Outcome, Recorded, Started, Stepped, Wave};
use super::id::{IdempotencyKey, Ordinal, Timestamp};

/// Finds the types of recorded values.
pub trait ApiLookup {
    /// The API of a file whose package declares an interface, by the interface's import name: `core:todo/todo-service@1.0.0`.
    fn api(&self, ir: IrDigest, interface: &str) -> Option<&Api>;
}

/// The packages of API files, by file.
impl<S: BuildHasher> ApiLookup for HashMap<IrDigest, Vec<Arc<Api>>, S> {
    fn api(&self, ir: IrDigest, interface: &str) -> Option<&Api> {
        let declares = |api: &&Arc<Api>| api.interfaces.ids().any(|id| api.import_name(id) == interface);
        self.get(&ir)?.iter().find(declares).map(AsRef::as_ref)
    }
}

/// An entry, described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The entry's position.
    pub ordinal: Ordinal,
    /// When it was made.
    pub at: Timestamp,
    /// [`Event::name`].
    pub event: &'static str,
    /// The call that a result belongs to.
    pub call: Option<Ordinal>,
    /// The function that was invoked or called.
    pub function: Option<FunctionName>,
    /// The class of a call.
    pub class: Option<Class>,
    /// The key of an invocation or call.
    pub key: Option<IdempotencyKey>,
    /// Arguments, result or reading: values in WAVE format; in angle brackets what cannot be shown.
    pub text: String,
}

/// `#2 1970-01-01T00:00:01.000Z started core:todo/todo-service@1.0.0#todo-add({title: "milk"}) [unsafe]`
impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} {} {} ", self.ordinal, self.at, self.event)?;
        if let Some(call) = self.call {
            write!(f, "#{call} ")?;
        }
        match &self.function {
            Some(function) => write!(f, "{function}({})", self.text)?,
            None => f.write_str(&self.text)?,
        }
        if let Some(class) = self.class {
            write!(f, " [{}]", class.name())?;
        }
        if let Some(key) = &self.key {
            write!(f, " key {key}")?;
        }
        Ok(())
    }
}

/// Describes entries that follow one another. The types of a result are those of its call, so begin at the first entry, or at
/// least at an invocation.
pub fn describe(entries: &[(Ordinal, Entry)], apis: &dyn ApiLookup) -> Vec<Description> {
    let mut calls: BTreeMap<Ordinal, &Started> = BTreeMap::new();
    entries
        .iter()
        .map(|(ordinal, entry)| {
            if let Event::Started(started) = &entry.event {
                calls.insert(*ordinal, started);
            }
            describe_one(*ordinal, entry, &calls, apis)
        })
        .collect()
}

fn describe_one(ordinal: Ordinal, entry: &Entry, calls: &BTreeMap<Ordinal, &Started>, apis: &dyn ApiLookup) -> Description {
    let event = entry.event.name();
    let plain =
        |text| Description { ordinal, at: entry.at, event, call: None, function: None, class: None, key: None, text };
    match &entry.event {
        Event::Invoked(invoked) => Description {
            function: Some(invoked.function.clone()),
            key: Some(invoked.key.clone()),
            ..plain(invoked.arguments.iter().map(Wave::as_str).collect::<Vec<_>>().join(", "))
        },
        Event::Started(started) => Description {
            function: Some(started.function.clone()),
            class: Some(started.class),
            key: started.key.clone(),
            ..plain(request(started, apis))
        },
        Event::Finished(finished) => Description {
            call: Some(finished.call),
            ..plain(match calls.get(&finished.call) {
                Some(started) => response(started, &finished.response, apis),
                None => "<the call is not among these entries>".to_owned(),
            })
        },
        Event::Stepped(stepped) => Description {
            call: Some(stepped.stream),
            ..plain(match calls.get(&stepped.stream) {
                Some(started) => step(started, stepped, apis),
                None => "<the call is not among these entries>".to_owned(),
            })
        },
        Event::Clock(ClockReading::Wall { seconds, nanoseconds }) => plain(format!("wall {seconds}.{nanoseconds:09} s")),
        Event::Clock(ClockReading::Monotonic(nanoseconds)) => plain(format!("monotonic {nanoseconds} ns")),
        Event::Random(bytes) => plain(format!("<{} bytes>", bytes.0.len())),
        Event::Completed(completed) => plain(match &completed.outcome {
            Outcome::Returned(Some(wave)) => wave.as_str().to_owned(),
            Outcome::Returned(None) => "returned".to_owned(),
            Outcome::Trapped(message) => {
                // A message may hold anything; a terminal obeys control characters.
                format!("trapped: {}", message.replace(|c: char| c.is_control() && c != '\n', "\u{fffd}"))
            }
        }),
    }
}

fn request(started: &Started, apis: &dyn ApiLookup) -> String {
    let Recorded::Typed(arguments) = &started.request else {
        return format!("<not recorded, digest {}>", started.digest.0.short());
    };
    let Some((api, operation)) = operation(started, apis) else { return unknown(started) };
    let params = &api.operations[operation].params;
    let texts = params.iter().zip(arguments).map(|(param, value)| wave::print_value(api, param.ty, value));
    texts.collect::<Vec<_>>().join(", ")
}

fn response(started: &Started, response: &Value, apis: &dyn ApiLookup) -> String {
    match operation(started, apis) {
        // A page, which `next` of a pager gave.
        Some((api, operation)) if started.function.resource().is_some() => {
            match api.step(operation, Step::Next).and_then(|method| method.result) {
                Some(ty) => wave::print_value(api, ty, response),
                None => unknown(started),
            }
        }
        Some((api, operation)) => wave::print_value(api, api.operations[operation].result, response),
        None => unknown(started),
    }
}

/// `step 2: next() -> ok(some({n: 1}))`
fn step(started: &Started, stepped: &Stepped, apis: &dyn ApiLookup) -> String {
    let head = format!("step {}: {}", stepped.sequence, stepped.step.name());
    let end = if stepped.ended { ", the end" } else { "" };
    let Some((api, method)) = operation(started, apis).and_then(|(api, id)| Some((api, api.step(id, stepped.step)?))) else {
        return format!("{head} {}{end}", unknown(started));
    };
    let arguments = match &stepped.request {
        Recorded::Digest => format!("<not recorded, digest {}>", stepped.digest.0.short()),
        Recorded::Typed(arguments) => {
            let texts = method.params.iter().zip(arguments).map(|(param, value)| wave::print_value(api, param.ty, value));
            texts.collect::<Vec<_>>().join(", ")
        }
    };
    let response = match (method.result, &stepped.response) {
        (Some(ty), Some(value)) => format!(" -> {}", wave::print_value(api, ty, value)),
        _ => String::new(),
    };
    format!("{head}({arguments}){response}{end}")
}

fn operation<'a>(started: &Started, apis: &'a dyn ApiLookup) -> Option<(&'a Api, OperationId)> {
    let interface = started.function.interface.as_deref()?;
    let api = apis.api(started.ir, interface)?;
    if let Some(resource) = started.function.resource() {
        let opens = |id: &OperationId| {
            let opened = api.result(&api.operations[*id]).0.and_then(|ty| api.types[ty].name.as_ref());
            opened.is_some_and(|name| name.name.as_str() == resource) && api.stream(*id).is_some()
        };
        let here = |id: &OperationId| api.import_name(api.operations[*id].interface) == interface;
        return api.operations.ids().find(|id| here(id) && opens(id)).map(|id| (api, id));
    }
    api.operations
        .iter()
        .find(|(_, o)| *o.name.as_str() == *started.function.function && api.import_name(o.interface) == interface)
        .map(|(id, _)| (api, id))
}

fn unknown(started: &Started) -> String {
    format!("<API {} is not at hand>", started.ir.0.short())
}

#[cfg(test)]
mod tests;
