//! Credentials in requests, and out of records.

use witwire_interpreter::{Credential, CredentialError, HttpRequest, Plan, Request};
use witwire_ir::operation::http::{HttpCall, Location, Method, Style};
use witwire_ir::wire::Wire;
use witwire_ir::{AuthKind, AuthRequirement, AuthScheme, OperationId, Place, SchemeId, Shape, TypeId, Value};

use crate::http::build::{Builder, call, name, parameter, style};

/// An API with a scheme of each kind; host mode.
fn schemes(b: &mut Builder, record: Option<TypeId>) -> Vec<SchemeId> {
    let kinds = [
        ("bearer", AuthKind::Bearer),
        ("basic", AuthKind::Basic),
        ("digest", AuthKind::OtherHttp { scheme: "Digest".to_owned() }),
        ("header", AuthKind::HeaderKey { name: "X-API-Key".to_owned() }),
        ("query", AuthKind::QueryKey { name: "api key".to_owned() }),
        ("cookie", AuthKind::CookieKey { name: "sid".to_owned() }),
        ("oauth", AuthKind::OAuth2 { token_url: None, scopes: vec![] }),
        ("oidc", AuthKind::OpenIdConnect { url: "https://example.com".to_owned() }),
        ("mtls", AuthKind::MutualTls),
    ];
    kinds.into_iter().map(|(n, kind)| b.api.schemes.push(AuthScheme { name: n.to_owned(), kind, record })).collect()
}

const NAMES: [&str; 9] = ["bearer", "basic", "digest", "header", "query", "cookie", "oauth", "oidc", "mtls"];

/// An operation with a query and a cookie parameter that needs the alternatives, each a set of scheme names.
fn host(alternatives: &[&[&str]], optional: bool) -> (Plan, OperationId) {
    let mut b = Builder::new();
    let ids = schemes(&mut b, None);
    let text = b.plain(Shape::String);
    let id = |scheme: &&str| ids[NAMES.iter().position(|n| n == scheme).expect("a scheme")];
    let parameters = vec![
        parameter("q", Location::Query, style(Style::Form, true), 0, text),
        parameter("c", Location::Cookie, style(Style::Form, true), 0, text),
    ];
    let operation = b.operation("get", &[("q", text)], None, HttpCall { parameters, ..call(Method::Get) });
    let alternatives = alternatives.iter().map(|all| all.iter().map(id).collect()).collect();
    b.api.operations[operation].auth = AuthRequirement { alternatives, optional, guest: None };
    (b.plan(), operation)
}

fn credential(scheme: &str, text: &str) -> Credential {
    match scheme {
        "basic" => {
            let (username, password) = text.split_once('|').expect("user|password");
            Credential::Basic { username: username.to_owned(), password: password.to_owned() }
        }
        "header" | "query" | "cookie" => Credential::Key(text.to_owned()),
        _ => Credential::Token(text.to_owned()),
    }
}

/// The request with the host's credentials.
fn authorized((plan, operation): &(Plan, OperationId), known: &[(&str, &str)]) -> Result<HttpRequest, CredentialError> {
    let mut request = plan.request(*operation, &[Value::string("v")]).expect("encodable");
    let find = |scheme: &str| known.iter().find(|(n, _)| *n == scheme).map(|(_, text)| credential(scheme, text));
    plan.authorize(*operation, &mut request, &find)?;
    match request {
        Request::Http(request) => Ok(request),
        Request::Grpc(_) => panic!("an HTTP operation"),
    }
}

fn header<'a>(request: &'a HttpRequest, header: &str) -> Option<&'a str> {
    request.headers.iter().find(|(n, _)| n == header).map(|(_, v)| v.as_str())
}

#[test]
fn each_scheme_has_its_place_and_is_noted_as_secret() {
    let cases = [
        ("bearer", "t", "authorization", "Bearer t"),
        ("basic", "Aladdin|open sesame:", "authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZTo="),
        ("digest", "a=\"b\", c", "authorization", "Digest a=\"b\", c"),
        ("header", "k", "x-api-key", "k"),
        ("cookie", "k", "cookie", "c=v; sid=k"),
        ("oauth", "t", "authorization", "Bearer t"),
        ("oidc", "t", "authorization", "Bearer t"),
    ];
    for (scheme, text, place, value) in cases {
        let request = authorized(&host(&[&[scheme]], false), &[(scheme, text)]).expect(scheme);
        assert_eq!(header(&request, place), Some(value), "{scheme}");
        assert_eq!(request.secrets.headers, [place], "{scheme}");
        assert_eq!(request.target, "/things?q=v");
    }
    let request = authorized(&host(&[&["query"]], false), &[("query", "k&é")]).expect("query");
    assert_eq!(request.target, "/things?q=v&api%20key=k%26%C3%A9");
    assert_eq!(request.secrets.query, ["api key"]);
    let request = authorized(&host(&[&["mtls"]], false), &[("mtls", "")]).expect("the channel's matter");
    assert!(request.secrets.headers.is_empty());
}

