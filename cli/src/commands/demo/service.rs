//! `witwire demo --service`: the Todo service alone.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use todo_service::Service;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::DemoArgs;
use crate::error::CliError;
use crate::output::Output;

/// Where the example's manifest looks for it.
const USUAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Serves until it is told to stop. REST requests need the token in `TODO_TOKEN`; without that variable any token does.
pub(super) async fn run(args: &DemoArgs, output: Output) -> Result<(), CliError> {
    let stop = |kind| signal(kind).map_err(|e| CliError::Io(format!("cannot listen for signals: {e}")));
    let (mut interrupt, mut terminate) = (stop(SignalKind::interrupt())?, stop(SignalKind::terminate())?);
    let service = Service::new(std::env::var("TODO_TOKEN").ok().as_deref());
    service.control.slow(Duration::from_millis(args.delay));
    let address = args.listen.unwrap_or(USUAL);
    let running = service.start_at(address).await.map_err(|e| CliError::Io(format!("cannot listen on {address}: {e}")))?;
    if output.is_json() {
        output.json(&serde_json::json!({ "grpc": running.url(), "rest": running.rest_url() }))?;
    } else {
        output.line(&format!("gRPC {}\nREST {}", running.url(), running.rest_url()))?;
    }
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
