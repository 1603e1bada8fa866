//! Pruned APIs.

use std::collections::HashSet;

use proptest::prelude::*;
use witwire_ir::{Api, print_package};

use crate::{arbitrary, small};

/// The declarations and functions of a printed package, each with its documentation, under `interface` or `world` lines.
fn items(text: &str) -> HashSet<(String, String)> {
    let mut items = HashSet::new();
    let (mut head, mut item) = (String::new(), String::new());
    for line in text.lines() {
        if let Some(body) = line.strip_prefix("    ") {
            if body.starts_with("use ") {
                continue;
            }
            item.push_str(line);
            item.push('\n');
            let ends = body == "}" || (body.ends_with(';') && !body.starts_with(' ') && !body.starts_with("///"));
            if ends {
                items.insert((head.clone(), std::mem::take(&mut item)));
            }
        } else if line.ends_with('{') {
            line.clone_into(&mut head);
        }
    }
    items
}

fn pruned_prints_alike(api: &Api, keep: impl Fn(usize) -> bool) -> Result<(), TestCaseError> {
    let pruned = api.prune(|id, _| keep(witwire_ir::Id::index(id)));
    prop_assert_eq!(pruned.check(), Ok(()));
    let kept = (0..api.operations.len()).filter(|i| keep(*i)).count();
    prop_assert_eq!(pruned.operations.len(), kept);
    let (before, after) = (print_package(api), print_package(&pruned));
    let new: Vec<_> = items(&after).difference(&items(&before)).cloned().collect();
    prop_assert!(new.is_empty(), "{:?}\n{}\n{}", new, before, after);
    prop_assert_eq!(pruned.prune(|_, _| true), pruned);
    Ok(())
}

proptest! {
    #[test]
    fn what_remains_prints_as_before(api in arbitrary::api(), mask in any::<u8>()) {
        pruned_prints_alike(&api, |i| mask >> (i % 8) & 1 == 1)?;
    }
}

#[test]
fn only_what_is_reached_remains() {
    let api = small::api();
    let pruned = api.prune(|_, o| o.name.as_str() == "ping");
    assert_eq!(pruned.check(), Ok(()));
    let interfaces: Vec<_> = pruned.interfaces.iter().map(|(_, i)| i.name.as_str()).collect();
    assert_eq!(interfaces, ["types", "other"]);
    let worlds: Vec<_> = pruned.worlds.iter().map(|w| (w.name.as_str(), w.imports.len())).collect();
    assert_eq!(worlds, [("other-client", 1), ("client", 1)]);
    let text = print_package(&pruned);
    assert!(text.contains("record error {") && !text.contains("record item {"), "{text}");
    // The stream's resource comes with its function.
    let pruned = api.prune(|_, o| o.name.as_str() == "watch");
    assert_eq!(pruned.check(), Ok(()));
    assert!(print_package(&pruned).contains("resource watch-stream {"));
    assert!(print_package(&pruned).contains("item as item-record"));
    assert!(api.prune(|_, _| false).check().is_ok());
}
