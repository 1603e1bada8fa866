//! Inputs of the kinds that protobuf's conformance suite sends, over the messages that the suite uses: what is read, refused and
//! written again is what protobuf's Python runtime reads, refuses and writes.
//!
//! Half of the messages once by default, with few damaged ones; all of it with `WITWIRE_FULL=1`.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use witwire_frontends::UnknownFields;
use witwire_ir::Value;

use super::process::Oracle;
use super::sources::{Message, Sources, corpus};
use super::tree::{hex, tree, unhex};

/// proto2, proto3, what only editions have; required fields and known fields that are unknown to another.
const MESSAGES: &[&str] = &[
    "protobuf_test_messages.proto2.TestAllTypesProto2",
    "protobuf_test_messages.proto2.UnknownToTestAllTypes",
    "protobuf_test_messages.proto3.TestAllTypesProto3",
    "protobuf_test_messages.editions.TestAllTypesEdition2023",
    "proto2_unittest.TestRequired",
    "proto2_unittest.TestRequiredEnumMulti",
    "proto2_unittest.TestRequiredForeign",
];

/// The first two as editions.
const AS_EDITIONS: &[&str] = &[
    "protobuf_test_messages.editions.proto2.TestAllTypesProto2",
    "protobuf_test_messages.editions.proto3.TestAllTypesProto3",
];

/// `MESSAGE CASE` of the inputs on which the two differ, each with its reason behind `#`.
const FAILURES: &str = include_str!("failures.txt");

#[test]
fn the_conformance_suites_inputs_are_read_as_by_python() {
    let (Some(root), Some(mut oracle)) = (corpus(), Oracle::start()) else { return };
    let mut tally = Tally::default();
    let full = std::env::var_os("WITWIRE_FULL").is_some();
    let names = if full { [MESSAGES, AS_EDITIONS].concat() } else { MESSAGES.to_vec() };
    let modes = if full { &[UnknownFields::Keep, UnknownFields::Drop][..] } else { &[UnknownFields::Keep] };
    for &unknown_fields in modes {
        let sources = Sources::compile(&mut oracle, &root.join("protobuf-tests"), &json!(names), unknown_fields);
        for name in &names {
            let message = sources.message(name);
            let keeps = unknown_fields == UnknownFields::Keep;
            let inputs = inputs(&mut oracle, name, keeps);
            for (case, bytes) in inputs {
                tally.inputs += 1;
                if let Err(difference) = judge(&mut oracle, message, &case, &bytes, keeps, &mut tally) {
                    tally.differing.insert(format!("{name} {case}"));
                    tally.differences.push(format!("{name} {case}: {}\n    {difference}", hex(&bytes)));
                }
            }
        }
    }
    let Tally { inputs, read, refused, unjudged, differing, differences } = tally;
    println!("{inputs} inputs: {read} read, {refused} refused, {unjudged} on which Python gives no verdict");
    let listed: BTreeSet<String> = FAILURES
        .lines()
        .filter_map(|line| line.split('#').next().map(str::trim))
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    let new: Vec<&String> = differences.iter().filter(|d| !listed.iter().any(|l| d.starts_with(&format!("{l}:")))).collect();
    assert!(
        new.is_empty(),
        "{} of {inputs} inputs:\n{}",
        new.len(),
        new.iter().map(|d| &d[..]).collect::<Vec<_>>().join("\n")
    );
    let healed: Vec<&String> = listed.difference(&differing).collect();
    assert!(healed.is_empty(), "listed as failures that are none any more: {healed:#?}");
    assert!(read > 3_000 && refused > 1_000, "too few inputs");
}

#[derive(Default)]
struct Tally {
    inputs: usize,
    read: usize,
    refused: usize,
    /// On which Python gives no verdict.
    unjudged: usize,
    differing: BTreeSet<String>,
    differences: Vec<String>,
}

/// The inputs for a message: those of the suite's categories, and damaged messages.
fn inputs(oracle: &mut Oracle, message: &str, keeps: bool) -> Vec<(String, Vec<u8>)> {
    let count = if std::env::var_os("WITWIRE_FULL").is_some() { 200 } else { 20 };
    let mut requests = vec![json!({ "do": "cases", "message": message })];
    let seeds = (0..10_u32).map(|seed| seed * 2 + u32::from(keeps));
    requests.extend(seeds.map(|seed| json!({ "do": "damaged", "message": message, "seed": seed, "count": count })));
    let mut inputs = Vec::new();
    for (group, request) in requests.iter().enumerate() {
        let answer = oracle.ask(request).unwrap_or_else(|e| panic!("{message}: {e}"));
        let cases = answer["cases"].as_array().expect("a list of cases");
        inputs.extend(cases.iter().map(|case| {
            let name = case[0].as_str().unwrap_or_default();
            let name = if group == 0 { name.to_owned() } else { format!("{name}.{group}") };
            (name, unhex(&case[1]))
        }));
    }
    inputs
}

/// One input. `Err` tells how the two differ.
fn judge(
    oracle: &mut Oracle,
    message: &Message,
    case: &str,
    bytes: &[u8],
    keeps: bool,
    tally: &mut Tally,
) -> Result<(), String> {
    let Message { name, ty, .. } = message;
    let damaged = case.starts_with("Damaged") || case.starts_with("CutAt");
    let mut read = |bytes: &[u8]| oracle.ask(&json!({ "do": "read", "message": name, "bytes": hex(bytes) }));
    let ours = message.decode(bytes);
    let theirs = match (read(bytes), &ours) {
        (Err(_), Err(_)) => {
            tally.refused += 1;
            return Ok(());
        }
        (Ok(theirs), ours) if damaged && no_verdict(&theirs, ours) => {
            tally.unjudged += 1;
            return Ok(());
        }
        (Ok(theirs), _) if theirs.get("unreadable").is_some() => {
            tally.unjudged += 1;
            return ours.map(drop).map_err(|e| format!("unreadable to Python, refused here: {e}"));
        }
        (Ok(theirs), Ok(_)) => theirs,
        (Ok(theirs), Err(ours)) => return Err(format!("Python reads {}, refused here: {ours}", theirs["tree"])),
        (Err(theirs), Ok(ours)) => {
            return Err(format!("Python refuses ({theirs}), read here: {}", tree(message.api(), *ty, ours)));
        }
    };
    tally.read += 1;
    let ours = ours?;
    let meaning = tree(message.api(), *ty, &ours);
    same("reads", &theirs["tree"], &meaning)?;
    let written = message.encode(&ours)?;
    let again = read(&written).map_err(|e| format!("Python refuses what is written, {}: {e}", hex(&written)))?;
    same("reads of what is written", &again["tree"], &meaning)?;
    if keeps && theirs["lossy"] == false {
        same("writes, with unknown fields,", &theirs["again"], &again["again"])?;
    }
    Ok(())
}

/// Whether a damaged message is one on which this runtime stands alone: it keeps an entry of a map as an unknown field, whole, if it
/// does not know all of it; it does not look at the numbers of fields in groups that it skips; and it cannot show all strings.
fn no_verdict(theirs: &Json, ours: &Result<Value, String>) -> bool {
    let of_number = ours.as_ref().is_err_and(|e| e.contains("a field number is out of range"));
    theirs["entries"] == true || theirs.get("unreadable").is_some() || of_number
}

fn same(what: &str, theirs: &Json, ours: &Json) -> Result<(), String> {
    if theirs == ours { Ok(()) } else { Err(format!("Python {what} {theirs}\n    here it is {ours}")) }
}
