//! What the server answers when it does not do what it was asked: problem details (RFC 9457) with stable codes.

use std::fmt;

use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

/// The media type of problem details.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident $text:literal $status:ident;)*) => {
        /// Why a request was refused. A code keeps its meaning for ever; programs may rely on it, and not on the detail.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Code {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as sent: `S104`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The status that it is sent with.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// What it means and what to do, for the catalogue.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+),)* }
            }
        }
    };
}

codes! {
    /// The body is not JSON, or not of the form that the request takes; the detail names the field.
    BadJson "S001" BAD_REQUEST;
    /// The body is not multipart form data, or a part is missing, double or unknown.
    BadMultipart "S002" BAD_REQUEST;
    /// The body has another media type than the request takes.
    MediaType "S003" UNSUPPORTED_MEDIA_TYPE;
    /// The body is larger than the server takes.
    TooLarge "S004" PAYLOAD_TOO_LARGE;
    /// There is nothing at this path.
    NoSuchPath "S005" NOT_FOUND;
    /// The path does not take this method; `Allow` says which it takes.
    Method "S006" METHOD_NOT_ALLOWED;
    /// The API key is missing or wrong. Send it as `Authorization: Bearer KEY`.
    Unauthorized "S007" UNAUTHORIZED;
    /// The server runs without an API key, and the request comes from a web page or names another host than the loopback
    /// interface. Start the server with an API key.
    Foreign "S008" FORBIDDEN;
    /// A segment of the path, or a query parameter, is not of its form.
    BadParameter "S009" BAD_REQUEST;
    /// The body stopped coming, or took too long. Send it again, without a pause.
    Slow "S010" REQUEST_TIMEOUT;

    /// A component's name is 1 to 128 ASCII letters, digits, `-`, `_`, `.` and `:`, starting with a letter or digit.
    ComponentName "S101" BAD_REQUEST;
    /// There is no component of this name.
    NoSuchComponent "S102" NOT_FOUND;
    /// There is a component of this name already. Update it, or choose another name.
    ComponentExists "S103" CONFLICT;
    /// The component was updated since the caller read its revision. Read it again, and update that one.
    StaleRevision "S104" CONFLICT;
    /// The component has no such revision.
    NoSuchRevision "S105" NOT_FOUND;
    /// An `ir` part is not an IR container of this version. Compile it again with `witwire compile`.
    Ir "S106" UNPROCESSABLE_ENTITY;
    /// The `component` part is not a WebAssembly component that can run here.
    Component "S107" UNPROCESSABLE_ENTITY;
    /// The component imports what its dependencies do not have; the detail has all differences.
    Link "S108" UNPROCESSABLE_ENTITY;
    /// It is not known where a dependency is served, or its server is not a URL that can be called.
    Server "S109" UNPROCESSABLE_ENTITY;
    /// Credentials are given for a scheme that the API does not have.
    Credentials "S110" UNPROCESSABLE_ENTITY;
    /// The operator has not named this credential. Start the server with `--credential`.
    CredentialDenied "S111" FORBIDDEN;
    /// The dependencies of the metadata are not those of the `ir` parts: each describes one part, in the same order.
    Dependencies "S112" UNPROCESSABLE_ENTITY;
    /// The settings of a dependency contradict each other.
    Settings "S113" UNPROCESSABLE_ENTITY;
    /// The settings of a dependency ask for what this version cannot do.
    Unsupported "S114" UNPROCESSABLE_ENTITY;

    /// The component has workers, which the detail names. Delete them first.
    ComponentInUse "S115" CONFLICT;

    /// A worker's name is 1 to 128 ASCII letters, digits, `-`, `_` and `.`, starting with a letter or digit.
    WorkerName "S201" BAD_REQUEST;
    /// There is no worker of this name.
    NoSuchWorker "S202" NOT_FOUND;
    /// There is a worker of this name already.
    WorkerExists "S203" CONFLICT;
    /// An idempotency key is 1 to 255 visible ASCII characters, without `"` and `\`, and not `.` or `..`.
    BadKey "S204" BAD_REQUEST;
    /// The text is not the name of a function. It looks like `run`, or `a:b/c@1.0.0#run` for a function of an interface.
    FunctionName "S205" BAD_REQUEST;
    /// The component exports no such function; the detail has those that it exports.
    NoSuchFunction "S206" UNPROCESSABLE_ENTITY;
    /// The arguments are not of the function's types.
    Arguments "S207" UNPROCESSABLE_ENTITY;
    /// The key was used for another function or other arguments.
    KeyReused "S208" CONFLICT;
    /// The worker is suspended until a person decides. Resume it.
    Suspended "S209" CONFLICT;
    /// The worker trapped. Its stored results remain; new invocations need a new worker.
    Failed "S210" CONFLICT;
    /// Another process runs the worker.
    Elsewhere "S211" CONFLICT;
    /// The worker was not created here, so that nobody knows its component's settings: it can be listed and read only.
    NotOurs "S212" CONFLICT;
    /// The worker has no invocation with this key.
    NoSuchInvocation "S213" NOT_FOUND;
    /// As many invocations wait for the worker as the server keeps. Try again when some have ended.
    QueueFull "S214" TOO_MANY_REQUESTS;

    /// The store failed. What was answered before is safe; the operator has to look at the disk.
    Store "S901" INTERNAL_SERVER_ERROR;
    /// The worker's oplog is damaged.
    Damaged "S902" INTERNAL_SERVER_ERROR;
    /// The server cannot run the component now; try again.
    Host "S903" SERVICE_UNAVAILABLE;
    /// The server has a bug.
    Bug "S904" INTERNAL_SERVER_ERROR;
    /// What was deployed cannot be loaded any more: this server is of another version or set up otherwise than the one that it was
    /// deployed to. Deploy it again, and create new workers.
    Unloadable "S905" INTERNAL_SERVER_ERROR;
}

/// Problem details (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct ProblemBody {
    /// Always `about:blank`: the title is the status's (RFC 9457, section 4.2.1), and the code tells more.
    r#type: &'static str,
    /// What the status means.
    title: &'static str,
    /// The status.
    #[schemars(range(min = 400, max = 599))]
    status: u16,
    /// Why: `S104`. A code keeps its meaning for ever.
    #[schemars(extend("pattern" = "^S[0-9]{3}$"))]
    code: &'static str,
    /// What happened this time, for a person.
    detail: String,
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    code: Code,
    detail: String,
}

impl Problem {
    /// A refusal, with what happened this time, for a person. `detail` must hold no secret.
    pub fn new(code: Code, detail: impl fmt::Display) -> Self {
        Self { code, detail: detail.to_string() }
    }

    /// Why.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// What happened this time.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl std::error::Error for Problem {}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code.status();
        // The operator has to look at these; a server that cannot answer now says so to the caller alone.
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(code = self.code.as_str(), "{}", self.detail);
        }
        let body = ProblemBody {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code: self.code.as_str(),
            detail: self.detail,
        };
        let mut response = (status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if self.code == Code::Unauthorized {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_differ_and_are_errors() {
        let texts: BTreeSet<_> = Code::ALL.iter().map(|c| c.as_str()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
        for code in Code::ALL {
            let status = code.status();
            assert!(status.is_client_error() || code.as_str().starts_with("S9"), "{code:?}: {status}");
            assert!(!code.meaning().trim().is_empty(), "{code:?}");
        }
    }
}
