//! Wire truth: requests of generated calls, judged by a validator that is not ours.

mod calls;
mod documents;
mod exceptions;
mod openapi_core;
mod responses;
mod steady;

use std::cell::OnceCell;
use std::path::Path;

use serde_json::Value as Json;
use witwire_interpreter::HttpResponse;
use witwire_ir::Call;

use documents::Document;
use exceptions::Exceptions;
use steady::{Steady, Verdict};

/// What came of the documents.
#[derive(Default)]
struct Tally {
    documents: usize,
    requests: usize,
    excepted: usize,
    faults: Vec<String>,
    /// Generated JSON bodies of successes that were decoded and written again as equal values.
    equal: usize,
    /// Those that were not and that break their own schema: mistakes of the generator.
    invalid: usize,
    /// Known ones that were not.
    unlike: usize,
    changed: Vec<String>,
}

/// How much was judged.
#[derive(Debug)]
struct Judged {
    documents: usize,
    requests: usize,
    equal: usize,
}

/// A little below what there was (`docs/evidence.md`), so that less is noticed.
const LEAST_OF_EIGHT: Judged = Judged { documents: 8, requests: 1_500, equal: 1_200 };
const LEAST_OF_VENDORS: Judged = Judged { documents: 173, requests: 16_200, equal: 11_800 };

impl Judged {
    const fn reaches(&self, least: &Self) -> bool {
        self.documents >= least.documents && self.requests >= least.requests && self.equal >= least.equal
    }
}

#[test]
fn steady_accepts_the_requests_of_generated_calls() {
    let (Some(binary), Some(corpus)) = (steady::installed(), documents::corpus()) else { return };
    let full = std::env::var_os("WITWIRE_FULL").is_some();
    let documents = if full { documents::of_vendors(&corpus) } else { documents::eight(&corpus) };
    let least = if full { LEAST_OF_VENDORS } else { LEAST_OF_EIGHT };
    let mut exceptions = Exceptions::read(exceptions::STEADY);
    let mut answers = Exceptions::read(exceptions::RESPONSES);
    let mut tally = Tally::default();
    for document in &documents {
        if let Err(trouble) = judge(&binary, document, &mut exceptions, &mut answers, &mut tally) {
            tally.faults.push(format!("{}: {trouble}", document.name));
        }
    }
    let Tally { documents: judged, requests, excepted, faults, equal, invalid, unlike, changed } = tally;
    let accepted = requests - excepted - faults.len();
    println!("{judged} documents, {requests} requests, {accepted} accepted, {excepted} known exceptions");
    println!(
        "{equal} generated responses decoded and written again as equal values, {unlike} known exceptions; {invalid} others break \
         their own schema"
    );
    let all = [&faults[..], &changed[..]].concat();
    assert!(all.is_empty(), "{} of {requests}, {} responses:\n{}", faults.len(), changed.len(), all.join("\n"));
    // Exceptions are listed one by one and must come up, so that they need no bound.
    let judged = Judged { documents: judged, requests, equal };
    assert!(judged.reaches(&least), "{judged:?} where there were at least {least:?}");
    let names = || documents.iter().map(|d| d.name.as_str());
    let unused = [exceptions.unused(names()), answers.unused(names())].concat();
    assert!(unused.is_empty(), "exceptions that are none any more:\n{}", unused.join("\n"));
}

fn read(path: &Path) -> Json {
    let text = std::fs::read_to_string(path).expect("the document that the judge has read");
    serde_json::from_str(&text).expect("JSON")
}

