//! OpenID Connect Discovery 1.0: where a provider's token endpoint is.

use serde::Deserialize;
use witwire_interpreter::{HttpRequest, Secrets};
use witwire_ir::operation::http::Method;

use super::oauth::{Caller, ClientAuthentication, Place, TokenError};

/// What is used of a provider's metadata (section 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Provider {
    pub(super) token_url: String,
    /// How clients show who they are, where the provider says.
    pub(super) authentication: Option<ClientAuthentication>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    issuer: String,
    token_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

const SUFFIX: &str = "/.well-known/openid-configuration";

/// Reads the document at a URL, and checks that it is of the issuer in whose place it stands (section 4.3).
pub(super) async fn discover(caller: &Caller<'_>, url: &str) -> Result<Provider, TokenError> {
    let place = Place::parse("discovery document", url)?;
    let request = HttpRequest {
        method: Method::Get,
        target: place.target().to_owned(),
        page: None,
        headers: vec![("accept".to_owned(), "application/json".to_owned())],
        body: None,
        secrets: Secrets::default(),
    };
    let response = caller.call(&place, request).await?;
    if response.status != 200 {
        return Err(place.invalid("another status than 200"));
    }
    let metadata: Metadata =
        serde_json::from_slice(&response.body).map_err(|_| place.invalid("something that is no provider's metadata"))?;
    provider(url, metadata, &place)
}

fn provider(url: &str, metadata: Metadata, place: &Place) -> Result<Provider, TokenError> {
    let issuer = metadata.issuer.strip_suffix('/').unwrap_or(&metadata.issuer);
    if url.strip_suffix(SUFFIX) != Some(issuer) {
        return Err(TokenError::Issuer { destination: place.destination() });
    }
    let token_url = metadata.token_endpoint.ok_or_else(|| place.invalid("no token endpoint"))?;
    let has = |methods: &[String], name: &str| methods.iter().any(|method| method == name);
    let authentication = metadata.token_endpoint_auth_methods_supported.and_then(|methods| {
        if has(&methods, "client_secret_basic") {
            Some(ClientAuthentication::Header)
        } else {
            has(&methods, "client_secret_post").then_some(ClientAuthentication::Body)
        }
    });
    Ok(Provider { token_url, authentication })
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://id.example/realm/.well-known/openid-configuration";

    fn read(json: &str) -> Result<Provider, TokenError> {
        let place = Place::parse("discovery document", URL).expect("a URL");
        provider(URL, serde_json::from_str(json).expect("JSON"), &place)
    }

    #[test]
    fn the_issuer_stands_before_the_documents_place() {
        let of = |issuer: &str| read(&format!(r#"{{"issuer":"{issuer}","token_endpoint":"https://id.example/t"}}"#));
        for issuer in ["https://id.example/realm", "https://id.example/realm/"] {
            assert_eq!(of(issuer).map(|p| p.token_url), Ok("https://id.example/t".to_owned()));
        }
        for other in ["https://id.example", "https://evil.example/realm", "http://id.example/realm", ""] {
            assert_eq!(of(other), Err(TokenError::Issuer { destination: "id.example:443".to_owned() }), "{other}");
        }
    }

    #[test]
    fn the_provider_says_how_clients_show_who_they_are() {
        let of = |methods: &str| {
            let json =
                format!(r#"{{"issuer":"https://id.example/realm","token_endpoint":"https://id.example/t"{methods}}}"#);
            read(&json).map(|p| p.authentication)
        };
        let list = |names: &str| format!(r#","token_endpoint_auth_methods_supported":[{names}]"#);
        assert_eq!(of(""), Ok(None));
        assert_eq!(of(&list(r#""client_secret_post""#)), Ok(Some(ClientAuthentication::Body)));
        assert_eq!(of(&list(r#""client_secret_post","client_secret_basic""#)), Ok(Some(ClientAuthentication::Header)));
        assert_eq!(of(&list(r#""private_key_jwt""#)), Ok(None));
        assert!(read(r#"{"issuer":"https://id.example/realm"}"#).is_err());
    }
}
