//! Against a server that we did not write: grpcio, which `.ci/tools grpc` installs.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use libtest_mimic::{Failed, Trial};
use witwire_executor::credentials::Source;
use witwire_executor::transport::{
    Authority as Name, CallOptions, ClientTls, Compression, Endpoint, Exchange, Identity, LinkSettings, Repeat, Route,
    RouteSettings, SendErrorKind, Transport,
};
use witwire_interpreter::{GrpcRequest, GrpcResponse, Metadata, MetadataText, Request, Response};
use witwire_test_support::hostile::{Authority, Validity};

use super::{AMPLE, Outcome, check, contains, loopback, none, trial};

pub(super) fn trials() -> Vec<Trial> {
    vec![trial("grpcio::in the clear", in_the_clear), trial("grpcio::mutual TLS", mutual_tls)]
}

/// The interpreter with grpcio; `None` where it is not installed, which is said; an error where it must be there.
fn python() -> Result<Option<PathBuf>, Failed> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools");
    let python = std::env::var_os("WITWIRE_TOOLS").map_or(beside, PathBuf::from).join("grpc/bin/python");
    if python.is_file() {
        return Ok(Some(python));
    }
    if std::env::var("CI").is_ok_and(|v| v == "true") {
        return Err("grpcio not found; run `.ci/tools grpc`".into());
    }
    println!("skipped: grpcio not found; `.ci/tools grpc` installs it");
    Ok(None)
}

struct Server {
    process: Child,
    /// The server ends when this is closed.
    _stdin: Option<ChildStdin>,
    port: u16,
}

impl Server {
    fn start(python: &Path, tls: &[PathBuf]) -> Result<Self, Failed> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transport/grpcio.py");
        let mut process = Command::new(python).arg(script).args(tls).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let port = line.trim().parse().map_err(|_| "the server did not start")?;
        let stdin = process.stdin.take();
        Ok(Self { process, _stdin: stdin, port })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn request(method: &str, message: impl Into<Bytes>, metadata: Metadata) -> Request {
    Request::Grpc(GrpcRequest { path: format!("/test.Real/{method}"), metadata, message: message.into(), secrets: none() })
}

struct Client {
    transport: Transport,
    route: Route,
}

impl Client {
    fn new(url: &str, link: LinkSettings) -> Result<Self, Failed> {
        let transport = Transport::new(loopback()?)?;
        let settings = RouteSettings { link, max_response: Some(1 << 20), ..RouteSettings::default() };
        let route = transport.route(vec![Endpoint::parse(url)?], settings)?;
        Ok(Self { transport, route })
    }

    async fn exchange(&self, request: &Request, options: CallOptions) -> Exchange {
        self.transport.call(&self.route, request, &options).await
    }

