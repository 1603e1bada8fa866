//! Envoy in front of grpcio: TLS, mutual TLS, and injected faults, of which each is one exact error.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use witwire_executor::Dependency;
use witwire_executor::credentials::Source;
use witwire_executor::transport::{ClientTls, Identity};
use witwire_frontends::{MemoryFiles, Options, proto};
use witwire_ir::{Api, print_package};
use witwire_test_support::Script;
use witwire_test_support::hostile::http2::{Http2, Step};
use witwire_test_support::hostile::{Authority, Issued, Validity};

use super::Guest;
use super::grpcio::Server;
use crate::process::{Running, free_address, full, installed};

/// The one method that is called, as a service declares it that does not say whether it has effects.
const UNSAFE: &str = "syntax = \"proto3\"; package grpc.health.v1;
service Health { rpc Check(Question) returns (Answer); }
message Question { string service = 1; }
message Answer { enum Status { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; } Status status = 1; }";

/// What stands between a listener and the service.
enum Between {
    Nothing,
    /// A fault filter.
    Fault(Value),
    /// The service hangs up when it has read the request.
    Reset,
    /// The same, and no HTTP here: a proxy of bytes.
    Cut,
}

/// A listener of Envoy.
struct Listener {
    address: String,
    between: Between,
    /// A certificate, and whose clients' certificates are asked for.
    tls: Option<(Issued, Option<String>)>,
}

impl Listener {
    fn new(between: Between) -> Self {
        Self { address: free_address(), between, tls: None }
    }

    fn url(&self) -> String {
        format!("{}://{}", if self.tls.is_some() { "https" } else { "http" }, self.address)
    }

    fn json(&self) -> Value {
        let filter = match &self.between {
            Between::Cut => extension(
                "envoy.filters.network.tcp_proxy",
                "network.tcp_proxy.v3.TcpProxy",
                json!({ "cluster": "broken", "stat_prefix": "broken" }),
            ),
            Between::Reset => http(&[], "broken"),
            Between::Nothing => http(&[], "service"),
            Between::Fault(fault) => {
                let fault = extension("envoy.filters.http.fault", "http.fault.v3.HTTPFault", fault.clone());
                http(&[fault], "service")
            }
        };
        let mut chain = json!({ "filters": [filter] });
        if let Some((issued, clients)) = &self.tls {
            let inline = |text: &str| json!({ "inline_string": text });
            let mut common = json!({
                "alpn_protocols": ["h2"],
                "tls_certificates": [{ "certificate_chain": inline(&issued.certificate), "private_key": inline(&issued.key) }],
            });
            if let Some(clients) = clients {
                common["validation_context"] = json!({ "trusted_ca": inline(clients) });
            }
            chain["transport_socket"] = json!({ "name": "envoy.transport_sockets.tls", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                "require_client_certificate": clients.is_some(),
                "common_tls_context": common,
            } });
        }
        json!({ "name": self.address, "address": socket(&self.address), "filter_chains": [chain] })
    }
}

fn extension(name: &str, kind: &str, mut config: Value) -> Value {
    config["@type"] = json!(format!("type.googleapis.com/envoy.extensions.filters.{kind}"));
    json!({ "name": name, "typed_config": config })
}

fn http(before: &[Value], cluster: &str) -> Value {
    let mut filters = before.to_vec();
    filters.push(extension("envoy.filters.http.router", "http.router.v3.Router", json!({})));
    let route = json!({ "match": { "prefix": "/" }, "route": { "cluster": cluster, "timeout": "0s" } });
    let hosts = json!([{ "name": "all", "domains": ["*"], "routes": [route] }]);
    let manager = json!({
        "stat_prefix": "http", "codec_type": "HTTP2", "http_filters": filters, "route_config": { "virtual_hosts": hosts },
    });
    let kind = "network.http_connection_manager.v3.HttpConnectionManager";
    extension("envoy.filters.network.http_connection_manager", kind, manager)
}

