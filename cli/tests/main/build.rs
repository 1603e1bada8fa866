//! `witwire build`, `witwire new` and `witwire manifest`: from a manifest to a bundle.

use std::path::{Path, PathBuf};

use witwire_ir::container;
use witwire_manifest::bundle;

use crate::Add;
use crate::documents::{Documents, project};
use crate::tool::{example, folder, root, tools, witwire};

pub(crate) fn trials(add: Add<'_>) {
    add("build::the_agent_becomes_a_bundle", the_agent_becomes_a_bundle);
    add("build::generated_wit_is_kept_as_it_must_be", generated_wit_is_kept_as_it_must_be);
    add("build::a_foreign_file_is_not_overwritten", a_foreign_file_is_not_overwritten);
    add("build::a_changed_api_is_refused_with_all_differences", a_changed_api_is_refused_with_all_differences);
    add("build::a_command_runs_when_its_inputs_change", a_command_runs_when_its_inputs_change);
    add("build::documents_are_pinned", documents_are_pinned);
    add("build::a_redirect_is_not_followed", a_redirect_is_not_followed);
    add("build::an_environment_changes_values_only", an_environment_changes_values_only);
    add("build::bundles_of_components_that_are_gone_are_removed", bundles_of_components_that_are_gone_are_removed);
    add("build::settings_that_cannot_be_used_are_refused_at_their_dependency", settings_that_cannot_be_used);
    add("build::mistakes_for_programs", mistakes_for_programs);
    add("new::a_project_is_made_and_checked", a_project_is_made_and_checked);
    add("new::a_project_is_built_by_a_wasm_toolchain", a_project_is_built_by_a_wasm_toolchain);
}

const BUILD: &[&str] = &["build", "--no-command"];
const BUNDLE: &str = ".witwire/build/app_todo-agent.witwire";

/// The agent and what it is made of, in a folder of its own; the agent's folder in it.
fn agent() -> (tempfile::TempDir, PathBuf) {
    let dir = example();
    let agent = dir.path().join("todo-agent");
    (dir, agent)
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).expect("a file");
    assert!(text.contains(from), "{} has no {from}", path.display());
    std::fs::write(path, text.replace(from, to)).expect("written");
}

fn read(path: &Path) -> bundle::Bundle {
    bundle::read(&std::fs::read(path).expect("a bundle")).expect("a valid bundle")
}

fn the_agent_becomes_a_bundle() {
    let (_dir, agent) = agent();
    witwire(&agent, BUILD).exits(0).says("built app:todo-agent");
    let built = read(&agent.join(BUNDLE));
    assert_eq!(built.name.as_str(), "app:todo-agent");
    assert_eq!(built.component, std::fs::read(agent.join("todo-agent.wasm")).expect("the component"));
    let packages: Vec<_> = built.metadata.iter().filter_map(|s| s.package.as_deref()).collect();
    assert_eq!(packages, ["demo:todo", "api:todos"]);
    assert_eq!(built.metadata[1].credentials.keys().collect::<Vec<_>>(), ["bearerAuth"]);
    // Only what the agent imports is in it.
    let operations = |ir: &Vec<u8>| -> Vec<String> {
        let apis = container::read(ir).expect("a container").apis;
        let mut names: Vec<_> =
            apis.iter().flat_map(|a| a.operations.iter().map(|(_, o)| o.name.as_str().to_owned())).collect();
        names.sort();
        names
    };
    assert_eq!(operations(&built.irs[0]), ["add-todo", "list-todos", "update-todo"]);
    assert_eq!(operations(&built.irs[1]), ["complete", "create", "list"]);
    // What is committed is what is generated.
    for file in ["demo_todo/todo.wit", "api_todos/todos.wit", ".witwire.json"] {
        let committed = std::fs::read_to_string(root().join("examples/todo-agent/wit/deps").join(file)).expect(file);
        assert_eq!(std::fs::read_to_string(agent.join("wit/deps").join(file)).expect(file), committed, "{file}");
    }
    assert!(built.component.len() < 64 << 10, "{} bytes", built.component.len());
    witwire(&agent, BUILD).exits(0).says("unchanged app:todo-agent");
}

