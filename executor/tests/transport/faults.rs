//! What breaks gRPC, or the connection under it: each has one error, in the same words however the call is made.

use bytes::Bytes;
use h2::Reason;
use libtest_mimic::{Failed, Trial};
use witwire_executor::transport::{
    CallOptions, Deadline, Repeat, RouteSettings, SendError, SendErrorKind, StreamError, StreamOptions,
};
use witwire_interpreter::{GrpcResponse, GrpcStatus, Metadata, Request, Response};
use witwire_test_support::hostile::Server;
use witwire_test_support::hostile::http2::{Http2, Step, goaway, grpc_response, raw, raw_each};

use super::calls::{route, transport};
use super::{AMPLE, Outcome, check, contains, grpc_request, send, trial};

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("faults::a server that goes away before it looks is asked again", going_away),
        trial("faults::a server that goes away after it looked is not asked again", gone_in_the_middle),
        trial("faults::a server that goes away still answers", goes_away_and_answers),
    ];
    trials.extend(faults().into_iter().map(|fault| trial(format!("faults::{}", fault.name), || one_error(fault))));
    trials
}

/// A kind and the words, with `ADDRESS` for the server's.
type Expected = Result<GrpcResponse, (SendErrorKind, String)>;

struct Fault {
    name: &'static str,
    script: Vec<Step>,
    expected: Expected,
    /// Whether it is one for a stream of messages as well.
    of_streams: bool,
}

