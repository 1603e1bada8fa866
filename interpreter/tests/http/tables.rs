//! Recursive values: tables of nodes against trees of `serde_json`.

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use witwire_ir::wire::Wire;
use witwire_ir::wire::json::{Arm, Json as Form, Kind, Presence, Rung, Table, Union};
use witwire_ir::{Field, Shape, Type, TypeId, TypeName, Value};

use crate::http::build::{self, Builder, name, reader, request, writer};

/// `tree { trees: list<tree-node>, rules: list<rule-node> }`: trees hold trees and rules, rules hold rules and trees.
///
/// The two object arms of a rule differ in nothing but optional members, so that both are tried, with all that they hold.
fn tree(b: &mut Builder) -> TypeId {
    let (to_tree, to_rule) = (reference(b, "tree-ref", 0), reference(b, "rule-ref", 1));
    let (text, flag) = (b.plain(Shape::String), b.plain(Shape::Bool));
    let (trees, rules) = (b.list(to_tree), b.list(to_rule));
    let (some_trees, some_rules) = (b.option(trees), b.option(rules));
    let (some_rule, some_tree, some_flag) = (b.option(to_rule), b.option(to_tree), b.option(flag));
    let grafts = b.map(to_tree);
    let tree = b.record(
        "tree-node",
        &[
            ("name", text, Presence::Required),
            ("children", some_trees, Presence::Optional),
            ("grafts", grafts, Presence::Required),
            ("rule", some_rule, Presence::Optional),
        ],
    );
    let all = b.record("all", &[("rules", some_rules, Presence::Optional), ("strict", some_flag, Presence::Optional)]);
    let either = b.record("either", &[("rules", some_rules, Presence::Optional), ("tree", some_tree, Presence::Optional)]);
    let arms = vec![Arm::Value(all), Arm::Value(either), Arm::Value(rules)];
    let ladder = vec![Rung::Kind(vec![(Kind::Array, 2)]), Rung::Best(vec![0, 1])];
    let cases = [("all", Some(all)), ("either", Some(either)), ("many", Some(rules))];
    let rule = b.variant("rule-node", &cases, Form::Union(Union { arms, ladder }));
    table_of(b, "tree", &[("trees", tree), ("rules", rule)])
}

fn declared(b: &mut Builder, text: &str, shape: Shape, form: Form) -> TypeId {
    let name = Some(TypeName { interface: b.interface, name: name(text) });
    let id = b.api.types.push(Type { name, ..Type::with_wire(shape, Wire::Json(form)) });
    b.api.interfaces[b.interface].types.push(id);
    id
}

fn reference(b: &mut Builder, text: &str, list: u16) -> TypeId {
    let number = b.plain(Shape::U32);
    declared(b, text, Shape::Alias(number), Form::Node { list })
}

/// A table of these lists; the root is in the first.
fn table_of(b: &mut Builder, text: &str, lists: &[(&str, TypeId)]) -> TypeId {
    let fields = lists.iter().map(|(list, node)| Field { name: name(list), ty: b.list(*node), docs: None }).collect();
    let nodes = lists.iter().map(|(_, node)| *node).collect();
    declared(b, text, Shape::Record(fields), Form::Table(Table { nodes, root: 0 }))
}

/// `forest { forests: list<forest-node> }`: each node holds a tree, which is a table of its own.
fn forest(b: &mut Builder) -> TypeId {
    let to_forest = reference(b, "forest-ref", 0);
    let (tree, more) = (tree(b), b.list(to_forest));
    let node = b.record("forest-node", &[("tree", tree, Presence::Required), ("more", more, Presence::Required)]);
    table_of(b, "forest", &[("forests", node)])
}

fn trees_in_a_list(b: &mut Builder) -> TypeId {
    let tree = tree(b);
    b.list(tree)
}

fn rule() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![Just(json!({})), Just(json!([])), any::<bool>().prop_map(|b| json!({ "strict": b }))];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let rules = prop::collection::vec(inner.clone(), 0..3);
        prop_oneof![
            rules.clone().prop_map(|r| json!({ "rules": r, "strict": true })),
            (rules.clone(), inner)
                .prop_map(|(r, in_tree)| { json!({ "rules": r, "tree": { "name": "t", "grafts": {}, "rule": in_tree } }) }),
            rules.prop_map(Json::from),
        ]
    })
}

