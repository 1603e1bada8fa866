//! What a deployment says of a dependency, as the executor understands it. The one place that knows both.

use witwire_deployment::{Credential, Forgotten, Record, Reference, Settings, SettingsError as Contradiction};
use witwire_ir::InDoubt;

use crate::credentials::{Credentials, Source};
use crate::program::{ApiFile, Dependency};
use crate::transport::{Endpoint, EndpointError};

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
        let unsupported = [
            ("endpoints", !endpoints.is_empty()),
            ("tls", *tls != witwire_deployment::Tls::default()),
            ("compression", compression.is_some()),
        ];
        if let Some((name, _)) = unsupported.into_iter().find(|(_, used)| *used) {
            return Err(SettingsError::Unsupported(name));
        }
        let server = server.as_ref().map(|url| Endpoint::parse(url.as_str())).transpose()?;
        let mut known = Credentials::none();
        for (scheme, credential) in credentials {
            known = known.with(scheme, source(credential)?);
        }
        Ok(Self {
            credentials: known,
            deadline: retry.deadline.duration(),
            record_requests: *record == Record::Full,
            unkeyed: match forgotten {
                Forgotten::OutcomeUnknown => InDoubt::OutcomeUnknown,
                Forgotten::Retry => InDoubt::Retry,
                Forgotten::Suspend => InDoubt::Suspend,
            },
            ..Self::new(file, server)
        })
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
        Credential::Secret(Reference::Env(name)) => Ok(Source::Environment(name.clone())),
        Credential::Secret(Reference::File(path)) => Ok(Source::File(path.clone())),
        Credential::ClientCredentials(_) => Err(SettingsError::Unsupported("clientSecret")),
        Credential::Certificate(_) => Err(SettingsError::Unsupported("certificate")),
    }
}
