//! Failures that the host itself finds, before they become the WIT `error`.

use witwire_ir::host::Violation;

/// Why a call has no response that the API declares. [`crate::Plan::failure`] makes the WIT value of it.
///
/// Every message says what happened, where (host and port, never a credential or a payload) and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Arguments break the API's contract; nothing was sent.
    InvalidRequest(Vec<Violation>),
    /// The response breaks the protocol or the contract.
    InvalidResponse {
        /// What is wrong.
        message: String,
        /// The body as text, where there is one (HTTP).
        raw: Option<String>,
        /// The HTTP status, where there was one.
        status: Option<u16>,
    },
    /// Not sent, or surely not processed.
    Unavailable(String),
    /// The deadline passed.
    Timeout(String),
    /// It may or may not have been processed.
    OutcomeUnknown(String),
    /// The egress policy refuses the destination; the message has the lines that would allow it.
    Denied(String),
    /// The call needs credentials that are not there, or that cannot be sent.
    Unauthenticated(String),
    /// The host cannot perform this method.
    Unimplemented(String),
}
