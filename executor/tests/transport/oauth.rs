//! Tokens by client credentials, against a token endpoint that counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use libtest_mimic::{Failed, Trial};
use witwire_executor::credentials::{ClientAuthentication, ClientCredentials, Credentials, CredentialsError, Source};
use witwire_executor::egress::EgressPolicy;
use witwire_executor::oplog::SqliteStore;
use witwire_executor::transport::{Endpoint, Transport, TransportConfig};
use witwire_executor::{ApiFile, Dependency};
use witwire_interpreter::Credential;
use witwire_ir::container::Bundle;
use witwire_ir::host::grpc::ErrorKind;
use witwire_ir::{Api, AuthKind, InDoubt, OperationId};
use witwire_test_support::Script;
use witwire_test_support::hostile::http1::{Http1, Step};
use witwire_test_support::hostile::refusing;

use super::{Outcome, SHORT, check, contains, loopback, trial};
use crate::ledger::{self, Operation, Protocol, STREAMS, Server};
use crate::setup::{Setup, calls, executor, files_in, invoke, script, worker_id};

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("oauth::what is asked for", what_is_asked_for),
        trial("oauth::many ask and one fetches", many_ask_and_one_fetches),
        trial("oauth::an expired token is fetched anew", an_expired_token_is_fetched_anew),
        trial("oauth::only the refused token is let go of", only_the_refused_token),
        trial("oauth::discovery", discovery),
        trial("oauth::what cannot be had says why", what_cannot_be_had),
        trial("oauth::a redirect gets no secret", a_redirect_gets_no_secret),
        trial("oauth::the egress policy holds", the_egress_policy_holds),
    ];
    trials.push(trial("oauth::a stream lets go of a refused token", a_stream));
    trials.push(trial("oauth::a token counts towards the call's deadline", within_the_deadline));
    for protocol in Protocol::ALL {
        trials.push(trial(format!("oauth::a worker over {}", protocol.name()), move || a_worker(protocol)));
    }
    trials
}

const ID: &str = "cl13nt id";
const SECRET: &str = "hunter2:%&";

fn client(token_url: Option<String>) -> ClientCredentials {
    ClientCredentials {
        client_id: Source::Literal(ID.to_owned()),
        client_secret: Source::Literal(SECRET.to_owned()),
        scopes: Vec::new(),
        token_url,
        authentication: None,
        roots: Vec::new(),
    }
}

/// The ledger's API with another kind of scheme, and its operation `post`.
fn api(kind: AuthKind) -> (Api, OperationId) {
    let mut api = ledger::api(Protocol::Http, InDoubt::OutcomeUnknown);
    let scheme = api.schemes.iter().map(|(id, _)| id).next().expect("the ledger has a scheme");
    api.schemes[scheme].kind = kind;
    let operation = api.operations.iter().find(|(_, o)| o.name.as_str() == "post").expect("the ledger posts").0;
    (api, operation)
}

fn flow(token_url: Option<String>) -> AuthKind {
    AuthKind::OAuth2 { token_url, scopes: vec!["read".to_owned(), "write it".to_owned()] }
}

/// Answers by a body that is made of the number of the request, from 1.
async fn provider(answer: impl Fn(usize) -> String + Send + Sync + 'static) -> std::io::Result<Http1> {
    let asked = AtomicUsize::new(0);
    Http1::start_with(None, move |_, _| {
        let body = answer(asked.fetch_add(1, Ordering::SeqCst) + 1);
        vec![Step::write(format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))]
    })
    .await
}

