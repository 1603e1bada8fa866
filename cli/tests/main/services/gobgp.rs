//! GoBGP: messages in `Any`, and a stream from the server. What the guest did is read back by GoBGP's own client.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use witwire_frontends::{DiskFiles, Options, proto};
use witwire_ir::print_package;
use witwire_test_support::Script;

use super::Guest;
use crate::process::{Running, free_address, full, installed};
use crate::tool::root;

const INTERFACE: &str = "grpc:apipb/gobgp-api@0.1.0";

/// `10.0.N.0/24`, behind 192.0.2.1, as in a call.
fn path(n: u8) -> String {
    format!(
        "some({{nlri: some(ip-address-prefix({{prefix-len: 24, prefix: \"10.0.{n}.0\"}})), \
         pattrs: [origin-attribute({{origin: 0}}), next-hop-attribute({{next-hop: \"192.0.2.1\"}})], \
         best: false, is-withdraw: false, family: some({{afi: ip, safi: unicast}}), source-asn: 0, uuid: []}})"
    )
}

pub(super) fn paths() {
    if !full("GoBGP") {
        return;
    }
    let (Some(daemon), Some(client)) = (installed("gobgpd", "gobgpd"), installed("gobgpd", "gobgp")) else { return };
    let file = root().join("cli/tests/data/bgp.proto");
    let includes = vec![file.parent().expect("a folder").to_owned()];
    let any = r#"{ "any": ["apipb.IPAddressPrefix", "apipb.OriginAttribute", "apipb.NextHopAttribute"] }"#;
    let options: Options = serde_json::from_str(any).expect("settings");
    let compiled = proto::compile(&proto::Input::Protos { files: vec![file], includes }, &DiskFiles, &options);
    assert!(!compiled.is_refused() && compiled.skipped.is_empty(), "{:?}", compiled.diagnostics);

    let address = free_address();
    let mut command = Command::new(daemon);
    command.args(["--api-hosts", &address, "--pprof-disable"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut running = Running(command.spawn().expect("gobgpd starts"));
    running.until(|| std::net::TcpStream::connect(&address).ok());

    let table = "get-table({table-type: global, family: some({afi: ip, safi: unicast}), name: \"\"})";
    let list = "list-path({table-type: global, name: \"\", family: some({afi: ip, safi: unicast})})";
    let add = |n| format!("add-path({{table-type: global, vrf-id: \"\", path: {}}})", path(n));
    let delete = |n| {
        let family = "some({afi: ip, safi: unicast})";
        format!("delete-path({{table-type: global, vrf-id: \"\", family: {family}, path: {}, uuid: []}})", path(n))
    };
    // Port -1: it listens for no peers.
    let script = Script::new([print_package(&compiled.apis[0])])
        .call(INTERFACE, "start-bgp({global: some({asn: 64512, router-id: \"192.0.2.9\", listen-port: -1})})")
        .call(INTERFACE, "get-bgp()")
        .call(INTERFACE, add(1))
        .call(INTERFACE, add(2))
        .call(INTERFACE, add(3))
        .call(INTERFACE, delete(2))
        .call(INTERFACE, table)
        .open("paths", INTERFACE, list)
        .method("paths", "next()")
        .method("paths", "next()")
        .method("paths", "next()");
    let guest = script.build().expect("a guest of the printed WIT");
    let mut guest = Guest::new(guest, &compiled.apis, &format!("http://{address}"));
    // All succeed; a step of the stream gives its first field, a prefix of eleven characters, and the last one the end.
    assert_eq!(guest.run(), "[0, 0, 0, 0, 0, 0, 0, 0, 1000011, 1000011, 1000000]");
    guest.told("ok({global: some({asn: 64512, router-id: \"192.0.2.9\", listen-port: -1})})");
    guest.told("ok({num-destination: 2, num-path: 2, ");
    for n in [1, 3] {
        guest.told(&format!("next() -> ok(some({{destination: some({{prefix: \"10.0.{n}.0/24\", paths: [{{nlri: some("));
        guest.told(&format!("ip-address-prefix({{prefix-len: 24, prefix: \"10.0.{n}.0\"}})"));
    }
    guest.told("next-hop-attribute({next-hop: \"192.0.2.1\"})");
    guest.told("next() -> ok(none)");

    assert_eq!(told_by(&client, &address), ["10.0.1.0/24", "10.0.3.0/24"]);
    println!("GoBGP: 7 calls, a stream of 3 steps, 3 messages in Any");
}

/// The destinations that GoBGP's client knows.
fn told_by(client: &Path, address: &str) -> Vec<String> {
    let (host, port) = address.split_once(':').expect("an address with a port");
    let output = Command::new(client).args(["-u", host, "-p", port, "-j", "global", "rib"]).output().expect("gobgp runs");
    let table: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
    let mut known: Vec<String> = table.as_object().expect("a table").keys().cloned().collect();
    known.sort();
    known
}
