//! The commands that talk to a server.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::client::Decision;

/// Where `witwire server` listens unless it is told otherwise.
const DEFAULT_SERVER: &str = "http://127.0.0.1:9080";

/// Which server, and how it knows the caller.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServerAddress {
    /// The server's address.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "WITWIRE_SERVER",
        hide_env_values = true,
        default_value = DEFAULT_SERVER,
        help_heading = "Server"
    )]
    pub(crate) server: String,
    /// The file that holds the server's API key. The key itself is never given on the command line.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "WITWIRE_API_KEY_FILE",
        hide_env_values = true,
        help_heading = "Server"
    )]
    pub(crate) api_key_file: Option<PathBuf>,
    /// Trust the certificates in this PEM file, instead of the public ones.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Server")]
    pub(crate) ca: Vec<PathBuf>,
}

impl ServerAddress {
    /// Whether it is the address of nobody's choice.
    pub(crate) fn is_default(&self) -> bool {
        self.server == DEFAULT_SERVER
    }
}

#[derive(Debug, Args)]
pub(crate) struct ComponentArgs {
    #[command(subcommand)]
    pub(crate) command: ComponentCommand,
    #[command(flatten)]
    pub(crate) server: ServerAddress,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ComponentCommand {
    /// List the components, each with its newest revision.
    List,
    /// Show a revision of a component: what it is made of.
    Show {
        /// The component's name.
        name: String,
        /// Which revision. Default: the newest.
        #[arg(long, value_name = "N")]
        revision: Option<u32>,
    },
    /// List all revisions of a component, the newest first.
    Revisions {
        /// The component's name.
        name: String,
    },
    /// Create a component from files, without a manifest.
    Create(UploadArgs),
    /// Make the next revision of a component from files, without a manifest. Workers stay on theirs.
    Update {
        #[command(flatten)]
        upload: UploadArgs,
        /// The revision that is replaced; another one is a conflict. Default: the newest.
        #[arg(long, value_name = "N")]
        revision: Option<u32>,
    },
    /// Delete a component with all its revisions. It must have no workers.
    Delete {
        /// The component's name.
        name: String,
    },
}

/// A component as files.
#[derive(Debug, Args)]
pub(crate) struct UploadArgs {
    /// The component's name.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The WebAssembly component.
    #[arg(long, value_name = "FILE")]
    pub(crate) wasm: PathBuf,
    /// An IR container that `witwire compile` wrote; may be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) ir: Vec<PathBuf>,
    /// A JSON file with the settings of the dependencies, in the order of the containers:
    /// `{"dependencies": [{"server": "https://…"}]}`. Default: each is called at its document's server, without credentials.
    #[arg(long, value_name = "FILE")]
    pub(crate) metadata: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    #[command(subcommand)]
    pub(crate) command: WorkerCommand,
    #[command(flatten)]
    pub(crate) server: ServerAddress,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WorkerCommand {
    /// Create a worker of a component. It stays on its revision.
    Create {
        /// The worker's name.
        name: String,
        /// The component.
        #[arg(long, value_name = "NAME")]
        component: String,
        /// Which revision of it. Default: the newest.
        #[arg(long, value_name = "N")]
        revision: Option<u32>,
    },
    /// List the workers with their status.
    List {
        /// Only those of this component.
        #[arg(long, value_name = "NAME")]
        component: Option<String>,
    },
    /// Show a worker: its status, and why it is suspended.
    Show {
        /// The worker's name.
        name: String,
    },
    /// Invoke an export, and wait for its result unless `--detach` says otherwise.
    #[command(
        after_help = "Examples:\n  witwire worker invoke party 'run(\"ada\")'\n  witwire worker invoke party 'run(\"ada\")' \
                      --key order-17 --follow\n  witwire worker invoke shop 'app:shop/orders@1.0.0.place({item: \"cake\"})'\n\n\
                      The same key again returns the stored result; nothing runs twice. If the connection breaks, run the \
                      command again with the key that it printed."
    )]
    Invoke(InvokeArgs),
    /// Stop a worker at its next call. `witwire worker resume` goes on.
    Interrupt {
        /// The worker's name.
        name: String,
    },
    /// Go on with a suspended worker.
    Resume {
        /// The worker's name.
        name: String,
        /// What happens to a call in doubt.
        #[arg(long, value_enum, value_name = "DECISION")]
        decision: Option<Decision>,
    },
    /// Delete a worker and its oplog.
    Delete {
        /// The worker's name.
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct InvokeArgs {
    /// The worker's name.
    #[arg(value_name = "WORKER")]
    pub(crate) name: String,
    /// The export to call, in WAVE: `run("x")` or `ns:pkg/iface@1.0.0.run("x")`.
    #[arg(value_name = "CALL")]
    pub(crate) call: String,
    /// The invocation's idempotency key. Default: a new one, which is printed.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Print what the worker does while it does it.
    #[arg(long)]
    pub(crate) follow: bool,
    /// Do not wait: the server goes on with what it has accepted. The line that is printed, with the key, waits for the result.
    #[arg(long, conflicts_with_all = ["follow", "timeout"])]
    pub(crate) detach: bool,
    /// Stop waiting after so many seconds; the invocation goes on. Default: wait as long as it takes.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct DeployArgs {
    /// The components to deploy; none: all that were built.
    #[arg(value_name = "COMPONENT")]
    pub(crate) components: Vec<String>,
    /// Where `witwire build` has left the bundles.
    #[arg(long, value_name = "DIR", default_value = ".witwire/build")]
    pub(crate) from: PathBuf,
    /// Deploy this bundle instead; may be repeated.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["components", "from"])]
    pub(crate) bundle: Vec<PathBuf>,
    /// Refuse bundles that were not built with this `--environment`.
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// Tell what would change, and send nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) server: ServerAddress,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The store that would be used.
    #[arg(long, value_name = "FILE", default_value = "witwire.db")]
    pub(crate) store: PathBuf,
    #[command(flatten)]
    pub(crate) server: ServerAddress,
}
