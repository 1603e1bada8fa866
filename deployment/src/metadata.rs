//! What is sent to a server beside a component and its IR containers.

use serde::{Deserialize, Serialize};

use crate::{ComponentName, Revision, Settings};

/// The metadata of a new component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NewComponent {
    /// Its name.
    pub name: ComponentName,
    /// One for each IR container, in the same order.
    #[serde(default)]
    pub dependencies: Vec<Settings>,
}

/// The metadata of an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ComponentUpdate {
    /// The revision that the caller saw: the update is refused where it is not the newest any more.
    pub revision: Revision,
    /// One for each IR container, in the same order.
    #[serde(default)]
    pub dependencies: Vec<Settings>,
}
