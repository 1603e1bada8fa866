//! Rules that a document says of the arms of its unions, from the document to the refusal.

use std::path::Path;
use std::sync::Arc;

use witwire_frontends::{Bodies, DiskFiles, Options, openapi};
use witwire_interpreter::{Plan, Request};
use witwire_ir::sample::{SplitMix64, sample_arguments};
use witwire_ir::{OperationId, wave};

/// The document of the frontend's own test, and its operation of this path.
fn plan(path: &str) -> (Plan, OperationId) {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../frontends/tests/openapi/rules_of_arms.yaml");
    let options = Options { bodies: Bodies::Whole, ..Options::default() };
    let compiled = openapi::compile(&document, &DiskFiles, &options);
    let plan = Plan::new(Arc::new(compiled.apis.into_iter().next().expect("an API"))).expect("a plan");
    let id = plan.api().operations.iter().find(|(_, o)| o.source_name().ends_with(path)).expect("the operation").0;
    (plan, id)
}

/// What breaks the rules, as `location rule`.
fn broken((plan, id): &(Plan, OperationId), arguments: &str) -> Vec<String> {
    let interface = if plan.api().operations[*id].source_name().ends_with("/zones") { "zones" } else { "actions" };
    let call = format!("{interface}.create({arguments})");
    let args = wave::parse_call(plan.api(), &call).expect(arguments).args;
    plan.check(*id, &args).into_iter().map(|v| format!("{} {}", v.location, v.rule)).collect()
}

#[test]
fn a_scalar_keeps_the_rules_of_an_arm() {
    let create = plan("/zones");
    let matcher = r#"{\"type\":\"all\",\"with\":{\"n\":1}}"#;
    let zone = |ips: &str, ttl: &str, more: &str, matcher: &str| {
        broken(&create, &format!("{{ips: [{ips}], ttl: {ttl}, matchers: [\"{matcher}\"]{more}}}"))
    };
    let none: [&str; 0] = [];
    assert_eq!(zone(r#""192.0.2.1", "2001:db8::1""#, "1.0", "", matcher), none);
    assert_eq!(zone(r#""192.0.2.1", "heron""#, "60.0", "", matcher), ["body.ips[1] schema"]);
    assert_eq!(zone("", "2.0", "", matcher), ["body.ttl schema"]);
    assert_eq!(zone("", "86400.0", r#", code: some("abc"), since: some("")"#, matcher), none);
    assert_eq!(zone("", "60.0", r#", code: some("1234")"#, matcher), none, "the second arm's");
    assert_eq!(zone("", "60.0", r#", code: some("ab")"#, matcher), ["body.code schema"]);
    assert_eq!(zone("", "60.0", r#", since: some("soon")"#, matcher), ["body.since schema"]);
    assert_eq!(zone("", "60.0", ", level: some(low), listed: some(b)", matcher), none);
    assert_eq!(zone("", "60.0", r#", level: some(other("middle"))"#, matcher), ["body.level schema"]);
    assert_eq!(zone("", "60.0", r#", any: some("no rule of one arm alone")"#, matcher), none);
    assert_eq!(zone("", "60.0", r#", alike: some("longer")"#, matcher), ["body.alike maxLength"]);
    assert_eq!(zone("", "60.0", "", "{}"), ["body.matchers[0] schema"; 2], "both members that it must have");
}

#[test]
fn a_discriminator_is_a_value_of_its_arm() {
    let create = plan("/actions");
    let none: [&str; 0] = [];
    assert_eq!(broken(&create, "reboot({%type: shutdown})"), none);
    assert_eq!(broken(&create, "reboot({%type: snapshot})"), ["body.reboot.type in"]);
    assert_eq!(broken(&create, r#"reboot({%type: unrecognized("restart")})"#), ["body.reboot.type in"]);
    assert_eq!(broken(&create, r#"snapshot({%type: some("snapshot"), name: "n"})"#), none);
    assert_eq!(broken(&create, r#"snapshot({name: "n"})"#), none, "absent, which the document allows");
    assert_eq!(broken(&create, r#"snapshot({%type: some("reboot"), name: "n"})"#), ["body.snapshot.type in"]);
    assert_eq!(broken(&create, "resize({size: 1})"), none, "a constant");
    assert_eq!(broken(&create, r#"other({%type: "any", other: "o"})"#), none, "an arm that the mapping leaves out");
}

/// Every sample: an example is of no use where it has to be repaired.
#[test]
fn samples_keep_the_rules_of_arms() {
    for path in ["/zones", "/actions"] {
        let (plan, id) = plan(path);
        let mut random = SplitMix64::new(7);
        for _ in 0..200 {
            let args = sample_arguments(plan.api(), &plan.api().operations[id], &mut random);
            let violations = plan.check(id, &args);
            assert!(violations.is_empty(), "{}: {violations:?}", wave::print_call(plan.api(), id, &args));
            assert!(matches!(plan.request(id, &args), Ok(Request::Http(_))));
        }
    }
}
