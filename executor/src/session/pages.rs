//! Pagers: each page is a call of its own, with the class of its operation.
//!
//! Where a pager stands follows from the pages that it gave, so that nothing but their calls is recorded.

use witwire_interpreter::{Failure, Request};
use witwire_ir::Value;

use super::{Session, Stop};
use crate::callee::Callee;
use crate::oplog::FunctionName;
use crate::stream::{Line, OpenStream};
use crate::transport::follow_page;

impl Session {
    /// Gives the next page: from the oplog, or over the network. After an error the same page is asked for again.
    pub(super) async fn page(&mut self, pager: &mut OpenStream, method: &FunctionName) -> Result<Value, Stop> {
        let callee = pager.callee.clone();
        let args = match &pager.line {
            Line::Pages(Some(args)) => args.clone(),
            // What the pages said is enough to know that there is no other.
            _ => return Ok(Value::ok(Some(Value::none()))),
        };
        let _outside = self.interrupter.outside();
        let page = self.perform(&callee, method, &args, pager.handle).await?;
        if matches!(page, Value::Result(Ok(_))) {
            pager.line = Line::Pages(callee.plan.further(callee.operation, &args, &page));
        }
        Ok(page)
    }
}

/// Finds where the URL of a further page leads, if the request has one: nowhere but to the service that named it.
pub(super) fn resolve(callee: &Callee, request: &mut Request) -> Result<(), Failure> {
    let Request::Http(request) = request else { return Ok(()) };
    let secrets = callee.plan.api().query_keys();
    follow_page(request, callee.route.faces(), &secrets).map_err(|error| Failure::Denied(error.to_string()))
}
