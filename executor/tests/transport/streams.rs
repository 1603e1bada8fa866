//! Streaming calls: their endpoints and their deadlines.

use bytes::Bytes;
use libtest_mimic::{Failed, Trial};
use tokio::io::{AsyncWriteExt, copy, sink};
use tokio::time::Instant;
use witwire_executor::transport::{Deadline, RouteSettings, SendErrorKind, StreamError, StreamOptions};
use witwire_interpreter::{GrpcRequest, HttpRequest, Request};
use witwire_test_support::hostile::http1::{Http1, Step as Bytes1};
use witwire_test_support::hostile::http2::{Http2, Step};
use witwire_test_support::hostile::{Server, refusing};

use super::calls::{route, transport};
use super::tls::grpc_hello;
use super::{AMPLE, Outcome, SHORT, check, contains, get, grpc_request, trial};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("streams::a stream tells which endpoint is down", a_stream_tells),
        trial("streams::the deadline of the response", the_deadline_of_the_response),
        trial("streams::the deadline of what is sent again", the_deadline_of_what_is_sent_again),
        trial("streams::the deadline over HTTP", the_deadline_over_http),
        trial("streams::a deadline leaves the connection to others", a_deadline_leaves_the_connection),
        trial("streams::the deadline counts from where the call began", the_deadline_counts),
    ]
}

fn grpc() -> Result<GrpcRequest, Failed> {
    match grpc_request(Vec::new()) {
        Request::Grpc(request) => Ok(request),
        Request::Http(_) => Err("not over gRPC".into()),
    }
}

fn http() -> Result<HttpRequest, Failed> {
    match get() {
        Request::Http(request) => Ok(request),
        Request::Grpc(_) => Err("not over HTTP".into()),
    }
}

/// A stream is not sent elsewhere, but what it finds is known to those that come after it.
async fn a_stream_tells() -> Outcome {
    let up = Http2::start(grpc_hello()).await?;
    let transport = transport()?;
    let route = route(&transport, &[format!("http://{}", refusing().await?), up.server.url()], RouteSettings::default())?;
    let request = grpc()?;
    let stream = async || -> Result<bool, Failed> {
        let mut stream = transport.stream(&route, &request, true, &StreamOptions::default())?;
        Ok(stream.next().await.is_ok())
    };
    check(&[stream().await?, stream().await?, stream().await?, stream().await?], &[false, true, true, true])
}

async fn the_deadline_of_the_response() -> Outcome {
    let server = Http2::start(vec![Step::Hang]).await?;
    let transport = transport()?;
    let route = route(&transport, &[server.server.url()], RouteSettings::default())?;
    let mut stream = transport.stream(&route, &grpc()?, true, &StreamOptions::default())?;
    let error = stream.finish(Deadline::after(SHORT)).await.err().ok_or("a response")?;
    check(&matches!(error.kind, SendErrorKind::Timeout { .. }), &true)?;
    contains(&error.message, "within the deadline of")
}

/// The server's window never opens, so that what a worker sends again after a restart waits: as long as the stream may take, or the step.
async fn the_deadline_of_what_is_sent_again() -> Outcome {
    let server = Server::start(|mut connection, _| async move {
        // An empty SETTINGS frame, and nothing more: the window stays at 64 KiB.
        let _ = connection.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await;
        let _ = copy(&mut connection, &mut sink()).await;
    })
    .await?;
    let transport = transport()?;
    let route = route(&transport, &[server.url()], RouteSettings::default())?;
    // More than hyper takes on without a window.
    let sent = vec![Bytes::from(vec![0; 50_000]); 100];
    for (own, step) in [(Some(SHORT), None), (None, Some(SHORT)), (Some(AMPLE), Some(SHORT)), (Some(SHORT), Some(AMPLE))] {
        let options = StreamOptions { deadline: own, ..StreamOptions::default() };
        let mut stream = transport.stream(&route, &grpc()?, false, &options)?;
        stream.start();
        let caught_up = stream.catch_up(sent.clone(), true, 0, step.map(Deadline::after)).await;
        let Err(StreamError::Broken(error)) = caught_up else { return Err(format!("{caught_up:?}").into()) };
        check(&matches!(error.kind, SendErrorKind::Timeout { .. }), &true)?;
        contains(&error.message, "within the deadline of 200ms")?;
        // It stays so.
        check(&stream.next().await, &Err(StreamError::Broken(error)))?;
    }
    Ok(())
}

