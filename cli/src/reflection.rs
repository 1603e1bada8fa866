//! Server reflection: what a gRPC server tells about itself, collected into a descriptor set.
//!
//! `grpc.reflection.v1`, or the `v1alpha` of older servers, whose messages are the same.

mod messages;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use prost::Message;
use witwire_deployment::Settings;
use witwire_executor::transport::{
    Endpoint, GrpcStream, Route, RouteSettings, StreamError, StreamOptions, TlsConfig, Transport, TransportConfig,
};
use witwire_executor::{ApiFile, Dependency};
use witwire_interpreter::{GrpcRequest, Secrets};
use witwire_ir::container::Bundle;
use witwire_manifest::reflection::{Reflect, Reflected};

use crate::args::TrustArgs;
use crate::error::CliError;
use crate::network;
use messages::{Answer, Asked, FileHead, Request, Response};

/// The newer one first.
const SERVICES: [&str; 2] = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];
/// What both begin with. A server's reflection is no part of its API.
const OWN: &str = "grpc.reflection.";
/// How long a server may take for all questions.
const PATIENCE: Duration = Duration::from_mins(1);
/// `UNIMPLEMENTED`
const UNIMPLEMENTED: u32 = 12;
/// What is believed of one server: files, and bytes of all together.
const MAX_FILES: usize = 10_000;
const MAX_BYTES: usize = 64 << 20;

/// Asks over the executor's transport.
pub(crate) struct Asker;

impl Reflect for Asker {
    fn descriptor_set(&self, reflected: &Reflected) -> Result<Vec<u8>, String> {
        let settings =
            Settings { server: Some(reflected.server.clone()), tls: reflected.tls.clone(), ..Settings::default() };
        let nothing = ApiFile::of(&Bundle { apis: Vec::new() });
        let called = Dependency::from_settings(nothing, &settings).map_err(|e| e.to_string())?;
        let [endpoint] = called.servers.as_slice() else { return Err("there is no server to ask".to_owned()) };
        answer(endpoint, called.route, TlsConfig::default()).map_err(|e| e.to_string())
    }
}

/// The descriptor set of a server that was named on the command line.
pub(crate) fn of_named(server: &str, trust: &TrustArgs) -> Result<Vec<u8>, CliError> {
    let named = |e: &dyn std::fmt::Display| format!("`--reflection {}`: {e}", network::shown(server));
    let endpoint = Endpoint::parse(server).map_err(|e| CliError::Usage(named(&e)))?;
    answer(&endpoint, RouteSettings::default(), network::roots(trust)?).map_err(|e| CliError::Io(named(&e)))
}

fn answer(endpoint: &Endpoint, settings: RouteSettings, tls: TlsConfig) -> Result<Vec<u8>, CliError> {
    let config = TransportConfig { egress: network::named(endpoint)?, tls, ..TransportConfig::default() };
    network::runtime()?.block_on(async {
        let transport = Transport::new(config).map_err(|e| CliError::Input(e.to_string()))?;
        let route = transport.route(vec![endpoint.clone()], settings).map_err(|e| CliError::Usage(e.to_string()))?;
        ask(&transport, &route).await.map_err(CliError::Io)
    })
}

async fn ask(transport: &Transport, route: &Route) -> Result<Vec<u8>, String> {
    for service in SERVICES {
        let mut talk = Talk::begin(transport, route, service)?;
        match talk.services().await {
            Ok(services) => return Files::of(&mut talk, &services).await.map(|files| files.set()),
            Err(Trouble::Unimplemented) => {}
            Err(Trouble::Other(reason)) => return Err(reason),
        }
    }
    Err("the server has no reflection, neither v1 nor v1alpha; use its `.proto` files or a descriptor set".to_owned())
}

enum Trouble {
    /// The server does not know this version of reflection.
    Unimplemented,
    Other(String),
}

/// A stream of questions and answers, one at a time.
struct Talk {
    stream: GrpcStream,
}

impl Talk {
    fn begin(transport: &Transport, route: &Route, service: &str) -> Result<Self, String> {
        let request = GrpcRequest {
            path: format!("/{service}/ServerReflectionInfo"),
            metadata: Vec::new(),
            message: Vec::new().into(),
            secrets: Secrets::default(),
        };
        let options = StreamOptions { deadline: Some(PATIENCE), ..StreamOptions::default() };
        let mut stream = transport.stream(route, &request, false, &options).map_err(|e| e.to_string())?;
        stream.start();
        Ok(Self { stream })
    }

    async fn ask(&mut self, asked: Asked) -> Result<Answer, Trouble> {
        let request = Request { host: String::new(), asked: Some(asked) };
        let trouble = |error: StreamError| match error {
            StreamError::Status(status) if status.code == UNIMPLEMENTED => Trouble::Unimplemented,
            StreamError::Status(status) => {
                Trouble::Other(format!("the server ends reflection with status {}: {}", status.code, status.message))
            }
            StreamError::Broken(error) => Trouble::Other(error.to_string()),
        };
        self.stream.send(&request.encode_to_vec()).await.map_err(trouble)?;
        let Some(bytes) = self.stream.next().await.map_err(trouble)? else {
            return Err(Trouble::Other("the server ended reflection without an answer".to_owned()));
        };
        let response =
            Response::decode(bytes).map_err(|e| Trouble::Other(format!("the server's answer is damaged: {e}")))?;
        response.answer.ok_or_else(|| Trouble::Other("the server's answer to a question is empty".to_owned()))
    }

