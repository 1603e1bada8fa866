//! Plans a party with two services, through functions that nobody generated: the household's list over gRPC, a user's own over
//! REST. Where a call fails it says why, typed.

wit_bindgen::generate!({ path: "wit", world: "agent", generate_all });

use api::todos::todos;
use api::todos::types::{Error as RestError, ErrorKind as RestKind};
use demo::todo::todo_service as household;
use demo::todo::types::{
    AddTodoRequest, AddTodoRequestAssignee, Error as GrpcError, ErrorKind as GrpcKind, ListTodosRequest, Priority, UpdateTodoRequest,
};

struct Agent;

impl Guest for Agent {
    fn run(user: String) -> Result<String, String> {
        // 1. REST POST with an idempotency key that the host gives.
        let cake = todos::create(&todos::CreateRequest {
            user_id: user.clone(),
            title: "Bake a cake".to_owned(),
            notes: Some("with candles".to_owned()),
            priority: None,
            tags: Some(vec!["party".to_owned()]),
            due_date: None,
        })
        .map_err(rest)?
        .body;

        // 2. gRPC, unsafe: it is sent at most once.
        let guests = household::add_todo(&AddTodoRequest {
            title: "Invite guests".to_owned(),
            priority: Priority::High,
            due: None,
            labels: vec![("list".to_owned(), "party".to_owned())],
            note: None,
            assignee: Some(AddTodoRequestAssignee::Person(format!("{user}@example.com"))),
        })
        .map_err(grpc)?
        .todo
        .ok_or("the service returned no todo")?;

        // 3. REST GET, safe: it may be sent again.
        let open = todos::list(&todos::ListRequest {
            user_id: user,
            status: None,
            limit: None,
            offset: None,
            sort: None,
            order: None,
        })
        .map_err(rest)?
        .body;

        // 4. gRPC, idempotent.
        household::update_todo(&UpdateTodoRequest { id: guests.id, title: None, done: Some(true), priority: None }).map_err(grpc)?;

        // 5. REST POST without a key, unsafe.
        let done = todos::complete(&cake.id).map_err(rest)?.body;

        // 6. gRPC, safe.
        let household = household::list_todos(ListTodosRequest { done: Some(true), at_least: Priority::Unspecified, limit: 0 })
            .map_err(grpc)?
            .todos;

        let title = done.title;
        let (completed, all) = (household.iter().filter(|t| t.done).count(), household.len());
        let mine = open.data.len();
        Ok(format!("{title}: done. The household finished {completed} of {all}; the user had {mine} on the page."))
    }
}

/// What went wrong over REST, matched by kind.
fn rest(error: RestError) -> String {
    match &error.kind {
        RestKind::InvalidRequest(violations) => {
            let broken: Vec<&str> = violations.iter().map(|v| v.location.as_str()).collect();
            format!("the request breaks the API's rules at {}", broken.join(", "))
        }
        RestKind::NotFound(missing) => format!("there is no such {}", missing.resource),
        RestKind::OutcomeUnknown => "nobody knows whether the request was processed".to_owned(),
        _ => error.message,
    }
}

/// What went wrong over gRPC, matched by status.
fn grpc(error: GrpcError) -> String {
    match &error.kind {
        GrpcKind::InvalidArgument | GrpcKind::InvalidRequest(_) => format!("the service refuses the arguments: {}", error.message),
        GrpcKind::OutcomeUnknown => "nobody knows whether the call was processed".to_owned(),
        _ => error.message,
    }
}

export!(Agent);
