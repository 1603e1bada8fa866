//! The package's name and version.

use witwire_ir::{PackageName, WitName};

use crate::names::{from_words, title_words};
use crate::openapi::context::Context;
use crate::openapi::tree::NodeId;
use crate::{Code, Setting, SettingKey};

/// `api:<title>@<version>`, unless the manifest says otherwise.
pub(crate) fn package(cx: &Context<'_>, root: NodeId) -> PackageName {
    let info = cx.tree.get(root, "info").unwrap_or(root);
    let title = cx.tree.get_text(info, "title").unwrap_or("");
    let derived = (crate::openapi::schema::known_name("api"), from_words(&title_words(title), "api", title).name);
    let (namespace, name) = match cx.options.package.as_deref() {
        None => derived,
        Some(given) => named(given).unwrap_or_else(|| {
            let message = format!("package `{given}` is not of the form `namespace:name`");
            let help = "lower-case words joined by hyphens, as in `acme:todos`";
            cx.refuse_setting(Code::BadRename, root, Setting::new(SettingKey::Package, given), message, help);
            derived
        }),
    };
    PackageName { namespace, name, version: version(cx, info) }
}

fn named(given: &str) -> Option<(WitName, WitName)> {
    let (namespace, name) = given.split_once(':')?;
    Some((WitName::new(namespace).ok()?, WitName::new(name).ok()?))
}

fn version(cx: &Context<'_>, info: NodeId) -> String {
    if let Some(given) = cx.options.version.as_deref() {
        if let Some(version) = three_numbers(given, true) {
            return version;
        }
        let message = format!("version `{given}` is not of the form 1.2.3");
        let setting = Setting::new(SettingKey::Version, given);
        cx.refuse_setting(Code::BadRename, info, setting, message, "give three numbers joined by dots");
    }
    let node = cx.tree.get(info, "version");
    let text = node.and_then(|n| cx.tree.text(n)).unwrap_or("");
    if let Some(version) = three_numbers(text, false) {
        if version != text {
            let message = format!("version `{text}` becomes `{version}`");
            cx.note(Code::VersionDerived, node.unwrap_or(info), message, "set `version:` in the manifest to choose another");
        }
        return version;
    }
    let message = format!("version `{text}` has no number that WIT can carry; the package is `0.0.0`");
    cx.warn(Code::VersionDerived, node.unwrap_or(info), message, "set `version:` in the manifest");
    "0.0.0".to_owned()
}

/// After an optional `v`, up to three numbers joined by `.`, `-` or `_`; missing ones are 0 and the rest is dropped.
fn three_numbers(text: &str, exact: bool) -> Option<String> {
    let text = text.trim();
    let text = if exact { text } else { text.strip_prefix(['v', 'V']).unwrap_or(text) };
    let mut numbers: Vec<u64> = Vec::new();
    let mut rest = text;
    while numbers.len() < 3 {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let Ok(number) = rest[..end].parse() else { break };
        numbers.push(number);
        rest = &rest[end..];
        let Some(after) = rest.strip_prefix(['.', '-', '_']) else { break };
        if numbers.len() < 3 {
            rest = after;
        }
    }
    if numbers.is_empty() || (exact && (numbers.len() != 3 || !rest.is_empty())) {
        return None;
    }
    numbers.resize(3, 0);
    Some(format!("{}.{}.{}", numbers[0], numbers[1], numbers[2]))
}

#[cfg(test)]
mod tests {
    use super::three_numbers;

    #[test]
    fn versions() {
        for (text, expected) in [
            ("1.0.0", Some("1.0.0")),
            ("v1", Some("1.0.0")),
            ("2.1", Some("2.1.0")),
            ("2023-10-06", Some("2023.10.6")),
            ("1.2.3-beta.1", Some("1.2.3")),
            ("1.0-oas3", Some("1.0.0")),
            ("Not specified", None),
            ("", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(three_numbers(text, false).as_deref(), expected, "{text}");
        }
        assert_eq!(three_numbers("1.2", true), None);
        assert_eq!(three_numbers("1.2.3", true).as_deref(), Some("1.2.3"));
    }
}
