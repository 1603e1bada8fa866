//! Well-known services of the corpus → `services/NAME.wit`: the package as a person reads it, without the vendors' documentation.

use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use witwire_frontends::proto::{Input, compile};
use witwire_frontends::{DiskFiles, Options};
use witwire_ir::{PrintOptions, print_package_with};

use crate::expected::compare;

/// The expected file, the tree, and the sources in it.
const SERVICES: &[(&str, &str, &[&str])] = &[
    ("bazel-remote-execution", "bazel-remote-apis", &["build/bazel/remote/execution/v2/remote_execution.proto"]),
    ("cloud-text-to-speech", "googleapis", &["google/cloud/texttospeech/v1/cloud_tts.proto"]),
    ("containerd-tasks", "containerd", &["services/tasks/v1/tasks.proto"]),
    ("dapr-runtime", "dapr", &["dapr/proto/runtime/v1/dapr.proto"]),
    ("etcd", "etcd", &["etcd/api/etcdserverpb/rpc.proto"]),
    ("lnd-lightning", "lnd", &["lightning.proto"]),
    ("openfga", "openfga", &["openfga/v1/openfga_service.proto"]),
    ("opentelemetry-traces", "opentelemetry", &["opentelemetry/proto/collector/trace/v1/trace_service.proto"]),
    ("spark-connect", "spark-connect", &["spark/connect/base.proto"]),
    ("temporal", "temporal-api", &["temporal/api/workflowservice/v1/service.proto"]),
];

pub(super) fn trials(corpus: &Path) -> Vec<Trial> {
    let trial = |(name, tree, files): &(&'static str, &'static str, &'static [&'static str])| {
        let tree = corpus.join(tree);
        let (name, files) = (*name, *files);
        Trial::test(format!("proto::services::{name}"), move || run(name, &tree, files))
    };
    SERVICES.iter().map(trial).collect()
}

fn run(name: &str, tree: &Path, files: &[&str]) -> Result<(), Failed> {
    let files: Vec<PathBuf> = files.iter().map(|f| tree.join(f)).collect();
    let input = Input::Protos { files, includes: vec![tree.to_owned()] };
    let compiled = compile(&input, &DiskFiles, &Options::default());
    let [api] = &compiled.apis[..] else { return Err(format!("{:#?}", compiled.diagnostics).into()) };
    let actual = print_package_with(api, PrintOptions { docs: false });
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/proto/services").join(format!("{name}.wit"));
    compare(&expected, &actual)
}