    /// The names of all services but reflection's own.
    async fn services(&mut self) -> Result<Vec<String>, Trouble> {
        let Answer::Services(list) = self.ask(Asked::ListServices("*".to_owned())).await? else {
            return Err(Trouble::Other("the server lists no services".to_owned()));
        };
        let names: BTreeSet<String> = list.services.into_iter().map(|service| service.name).collect();
        Ok(names.into_iter().filter(|name| !name.starts_with(OWN)).collect())
    }

    async fn files(&mut self, asked: Asked) -> Result<Vec<Vec<u8>>, String> {
        let what = match &asked {
            Asked::FileContainingSymbol(name) => format!("`{name}`"),
            Asked::FileByFilename(name) => format!("the file `{name}`"),
            Asked::ListServices(_) => "its services".to_owned(),
        };
        match self.ask(asked).await {
            Ok(Answer::Files(files)) => Ok(files.descriptors),
            Ok(Answer::Failed(error)) => {
                Err(format!("the server does not describe {what}: {} (status {})", error.message, error.code))
            }
            Ok(_) => Err(format!("the server answers another question than what describes {what}")),
            Err(Trouble::Other(reason)) => Err(reason),
            Err(Trouble::Unimplemented) => Err(format!("the server does not describe {what}")),
        }
    }
}

/// Descriptors by the names of their files, as the server encodes them.
#[derive(Default)]
struct Files {
    known: BTreeMap<String, (FileHead, Vec<u8>)>,
    /// Of all that was told.
    bytes: usize,
}

impl Files {
    /// The files of services, and all that these import.
    async fn of(talk: &mut Talk, services: &[String]) -> Result<Self, String> {
        let mut files = Self::default();
        for service in services {
            files.add(talk.files(Asked::FileContainingSymbol(service.clone())).await?)?;
        }
        while let Some(missing) = files.missing() {
            files.add(talk.files(Asked::FileByFilename(missing.clone())).await?)?;
            if !files.known.contains_key(&missing) {
                return Err(format!("the server was asked for the file `{missing}`, and gives another"));
            }
        }
        Ok(files)
    }

    /// A file that is imported and was not told yet.
    fn missing(&self) -> Option<String> {
        let imported = self.known.values().flat_map(|(head, _)| &head.dependency);
        imported.into_iter().find(|name| !self.known.contains_key(*name)).cloned()
    }

    fn add(&mut self, descriptors: Vec<Vec<u8>>) -> Result<(), String> {
        for bytes in descriptors {
            let head =
                FileHead::decode(bytes.as_slice()).map_err(|e| format!("a descriptor of the server is damaged: {e}"))?;
            self.bytes += bytes.len();
            // The first counts: a file has one content, and servers send imports again and again.
            self.known.entry(head.name.clone()).or_insert((head, bytes));
            if self.known.len() > MAX_FILES || self.bytes > MAX_BYTES {
                return Err(format!(
                    "the server describes itself in more than {MAX_FILES} files or {} MiB",
                    MAX_BYTES >> 20
                ));
            }
        }
        Ok(())
    }

    /// A `FileDescriptorSet`: imports before what imports them, else in the order of names.
    fn set(&self) -> Vec<u8> {
        let (mut out, mut done) = (Vec::new(), BTreeSet::new());
        // What a file still waits for is above it; a circle, which no compiler makes, is cut.
        let mut stack: Vec<&str> = self.known.keys().rev().map(String::as_str).collect();
        let mut waiting = BTreeSet::new();
        while let Some(name) = stack.pop() {
            let Some((head, bytes)) = self.known.get(name).filter(|_| !done.contains(name)) else { continue };
            let imports: Vec<&str> =
                head.dependency.iter().map(String::as_str).filter(|import| !done.contains(import)).collect();
            if waiting.insert(name) && !imports.is_empty() {
                stack.push(name);
                stack.extend(imports.into_iter().rev());
                continue;
            }
            done.insert(name);
            // Field 1 of `FileDescriptorSet`, length-delimited.
            out.push(0x0a);
            prost::encoding::encode_varint(bytes.len() as u64, &mut out);
            out.extend(bytes);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, imports: &[&str]) -> Vec<u8> {
        let dependency = imports.iter().map(|&import| import.to_owned()).collect();
        FileHead { name: name.to_owned(), dependency }.encode_to_vec()
    }

    #[test]
    fn imports_come_first_and_the_order_is_always_the_same() {
        let all = [
            file("a.proto", &["z.proto", "b.proto"]),
            file("z.proto", &["m.proto"]),
            file("b.proto", &["m.proto"]),
            file("m.proto", &[]),
            file("x.proto", &["y.proto"]),
            file("y.proto", &["x.proto"]),
        ];
        let mut files = Files::default();
        files.add(all.to_vec()).expect("small");
        let set = messages::Set::decode(files.set().as_slice()).expect("a set");
        let names: Vec<&str> = set.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["m.proto", "z.proto", "b.proto", "a.proto", "x.proto", "y.proto"]);
        let mut reversed = Files::default();
        reversed.add(all.iter().rev().cloned().collect()).expect("small");
        assert_eq!(reversed.set(), files.set());
        assert_eq!(files.missing(), None);
        let mut open = Files::default();
        open.add(vec![file("a.proto", &["b.proto"])]).expect("small");
        assert_eq!(open.missing().as_deref(), Some("b.proto"));
    }
}
