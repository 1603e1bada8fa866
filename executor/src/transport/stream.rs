//! A connection's bytes, in the clear or under TLS.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::probe::Counter;
use super::tls::Refusal;

/// A connection.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) channel: Channel,
    /// Whether HTTP/2 was negotiated, or is spoken by prior knowledge.
    pub(super) http2: bool,
    /// Set where the server refuses our certificate.
    pub(super) refusal: Refusal,
    /// Only where a probe wants to know what was sent.
    pub(super) counter: Option<Counter>,
}

#[derive(Debug)]
pub(super) enum Channel {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Calls a method of either channel.
macro_rules! channel {
    ($self:ident, $method:ident, $($argument:expr),*) => {
        match &mut $self.channel {
            Channel::Plain(tcp) => Pin::new(tcp).$method($($argument),*),
            Channel::Tls(tls) => Pin::new(tls.as_mut()).$method($($argument),*),
        }
    };
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        let connected = Connected::new().extra(self.refusal.clone());
        let connected = if self.http2 { connected.negotiated_h2() } else { connected };
        match &self.counter {
            Some(counter) => connected.extra(counter.meter()),
            None => connected,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = channel!(self, poll_read, cx, buf);
        read.map_err(|error| self.refusal.find(error))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(channel!(self, poll_write, cx, buf))?;
        if let Some(counter) = &mut self.counter {
            counter.wrote(&buf[..written]);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = ready!(channel!(self, poll_write_vectored, cx, bufs))?;
        if let Some(counter) = &mut self.counter {
            let mut left = written;
            for buf in bufs {
                let n = left.min(buf.len());
                counter.wrote(&buf[..n]);
                left -= n;
            }
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.channel {
            Channel::Plain(tcp) => tcp.is_write_vectored(),
            Channel::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(channel!(self, poll_flush, cx))?;
        if let Some(counter) = &mut self.counter {
            counter.flushed();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        channel!(self, poll_shutdown, cx)
    }
}