fn generated_wit_is_kept_as_it_must_be() {
    let (_dir, agent) = agent();
    witwire(&agent, BUILD).exits(0);
    let file = agent.join("wit/deps/api_todos/todos.wit");
    let good = std::fs::read_to_string(&file).expect("generated");
    // Edited, then deleted: repaired.
    std::fs::write(&file, "package api:todos;").expect("written");
    witwire(&agent, BUILD).exits(0).says("wrote").complains("was generated and then edited; it was generated again");
    assert_eq!(std::fs::read_to_string(&file).expect("repaired"), good);
    std::fs::remove_file(&file).expect("removed");
    witwire(&agent, BUILD).exits(0).says("wrote");
    assert_eq!(std::fs::read_to_string(&file).expect("repaired"), good);
    // No longer wanted: removed. A package of another hand stays.
    let foreign = agent.join("wit/deps/my_thing/thing.wit");
    std::fs::create_dir_all(foreign.parent().expect("a folder")).expect("made");
    std::fs::write(&foreign, "package my:thing;\n").expect("written");
    edit(&agent.join("witwire.yaml"), "name: todos", "name: todos\n      package: api:things");
    witwire(&agent, BUILD).exits(1).complains("error[M034]").complains("api:todos");
    assert!(!agent.join("wit/deps/api_todos").exists());
    // What somebody has edited is not removed.
    let things = agent.join("wit/deps/api_things/things.wit");
    std::fs::write(&things, "package api:things;").expect("written");
    edit(&agent.join("witwire.yaml"), "package: api:things", "package: api:todos");
    witwire(&agent, BUILD).exits(0).complains("things.wit` was generated and then edited; it is no longer wanted");
    assert_eq!(std::fs::read_to_string(&things).expect("kept"), "package api:things;");
    std::fs::remove_file(&things).expect("removed");
    edit(&agent.join("witwire.yaml"), "package: api:todos", "package: api:things");
    witwire(&agent, BUILD).exits(1).complains("error[M034]");
    assert!(agent.join("wit/deps/api_things/things.wit").exists());
    assert!(foreign.exists());
}

fn a_foreign_file_is_not_overwritten() {
    let (_dir, agent) = agent();
    let file = agent.join("wit/deps/api_todos/todos.wit");
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    std::fs::write(&file, "package api:todos@1.0.0;\n").expect("written");
    witwire(&agent, BUILD).exits(1).complains("error[M030]");
    assert_eq!(std::fs::read_to_string(&file).expect("kept"), "package api:todos@1.0.0;\n");
}

fn a_changed_api_is_refused_with_all_differences() {
    let (_dir, agent) = agent();
    witwire(&agent, BUILD).exits(0);
    let before = std::fs::read(agent.join(BUNDLE)).expect("a bundle");
    edit(&agent.join("../todo-service/proto/todo.proto"), "bool done", "string done");
    let ran = witwire(&agent, BUILD).exits(1).complains("error[M033]").complains("demo:todo/todo-service@1.0.0");
    assert!(ran.err.matches("error[M033]").count() > 1, "{}", ran.err);
    assert_eq!(std::fs::read(agent.join(BUNDLE)).expect("a bundle"), before, "the old bundle stays whole");
}

