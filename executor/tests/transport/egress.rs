//! Where nothing may connect, nothing connects: the servers count.

use libtest_mimic::Trial;
use witwire_executor::egress::EgressPolicy;
use witwire_executor::transport::{Endpoint, SendErrorKind, Transport, TransportConfig};
use witwire_test_support::hostile::http1::{Http1, Step};

use super::{AMPLE, Answers, Outcome, check, contains, get, grpc_request, loopback, send, trial};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("egress::not listed", not_listed),
        trial("egress::listed, and private", listed_and_private),
        trial("egress::a name that resolves to a private address", a_private_name),
        trial("egress::only vetted addresses are tried", only_vetted_addresses),
        trial("egress::a name is resolved once for a connection", resolved_once),
        trial("egress::a name without addresses", no_addresses),
        trial("egress::a redirect to elsewhere", a_redirect),
        trial("egress::the endpoints of a command", the_endpoints_of_a_command),
    ]
}

async fn server() -> std::io::Result<Http1> {
    Http1::start(vec![Step::write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")]).await
}

/// Both protocols are refused, and the server sees nothing. Gives the message, in which the port is `PORT`.
async fn denied(config: TransportConfig, host: &str, server: &Http1) -> Result<String, libtest_mimic::Failed> {
    let transport = Transport::new(config)?;
    let mut message = String::new();
    for request in [get(), grpc_request(Vec::new())] {
        let error = send(&transport, &server.server.url_as(host), &request, AMPLE).await.err().ok_or("a response")?;
        check(&error.kind, &SendErrorKind::Denied)?;
        message = error.message;
    }
    check(&server.server.accepted(), &0)?;
    Ok(message.replace(&server.server.address().port().to_string(), "PORT"))
}

async fn not_listed() -> Outcome {
    let server = server().await?;
    let config = TransportConfig { egress: EgressPolicy::parse(["api.example.com"], ["127.0.0.0/8"])?, ..loopback()? };
    let message = denied(config, "127.0.0.1", &server).await?;
    check(
        &message.as_str(),
        &"egress to 127.0.0.1:PORT is denied: no rule names it; these lines would allow it:\n\
          egress:\n  allow: [\"127.0.0.1:PORT\"]",
    )
}

async fn listed_and_private() -> Outcome {
    let server = server().await?;
    let config = TransportConfig { egress: EgressPolicy::parse(["127.0.0.1"], [])?, ..loopback()? };
    let message = denied(config, "127.0.0.1", &server).await?;
    contains(&message, "egress:\n  allow-private: [\"127.0.0.1:PORT\"]")
}

async fn a_private_name() -> Outcome {
    let server = server().await?;
    for address in ["127.0.0.1", "::ffff:127.0.0.1", "169.254.169.254", "10.0.0.1", "0.0.0.0", "::"] {
        let egress = EgressPolicy::parse(["todo.test"], [])?;
        let config = TransportConfig { egress, resolver: Answers::new(&[address])?, ..loopback()? };
        let message = denied(config, "todo.test", &server).await?;
        contains(&message, "egress:\n  allow-private: [\"todo.test:PORT\"]")?;
        if message.contains(address) && !address.starts_with("::") {
            return Err(format!("the address is told: {message}").into());
        }
    }
    Ok(())
}

/// The first answer is where the server listens, and is not allowed; nobody listens at the second, which is.
async fn only_vetted_addresses() -> Outcome {
    let server = server().await?;
    let egress = EgressPolicy::parse(["todo.test"], ["127.0.0.2/32"])?;
    let config = TransportConfig { egress, resolver: Answers::new(&["127.0.0.1", "127.0.0.2"])?, ..loopback()? };
    let error = send(&Transport::new(config)?, &server.server.url_as("todo.test"), &get(), AMPLE).await.err();
    check(&error.map(|e| e.kind), &Some(SendErrorKind::NoConnection { lasting: false }))?;
    check(&server.server.accepted(), &0)?;

    // The other way round, the address that refuses is passed over.
    let egress = EgressPolicy::parse(["todo.test"], ["127.0.0.0/8"])?;
    let config = TransportConfig { egress, resolver: Answers::new(&["127.0.0.2", "127.0.0.1"])?, ..loopback()? };
    send(&Transport::new(config)?, &server.server.url_as("todo.test"), &get(), AMPLE).await?;
    check(&server.server.accepted(), &1)
}

async fn resolved_once() -> Outcome {
    let server = server().await?;
    let answers = Answers::new(&["127.0.0.1"])?;
    let egress = EgressPolicy::parse(["todo.test"], ["127.0.0.0/8"])?;
    let transport = Transport::new(TransportConfig { egress, resolver: answers.clone(), ..loopback()? })?;
    for _ in 0..3 {
        send(&transport, &server.server.url_as("todo.test"), &get(), AMPLE).await?;
    }
    // The pool may open a connection while another comes free; each asks once.
    check(&answers.asked(), &server.server.accepted())
}

async fn no_addresses() -> Outcome {
    let egress = EgressPolicy::parse(["todo.test"], [])?;
    let transport = Transport::new(TransportConfig { egress, resolver: Answers::new(&[])?, ..loopback()? })?;
    let error = send(&transport, "http://todo.test", &get(), AMPLE).await.err().ok_or("a response")?;
    check(&error.kind, &SendErrorKind::NoConnection { lasting: false })?;
    contains(&error.message, "the name of todo.test:80 cannot be resolved")
}

async fn a_redirect() -> Outcome {
    let elsewhere = server().await?;
    let location = elsewhere.server.url();
    let script = vec![Step::write(format!("HTTP/1.1 307 Elsewhere\r\nlocation: {location}/\r\ncontent-length: 0\r\n\r\n"))];
    let server = Http1::start(script).await?;
    let response = super::http_of(send(&Transport::new(loopback()?)?, &server.server.url(), &get(), AMPLE).await?)?;
    check(&(response.status, elsewhere.server.accepted()), &(307, 0))
}

async fn the_endpoints_of_a_command() -> Outcome {
    let (server, other) = (server().await?, server().await?);
    let endpoint = Endpoint::parse(&server.server.url())?;
    let transport = Transport::new(TransportConfig { egress: EgressPolicy::exactly([&endpoint]), ..loopback()? })?;
    send(&transport, &server.server.url(), &get(), AMPLE).await?;
    let error = send(&transport, &other.server.url(), &get(), AMPLE).await.err();
    check(&error.map(|e| e.kind), &Some(SendErrorKind::Denied))?;
    check(&(server.server.accepted(), other.server.accepted()), &(1, 0))
}
