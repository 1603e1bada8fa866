//! Credentials in requests: put in before a call, and once more where the service refuses a token.

use tokio::time::{Instant, timeout_at};
use witwire_interpreter::{Failure, Request};
use witwire_ir::AuthMode;

use crate::callee::Callee;
use crate::credentials::Gathered;
use crate::transport::{CallOptions, Exchange, Transport};

/// A request with its credentials, and what is needed to give it others.
#[derive(Debug)]
pub(crate) struct Authorized {
    /// With credentials.
    pub(crate) request: Request,
    /// Where there are tokens: the request without credentials, and what they came from.
    renewable: Option<(Request, Gathered)>,
}

impl Authorized {
    /// The request, and where its tokens came from.
    pub(crate) fn into_parts(self) -> (Request, Option<Gathered>) {
        (self.request, self.renewable.map(|(_, gathered)| gathered))
    }
}

/// Puts the host's credentials into a request. Tokens are fetched where they are needed, within the call's deadline, and outside of
/// everything that is recorded.
pub(crate) async fn authorize(
    transport: &Transport,
    callee: &Callee,
    request: Request,
    end: Instant,
) -> Result<Authorized, Failure> {
    let api = callee.plan.api();
    if api.auth_mode != AuthMode::Host {
        return Ok(Authorized { request, renewable: None });
    }
    let mut gathered = callee.credentials.gather(api, callee.operation()).await.map_err(|e| unauthenticated(&e))?;
    if !gathered.has_tokens() {
        let request = fill(callee, request, &gathered)?;
        return Ok(Authorized { request, renewable: None });
    }
    match timeout_at(end, gathered.fetch(transport)).await {
        Ok(fetched) => fetched.map_err(|e| unauthenticated(&e))?,
        Err(_) => return Err(Failure::Timeout(format!("no token for `{}` came within the call's deadline", callee.name))),
    }
    let authorized = fill(callee, request.clone(), &gathered)?;
    Ok(Authorized { request: authorized, renewable: Some((request, gathered)) })
}

/// Performs a call, once more with another token where the service refuses the one that was sent: it has not looked at the call then.
/// Where no other token is to be had, the refusal is the answer.
pub(crate) async fn call(
    transport: &Transport,
    callee: &Callee,
    authorized: &mut Authorized,
    begun: Instant,
    options: CallOptions,
) -> Exchange {
    let options = CallOptions { begun: Some(begun), ..options };
    let exchange = transport.call(&callee.route, &authorized.request, &options).await;
    let Some((bare, gathered)) = authorized.renewable.as_mut().filter(|_| exchange.unauthenticated()) else {
        return exchange;
    };
    gathered.refuse().await;
    if !matches!(timeout_at(options.end(), gathered.fetch(transport)).await, Ok(Ok(()))) {
        return exchange;
    }
    let Ok(request) = fill(callee, bare.clone(), gathered) else { return exchange };
    authorized.request = request;
    let again = transport.call(&callee.route, &authorized.request, &options).await;
    Exchange { attempts: exchange.attempts.saturating_add(again.attempts), ..again }
}

fn fill(callee: &Callee, mut request: Request, gathered: &Gathered) -> Result<Request, Failure> {
    let find = |scheme: &str| gathered.find(scheme);
    callee.plan.authorize(callee.operation, &mut request, &find).map_err(|e| unauthenticated(&e))?;
    Ok(request)
}

fn unauthenticated(error: &dyn std::error::Error) -> Failure {
    Failure::Unauthenticated(error.to_string())
}
