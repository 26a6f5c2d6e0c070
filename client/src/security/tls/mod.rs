//! TLS (rustls): what the `ssl.*` properties ask for, and connections made with it.

mod connect;
mod explain;
mod host_name;
mod provider;
mod stream;
#[cfg(all(test, any(feature = "tls-graviola", feature = "tls-ring")))]
mod tests;
mod verifier;

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, SupportedProtocolVersion, version};

pub(crate) use self::connect::TlsConnect;
pub(crate) use self::explain::{HandshakeError, refused_after_handshake};
#[cfg(all(test, any(feature = "tls-graviola", feature = "tls-ring")))]
pub(crate) use self::provider::provider;
use self::verifier::Verifier;
use super::Secret;
use super::store::{self, KeyMaterial, StoreError, StoreSettings};
use crate::error::{Error, ErrorKind, Result};

/// The resolved `ssl.*` properties.
#[derive(Clone, Debug)]
pub(crate) struct TlsSettings {
    pub(crate) trust: Trust,
    pub(crate) key: Option<KeySource>,
    /// Whether the broker's certificate must be for the host that is connected to.
    pub(crate) checks_host_name: bool,
    pub(crate) versions: Vec<TlsVersion>,
    /// In the order of preference; empty for what the provider prefers.
    pub(crate) cipher_suites: Vec<String>,
}

/// Which certificates to trust.
#[derive(Clone, Debug)]
pub(crate) enum Trust {
    /// Those of the operating system.
    System,
    File(StoreSettings),
    Text(Secret),
}

/// Where the client's own key and certificates are.
#[derive(Clone, Debug)]
pub(crate) enum KeySource {
    File(StoreSettings),
    Text { chain: Secret, key: Secret, password: Option<Secret> },
}

/// A version of TLS that is spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsVersion {
    V1_2,
    V1_3,
}

impl TlsVersion {
    /// Java's name of it.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "TLSv1.2" => Some(Self::V1_2),
            "TLSv1.3" => Some(Self::V1_3),
            _ => None,
        }
    }

    fn supported(self) -> &'static SupportedProtocolVersion {
        match self {
            Self::V1_2 => &version::TLS12,
            Self::V1_3 => &version::TLS13,
        }
    }
}

impl TlsSettings {
    /// Reads the stores and makes of everything what connections are made with.
    ///
    /// Reads files; every failure is [`ErrorKind::Config`] and names the property.
    pub(crate) fn load(&self) -> Result<Arc<ClientConfig>> {
        let trusted = self.trust.load()?;
        let provider = provider::with_cipher_suites(provider::provider()?, &self.cipher_suites)?;
        let algorithms = provider.signature_verification_algorithms;
        let verifier =
            Verifier::new(trusted, self.trust.to_string(), self.checks_host_name, algorithms);
        let versions: Vec<_> = self.versions.iter().map(|version| version.supported()).collect();
        let provider = Arc::new(provider);
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions)
            .map_err(|_| {
                config_error(
                    "ssl.cipher.suites: none of them belongs to a version in ssl.enabled.protocols",
                )
            })?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let config = match &self.key {
            None => builder.with_no_client_auth(),
            Some(source) => {
                let KeyMaterial { chain, key } = source.load()?;
                let signer = provider.key_provider.load_private_key(key).map_err(|error| {
                    let why = format!("{source}: the private key cannot be used: {error}");
                    config_error(why)
                })?;
                let certified = CertifiedKey::new(chain, signer);
                if let Err(rustls::Error::InconsistentKeys(_)) = certified.keys_match() {
                    let why = "the private key does not belong to the first certificate";
                    return Err(config_error(format!("{source}: {why}")));
                }
                builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(
                    certified,
                )))
            }
        };
        Ok(Arc::new(config))
    }
}

impl Trust {
    fn load(&self) -> Result<Vec<CertificateDer<'static>>> {
        match self {
            Self::System => system(),
            Self::File(settings) => store::read_file(settings)
                .and_then(|content| settings.trusted(&content))
                .map_err(Error::from),
            Self::Text(text) => store::trusted_in_text(text).map_err(Error::from),
        }
    }
}

/// The operating system's trust store.
fn system() -> Result<Vec<CertificateDer<'static>>> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!(%error, "the system's trust store");
    }
    if found.certs.is_empty() {
        return Err(config_error(
            "no ssl.truststore is set and the system's trust store is empty; install it (often the \
             package ca-certificates) or set ssl.truststore.location",
        ));
    }
    tracing::debug!(certificates = found.certs.len(), "trusting the system's trust store");
    Ok(found.certs)
}

impl KeySource {
    fn load(&self) -> Result<KeyMaterial> {
        match self {
            Self::File(settings) => {
                store::read_file(settings).and_then(|content| settings.key(&content))
            }
            Self::Text { chain, key, password } => {
                store::key_in_text(chain, key, password.as_ref())
            }
        }
        .map_err(Error::from)
    }
}

/// The store by its properties.
impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("the system's trust store"),
            Self::File(store) => write!(f, "ssl.truststore.location={}", store.location),
            Self::Text(_) => f.write_str("ssl.truststore.certificates"),
        }
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(store) => write!(f, "ssl.keystore.location={}", store.location),
            Self::Text { .. } => f.write_str("ssl.keystore.key"),
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        config_error(error.to_string())
    }
}

fn config_error(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Config, message)
}
