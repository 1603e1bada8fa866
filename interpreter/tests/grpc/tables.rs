//! Recursive messages as tables of nodes.

use witwire_interpreter::Failure;
use witwire_ir::{Shape, Value};

use super::{CLOSED, OPEN};

/// The position of a message's list in the tables of its group.
fn list_of(name: &str, table: &str) -> usize {
    let Shape::Record(lists) = OPEN.api.shape(OPEN.ty(table)) else { panic!("a table") };
    lists.iter().position(|f| f.name.as_str() == name).expect("a list of the table")
}

/// A tree's node: label, left, right, more.
fn tree(label: &str, left: Option<u32>, right: Option<u32>, more: &[u32]) -> Value {
    let reference = |n: Option<u32>| Value::option(n.map(Value::U32));
    let more: Vec<Value> = more.iter().map(|n| Value::U32(*n)).collect();
    Value::record([
        Value::string(label),
        reference(left),
        reference(right),
        Value::list(more),
        Value::list([]),
        Value::none(),
        Value::none(),
    ])
}

/// A table whose root is a tree.
fn table(trees: Vec<Value>) -> Value {
    let mut lists = vec![Value::list([]); 2];
    lists[list_of("open-tree", "open.Tree")] = Value::list(trees);
    Value::record(lists)
}

fn refused(value: &Value) -> (String, String) {
    value.conforms(&OPEN.api, OPEN.ty("open.Tree")).expect("references are numbers");
    match OPEN.encode("open.Tree", value) {
        Err(Failure::InvalidRequest(violations)) => match &violations[..] {
            [v] => (v.location.clone(), v.message.clone()),
            other => panic!("one violation: {other:?}"),
        },
        other => panic!("a refusal: {other:?}"),
    }
}

#[test]
fn the_root_is_node_0_and_nodes_may_stand_anywhere() {
    let value = table(vec![tree("root", Some(2), Some(1), &[]), tree("b", None, None, &[]), tree("a", None, None, &[])]);
    let bytes = OPEN.encode("open.Tree", &value).expect("a tree");
    assert_eq!(bytes, b"\x0a\x04root\x12\x03\x0a\x01a\x1a\x03\x0a\x01b");
    let back = OPEN.decode("open.Tree", &bytes).expect("a tree");
    let expected = table(vec![tree("root", Some(1), Some(2), &[]), tree("a", None, None, &[]), tree("b", None, None, &[])]);
    assert_eq!(back, expected);
}

#[test]
fn a_node_without_references_is_left_out_and_a_shared_one_is_repeated() {
    let value = table(vec![tree("r", Some(2), Some(2), &[2]), tree("lost", None, None, &[]), tree("s", None, None, &[])]);
    let bytes = OPEN.encode("open.Tree", &value).expect("a tree");
    assert_eq!(bytes, b"\x0a\x01r\x12\x03\x0a\x01s\x1a\x03\x0a\x01s\x22\x03\x0a\x01s");
}

#[test]
fn bad_references_are_refused_where_they_stand() {
    let no_node = "there is no node at this position; the root is node 0 of its own list";
    assert_eq!(refused(&table(vec![])), ("request".to_owned(), no_node.to_owned()));
    let value = table(vec![tree("", Some(1), None, &[]), tree("", None, None, &[0, 7])]);
    // Reading goes from the end, so the reference out of range is met before the cycle.
    assert_eq!(refused(&value), ("request.open-tree[1].more[1]".to_owned(), no_node.to_owned()));
    let cycle = "the nodes form a cycle; a message is a tree";
    let value = table(vec![tree("", Some(1), None, &[]), tree("", None, None, &[0])]);
    assert_eq!(refused(&value), ("request.open-tree[1].more[0]".to_owned(), cycle.to_owned()));
    let value = table(vec![tree("", None, Some(0), &[])]);
    assert_eq!(refused(&value), ("request.open-tree[0].right".to_owned(), cycle.to_owned()));
}

#[test]
fn depth_is_limited_to_100() {
    let chain = |nodes: u32| table((0..nodes).map(|n| tree("", None, (n + 1 < nodes).then_some(n + 1), &[])).collect());
    assert!(OPEN.encode("open.Tree", &chain(101)).is_ok());
    let (location, message) = refused(&chain(102));
    assert_eq!((location.as_str(), message.as_str()), ("request.open-tree[100].right", "messages nest more than 100 deep"));
}

#[test]
fn sharing_cannot_blow_a_small_table_up() {
    // Each node refers twice to the next: 2^64 leaves.
    let nodes = (0..64).map(|n| tree("x", (n < 63).then_some(n + 1), (n < 63).then_some(n + 1), &[])).collect();
    let (_, message) = refused(&table(nodes));
    assert_eq!(message, "what is only referred to or counted would be written out to more than 64 MiB");
}

#[test]
fn a_count_cannot_ask_for_gigabytes() {
    let Ok(Value::Record(mut slots)) = OPEN.decode("open.Messages", b"") else { panic!("a record") };
    slots[3] = Value::U32(u32::MAX);
    let failure = OPEN.encode("open.Messages", &Value::Record(slots)).expect_err("four billion messages");
    let Failure::InvalidRequest(violations) = failure else { panic!("a violation: {failure:?}") };
    assert_eq!(violations[0].location, "request.nothings");
}

#[test]
fn tables_in_messages_and_messages_in_tables() {
    // The second tree fails; the place is the list item's and the node's.
    let good = table(vec![tree("a", None, None, &[])]);
    let bad = table(vec![tree("a", None, None, &[9])]);
    let Ok(Value::Record(mut slots)) = OPEN.decode("open.Forest", b"") else { panic!("a record") };
    slots[0] = Value::list([good, bad]);
    let failure = OPEN.encode("open.Forest", &Value::Record(slots)).expect_err("a bad reference");
    let Failure::InvalidRequest(violations) = failure else { panic!("a violation: {failure:?}") };
    assert_eq!(violations[0].location, "request.trees[1].open-tree[0].more[0]");
}

#[test]
fn a_value_of_another_type_is_refused_not_trusted() {
    // Such values never come from a guest; a mistake in the host must still not panic.
    for value in [Value::Bool(true), Value::record([]), Value::record([Value::U32(1), Value::U32(2)])] {
        for name in ["open.Tree", "open.Scalars", "open.Choice"] {
            assert!(OPEN.encode(name, &value).is_err(), "{name} {value:?}");
        }
        assert!(CLOSED.encode("closed.Groups", &value).is_err());
    }
}
