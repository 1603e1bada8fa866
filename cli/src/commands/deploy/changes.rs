//! What a deployment would change.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};
use witwire_deployment::Settings;
use witwire_executor::ApiFile;
use witwire_executor::oplog::Digest;
use witwire_manifest::bundle::Bundle;

use crate::client::ComponentDetails;
use crate::error::CliError;

/// One difference between a bundle and what is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// The component's code.
    Component,
    /// There was no dependency on these packages.
    Added(String),
    /// There is no dependency on these packages any more.
    Removed(String),
    /// The API of these packages.
    Api(String),
    /// Settings of the dependency on these packages, by their keys.
    Settings(String, Vec<String>),
    /// The dependencies stand in another order.
    Order,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Component => f.write_str("another component"),
            Self::Added(packages) => write!(f, "{packages}: added"),
            Self::Removed(packages) => write!(f, "{packages}: removed"),
            Self::Api(packages) => write!(f, "{packages}: another API"),
            Self::Settings(packages, keys) => write!(f, "{packages}: other settings: {}", keys.join(", ")),
            Self::Order => f.write_str("the dependencies stand in another order"),
        }
    }
}

/// A dependency as it is compared.
#[derive(Debug, Clone, PartialEq)]
struct Side {
    /// `api:todos@1.0.0`, comma-separated.
    packages: String,
    ir: String,
    settings: Map<String, Value>,
}

/// All that the bundle changes, in the bundle's order.
pub(super) fn changes(bundle: &Bundle, deployed: &ComponentDetails) -> Result<Vec<Change>, CliError> {
    let mut changes = Vec::new();
    if Digest::of(&bundle.component).to_string() != deployed.component {
        changes.push(Change::Component);
    }
    let old: Vec<Side> = deployed.dependencies.iter().map(Side::deployed).collect();
    let new = bundle.irs.iter().zip(&bundle.metadata).map(|(ir, settings)| Side::built(ir, settings));
    compare(&old, &new.collect::<Result<Vec<_>, _>>()?, &mut changes);
    Ok(changes)
}

impl Side {
    fn built(ir: &[u8], settings: &Settings) -> Result<Self, CliError> {
        let file =
            ApiFile::read(ir.to_vec()).map_err(|e| CliError::Input(format!("the bundle is not of this witwire: {e}")))?;
        let packages: Vec<String> = file.apis().iter().map(|api| api.package.to_string()).collect();
        Ok(Self { packages: packages.join(", "), ir: file.digest().to_string(), settings: map(settings) })
    }

    fn deployed(dependency: &crate::client::Dependency) -> Self {
        let settings = Value::Object(dependency.settings.clone());
        // What is absent has its default on both sides; what this version does not know is a difference.
        let settings =
            serde_json::from_value::<Settings>(settings).map_or_else(|_| dependency.settings.clone(), |s| map(&s));
        Self { packages: dependency.packages.join(", "), ir: dependency.ir.clone(), settings }
    }
}

fn map(settings: &Settings) -> Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(map)) => map,
        // Settings are a map with text keys.
        _ => Map::new(),
    }
}

/// Dependencies belong together by the names of their packages, or else by their API.
fn compare(old: &[Side], new: &[Side], changes: &mut Vec<Change>) {
    let name = |side: &Side| side.packages.split('@').next().unwrap_or_default().to_owned();
    let of = |side: &Side, among: &[Side]| among.iter().position(|other| name(other) == name(side));
    let mut order = Vec::new();
    for side in new {
        let Some(at) = of(side, old) else {
            changes.push(Change::Added(side.packages.clone()));
            continue;
        };
        order.push(at);
        if old[at].ir != side.ir {
            changes.push(Change::Api(side.packages.clone()));
        }
        let keys: BTreeSet<&String> = old[at].settings.keys().chain(side.settings.keys()).collect();
        let different = |key: &&String| old[at].settings.get(*key) != side.settings.get(*key);
        let keys: Vec<String> = keys.into_iter().filter(different).cloned().collect();
        if !keys.is_empty() {
            changes.push(Change::Settings(side.packages.clone(), keys));
        }
    }
    let gone = old.iter().filter(|side| of(side, new).is_none());
    changes.extend(gone.map(|side| Change::Removed(side.packages.clone())));
    if changes.is_empty() && !order.is_sorted() {
        changes.push(Change::Order);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn side(packages: &str, ir: &str, settings: &Value) -> Side {
        let settings = settings.as_object().cloned().unwrap_or_default();
        Side { packages: packages.to_owned(), ir: ir.to_owned(), settings }
    }

    fn told(old: &[Side], new: &[Side]) -> Vec<String> {
        let mut changes = Vec::new();
        compare(old, new, &mut changes);
        changes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_difference_is_told_by_package() {
        let a = side("api:todos@1.0.0", "1", &json!({"server": "https://a", "record": "full"}));
        let b = side("demo:todo@1.0.0", "2", &json!({}));
        assert!(told(&[a.clone(), b.clone()], &[a.clone(), b.clone()]).is_empty());
        assert_eq!(told(std::slice::from_ref(&a), &[a.clone(), b.clone()]), ["demo:todo@1.0.0: added"]);
        assert_eq!(told(&[a.clone(), b.clone()], std::slice::from_ref(&b)), ["api:todos@1.0.0: removed"]);
        assert_eq!(told(&[a.clone(), b.clone()], &[b, a.clone()]), ["the dependencies stand in another order"]);
        let newer = side("api:todos@1.1.0", "3", &json!({"server": "https://b", "credentials": {}, "record": "full"}));
        assert_eq!(
            told(&[a], &[newer]),
            ["api:todos@1.1.0: another API", "api:todos@1.1.0: other settings: credentials, server"]
        );
    }
}
