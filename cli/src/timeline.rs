//! An oplog as a person reads it: one line an entry.

use witwire_executor::oplog::{self, Description};

use crate::client::Entry;
use crate::output::{Output, Tone};

impl From<Description> for Entry {
    fn from(entry: Description) -> Self {
        Self {
            ordinal: entry.ordinal.get(),
            at: entry.at.to_string(),
            event: entry.event.to_owned(),
            call: entry.call.map(oplog::Ordinal::get),
            function: entry.function.map(|f| f.to_string()),
            class: entry.class.map(|c| c.name().to_owned()),
            key: entry.key.map(|k| k.as_str().to_owned()),
            text: entry.text,
        }
    }
}

/// One line of the timeline, for standard output. Long values are cut unless `full`.
pub(crate) fn line(entry: &Entry, full: bool, output: Output) -> String {
    text(entry, full, |tone, text| output.paint(tone, text))
}

/// The same for standard error.
pub(crate) fn line_err(entry: &Entry, output: Output) -> String {
    text(entry, false, |tone, text| output.paint_err(tone, text))
}

fn text(entry: &Entry, full: bool, paint: impl Fn(Tone, &str) -> String) -> String {
    let time = entry.at.split_once('T').map_or(entry.at.as_str(), |(_, t)| t.trim_end_matches('Z'));
    let head = paint(Tone::Dim, &format!("#{:<3} {time}", entry.ordinal));
    let event = paint(Tone::Heading, &format!("{:<9}", entry.event));
    let value = if full { entry.text.clone() } else { shortened(&entry.text) };
    let mut text = match (&entry.function, entry.call) {
        (Some(function), _) => format!("{function}({value})"),
        (None, Some(call)) => format!("#{call} → {value}"),
        (None, None) => value,
    };
    if let Some(class) = &entry.class {
        text.push_str(&paint(Tone::Dim, &format!(" [{class}]")));
    }
    if let Some(key) = &entry.key {
        text.push_str(&paint(Tone::Dim, &format!(" key {key}")));
    }
    format!("{head} {event} {text}")
}

/// How many characters of a value a line shows.
const SHOWN: usize = 120;

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
