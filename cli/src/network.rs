//! From the words on the command line to a transport.

use witwire_executor::egress::EgressPolicy;
use witwire_executor::transport::{Endpoint, TlsConfig, TransportConfig};

use crate::args::{NetworkArgs, TrustArgs};
use crate::error::CliError;

/// A transport that reaches exactly these endpoints: naming a server on the command line is the permission to call it.
pub(crate) fn transport<'a>(
    endpoints: impl IntoIterator<Item = &'a Endpoint>,
    args: &NetworkArgs,
) -> Result<TransportConfig, CliError> {
    let endpoints: Vec<&Endpoint> = endpoints.into_iter().collect();
    let mut egress = EgressPolicy::exactly(endpoints.iter().copied());
    if args.allow_private {
        let hosts: Vec<String> = endpoints.iter().map(|e| e.destination()).collect();
        let private = EgressPolicy::parse([], hosts.iter().map(String::as_str));
        egress = egress.and(private.map_err(|e| CliError::Usage(e.to_string()))?);
    }
    Ok(TransportConfig { egress, tls: roots(&args.trust)?, ..TransportConfig::default() })
}

/// A policy that allows one server, wherever its name leads: for a person who names it to be asked about itself.
pub(crate) fn named(endpoint: &Endpoint) -> Result<EgressPolicy, CliError> {
    let private = EgressPolicy::parse([], [endpoint.destination().as_str()]);
    Ok(EgressPolicy::exactly([endpoint]).and(private.map_err(|e| CliError::Usage(e.to_string()))?))
}

/// The certificates that are trusted: the public ones, and those of these files.
pub(crate) fn roots(args: &TrustArgs) -> Result<TlsConfig, CliError> {
    let mut tls = TlsConfig::default();
    for path in &args.ca {
        let pem = std::fs::read(path).map_err(|e| CliError::file("read", path, &e))?;
        tls = tls.with_pem(&pem).map_err(|e| CliError::Input(format!("`{}`: {e}", path.display())))?;
    }
    Ok(tls)
}

/// The runtime that the network and workers run on.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Runtime::new().map_err(|e| CliError::Io(format!("cannot start threads: {e}")))
}
