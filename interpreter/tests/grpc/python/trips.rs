//! Round trips between values and messages of protobuf's Python runtime, over every published tree.
//!
//! A few trees and messages by default; every message of all trees with `WITWIRE_FULL=1`.

use std::path::Path;

use serde_json::json;
use witwire_frontends::UnknownFields;
use witwire_ir::sample::{SplitMix64, sample};

use super::process::Oracle;
use super::sources::{Message, Sources, corpus};
use super::tree::{hex, tree, unhex};
use crate::grpc::generate::Generator;

/// Trees that always run: small, and with proto2, editions, recursion, groups, maps and oneofs among them.
const SMALL: &[&str] = &["todo-example", "grpcbin", "openfga", "etcd", "protobuf-tests"];

/// Messages per tree and values of each, where the tree has so many.
const SOME: (u64, u64) = (25, 4);
/// The same for all messages.
const ALL: (u64, u64) = (1_000_000, 2);
/// A few messages may be too large for component tools.
const LEAST: u64 = 20;
/// How deep values are.
const DEPTH: u32 = 5;

#[test]
fn python_reads_what_is_written_and_writes_what_is_read() {
    let (Some(root), Some(mut oracle)) = (corpus(), Oracle::start()) else { return };
    let full = std::env::var_os("WITWIRE_FULL").is_some();
    let (messages, seeds) = if full { ALL } else { SOME };
    let mut trees: Vec<String> = std::fs::read_dir(&root)
        .expect("the corpus is a folder")
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|name| root.join(name).is_dir() && (full || SMALL.contains(&&name[..])))
        .collect();
    trees.sort();
    let mut trips = 0;
    for name in &trees {
        trips += run(&mut oracle, &root.join(name), name, messages, seeds);
    }
    println!("{} trees, {trips} round trips", trees.len());
    assert!(trips >= if full { 5_000 } else { 500 }, "only {trips} round trips");
}

fn run(oracle: &mut Oracle, root: &Path, name: &str, messages: u64, seeds: u64) -> u64 {
    let sources = Sources::compile(oracle, root, &json!(messages), UnknownFields::Drop);
    let mut trips = 0;
    for message in &sources.messages {
        for seed in 0..seeds {
            values_come_back(oracle, message, seed);
            messages_come_back(oracle, message, seed);
            trips += 2;
        }
    }
    let Sources { declared, messages } = sources;
    println!("{name}: {} of {declared} messages, {trips} round trips", messages.len());
    assert!(messages.len() as u64 >= LEAST.min(declared), "{name}");
    trips
}

/// Value → our bytes → Python's message, which is the one that the value describes → its bytes → the value's meaning.
fn values_come_back(oracle: &mut Oracle, message: &Message, seed: u64) {
    let Message { name, ty, .. } = message;
    // What `inspect --example` shows, and values that no person would write.
    let value = match seed {
        0 => sample(message.api(), *ty, &mut SplitMix64::new(seed)),
        _ => Generator::new((seed, 3)).value(message.api(), *ty, DEPTH),
    };
    let meaning = tree(message.api(), *ty, &value);
    let bytes = message.encode(&value).unwrap_or_else(|e| panic!("{name}: {e}\n{meaning}"));
    let request = json!({ "do": "judge", "message": name, "bytes": hex(&bytes), "tree": meaning });
    let read = oracle.ask(&request).unwrap_or_else(|e| panic!("{name}: {e}\n{meaning}"));
    assert_eq!(read["tree"], meaning, "{name}: seed {seed}");
    // Equal trees could both lack something; equal bytes cannot.
    assert_eq!(read["again"], read["built"], "{name}: seed {seed}");
    let back = message.decode(&unhex(&read["built"])).unwrap_or_else(|e| panic!("{name}: {e}\n{meaning}"));
    assert_eq!(tree(message.api(), *ty, &back), meaning, "{name}: seed {seed}");
}

/// Python's message → its bytes → our value, which means the message → our bytes → Python's message.
fn messages_come_back(oracle: &mut Oracle, message: &Message, seed: u64) {
    let Message { name, ty, .. } = message;
    let request = json!({ "do": "make", "message": name, "seed": seed, "depth": 3 });
    let made = oracle.ask(&request).unwrap_or_else(|e| panic!("{name}: {e}"));
    let value = message.decode(&unhex(&made["bytes"])).unwrap_or_else(|e| panic!("{name}: {e}\n{}", made["tree"]));
    assert_eq!(tree(message.api(), *ty, &value), made["tree"], "{name}: seed {seed}");
    let bytes = message.encode(&value).unwrap_or_else(|e| panic!("{name}: {e}\n{}", made["tree"]));
    let request = json!({ "do": "judge", "message": name, "bytes": hex(&bytes), "tree": made["tree"] });
    let read = oracle.ask(&request).unwrap_or_else(|e| panic!("{name}: {e}\n{}", made["tree"]));
    assert_eq!(read["again"], read["built"], "{name}: seed {seed}");
}
