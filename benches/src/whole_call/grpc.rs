//! A host for the gRPC face, written by hand: `bindgen!`, tonic, and prost's messages.

use tonic::transport::{Channel, Endpoint};
use wasmtime::component::{Component, Func, HasSelf, Linker};

use super::Call;
use crate::guest::{Guest, engine};

#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)] // generated
mod bindings {
    wasmtime::component::bindgen!({
        path: "wit/todo-grpc.wit",
        world: "generated-proxy",
        imports: { default: async | trappable },
        exports: { default: async },
    });
}

#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)] // generated
mod pb {
    tonic::include_proto!("demo.todo.v1");
}

use bindings::demo::todo::todo_service::{
    AddTodoRequest, AddTodoResponse, Error, Host as Imports, ListTodosRequest, ListTodosResponse,
};
use bindings::demo::todo::types::{self, AddTodoRequestAssignee, Priority, Timestamp, Todo, TodoAssignee};
use pb::todo_service_client::TodoServiceClient;

/// What the imports need.
struct Host {
    client: TodoServiceClient<Channel>,
}

impl types::Host for Host {}

impl Imports for Host {
    async fn add_todo(&mut self, request: AddTodoRequest) -> wasmtime::Result<Result<AddTodoResponse, Error>> {
        let answer = self.client.add_todo(add_request(request)).await.map_err(wasmtime::Error::new)?;
        Ok(Ok(AddTodoResponse { todo: answer.into_inner().todo.map(todo) }))
    }

    async fn list_todos(&mut self, request: ListTodosRequest) -> wasmtime::Result<Result<ListTodosResponse, Error>> {
        let ListTodosRequest { done, at_least, limit } = request;
        let request = pb::ListTodosRequest { done, at_least: number(at_least), limit };
        let answer = self.client.list_todos(request).await.map_err(wasmtime::Error::new)?;
        Ok(Ok(ListTodosResponse { todos: answer.into_inner().todos.into_iter().map(todo).collect() }))
    }
}

fn add_request(request: AddTodoRequest) -> pb::AddTodoRequest {
    use pb::add_todo_request::Assignee;
    let AddTodoRequest { title, priority, due, labels, note, assignee } = request;
    pb::AddTodoRequest {
        title,
        priority: number(priority),
        due: due.map(|due| prost_types::Timestamp { seconds: due.seconds, nanos: due.nanoseconds as i32 }),
        labels: labels.into_iter().collect(),
        note,
        assignee: assignee.map(|assignee| match assignee {
            AddTodoRequestAssignee::Person(person) => Assignee::Person(person),
            AddTodoRequestAssignee::Team(team) => Assignee::Team(team),
        }),
    }
}

fn number(priority: Priority) -> i32 {
    match priority {
        Priority::Unspecified => 0,
        Priority::Low => 1,
        Priority::Normal => 2,
        Priority::High => 3,
        Priority::Unrecognized(number) => number,
    }
}

fn todo(todo: pb::Todo) -> Todo {
    let pb::Todo { id, title, done, priority, due, labels, note, assignee, created } = todo;
    Todo {
        id,
        title,
        done,
        priority: match priority {
            0 => Priority::Unspecified,
            1 => Priority::Low,
            2 => Priority::Normal,
            3 => Priority::High,
            number => Priority::Unrecognized(number),
        },
        due: due.map(timestamp),
        labels: labels.into_iter().collect(),
        note,
        assignee: assignee.map(|assignee| match assignee {
            pb::todo::Assignee::Person(person) => TodoAssignee::Person(person),
            pb::todo::Assignee::Team(team) => TodoAssignee::Team(team),
        }),
        created: created.map(timestamp),
    }
}

fn timestamp(time: prost_types::Timestamp) -> Timestamp {
    Timestamp { seconds: time.seconds, nanoseconds: time.nanos as u32 }
}

/// The host with a guest.
pub(super) struct Peer {
    guest: Guest<Host>,
    exports: bindings::GeneratedProxy,
    func: Func,
    argument: &'static str,
    adds: bool,
}

impl super::Peer for Peer {
    const NAMES: [&'static str; 2] = ["bindgen! + tonic", "bindgen! + tonic, WAVE"];

    async fn start(call: &Call) -> Self {
        let channel = Endpoint::from_shared(call.served.grpc.clone()).expect("the service's URL");
        let channel = channel.tcp_nodelay(true).connect().await.expect("the service runs");
        let host = Host { client: TodoServiceClient::new(channel) };
        let engine = engine();
        let component = Component::from_binary(&engine, &call.package.proxy()).expect("test-support makes components");
        let mut linker = Linker::new(&engine);
        bindings::GeneratedProxy::add_to_linker::<_, HasSelf<_>>(&mut linker, |host| host).expect("the linker is empty");
        let mut guest = Guest::start(&linker, &component, host).await;
        let func = guest.func(&call.package.import_name(), call.function);
        let exports = bindings::GeneratedProxy::new(&mut guest.store, &guest.instance).expect("the guest is a proxy");
        Self { guest, exports, func, argument: call.argument, adds: call.function == "add-todo" }
    }

    async fn typed(&mut self) -> usize {
        let (exports, store) = (self.exports.demo_todo_todo_service(), &mut self.guest.store);
        if self.adds {
            let request = AddTodoRequest {
                title: "Water the plants".to_owned(),
                priority: Priority::High,
                due: None,
                labels: vec![("room".to_owned(), "kitchen".to_owned())],
                note: None,
                assignee: None,
            };
            let result = exports.call_add_todo(store, &request).await.expect("the guest does not trap");
            return result.expect("the call succeeds").todo.iter().count();
        }
        let request = ListTodosRequest { done: None, at_least: Priority::Unspecified, limit: 0 };
        let result = exports.call_list_todos(store, request).await.expect("the guest does not trap");
        result.expect("the call succeeds").todos.len()
    }

    async fn text(&mut self) -> String {
        self.guest.invoke(&self.func, self.argument).await
    }
}
