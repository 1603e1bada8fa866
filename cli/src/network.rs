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

/// A URL of the command line as it may be repeated: without what stands before an `@`, which may be a password, and without its query.
pub(crate) fn shown(url: &str) -> String {
    let begins = |(scheme, _): &(&str, &str)| !scheme.trim_end_matches("://").contains(['@', '/', '?', '#']);
    let scheme = url.find("://").map(|at| url.split_at(at + 3)).filter(begins);
    let (scheme, rest) = scheme.unwrap_or(("", url));
    let (hidden, rest) = rest.rsplit_once('@').map_or(("", rest), |(_, rest)| ("…@", rest));
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?…"));
    format!("{scheme}{hidden}{rest}{query}")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        for (url, wanted) in [
            ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
            ("shop", "shop"),
            ("http://me:pw@host/v1", "http://…@host/v1"),
            ("http://me:p@w/x?y@host", "http://…@host"),
            ("me:pw@host:50051", "…@host:50051"),
            ("https://host/v1?key=pw", "https://host/v1?…"),
            ("core:todo=http://me:pw@host", "core:todo=http://…@host"),
            ("host:8080/?token=pw&to=http://x", "host:8080/?…"),
            ("me:pw@http://host", "…@http://host"),
            ("me:pw@http://it@host", "…@host"),
        ] {
            assert_eq!(shown(url), wanted, "{url}");
        }
    }
}
