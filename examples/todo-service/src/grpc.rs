//! The gRPC face, as `proto/todo.proto` describes it.

use std::pin::Pin;

use futures_util::{Stream, StreamExt};
use prost_types::Timestamp;
use time::OffsetDateTime;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;
use tonic::{Request, Response, Status};

use crate::Service;
use crate::control::{Connection, Effect, Failed, Operation, Point};
use crate::store::{self, Assignee, StoreError};

#[allow(missing_docs, clippy::pedantic, unreachable_pub)] // generated
pub(crate) mod pb {
    tonic::include_proto!("demo.todo.v1");
}

use pb::todo_event::Change;
use pb::todo_service_server::{TodoService, TodoServiceServer};

/// What watchers are told.
pub(crate) type Event = (u64, Change);

pub(crate) fn server(service: Service) -> TodoServiceServer<Service> {
    use tonic::codec::CompressionEncoding::{Gzip, Zstd};
    let compressing = service.compressing;
    let server = TodoServiceServer::new(service).accept_compressed(Gzip).accept_compressed(Zstd);
    if compressing { server.send_compressed(Gzip) } else { server }
}

impl From<Failed> for Status {
    fn from(_: Failed) -> Self {
        Self::internal("the service was told to fail")
    }
}

impl From<StoreError> for Status {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::not_found("there is no such todo"),
            StoreError::Stale => Self::aborted("the todo was changed meanwhile"),
            StoreError::AlreadyDone => Self::failed_precondition("the todo is done already"),
        }
    }
}

fn timestamp(time: OffsetDateTime) -> Timestamp {
    Timestamp { seconds: time.unix_timestamp(), nanos: time.nanosecond() as i32 }
}

fn due(due: Option<Timestamp>) -> Result<Option<OffsetDateTime>, Status> {
    due.map(|t| {
        OffsetDateTime::from_unix_timestamp(t.seconds)
            .and_then(|d| d.replace_nanosecond(u32::try_from(t.nanos).unwrap_or(u32::MAX)))
            .map_err(|_| Status::invalid_argument("`due` is out of range"))
    })
    .transpose()
}

fn priority(number: i32) -> Result<Option<store::Priority>, Status> {
    match pb::Priority::try_from(number) {
        Ok(pb::Priority::Unspecified) => Ok(None),
        Ok(pb::Priority::Low) => Ok(Some(store::Priority::Low)),
        Ok(pb::Priority::Normal) => Ok(Some(store::Priority::Normal)),
        Ok(pb::Priority::High) => Ok(Some(store::Priority::High)),
        Err(_) => Err(Status::invalid_argument(format!("`priority` {number} is not known"))),
    }
}

fn message(todo: &store::Todo) -> pb::Todo {
    let priority = match todo.priority {
        store::Priority::Low => pb::Priority::Low,
        store::Priority::Normal => pb::Priority::Normal,
        store::Priority::High => pb::Priority::High,
    };
    pb::Todo {
        id: todo.id.clone(),
        title: todo.title.clone(),
        done: todo.done,
        priority: priority.into(),
        due: todo.due.map(timestamp),
        labels: todo.labels.clone().into_iter().collect(),
        note: todo.notes.clone(),
        assignee: todo.assignee.clone().map(|a| match a {
            Assignee::Person(p) => pb::todo::Assignee::Person(p),
            Assignee::Team(t) => pb::todo::Assignee::Team(t),
        }),
        created: Some(timestamp(todo.created)),
    }
}

fn check_title(title: &str) -> Result<(), Status> {
    if (1..=200).contains(&title.chars().count()) {
        Ok(())
    } else {
        Err(Status::invalid_argument("`title` has not 1 to 200 characters"))
    }
}

/// Counts the request and misbehaves if told to.
async fn begin<T>(
    service: &Service,
    operation: Operation,
    request: Request<T>,
) -> Result<(T, Connection, Option<String>), Status> {
    service.control.arrived(operation);
    let connection = request.extensions().get::<Connection>().cloned().unwrap_or_default();
    let key = request.metadata().get("idempotency-key").and_then(|v| v.to_str().ok()).map(str::to_owned);
    service.control.reach(operation, Point::Arrived, &connection).await?;
    Ok((request.into_inner(), connection, key))
}

impl Service {
    fn record_grpc(&self, operation: Operation, title: &str, key: Option<String>, change: Change) {
        self.control.record(Effect { operation, protocol: "grpc", title: title.to_owned(), key });
        self.tell(change);
    }
}

