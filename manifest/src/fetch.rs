//! Documents from the network, once.

use std::time::Duration;

use url::Url;
use witwire_frontends::DiskFiles;

/// Why a URL is not one that a document is fetched from; a password in it is not repeated.
pub(crate) fn refused_url(text: &str) -> Option<String> {
    match Url::parse(text) {
        Err(e) if text.contains('@') => Some(format!("it is not a URL ({e})")),
        Err(e) => Some(format!("`{text}` is not a URL ({e}); it should look like https://example.com/openapi.yaml")),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            Some(format!("the URL has the scheme `{}`; documents are fetched over http and https", url.scheme()))
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Some("the URL holds a user name or password, which would be written into the lock; fetch the document yourself and name it as `path`".to_owned())
        }
        Ok(url) => url.query_pairs().find(|(name, _)| is_secret(name)).map(|(name, _)| {
            format!(
                "the URL's query has `{name}`, which looks like a secret and would be written into the lock and into bundles; fetch the document yourself and name it as `path`"
            )
        }),
    }
}

/// Whether a member of a query is one by which services know their caller.
fn is_secret(name: &str) -> bool {
    const WORDS: &[&str] = &["token", "key", "secret", "password", "passwd", "signature", "sig", "auth", "credential"];
    let name = name.to_ascii_lowercase();
    name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| {
        // `apikey`, `accesstoken`; a `monkey` is none.
        WORDS.contains(&word) || ["apikey", "token", "secret", "password"].iter().any(|end| word.ends_with(end))
    })
}

/// A URL as it may be shown: without its query, in which a server may have put secrets.
fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}

/// How long one document may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Fetches a document of at most [`DiskFiles::MAX_BYTES`]. Follows no redirect: what is pinned is what was named.
pub(crate) fn get(url: &str) -> Result<Vec<u8>, String> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .user_agent(concat!("witwire/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let mut response = agent.get(url).call().map_err(|e| e.to_string())?;
    let status = response.status();
    if status.is_redirection() {
        let to = response.headers().get("location").and_then(|v| v.to_str().ok()).unwrap_or("another place");
        return Err(format!("the server redirects to {} (status {status}); name the document's own URL", without_query(to)));
    }
    if !status.is_success() {
        return Err(format!("the server answered with status {status}"));
    }
    response.body_mut().with_config().limit(DiskFiles::MAX_BYTES).read_to_vec().map_err(|e| e.to_string())
}
