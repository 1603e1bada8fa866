//! `/v1/workers/{name}/oplog`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use witwire_executor::oplog::{self, Description, Event, IrDigest, Ordinal, WorkerId};
use witwire_ir::Api;

use super::App;
use super::workers::{NAME, WorkerName, id};
use crate::endpoint::Endpoint;
use crate::extract::{Path, Query};
use crate::problem::{Code, Problem};

/// How many entries are answered where the caller does not say.
const PAGE: u64 = 1000;
/// How many entries are answered at most.
const MAX_PAGE: u64 = 10_000;
/// How many entries are read at a time: they may be large.
const PART: u64 = 32;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Page {
    /// The ordinal of the first entry.
    #[serde(default)]
    #[schemars(range(max = 9_223_372_036_854_775_807_u64))]
    from: u64,
    /// How many entries at most. Absent: 1,000. Large ones are fewer: `next` tells where to go on.
    #[schemars(range(min = 1, max = 10_000))]
    limit: Option<u64>,
}

/// A part of an oplog.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OplogPage {
    /// The entries, in order.
    entries: Vec<OplogEntry>,
    /// Where the next part begins. Absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// An entry of an oplog.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OplogEntry {
    /// Its position: 0, 1, 2, …
    ordinal: u64,
    /// When it was made.
    #[schemars(extend("format" = "date-time"))]
    at: String,
    /// What happened: `invoked`, `started`, `finished`, `stepped`, `clock`, `random`, `completed`, and others to come.
    event: &'static str,
    /// The ordinal of the call that a result belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<u64>,
    /// The function that was invoked or called.
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<String>,
    /// The class of a call, which says what may be done while it is in doubt: `safe`, `idempotent`, `keyed`, `unsafe`.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'static str>,
    /// The idempotency key of an invocation or call.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Arguments, result or reading: values in WAVE format.
    text: String,
}

impl OplogEntry {
    /// About how many bytes it has.
    fn size(&self) -> usize {
        self.text.len() + self.function.as_ref().map_or(0, String::len) + self.key.as_ref().map_or(0, String::len)
    }
}

impl From<Description> for OplogEntry {
    fn from(entry: Description) -> Self {
        Self {
            ordinal: entry.ordinal.get(),
            at: entry.at.to_string(),
            event: entry.event,
            call: entry.call.map(Ordinal::get),
            function: entry.function.map(|f| f.to_string()),
            class: entry.class.map(oplog::Class::name),
            key: entry.key.map(|k| k.to_string()),
            text: entry.text,
        }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let endpoint = Endpoint::get("/v1/workers/{name}/oplog", "getOplog", show)
        .about("Shows what a worker did", "Values are typed, and shown in WAVE format; credentials are not among them.")
        .segment::<WorkerName>("name", NAME)
        .query::<Page>()
        .answers::<OplogPage>(StatusCode::OK, "A part of the oplog.")
        .refuses(&[Code::WorkerName, Code::NoSuchWorker, Code::Damaged, Code::Unloadable]);
    vec![endpoint]
}

async fn show(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<OplogPage>, Problem> {
    let limit = page.limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Problem::new(Code::BadParameter, format_args!("`limit` is from 1 to {MAX_PAGE}")));
    }
    if page.from > Ordinal::MAX.get() {
        return Err(Problem::new(Code::BadParameter, format_args!("`from` is at most {}", Ordinal::MAX)));
    }
    let worker = app.workers.find(&id(name)?).await?;
    let mut apis = HashMap::new();
    for ir in &worker.irs {
        apis.insert(*ir, app.catalog.file(*ir).await?.apis().to_vec());
    }
    let (mut entries, mut bytes, mut from) = (Vec::new(), 0, Ordinal::new(page.from));
    let mut next = None;
    'page: loop {
        // One more than may be answered, which tells whether there are more.
        let asked = (limit + 1 - entries.len() as u64).min(PART);
        let part = part(&app, &worker.id, &apis, from, asked).await?;
        let last = (part.len() as u64) < asked;
        for entry in part {
            bytes += entry.size();
            if entries.len() as u64 == limit || (bytes > app.limits.oplog && !entries.is_empty()) {
                next = Some(entry.ordinal);
                break 'page;
            }
            from = Ordinal::new(entry.ordinal + 1);
            entries.push(entry);
        }
        if last {
            break;
        }
    }
    Ok(Json(OplogPage { entries, next }))
}

/// Some entries of an oplog, described.
async fn part(
    app: &App,
    worker: &WorkerId,
    apis: &HashMap<IrDigest, Vec<Arc<Api>>>,
    from: Ordinal,
    limit: u64,
) -> Result<Vec<OplogEntry>, Problem> {
    let store = app.catalog.executor.store();
    let entries = store.page(worker, from, limit).await?;
    // The types of a result or step are those of its call, which may stand before this part.
    let mut calls = BTreeMap::new();
    for (_, entry) in &entries {
        let call = match &entry.event {
            Event::Finished(finished) => finished.call,
            Event::Stepped(stepped) => stepped.stream,
            _ => continue,
        };
        if call < from && !calls.contains_key(&call) {
            for (ordinal, entry) in store.page(worker, call, 1).await? {
                calls.insert(ordinal, entry);
            }
        }
    }
    let before = calls.len();
    let entries: Vec<_> = calls.into_iter().chain(entries).collect();
    Ok(oplog::describe(&entries, apis).into_iter().skip(before).map(OplogEntry::from).collect())
}
