//! The command line.

mod args;
mod client;
mod commands;
mod error;
mod invocation;
mod network;
mod output;
mod reflection;
mod settings;
mod spec;
mod table;
mod timeline;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Cli, Command};
use output::Output;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.format, cli.color);
    log(output);
    let result = match &cli.command {
        Command::Wit(args) => commands::wit::run(args, output),
        Command::Compile(args) => commands::compile::run(args, output),
        Command::Inspect(args) => commands::inspect::run(args, output),
        Command::Call(args) => commands::call::run(args, output),
        Command::Run(args) => commands::run::run(args, output),
        Command::Deploy(args) => commands::deploy::run(args, output),
        Command::Component(args) => commands::component::run(args, output),
        Command::Worker(args) => commands::worker::run(args, output),
        Command::Oplog(args) => commands::oplog::run(args, output),
        Command::New(args) => commands::new::run(args, output),
        Command::Build(args) => commands::build::run(args, output),
        Command::Manifest(command) => commands::manifest::run(command, output),
        Command::Server(args) => commands::server::run(args, output),
        Command::Demo(args) => commands::demo::run(args, output),
        Command::Doctor(args) => commands::doctor::run(args, output),
        Command::Reference => commands::reference::run(Cli::command(), output),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "witwire", &mut std::io::stdout());
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !error.is_silent() {
                output.error(&error);
            }
            error.exit_code()
        }
    }
}

/// Log lines go to standard error: what guests print, and warnings. `WITWIRE_LOG` takes other directives, such as `debug`.
fn log(output: Output) {
    let filter = EnvFilter::try_from_env("WITWIRE_LOG").unwrap_or_else(|_| EnvFilter::new("warn,witwire::guest=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(output.stderr_color())
        .without_time()
        .init();
}
