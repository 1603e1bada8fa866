//! What the host puts into requests on behalf of a component.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::{Reference, ServerUrl};

/// The credential of one authentication scheme, by reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Credential {
    /// A token, an API key, or `user:password` for basic authentication, as the scheme wants it.
    Secret(Reference),
    /// OAuth2 client credentials, for which the host fetches tokens.
    ClientCredentials(ClientCredentials),
    /// A certificate of mutual TLS.
    Certificate(ClientCertificate),
}

/// OAuth2 client credentials (RFC 6749, section 4.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientCredentials {
    /// Where the client's identifier is found.
    pub client_id: Reference,
    /// Where the client's secret is found.
    pub client_secret: Reference,
    /// What the token is asked for. Empty: all that the document declares for the flow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// Where tokens are had. Absent: where the document says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_url: Option<ServerUrl>,
    /// How the client shows who it is. Absent: as the provider says, else in the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<ClientAuthentication>,
}

/// How a client shows a token endpoint who it is (RFC 6749, section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ClientAuthentication {
    /// By HTTP basic authentication (`client_secret_basic`).
    Header,
    /// In the form (`client_secret_post`).
    Form,
}

/// A client certificate of mutual TLS, in PEM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientCertificate {
    /// Where the certificate is found, with those that lead to the root behind it.
    pub certificate: Reference,
    /// Where its private key is found.
    pub key: Reference,
}

impl Credential {
    /// All references: what the operator has to allow.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        let (first, second) = match self {
            Self::Secret(reference) => (reference, None),
            Self::ClientCredentials(client) => (&client.client_id, Some(&client.client_secret)),
            Self::Certificate(certificate) => (&certificate.certificate, Some(&certificate.key)),
        };
        std::iter::once(first).chain(second)
    }
}

const EXPECTED: &str = "a credential is `{\"env\": \"VARIABLE\"}` or `{\"file\": \"PATH\"}`, or has `clientId` and \
                        `clientSecret` (OAuth2), or `certificate` and `key` (mutual TLS), which are such references";

/// Read by hand: see [`Reference`].
impl<'de> Deserialize<'de> for Credential {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer).map_err(|_| D::Error::custom(EXPECTED))?;
        let object = value.as_object().ok_or_else(|| D::Error::custom(EXPECTED))?;
        let read = if object.contains_key("clientId") || object.contains_key("clientSecret") {
            ClientCredentials::read(object).map(Self::ClientCredentials)
        } else if object.contains_key("certificate") || object.contains_key("key") {
            ClientCertificate::read(object).map(Self::Certificate)
        } else {
            Reference::read(object).map(Self::Secret).ok_or_else(|| EXPECTED.to_owned())
        };
        read.map_err(D::Error::custom)
    }
}

/// Reads credentials by scheme: what is no map is refused without being repeated.
pub(crate) fn by_scheme<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Credential>, D::Error> {
    deserializer.deserialize_any(ByScheme)
}

struct ByScheme;

fn no_schemes<E: serde::de::Error>() -> E {
    E::custom("`credentials` is like `{\"SCHEME\": {\"env\": \"VARIABLE\"}}`, with a credential for each scheme")
}