fn trees() -> impl Strategy<Value = Json> {
    let leaf = ("[a-z]{0,3}", prop::option::of(rule())).prop_map(|(name, rule)| match rule {
        Some(rule) => json!({ "name": name, "grafts": {}, "rule": rule }),
        None => json!({ "name": name, "grafts": {} }),
    });
    leaf.prop_recursive(4, 24, 4, |inner| {
        let children = prop::collection::vec(inner.clone(), 0..4);
        let grafts = prop::collection::btree_map("[a-z]{1,2}", inner, 0..3);
        ("[a-z]{0,3}", children, grafts)
            .prop_map(|(name, children, grafts)| json!({ "name": name, "children": children, "grafts": grafts }))
    })
}

fn sent(value: &Value) -> Result<Json, Vec<String>> {
    sent_as(tree, value)
}

fn violations(value: &Value) -> Vec<String> {
    violations_as(tree, value)
}

fn sent_as(ty: fn(&mut Builder) -> TypeId, value: &Value) -> Result<Json, Vec<String>> {
    let (plan, operation) = writer(ty);
    let body = request(&plan, operation, std::slice::from_ref(value))?.body.expect("a body");
    Ok(serde_json::from_slice(&body).expect("JSON"))
}

fn violations_as(ty: fn(&mut Builder) -> TypeId, value: &Value) -> Vec<String> {
    let (plan, operation) = writer(ty);
    plan.check(operation, std::slice::from_ref(value)).into_iter().map(|v| format!("{} {}", v.location, v.rule)).collect()
}

/// A tree's node without rules; `name`, children, grafts.
fn node(name: &str, children: &[u32], grafts: &[(&str, u32)]) -> Value {
    let children = Value::list(children.iter().map(|n| Value::U32(*n)).collect::<Vec<_>>());
    let grafts = grafts.iter().map(|(key, n)| Value::tuple([Value::string(*key), Value::U32(*n)])).collect::<Vec<_>>();
    Value::record([Value::string(name), Value::some(children), Value::list(grafts), Value::none()])
}

fn table(trees: Vec<Value>) -> Value {
    Value::record([Value::list(trees), Value::list([])])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_is_read_is_written_as_it_was(json in trees()) {
        let (plan, operation) = reader(tree);
        let value = build::read(&plan, operation, json.to_string()).expect("a tree");
        prop_assert!(violations(&value).is_empty());
        prop_assert_eq!(sent(&value), Ok(json));
    }

    #[test]
    fn any_positions_are_written_or_refused(
        edges in prop::collection::vec(prop::collection::vec(0_u32..6, 0..4), 1..6),
    ) {
        let value = table(edges.iter().map(|to| node("n", to, &[])).collect());
        let written = sent(&value);
        prop_assert_eq!(written.is_ok(), violations(&value).is_empty());
        // Without cycles and wrong positions a table is a tree: the oracle walks it.
        fn tree_of(edges: &[Vec<u32>], at: u32, depth: usize) -> Option<Json> {
            let to = edges.get(at as usize).filter(|_| depth < 6)?;
            let children: Option<Vec<Json>> = to.iter().map(|n| tree_of(edges, *n, depth + 1)).collect();
            Some(json!({ "name": "n", "grafts": {}, "children": children? }))
        }
        prop_assert_eq!(written.ok(), tree_of(&edges, 0, 0));
    }
}

#[test]
fn a_node_that_is_referred_to_twice_is_written_twice() {
    let value = table(vec![node("r", &[1, 1], &[("g", 1)]), node("x", &[], &[]), node("unused", &[], &[])]);
    let x = json!({ "name": "x", "children": [], "grafts": {} });
    assert_eq!(sent(&value), Ok(json!({ "name": "r", "children": [x, x], "grafts": { "g": x } })));
}

