//! Where a secret is found.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// Where a secret is found on the machine that calls. Never the secret.
///
/// As JSON `{"env": "TODO_TOKEN"}` or `{"file": "/run/secrets/todo"}`, as text `env:TODO_TOKEN` or `file:/run/secrets/todo`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Reference {
    /// In an environment variable.
    #[cfg_attr(feature = "schema", schemars(title = "env"))]
    Env(#[cfg_attr(feature = "schema", schemars(length(min = 1)))] String),
    /// In a file; a line break at its end does not count.
    #[cfg_attr(feature = "schema", schemars(title = "file"))]
    File(#[cfg_attr(feature = "schema", schemars(length(min = 1)))] PathBuf),
}

/// Why a text is not a [`Reference`]. The text is not repeated: it may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a credential is named by reference: `env:VARIABLE` or `file:PATH`")]
pub struct InvalidReference;

impl FromStr for Reference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err(InvalidReference),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

/// Read by hand, because serde's errors repeat what they refuse, and people write secrets where references belong.
impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer).map_err(|_| D::Error::custom(EXPECTED))?;
        value.as_object().and_then(Self::read).ok_or_else(|| D::Error::custom(EXPECTED))
    }
}

const EXPECTED: &str = "a secret is named by reference: `{\"env\": \"VARIABLE\"}` or `{\"file\": \"PATH\"}`";

impl Reference {
    /// Reads an object that has exactly one of the keys.
    pub(crate) fn read(object: &Map<String, Value>) -> Option<Self> {
        let mut members = object.iter();
        let (Some((key, value)), None) = (members.next(), members.next()) else { return None };
        let text = value.as_str().filter(|text| !text.is_empty())?;
        match key.as_str() {
            "env" => Some(Self::Env(text.to_owned())),
            "file" => Some(Self::File(text.into())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_mean_the_same() {
        for (text, json) in [("env:TOKEN", r#"{"env":"TOKEN"}"#), ("file:/run/a:b", r#"{"file":"/run/a:b"}"#)] {
            let reference: Reference = text.parse().expect("a reference");
            assert_eq!(reference.to_string(), text);
            assert_eq!(serde_json::to_string(&reference).expect("JSON"), json);
            assert_eq!(serde_json::from_str::<Reference>(json).expect("a reference"), reference);
        }
    }

    #[test]
    fn what_is_no_reference_is_not_repeated() {
        for text in ["hunter2", "env:", "file:", "literal:hunter2", "Env:hunter2"] {
            let error = text.parse::<Reference>().expect_err(text);
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
        for json in [
            r#""hunter2""#,
            r#"{"is":"hunter2"}"#,
            r#"{"env":["hunter2"]}"#,
            r#"{"env":"hunter2","file":"hunter2"}"#,
            r#"{"env":""}"#,
            r#"{"hunter2":"x"}"#,
            "{}",
            "7",
        ] {
            let error = serde_json::from_str::<Reference>(json).expect_err(json).to_string();
            assert!(error.starts_with(EXPECTED) && !error.contains("hunter2"), "{error}");
        }
    }
}
