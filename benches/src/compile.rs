//! What happens once per specification: compiling it, keeping it in a container, planning its calls. No peer does the same.

use std::sync::Arc;

use witwire_interpreter::Plan;
use witwire_ir::Api;
use witwire_ir::container::{self, Bundle, Limits};

use crate::specification::{Specification, only};
use crate::{Case, corpus};

const OPENAPI: &str = include_str!("../../examples/todo-service/openapi.yaml");
const PROTO: &str = include_str!("../../examples/todo-service/proto/todo.proto");

fn todo_openapi() -> Specification {
    Specification::new("openapi.yaml", OPENAPI)
}

fn todo_protobuf() -> Specification {
    Specification::new("todo.proto", PROTO)
}

fn bundle() -> Bundle {
    Bundle { apis: vec![only(todo_openapi().openapi()), only(todo_protobuf().protobuf())] }
}

pub(crate) fn openapi() -> Case {
    let specification = todo_openapi();
    assert_eq!(only(specification.openapi()), only(specification.openapi()), "a compilation depends on its input alone");
    Case::new(move || specification.openapi())
}

pub(crate) fn protobuf() -> Case {
    let specification = todo_protobuf();
    assert_eq!(only(specification.protobuf()), only(specification.protobuf()), "a compilation depends on its input alone");
    Case::new(move || specification.protobuf())
}

/// The document of GitHub's REST API, in the corpus.
pub(crate) const GITHUB: &str = "openapi/github/api.github.com.json";

/// The largest document of the corpus that is a whole API. A compilation of it takes long, so that it is checked once.
pub(crate) fn github() -> Case {
    let text = corpus::read(GITHUB).unwrap_or_else(|error| panic!("the document can be read: {error}"));
    let specification = Specification::new("github.json", text);
    let api = only(specification.openapi());
    assert_eq!(api.check(), Ok(()), "the package is sound");
    assert!(api.operations.len() > 1000, "it is the whole API: {} operations", api.operations.len());
    Case::new(move || specification.openapi())
}

pub(crate) fn write() -> Case {
    let bundle = bundle();
    let bytes = container::write(&bundle);
    assert_eq!(container::read(&bytes).as_ref(), Ok(&bundle), "a container gives back what was written");
    Case::new(move || container::write(&bundle))
}

/// Beside the whole container: its core section, which is all that an executor loads.
pub(crate) fn read() -> Case {
    let bundle = bundle();
    let bytes = container::write(&bundle);
    let core = container::read_core(&bytes, Limits::default()).expect("a container just written can be read");
    assert_eq!(container::read(&bytes).as_ref(), Ok(&bundle), "a container gives back what was written");
    assert_eq!(core.apis.len(), bundle.apis.len(), "the core section holds every package");
    let whole = bytes.clone();
    Case::new(move || container::read(&whole))
        .beside("witwire, core only", move || container::read_core(&bytes, Limits::default()))
}

fn plan(api: Api) -> Case {
    let api = Arc::new(api);
    Plan::new(api.clone()).expect("a frontend makes no contradictory package");
    Case::new(move || Plan::new(api.clone()))
}

pub(crate) fn plan_openapi() -> Case {
    plan(only(todo_openapi().openapi()))
}

pub(crate) fn plan_protobuf() -> Case {
    plan(only(todo_protobuf().protobuf()))
}
