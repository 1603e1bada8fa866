//! What an HTTP status means to a guest.

use witwire_ir::host::http::ErrorKind;

/// The error kind of a status that is no declared success.
pub(super) const fn kind(status: u16) -> ErrorKind {
    match status {
        400 => ErrorKind::BadRequest,
        401 => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict,
        412 => ErrorKind::PreconditionFailed,
        422 => ErrorKind::Unprocessable,
        429 => ErrorKind::RateLimited,
        500..=599 => ErrorKind::ServerError,
        304 => ErrorKind::NotModified,
        300..=399 => ErrorKind::Redirected,
        _ => ErrorKind::UnexpectedStatus,
    }
}

/// The reason phrase (RFC 9110 section 15, RFC 6585); empty for others.
pub(super) const fn reason(status: u16) -> &'static str {
    match status {
        200 => " OK",
        201 => " Created",
        202 => " Accepted",
        204 => " No Content",
        206 => " Partial Content",
        300 => " Multiple Choices",
        301 => " Moved Permanently",
        302 => " Found",
        303 => " See Other",
        304 => " Not Modified",
        307 => " Temporary Redirect",
        308 => " Permanent Redirect",
        400 => " Bad Request",
        401 => " Unauthorized",
        402 => " Payment Required",
        403 => " Forbidden",
        404 => " Not Found",
        405 => " Method Not Allowed",
        406 => " Not Acceptable",
        408 => " Request Timeout",
        409 => " Conflict",
        410 => " Gone",
        411 => " Length Required",
        412 => " Precondition Failed",
        413 => " Content Too Large",
        414 => " URI Too Long",
        415 => " Unsupported Media Type",
        421 => " Misdirected Request",
        422 => " Unprocessable Content",
        428 => " Precondition Required",
        429 => " Too Many Requests",
        431 => " Request Header Fields Too Large",
        500 => " Internal Server Error",
        501 => " Not Implemented",
        502 => " Bad Gateway",
        503 => " Service Unavailable",
        504 => " Gateway Timeout",
        _ => "",
    }
}

/// What to do about it.
pub(super) const fn advice(status: u16) -> &'static str {
    match status {
        400 => "the server refuses the request as malformed: compare the arguments with what it says",
        401 => "the credentials are missing or not accepted: check them",
        403 => "the credentials are accepted but do not allow this: ask for the right to do it",
        404 => "there is no such resource: check the path parameters, and the server's base path",
        409 => "the request conflicts with the resource's state: read it again and decide",
        412 => "the resource has changed, or a condition does not hold: read it again and retry with its version",
        422 => "the server understands the request but refuses its content: compare the arguments with what it says",
        429 => "too many requests: wait, then try again",
        500..=599 => "the server failed: try again later",
        304 => "the resource has not changed: use the copy that is there",
        300..=399 => "the resource is elsewhere, and redirects are not followed: point the configured server there",
        200..=299 => "the API does not declare this success: its description may be out of date",
        _ => "the API gives this status no meaning: see the body",
    }
}
