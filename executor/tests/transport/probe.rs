//! The probe's stages are true: what is said to be sent is with the server, and the rest is not.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use libtest_mimic::{Failed, Trial};
use witwire_executor::transport::{SendProbe, SendStage, Transport, TransportConfig};
use witwire_interpreter::Request;
use witwire_ir::operation::http::Method;
use witwire_test_support::hostile::http1::{Http1, Step};

use super::{AMPLE, Outcome, check, get, grpc_request, http_request, loopback, send, trial};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("probe::half of an HTTP request", || {
            half_sent(http_request(Method::Post, "/x", Some("0123456789")), wait_for_text, b"01234", b"56789")
        }),
        trial("probe::half of a gRPC request", || {
            half_sent(grpc_request(Vec::new()), wait_for_data, &[0, 0, 0, 0, 7, b'r'], b"equest")
        }),
        trial("probe::a request without a body", a_request_without_a_body),
    ]
}

/// Stops the call at half of the request until the server has told what it has, and records what it told.
#[derive(Debug)]
struct Stop {
    arrived: Mutex<Receiver<Vec<u8>>>,
    log: Mutex<Vec<(SendStage, Vec<u8>)>>,
}

impl SendProbe for Stop {
    fn reached(&self, stage: SendStage) {
        let arrived = match stage {
            // An error means that the half never came, which the test sees by what is missing.
            SendStage::RequestHalfSent => {
                self.arrived.lock().ok().and_then(|a| a.recv_timeout(AMPLE).ok()).unwrap_or_default()
            }
            SendStage::ResponseRead | SendStage::BetweenAttempts => Vec::new(),
        };
        if let Ok(mut log) = self.log.lock() {
            log.push((stage, arrived));
        }
    }
}

/// Reads until some of the body is there, tells it, and gives what comes after it.
type Server = fn(&mut TcpStream, &Sender<Vec<u8>>) -> std::io::Result<Vec<u8>>;

/// The server runs on a thread of its own: the call's runtime stands still meanwhile.
async fn half_sent(request: Request, server: Server, half: &'static [u8], rest: &'static [u8]) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let (tell, arrived) = channel();
    let server: JoinHandle<std::io::Result<Vec<u8>>> = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept()?;
        server(&mut connection, &tell)
    });
    let stop = Arc::new(Stop { arrived: Mutex::new(arrived), log: Mutex::default() });
    let transport = Transport::new(TransportConfig { probe: stop.clone(), ..loopback()? })?;
    // The server closes without a response.
    let error = send(&transport, &url, &request, AMPLE).await.err().ok_or("a response")?;
    check(&error.in_doubt(), &true)?;
    check(&server.join().map_err(|_| "the server panicked")??, &rest.to_vec())?;
    let log = stop.log.lock().map_err(|e| Failed::from(e.to_string()))?;
    check(&*log, &vec![(SendStage::RequestHalfSent, half.to_vec())])
}

fn wait_for_text(connection: &mut TcpStream, tell: &Sender<Vec<u8>>) -> std::io::Result<Vec<u8>> {
    let mut read = Vec::new();
    let mut buffer = [0; 1024];
    let head = loop {
        let n = connection.read(&mut buffer)?;
        read.extend_from_slice(&buffer[..n]);
        if let Some(end) = read.windows(4).position(|w| w == b"\r\n\r\n").filter(|end| read.len() > end + 4) {
            break end + 4;
        }
    };
    nothing_more(connection)?;
    let _ = tell.send(read[head..].to_vec());
    let n = connection.read(&mut buffer)?;
    Ok(buffer[..n].to_vec())
}

fn wait_for_data(connection: &mut TcpStream, tell: &Sender<Vec<u8>>) -> std::io::Result<Vec<u8>> {
    let mut preface = [0; 24];
    connection.read_exact(&mut preface)?;
    connection.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0])?;
    let half = data_frame(connection)?;
    let _ = tell.send(half);
    data_frame(connection)
}

/// The payload of the next DATA frame.
fn data_frame(connection: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    loop {
        let mut header = [0; 9];
        connection.read_exact(&mut header)?;
        let mut payload = vec![0; u32::from_be_bytes([0, header[0], header[1], header[2]]) as usize];
        connection.read_exact(&mut payload)?;
        if header[3] == 0 {
            return Ok(payload);
        }
    }
}

/// The rest is not on its way: the client stands in the probe, waiting for us.
fn nothing_more(connection: &mut TcpStream) -> std::io::Result<()> {
    connection.set_nonblocking(true)?;
    let more = connection.peek(&mut [0]);
    connection.set_nonblocking(false)?;
    match more {
        Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(()),
        other => Err(std::io::Error::other(format!("more than half was sent: {other:?}"))),
    }
}

async fn a_request_without_a_body() -> Outcome {
    let server = Http1::start(vec![Step::write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")]).await?;
    let (_tell, arrived) = channel();
    let stop = Arc::new(Stop { arrived: Mutex::new(arrived), log: Mutex::default() });
    let transport = Transport::new(TransportConfig { probe: stop.clone(), ..loopback()? })?;
    send(&transport, &server.server.url(), &get(), AMPLE).await?;
    let log = stop.log.lock().map_err(|e| Failed::from(e.to_string()))?;
    check(&*log, &vec![(SendStage::ResponseRead, Vec::new())])
}
