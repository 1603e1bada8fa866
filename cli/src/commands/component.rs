//! `witwire component`: the components of a server.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use witwire_deployment::{ComponentUpdate, NewComponent};

use crate::args::{ComponentArgs, ComponentCommand, UploadArgs};
use crate::client::{Client, ComponentDetails, ComponentSummary, Progress, Upload};
use crate::error::CliError;
use crate::output::{Output, Tone};
use crate::table;

pub(crate) fn run(args: &ComponentArgs, output: Output) -> Result<(), CliError> {
    let client = Client::new(&args.server)?;
    match &args.command {
        ComponentCommand::List => list(&client, output),
        ComponentCommand::Show { name, revision } => show(&client.component(name, *revision)?, output),
        ComponentCommand::Revisions { name } => revisions(&client, name, output),
        ComponentCommand::Create(upload) => {
            let metadata: NewComponent = metadata(upload, &[("name", json!(upload.name))])?;
            made(&client.create_component(files(upload, &metadata, output)?)?, output)
        }
        ComponentCommand::Update { upload, revision } => {
            let replaced = match revision {
                Some(revision) => *revision,
                None => client.component(&upload.name, None)?.current,
            };
            let metadata: ComponentUpdate = metadata(upload, &[("revision", json!(replaced))])?;
            made(&client.update_component(&upload.name, files(upload, &metadata, output)?)?, output)
        }
        ComponentCommand::Delete { name } => {
            client.delete_component(name)?;
            if output.is_json() {
                output.json(&json!({ "deleted": name }))
            } else {
                output.line(&format!("{name} is deleted"))
            }
        }
    }
}

fn list(client: &Client, output: Output) -> Result<(), CliError> {
    let components = client.components()?;
    if output.is_json() {
        return output.json(&components);
    }
    let rows: Vec<_> = components.iter().map(|c| [c.name.clone(), c.revision.to_string()]).collect();
    table::print(["NAME", "REVISION"], &rows, output)
}

fn made(component: &ComponentSummary, output: Output) -> Result<(), CliError> {
    if output.is_json() {
        return output.json(component);
    }
    output.line(&format!("{} is at revision {}", output.paint(Tone::Heading, &component.name), component.revision))
}

fn show(component: &ComponentDetails, output: Output) -> Result<(), CliError> {
    if output.is_json() {
        return output.json(component);
    }
    let newest = if component.revision == component.current {
        "the newest".to_owned()
    } else {
        format!("the newest is {}", component.current)
    };
    output.line(&format!("{} revision {} ({newest})", output.paint(Tone::Heading, &component.name), component.revision))?;
    output.line(&format!("deployed {}", component.deployed))?;
    output.line(&format!("wasm     {}", component.component))?;
    for dependency in &component.dependencies {
        output.line("")?;
        output.line(&output.paint(Tone::Heading, &dependency.packages.join(", ")))?;
        output.line(&format!("  ir: {}", dependency.ir))?;
        for (key, value) in &dependency.settings {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            output.line(&format!("  {key}: {value}"))?;
        }
    }
    Ok(())
}

fn revisions(client: &Client, name: &str, output: Output) -> Result<(), CliError> {
    let newest = client.component(name, None)?;
    let mut all = Vec::new();
    for revision in (1..newest.current).rev() {
        all.push(client.component(name, Some(revision))?);
    }
    all.insert(0, newest);
    if output.is_json() {
        return output.json(&all);
    }
    let rows: Vec<_> = all
        .iter()
        .map(|c| {
            let packages: Vec<&str> = c.dependencies.iter().flat_map(|d| &d.packages).map(String::as_str).collect();
            [c.revision.to_string(), c.deployed.clone(), c.component.chars().take(12).collect(), packages.join(", ")]
        })
        .collect();
    table::print(["REVISION", "DEPLOYED", "WASM", "PACKAGES"], &rows, output)
}

/// The `metadata` part: what the file says, and what the command knows. Without a file, a dependency without settings for each
/// container. Its mistakes are told before anything is sent.
fn metadata<T: DeserializeOwned>(args: &UploadArgs, known: &[(&str, Value)]) -> Result<T, CliError> {
    let mut metadata = match &args.metadata {
        Some(path) => read_metadata(path)?,
        None => Map::from_iter([("dependencies".to_owned(), json!(vec![json!({}); args.ir.len()]))]),
    };
    for (key, value) in known {
        metadata.insert((*key).to_owned(), value.clone());
    }
    serde_json::from_value(Value::Object(metadata)).map_err(|e| CliError::Input(format!("the metadata is wrong: {e}")))
}

/// Only its dependencies: the same file serves to create a component and to update it.
fn read_metadata(path: &Path) -> Result<Map<String, Value>, CliError> {
    let text = std::fs::read(path).map_err(|e| CliError::file("read", path, &e))?;
    let value: Value =
        serde_json::from_slice(&text).map_err(|e| CliError::Input(format!("`{}` is not JSON: {e}", path.display())))?;
    let Value::Object(mut metadata) = value else {
        return Err(CliError::Input(format!("`{}` is not a JSON object with `dependencies`", path.display())));
    };
    metadata.remove("name");
    metadata.remove("revision");
    Ok(metadata)
}

fn files(args: &UploadArgs, metadata: &impl Serialize, output: Output) -> Result<Upload, CliError> {
    let upload = Upload::new(metadata, Progress::new(output))?.file("component", &args.wasm)?;
    args.ir.iter().try_fold(upload, |upload, path| upload.file("ir", path))
}