/// The deadline is the whole response's, whatever of it has come.
async fn the_deadline_over_http() -> Outcome {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n";
    for (script, begun) in [(vec![Bytes1::Hang], false), (vec![Bytes1::write(head), Bytes1::Hang], true)] {
        let server = Http1::start(script).await?;
        let transport = transport()?;
        let route = route(&transport, &[server.server.url()], RouteSettings::default())?;
        let options = StreamOptions { deadline: Some(SHORT), ..StreamOptions::default() };
        let mut stream = transport.open(&route, &http()?, &options)?;
        let error = stream.chunk().await.err().ok_or("a response")?;
        check(&matches!(error.kind, SendErrorKind::Timeout { .. }), &true)?;
        contains(&error.message, "within the deadline of 200ms")?;
        check(&stream.chunk().await, &Err(error))?;
        check(&stream.head().await.is_ok(), &begun)?;
    }
    Ok(())
}

/// A connection on which nothing comes may be dead, so that later calls take another one; one that answers is shared on.
async fn a_deadline_leaves_the_connection() -> Outcome {
    let hello = grpc_hello();
    for (script, expected) in [(vec![Step::Hang], 2), (vec![hello[0].clone(), hello[1].clone(), Step::Hang], 1)] {
        let later = hello.clone();
        let script = move |call| if call == 0 { script.clone() } else { later.clone() };
        let server = Http2::start_scripts(None, script).await?;
        let transport = transport()?;
        let route = route(&transport, &[server.server.url()], RouteSettings::default())?;
        let options = StreamOptions { deadline: Some(SHORT), ..StreamOptions::default() };
        let mut stream = transport.stream(&route, &grpc()?, true, &options)?;
        let error = loop {
            match stream.next().await {
                Ok(Some(_)) => {}
                Ok(None) => return Err("an end".into()),
                Err(error) => break error,
            }
        };
        let StreamError::Broken(error) = error else { return Err(format!("{error:?}").into()) };
        check(&error.kind, &SendErrorKind::Timeout { maybe_processed: true })?;
        let mut other = transport.stream(&route, &grpc()?, true, &StreamOptions::default())?;
        check(&other.next().await.map(|message| message.is_some()), &Ok(true))?;
        check(&server.server.accepted(), &expected)?;
    }
    Ok(())
}

/// What went before the stream, as the fetching of a token, counts: here it took all of the time.
async fn the_deadline_counts() -> Outcome {
    let server = Http2::start(grpc_hello()).await?;
    let transport = transport()?;
    let route = route(&transport, &[server.server.url()], RouteSettings::default())?;
    let begun = Instant::now().checked_sub(SHORT);
    let options = StreamOptions { deadline: Some(SHORT), begun, ..StreamOptions::default() };
    let mut stream = transport.stream(&route, &grpc()?, true, &options)?;
    let Err(StreamError::Broken(error)) = stream.next().await else { return Err("no error".into()) };
    check(&matches!(error.kind, SendErrorKind::Timeout { .. }), &true)?;
    contains(&error.message, "within the deadline of 200ms")?;
    let server = Http1::start(vec![Bytes1::write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")]).await?;
    let route = self::route(&transport, &[server.server.url()], RouteSettings::default())?;
    let error = transport.open(&route, &http()?, &options)?.chunk().await.err().ok_or("a response")?;
    check(&matches!(error.kind, SendErrorKind::Timeout { .. }), &true)
}