fn judge(
    binary: &Path,
    document: &Document,
    exceptions: &mut Exceptions,
    answers: &mut Exceptions,
    tally: &mut Tally,
) -> Result<(), String> {
    let (plan, echoes) = calls::plan(&document.path)?;
    let for_judge = document.in_one_file()?;
    let steady = Steady::start(binary, for_judge.path())?;
    tally.documents += 1;
    let whole: OnceCell<Json> = OnceCell::new();
    for &id in &echoes.operations {
        let call = match calls::call(&plan, id, 0) {
            Ok(call) => call,
            Err(trouble) => {
                tally.faults.push(format!("{}\tno sample keeps the rules: {trouble}", document.name));
                continue;
            }
        };
        tally.requests += 1;
        let said = match steady.judge(&call.request, &call.hints) {
            Ok(verdict) if verdict.objections.is_empty() => {
                let answer = verdict.generated;
                let generated = answer.as_ref().and_then(|answer| echoes.compare(&plan, id, &call.args, answer));
                let is_valid = |answer: &HttpResponse| {
                    let Call::Http(http) = &plan.api().operations[id].call else { return None };
                    responses::is_valid(whole.get_or_init(|| read(for_judge.path())), http, answer)
                };
                match answer.as_ref().zip(generated) {
                    Some((_, Ok(()))) => tally.equal += 1,
                    Some((answer, Err(_))) if is_valid(answer) == Some(false) => tally.invalid += 1,
                    Some((_, Err(_))) if answers.has(&document.name, &call.name, &[]) => tally.unlike += 1,
                    Some((_, Err(change))) => tally.changed.push(format!("{}\t{}\t{change}", document.name, call.name)),
                    None => {}
                }
                continue;
            }
            Ok(Verdict { objections, .. }) if exceptions.has(&document.name, &call.name, &objections) => {
                tally.excepted += 1;
                continue;
            }
            Ok(Verdict { objections, .. }) => {
                let messages: Vec<&str> = objections.iter().map(|o| o.message.as_str()).collect();
                format!("{}: {}", exceptions::objections(&objections), messages.join("; "))
            }
            Err(trouble) => trouble,
        };
        let (name, text, request) = (&call.name, &call.text, &call.request);
        tally.faults.push(format!("{}\t{name}\t{said}\n    {text}\n    {request:?}", document.name));
    }
    Ok(())
}

/// The eight documents before another validator. It takes minutes.
#[test]
fn openapi_core_accepts_the_requests_of_generated_calls() {
    if std::env::var_os("WITWIRE_FULL").is_none() {
        println!("skipped: only with WITWIRE_FULL=1");
        return;
    }
    let (Some(python), Some(corpus)) = (openapi_core::installed(), documents::corpus()) else { return };
    let documents = documents::eight(&corpus);
    let mut exceptions = Exceptions::read(exceptions::OPENAPI_CORE);
    let (mut requests, mut excepted, mut faults) = (0, 0, Vec::new());
    for document in &documents {
        let (plan, echoes) = calls::plan(&document.path).expect("a document that compiles");
        let made = echoes.operations.iter().map(|id| calls::call(&plan, *id, 0));
        let made: Vec<_> = made.collect::<Result<_, _>>().expect("calls that keep the rules");
        let for_judge = document.in_one_file().expect("a document in one file");
        let sent: Vec<_> = made.iter().map(|call| &call.request).collect();
        let verdicts = openapi_core::judge(&python, for_judge.path(), &sent).expect("verdicts");
        requests += sent.len();
        for (call, objections) in made.iter().zip(verdicts).filter(|(_, objections)| !objections.is_empty()) {
            if exceptions.has(&document.name, &call.name, &objections) {
                excepted += 1;
                continue;
            }
            let messages: Vec<&str> = objections.iter().map(|o| o.message.as_str()).collect();
            let said = format!("{}: {}", exceptions::objections(&objections), messages.join("; "));
            faults.push(format!("{}\t{}\t{said}\n    {}\n    {:?}", document.name, call.name, call.text, call.request));
        }
    }
    println!(
        "{} documents, {requests} requests, {} accepted, {excepted} known exceptions",
        documents.len(),
        requests - excepted - faults.len()
    );
    assert!(faults.is_empty(), "{} of {requests}:\n{}", faults.len(), faults.join("\n"));
    assert!(requests >= LEAST_OF_EIGHT.requests, "{requests} requests");
    let unused = exceptions.unused(documents.iter().map(|d| d.name.as_str()));
    assert!(unused.is_empty(), "exceptions that are none any more:\n{}", unused.join("\n"));
}