fn a_command_runs_when_its_inputs_change() {
    let (_dir, agent) = agent();
    std::fs::create_dir(agent.join("src")).expect("made");
    std::fs::write(agent.join("src/main.txt"), "one").expect("written");
    let manifest = agent.join("witwire.yaml");
    edit(&manifest, "./build.sh", "echo run >> .ran && cp todo-agent.wasm out.wasm");
    edit(&manifest, "wasm: todo-agent.wasm", "wasm: out.wasm");
    edit(&manifest, "build.sh, src/**", "src/**, srcs/**, ../todo-service/**");
    let runs = || std::fs::read_to_string(agent.join(".ran")).unwrap_or_default().lines().count();
    let build = || witwire(&agent, &["build"]).exits(0);
    build();
    assert_eq!(runs(), 1);
    // Told each time: nothing runs by itself where these change.
    let told = build().complains("`srcs/**`, which matches no file").complains("`../todo-service/**`, which matches");
    assert!(!told.err.contains("`src/**`"), "{}", told.err);
    assert_eq!(runs(), 1, "nothing changed");
    std::fs::write(agent.join("README.md"), "not an input").expect("written");
    build();
    assert_eq!(runs(), 1, "not an input");
    std::fs::write(agent.join("src/main.txt"), "two").expect("written");
    build();
    assert_eq!(runs(), 2, "an input changed");
    std::fs::remove_file(agent.join("out.wasm")).expect("removed");
    build();
    assert_eq!(runs(), 3, "the output is gone");
    edit(&agent.join("../todo-service/openapi.yaml"), "summary: Marks a todo as done", "summary: Finishes a todo");
    build();
    assert_eq!(runs(), 4, "the WIT changed");
    edit(&manifest, "echo run", "echo ran");
    build();
    assert_eq!(runs(), 5, "the command changed");
    witwire(&agent, &["build", "--force"]).exits(0);
    assert_eq!(runs(), 6);
    edit(&manifest, "echo ran", "false; exit 3; echo ran");
    witwire(&agent, &["build"]).exits(1).complains("error[M031]").complains("exit status: 3");
    witwire(&agent, &["build"]).exits(1).complains("error[M031]");
}

