//! What can go wrong between a command and the server.

use serde::Deserialize;

use crate::error::CliError;

/// Why a request has no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// The server refused it; the code is one of those in the book's chapter on the server.
    #[error("{code}: {detail}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The code: `S104`.
        code: String,
        /// What happened this time.
        detail: String,
    },
    /// No connection could be made: nothing was sent.
    #[error("there is no server at {server}: {reason}; start one with `witwire server`, or say where it is with `--server`")]
    Unreachable {
        /// Its address.
        server: String,
        /// What the operating system says.
        reason: String,
    },
    /// The connection ended before the answer was there: nobody here knows whether the request was processed.
    #[error("the connection to {server} broke before it answered: {reason}")]
    Broken {
        /// Its address.
        server: String,
        /// What the operating system says.
        reason: String,
    },
    /// What answered is not a witwire server, or a much newer one.
    #[error("{server} does not answer as a witwire server: {detail}")]
    Unexpected {
        /// Its address.
        server: String,
        /// What is unexpected.
        detail: String,
    },
}

/// Problem details (RFC 9457) with the member `code`.
#[derive(Deserialize)]
struct Problem {
    code: String,
    detail: String,
}

impl ClientError {
    pub(super) fn refused(server: &str, status: u16, body: &[u8]) -> Self {
        match serde_json::from_slice(body) {
            Ok(Problem { code, detail }) => Self::Refused { status, code, detail },
            Err(_) => Self::Unexpected {
                server: server.to_owned(),
                detail: format!("it answered with status {status} and no problem details"),
            },
        }
    }

    pub(super) fn transport(server: &str, error: &ureq::Error) -> Self {
        use std::io::ErrorKind as Kind;
        use ureq::{Error, Timeout};

        let (server, reason) = (server.to_owned(), error.to_string());
        match error {
            Error::HostNotFound
            | Error::ConnectionFailed
            | Error::Tls(_)
            | Error::Rustls(_)
            | Error::Timeout(Timeout::Resolve | Timeout::Connect) => Self::Unreachable { server, reason },
            Error::Io(e)
                if matches!(
                    e.kind(),
                    Kind::ConnectionRefused | Kind::HostUnreachable | Kind::NetworkUnreachable | Kind::AddrNotAvailable
                ) =>
            {
                Self::Unreachable { server, reason: e.to_string() }
            }
            Error::Io(e) => Self::Broken { server, reason: e.to_string() },
            Error::Timeout(_) => Self::Broken { server, reason },
            _ => Self::Unexpected { server, detail: reason },
        }
    }

    /// Whether the server refused the request with this code.
    pub(crate) fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == wanted)
    }

    /// What a person may do about it, where that depends on the command line.
    fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Refused { code, .. } => match code.as_str() {
                "S004" => Some("the server takes smaller bodies only"),
                "S005" => Some("is the server older than this program?"),
                "S007" => Some("give the file of the server's API key with `--api-key-file`"),
                "S102" => Some("`witwire component list` shows those that there are"),
                "S104" => Some("somebody else updated it; look at it with `witwire component show`, and deploy again"),
                "S202" => Some("`witwire worker list` shows those that there are"),
                "S209" => Some("`witwire worker show` tells why, `witwire worker resume` goes on"),
                "S210" => Some("create another one with `witwire worker create`"),
                _ => None,
            },
            _ => None,
        }
    }
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        let message = match error.advice() {
            Some(advice) => format!("{error}\n  help: {advice}"),
            None => error.to_string(),
        };
        match error {
            ClientError::Refused { status, code, .. } if status < 500 => Self::Server { code, message, failed: false },
            ClientError::Refused { code, .. } => Self::Server { code, message, failed: true },
            _ => Self::Io(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_keeps_its_code_and_gets_advice() {
        let body =
            br#"{"type": "about:blank", "status": 409, "code": "S104", "detail": "revision 2 is current", "more": 1}"#;
        let error = ClientError::refused("http://h", 409, body);
        assert!(error.is("S104") && !error.is("S103"));
        let CliError::Server { code, message, failed } = CliError::from(error) else { panic!("another error") };
        assert_eq!((code.as_str(), failed), ("S104", false));
        assert!(message.starts_with("S104: revision 2 is current\n") && message.contains("deploy again"), "{message}");
    }

    #[test]
    fn what_is_not_ours_is_said_to_be() {
        for body in [&b"<html>"[..], b"", b"{}"] {
            let error = ClientError::refused("http://h", 502, body);
            assert!(matches!(error, ClientError::Unexpected { .. }), "{error}");
            assert!(matches!(CliError::from(error), CliError::Io(_)));
        }
    }
}