#[test]
fn what_stands_for_no_tree_is_refused_with_its_place() {
    let refused = |trees: Vec<Value>, expected: &[&str]| {
        let value = table(trees);
        assert_eq!(violations(&value), expected);
        assert_eq!(sent(&value), Err(expected.iter().map(|e| (*e).to_owned()).collect()));
    };
    refused(vec![], &["body.trees nodes"]);
    refused(vec![node("r", &[0], &[])], &["body.trees[0] nodes"]);
    refused(vec![node("r", &[1], &[]), node("x", &[], &[("g", 2)])], &["body.trees[1] nodes"]);
    // 101 levels.
    refused(
        (0..101).map(|i| node("n", if i < 100 { vec![i + 1] } else { vec![] }.as_slice(), &[])).collect(),
        &["body.trees[100] nodes"],
    );
    // Forty nodes that stand for 2⁴⁰.
    refused(
        (0..40).map(|i| node("n", if i < 39 { vec![i + 1; 2] } else { vec![] }.as_slice(), &[])).collect(),
        &["body.trees[0] nodes"],
    );
}

/// A table of two nodes that repeats so many half MiB.
fn repeating(times: usize) -> Value {
    table(vec![node("r", &vec![1; times + 1], &[]), node(&"x".repeat(512 << 10), &[], &[])])
}

#[test]
fn the_limit_on_repeated_nodes_is_one_of_the_whole_call() {
    let list = |times: &[usize]| Value::list(times.iter().map(|n| repeating(*n)).collect::<Vec<_>>());
    assert_eq!(violations_as(trees_in_a_list, &list(&[80, 80])), ["body[1].trees[0] nodes"]);
    assert_eq!(sent_as(trees_in_a_list, &list(&[80, 80])), Err(vec!["body[1].trees[0] nodes".to_owned()]));
    assert_eq!(violations_as(trees_in_a_list, &list(&[80, 40])), [""; 0]);
    assert!(sent_as(trees_in_a_list, &list(&[80, 40])).is_ok());
    // What is not repeated does not count, however much it is.
    assert_eq!(violations_as(trees_in_a_list, &list(&[0; 200])), [""; 0]);
}

#[test]
fn a_table_in_a_repeated_node_counts_with_all_that_it_stands_for() {
    let forest_of = |times: usize| {
        let root = Value::record([repeating(0), Value::list(vec![Value::U32(1); times])]);
        Value::record([Value::list([root, Value::record([repeating(39), Value::list([])])])])
    };
    assert_eq!(violations_as(forest, &forest_of(4)), ["body.forests[0] nodes"]);
    assert_eq!(sent_as(forest, &forest_of(4)), Err(vec!["body.forests[0] nodes".to_owned()]));
    assert_eq!(violations_as(forest, &forest_of(3)), [""; 0]);
    assert!(sent_as(forest, &forest_of(3)).is_ok());
}

#[test]
fn a_hundred_levels_of_nodes_are_read_and_no_more() {
    let (plan, operation) = reader(tree);
    // The tree is the first level; each array of rules is one, and one level of JSON.
    let nested = |levels: usize| {
        let arrays = levels - 1;
        format!("{{\"name\":\"n\",\"grafts\":{{}},\"rule\":{}{}}}", "[".repeat(arrays), "]".repeat(arrays))
    };
    let value = build::read(&plan, operation, nested(100)).expect("100 levels");
    assert_eq!(sent(&value).map(|v| v.to_string().len()), Ok(nested(100).len()));
    let (_, message) = build::read(&plan, operation, nested(101)).expect_err("101 levels");
    assert!(message.contains("100 levels"), "{message}");
}

#[test]
fn sixty_levels_are_read_and_written_but_not_more_than_a_hundred() {
    let nested = |levels: usize| {
        let (open, close) = ("{\"name\":\"n\",\"grafts\":{},\"children\":[".repeat(levels - 1), "]}".repeat(levels - 1));
        format!("{open}{{\"name\":\"n\",\"grafts\":{{}}}}{close}")
    };
    let (plan, operation) = reader(tree);
    let value = build::read(&plan, operation, nested(60)).expect("60 levels");
    assert_eq!(sent(&value).map(|v| v.to_string().len()), Ok(nested(60).len()));
    let (_, message) = build::read(&plan, operation, nested(101)).expect_err("101 levels");
    assert!(message.contains("nested deeper"), "{message}");
}