const NOTES: &str = "openapi: 3.1.0
info: { title: Notes, version: v1 }
servers: [{ url: https://notes.example.com }]
paths:
  /notes: { get: { operationId: listNotes, tags: [notes], responses: { 204: { description: None } } } }
";

const PATH: &str = "/notes.yaml";

/// A project whose document is at a server.
fn of(server: &Documents) -> tempfile::TempDir {
    project(&format!("{{ type: openapi, url: \"{}\" }}", server.at(PATH)))
}

fn documents_are_pinned() {
    let server = Documents::serve(&[(PATH, NOTES)]);
    let dir = of(&server);
    let requests = || server.asked().len();
    let check = |words: &[&str]| witwire(dir.path(), &[&["manifest", "check"], words].concat());
    let build = |words: &[&str]| witwire(dir.path(), &[BUILD, words].concat());
    for command in [&check as &dyn Fn(&[&str]) -> _, &build] {
        command(&["--locked"]).exits(1).complains("error[M020]");
        command(&["--offline"]).exits(1).complains("error[M021]");
    }
    assert_eq!(requests(), 0);
    // To check pins nothing.
    check(&[]).exits(0);
    assert!(requests() == 1 && !dir.path().join("witwire.lock").exists());
    build(&[]).exits(0);
    assert_eq!(requests(), 1);
    let lock = std::fs::read_to_string(dir.path().join("witwire.lock")).expect("a lock");
    assert!(lock.contains(&server.at(PATH)) && lock.contains("blake3:"), "{lock}");
    // From now on the copy is read. What was found is told each time.
    let first = build(&[]).exits(0).complains("imports nothing of its dependency `notes`");
    let second = build(&["--offline", "--locked"]).exits(0);
    assert!(first.err.contains("note[") && first.err == second.err, "{}\n{}", first.err, second.err);
    check(&["--offline", "--locked"]).exits(0);
    assert_eq!(requests(), 0);
    // Another checkout has the lock and no copy.
    server.set(PATH, &NOTES.replace("listNotes", "allNotes"));
    std::fs::remove_dir_all(dir.path().join(".witwire")).expect("removed");
    check(&[]).exits(1).complains("error[M022]").complains("--update-lock");
    assert_eq!(std::fs::read_to_string(dir.path().join("witwire.lock")).expect("a lock"), lock);
    build(&["--update-lock"]).exits(0);
    assert_ne!(std::fs::read_to_string(dir.path().join("witwire.lock")).expect("a lock"), lock);
    // A damaged copy is not used.
    for copy in std::fs::read_dir(dir.path().join(".witwire/specs")).expect("copies").flatten() {
        std::fs::write(copy.path(), "openapi: 3.1.0").expect("written");
    }
    check(&["--offline"]).exits(1).complains("error[M021]");
    check(&[]).exits(0);
    std::fs::write(dir.path().join("witwire.lock"), "{}").expect("written");
    check(&[]).exits(1).complains("error[M001]");
}

fn a_redirect_is_not_followed() {
    let server = Documents::serve(&[]);
    server.answer(PATH, "302 Found", "location: /elsewhere?signature=hunter2\r\n", "");
    let dir = of(&server);
    let told = witwire(dir.path(), &["manifest", "check"]).exits(1).complains("redirects to /elsewhere (");
    assert!(!told.err.contains("hunter2"), "{}", told.err);
    assert_eq!(server.asked(), [PATH]);
    server.remove(PATH);
    witwire(dir.path(), &["manifest", "check"]).exits(1).complains("404");
    assert!(!dir.path().join("witwire.lock").exists());
}

fn an_environment_changes_values_only() {
    let (_dir, agent) = agent();
    let manifest = agent.join("witwire.yaml");
    let mut text = std::fs::read_to_string(&manifest).expect("the manifest");
    text.push_str("environments:\n  test:\n    app:todo-agent:\n      todos: { server: http://127.0.0.1:9/x, retry: { attempts: 1 } }\n");
    std::fs::write(&manifest, text).expect("written");
    witwire(&agent, BUILD).exits(0);
    let everywhere = read(&agent.join(BUNDLE));
    assert_eq!(everywhere.environment, None);
    let ran = witwire(&agent, &[BUILD, &["--environment", "test", "--format", "json"]].concat()).exits(0).json();
    assert_eq!(ran["built"][0]["wit"], serde_json::json!([]));
    let test = read(&agent.join(BUNDLE));
    assert_eq!(test.environment.as_deref(), Some("test"));
    assert_eq!((&test.component, &test.irs), (&everywhere.component, &everywhere.irs));
    assert_eq!(test.metadata[0], everywhere.metadata[0]);
    assert_eq!(test.metadata[1].server.as_ref().map(ToString::to_string).as_deref(), Some("http://127.0.0.1:9/x"));
    assert_eq!(test.metadata[1].retry.attempts.get(), 1);
    assert_eq!(test.metadata[1].credentials, everywhere.metadata[1].credentials);
    witwire(&agent, &["build", "--environment", "tset"]).exits(1).complains("no environment `tset`");
}

fn bundles_of_components_that_are_gone_are_removed() {
    let (_dir, agent) = agent();
    witwire(&agent, BUILD).exits(0);
    let old = agent.join(BUNDLE);
    let note = agent.join(".witwire/build/note.txt");
    std::fs::write(&note, "not a bundle").expect("written");
    let elsewhere = agent.join("out");
    witwire(&agent, &[BUILD, &["-o", "out"]].concat()).exits(0);
    edit(&agent.join("witwire.yaml"), "app:todo-agent", "app:party-agent");
    // A build that fails removes nothing.
    std::fs::rename(agent.join("todo-agent.wasm"), agent.join("kept.wasm")).expect("moved");
    witwire(&agent, BUILD).exits(1).complains("error[M032]");
    assert!(old.exists());
    std::fs::rename(agent.join("kept.wasm"), agent.join("todo-agent.wasm")).expect("moved");
    witwire(&agent, &[BUILD, &["-o", "out"]].concat()).exits(0);
    assert!(elsewhere.join("app_todo-agent.witwire").exists(), "a named folder may be shared");
    witwire(&agent, BUILD).exits(0).complains("removed .witwire/build/app_todo-agent.witwire");
    assert!(!old.exists() && note.exists() && agent.join(".witwire/build/app_party-agent.witwire").exists());
}

fn settings_that_cannot_be_used() {
    let (_dir, agent) = agent();
    edit(&agent.join("witwire.yaml"), "auth: host", "tls: { authority: \"not a name\" }\n      auth: host");
    let ran = witwire(&agent, BUILD).exits(1).complains("error[M035]").complains("`tls.authority`");
    assert!(ran.err.contains("#/dependencies/app:todo-agent/1") && !ran.err.contains("`build` command"), "{}", ran.err);
}

fn mistakes_for_programs() {
    let dir = folder(&[("witwire.yaml", b"components: { app:a: { wsam: a.wasm } }")]);
    let ran = witwire(dir.path(), &["build", "--format", "json"]).exits(1);
    let told: serde_json::Value = serde_json::from_str(&ran.err).expect("JSON");
    let codes: Vec<_> = told["mistakes"].as_array().expect("a list").iter().map(|m| m["code"].clone()).collect();
    assert_eq!(codes, ["M006", "M003"]);
    assert_eq!(told["mistakes"][1]["column"], 24);
    witwire(dir.path(), &["build", "--manifest", "elsewhere.yaml"]).exits(1).complains("error[M001]: elsewhere.yaml");
}

fn a_project_is_made_and_checked() {
    let dir = folder(&[]);
    witwire(dir.path(), &["new", "notes-agent"]).exits(0).says("Next: cd notes-agent");
    let project = dir.path().join("notes-agent");
    witwire(&project, &["manifest", "check"]).exits(0).says("no mistakes in app:notes-agent");
    // The WIT is generated, and the world is read with it, before the component is missed.
    witwire(&project, BUILD).exits(1).complains("error[M032]");
    let wit = std::fs::read_to_string(project.join("wit/deps/api_notes/notes.wit")).expect("generated");
    assert!(wit.contains("create: func(request: create-request)"), "{wit}");
    // Nothing is overwritten.
    witwire(dir.path(), &["new", "notes-agent"]).exits(2).complains("not empty");
    witwire(dir.path(), &["new", "Notes Agent"]).exits(2).complains("cannot be the name");
}

/// By the Rust toolchain that `.ci/tools rust-guest` installs; it builds its own standard library for wasm, which takes a minute.
fn a_project_is_built_by_a_wasm_toolchain() {
    if std::env::var_os("WITWIRE_FULL").is_none() {
        println!("skipped: a Rust guest is built from a new project by `.ci/full` (WITWIRE_FULL)");
        return;
    }
    let environment = tools().join("rust-guest/env");
    assert!(environment.exists(), "`.ci/tools rust-guest` was not run");
    let dir = folder(&[]);
    witwire(dir.path(), &["new", "notes-agent"]).exits(0);
    let project = dir.path().join("notes-agent");
    let command = format!(
        ". {} && cargo build --release --target wasm32-unknown-unknown -Zbuild-std=std,panic_abort",
        environment.display()
    );
    edit(&project.join("witwire.yaml"), "cargo build --release --target wasm32-wasip2", &command);
    edit(&project.join("witwire.yaml"), "wasm32-wasip2/release", "wasm32-unknown-unknown/release");
    witwire(&project, &["build"]).exits(0).says("built app:notes-agent");
    let built = read(&project.join(".witwire/build/app_notes-agent.witwire"));
    assert_eq!(built.irs.len(), 1);
    witwire(&project, &["build"]).exits(0).says("unchanged app:notes-agent");
}
