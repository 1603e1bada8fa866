//! The steps of streams over HTTP.

use witwire_interpreter::{Request, Response};
use witwire_ir::{CallClass, Value};

use super::{Taken, settled};
use crate::callee::Callee;
use crate::oplog::Ordinal;
use crate::session::Stop;
use crate::stream::{HttpLine, HttpLineError, Progress};

/// Where a client that lost its connection stood (HTML Living Standard, section 9.2.4).
const LAST_EVENT_ID: &str = "last-event-id";

/// The next item. `call` is the stream's opening.
pub(super) async fn next(callee: &Callee, args: &[Value], line: &mut HttpLine, call: Ordinal) -> Result<Taken, Stop> {
    Ok(match line.next(callee).await {
        Ok((head, frame)) => match callee.plan.next_frame(callee.operation, &head, frame.as_ref()) {
            Ok(value) if frame.is_some() => Taken::goes_on(value),
            Ok(value) | Err(value) => Taken::ends(value),
        },
        Err(error) => Taken::ends(failed(callee, args, error, call)?),
    })
}

/// Asks a server whose events have ids to go on behind the last one.
pub(super) fn go_on(request: &mut Request, progress: &Progress) {
    if let (Request::Http(request), Some(ids)) = (request, progress.resumable()) {
        request.headers.retain(|(name, _)| name != LAST_EVENT_ID);
        request.headers.push((LAST_EVENT_ID.to_owned(), ids.last.to_string()));
    }
}

/// What a guest is told of a stream that has no further item. Where a person has to decide about it, the worker stops.
pub(super) fn failed(callee: &Callee, args: &[Value], error: HttpLineError, call: Ordinal) -> Result<Value, Stop> {
    Ok(match error {
        HttpLineError::Answer(response) => callee.response(args, &Response::Http(*response)),
        HttpLineError::Framing(head, error) => callee.plan.unframed(callee.operation, &head, &error),
        HttpLineError::Broken { error, begun } => {
            // Once the response has begun, what of the call happened its items have told.
            let class = if begun { &CallClass::Safe } else { &callee.operation().class };
            settled(callee, args, class, error, call)?
        }
    })
}
