//! The steps of streams over gRPC.

use bytes::Bytes;
use witwire_interpreter::{GrpcResponse, Response};
use witwire_ir::{CallClass, Step, Value};

use super::{Taken, misuse, refuse_tokens, settled};
use crate::callee::Callee;
use crate::session::{Session, Stop};
use crate::stream::{Connected, Line, OpenStream};
use crate::transport::{Deadline, StreamError};

impl Session {
    /// Takes a step of a call that is under way. `item` is what it sends, `deadline` when it has to be over.
    pub(super) async fn take_grpc_step(
        &mut self,
        stream: &mut OpenStream,
        step: Step,
        args: &[Value],
        item: Option<Bytes>,
        deadline: Option<Deadline>,
    ) -> Result<Taken, Stop> {
        let callee = stream.callee.clone();
        let operation = callee.operation;
        let Line::Grpc(connected) = &mut stream.line else { return Ok(Taken::ends(misuse(&callee, "it is not open"))) };
        let Connected { stream: line, tokens, failed: behind } = &mut **connected;
        let taken = match step {
            Step::Next | Step::NextBatch if behind.is_some() && !matches!(args, [Value::U32(0)]) => {
                Taken::ends(behind.take().unwrap_or_else(|| misuse(&callee, "it is not open")))
            }
            Step::Next => match line.next().await {
                Ok(message) => match callee.plan.next(operation, message.as_deref()) {
                    Ok(value) if message.is_some() => Taken::goes_on(value),
                    Ok(value) | Err(value) => Taken::ends(value),
                },
                Err(error) => Taken::ends(failed(&callee, error)),
            },
            Step::NextBatch => {
                let max = match args.first() {
                    Some(Value::U32(max)) => *max,
                    _ => 0,
                };
                match line.batch(max as usize).await {
                    Ok(messages) => match callee.plan.batch(operation, &messages) {
                        Ok((value, error)) if !messages.is_empty() || max == 0 => {
                            *behind = error.or(behind.take());
                            Taken::goes_on(value)
                        }
                        Ok((value, _)) | Err(value) => Taken::ends(value),
                    },
                    Err(error) => Taken::ends(failed(&callee, error)),
                }
            }
            Step::Send => {
                // Before any byte leaves, every earlier entry is durable.
                self.journal.durable().await?;
                if let Some(plainly) = stream.handle.and_then(|handle| self.calls.sends_plainly(handle)) {
                    line.send_plainly(plainly);
                }
                match line.send(&item.unwrap_or_default()).await {
                    Ok(()) => Taken::goes_on(Value::ok(None)),
                    Err(error) => Taken::goes_on(failed(&callee, error)),
                }
            }
            Step::CloseSend => {
                self.journal.durable().await?;
                line.close();
                Taken::goes_on(Value::ok(None))
            }
            Step::Finish => {
                self.journal.durable().await?;
                line.close();
                let deadline = deadline.unwrap_or_else(|| Deadline::after(callee.deadline));
                Taken::ends(match line.finish(deadline).await {
                    Ok(response) => callee.plan.response(operation, &stream.args, &Response::Grpc(response)),
                    Err(error) => settled(&callee, &stream.args, &callee.operation().class, error, stream.call)?,
                })
            }
            Step::Cancel => Taken { response: None, ended: true },
        };
        refuse_tokens(line.unauthenticated(), tokens.as_ref()).await;
        Ok(taken)
    }
}

/// What a guest is told of the end of a stream that is not the server's OK.
pub(super) fn failed(callee: &Callee, error: StreamError) -> Value {
    match error {
        StreamError::Status(status) => callee.plan.ended(callee.operation, &status),
        // A broken stream is `unavailable` whatever its class, as one that was cut and may not be opened again: what of it happened,
        // its items have told.
        StreamError::Broken(error) => match error.settle(&CallClass::Safe) {
            Ok(Response::Grpc(GrpcResponse::Status(status))) => callee.plan.ended(callee.operation, &status),
            Ok(response) => callee.plan.response(callee.operation, &[], &response),
            Err(failure) => callee.failure(failure),
        },
    }
}
