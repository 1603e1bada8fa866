//! `witwire server`: components and workers behind a REST API, until it is told to stop.

use std::collections::BTreeSet;
use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};
use witwire_deployment::Reference;
use witwire_executor::egress::EgressPolicy;
use witwire_executor::transport::{TlsConfig, TransportConfig};
use witwire_server::{ApiKey, Server, ServerConfig, ServerError};

use crate::args::ServerArgs;
use crate::error::CliError;
use crate::network;
use crate::output::{Output, Tone};

pub(crate) fn run(args: &ServerArgs, output: Output) -> Result<(), CliError> {
    let config = config(args)?;
    network::runtime()?.block_on(async {
        // Before it says that it listens: whoever reads that may stop it.
        let stop = |kind| signal(kind).map_err(|e| CliError::Io(format!("cannot listen for signals: {e}")));
        let (mut interrupt, mut terminate) = (stop(SignalKind::interrupt())?, stop(SignalKind::terminate())?);
        let server = Server::bind(config).await.map_err(|e| failed(&e))?;
        let url = format!("http://{}", server.address());
        if output.is_json() {
            output.json(&serde_json::json!({ "url": url }))?;
        } else {
            output.line(&format!("{} {url}", output.paint(Tone::Heading, "listening on")))?;
        }
        let stopped = async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            // What is under way may take long. Whoever does not want to wait loses nothing: the next start carries on.
            tokio::spawn(async move {
                let code = tokio::select! {
                    _ = interrupt.recv() => 130,
                    _ = terminate.recv() => 143,
                };
                std::process::exit(code);
            });
        };
        server.serve(stopped).await.map_err(|e| failed(&e))
    })
}

fn config(args: &ServerArgs) -> Result<ServerConfig, CliError> {
    let usage = |e: &dyn std::fmt::Display| CliError::Usage(e.to_string());
    let key = |path: &PathBuf| ApiKey::read(path).map_err(|e| CliError::Io(e.to_string()));
    let api_keys = args.api_key_file.iter().map(key).collect::<Result<_, _>>()?;
    let (allow, private) = (args.allow.iter().map(String::as_str), args.allow_private.iter().map(String::as_str));
    let egress = EgressPolicy::parse(allow, private).map_err(|e| usage(&e))?;
    let mut tls = TlsConfig::default();
    for path in &args.ca {
        let pem = std::fs::read(path).map_err(|e| CliError::file("read", path, &e))?;
        tls = tls.with_pem(&pem).map_err(|e| CliError::Input(format!("`{}`: {e}", path.display())))?;
    }
    let credential = |text: &String| text.parse::<Reference>().map_err(|e| CliError::Usage(format!("`--credential`: {e}")));
    let credentials: BTreeSet<Reference> = args.credential.iter().map(credential).collect::<Result<_, _>>()?;
    let transport = TransportConfig { egress, tls, ..TransportConfig::default() };
    Ok(ServerConfig { api_keys, transport, credentials, ..ServerConfig::new(args.listen, &args.store) })
}

fn failed(error: &ServerError) -> CliError {
    match error {
        ServerError::KeyNeeded(_) => CliError::Usage(error.to_string()),
        _ => CliError::Io(error.to_string()),
    }
}
