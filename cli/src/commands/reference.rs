//! `witwire reference`: the book's page on every command, from the same definitions as `--help`. A test holds the page to it.

use clap::{Arg, Command};

use crate::error::CliError;
use crate::output::Output;

/// Arguments of every command, which the book tells once.
const EVERYWHERE: &[&str] = &["format", "color", "help", "version"];

pub(crate) fn run(mut root: Command, output: Output) -> Result<(), CliError> {
    root.build();
    output.raw(&page(&root))
}

fn page(root: &Command) -> String {
    let mut text = String::from(
        "# Every command\n\nMade by `witwire reference` from what `--help` says. [The command line](cli.md) tells what holds for all \
         of them.\n",
    );
    commands(root).for_each(|command| section(&mut text, command, 2));
    text
}

fn commands(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|c| !c.is_hide_set() && c.get_name() != "help")
}

fn section(text: &mut String, command: &Command, level: usize) {
    let mut command = command.clone();
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    *text += &format!("\n{} {name}\n\n{}\n\n```text\n{usage}\n```\n", "#".repeat(level), sentence(&about));
    let arguments: Vec<String> = command.get_arguments().filter(|a| is_own(a, level)).map(item).collect();
    if !arguments.is_empty() {
        *text += &format!("\n{}\n", arguments.join("\n"));
    }
    if let Some(after) = command.get_after_help() {
        *text += &format!("\n```text\n{}\n```\n", after.to_string().trim_end());
    }
    commands(&command).for_each(|inner| section(text, inner, level + 1));
}

/// What an outer command gives to its inner ones is told there.
fn is_own(argument: &Arg, level: usize) -> bool {
    !argument.is_hide_set() && !EVERYWHERE.contains(&argument.get_id().as_str()) && (level == 2 || !argument.is_global_set())
}

fn item(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut text = format!("* `{argument}`: {}", sentence(&help));
    if argument.get_action().takes_values() {
        let possible: Vec<String> = argument
            .get_possible_values()
            .iter()
            .filter(|v| !v.is_hide_set())
            .map(|v| match v.get_help() {
                Some(help) => format!("`{}` ({help})", v.get_name()),
                None => format!("`{}`", v.get_name()),
            })
            .collect();
        if !possible.is_empty() {
            text += &format!(" One of {}.", possible.join(", "));
        }
        let defaults: Vec<_> = argument.get_default_values().iter().map(|v| format!("`{}`", v.display())).collect();
        if !defaults.is_empty() {
            text += &format!(" Default: {}.", defaults.join(", "));
        }
        if let Some(variable) = argument.get_env() {
            text += &format!(" Environment: `{}`.", variable.display());
        }
    }
    text
}

/// clap takes the last full stop away.
fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.ends_with(['.', ':', '?']) { text.to_owned() } else { format!("{text}.") }
}
