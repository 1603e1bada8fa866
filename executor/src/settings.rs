//! What a deployment says of a dependency, as the executor understands it. The one place that knows both.

use witwire_deployment::{Credential, Forgotten, Record, Reference, Settings, SettingsError as Contradiction, Tls};
use witwire_ir::{InDoubt, Protocol};

use crate::credentials::{Credentials, Source};
use crate::program::{ApiFile, Dependency};
use crate::transport::{
    Authority, AuthorityError, ClientTls, Compression, Endpoint, EndpointError, LinkSettings, RetryPolicy, RouteSettings,
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
        let Settings { package: _, server, endpoints, credentials, retry, record, forgotten, tls, compression } = settings;
        if compression.is_some() && file.apis().iter().all(|api| api.protocol == Protocol::Http) {
            return Err(SettingsError::Unsupported("compression"));
        }
        let servers = server.iter().chain(endpoints).map(|url| Endpoint::parse(url.as_str()));
        let mut known = Credentials::none();
        for (scheme, credential) in credentials {
            known = known.with(scheme, source(credential)?);
        }
        let route = RouteSettings {
            retry: RetryPolicy {
                attempts: u8::from(retry.attempts).into(),
                base: retry.base.duration(),
                cap: retry.cap.duration(),
            },
            link: LinkSettings { tls: client_tls(tls)?, keepalive: None },
            compression: match compression {
                None => Compression::None,
                Some(witwire_deployment::Compression::Gzip) => Compression::Gzip,
                Some(witwire_deployment::Compression::Zstd) => Compression::Zstd,
            },
            ..RouteSettings::default()
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

fn source(credential: &Credential) -> Result<Source, SettingsError> {
    match credential {
        Credential::Secret(reference) => Ok(place(reference)),
        Credential::ClientCredentials(_) => Err(SettingsError::Unsupported("clientSecret")),
        Credential::Certificate(_) => Err(SettingsError::Unsupported("certificate")),
    }
}
