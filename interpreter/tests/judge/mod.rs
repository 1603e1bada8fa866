//! Wire truth: requests of generated calls, judged by a validator that is not ours.

mod calls;
mod documents;
mod exceptions;
mod steady;

use std::path::Path;

use documents::Document;
use exceptions::Exceptions;
use steady::Steady;

/// What came of the documents.
#[derive(Default)]
struct Tally {
    documents: usize,
    requests: usize,
    excepted: usize,
    faults: Vec<String>,
}

#[test]
fn steady_accepts_the_requests_of_generated_calls() {
    let (Some(binary), Some(corpus)) = (steady::installed(), documents::corpus()) else { return };
    let full = std::env::var_os("WITWIRE_FULL").is_some();
    let documents = if full { documents::of_vendors(&corpus) } else { documents::eight(&corpus) };
    let (least_documents, least_requests) = if full { (40, 10_000) } else { (8, 1_000) };
    let mut exceptions = Exceptions::read();
    let mut tally = Tally::default();
    for document in &documents {
        if let Err(trouble) = judge(&binary, document, &mut exceptions, &mut tally) {
            tally.faults.push(format!("{}: {trouble}", document.name));
        }
    }
    let Tally { documents: judged, requests, excepted, faults } = tally;
    println!("{judged} documents, {requests} requests, {} accepted, {excepted} known exceptions", requests - excepted);
    assert!(faults.is_empty(), "{} of {requests}:\n{}", faults.len(), faults.join("\n"));
    assert!(judged >= least_documents && requests >= least_requests, "{judged} documents, {requests} requests");
    let unused = exceptions.unused(documents.iter().map(|d| d.name.as_str()));
    assert!(unused.is_empty(), "exceptions that are none any more:\n{}", unused.join("\n"));
}

fn judge(binary: &Path, document: &Document, exceptions: &mut Exceptions, tally: &mut Tally) -> Result<(), String> {
    let plan = calls::plan(&document.path)?;
    let for_judge = document.in_one_file()?;
    let steady = Steady::start(binary, for_judge.path())?;
    tally.documents += 1;
    for (id, _) in plan.api().operations.iter() {
        let call = match calls::call(&plan, id, 0) {
            Ok(call) => call,
            Err(trouble) => {
                tally.faults.push(format!("{}\tno sample keeps the rules: {trouble}", document.name));
                continue;
            }
        };
        tally.requests += 1;
        let said = match steady.judge(&call.request, &call.hints) {
            Ok(list) if list.is_empty() => continue,
            Ok(list) if exceptions.has(&document.name, &call.name, &list) => {
                tally.excepted += 1;
                continue;
            }
            Ok(list) => {
                let messages: Vec<&str> = list.iter().map(|o| o.message.as_str()).collect();
                format!("{}: {}", exceptions::objections(&list), messages.join("; "))
            }
            Err(trouble) => trouble,
        };
        let (name, text, request) = (&call.name, &call.text, &call.request);
        tally.faults.push(format!("{}\t{name}\t{said}\n    {text}\n    {request:?}", document.name));
    }
    Ok(())
}
