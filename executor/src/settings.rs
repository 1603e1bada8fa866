//! What a deployment says of a dependency, as the executor understands it. The one place that knows both.

use witwire_deployment::{
    ClientCertificate, Credential, Forgotten, Record, Reference, Settings, SettingsError as Contradiction, Size, Tls,
};
use witwire_ir::{InDoubt, Protocol};

use crate::credentials::{ClientAuthentication, ClientCredentials, Credentials, Source};
use crate::program::{ApiFile, Dependency};
use crate::transport::{
    Authority, AuthorityError, ClientTls, Compression, Endpoint, EndpointError, Identity, Keepalive, LinkSettings,
    RetryPolicy, RouteSettings,
};

/// Why settings make no [`Dependency`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// They contradict themselves.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    /// The API file holds other packages than the one that was named.
    #[error("the container holds {found}, not `{expected}`")]
    Package {
        /// As named in the settings.
        expected: String,
        /// What there is, in words.
        found: String,
    },
    /// The server's URL cannot be called.
    #[error(transparent)]
    Server(#[from] EndpointError),
    /// The name that the server's certificate must have is none.
    #[error("`tls.authority`: {0}")]
    Authority(#[from] AuthorityError),
    /// They ask for what this version cannot do. Refused: a setting without effect would be believed to have one.
    #[error("`{0}` cannot be used yet; leave it out")]
    Unsupported(&'static str),
}

impl Dependency {
    /// The dependency that settings make of an API file.
    ///
    /// # Errors
    /// [`SettingsError`]
    pub fn from_settings(file: ApiFile, settings: &Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        check_package(&file, settings)?;
        let Settings {
            package: _,
            server,
            endpoints,
            credentials,
            retry,
            record,
            forgotten,
            tls,
            compression,
            limits,
            keepalive,
            wait_for_ready,
        } = settings;
        if compression.is_some() && file.apis().iter().all(|api| api.protocol == Protocol::Http) {
            return Err(SettingsError::Unsupported("compression"));
        }
        let servers = server.iter().chain(endpoints).map(|url| Endpoint::parse(url.as_str()));
        let mut tls = client_tls(tls)?;
        let mut known = Credentials::none();
        for (scheme, credential) in credentials {
            known = match credential {
                Credential::Secret(reference) => known.with(scheme, place(reference)),
                Credential::ClientCredentials(client) => known.with_client(scheme, client_credentials(client, &tls)),
                Credential::Certificate(certificate) => {
                    let ClientCertificate { certificate, key } = certificate;
                    let identity = Identity { certificate: place(certificate), key: place(key) };
                    if tls.identity.replace(identity).is_some() {
                        return Err(SettingsError::Unsupported("a second client certificate"));
                    }
                    known.with_certificate(scheme)
                }
            };
        }
        let route = RouteSettings {
            retry: RetryPolicy {
                attempts: u8::from(retry.attempts).into(),
                base: retry.base.duration(),
                cap: retry.cap.duration(),
            },
            link: LinkSettings {
                tls,
                keepalive: keepalive.map(|k| Keepalive {
                    interval: k.interval.duration(),
                    timeout: k.timeout.duration(),
                    while_idle: k.while_idle,
                }),
            },
            compression: match compression {
                None => Compression::None,
                Some(witwire_deployment::Compression::Gzip) => Compression::Gzip,
                Some(witwire_deployment::Compression::Zstd) => Compression::Zstd,
            },
            max_request: limits.request_bytes.map(Size::bytes),
            max_response: limits.response_bytes.map(Size::bytes),
            wait_for_ready: *wait_for_ready,
        };
        Ok(Self {
            servers: servers.collect::<Result<_, _>>()?,
            route,
            credentials: known,
            deadline: retry.deadline.duration(),
            record_requests: *record == Record::Full,
            unkeyed: match forgotten {
                Forgotten::OutcomeUnknown => InDoubt::OutcomeUnknown,
                Forgotten::Retry => InDoubt::Retry,
                Forgotten::Suspend => InDoubt::Suspend,
            },
            ..Self::new(file, None)
        })
    }
}

fn client_tls(tls: &Tls) -> Result<ClientTls, SettingsError> {
    let Tls { ca, authority } = tls;
    Ok(ClientTls {
        roots: ca.iter().map(place).collect(),
        identity: None,
        authority: authority.as_deref().map(Authority::parse).transpose()?,
    })
}

fn place(reference: &Reference) -> Source {
    match reference {
        Reference::Env(name) => Source::Environment(name.clone()),
        Reference::File(path) => Source::File(path.clone()),
    }
}

fn check_package(file: &ApiFile, settings: &Settings) -> Result<(), SettingsError> {
    let Some(expected) = &settings.package else { return Ok(()) };
    let names: Vec<String> =
        file.apis().iter().map(|api| format!("{}:{}", api.package.namespace, api.package.name)).collect();
    if names.contains(expected) {
        return Ok(());
    }
    Err(SettingsError::Package { expected: expected.clone(), found: names.join(", ") })
}

fn client_credentials(client: &witwire_deployment::ClientCredentials, tls: &ClientTls) -> ClientCredentials {
    let witwire_deployment::ClientCredentials { client_id, client_secret, scopes, token_url, authentication } = client;
    ClientCredentials {
        client_id: place(client_id),
        client_secret: place(client_secret),
        scopes: scopes.clone(),
        token_url: token_url.as_ref().map(|url| url.as_str().to_owned()),
        authentication: authentication.map(|way| match way {
            witwire_deployment::ClientAuthentication::Header => ClientAuthentication::Header,
            witwire_deployment::ClientAuthentication::Form => ClientAuthentication::Body,
        }),
        roots: tls.roots.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use witwire_ir::container::Bundle;
    use witwire_ir::{Api, PackageName, WitName};

    use super::*;

    fn read(protocol: Protocol, json: &str) -> Result<Dependency, SettingsError> {
        let name = |text: &str| WitName::new(text).unwrap();
        let package = PackageName { namespace: name("a"), name: name("b"), version: "1.0.0".to_owned() };
        let file = ApiFile::of(&Bundle { apis: vec![Api::new(package, protocol)] });
        Dependency::from_settings(file, &serde_json::from_str(json).unwrap())
    }

    #[test]
    fn every_setting_has_its_effect() {
        let json = r#"{"endpoints":["http://a","http://b:81"],"credentials":{"m":{"certificate":{"file":"/c"},"key":{"env":"K"}},
            "o":{"clientId":{"env":"I"},"clientSecret":{"env":"S"},"tokenUrl":"https://t/x"}},
            "retry":{"attempts":2,"deadline":"2m","base":"1s","cap":"3s"},"record":"digest","forgotten":"suspend",
            "tls":{"ca":[{"file":"/ca"}],"authority":"x:1"},"compression":"zstd","limits":{"requestBytes":7,"responseBytes":9},
            "keepalive":{"interval":"5m","timeout":"2s","whileIdle":true},"waitForReady":true}"#;
        let dependency = read(Protocol::Grpc, json).unwrap();
        let file = |path: &str| Source::File(path.into());
        let identity = Identity { certificate: file("/c"), key: Source::Environment("K".to_owned()) };
        let route = RouteSettings {
            retry: RetryPolicy { attempts: 2, base: Duration::from_secs(1), cap: Duration::from_secs(3) },
            link: LinkSettings {
                tls: ClientTls {
                    roots: vec![file("/ca")],
                    identity: Some(identity),
                    authority: Some(Authority::parse("x:1").unwrap()),
                },
                keepalive: Some(Keepalive {
                    interval: Duration::from_mins(5),
                    timeout: Duration::from_secs(2),
                    while_idle: true,
                }),
            },
            compression: Compression::Zstd,
            max_request: Some(7),
            max_response: Some(9),
            wait_for_ready: true,
        };
        assert_eq!(dependency.route, route);
        let servers: Vec<String> = dependency.servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["http://a", "http://b:81"]);
        assert_eq!(dependency.credentials.schemes().collect::<Vec<_>>(), ["m", "o"]);
        assert_eq!(dependency.deadline, Duration::from_mins(2));
        assert_eq!((dependency.record_requests, dependency.unkeyed), (false, InDoubt::Suspend));
        assert_eq!(read(Protocol::Http, "{}").unwrap().route, RouteSettings::default());
    }

    #[test]
    fn what_would_have_no_effect_is_refused() {
        let refused = |protocol, json| read(protocol, json).expect_err(json).to_string();
        assert!(refused(Protocol::Http, r#"{"compression":"gzip"}"#).contains("`compression` cannot be used"));
        let certificate = r#"{"certificate":{"file":"/c"},"key":{"file":"/k"}}"#;
        let two = format!(r#"{{"credentials":{{"a":{certificate},"b":{certificate}}}}}"#);
        assert!(refused(Protocol::Grpc, &two).contains("a second client certificate"));
        assert!(refused(Protocol::Grpc, r#"{"tls":{"authority":"a/b"}}"#).contains("`tls.authority`"));
    }
}
