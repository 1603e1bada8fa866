//! What a manifest says, in types. Their documentation is that of the JSON Schema and the book.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use witwire_deployment::{ComponentName, Settings};
use witwire_frontends::Options;

use crate::reflection::Reflected;
use crate::remote::Allowed;

/// A manifest without mistakes of form.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Manifest {
    /// The components, by name.
    pub components: BTreeMap<ComponentName, Component>,
    /// What each component calls, in the order of the file.
    pub dependencies: BTreeMap<ComponentName, Vec<Dependency>>,
}

/// A component and how it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Component {
    /// The folder with the component's own WIT. The packages of its dependencies are written to `deps` in it, so
    /// that no two components can share it.
    #[serde(default = "wit")]
    pub wit: PathBuf,
    /// The command that makes the component. A shell runs it in the manifest's folder when the component's inputs have changed.
    /// Absent: the file at `wasm` is taken as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// The file that the command leaves: a component, or a core module that carries its world, which is made into a component.
    pub wasm: PathBuf,
    /// The world in `wit` that the component is made for; needed where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub world: Option<String>,
    /// The files that the command reads: paths below the manifest's folder, in which `*`, `?` and `**` stand for parts of names and
    /// for folders. Absent: everything in the folder that holds `wit`. Hidden files, `target`, `node_modules`, `__pycache__` and
    /// `.wasm` files are never among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
}

fn wit() -> PathBuf {
    "wit".into()
}

/// A service that a component calls.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dependency {
    /// What environments call it.
    pub name: String,
    /// Where its specification is.
    pub source: Source,
    /// The server that is asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reflection: Option<Reflected>,
    /// What shapes its WIT.
    pub options: Options,
    /// How its functions are performed.
    pub settings: Settings,
}

/// Where a specification is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "type")]
pub enum Source {
    /// Protobuf.
    Grpc(GrpcSource),
    /// OpenAPI.
    OpenApi(OpenApiSource),
}

/// A gRPC service: its protobuf sources or a descriptor set, what shapes its WIT, and how it is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrpcSource {
    /// What environments call this dependency. Absent: the name of its first source file, without the extension; with `reflection` the
    /// server's host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The protobuf files whose services are wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub protos: Vec<PathBuf>,
    /// The folders in which imports are looked up, in order. Absent: the folders of `protos`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub includes: Vec<PathBuf>,
    /// A `FileDescriptorSet` with all imports, as `protoc --include_imports -o FILE` makes it. All its services are wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descriptor_set: Option<PathBuf>,
    /// The server at `endpoint` is asked, once, by gRPC server reflection: the digest of what it says is pinned in `witwire.lock`. All its
    /// services are wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("const" = true))]
    pub reflection: Option<bool>,
}

/// An HTTP service: its OpenAPI document, what shapes its WIT, and how it is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenApiSource {
    /// What environments call this dependency. Absent: the name of its document, without the extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The document. Files that it refers to are found from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Where the document is fetched, once: its digest is pinned in `witwire.lock`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "uri", "pattern" = "^https?://[^@#]+$"))]
    pub url: Option<String>,
    /// Where documents on other machines may be, to which this one refers: a URL that ends in `/` allows all below it, any other
    /// itself. They are pinned as well. What stands in the folder of `url`, or below it, is allowed without a word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remote: Vec<Allowed>,
}
