//! `witwire deploy`: brings bundles to a server, where they differ from what it has.

mod changes;

use std::path::PathBuf;

use serde::Serialize;
use witwire_deployment::{ComponentUpdate, NewComponent, Revision};
use witwire_manifest::bundle::{self, Bundle};

use crate::args::DeployArgs;
use crate::client::{Client, ClientError, Progress, Upload};
use crate::error::CliError;
use crate::output::{Output, Tone};

pub(crate) fn run(args: &DeployArgs, output: Output) -> Result<(), CliError> {
    let client = Client::new(&args.server)?;
    // All bundles are read and compared before the first is sent.
    let bundles = if args.bundle.is_empty() { built(args)? } else { read_all(&args.bundle)? };
    if let Some(wanted) = &args.environment {
        of_environment(&bundles, wanted)?;
    }
    let plans = bundles.into_iter().map(|bundle| Plan::new(&client, bundle)).collect::<Result<Vec<_>, _>>()?;
    let mut done = Vec::new();
    for plan in plans {
        let deployed = if args.dry_run { plan.told() } else { plan.carry_out(&client, output)? };
        if !output.is_json() {
            deployed.print(args.dry_run, output)?;
        }
        done.push(deployed);
    }
    if output.is_json() { output.json(&serde_json::json!({ "deployed": done, "dryRun": args.dry_run })) } else { Ok(()) }
}

/// The bundles of a build: those of the wanted components, or all.
fn built(args: &DeployArgs) -> Result<Vec<Bundle>, CliError> {
    let nothing = |e: &dyn std::fmt::Display| {
        CliError::Input(format!(
            "there are no bundles in `{}`: {e}; `witwire build` makes them, and `--bundle FILE` names one elsewhere",
            args.from.display()
        ))
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&args.from).map_err(|e| nothing(&e))? {
        let path = entry.map_err(|e| CliError::file("read", &args.from, &e))?.path();
        if path.extension().is_some_and(|e| e == "witwire") {
            files.push(path);
        }
    }
    files.sort();
    let mut bundles = read_all(&files)?;
    if bundles.is_empty() {
        return Err(nothing(&"the folder has none"));
    }
    let known: Vec<String> = bundles.iter().map(|b| b.name.to_string()).collect();
    let unknown: Vec<String> =
        args.components.iter().filter(|wanted| !known.contains(wanted)).map(|wanted| format!("`{wanted}`")).collect();
    if !unknown.is_empty() {
        let (unknown, known) = (unknown.join(", "), known.join(", "));
        return Err(CliError::Input(format!("{unknown} is not built; there are: {known}")));
    }
    bundles.retain(|b| args.components.is_empty() || args.components.iter().any(|wanted| wanted == b.name.as_str()));
    Ok(bundles)
}

/// Refuses bundles that were built for another environment, before anything is sent.
fn of_environment(bundles: &[Bundle], wanted: &str) -> Result<(), CliError> {
    let other = |bundle: &&Bundle| bundle.environment.as_deref() != Some(wanted);
    let told: Vec<String> = bundles
        .iter()
        .filter(other)
        .map(|bundle| match &bundle.environment {
            Some(environment) => format!("`{}` was built for `{environment}`", bundle.name),
            None => format!("`{}` was built for no environment", bundle.name),
        })
        .collect();
    if told.is_empty() {
        return Ok(());
    }
    Err(CliError::Input(format!("{}, not for `{wanted}`: `witwire build --environment {wanted}`", told.join(", "))))
}

fn read_all(files: &[PathBuf]) -> Result<Vec<Bundle>, CliError> {
    let read = |file: &PathBuf| {
        let bytes = std::fs::read(file).map_err(|e| CliError::file("read", file, &e))?;
        bundle::read(&bytes).map_err(|e| CliError::Input(format!("`{}`: {e}", file.display())))
    };
    files.iter().map(read).collect()
}

