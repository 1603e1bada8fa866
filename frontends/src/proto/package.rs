//! WIT package names from protobuf packages.

use witwire_ir::{PackageName, WitName};

use crate::names;

/// A derived version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Derived {
    /// Semantic version.
    pub(super) version: String,
    /// The segment that it was read from, the package's last.
    pub(super) from: Option<String>,
}

/// `v1` → `1.0.0`, `v1p1beta1` → `1.1.0-beta.1`; else `0.1.0`.
pub(super) fn version(package: &str) -> Derived {
    let last = package.rsplit('.').next().unwrap_or_default();
    match parse(last) {
        Some(version) => Derived { version, from: Some(last.to_owned()) },
        None => Derived { version: "0.1.0".to_owned(), from: None },
    }
}

/// Reads `v<major>`, `v<major>p<minor>`, each with `alpha`, `beta` or `test` and a number.
fn parse(segment: &str) -> Option<String> {
    let (major, rest) = number(segment.strip_prefix('v')?)?;
    let (minor, rest) = match rest.strip_prefix('p') {
        Some(rest) => number(rest)?,
        None => (0, rest),
    };
    let stage = ["alpha", "beta", "test"].into_iter().find(|s| rest.starts_with(s));
    match stage {
        None => rest.is_empty().then(|| format!("{major}.{minor}.0")),
        Some(stage) => match &rest[stage.len()..] {
            "" => Some(format!("{major}.{minor}.0-{stage}")),
            digits => {
                number(digits).filter(|(_, rest)| rest.is_empty()).map(|(n, _)| format!("{major}.{minor}.0-{stage}.{n}"))
            }
        },
    }
}

/// A decimal number at the start, and the rest.
fn number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// The package's name: `core.todo.v1` → `core:todo`, `google.cloud.texttospeech.v1` → `google:cloud-texttospeech`. One segment
/// has the namespace `grpc`; without a package the file's name is the segment.
///
/// `cut` is the segment that became the version.
pub(super) fn name(package: &str, cut: Option<&str>, file: &str, version: &str) -> PackageName {
    let stem = file.rsplit('/').next().unwrap_or_default();
    let stem = stem.split('.').next().unwrap_or_default();
    let package = if package.is_empty() { stem } else { package };
    let mut segments: Vec<&str> = package.split('.').filter(|s| !s.is_empty()).collect();
    if segments.len() > 1 && segments.last().copied() == cut {
        segments.pop();
    }
    let (namespace, rest) = match &segments[..] {
        [] => ("grpc", vec!["api"]),
        [one] => ("grpc", vec![*one]),
        [first, rest @ ..] => (*first, rest.to_vec()),
    };
    PackageName {
        namespace: names::name(namespace, "grpc", package).name,
        name: names::name(&rest.join("."), "api", package).name,
        version: version.to_owned(),
    }
}

/// `namespace:name` as a manifest gives it.
pub(super) fn given(text: &str) -> Option<(WitName, WitName)> {
    let (namespace, name) = text.split_once(':')?;
    Some((WitName::new(namespace).ok()?, WitName::new(name).ok()?))
}

/// Whether a text is a semantic version (SemVer 2.0.0, section 2, 9 and 10).
pub(super) fn is_semver(text: &str) -> bool {
    let (text, build) = text.split_once('+').map_or((text, None), |(t, b)| (t, Some(b)));
    let (core, pre) = text.split_once('-').map_or((text, None), |(c, p)| (c, Some(p)));
    let plain = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit()) && (s == "0" || !s.starts_with('0'));
    let identifier = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let pre_identifier = |s: &str| identifier(s) && (plain(s) || !s.bytes().all(|b| b.is_ascii_digit()));
    core.split('.').count() == 3
        && core.split('.').all(plain)
        && pre.is_none_or(|p| p.split('.').all(pre_identifier))
        && build.is_none_or(|b| b.split('.').all(identifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (package, expected) in [
            ("core.todo.v1", "1.0.0"),
            ("a.v2p1", "2.1.0"),
            ("a.v1p1beta1", "1.1.0-beta.1"),
            ("a.v1beta", "1.0.0-beta"),
            ("a.v1alpha3", "1.0.0-alpha.3"),
            ("a.v1development", "0.1.0"),
            ("a.v1.b", "0.1.0"),
            ("a.v", "0.1.0"),
            ("a.v99999999999", "0.1.0"),
            ("", "0.1.0"),
        ] {
            assert_eq!(version(package).version, expected, "{package}");
            assert!(is_semver(expected));
        }
    }

    #[test]
    fn package_names() {
        for (package, expected) in [
            ("core.todo.v1", "core:todo@1.0.0"),
            ("google.cloud.texttospeech.v1", "google:cloud-texttospeech@1.0.0"),
            ("grpcbin", "grpc:grpcbin@0.1.0"),
            ("v1", "grpc:v1@1.0.0"),
            ("todo.v1", "grpc:todo@1.0.0"),
            ("", "grpc:route-guide@0.1.0"),
            ("etcdserverpb.v3_x", "etcdserverpb:v3-x@0.1.0"),
        ] {
            let derived = version(package);
            let name = name(package, derived.from.as_deref(), "a/route_guide.proto", &derived.version);
            assert_eq!(name.to_string(), expected);
        }
    }

    #[test]
    fn semantic_versions() {
        for good in ["1.0.0", "0.1.0-rc.1", "1.2.3+build.7", "1.0.0-a-b"] {
            assert!(is_semver(good), "{good}");
        }
        for bad in ["1.0", "v1.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0+", ""] {
            assert!(!is_semver(bad), "{bad}");
        }
    }
}
