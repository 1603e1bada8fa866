//! Arguments into a request.

use witwire_ir::Value;
use witwire_ir::host::Violation;
use witwire_ir::operation::http::{BodyValue, Location, Parameter, ParameterEncoding, ParameterValue, PathPart, Style};

use super::form::{self, Form, Part};
use super::percent::Escape;
use super::style::{Encoder, Pairs};
use super::{HttpPlan, body, header, place};
use crate::failure::Failure;
use crate::json::{WriteError, Writer};
use crate::message::{HttpRequest, Secrets};

/// A request being put together.
pub(super) struct Encoding<'a> {
    plan: &'a HttpPlan,
    writer: Writer<'a>,
    args: &'a [Value],
    query: Pairs,
    headers: Vec<(String, String)>,
    /// What cannot be sent; all of it is reported.
    violations: Vec<Violation>,
}

/// A parameter's value: a form to be styled, or a text that a media type gave.
enum Given<'a> {
    Styled(Form<'a>, Style, bool, bool),
    Text(String),
}

impl<'a> Encoding<'a> {
    pub(super) fn new(plan: &'a HttpPlan, writer: Writer<'a>, args: &'a [Value]) -> Self {
        Self { plan, writer, args, query: Pairs::new(), headers: Vec::new(), violations: Vec::new() }
    }

    /// # Errors
    /// The violations, where a value cannot be sent.
    pub(super) fn request(mut self) -> Result<HttpRequest, Failure> {
        let call = &self.plan.call;
        let body = call
            .body
            .as_ref()
            .map(|body| body::encode(self.writer, body, self.plan.members.as_ref(), self.args))
            .transpose();
        let body = match body {
            Ok(body) => body.flatten(),
            Err(error) => {
                self.violations.push(error.violation(self.body_location()));
                None
            }
        };
        self.headers.extend(body.as_ref().map(|body| ("content-type".to_owned(), body.content_type.clone())));
        self.headers.extend(self.plan.accept.clone().map(|accept| ("accept".to_owned(), accept)));
        let mut target = self.path();
        let mut cookies = Pairs::new();
        for parameter in &call.parameters {
            match parameter.location {
                Location::Path => {}
                Location::Query => self.query_parameter(parameter),
                Location::Header => self.header_parameter(parameter),
                Location::Cookie => self.cookie_parameter(parameter, &mut cookies),
            }
        }
        for (name, value) in &cookies {
            header::add_cookie(&mut self.headers, &format!("{name}={value}"));
        }
        let mut separator = if target.contains('?') { '&' } else { '?' };
        for text in call.fixed_query.clone().into_iter().chain(self.query.iter().map(|(k, v)| format!("{k}={v}"))) {
            target.push(std::mem::replace(&mut separator, '&'));
            target.push_str(&text);
        }
        if !self.violations.is_empty() {
            return Err(Failure::InvalidRequest(self.violations));
        }
        Ok(HttpRequest {
            method: call.method,
            target,
            page: None,
            headers: self.headers,
            body: body.map(|body| body.bytes),
            secrets: Secrets::default(),
        })
    }

    fn location(&self, parameter: &Parameter) -> String {
        match &parameter.value {
            ParameterValue::Argument { place, .. } => place::location(self.writer.api, &self.plan.params, place),
            ParameterValue::Fixed(_) => parameter.name.clone(),
        }
    }

    fn body_location(&self) -> String {
        match self.plan.call.body.as_ref().map(|body| &body.value) {
            Some(BodyValue::Whole { place, .. }) => place::location(self.writer.api, &self.plan.params, place),
            Some(BodyValue::Members { argument, .. }) => {
                self.plan.params.get(*argument as usize).map(|p| p.name.as_str().to_owned()).unwrap_or_default()
            }
            _ => String::new(),
        }
    }

    fn refuse(&mut self, parameter: &Parameter, rule: &str, message: &str) {
        let location = self.location(parameter);
        self.violations.push(Violation { location, rule: rule.to_owned(), message: message.to_owned() });
    }