/// What is to be done with one component.
struct Plan {
    bundle: Bundle,
    /// The revision that is there, and how the bundle differs from it. `None`: there is no such component.
    deployed: Option<(u32, Vec<String>)>,
}

/// What was done with one component, or would be.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Deployed {
    component: String,
    /// The environment that the bundle was built for; absent where none was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    /// The newest revision now; absent where it would only be created.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u32>,
    /// The revision before; absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced: Option<u32>,
    changes: Vec<String>,
}

impl Plan {
    fn new(client: &Client, bundle: Bundle) -> Result<Self, CliError> {
        let deployed = match client.current(bundle.name.as_str())? {
            None => None,
            Some(deployed) => {
                let changes = changes::changes(&bundle, &deployed)?.iter().map(ToString::to_string).collect();
                Some((deployed.current, changes))
            }
        };
        Ok(Self { bundle, deployed })
    }

    /// As if nothing were sent.
    fn told(self) -> Deployed {
        let (replaced, changes) = self.deployed.unzip();
        Deployed {
            component: self.bundle.name.to_string(),
            environment: self.bundle.environment,
            revision: replaced,
            replaced,
            changes: changes.unwrap_or_default(),
        }
    }

    fn carry_out(mut self, client: &Client, output: Output) -> Result<Deployed, CliError> {
        if self.deployed.as_ref().is_some_and(|(_, changes)| changes.is_empty()) {
            return Ok(self.told());
        }
        let (component, irs) = (std::mem::take(&mut self.bundle.component), std::mem::take(&mut self.bundle.irs));
        let (name, dependencies) = (self.bundle.name.clone(), self.bundle.metadata.clone());
        let upload = |metadata: Upload| {
            let upload = metadata.part("component", component);
            irs.into_iter().fold(upload, |upload, ir| upload.part("ir", ir))
        };
        let progress = Progress::new(output);
        let made = match self.deployed {
            None => {
                client.create_component(upload(Upload::new(&NewComponent { name: name.clone(), dependencies }, progress)?))
            }
            Some((current, _)) => {
                let revision =
                    Revision::new(current).ok_or_else(|| CliError::Io("the server tells of a revision 0".to_owned()))?;
                let metadata = ComponentUpdate { revision, dependencies };
                client.update_component(name.as_str(), upload(Upload::new(&metadata, progress)?))
            }
        };
        let revision =
            Some(made.map_err(|error| stale(error, self.deployed.as_ref().map(|(current, _)| *current)))?.revision);
        Ok(Deployed { revision, ..self.told() })
    }
}

/// Somebody else was faster: with what, is for a person to look at.
fn stale(error: ClientError, seen: Option<u32>) -> CliError {
    match (error, seen) {
        (ClientError::Refused { status, code, detail }, Some(seen)) if code == "S104" => CliError::Server {
            message: format!(
                "{code}: {detail}\n  help: revision {seen} was the newest when this deployment began, and somebody else has \
                 updated the component meanwhile; look at it with `witwire component revisions`, and deploy again"
            ),
            code,
            failed: status >= 500,
        },
        (error, _) => error.into(),
    }
}

impl Deployed {
    fn print(&self, dry: bool, output: Output) -> Result<(), CliError> {
        let mut name = output.paint(Tone::Heading, &self.component);
        if let Some(environment) = &self.environment {
            name.push_str(&format!(" (built for {environment})"));
        }
        let what = match (self.replaced, self.revision) {
            (None, None) => "would be created".to_owned(),
            (None, Some(revision)) => format!("created, revision {revision}"),
            (Some(replaced), _) if self.changes.is_empty() => format!("unchanged, revision {replaced}"),
            (Some(replaced), _) if dry => format!("would be updated from revision {replaced}"),
            (Some(replaced), revision) => format!("updated, revision {replaced} → {}", revision.unwrap_or(replaced)),
        };
        output.line(&format!("{name}: {what}"))?;
        self.changes.iter().try_for_each(|change| output.line(&format!("  {change}")))
    }
}
