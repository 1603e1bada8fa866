//! HTTP/1.1 by scripted bytes.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use super::{Connection, Server};

/// What happens on one request.
#[derive(Debug, Clone)]
pub enum Step {
    /// Bytes are sent.
    Write(Vec<u8>),
    /// The connection stays open and silent.
    Hang,
    /// The connection is closed.
    Close,
}

impl Step {
    /// Sends text.
    pub fn write(text: impl Into<String>) -> Self {
        Self::Write(text.into().into_bytes())
    }
}

/// A server that reads each request and plays a script; after it, the connection is ready for the next request.
#[derive(Debug)]
pub struct Http1 {
    /// The server under it.
    pub server: Server,
    requests: Arc<Mutex<Vec<String>>>,
    arrived: Arc<Notify>,
}

impl Http1 {
    /// Plays one script on every request.
    pub async fn start(script: Vec<Step>) -> std::io::Result<Self> {
        Self::start_with(None, move |_, _| script.clone()).await
    }

    /// Plays the script that is chosen by the numbers, from 0, of the connection and of the request on it.
    pub async fn start_with(
        tls: Option<TlsAcceptor>,
        script: impl Fn(usize, usize) -> Vec<Step> + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let (requests, arrived) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Notify::new()));
        let (script, log, notify) = (Arc::new(script), requests.clone(), arrived.clone());
        let handler = move |connection, number| {
            let (script, log, notify) = (script.clone(), log.clone(), notify.clone());
            async move {
                let mut connection: Connection = connection;
                for request in 0.. {
                    let Some(text) = read_request(&mut connection).await else { return };
                    if let Ok(mut log) = log.lock() {
                        log.push(text);
                    }
                    notify.notify_one();
                    if !play(&mut connection, script(number, request)).await {
                        return;
                    }
                }
            }
        };
        let server = match tls {
            None => Server::start(handler).await?,
            Some(acceptor) => Server::start_tls(acceptor, handler).await?,
        };
        Ok(Self { server, requests, arrived })
    }

    /// The requests that were read whole, head and body.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().map(|log| log.clone()).unwrap_or_default()
    }

    /// Waits for a request.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }
}

/// Plays a script. False: the connection is at its end.
async fn play(connection: &mut Connection, script: Vec<Step>) -> bool {
    for step in script {
        match step {
            Step::Write(bytes) => {
                if connection.write_all(&bytes).await.is_err() || connection.flush().await.is_err() {
                    return false;
                }
            }
            Step::Hang => std::future::pending().await,
            Step::Close => {
                // An error means that the client was faster.
                let _ = connection.shutdown().await;
                return false;
            }
        }
    }
    true
}

/// One request with its body by `Content-Length`; `None` at the end of the connection.
async fn read_request(connection: &mut Connection) -> Option<String> {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") {
        if connection.read(&mut byte).await.ok()? == 0 {
            return None;
        }
        text.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&text).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await.ok()?;
    text.extend(body);
    Some(String::from_utf8_lossy(&text).into_owned())
}
