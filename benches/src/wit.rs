//! The WIT packages of the cases that run a guest. `bindgen!` needs them as files, in `wit/`, which are held to what witwire's
//! compiler prints today.

use std::sync::Arc;

use witwire_frontends::Options;
use witwire_ir::{Api, AuthMode, PrintOptions, print_package_with};

use crate::specification::{Specification, only};

/// A package of one interface whose functions have no resources.
pub(crate) struct Package {
    pub(crate) api: Arc<Api>,
    interface: &'static str,
}

impl Package {
    /// The calls of the host-call cases.
    pub(crate) fn exchange() -> Self {
        let specification = Specification::new("exchange.proto", include_str!("../data/exchange.proto"));
        Self { api: Arc::new(only(specification.protobuf())), interface: "exchange" }
    }

    /// Two methods of the example service.
    pub(crate) fn todo_grpc() -> Self {
        let method = |name: &str| format!("demo.todo.v1.TodoService/{name}");
        let options = Options { operations: vec![method("ListTodos"), method("AddTodo")], ..Options::default() };
        let specification = Specification::new("todo.proto", todo_service::PROTO);
        Self { api: Arc::new(only(specification.protobuf_as(&options))), interface: "todo-service" }
    }

    /// One operation of the example service; the host gives the token.
    pub(crate) fn todo_rest() -> Self {
        let operations = vec!["listTodos".to_owned()];
        let options = Options { operations, auth: Some(AuthMode::Host), ..Options::default() };
        let specification = Specification::new("openapi.yaml", todo_service::OPENAPI);
        Self { api: Arc::new(only(specification.openapi_as(&options))), interface: "todos" }
    }

    /// The interface as components name it.
    pub(crate) fn import_name(&self) -> String {
        let interface = self.api.interfaces.iter().find(|(_, i)| i.name.as_str() == self.interface);
        let (id, _) = interface.expect("the package has its interface");
        self.api.import_name(id)
    }

    /// The package as text, without documentation.
    pub(crate) fn text(&self) -> String {
        print_package_with(&self.api, PrintOptions { docs: false })
    }

    /// A component that exports the interface and passes every call to its import.
    pub(crate) fn proxy(&self) -> Vec<u8> {
        witwire_test_support::proxy_guest(&self.text(), self.interface).expect("the interface has functions only")
    }

    /// The text for `bindgen!`, with the proxy's world.
    fn file(&self) -> String {
        let (text, interface) = (self.text(), self.interface);
        format!("{text}\nworld generated-proxy {{\n    import {interface};\n    export {interface};\n}}\n")
    }
}

/// What the files in `wit/` hold, by their names.
pub fn files() -> [(&'static str, String); 3] {
    [
        ("exchange.wit", Package::exchange().file()),
        ("todo-grpc.wit", Package::todo_grpc().file()),
        ("todo-rest.wit", Package::todo_rest().file()),
    ]
}
