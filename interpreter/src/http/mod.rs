//! HTTP: values to requests, responses to values.

pub(crate) mod auth;
pub(crate) mod error;

mod body;
mod date;
mod form;
pub(crate) mod header;
mod link;
mod media;
mod multipart;
mod pager;
mod percent;
mod place;
mod reference;
mod request;
mod response;
mod status;
mod stream;
mod style;

use witwire_ir::operation::http::{BodyValue, HttpCall};
use witwire_ir::{Api, Operation, Param, Shape, Value};

use crate::failure::Failure;
use crate::json::{Budget, Codecs, ObjectCodec, Writer};
use crate::message::{HttpRequest, HttpResponse};
use crate::plan::PlanError;
use crate::validate::{Checks, Report, Spread};

/// An HTTP operation ready to be called.
#[derive(Debug)]
pub(crate) struct HttpPlan {
    call: HttpCall,
    params: Box<[Param]>,
    /// The compiled object of a flattened body.
    members: Option<ObjectCodec>,
    /// The value of `accept`.
    accept: Option<String>,
}

impl HttpPlan {
    pub(crate) fn new(api: &Api, operation: &Operation, call: &HttpCall) -> Result<Self, PlanError> {
        let fail = |message: String| PlanError { operation: operation.source_name(), message };
        let members = match call.body.as_ref().map(|body| &body.value) {
            Some(BodyValue::Members { ty, object, .. }) => match api.shape(place::inner(api, *ty)) {
                Shape::Record(fields) => Some(Codecs::object(api, fields, object).map_err(fail)?),
                _ => return Err(fail("the members of the body are spread over a type that is no record".to_owned())),
            },
            _ => None,
        };
        let accept = (!call.accept.is_empty()).then(|| call.accept.join(", "));
        Ok(Self { call: call.clone(), params: operation.params.as_slice().into(), members, accept })
    }

    /// The rules about a flattened body as a whole; those of its members stand with their types.
    pub(crate) fn check(&self, api: &Api, rules: &Checks, args: &[Value], report: &mut Report) {
        let Some(body) = &self.call.body else { return };
        let (BodyValue::Members { argument, ty, object, checks }, Some(members)) = (&body.value, &self.members) else {
            return;
        };
        let Some(param) = self.params.get(*argument as usize) else { return };
        let slots = match args.get(*argument as usize).and_then(place::present) {
            Some(Value::Record(slots)) => &slots[..],
            _ => &[],
        };
        if body.required || !members.all_absent(slots) {
            let spread = Spread { record: place::inner(api, *ty), object, codec: members, slots };
            report.within(param.name.as_str(), |report| rules.spread(api, spread, checks, report));
        }
    }

    pub(crate) fn request(&self, api: &Api, codecs: &Codecs, args: &[Value]) -> Result<HttpRequest, Failure> {
        let mut request = request::Encoding::new(self, Writer::new(api, codecs, &Budget::default()), args).request()?;
        if let Some(url) = self.page_url(args) {
            request.page = Some(url.to_owned());
        }
        Ok(request)
    }

    pub(crate) fn response(&self, api: &Api, codecs: &Codecs, args: &[Value], response: &HttpResponse) -> Value {
        let budget = Budget::default();
        let response = &*header::cleaned(api, response);
        let result = response::Decoding { plan: self, writer: Writer::new(api, codecs, &budget), args, response }.result();
        self.clean(api, result)
    }
}
