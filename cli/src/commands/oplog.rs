//! `witwire oplog`: what a worker did, as its server tells or its store has it.

use std::collections::HashMap;
use std::path::Path;

use serde::Serialize;
use witwire_executor::ApiFile;
use witwire_executor::oplog::{self, Ordinal, SqliteStore, Status, Store, Worker, WorkerId};

use crate::args::OplogArgs;
use crate::client::{Client, Entry};
use crate::error::CliError;
use crate::network;
use crate::output::{Output, Tone};
use crate::timeline;

pub(crate) fn run(args: &OplogArgs, output: Output) -> Result<(), CliError> {
    let oplog = match &args.store {
        Some(store) => network::runtime()?.block_on(stored(&args.worker, store))?,
        None => served(&args.worker, &Client::new(&args.server)?)?,
    };
    oplog.print(args.full, output)
}

/// A worker and all its entries.
#[derive(Debug, Serialize)]
pub(crate) struct Oplog {
    worker: String,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The component's name, where a server knows it; its digest in a store.
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<String>,
    entries: Vec<Entry>,
}

impl Oplog {
    pub(crate) fn print(&self, full: bool, output: Output) -> Result<(), CliError> {
        if output.is_json() {
            return output.json(self);
        }
        let status = match &self.detail {
            Some(detail) => format!("{}: {detail}", self.status),
            None => self.status.clone(),
        };
        output.line(&format!("{} {status}", output.paint(Tone::Heading, &format!("worker {}", self.worker))))?;
        self.entries.iter().try_for_each(|entry| output.line(&timeline::line(entry, full, output)))
    }
}

fn served(worker: &str, client: &Client) -> Result<Oplog, CliError> {
    let details = client.worker(worker)?;
    let entries = client.oplog(worker, 0)?;
    Ok(Oplog { worker: details.name, status: details.status, detail: details.detail, component: details.component, entries })
}

/// The oplog of a worker in a store that no process owns, or one does: reading needs no lease.
pub(crate) async fn stored(worker: &str, file: &Path) -> Result<Oplog, CliError> {
    let id = WorkerId::new(worker).map_err(|e| CliError::Usage(e.to_string()))?;
    if !file.exists() {
        return Err(CliError::Io(format!("cannot read `{}`: no such file", file.display())));
    }
    let store = SqliteStore::open(file).map_err(failed)?;
    let Some(worker) = store.worker(&id).await.map_err(failed)? else {
        let known: Vec<String> = store.workers().await.map_err(failed)?.iter().map(|w| w.id.to_string()).collect();
        return Err(CliError::Input(format!("there is no worker `{id}`; there are: {}", known.join(", "))));
    };
    let entries = described(&store, &worker).await?;
    let detail = match &worker.status {
        Status::Suspended { detail, .. } | Status::Failed { detail } => Some(detail.clone()),
        Status::Idle | Status::Running => None,
    };
    Ok(Oplog {
        worker: worker.id.to_string(),
        status: worker.status.name().to_owned(),
        detail,
        component: Some(worker.component.to_string()),
        entries,
    })
}

/// The worker's entries with the types of the API files that it was created with.
async fn described(store: &SqliteStore, worker: &Worker) -> Result<Vec<Entry>, CliError> {
    let entries = store.read(&worker.id, Ordinal::ZERO).await.map_err(failed)?;
    let mut apis = HashMap::new();
    for ir in &worker.irs {
        if let Some(bytes) = store.blob(ir.0).await.map_err(failed)? {
            let file = ApiFile::read(bytes).map_err(|e| CliError::Input(e.to_string()))?;
            apis.insert(*ir, file.apis().to_vec());
        }
    }
    Ok(oplog::describe(&entries, &apis).into_iter().map(Entry::from).collect())
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it")]
fn failed(error: oplog::StoreError) -> CliError {
    CliError::Io(error.to_string())
}
