//! Stopping what a worker does, from outside.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

/// Stops the invocation that a worker performs. Cheap to clone; clones stop the same worker.
///
/// A guest that computes, or waits for a clock or for a stream, is stopped at once; one that calls a service, or has sent all of
/// a stream and waits for the response, when that has its result, which is recorded. So no call is in doubt, and a worker that is
/// resumed repeats none. Streams that are open are cut, as by the end of the process: what becomes of them is for their class to say.
#[derive(Debug, Clone, Default)]
pub struct Interrupter {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// How many ask for it.
    requested: AtomicUsize,
    /// Whether a call is with a service: then its result is waited for.
    outside: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Interrupter {
    /// Asks for it. It holds until it is cleared as often as it was asked for: everything that the worker begins meanwhile is
    /// stopped as well.
    pub fn interrupt(&self) {
        self.shared.requested.fetch_add(1, Ordering::SeqCst);
        let waker = self.shared.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes one request back, if there is one.
    pub fn clear(&self) {
        let _ = self.shared.requested.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |requests| requests.checked_sub(1));
    }

    /// Whether it is asked for, and not taken back.
    pub fn is_requested(&self) -> bool {
        self.shared.requested.load(Ordering::SeqCst) > 0
    }

    /// A call leaves for a service until this is dropped.
    pub(crate) fn outside(&self) -> Outside {
        self.shared.outside.store(true, Ordering::SeqCst);
        Outside { shared: Arc::clone(&self.shared) }
    }

    /// Runs something to its end, or gives it up where it is interrupted: then `None`.
    pub(crate) async fn unless<F: Future>(&self, run: F) -> Option<F::Output> {
        let mut run = pin!(run);
        std::future::poll_fn(|context| {
            // Before the flag is read, so that no request falls between.
            *self.shared.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
            match run.as_mut().poll(context) {
                Poll::Ready(output) => Poll::Ready(Some(output)),
                Poll::Pending if self.is_requested() && !self.shared.outside.load(Ordering::SeqCst) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}

/// See [`Interrupter::outside`].
#[derive(Debug)]
pub(crate) struct Outside {
    shared: Arc<Shared>,
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.shared.outside.store(false, Ordering::SeqCst);
    }
}