#[test]
fn the_first_alternative_whose_schemes_are_all_there_is_taken() {
    let plan = host(&[&["bearer", "header"], &["basic"], &["query"]], false);
    let both = authorized(&plan, &[("bearer", "t"), ("header", "k"), ("basic", "u|p")]).expect("the first");
    assert_eq!((header(&both, "authorization"), header(&both, "x-api-key")), (Some("Bearer t"), Some("k")));
    let second = authorized(&plan, &[("bearer", "t"), ("basic", "u|p"), ("query", "k")]).expect("the second");
    assert_eq!((header(&second, "authorization"), header(&second, "x-api-key")), (Some("Basic dTpw"), None));
    let error = authorized(&plan, &[("header", "k")]).expect_err("none is whole");
    assert_eq!(error, CredentialError::Missing { needed: "`bearer` and `header`, or `basic`, or `query`".to_owned() });
    let none = authorized(&host(&[&["bearer"]], true), &[]).expect("optional");
    assert_eq!(header(&none, "authorization"), None);
    let given = authorized(&host(&[&["bearer"]], true), &[("bearer", "t")]).expect("optional, and there");
    assert_eq!(header(&given, "authorization"), Some("Bearer t"));
}

#[test]
fn no_credential_ends_its_header_and_no_error_holds_one() {
    let cases = [
        ("bearer", "secret\r\nx: y", "a header"),
        ("bearer", "sécret", "a header"),
        ("header", "secret\n", "a header"),
        ("cookie", "secret; path=/", "a cookie"),
        ("basic", "sec:ret|p", "a user name"),
        ("basic", "secret\n|p", "a user name"),
        ("basic", "u|secret\u{0}", "a password"),
    ];
    for (scheme, text, place) in cases {
        let error = authorized(&host(&[&[scheme]], false), &[(scheme, text)]).expect_err(text);
        assert_eq!(error, CredentialError::BadCharacters { scheme: scheme.to_owned(), place });
        assert!(!error.to_string().contains("cret"), "{error}");
    }
    let (plan, operation) = host(&[&["basic"]], false);
    let mut request = plan.request(operation, &[Value::string("v")]).expect("encodable");
    let error = plan.authorize(operation, &mut request, &|_| Some(Credential::Key("secret".to_owned()))).expect_err("a key");
    assert_eq!(error.to_string(), "scheme `basic` takes a user name and password");
    assert_eq!(format!("{:?}", Credential::Token("secret".to_owned())), "Token(…)");
}

/// `get(request: { auth: option<bearer-or-basic-and-header>, q: string })`
fn guest() -> (Plan, OperationId) {
    let mut b = Builder::new();
    let text = b.plain(Shape::String);
    let field = |field: &str, ty| witwire_ir::Field { name: name(field), ty, docs: None };
    let token = b.plain(Shape::Record(vec![field("token", text)]));
    let basic = b.plain(Shape::Record(vec![field("username", text), field("password", text)]));
    let ids = schemes(&mut b, Some(token));
    let both = b.plain(Shape::Record(vec![field("basic", basic), field("header", token)]));
    let either = b.variant("either", &[("bearer", Some(token)), ("both", Some(both))], witwire_ir::wire::json::Json::Raw);
    b.api.types[either].wire = Wire::Plain;
    let auth = b.option(either);
    let request = b.plain(Shape::Record(vec![field("auth", auth), field("q", text)]));
    let mut q = parameter("q", Location::Query, style(Style::Form, true), 0, text);
    q.value = witwire_ir::operation::http::ParameterValue::Argument { place: Place::slot(0, 1), ty: text };
    let call = HttpCall { parameters: vec![q], ..call(Method::Get) };
    let operation = b.operation("get", &[("request", request)], None, call);
    b.api.operations[operation].auth = AuthRequirement {
        alternatives: vec![vec![ids[0]], vec![ids[1], ids[3]]],
        optional: true,
        guest: Some(Place::slot(0, 0)),
    };
    (b.plan(), operation)
}

fn args(auth: Option<Value>) -> Vec<Value> {
    vec![Value::record([Value::option(auth), Value::string("v")])]
}

fn token(text: &str) -> Value {
    Value::record([Value::string(text)])
}

fn basic(user: &str, password: &str) -> Value {
    Value::record([Value::string(user), Value::string(password)])
}

#[test]
fn a_guests_credentials_are_sent_by_its_choice() {
    let (plan, operation) = guest();
    let sent = |auth| match plan.request(operation, &args(auth)) {
        Ok(Request::Http(request)) => request,
        other => panic!("{other:?}"),
    };
    assert!(sent(None).headers.is_empty());
    let bearer = sent(Some(Value::case(0, token("t"))));
    assert_eq!(header(&bearer, "authorization"), Some("Bearer t"));
    let both = sent(Some(Value::case(1, Value::record([basic("u", "p"), token("k")]))));
    assert_eq!((header(&both, "authorization"), header(&both, "x-api-key")), (Some("Basic dTpw"), Some("k")));
    assert_eq!(both.secrets.headers, ["authorization", "x-api-key"]);
}

#[test]
fn a_guests_bad_credential_is_a_violation_without_it() {
    let (plan, operation) = guest();
    let failure = plan.request(operation, &args(Some(Value::case(0, token("secret\n"))))).expect_err("a line break");
    let text = format!("{failure:?}");
    assert!(text.contains("request.auth") && !text.contains("secret"), "{text}");
}

#[test]
fn redacted_arguments_hold_no_credential_and_everything_else() {
    let (plan, operation) = guest();
    let removed = || Value::string("");
    let both = Value::case(1, Value::record([basic("u", "p"), token("k")]));
    let expected = Value::case(1, Value::record([Value::record([removed(), removed()]), Value::record([removed()])]));
    assert_eq!(plan.redact(operation, &args(Some(both))), args(Some(expected)));
    assert_eq!(plan.redact(operation, &args(None)), args(None));
}
