//! The command line.

mod args;
mod commands;
mod error;
mod network;
mod output;
mod settings;
mod spec;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Cli, Command};
use output::Output;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.format, cli.color);
    let result = match &cli.command {
        Command::Wit(args) => commands::wit::run(args, output),
        Command::Compile(args) => commands::compile::run(args, output),
        Command::Inspect(args) => commands::inspect::run(args, output),
        Command::Call(args) => commands::call::run(args, output),
        Command::Run(args) => commands::run::run(args, output),
        Command::Oplog(args) => commands::oplog::run(args, output),
        Command::Demo(args) => commands::demo::run(args, output),
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
