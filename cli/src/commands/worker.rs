//! `witwire worker`: the workers of a server.

mod invoke;

use serde_json::json;

use crate::args::{WorkerArgs, WorkerCommand};
use crate::client::{Client, WorkerDetails};
use crate::error::CliError;
use crate::output::{Output, Tone};
use crate::table;

pub(crate) fn run(args: &WorkerArgs, output: Output) -> Result<(), CliError> {
    let client = Client::new(&args.server)?;
    match &args.command {
        WorkerCommand::Create { name, component, revision } => {
            show(&client.create_worker(name, component, *revision)?, output)
        }
        WorkerCommand::List { component } => list(&client, component.as_deref(), output),
        WorkerCommand::Show { name } => show(&client.worker(name)?, output),
        WorkerCommand::Invoke(args) => invoke::run(&client, args, output),
        WorkerCommand::Interrupt { name } => show(&client.interrupt(name)?, output),
        WorkerCommand::Resume { name, decision } => show(&client.resume(name, *decision)?, output),
        WorkerCommand::Delete { name } => {
            client.delete_worker(name)?;
            if output.is_json() {
                output.json(&json!({ "deleted": name }))
            } else {
                output.line(&format!("{name} is deleted"))
            }
        }
    }
}

fn list(client: &Client, component: Option<&str>, output: Output) -> Result<(), CliError> {
    let mut workers = client.workers()?;
    workers.retain(|w| component.is_none_or(|c| w.component.as_deref() == Some(c)));
    if output.is_json() {
        return output.json(&workers);
    }
    let rows: Vec<_> = workers
        .iter()
        .map(|w| {
            let component = w.component.clone().unwrap_or_else(|| "-".to_owned());
            let revision = w.revision.map_or_else(|| "-".to_owned(), |r| r.to_string());
            [w.name.clone(), component, revision, status(w), w.entries.to_string()]
        })
        .collect();
    table::print(["NAME", "COMPONENT", "REVISION", "STATUS", "ENTRIES"], &rows, output)
}

fn status(worker: &WorkerDetails) -> String {
    match &worker.reason {
        Some(reason) => format!("{} ({reason})", worker.status),
        None => worker.status.clone(),
    }
}

fn show(worker: &WorkerDetails, output: Output) -> Result<(), CliError> {
    if output.is_json() {
        return output.json(worker);
    }
    let of = match (&worker.component, worker.revision) {
        (Some(component), Some(revision)) => format!("{component} revision {revision}"),
        _ => "a component that no server deployed".to_owned(),
    };
    let name = output.paint(Tone::Heading, &format!("worker {}", worker.name));
    output.line(&format!("{name} of {of}: {}, {} entries", status(worker), worker.entries))?;
    worker.detail.as_ref().map_or(Ok(()), |detail| output.line(&format!("  {detail}")))
}
