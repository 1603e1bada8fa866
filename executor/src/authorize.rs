//! Credentials in requests: put in before a call, and once more where the service refuses a token.

use tokio::time::Instant;
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

/// Puts the host's credentials into a request. Tokens are fetched where they are needed, outside of everything that is recorded.
pub(crate) async fn authorize(transport: &Transport, callee: &Callee, request: Request) -> Result<Authorized, Failure> {
    let api = callee.plan.api();
    if api.auth_mode != AuthMode::Host {
        return Ok(Authorized { request, renewable: None });
    }
    let mut gathered = callee.credentials.gather(api, callee.operation()).map_err(|e| unauthenticated(&e))?;
    if !gathered.has_tokens() {
        let request = fill(callee, request, &gathered)?;
        return Ok(Authorized { request, renewable: None });
    }
    gathered.fetch(transport).await.map_err(|e| unauthenticated(&e))?;
    let authorized = fill(callee, request.clone(), &gathered)?;
    Ok(Authorized { request: authorized, renewable: Some((request, gathered)) })
}

/// Performs a call, once more with another token where the service refuses the one that was sent: it has not looked at the call then.
/// Where no other token is to be had, the refusal is the answer.
pub(crate) async fn call(
    transport: &Transport,
    callee: &Callee,
    authorized: &mut Authorized,
    options: CallOptions,
) -> Exchange {
    let begun = Instant::now();
    let exchange = transport.call(&callee.route, &authorized.request, &options).await;
    let Some((bare, gathered)) = authorized.renewable.as_mut().filter(|_| exchange.unauthenticated()) else {
        return exchange;
    };
    gathered.refuse().await;
    if gathered.fetch(transport).await.is_err() {
        return exchange;
    }
    let (Ok(request), deadline) = (fill(callee, bare.clone(), gathered), options.deadline.saturating_sub(begun.elapsed()))
    else {
        return exchange;
    };
    if deadline.is_zero() {
        return exchange;
    }
    authorized.request = request;
    let again = transport.call(&callee.route, &authorized.request, &CallOptions { deadline, ..options }).await;
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