fn granted(number: usize, rest: &str) -> String {
    format!(r#"{{"access_token":"t0ken-{number}","token_type":"Bearer"{rest}}}"#)
}

fn transport() -> Result<Transport, Failed> {
    Ok(Transport::new(loopback()?)?)
}

async fn fetch(
    credentials: &Credentials,
    kind: AuthKind,
    transport: &Transport,
) -> Result<Option<Credential>, CredentialsError> {
    let (api, operation) = api(kind);
    let mut gathered = credentials.gather(&api, &api.operations[operation]).await?;
    gathered.fetch(transport).await?;
    Ok(gathered.find("bearerAuth"))
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with what is found")]
fn token(number: usize) -> Option<Credential> {
    Some(Credential::Token(format!("t0ken-{number}")))
}

async fn what_is_asked_for() -> Outcome {
    let server = provider(|n| granted(n, "")).await?;
    let url = format!("{}/oauth/token?tenant=a", server.server.url());
    let basic = format!("authorization: Basic {}\r\n", base64(&format!("cl13nt+id:{}", "hunter2%3A%25%26")));
    for (client, in_head, body) in [
        (client(None), Some(&basic), "grant_type=client_credentials&scope=read+write+it"),
        (
            ClientCredentials { scopes: vec!["other".to_owned()], ..client(None) },
            Some(&basic),
            "grant_type=client_credentials&scope=other",
        ),
        (
            ClientCredentials { authentication: Some(ClientAuthentication::Body), ..client(None) },
            None,
            "grant_type=client_credentials&scope=read+write+it&client_id=cl13nt+id&client_secret=hunter2%3A%25%26",
        ),
    ] {
        let credentials = Credentials::none().with_client("bearerAuth", client);
        fetch(&credentials, flow(Some(url.clone())), &transport()?).await?;
        let request = server.requests().pop().ok_or("nothing came")?;
        contains(&request, "POST /oauth/token?tenant=a HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\n")?;
        check(&request.ends_with(&format!("\r\n\r\n{body}")), &true)?;
        check(&request.contains("authorization"), &in_head.is_some())?;
        contains(&request, in_head.map_or("", |head| head))?;
    }
    // The settings' own URL goes before the document's, and a scheme of bearer tokens needs one.
    let credentials = Credentials::none().with_client("bearerAuth", client(Some(url)));
    fetch(&credentials, flow(Some("https://nowhere.test/".to_owned())), &transport()?).await?;
    fetch(&credentials, AuthKind::Bearer, &transport()?).await?;
    check(&server.requests().len(), &4)
}

/// RFC 4648, by hand: three bytes are four characters.
fn base64(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let quad = |chunk: &[u8]| {
        let bits = (0..3).fold(0_u32, |bits, i| bits << 8 | u32::from(*chunk.get(i).unwrap_or(&0)));
        (0..4).map(move |i| (bits >> (18 - 6 * i) & 63) as usize).map(|i| char::from(ALPHABET[i])).collect::<String>()
    };
    let mut out: String = text.as_bytes().chunks(3).map(quad).collect();
    let missing = (3 - text.len() % 3) % 3;
    out.truncate(out.len() - missing);
    out + &"=".repeat(missing)
}

/// Asks fifty times at once; the provider answers when all have asked.
async fn fifty(
    credentials: &Credentials,
    answer: &'static str,
) -> Result<(Http1, Vec<Result<Option<Credential>, CredentialsError>>), Failed> {
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let server = provider(move |n| {
        // An error means that the gate stays open.
        let _ = gate.lock().map(|gate| gate.recv());
        answer.replace('N', &n.to_string())
    })
    .await?;
    let transport = transport()?;
    let asked = (0..50).map(|_| fetch(credentials, flow(Some(server.server.url())), &transport));
    let (found, ()) = futures_util::future::join(futures_util::future::join_all(asked), async move { drop(open) }).await;
    Ok((server, found))
}

async fn many_ask_and_one_fetches() -> Outcome {
    let credentials = Credentials::none().with_client("bearerAuth", client(None));
    let (server, found) =
        fifty(&credentials, r#"{"access_token":"t0ken-N","token_type":"Bearer","expires_in":3600}"#).await?;
    for found in found {
        check(&found?, &token(1))?;
    }
    // Clones share it.
    let later = fetch(&credentials.clone(), flow(Some(server.server.url())), &transport()?).await?;
    check(&(later, server.requests().len()), &(token(1), 1))?;
    // A failure is shared as well by those who waited for it, and no longer.
    let credentials = Credentials::none().with_client("bearerAuth", client(None));
    let (server, found) = fifty(&credentials, "{}").await?;
    check(&(found.iter().filter(|found| found.is_err()).count(), server.requests().len()), &(50, 1))?;
    check(&fetch(&credentials, flow(Some(server.server.url())), &transport()?).await.is_err(), &true)?;
    check(&server.requests().len(), &2)
}

async fn an_expired_token_is_fetched_anew() -> Outcome {
    for (rest, fetches) in [
        (r#","expires_in":0"#, 3),
        (r#","expires_in":"0""#, 3),
        (r#","expires_in":-5"#, 3),
        (r#","expires_in":3600"#, 1),
        (r#","expires_in":"3600""#, 1),
        (r#","expires_in":null"#, 1),
        ("", 1),
    ] {
        let server = provider(move |n| granted(n, rest)).await?;
        let credentials = Credentials::none().with_client("bearerAuth", client(None));
        for _ in 0..3 {
            fetch(&credentials, flow(Some(server.server.url())), &transport()?).await?;
        }
        check(&(rest, server.requests().len()), &(rest, fetches))?;
    }
    Ok(())
}

async fn only_the_refused_token() -> Outcome {
    let server = provider(|n| granted(n, "")).await?;
    let credentials = Credentials::none().with_client("bearerAuth", client(None));
    let (api, operation) = api(flow(Some(server.server.url())));
    let transport = transport()?;
    let mut first = credentials.gather(&api, &api.operations[operation]).await?;
    let mut second = credentials.gather(&api, &api.operations[operation]).await?;
    first.fetch(&transport).await?;
    second.fetch(&transport).await?;
    // Both were refused, by which the second is late: there is another token already.
    first.refuse().await;
    first.fetch(&transport).await?;
    second.refuse().await;
    second.fetch(&transport).await?;
    check(&(first.find("bearerAuth"), second.find("bearerAuth")), &(token(2), token(2)))?;
    check(&server.requests().len(), &2)
}

async fn discovery() -> Outcome {
    for (issuer, works) in [("", true), ("/realm", true), ("/other", false)] {
        let tokens = Arc::new(provider(|n| granted(n, r#","expires_in":0"#)).await?);
        let token_url = format!("{}/token", tokens.server.url());
        // The document stands below its issuer, whose address is known when it is asked.
        let address = Arc::new(std::sync::OnceLock::<String>::new());
        let known = address.clone();
        let documents = provider(move |_| {
            let base = known.get().map(String::as_str).unwrap_or_default();
            format!(r#"{{"issuer":"{base}{issuer}","token_endpoint":"{token_url}","token_endpoint_auth_methods_supported":["client_secret_post"]}}"#)
        })
        .await?;
        let base = address.get_or_init(|| documents.server.url());
        let below = if issuer == "/other" { "/realm" } else { issuer };
        let url = format!("{base}{below}/.well-known/openid-configuration");
        let credentials = Credentials::none().with_client("bearerAuth", client(None));
        for _ in 0..2 {
            let found = fetch(&credentials, AuthKind::OpenIdConnect { url: url.clone() }, &transport()?).await;
            match found {
                Ok(found) if works => check(&found.is_some(), &true)?,
                Err(error) if !works => contains(&error.to_string(), "is of another issuer than its place says")?,
                other => return Err(format!("{other:?}").into()),
            }
        }
        // The document is read once if it is good, and gives how clients show who they are.
        check(&(documents.requests().len(), tokens.requests().len()), &if works { (1, 2) } else { (2, 0) })?;
        if works {
            contains(&tokens.requests().concat(), "client_secret=hunter2")?;
        }
    }
    Ok(())
}

/// Nothing of an error is a secret, or in the words of a server.
async fn what_cannot_be_had() -> Outcome {
    let answers = |status: &'static str, body: &'static str| async move {
        let text = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        Http1::start(vec![Step::write(text)]).await
    };
    for (status, body, reason) in [
        (
            "401 X",
            r#"{"error":"invalid_client","error_description":"hunter2"}"#,
            "refuses the client credentials (status 401, `invalid_client`)",
        ),
        ("400 X", r#"{"error":"hunter2"}"#, "(status 400, `unknown`)"),
        ("500 X", "hunter2", "(status 500, `unknown`)"),
        ("200 OK", "hunter2", "something that is no token"),
        ("200 OK", r#"{"access_token":"hunter2","token_type":"mac"}"#, "a token that is no bearer token"),
        ("200 OK", r#"{"access_token":"","token_type":"bearer"}"#, "an empty token"),
    ] {
        let server = answers(status, body).await?;
        let credentials = Credentials::none().with_client("bearerAuth", client(None));
        let error = fetch(&credentials, flow(Some(server.server.url())), &transport()?).await.err().ok_or("a token")?;
        contains(&error.to_string(), reason)?;
        contains(&error.to_string(), "no token for scheme `bearerAuth`")?;
        check(&format!("{error} {error:?} {credentials:?}").contains("hunter2"), &false)?;
    }
    let long = Box::leak(format!(r#"{{"access_token":"{}"}}"#, "x".repeat(70 << 10)).into_boxed_str());
    let large = answers("200 OK", long).await?;
    let nobody = format!("http://{}", refusing().await?);
    for (kind, reason) in [
        (flow(Some(large.server.url())), "is larger than the limit of 65536 bytes"),
        (flow(Some(nobody)), "no answer from the token endpoint: cannot connect to"),
        (flow(None), "no token endpoint is known; give one with `tokenUrl`"),
        (flow(Some("http://id.example/token".to_owned())), "is not served over https"),
        (flow(Some("https://me:hunter2@id.example/token".to_owned())), "holds a user name or password"),
        (flow(Some("/token".to_owned())), "the URL of the token endpoint cannot be called"),
        (
            AuthKind::OpenIdConnect { url: "http://id.example/x".to_owned() },
            "the discovery document at id.example:80 is not served over https",
        ),
        (AuthKind::HeaderKey { name: "x".to_owned() }, "scheme `bearerAuth` takes a secret, not client credentials"),
        (AuthKind::MutualTls, "scheme `bearerAuth` takes a client certificate"),
    ] {
        let credentials = Credentials::none().with_client("bearerAuth", client(None));
        let error = fetch(&credentials, kind, &transport()?).await.err().ok_or("a token")?.to_string();
        contains(&error, reason)?;
        check(&error.contains("hunter2"), &false)?;
    }
    let unreadable = ClientCredentials {
        client_secret: Source::Environment("WITWIRE_SURELY_NOT_SET".to_owned()),
        ..client(Some(large.server.url()))
    };
    let credentials = Credentials::none().with_client("bearerAuth", unreadable);
    let error = fetch(&credentials, AuthKind::Bearer, &transport()?).await.err().ok_or("a token")?.to_string();
    contains(&error, "the client secret cannot be read from env:WITWIRE_SURELY_NOT_SET")
}

async fn a_redirect_gets_no_secret() -> Outcome {
    let elsewhere = provider(|n| granted(n, "")).await?;
    let location = elsewhere.server.url();
    for status in [301, 302, 307, 308] {
        let text = format!("HTTP/1.1 {status} X\r\nlocation: {location}/token\r\ncontent-length: 0\r\n\r\n");
        let server = Http1::start(vec![Step::write(text)]).await?;
        let credentials = Credentials::none().with_client("bearerAuth", client(None));
        let error = fetch(&credentials, flow(Some(server.server.url())), &transport()?).await.err().ok_or("a token")?;
        contains(&error.to_string(), "a redirect, which is not followed")?;
    }
    check(&elsewhere.server.accepted(), &0)
}

async fn the_egress_policy_holds() -> Outcome {
    let server = provider(|n| granted(n, "")).await?;
    let egress = EgressPolicy::parse(["api.example.com"], [])?;
    let transport = Transport::new(TransportConfig { egress, ..loopback()? })?;
    let credentials = Credentials::none().with_client("bearerAuth", client(None));
    let error = fetch(&credentials, flow(Some(server.server.url())), &transport).await.err().ok_or("a token")?;
    contains(&error.to_string(), "egress:\n  allow: [\"127.0.0.1:")?;
    check(&server.server.accepted(), &0)
}

/// The ledger over gRPC with tokens of this provider.
fn ledger_with_tokens(tokens: &Http1, url: &str) -> Result<Dependency, Failed> {
    let mut api = ledger::api(Protocol::Grpc, InDoubt::OutcomeUnknown);
    let scheme = api.schemes.iter().map(|(id, _)| id).next().ok_or("no scheme")?;
    api.schemes[scheme].kind = flow(Some(format!("{}/token", tokens.server.url())));
    let mut dependency = Dependency::new(ApiFile::of(&Bundle { apis: vec![api] }), Some(Endpoint::parse(url)?));
    dependency.credentials = Credentials::none().with_client("bearerAuth", client(None));
    Ok(dependency)
}

/// The stream that is refused has the refusal; the next one has another token.
async fn a_stream() -> Outcome {
    let tokens = provider(|n| granted(n, r#","expires_in":3600"#)).await?;
    let setup = Setup::new().await?;
    setup.server.admit("Bearer t0ken-2");
    let open = |script: Script, name| script.open(name, STREAMS, r#"watch({id: "1", text: ""})"#).method(name, "next()");
    let script = open(open(script(Protocol::Grpc), "a"), "b");
    let program = setup.executor.load(script.build()?, &[ledger_with_tokens(&tokens, setup.server.url())?])?;
    let mut worker = setup.open(&program).await?;
    let told = 1 + ErrorKind::Unauthenticated as u64;
    check(&invoke(&mut worker, "one").await?, &vec![0, told, 0, Script::VALUE + 1])?;
    check(&(tokens.requests().len(), setup.server.counts().authorizations.len()), &(2, 2))
}

/// A provider that does not answer costs a call no more than its deadline.
async fn within_the_deadline() -> Outcome {
    let tokens = Http1::start(vec![Step::Hang]).await?;
    let setup = Setup::new().await?;
    let mut dependency = ledger_with_tokens(&tokens, setup.server.url())?;
    dependency.deadline = SHORT;
    let program = setup.executor.load(calls(Protocol::Grpc, Operation::Post, &["a"]).build()?, &[dependency])?;
    let mut worker = setup.open(&program).await?;
    let told = invoke(&mut worker, "one").await?;
    check(&told, &vec![1 + ErrorKind::DeadlineExceeded as u64])?;
    check(&setup.server.requests(), &0)
}

/// The whole way: a token is fetched, refused, fetched anew; a service that refuses the new one too has the last word. Nothing of it
/// is in the store.
async fn a_worker(protocol: Protocol) -> Outcome {
    let tokens = provider(|n| granted(n, r#","expires_in":3600"#)).await?;
    let (server, _held) = Server::start().await?;
    let directory = tempfile::tempdir()?;
    let executor = executor(Arc::new(SqliteStore::open(directory.path().join("store.db"))?))?;
    let mut api = ledger::api(protocol, InDoubt::OutcomeUnknown);
    let scheme = api.schemes.iter().map(|(id, _)| id).next().ok_or("no scheme")?;
    api.schemes[scheme].kind = flow(Some(format!("{}/token", tokens.server.url())));
    let file = ApiFile::of(&Bundle { apis: vec![api] });
    let mut dependency = Dependency::new(file, Some(Endpoint::parse(server.url())?));
    dependency.credentials = Credentials::none().with_client("bearerAuth", client(None));
    check(&format!("{dependency:?}").contains("hunter2"), &false)?;
    let program = executor.load(calls(protocol, Operation::Post, &["a", "b"]).build()?, &[dependency])?;
    executor.create(&worker_id(), &program, String::new()).await?;
    let mut worker = executor.open(&worker_id(), &program).await?;
    // The first token is refused though it has not expired; the call is unsafe, and was not looked at.
    server.admit("Bearer t0ken-2");
    check(&invoke(&mut worker, "one").await?, &vec![0, 0])?;
    let expected = ["Bearer t0ken-1", "Bearer t0ken-2", "Bearer t0ken-2"].map(ToOwned::to_owned);
    check(&server.counts().authorizations, &expected.to_vec())?;
    check(&[server.of(Operation::Post, "a"), server.of(Operation::Post, "b")], &[(2, 1), (1, 1)])?;
    check(&tokens.requests().len(), &2)?;
    // A service that refuses every token has the last word, after one more try.
    server.admit("Bearer other");
    let told = invoke(&mut worker, "two").await?;
    check(&told.iter().filter(|n| **n != 0).count(), &2)?;
    check(&(tokens.requests().len(), server.counts().authorizations.len()), &(4, 7))?;
    drop(worker);
    // Playback asks nobody.
    executor.open(&worker_id(), &program).await?.resume(None).await?;
    check(&(tokens.requests().len(), server.counts().authorizations.len()), &(4, 7))?;
    let stored = files_in(directory.path())?;
    for secret in ["t0ken", "hunter2", "cl13nt"] {
        check(&(secret, stored.windows(secret.len()).any(|w| w == secret.as_bytes())), &(secret, false))?;
    }
    Ok(())
}