#[tonic::async_trait]
impl TodoService for Service {
    async fn add_todo(&self, request: Request<pb::AddTodoRequest>) -> Result<Response<pb::AddTodoResponse>, Status> {
        let (new, connection, key) = begin(self, Operation::Create, request).await?;
        check_title(&new.title)?;
        let due = due(new.due)?;
        let priority = priority(new.priority)?.unwrap_or_default();
        let assignee = new.assignee.map(|a| match a {
            pb::add_todo_request::Assignee::Person(p) => Assignee::Person(p),
            pb::add_todo_request::Assignee::Team(t) => Assignee::Team(t),
        });
        let (todo, created) = self.store.create(key.as_deref(), |id, now| store::Todo {
            id,
            user: String::new(),
            title: new.title,
            notes: new.note,
            done: false,
            priority,
            tags: Vec::new(),
            labels: new.labels.into_iter().collect(),
            assignee,
            due,
            created: now,
            changed: now,
            completed: None,
            version: 1,
        });
        let answer = message(&todo);
        if created {
            self.record_grpc(Operation::Create, &todo.title, key, Change::Added(answer.clone()));
        }
        self.control.reach(Operation::Create, Point::Done, &connection).await?;
        Ok(Response::new(pb::AddTodoResponse { todo: Some(answer) }))
    }

    async fn get_todo(&self, request: Request<pb::GetTodoRequest>) -> Result<Response<pb::Todo>, Status> {
        let (wanted, connection, _) = begin(self, Operation::Get, request).await?;
        let todo = self.store.get(&wanted.id)?;
        self.control.reach(Operation::Get, Point::Done, &connection).await?;
        Ok(Response::new(message(&todo)))
    }

    async fn list_todos(&self, request: Request<pb::ListTodosRequest>) -> Result<Response<pb::ListTodosResponse>, Status> {
        let (wanted, connection, _) = begin(self, Operation::List, request).await?;
        let at_least = priority(wanted.at_least)?;
        let found =
            self.store.filter(|t| wanted.done.is_none_or(|d| d == t.done) && at_least.is_none_or(|p| t.priority >= p));
        let limit = if wanted.limit == 0 { usize::MAX } else { wanted.limit as usize };
        self.control.reach(Operation::List, Point::Done, &connection).await?;
        Ok(Response::new(pb::ListTodosResponse { todos: found.iter().take(limit).map(message).collect() }))
    }

    async fn update_todo(&self, request: Request<pb::UpdateTodoRequest>) -> Result<Response<pb::Todo>, Status> {
        let (change, connection, key) = begin(self, Operation::Update, request).await?;
        if let Some(title) = &change.title {
            check_title(title)?;
        }
        let wanted = change.priority.map(priority).transpose()?.flatten();
        let todo = self.store.update(&change.id, None, |todo, now| {
            if let Some(title) = change.title {
                todo.title = title;
            }
            if let Some(done) = change.done {
                todo.done = done;
                todo.completed = done.then_some(now);
            }
            if let Some(priority) = wanted {
                todo.priority = priority;
            }
            Ok(())
        })?;
        let answer = message(&todo);
        self.record_grpc(Operation::Update, &todo.title, key, Change::Updated(answer.clone()));
        self.control.reach(Operation::Update, Point::Done, &connection).await?;
        Ok(Response::new(answer))
    }

    async fn delete_todo(
        &self,
        request: Request<pb::DeleteTodoRequest>,
    ) -> Result<Response<pb::DeleteTodoResponse>, Status> {
        let (wanted, connection, key) = begin(self, Operation::Delete, request).await?;
        // Deleting what is gone succeeds, and is no effect.
        if let Ok(todo) = self.store.delete(&wanted.id, None) {
            self.record_grpc(Operation::Delete, &todo.title, key, Change::Removed(todo.id));
        }
        self.control.reach(Operation::Delete, Point::Done, &connection).await?;
        Ok(Response::new(pb::DeleteTodoResponse {}))
    }

    type WatchTodosStream = Pin<Box<dyn Stream<Item = Result<pb::TodoEvent, Status>> + Send>>;

    async fn watch_todos(
        &self,
        request: Request<pb::WatchTodosRequest>,
    ) -> Result<Response<Self::WatchTodosStream>, Status> {
        let (wanted, connection, _) = begin(self, Operation::Watch, request).await?;
        let events = self.events.subscribe();
        self.control.reach(Operation::Watch, Point::Done, &connection).await?;
        Ok(Response::new(watch(wanted.id, events)))
    }
}

/// All changes from now on, of one todo or of all.
fn watch(
    id: String,
    events: broadcast::Receiver<Event>,
) -> Pin<Box<dyn Stream<Item = Result<pb::TodoEvent, Status>> + Send>> {
    let about = |change: &Change| match change {
        Change::Added(t) | Change::Updated(t) => t.id.clone(),
        Change::Removed(id) => id.clone(),
    };
    let events = BroadcastStream::new(events).filter_map(move |event| {
        let event = match event {
            Ok((sequence, change)) if id.is_empty() || id == about(&change) => {
                Some(Ok(pb::TodoEvent { sequence, change: Some(change) }))
            }
            Ok(_) => None,
            Err(_) => Some(Err(Status::data_loss("the watcher was too slow"))),
        };
        std::future::ready(event)
    });
    Box::pin(events)
}
