//! Fixtures over the example's REST API, as its OpenAPI document compiles.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use witwire_frontends::{DiskFiles, Options, openapi};
use witwire_interpreter::Plan;
use witwire_interpreter::fixture::{Fixture, FixtureProblem};
use witwire_ir::AuthMode;

/// The example's document with credentials from the guest or the host.
fn plan(auth: AuthMode) -> Plan {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/todo-service/openapi.yaml");
    let compiled = openapi::compile(&path, &DiskFiles, &Options { auth: Some(auth), ..Options::default() });
    let api = compiled.apis.into_iter().next().unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics));
    Plan::new(Arc::new(api)).expect("what a frontend makes can be performed")
}

/// One trial per file; `BLESS=1` writes what comes out.
#[test]
fn every_fixture_of_the_example_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http/fixtures");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).expect("fixtures").map(|e| e.expect("an entry").path()).collect();
    files.sort();
    assert!(files.len() >= 10, "{files:?}");
    let (guest, host) = (plan(AuthMode::Guest), plan(AuthMode::Host));
    let mut faults = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).expect("readable");
        let fixture = Fixture::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let plan = if fixture.api() == Some("todo-host") { &host } else { &guest };
        let outcome = fixture.run(plan).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        if std::env::var_os("BLESS").is_some() {
            fs::write(file, fixture.render_with(&outcome)).expect("writable");
        } else {
            faults.extend(fixture.compare(&outcome).into_iter().map(|m| format!("{}: {m}", file.display())));
            if faults.is_empty() {
                assert_eq!(fixture.render_with(&outcome), text, "{}: rendering changes it", file.display());
            }
        }
    }
    println!("{} fixtures", files.len());
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[test]
fn mistakes_in_a_fixture_have_a_line() {
    let problem = |text: &str| {
        let error = Fixture::parse(text).and_then(|f| f.run(&plan(AuthMode::Guest))).expect_err(text);
        (error.line, error.problem)
    };
    assert_eq!(problem("api: x\n"), (1, FixtureProblem::NoCall));
    assert_eq!(problem("# c\ncolour: red\ncall: x()"), (2, FixtureProblem::UnknownSetting { found: "colour".to_owned() }));
    assert_eq!(problem("api: a\napi: b\ncall: x()"), (2, FixtureProblem::RepeatedSetting { name: "api" }));
    assert_eq!(problem("auth: token\ncall: x()"), (1, FixtureProblem::BadAuth));
    let unknown = FixtureProblem::UnknownSection { name: "answer".to_owned() };
    assert_eq!(problem("call: x()\n--- answer\n"), (2, unknown));
    let misplaced = FixtureProblem::MisplacedSection { name: "request".to_owned() };
    assert_eq!(problem("call: x()\n--- result\nok\n--- request\n"), (4, misplaced));
    let (line, call) = problem("\ncall: todos.delete(\"123e4567-e89b-12d3-a456-426614174000\",\n  {auth: {tokn: \"t\"}})\n");
    assert!(matches!(call, FixtureProblem::Call(_)), "{call}");
    assert_eq!(line, 3);
    assert!(call.to_string().contains("tokn"), "a misspelt field is named: {call}");
    let get = "call: todos.get(\"123e4567-e89b-12d3-a456-426614174000\", {token: \"t\"})\n--- response\n";
    assert_eq!(problem(&format!("{get}OK\n")), (3, FixtureProblem::Response { expected: "a status line: `200 OK`" }));
    let expected = "`name: value`, or an empty line before the body";
    assert_eq!(problem(&format!("{get}200\nx\n")), (4, FixtureProblem::Response { expected }));
    let expected = "hexadecimal digits behind `<hex>`";
    assert_eq!(problem(&format!("{get}200\na: b\n\n<hex>\n0g\n")), (6, FixtureProblem::Response { expected }));
}
