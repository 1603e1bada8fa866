//! Interfaces of well-known APIs as WIT, without the vendors' documentation: `famous/NAME.wit`, read by a person.
//!
//! The documents are test data and no part of this repository; `docs/src/famous-apis.md` says what the rules did to each.

use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use witwire_frontends::openapi::compile;
use witwire_frontends::{DiskFiles, Options};
use witwire_ir::{Api, Operation, Texts, print_package};

use super::corpus::with_corpus;
use crate::expected::compare;
use crate::proto::structure;

/// An API, and the interfaces of it that are read.
struct Famous {
    name: &'static str,
    /// Within the corpus.
    document: &'static str,
    /// All, where there is none.
    interfaces: &'static [&'static str],
}

const FAMOUS: &[Famous] = &[
    Famous { name: "asana", document: "apis-guru/asana.com.json", interfaces: &["tasks"] },
    Famous { name: "box", document: "apis-guru/box.com.json", interfaces: &["files", "folders"] },
    Famous {
        name: "digitalocean",
        document: "digitalocean/specification/DigitalOcean-public.v2.yaml",
        interfaces: &["droplets"],
    },
    Famous { name: "discord", document: "discord/specs/openapi.json", interfaces: &["channels"] },
    Famous { name: "github-issues", document: "github/api.github.com.json", interfaces: &["issues"] },
    Famous { name: "github-repos", document: "github/api.github.com.json", interfaces: &["repos"] },
    Famous { name: "kubernetes", document: "kubernetes/api/v1.json", interfaces: &["core-v1"] },
    Famous { name: "openai", document: "openai/openapi.yaml", interfaces: &["chat", "responses", "files"] },
    Famous { name: "petstore", document: "suite-libopenapi/test_specs/petstorev3.json", interfaces: &[] },
    Famous { name: "slack", document: "apis-guru/slack.com.json", interfaces: &["chat", "conversations"] },
    Famous { name: "stripe", document: "apis-guru/stripe.com.json", interfaces: &["customers", "charges"] },
    Famous { name: "todo", document: "todo-example/todo.yaml", interfaces: &[] },
    Famous {
        name: "twilio",
        document: "apis-guru/twilio.com/api.json",
        interfaces: &["api20100401-message", "api20100401-call"],
    },
];

pub(super) fn trials() -> Vec<Trial> {
    let trial = |famous: &'static Famous| {
        Trial::test(format!("openapi::famous::{}", famous.name), move || with_corpus(|corpus| run(corpus, famous)))
    };
    FAMOUS.iter().map(trial).collect()
}

fn run(corpus: &Path, famous: &Famous) -> Result<(), Failed> {
    let compiled = compile(&corpus.join(famous.document), &DiskFiles, &Options::default());
    let [api] = compiled.apis.as_slice() else { return Err(format!("{:#?}", compiled.diagnostics).into()) };
    let wanted = |api: &Api, operation: &Operation| {
        famous.interfaces.is_empty() || famous.interfaces.contains(&api.interfaces[operation.interface].name.as_str())
    };
    let mut read = api.prune(|_, operation| wanted(api, operation));
    if read.operations.is_empty() {
        let names: Vec<&str> = api.interfaces.iter().map(|(_, i)| i.name.as_str()).collect();
        return Err(format!("none of the interfaces is there: {}", names.join(", ")).into());
    }
    // The vendors' texts are theirs.
    read.texts = Texts::default();
    let actual = print_package(&read);
    structure::check(&actual)?;
    let expected: PathBuf =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openapi/famous").join(famous.name).with_extension("wit");
    compare(&expected, &actual)
}
