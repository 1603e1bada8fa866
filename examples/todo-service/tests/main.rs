//! The service counts what happens and misbehaves where it is told to: what other tests rely on.

use std::time::Duration;

use todo_service::{Misbehavior, Operation, Point, Running, Service};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends one HTTP/1.1 request and reads to the end of the connection.
async fn ask(running: &Running, method: &str, path: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(running.address).await.expect("a connection");
    let length = body.len();
    let request = format!(
        "{method} /api/v1{path} HTTP/1.1\r\nhost: todo\r\nconnection: close\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.expect("the request leaves");
    let mut answer = Vec::new();
    // A connection that is closed without an answer may end in a reset.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).expect("text")
}

const TOKEN: &str = "authorization: Bearer t\r\n";
const NEW: &str = r#"{"userId":"ada","title":"Bake"}"#;

async fn started() -> (Service, Running) {
    let service = Service::new(Some("t"));
    let running = service.start().await.expect("a port");
    (service, running)
}

#[tokio::test]
async fn effects_are_counted_and_keys_repeat_none() {
    let (service, running) = started().await;
    let keyed = format!("{TOKEN}idempotency-key: k\r\n");
    let first = ask(&running, "POST", "/todos", &keyed, NEW).await;
    let second = ask(&running, "POST", "/todos", &keyed, NEW).await;
    assert!(first.starts_with("HTTP/1.1 201"), "{first}");
    assert_eq!(first.lines().last(), second.lines().last(), "the same todo");
    assert_eq!((service.control.requests(Operation::Create), service.control.effects().len()), (2, 1));
    assert!(ask(&running, "POST", "/todos", "", NEW).await.starts_with("HTTP/1.1 401"));
    assert!(ask(&running, "POST", "/todos", TOKEN, "{}").await.starts_with("HTTP/1.1 400"));
    assert_eq!(service.control.effects().len(), 1);
}

#[tokio::test]
async fn it_fails_before_or_behind_the_effect() {
    let (service, running) = started().await;
    for (point, effects) in [(Point::Arrived, 0), (Point::Done, 1)] {
        service.control.once(Operation::Create, point, Misbehavior::Fail);
        assert!(ask(&running, "POST", "/todos", TOKEN, NEW).await.starts_with("HTTP/1.1 500"));
        assert_eq!(service.control.effects().len(), effects);
    }
}

#[tokio::test]
async fn it_hangs_up_without_an_answer() {
    let (service, running) = started().await;
    service.control.once(Operation::Create, Point::Done, Misbehavior::HangUp);
    assert_eq!(ask(&running, "POST", "/todos", TOKEN, NEW).await, "");
    assert_eq!(service.control.effects().len(), 1, "the effect has happened");
    assert!(ask(&running, "POST", "/todos", TOKEN, NEW).await.starts_with("HTTP/1.1 201"), "once only");
}

#[tokio::test]
async fn it_delays_and_holds() {
    let (service, running) = started().await;
    service.control.once(Operation::List, Point::Arrived, Misbehavior::Delay(Duration::from_millis(1)));
    service.control.once(Operation::List, Point::Done, Misbehavior::Park);
    let list = ask(&running, "GET", "/todos?userId=ada", TOKEN, "");
    let steer = async {
        service.control.parked(1).await;
        service.control.release();
    };
    let (answer, ()) = tokio::join!(list, steer);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
