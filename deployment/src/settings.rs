//! How the functions of one dependency are performed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::credential::{self, Credential};
use crate::{Keepalive, Limits, Reference, Retry, ServerUrl};

/// How the functions of one dependency, which is one IR container, are performed. All of it may change between environments
/// without changing what the guest was compiled against.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Settings {
    /// `namespace:name` of a package that the container must hold: guards against containers in the wrong order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Where the API is served. Absent, and without `endpoints`: at the first server that its document names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerUrl>,
    /// Where a gRPC API is served by several servers, which are called in turn. Not together with `server`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<ServerUrl>,
    /// Credentials that the host puts into requests, by the name of the scheme.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "credential::by_scheme")]
    pub credentials: BTreeMap<String, Credential>,
    /// How long a call is worth, and how often it is tried.
    pub retry: Retry,
    /// How much of a request the oplog keeps.
    pub record: Record,
    /// What becomes of a call in doubt whose idempotency key the server has forgotten.
    pub forgotten: Forgotten,
    /// Whom to trust beyond the public roots.
    #[serde(skip_serializing_if = "Tls::is_default")]
    pub tls: Tls,
    /// How the messages of gRPC requests are compressed. Absent: not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
    /// The largest messages and bodies.
    #[serde(skip_serializing_if = "Limits::is_default")]
    pub limits: Limits,
    /// PINGs over HTTP/2, by which a dead connection is found. Absent: none are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keepalive: Option<Keepalive>,
    /// Whether a call for which there is no connection goes on connecting until its deadline, instead of failing after
    /// `retry.attempts`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub wait_for_ready: bool,
}

/// How much of a request the oplog keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Record {
    /// All but its credentials. The default.
    #[default]
    Full,
    /// A keyed digest, by which replay recognises it.
    Digest,
}

/// What becomes of a keyed call in doubt after the window of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Forgotten {
    /// The guest gets the error `outcome-unknown`. The default.
    #[default]
    OutcomeUnknown,
    /// It is sent again.
    Retry,
    /// The worker is suspended until a person decides.
    Suspend,
}

/// How TLS connections to the servers are made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tls {
    /// Certificates in PEM of authorities that are trusted besides the public ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ca: Vec<Reference>,
    /// The name that the server's certificate must have, where it is not the URL's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
}

impl Tls {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How the messages of gRPC requests are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

/// Settings that contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Two answers to where the API is served.
    #[error("`server` and `endpoints` are both given; keep one of them")]
    ServerTwice,
    /// The first pause is longer than the longest.
    #[error("`retry`: `base` is longer than `cap`; make it shorter")]
    BaseOverCap,
}

impl Settings {
    /// Looks for contradictions between fields, which reading does not find.
    ///
    /// # Errors
    /// [`SettingsError`]
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.server.is_some() && !self.endpoints.is_empty() {
            return Err(SettingsError::ServerTwice);
        }
        if self.retry.base > self.retry.cap {
            return Err(SettingsError::BaseOverCap);
        }
        Ok(())
    }

    /// All references to secrets: what the operator has to allow.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.credentials.values().flat_map(Credential::references).chain(&self.tls.ca)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Settings {
        serde_json::from_str(json).expect(json)
    }

    #[test]
    fn defaults_are_pinned_when_written() {
        let settings = read("{}");
        assert_eq!(settings, Settings::default());
        let written = serde_json::to_string(&settings).expect("JSON");
        let expected = r#"{"retry":{"attempts":5,"deadline":"30s","base":"100ms","cap":"20s"},"record":"full","forgotten":"outcome-unknown"}"#;
        assert_eq!(written, expected);
        assert_eq!(read(&written), settings);
    }

    #[test]
    fn everything_is_read_back() {
        let json = r#"{"package":"a:b","endpoints":["http://a","http://b"],"credentials":{"s":{"env":"S"},"m":{"certificate":{"file":"/c"},"key":{"file":"/k"}}},"retry":{"attempts":1,"deadline":"2m","base":"1s","cap":"1s"},"record":"digest","forgotten":"suspend","tls":{"ca":[{"file":"/ca"}],"authority":"x"},"compression":"zstd","limits":{"requestBytes":1,"responseBytes":2},"keepalive":{"interval":"5m","timeout":"1s","whileIdle":true},"waitForReady":true}"#;
        let settings = read(json);
        assert_eq!(read(&serde_json::to_string(&settings).expect("JSON")), settings);
        assert_eq!(settings.check(), Ok(()));
        let references: Vec<_> = settings.references().map(Reference::to_string).collect();
        assert_eq!(references, ["file:/c", "file:/k", "env:S", "file:/ca"]);
    }

    #[test]
    fn contradictions_are_found() {
        let twice = read(r#"{"server":"http://a","endpoints":["http://b"]}"#);
        assert_eq!(twice.check(), Err(SettingsError::ServerTwice));
        assert_eq!(read(r#"{"retry":{"base":"30s"}}"#).check(), Err(SettingsError::BaseOverCap));
    }

    #[test]
    fn unknown_keys_are_refused() {
        for json in [r#"{"credentials":"hunter2"}"#, r#"{"credentials":["hunter2"]}"#, r#"{"credentials":{"a":"hunter2"}}"#]
        {
            let error = serde_json::from_str::<Settings>(json).expect_err(json).to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        for json in [r#"{"url":"http://a"}"#, r#"{"retry":{"tries":3}}"#, r#"{"tls":{"verify":false}}"#] {
            assert!(serde_json::from_str::<Settings>(json).is_err(), "{json}");
        }
    }
}