fn head(status: u16, content_type: &str, more: &[(&'static str, &str)], end: bool) -> Step {
    let mut headers = vec![("content-type", content_type.to_owned())];
    headers.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    Step::Head { status, headers, end }
}

fn begin() -> Step {
    head(200, "application/grpc", &[], false)
}

fn message() -> Step {
    Step::Data(vec![0, 0, 0, 0, 2, b'h', b'i'])
}

fn trailers(fields: &[(&'static str, &str)]) -> Step {
    Step::Trailers(fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
}

#[expect(clippy::unnecessary_wraps, reason = "a row of the table reads as what the call gives")]
fn status(code: u32, message: &str) -> Expected {
    Ok(GrpcResponse::Status(GrpcStatus { code, message: message.to_owned(), details: None, trailers: Metadata::new() }))
}

fn invalid(message: &str) -> Expected {
    Err((SendErrorKind::InvalidResponse { status: Some(200) }, message.to_owned()))
}

fn faults() -> Vec<Fault> {
    const OK: &[(&str, &str)] = &[("grpc-status", "0")];
    let fault = |name, script, expected, of_streams| Fault { name, script, expected, of_streams };
    let no_message = "the response from ADDRESS is not valid: the status is OK, and there is no message";
    let two = "the response from ADDRESS is not valid: there is more than one message, and the method gives one";
    let no_status = "ADDRESS ended the call without a status (grpc-status)";
    let no_grpc = "ADDRESS answered, but not with gRPC: its content type is not application/grpc";
    let mut faults = vec![
        fault(
            "trailers alone",
            vec![head(200, "application/grpc", &[("grpc-status", "5"), ("grpc-message", "no%20such")], true)],
            status(5, "no such"),
            true,
        ),
        fault("trailers alone and OK", vec![head(200, "application/grpc", OK, true)], invalid(no_message), false),
        fault("OK without a message", vec![begin(), trailers(OK)], invalid(no_message), false),
        fault("two messages", vec![begin(), message(), message(), trailers(OK)], invalid(two), false),
        fault("no trailers", vec![begin(), message(), Step::End], invalid(no_status), true),
        fault("trailers without a status", vec![begin(), message(), trailers(&[("x", "y")])], invalid(no_status), true),
        fault("a head and nothing more", vec![head(200, "application/grpc", &[], true)], invalid(no_status), true),
        fault("another content type", vec![head(200, "text/html", &[], false), Step::End], invalid(no_grpc), true),
        fault("gRPC-Web", vec![head(200, "application/grpc-web", &[], false), Step::End], invalid(no_grpc), true),
    ];
    // "HTTP to gRPC Status Code Mapping"; with gRPC's own content type as well.
    let codes = [
        ("400", 400, 13),
        ("401", 401, 16),
        ("403", 403, 7),
        ("404", 404, 12),
        ("429", 429, 14),
        ("502", 502, 14),
        ("503", 503, 14),
        ("504", 504, 14),
        ("500", 500, 2),
        ("418", 418, 2),
    ];
    for (name, http, code) in codes {
        let expected = status(code, &format!("ADDRESS answered with the HTTP status {http} instead of gRPC"));
        for content_type in ["text/html", "application/grpc"] {
            let script = vec![head(http, content_type, &[], true)];
            faults.push(Fault { name, script, expected: expected.clone(), of_streams: true });
        }
    }
    faults
}

/// As a call of one message each, as the end of what a client streams, and as a stream of messages.
async fn one_error(Fault { script, expected, of_streams, .. }: Fault) -> Outcome {
    let server = Http2::start(script).await?;
    let (address, url) = (server.server.address().to_string(), server.server.url());
    let words = |text: &str| text.replace(&address, "ADDRESS");
    let plain = |outcome: Result<GrpcResponse, SendError>| -> Expected {
        match outcome {
            Ok(GrpcResponse::Status(status)) => {
                let message = words(&status.message);
                Ok(GrpcResponse::Status(GrpcStatus { message, ..status }))
            }
            Ok(ok @ GrpcResponse::Ok { .. }) => Ok(ok),
            Err(error) => Err((error.kind, words(&error.message))),
        }
    };
    let transport = transport()?;
    let request = grpc_request(Vec::new());
    let unary = match send(&transport, &url, &request, AMPLE).await {
        Ok(Response::Grpc(response)) => Ok(response),
        Ok(Response::Http(_)) => return Err("answered over HTTP".into()),
        Err(error) => Err(error),
    };
    check(&plain(unary), &expected)?;
    let Request::Grpc(request) = request else { return Err("not over gRPC".into()) };
    let route = route(&transport, &[url], RouteSettings::default())?;
    let mut stream = transport.stream(&route, &request, true, &StreamOptions::default())?;
    check(&plain(stream.finish(Deadline::after(AMPLE)).await), &expected)?;
    if of_streams {
        let mut stream = transport.stream(&route, &request, true, &StreamOptions::default())?;
        let end = loop {
            match stream.next().await {
                Ok(Some(_)) => {}
                Ok(None) => return Err("the stream ended well".into()),
                Err(error) => break error,
            }
        };
        check(&stream.next().await, &Err(end.clone()))?;
        let end = match end {
            StreamError::Status(status) => Ok(GrpcResponse::Status(status)),
            StreamError::Broken(error) => Err(error),
        };
        check(&plain(end), &expected)?;
    }
    Ok(())
}

async fn call(server: &Server, repeat: Repeat) -> Result<(Result<GrpcResponse, SendErrorKind>, u32, usize), Failed> {
    let transport = transport()?;
    let route = route(&transport, &[server.url()], RouteSettings::default())?;
    let exchange = transport.call(&route, &grpc_request(Vec::new()), &CallOptions::new(AMPLE, repeat)).await;
    let outcome = match exchange.outcome {
        Ok(Response::Grpc(response)) => Ok(response),
        Ok(Response::Http(_)) => return Err("answered over HTTP".into()),
        Err(error) => Err(error.kind),
    };
    Ok((outcome, exchange.attempts, server.accepted()))
}

const BROKEN: SendErrorKind = SendErrorKind::MaybeProcessed { reset: None };

fn hi() -> GrpcResponse {
    GrpcResponse::Ok { message: Bytes::from_static(b"hi"), trailers: Metadata::new() }
}

/// The server says that it did not look at the call, so that even one that must not happen twice is sent again, over another
/// connection.
async fn going_away() -> Outcome {
    for reason in [Reason::NO_ERROR, Reason::ENHANCE_YOUR_CALM, Reason::INTERNAL_ERROR] {
        let answer = move |connection| if connection == 0 { goaway(0, reason) } else { grpc_response(b"hi") };
        check(&call(&raw_each(answer).await?, Repeat::Unprocessed).await?, &(Ok(hi()), 2, 2))?;
        // A stream is not sent again; its reader is told that it may be.
        let server = raw(goaway(0, reason)).await?;
        let transport = transport()?;
        let route = route(&transport, &[server.url()], RouteSettings::default())?;
        let Request::Grpc(request) = grpc_request(Vec::new()) else { return Err("not over gRPC".into()) };
        let mut stream = transport.stream(&route, &request, true, &StreamOptions::default())?;
        let Err(StreamError::Broken(error)) = stream.next().await else { return Err("no error".into()) };
        check(&error.kind, &SendErrorKind::Unprocessed)?;
        contains(&error.message, "is going away and did not look at the call")?;
    }
    Ok(())
}

/// What may have happened is repeated only where that does no harm.
async fn gone_in_the_middle() -> Outcome {
    for reason in [Reason::NO_ERROR, Reason::INTERNAL_ERROR] {
        let answer = move |connection| if connection == 0 { goaway(1, reason) } else { grpc_response(b"hi") };
        check(&call(&raw_each(answer).await?, Repeat::Unprocessed).await?, &(Err(BROKEN), 1, 1))?;
        check(&call(&raw_each(answer).await?, Repeat::Freely).await?, &(Ok(hi()), 2, 2))?;
    }
    Ok(())
}

async fn goes_away_and_answers() -> Outcome {
    let answer = || [goaway(1, Reason::NO_ERROR), grpc_response(b"hi")].concat();
    check(&call(&raw(answer()).await?, Repeat::Unprocessed).await?, &(Ok(hi()), 1, 1))
}
