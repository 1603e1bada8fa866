//! The request body of a streaming call: messages as they come.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::Reason;
use tokio::sync::mpsc;

/// The sending side of a call. Dropped without [`Outbox::close`], it cancels the call.
#[derive(Debug)]
pub(in crate::transport) struct Outbox {
    messages: mpsc::Sender<Bytes>,
    closed: Arc<AtomicBool>,
}

/// The side that HTTP/2 takes frames from, as fast as the server's window lets it.
#[derive(Debug)]
pub(in crate::transport) struct OutboxBody {
    messages: mpsc::Receiver<Bytes>,
    closed: Arc<AtomicBool>,
}

/// The server takes no more messages: it has ended the call, or the connection is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::transport) struct Refused;

impl Outbox {
    /// Both sides. One message waits at most, so that whoever sends is as slow as the server.
    pub(in crate::transport) fn new() -> (Self, OutboxBody) {
        let (sender, receiver) = mpsc::channel(1);
        let closed = Arc::new(AtomicBool::new(false));
        (Self { messages: sender, closed: closed.clone() }, OutboxBody { messages: receiver, closed })
    }

    /// Waits for room and hands over a framed message.
    pub(in crate::transport) async fn send(&self, frame: Bytes) -> Result<(), Refused> {
        self.messages.send(frame).await.map_err(|_| Refused)
    }

    /// Hands over the first message, for which there is always room.
    pub(in crate::transport) fn send_first(&self, frame: Bytes) {
        let _ = self.messages.try_send(frame);
    }

    /// Ends the client's side of the call.
    pub(in crate::transport) fn close(self) {
        self.closed.store(true, Ordering::Release);
    }
}

impl OutboxBody {
    pub(in crate::transport) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, h2::Error>>> {
        match self.messages.poll_recv(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(frame)) => Poll::Ready(Some(Ok(frame))),
            Poll::Ready(None) if self.closed.load(Ordering::Acquire) => Poll::Ready(None),
            // hyper resets the stream with the error's reason.
            Poll::Ready(None) => Poll::Ready(Some(Err(h2::Error::from(Reason::CANCEL)))),
        }
    }
}

/// Ends a task when dropped.
#[derive(Debug)]
pub(in crate::transport) struct Driven<T>(tokio::task::JoinHandle<T>);

impl<T: Send + 'static> Driven<T> {
    /// Runs a future, whether or not anybody waits for it.
    pub(in crate::transport) fn spawn(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self(tokio::spawn(future))
    }
}

impl<T> Future for Driven<T> {
    /// `None` where the runtime ends.
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(Result::ok)
    }
}

impl<T> Drop for Driven<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