impl<'de> Visitor<'de> for ByScheme {
    type Value = BTreeMap<String, Credential>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("credentials by scheme")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Deserialize::deserialize(MapAccessDeserializer::new(map))
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(no_schemes())
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Self::Value, E> {
        Err(no_schemes())
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Self::Value, E> {
        Err(no_schemes())
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
        Err(no_schemes())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(no_schemes())
    }
}

impl ClientCredentials {
    fn read(object: &Map<String, Value>) -> Result<Self, String> {
        only(object, &["clientId", "clientSecret", "scopes", "tokenUrl", "authentication"])?;
        let scopes = match object.get("scopes") {
            None => Some(Vec::new()),
            Some(scopes) => scopes.as_array().and_then(|s| s.iter().map(|s| s.as_str().map(str::to_owned)).collect()),
        };
        let token_url = match object.get("tokenUrl") {
            None | Some(Value::Null) => None,
            Some(url) => {
                let text = url.as_str().ok_or("`tokenUrl` is a URL")?;
                Some(text.parse().map_err(|e| format!("`tokenUrl`: {e}"))?)
            }
        };
        let authentication = match object.get("authentication").map(Value::as_str) {
            None => None,
            Some(Some("header")) => Some(ClientAuthentication::Header),
            Some(Some("form")) => Some(ClientAuthentication::Form),
            Some(_) => return Err("`authentication` is `header` or `form`".to_owned()),
        };
        Ok(Self {
            client_id: reference(object, "clientId")?,
            client_secret: reference(object, "clientSecret")?,
            scopes: scopes.ok_or("`scopes` is a list of texts")?,
            token_url,
            authentication,
        })
    }
}

impl ClientCertificate {
    fn read(object: &Map<String, Value>) -> Result<Self, String> {
        only(object, &["certificate", "key"])?;
        Ok(Self { certificate: reference(object, "certificate")?, key: reference(object, "key")? })
    }
}

/// Refuses other keys, without naming them.
fn only(object: &Map<String, Value>, known: &[&str]) -> Result<(), String> {
    if object.keys().all(|key| known.contains(&key.as_str())) {
        return Ok(());
    }
    let known: Vec<_> = known.iter().map(|key| format!("`{key}`")).collect();
    Err(format!("a key is unknown here; the keys are {}", known.join(", ")))
}

fn reference(object: &Map<String, Value>, key: &str) -> Result<Reference, String> {
    let found = object.get(key).ok_or_else(|| format!("`{key}` is missing"))?;
    let read = found.as_object().and_then(Reference::read);
    read.ok_or_else(|| {
        format!("`{key}` names a secret by reference: `{{\"env\": \"VARIABLE\"}}` or `{{\"file\": \"PATH\"}}`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_three_forms() {
        for json in [
            r#"{"env":"TOKEN"}"#,
            r#"{"clientId":{"env":"ID"},"clientSecret":{"file":"/s"}}"#,
            r#"{"clientId":{"env":"ID"},"clientSecret":{"file":"/s"},"scopes":["a"],"tokenUrl":"https://a.example/token","authentication":"form"}"#,
            r#"{"certificate":{"file":"/c"},"key":{"file":"/k"}}"#,
        ] {
            let credential: Credential = serde_json::from_str(json).expect(json);
            assert_eq!(serde_json::to_string(&credential).expect("JSON"), json);
            assert_eq!(credential.references().count(), if json.contains("TOKEN") { 1 } else { 2 });
        }
    }

    #[test]
    fn what_is_refused_is_not_repeated() {
        for (json, why) in [
            (r#""hunter2""#, EXPECTED),
            (r#"{"token":"hunter2"}"#, EXPECTED),
            (r#"{"clientId":{"env":"ID"}}"#, "`clientSecret` is missing"),
            (r#"{"clientId":{"env":"ID"},"clientSecret":"hunter2"}"#, "`clientSecret` names a secret by reference"),
            (
                r#"{"clientId":{"env":"I"},"clientSecret":{"env":"S"},"hunter2":1}"#,
                "a key is unknown here; the keys are `clientId`",
            ),
            (r#"{"clientId":{"env":"I"},"clientSecret":{"env":"S"},"scopes":"a b"}"#, "`scopes` is a list of texts"),
            (r#"{"clientId":{"env":"I"},"clientSecret":{"env":"S"},"tokenUrl":"https://a:hunter2@b"}"#, "`tokenUrl`: "),
            (
                r#"{"clientId":{"env":"I"},"clientSecret":{"env":"S"},"authentication":"hunter2"}"#,
                "`authentication` is `header` or `form`",
            ),
            (r#"{"key":{"file":"/k"}}"#, "`certificate` is missing"),
        ] {
            let error = serde_json::from_str::<Credential>(json).expect_err(json).to_string();
            assert!(error.starts_with(why) && !error.contains("hunter2"), "{error}");
        }
    }
}