    /// The value of a parameter; `None` where it is absent, or where it cannot be said (which is then noted).
    fn given(&mut self, parameter: &'a Parameter) -> Option<Given<'a>> {
        let given = match (&parameter.value, &parameter.encoding) {
            (ParameterValue::Fixed(literal), ParameterEncoding::Style { style, explode, allow_reserved }) => {
                Ok(Some(Given::Styled(Form::Text(form::constant(literal)), *style, *explode, *allow_reserved)))
            }
            (ParameterValue::Fixed(literal), _) => Ok(Some(Given::Text(form::constant(literal).into_owned()))),
            (ParameterValue::Argument { place, ty }, encoding) => {
                let value = place::find(self.args, place)?;
                let ty = place::inner(self.writer.api, *ty);
                match encoding {
                    ParameterEncoding::Style { style, explode, allow_reserved } => form::form(self.writer, ty, value)
                        .map(|form| form.map(|form| Given::Styled(form, *style, *explode, *allow_reserved))),
                    ParameterEncoding::Json => form::json(self.writer, ty, value).map(|text| Some(Given::Text(text))),
                    ParameterEncoding::Text => Part::Value(ty, value, self.writer.nodes)
                        .text(self.writer)
                        .map(|text| text.map(|t| Given::Text(t.into_owned()))),
                }
            }
        };
        self.noted(parameter, given).flatten()
    }

    /// Takes an error as a violation.
    fn noted<T>(&mut self, parameter: &Parameter, result: Result<T, WriteError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                let violation = error.violation(self.location(parameter));
                self.violations.push(violation);
                None
            }
        }
    }

    fn encoder(&self, style: Style, explode: bool, escape: Escape) -> Encoder<'a> {
        Encoder { writer: self.writer, style, explode, escape }
    }

    fn query_parameter(&mut self, parameter: &'a Parameter) {
        let Some(given) = self.given(parameter) else { return };
        let mut pairs = Pairs::new();
        let done = match given {
            Given::Styled(form, style, explode, reserved) => {
                let escape = if reserved { Escape::QueryReserved } else { Escape::Unreserved };
                self.encoder(style, explode, escape).pairs(&parameter.name, &form, &mut pairs)
            }
            Given::Text(text) => {
                let encoder = self.encoder(Style::Form, true, Escape::Unreserved);
                encoder.pairs(&parameter.name, &Form::Text(text.into()), &mut pairs)
            }
        };
        self.noted(parameter, done);
        self.query.append(&mut pairs);
    }

    fn header_parameter(&mut self, parameter: &'a Parameter) {
        let Some(given) = self.given(parameter) else { return };
        let text = match given {
            Given::Styled(form, _, explode, _) => {
                let expanded = self.encoder(Style::Simple, explode, Escape::Nothing).expand(&parameter.name, &form);
                let Some(text) = self.noted(parameter, expanded) else { return };
                text
            }
            Given::Text(text) if parameter.encoding == ParameterEncoding::Json => ascii_json(&text),
            Given::Text(text) => text,
        };
        if header::is_value(&text) {
            self.headers.push((parameter.name.to_ascii_lowercase(), text));
        } else {
            let message = "has characters that a header cannot carry: give visible ASCII, with spaces only inside";
            self.refuse(parameter, "header", message);
        }
    }

    fn cookie_parameter(&mut self, parameter: &'a Parameter, cookies: &mut Pairs) {
        let Some(given) = self.given(parameter) else { return };
        let (form, explode) = match given {
            Given::Styled(form, _, explode, _) => (form, explode),
            Given::Text(text) => (Form::Text(text.into()), true),
        };
        let mut pairs = Pairs::new();
        let done = self.encoder(Style::Form, explode, Escape::Cookie).pairs(&parameter.name, &form, &mut pairs);
        self.noted(parameter, done);
        cookies.append(&mut pairs);
    }

    /// The path. No value adds a segment, and none is or makes a segment that URL parsers resolve away.
    fn path(&mut self) -> String {
        const RULE: &str = "path";
        let call = &self.plan.call;
        let mut path = String::with_capacity(call.template.len() + 32);
        let mut last = None;
        for part in &call.path {
            let index = match part {
                PathPart::Literal(text) => {
                    path.push_str(text);
                    continue;
                }
                PathPart::Parameter(index) => *index,
            };
            let Some(parameter) = call.parameters.get(index as usize) else { continue };
            last = Some(parameter);
            let before = self.violations.len();
            let text = match self.given(parameter) {
                Some(Given::Styled(form, style, explode, reserved)) => {
                    let escape = if reserved { Escape::SegmentReserved } else { Escape::Unreserved };
                    let expanded = self.encoder(style, explode, escape).expand(&parameter.name, &form);
                    self.noted(parameter, expanded).unwrap_or_default()
                }
                Some(Given::Text(text)) => {
                    let mut encoded = String::new();
                    Escape::Unreserved.push(&text, &mut encoded);
                    encoded
                }
                None => String::new(),
            };
            if matches!(&*text, "" | "." | "..") && self.violations.len() == before {
                self.refuse(parameter, RULE, "is empty, `.` or `..`, which a path cannot carry: give another value");
            }
            path.push_str(&text);
        }
        if path.split('/').any(|segment| segment == "." || segment == "..")
            && let (Some(parameter), true) = (last, self.violations.is_empty())
        {
            self.refuse(parameter, RULE, "makes `.` or `..` of its part of the path: give another value");
        }
        if !path.starts_with('/') {
            path.insert(0, '/');
        }
        path
    }
}

/// A JSON text in ASCII: all other characters, which stand in strings only, are escaped.
fn ascii_json(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a `String` cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}
