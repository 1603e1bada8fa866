//! Where an API is served.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

/// An absolute `http` or `https` URL without user name, password, query and fragment: `https://api.example.com/v1`. Kept as it was
/// written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("format" = "uri", "pattern" = "^[Hh][Tt][Tt][Pp][Ss]?://[^@?#]+$")))]
pub struct ServerUrl(String);

/// Why a text is not a [`ServerUrl`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidServerUrl {
    /// Not a URL.
    #[error("`{url}` is not a server URL ({reason}); it should look like https://api.example.com/v1")]
    NotAUrl {
        /// As given; `…` where it may hold a password.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// A scheme other than `http` and `https`.
    #[error("the server URL has the scheme `{0}`; only http and https can be called")]
    Scheme(String),
    /// A user name or password stands in the URL. The URL is not repeated.
    #[error("the server URL holds a user name or password; give credentials under `credentials` instead")]
    Userinfo,
    /// A query or fragment, behind which no path can be put.
    #[error("the server URL has a query or a fragment; a request's path cannot be put behind it")]
    Query,
}

impl ServerUrl {
    /// The URL as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServerUrl {
    type Err = InvalidServerUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|e| InvalidServerUrl::NotAUrl {
            url: if text.contains('@') { "…".to_owned() } else { text.to_owned() },
            reason: e.to_string(),
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidServerUrl::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidServerUrl::Userinfo);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidServerUrl::Query);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for ServerUrl {
    type Error = InvalidServerUrl;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ServerUrl> for String {
    fn from(url: ServerUrl) -> Self {
        url.0
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_an_absolute_url() {
        for good in ["http://127.0.0.1:8080", "https://api.example.com/v1", "http://[::1]/"] {
            assert_eq!(good.parse::<ServerUrl>().expect(good).as_str(), good);
        }
        for bad in [
            "",
            "todo",
            "/v1",
            "todo:80",
            "ftp://a/b",
            "http://",
            "http://me:hunter2@a",
            "http://a?b",
            "http://a#b",
            "u@hunter2",
        ] {
            let error = bad.parse::<ServerUrl>().expect_err(bad).to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
