//! `--manifest KEY=VALUE` and its shorthands to the frontends' options.

use serde_json::{Map, Value};
use witwire_frontends::Options;

use crate::args::SpecSettings;
use crate::error::CliError;

/// Builds the options as if they stood in the manifest: keys may be dotted, values are YAML.
pub(crate) fn options(settings: &SpecSettings) -> Result<Options, CliError> {
    let mut root = Map::new();
    for entry in &settings.manifest {
        let (key, value) = entry
            .split_once('=')
            .ok_or_else(|| CliError::Usage(format!("`--manifest {entry}`: write KEY=VALUE, such as `auth=guest`")))?;
        let value: Value = serde_saphyr::from_str(value)
            .map_err(|e| CliError::Usage(format!("`--manifest {entry}`: the value is not YAML: {e}")))?;
        insert(&mut root, key, value).map_err(|m| CliError::Usage(format!("`--manifest {entry}`: {m}")))?;
    }
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            root.insert(key.to_owned(), value);
        }
    };
    set("package", settings.package.clone().map(Value::String));
    set("version", settings.api_version.clone().map(Value::String));
    set("strict", settings.strict.then_some(Value::Bool(true)));
    serde_json::from_value(Value::Object(root)).map_err(|e| CliError::Usage(format!("`--manifest`: {e}")))
}

fn insert(map: &mut Map<String, Value>, key: &str, value: Value) -> Result<(), String> {
    match key.split_once('.') {
        None if key.is_empty() => Err("the key is empty".to_owned()),
        None => {
            map.insert(key.to_owned(), value);
            Ok(())
        }
        Some((first, rest)) => match map.entry(first.to_owned()).or_insert_with(|| Value::Object(Map::new())) {
            Value::Object(inner) => insert(inner, rest, value),
            _ => Err(format!("`{first}` has a value already")),
        },
    }
}

#[cfg(test)]
mod tests {
    use witwire_frontends::Bodies;
    use witwire_ir::AuthMode;

    use super::*;

    fn with(entries: &[&str]) -> Result<Options, CliError> {
        options(&SpecSettings { manifest: entries.iter().map(|&e| e.to_owned()).collect(), ..SpecSettings::default() })
    }

    #[test]
    fn keys_are_those_of_the_manifest() {
        let options = with(&[
            "auth=guest",
            "bodies=whole",
            "operations=[listTodos, 'POST /todos']",
            "idempotency.header=Idempotency-Key",
            "idempotency.format=raw",
            "idempotency.operations=[createTodo]",
        ])
        .expect("valid settings");
        assert_eq!(options.auth, Some(AuthMode::Guest));
        assert_eq!(options.bodies, Bodies::Whole);
        assert_eq!(options.operations, ["listTodos", "POST /todos"]);
        assert_eq!(options.idempotency.expect("given").header, "Idempotency-Key");
    }

    #[test]
    fn mistakes_are_named() {
        for (entry, wanted) in
            [("auth", "KEY=VALUE"), ("nope=1", "nope"), ("auth=sometimes", "sometimes"), ("bodies.x=1", "`flat` or `whole`")]
        {
            let message = with(&[entry]).expect_err(entry).to_string();
            assert!(message.contains(wanted), "{entry}: {message}");
        }
    }
}
