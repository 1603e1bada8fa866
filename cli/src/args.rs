//! What can be written on the command line.

mod client;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use witwire_ir::host::call::Compression;

pub(crate) use client::{
    ComponentArgs, ComponentCommand, DeployArgs, DoctorArgs, InvokeArgs, ServerAddress, UploadArgs, WorkerArgs,
    WorkerCommand,
};

/// Call any gRPC or OpenAPI service from a WebAssembly component as a typed WIT function.
#[derive(Debug, Parser)]
#[command(
    name = "witwire",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done; 1 the input is wrong; 2 wrong usage; 3 reading, writing or the network failed; \
                  4 the call itself returned an `err`.\n\nStart with `witwire demo`; the book is in docs/."
)]
pub(crate) struct Cli {
    /// How to print: for a person, or for a program.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto)]
    pub(crate) color: ColorChoice,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print the WIT package that a guest compiles against, or write it to a directory.
    Wit(WitArgs),
    /// Compile specifications into one IR container, which the executor loads.
    Compile(CompileArgs),
    /// List operations, where each comes from, and every finding; or print an example call.
    Inspect(InspectArgs),
    /// Make one typed call without a component.
    Call(Box<CallArgs>),
    /// Run a component durably on the embedded store; run again to continue.
    Run(Box<RunArgs>),
    /// Bring what `witwire build` has left to a server, where it differs.
    Deploy(Box<DeployArgs>),
    /// Show and change the components of a server.
    Component(ComponentArgs),
    /// Create, invoke and watch the workers of a server.
    Worker(WorkerArgs),
    /// Show what a worker did: its oplog with typed values.
    Oplog(OplogArgs),
    /// Make a project: a manifest, a specification, a component.
    New(NewArgs),
    /// Build the components of a manifest into bundles: WIT from specifications, components from sources.
    Build(BuildArgs),
    /// Check a manifest, or print its JSON Schema.
    #[command(subcommand)]
    Manifest(ManifestCommand),
    /// Keep components and run their workers behind a REST API.
    Server(ServerArgs),
    /// The two-minute tour: real services, two specs, one guest, one kill, no call twice.
    Demo(DemoArgs),
    /// Look for what is missing, and say what to do about it.
    Doctor(DoctorArgs),
    /// Print the book's page on every command.
    #[command(hide = true)]
    Reference,
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// A specification and the settings that shape its WIT.
#[derive(Debug, Args)]
pub(crate) struct SpecArgs {
    /// An OpenAPI document (YAML or JSON), one or more `.proto` files, or a descriptor set (`.fds`, `.binpb`, `.pb`).
    #[arg(required_unless_present = "reflection", value_name = "SPEC")]
    pub(crate) specs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: SpecSettings,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

/// Settings of a dependency, as the manifest has them.
#[derive(Debug, Args, Default)]
pub(crate) struct SpecSettings {
    /// Where `.proto` imports are found; may be repeated. Default: the folder of each SPEC.
    #[arg(short = 'I', long = "include", value_name = "DIR")]
    pub(crate) includes: Vec<PathBuf>,
    /// `namespace:name` of the WIT package.
    #[arg(long, value_name = "NAME")]
    pub(crate) package: Option<String>,
    /// Semantic version of the WIT package.
    #[arg(long, value_name = "VERSION")]
    pub(crate) api_version: Option<String>,
    /// A manifest key of the dependency, such as `auth=guest`, `bodies=whole` or `operations=[listTodos]`; may be repeated.
    #[arg(long = "manifest", value_name = "KEY=VALUE")]
    pub(crate) manifest: Vec<String>,
    /// Treat warnings as errors.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Instead of a SPEC, ask this gRPC server what it serves, by server reflection.
    #[arg(long, value_name = "URL")]
    pub(crate) reflection: Option<String>,
    /// Fetch documents that the SPEC refers to from here: a URL that ends in `/` means all below it, any other itself; may be repeated.
    #[arg(long, value_name = "URL")]
    pub(crate) allow_remote: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct WitArgs {
    #[command(flatten)]
    pub(crate) spec: SpecArgs,
    /// Write `<ns>_<name>/<name>.wit` below this directory instead of printing.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CompileArgs {
    #[command(flatten)]
    pub(crate) spec: SpecArgs,
    /// The container to write.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// An OpenAPI document, `.proto` files, a descriptor set, or an IR container (`.ir`).
    #[arg(required_unless_present = "reflection", value_name = "SPEC")]
    pub(crate) specs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: SpecSettings,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    /// Only this function: `todos.list`.
    #[arg(long, short = 'f', value_name = "FUNCTION")]
    pub(crate) function: Option<String>,
    /// Print a valid call of each function in WAVE.
    #[arg(long, conflicts_with = "example_response")]
    pub(crate) example: bool,
    /// Print a valid result of each function in WAVE.
    #[arg(long)]
    pub(crate) example_response: bool,
    /// Which example; equal seeds give equal examples.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    /// SPEC… and then the call in WAVE: `todo.yaml 'todos.list({user-id: "u1"})'`. With `--fixture`, SPEC… alone; with `--reflection`, the
    /// call alone.
    #[arg(required_unless_present = "fixture", value_name = "SPEC… CALL")]
    pub(crate) words: Vec<String>,
    #[command(flatten)]
    pub(crate) settings: SpecSettings,
    /// Base URL of the service; overrides the document's servers. Default with `--reflection`: the server that was asked.
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// Credentials: `SCHEME=env:NAME`, `SCHEME=file:PATH`; basic as `user:password` in the variable or file. May be repeated.
    #[arg(long, value_name = "SCHEME=SOURCE")]
    pub(crate) auth: Vec<String>,
    /// Print the exact request and send nothing. Credentials are shown as `[removed]`.
    #[arg(long, conflicts_with_all = ["response", "fixture"])]
    pub(crate) dry_run: bool,
    /// Decode this canned response (as in a fixture's `--- response`) instead of sending.
    #[arg(long, value_name = "FILE", conflicts_with = "fixture")]
    pub(crate) response: Option<PathBuf>,
    /// Run a WAVE fixture: against its canned response, or against `--server`. Settings of the call stand in the fixture.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["metadata", "deadline", "compression", "idempotency_key"])]
    pub(crate) fixture: Option<PathBuf>,
    /// Give up after so many seconds; a pager, for each page. What is read item by item has no such limit; over gRPC, `--deadline` ends it.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) timeout: u64,
    #[command(flatten)]
    pub(crate) call: CallSettingArgs,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

/// Settings of the one call, as a component gives them with `calls: explicit`.
#[derive(Debug, Args, Default)]
pub(crate) struct CallSettingArgs {
    /// Send metadata (gRPC) or a header (HTTP) beside those of the API; hexadecimal where a key of metadata ends in `-bin`. May be repeated.
    #[arg(long, visible_alias = "header", value_name = "NAME=VALUE")]
    pub(crate) metadata: Vec<String>,
    /// Give up after so many milliseconds, repetitions included; goes before `--timeout`.
    #[arg(long, value_name = "MILLISECONDS")]
    pub(crate) deadline: Option<u64>,
    /// Compress what is sent.
    #[arg(long, value_name = "CODING")]
    pub(crate) compression: Option<CompressionArg>,
    /// Send this idempotency key. The operation needs to have a header for it (`idempotency:` of the manifest).
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
}

/// How what is sent is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompressionArg {
    /// As it is.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl From<CompressionArg> for Compression {
    fn from(argument: CompressionArg) -> Self {
        match argument {
            CompressionArg::Identity => Self::Identity,
            CompressionArg::Gzip => Self::Gzip,
            CompressionArg::Zstd => Self::Zstd,
        }
    }
}

/// Where calls may go.
#[derive(Debug, Args, Default)]
pub(crate) struct NetworkArgs {
    /// Allow private and loopback addresses for the configured servers.
    #[arg(long)]
    pub(crate) allow_private: bool,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

/// Whom to trust.
#[derive(Debug, Args, Default)]
pub(crate) struct TrustArgs {
    /// Trust the certificates in this PEM file as well.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The component.
    #[arg(value_name = "COMPONENT")]
    pub(crate) component: PathBuf,
    /// An IR container with the APIs that the component imports; may be repeated.
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) api: Vec<PathBuf>,
    /// The export to call, in WAVE: `run("x")` or `ns:pkg/iface.run("x")`.
    #[arg(long, value_name = "CALL")]
    pub(crate) invoke: String,
    /// The server of a package: `core:todo=http://127.0.0.1:8080`; a bare URL where there is one package. May be repeated.
    #[arg(long, value_name = "PACKAGE=URL")]
    pub(crate) server: Vec<String>,
    /// Credentials: `SCHEME=env:NAME`, `SCHEME=file:PATH`; may be repeated.
    #[arg(long, value_name = "SCHEME=SOURCE")]
    pub(crate) auth: Vec<String>,
    /// The embedded store.
    #[arg(long, value_name = "FILE", default_value = "witwire.db")]
    pub(crate) store: PathBuf,
    /// The worker's name.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) worker: String,
    /// The invocation's idempotency key: the same key again returns the stored result. Default: derived from the call, so that
    /// running the same line again continues it.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

#[derive(Debug, Args)]
pub(crate) struct OplogArgs {
    /// The worker's name.
    #[arg(value_name = "WORKER", default_value = "default")]
    pub(crate) worker: String,
    /// Read this store, where `witwire run` keeps its workers, instead of asking a server.
    #[arg(long, value_name = "FILE")]
    pub(crate) store: Option<PathBuf>,
    /// Print long values whole. JSON always has them whole.
    #[arg(long)]
    pub(crate) full: bool,
    #[command(flatten)]
    pub(crate) server: ServerAddress,
}

#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// Where to listen; port 0 is any free one. Other addresses than loopback need `--api-key-file`.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9080")]
    pub(crate) listen: std::net::SocketAddr,
    /// The store of oplogs and components; the registry stands beside it, as FILE.registry.
    #[arg(long, value_name = "FILE", default_value = "witwire.db")]
    pub(crate) store: PathBuf,
    /// Callers must know the API key in this file: `Authorization: Bearer KEY`; may be repeated: one of the keys.
    #[arg(long, value_name = "FILE")]
    pub(crate) api_key_file: Vec<PathBuf>,
    /// Components may call this host: `api.example.com`, `*.example.com`, each with an optional `:PORT`; may be repeated.
    #[arg(long, value_name = "HOST")]
    pub(crate) allow: Vec<String>,
    /// An allowed host may have private and loopback addresses: a host as above, or a network such as `10.0.0.0/8`.
    #[arg(long, value_name = "HOST|NETWORK")]
    pub(crate) allow_private: Vec<String>,
    /// A credential that deployments may name: `env:NAME` or `file:PATH`; may be repeated. No others are read.
    #[arg(long, value_name = "SOURCE")]
    pub(crate) credential: Vec<String>,
    /// Trust the certificates in this PEM file as well.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Vec<PathBuf>,
}

/// The manifest, and how its lock and the network are used.
#[derive(Debug, Args)]
pub(crate) struct ManifestArgs {
    /// The manifest.
    #[arg(long = "manifest", value_name = "FILE", default_value = witwire_manifest::FILE)]
    pub(crate) file: PathBuf,
    /// Take the values of this environment.
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// Refuse to change witwire.lock.
    #[arg(long)]
    pub(crate) locked: bool,
    /// Use no network: documents are read from their copies.
    #[arg(long)]
    pub(crate) offline: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// The components to build; none: all.
    #[arg(value_name = "COMPONENT")]
    pub(crate) components: Vec<String>,
    #[command(flatten)]
    pub(crate) manifest: ManifestArgs,
    /// Fetch documents anew and pin them as they are now.
    #[arg(long, conflicts_with_all = ["locked", "offline"])]
    pub(crate) update_lock: bool,
    /// Where bundles go. Default: `.witwire/build` beside the manifest.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Compile and run everything, changed or not.
    #[arg(long)]
    pub(crate) force: bool,
    /// Run no build command: take the components as they are.
    #[arg(long)]
    pub(crate) no_command: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ManifestCommand {
    /// Tell all mistakes of a manifest and its specifications; build nothing, and pin nothing in witwire.lock.
    Check(ManifestArgs),
    /// Print the manifest's JSON Schema, for editors.
    Schema,
}

#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// The project's folder, whose name is the component's.
    #[arg(value_name = "NAME")]
    pub(crate) path: PathBuf,
    /// The language of the component.
    #[arg(long, value_enum, default_value_t = Template::Rust)]
    pub(crate) template: Template,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    /// Rust, built by cargo.
    Rust,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Keep the demo's folder (store, WIT, IR) and print where it is.
    #[arg(long, conflicts_with = "server")]
    pub(crate) keep: bool,
    /// Start the Todo service and a server with its agent deployed, to be tried from another terminal, until Ctrl-C.
    #[arg(long, group = "services")]
    pub(crate) server: bool,
    /// Start the Todo service alone, until Ctrl-C. Its REST API needs the token in TODO_TOKEN, or any where that is not set.
    #[arg(long, group = "services", conflicts_with = "keep")]
    pub(crate) service: bool,
    /// Where the server or service listens. Default: 127.0.0.1:9080, or any free port; the service alone 127.0.0.1:8080.
    #[arg(long, value_name = "ADDRESS", requires = "services")]
    pub(crate) listen: Option<std::net::SocketAddr>,
    /// How long the Todo service takes for each request, in milliseconds: time enough to kill the server in between.
    #[arg(long, value_name = "MILLISECONDS", requires = "services", default_value_t = 1500)]
    pub(crate) delay: u64,
}