fn socket(address: &str) -> Value {
    let (host, port) = address.split_once(':').expect("an address with a port");
    json!({ "socket_address": { "address": host, "port_value": port.parse::<u16>().expect("a port") } })
}

fn cluster(name: &str, address: &str) -> Value {
    let endpoint = json!({ "endpoint": { "address": socket(address) } });
    json!({
        "name": name, "connect_timeout": "5s", "load_assignment": {
            "cluster_name": name, "endpoints": [{ "lb_endpoints": [endpoint] }],
        },
        "typed_extension_protocol_options": { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": { "http2_protocol_options": {} },
        } },
    })
}

fn start(program: &Path, folder: &Path, service: &str, broken: &str, listeners: &[&Listener]) -> Running {
    let listeners: Vec<Value> = listeners.iter().map(|listener| listener.json()).collect();
    let clusters = [cluster("service", service), cluster("broken", broken)];
    let config = json!({ "static_resources": { "listeners": listeners, "clusters": clusters } });
    let file = folder.join("envoy.json");
    std::fs::write(&file, config.to_string()).expect("written");
    let mut command = Command::new(program);
    command.args(["--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error", "-c"]).arg(file);
    Running(command.stdout(Stdio::null()).spawn().expect("Envoy starts"))
}

/// What a guest is told that asks for the health of the service at a URL.
fn check(api: &Api, url: &str, change: impl FnOnce(&mut Dependency)) -> String {
    let interface = "grpc:health/health@1.0.0";
    let script = Script::new([print_package(api)]).call(interface, r#"check({service: "demo"})"#);
    let component = script.build().expect("a guest of the printed WIT");
    let mut guest = Guest::with(component, std::slice::from_ref(api), url, |dependency| {
        // The first answer is what is looked at.
        dependency.route.retry.attempts = 1;
        change(dependency);
    });
    guest.run();
    let story = guest.story();
    let line = story.lines().find_map(|line| line.split_once(" finished #1 "));
    line.unwrap_or_else(|| panic!("no result in {story}")).1.to_owned()
}

fn tls(authority: &Authority, client: Option<&Issued>) -> ClientTls {
    let literal = |text: &str| Source::Literal(text.to_owned());
    let identity = client.map(|issued| Identity { certificate: literal(&issued.certificate), key: literal(&issued.key) });
    ClientTls { roots: vec![literal(&authority.pem())], identity, authority: None }
}

pub(super) fn faults() {
    if !full("Envoy") {
        return;
    }
    let Some(program) = installed("envoy", "envoy") else { return };
    let Some(mut service) = Server::start() else { return };
    service.command("set demo SERVING");
    let api = service.api("health");
    let (authority, clients) = (Authority::new().expect("a key"), Authority::named("clients").expect("a key"));
    let issued = || authority.issue(&["127.0.0.1"], Validity::Now).expect("a certificate");
    let client = clients.issue(&["guest"], Validity::Now).expect("a certificate");
    let always = json!({ "numerator": 100 });

    let plain = Listener::new(Between::Nothing);
    let secure = Listener { tls: Some((issued(), None)), ..Listener::new(Between::Nothing) };
    let mutual = Listener { tls: Some((issued(), Some(clients.pem()))), ..Listener::new(Between::Nothing) };
    let fault = |fault: Value| Listener::new(Between::Fault(fault));
    let status = fault(json!({ "abort": { "http_status": 503, "percentage": always } }));
    let code = fault(json!({ "abort": { "grpc_status": 8, "percentage": always } }));
    let slow = fault(json!({ "delay": { "fixed_delay": "600s", "percentage": always } }));
    let (reset, cut) = (Listener::new(Between::Reset), Listener::new(Between::Cut));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let all = [&plain, &secure, &mutual, &status, &code, &slow, &reset, &cut];
    let runtime = Runtime::new().expect("a runtime");
    let broken = runtime.block_on(Http2::start(vec![Step::Disconnect])).expect("a server");
    let mut running = start(&program, folder.path(), &service.address, &broken.server.address().to_string(), &all);
    let served = |listener: &&Listener| std::net::TcpStream::connect(&listener.address).is_ok();
    running.until(|| all.iter().all(served).then_some(()));

    let serving = "ok({status: serving})";
    assert_eq!(check(&api, &plain.url(), |_| {}), serving);
    let over = |listener: &Listener, tls: ClientTls| check(&api, &listener.url(), |d| d.route.link.tls = tls);
    assert_eq!(over(&secure, tls(&authority, None)), serving);
    assert_eq!(over(&mutual, tls(&authority, Some(&client))), serving);
    let exactly = |told: String, kind: &str, message: &str| {
        assert!(told.starts_with(&format!("err({{kind: {kind}, message: \"{message}")), "{kind} in {told}");
        println!("Envoy: {told}");
    };
    let untrusted = format!("no TLS connection to {}: its certificate is signed by no authority", secure.address);
    exactly(over(&secure, tls(&clients, None)), "unavailable", &untrusted);
    let refused = format!("no TLS connection to {}: the server refuses the handshake: ", mutual.address);
    // A server that closes at once can lose its own alert: then the connection broke.
    let lost = [
        format!("the connection to {} was gone before the request was written: ", mutual.address),
        format!("{} closed the connection before it answered: ", mutual.address),
        format!("the connection to {} broke before it answered: ", mutual.address),
    ];
    let alert = |told: String, message: &str| {
        let lost = lost.iter().find(|lost| told.contains(lost.as_str())).map_or(message, String::as_str);
        exactly(told, "unavailable", lost);
    };
    let asked = format!("{refused}it asks for a client certificate (mutual TLS), and none is given");
    alert(over(&mutual, tls(&authority, None)), &asked);
    let strange = authority.issue(&["guest"], Validity::Now).expect("a certificate");
    let unknown = format!("{refused}our client certificate is signed by an authority that it does not trust");
    alert(over(&mutual, tls(&authority, Some(&strange))), &unknown);

    let at = |listener: &Listener| check(&api, &listener.url(), |_| {});
    exactly(at(&status), "unavailable", "fault filter abort");
    exactly(at(&code), "resource-exhausted", "fault filter abort");

    // Envoy's own answers are told as they are; what a deadline or a broken connection means is a matter of the method's class.
    let input = proto::Input::Protos { files: vec!["health.proto".into()], includes: Vec::new() };
    let compiled = proto::compile(&input, &MemoryFiles::new().with("health.proto", UNSAFE), &Options::default());
    assert!(!compiled.is_refused(), "{:?}", compiled.diagnostics);
    let doubtful = &compiled.apis[0];
    assert_eq!(check(doubtful, &plain.url(), |_| {}), serving);
    let classes = [(&api, "deadline-exceeded", "unavailable"), (doubtful, "outcome-unknown", "outcome-unknown")];
    for (api, on_deadline, on_cut) in classes {
        let hurried = check(api, &slow.url(), |d| d.deadline = Duration::from_secs(1));
        let late = format!("no complete response from {} within the deadline of 1s", slow.address);
        exactly(hurried, on_deadline, &late);
        exactly(
            check(api, &reset.url(), |_| {}),
            "unavailable",
            "upstream connect error or disconnect/reset before headers",
        );
        let closed = format!("{} closed the connection before it answered", cut.address);
        exactly(check(api, &cut.url(), |_| {}), on_cut, &closed);
    }
    assert_eq!(broken.seen().len(), 4);

    // Only the four that came through were seen by the service.
    let (_, calls) = service.command_after("set demo SERVING");
    assert_eq!(calls, ["/grpc.health.v1.Health/Check"; 4]);
    println!("Envoy: TLS, mutual TLS and 11 faults");
}