    /// The message of a call that succeeds.
    async fn message(&self, method: &str, message: impl Into<Bytes>, options: CallOptions) -> Result<Bytes, Failed> {
        match self.exchange(&request(method, message, none()), options).await.outcome? {
            Response::Grpc(GrpcResponse::Ok { message, .. }) => Ok(message),
            other => Err(format!("{other:?}").into()),
        }
    }
}

async fn in_the_clear() -> Outcome {
    let Some(python) = python()? else { return Ok(()) };
    let server = Server::start(&python, &[])?;
    let client = Client::new(&format!("http://127.0.0.1:{}", server.port), LinkSettings::default())?;
    let once = CallOptions::new(AMPLE, Repeat::Unprocessed);
    let freely = CallOptions::new(AMPLE, Repeat::Freely);

    let metadata = vec![
        ("x-a".to_owned(), MetadataText::Ascii("one, two".to_owned())),
        ("x-b-bin".to_owned(), MetadataText::Binary(Bytes::from_static(&[0, 255, 7]))),
    ];
    let exchange = client.exchange(&request("echo", "hi", metadata.clone()), once).await;
    let initial = vec![
        ("x-initial".to_owned(), MetadataText::Ascii("a".to_owned())),
        ("x-initial-bin".to_owned(), MetadataText::Binary(Bytes::from_static(&[0xab, 0xcd]))),
    ];
    check(&exchange.initial, &initial)?;
    check(&exchange.trailing(), &metadata.as_slice())?;

    for compression in [Compression::None, Compression::Gzip] {
        let options = CallOptions { compression: Some(compression), ..once };
        check(&client.message("echo", vec![7; 50_000], options).await?.len(), &50_000)?;
    }
    check(&client.message("compressed", "0123456789", once).await?.len(), &1000)?;
    // grpcio knows no zstd, and says so: by INTERNAL, where the protocol has UNIMPLEMENTED.
    let zstd = CallOptions { compression: Some(Compression::Zstd), ..once };
    let Response::Grpc(GrpcResponse::Status(status)) = client.exchange(&request("echo", "hi", none()), zstd).await.outcome?
    else {
        return Err("it does know zstd".into());
    };
    check(&matches!(status.code, 12 | 13), &true)?;

    let left: f64 = std::str::from_utf8(&client.message("remaining", "", once).await?)?.parse()?;
    check(&(left > 0.0 && left <= AMPLE.as_secs_f64()), &true)?;

    let Response::Grpc(GrpcResponse::Status(status)) = client.exchange(&request("fail", "", none()), freely).await.outcome?
    else {
        return Err("it did not fail".into());
    };
    check(&(status.code, status.message.as_str()), &(9, "nö: 100%"))?;

    let exchange = client.exchange(&request("flaky", "", none()), freely).await;
    check(&(exchange.outcome.is_ok(), exchange.attempts), &(true, 3))?;

    // Too large for the server, and for us.
    let Response::Grpc(GrpcResponse::Status(status)) =
        client.exchange(&request("echo", vec![0; 200_000], none()), once).await.outcome?
    else {
        return Err("it took the message".into());
    };
    check(&status.code, &8)?;
    let exchange = client.exchange(&request("large", "2000000", none()), once).await;
    check(&exchange.outcome.map_err(|e| e.kind), &Err(SendErrorKind::TooLarge { status: Some(200), grpc: true }))?;

    // A dropped call is cancelled at the server.
    let hang = request("hang", "", none());
    tokio::select! {
        exchange = client.exchange(&hang, once) => return Err(format!("{exchange:?}").into()),
        hanging = client.message("wait_for_hang", "", once) => drop(hanging?),
    }
    client.message("wait_for_cancel", "", once).await.map(drop)?;

    let exchange = client.exchange(&request("no_such_method", "", none()), freely).await;
    let Response::Grpc(GrpcResponse::Status(status)) = exchange.outcome? else { return Err("it is there".into()) };
    check(&status.code, &12)
}

async fn mutual_tls() -> Outcome {
    let Some(python) = python()? else { return Ok(()) };
    let (authority, clients) = (Authority::new()?, Authority::new()?);
    let ours = authority.issue(&["real.test"], Validity::Now)?;
    let directory = tempfile::tempdir()?;
    let write = |name: &str, text: &str| -> Result<PathBuf, Failed> {
        let path = directory.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    };
    let files =
        [write("server.pem", &ours.certificate)?, write("server.key", &ours.key)?, write("clients.pem", &clients.pem())?];
    let server = Server::start(&python, &files)?;
    let url = format!("https://127.0.0.1:{}", server.port);
    let call = async |issuer: Option<&Authority>, name: &str, method: &str| -> Result<Exchange, Failed> {
        let identity = match issuer {
            None => None,
            Some(issuer) => {
                let me = issuer.issue(&["me"], Validity::Now)?;
                Some(Identity {
                    certificate: Source::File(write("me.pem", &me.certificate)?),
                    key: Source::File(write("me.key", &me.key)?),
                })
            }
        };
        let roots = vec![Source::Literal(authority.pem())];
        let tls = ClientTls { roots, identity, authority: Some(Name::parse(name)?) };
        let client = Client::new(&url, LinkSettings { tls, keepalive: None })?;
        let options = CallOptions::new(Duration::from_secs(20), Repeat::Unprocessed);
        Ok(client.exchange(&request(method, "hi", none()), options).await)
    };
    call(Some(&clients), "real.test", "echo").await?.outcome?;
    let stranger = Authority::new()?;
    // It closes the connection at once, by which its word why can be lost on the way: then it is a connection that broke.
    for issuer in [None, Some(&stranger)] {
        let error = call(issuer, "real.test", "echo").await?.outcome.err().ok_or("a response")?;
        let broken = matches!(error.kind, SendErrorKind::MaybeProcessed { reset: None } | SendErrorKind::Unprocessed);
        check(&(broken || error.kind == SendErrorKind::NoConnection { lasting: true }), &true)?;
    }
    let Response::Grpc(GrpcResponse::Ok { message, .. }) = call(Some(&clients), "real.test", "echoes").await?.outcome?
    else {
        return Err("it does not count".into());
    };
    check(&&*message, &b"1".as_slice())?;
    let error = call(Some(&clients), "other.test", "echo").await?.outcome.err().ok_or("a response")?;
    contains(&error.message, "its certificate is not for the name other.test")
}
