//! `witwire oplog`: what a worker did.

use std::collections::HashMap;

use witwire_executor::ApiFile;
use witwire_executor::oplog::{self, Description, Ordinal, SqliteStore, Status, Store, Worker, WorkerId};

use crate::args::OplogArgs;
use crate::error::CliError;
use crate::network;
use crate::output::{Output, Tone};

pub(crate) fn run(args: &OplogArgs, output: Output) -> Result<(), CliError> {
    network::runtime()?.block_on(show(args, output))
}

/// The same on a runtime that runs already.
pub(crate) async fn show(args: &OplogArgs, output: Output) -> Result<(), CliError> {
    let id = WorkerId::new(args.worker.as_str()).map_err(|e| CliError::Usage(e.to_string()))?;
    if !args.store.exists() {
        return Err(CliError::Io(format!("cannot read `{}`: no such file", args.store.display())));
    }
    let store = SqliteStore::open(&args.store).map_err(failed)?;
    let Some(worker) = store.worker(&id).await.map_err(failed)? else {
        let known: Vec<String> = store.workers().await.map_err(failed)?.iter().map(|w| w.id.to_string()).collect();
        return Err(CliError::Input(format!("there is no worker `{id}`; there are: {}", known.join(", "))));
    };
    let entries = described(&store, &worker).await?;
    if output.is_json() {
        return output.json(&serde_json::json!({
            "worker": worker.id.to_string(),
            "status": worker.status.name(),
            "detail": detail(&worker.status),
            "component": worker.component.to_string(),
            "entries": entries.iter().map(json).collect::<Vec<_>>(),
        }));
    }
    let status = match detail(&worker.status) {
        Some(detail) => format!("{}: {detail}", worker.status.name()),
        None => worker.status.name().to_owned(),
    };
    output.line(&format!("{} {status}", output.paint(Tone::Heading, &format!("worker {}", worker.id))))?;
    entries.iter().try_for_each(|entry| output.line(&timeline(entry, args.full, output)))
}

/// The worker's entries with the types of the API files that it was created with.
async fn described(store: &SqliteStore, worker: &Worker) -> Result<Vec<Description>, CliError> {
    let entries = store.read(&worker.id, Ordinal::ZERO).await.map_err(failed)?;
    let mut apis = HashMap::new();
    for ir in &worker.irs {
        if let Some(bytes) = store.blob(ir.0).await.map_err(failed)? {
            let file = ApiFile::read(bytes).map_err(|e| CliError::Input(e.to_string()))?;
            apis.insert(*ir, file.apis().to_vec());
        }
    }
    Ok(oplog::describe(&entries, &apis))
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it")]
fn failed(error: oplog::StoreError) -> CliError {
    CliError::Io(error.to_string())
}

fn detail(status: &Status) -> Option<&str> {
    match status {
        Status::Suspended { detail, .. } | Status::Failed { detail } => Some(detail),
        Status::Idle | Status::Running => None,
    }
}

fn json(entry: &Description) -> serde_json::Value {
    serde_json::json!({
        "ordinal": entry.ordinal.to_string().parse::<u64>().ok(),
        "at": entry.at.to_string(),
        "event": entry.event,
        "call": entry.call.map(|c| c.to_string().parse::<u64>().ok()),
        "function": entry.function.as_ref().map(ToString::to_string),
        "class": entry.class.map(oplog::Class::name),
        "key": entry.key.as_ref().map(oplog::IdempotencyKey::as_str),
        "text": entry.text,
    })
}

/// One line of the timeline.
fn timeline(entry: &Description, full: bool, output: Output) -> String {
    let at = entry.at.to_string();
    let time = at.split_once('T').map_or(at.as_str(), |(_, t)| t.trim_end_matches('Z'));
    let head = output.paint(Tone::Dim, &format!("#{:<3} {time}", entry.ordinal));
    let event = output.paint(Tone::Heading, &format!("{:<9}", entry.event));
    let value = if full { entry.text.clone() } else { shortened(&entry.text) };
    let mut text = match (&entry.function, entry.call) {
        (Some(function), _) => format!("{function}({value})"),
        (None, Some(call)) => format!("#{call} → {value}"),
        (None, None) => value,
    };
    if let Some(class) = entry.class {
        text.push_str(&output.paint(Tone::Dim, &format!(" [{}]", class.name())));
    }
    if let Some(key) = &entry.key {
        text.push_str(&output.paint(Tone::Dim, &format!(" key {key}")));
    }
    format!("{head} {event} {text}")
}

/// How many characters of a value a line of the timeline shows.
const SHOWN: usize = 120;

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
