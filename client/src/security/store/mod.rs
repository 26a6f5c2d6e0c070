//! Trust and key stores: PEM, PKCS12 and JKS, from files or as text, with Java's rules.
//!
//! What a file is decides its content: a store declared JKS may be PKCS12 and the other way round, as
//! in Java. Reading is pure; only [`read_file`] touches the file system.

mod der;
mod error;
mod jks;
mod pem;
mod pkcs12;
mod private_key;

use std::fmt;
use std::fs::File;
use std::io::Read;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub(crate) use self::error::{Problem, StoreError};
use super::secret::Secret;

/// A private key and the certificates that lead from it towards an authority.
pub(crate) struct KeyMaterial {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

/// What one file or text holds: certificates to trust, and private keys with theirs.
#[derive(Default)]
struct Contents {
    trusted: Vec<CertificateDer<'static>>,
    keys: Vec<KeyMaterial>,
    /// The certificates of the private keys themselves, which Java trusts when asked to take a key
    /// store for a trust store.
    own: Vec<CertificateDer<'static>>,
}

/// The two stores of a client, which differ in the names of their properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Key,
    Trust,
}

/// `ssl.keystore.type` and `ssl.truststore.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreType {
    Jks,
    Pem,
    Pkcs12,
}

/// One store as the properties describe it.
#[derive(Clone, Debug)]
pub(crate) struct StoreSettings {
    pub(crate) role: Role,
    pub(crate) location: String,
    pub(crate) declared: StoreType,
    pub(crate) password: Option<Secret>,
    /// The password of the key, where it has one of its own.
    pub(crate) key_password: Option<Secret>,
}

impl Role {
    /// The start of the names of its properties.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Key => "ssl.keystore",
            Self::Trust => "ssl.truststore",
        }
    }
}

impl StoreType {
    /// Reads the value of a property, in any case.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Jks, Self::Pem, Self::Pkcs12]
            .into_iter()
            .find(|declared| declared.to_string().eq_ignore_ascii_case(text))
    }

    /// What `content` is, whatever it was declared to be.
    fn of(content: &[u8]) -> Option<Self> {
        if content.starts_with(&jks::MAGIC) {
            return Some(Self::Jks);
        }
        if pem::is_pem(content) {
            return Some(Self::Pem);
        }
        content.starts_with(&[der::SEQUENCE]).then_some(Self::Pkcs12)
    }
}

impl fmt::Display for StoreType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jks => "JKS",
            Self::Pem => "PEM",
            Self::Pkcs12 => "PKCS12",
        })
    }
}

impl StoreSettings {
    /// The certificates to trust in `content`, which the caller has read from the location.
    pub(crate) fn trusted(
        &self,
        content: &[u8],
    ) -> Result<Vec<CertificateDer<'static>>, StoreError> {
        let trusted = self.parse(content).map(|contents| [contents.trusted, contents.own].concat());
        match trusted {
            Ok(trusted) if trusted.is_empty() => Err(Problem::NoCertificate),
            trusted => trusted,
        }
        .map_err(|problem| self.error(problem))
    }

    /// The private key in `content` with its certificates; of several the first, as there is no way
    /// to say which.
    pub(crate) fn key(&self, content: &[u8]) -> Result<KeyMaterial, StoreError> {
        let keys = self.parse(content).map(|contents| contents.keys);
        keys.and_then(|keys| keys.into_iter().next().ok_or(Problem::NoKey))
            .map_err(|problem| self.error(problem))
    }

    /// `problem` with the place where it is.
    pub(crate) fn error(&self, problem: Problem) -> StoreError {
        StoreError { role: self.role, place: self.location.clone(), problem }
    }

    fn parse(&self, content: &[u8]) -> Result<Contents, Problem> {
        let found = StoreType::of(content).ok_or_else(|| unknown(content))?;
        let is_one_of_javas = |declared| matches!(declared, StoreType::Jks | StoreType::Pkcs12);
        if found != self.declared && !(is_one_of_javas(found) && is_one_of_javas(self.declared)) {
            return Err(Problem::OtherType { declared: self.declared, found });
        }
        let password = self.password.as_ref().map(Secret::expose);
        let key_password = self.key_password.as_ref().map(Secret::expose).or(password);
        match found {
            StoreType::Jks => jks::parse(content, password, self.key_password_if_needed()),
            StoreType::Pem => pem::parse(content, key_password),
            StoreType::Pkcs12 => pkcs12::parse(content, password),
        }
    }

    /// Keys in a trust store stay closed.
    fn key_password_if_needed(&self) -> Option<&str> {
        match self.role {
            Role::Key => self.key_password.as_ref().or(self.password.as_ref()).map(Secret::expose),
            Role::Trust => None,
        }
    }
}

/// The certificates to trust in PEM text.
pub(crate) fn trusted_in_text(text: &Secret) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    let error = |problem| StoreError {
        role: Role::Trust,
        place: "ssl.truststore.certificates".to_owned(),
        problem,
    };
    let trusted = pem::certificates(text.expose().as_bytes()).map_err(error)?;
    if trusted.is_empty() {
        return Err(error(Problem::NoCertificate));
    }
    Ok(trusted)
}

/// The key and the certificates in two PEM texts.
pub(crate) fn key_in_text(
    chain: &Secret,
    key: &Secret,
    password: Option<&Secret>,
) -> Result<KeyMaterial, StoreError> {
    let error = |place: &str| {
        let place = place.to_owned();
        move |problem| StoreError { role: Role::Key, place, problem }
    };
    let certificates = pem::certificates(chain.expose().as_bytes())
        .and_then(|chain| if chain.is_empty() { Err(Problem::NoCertificate) } else { Ok(chain) })
        .map_err(error("ssl.keystore.certificate.chain"))?;
    let key = pem::private_key(key.expose().as_bytes(), password.map(Secret::expose))
        .and_then(|key| key.ok_or(Problem::NoKey))
        .map_err(error("ssl.keystore.key"))?;
    Ok(KeyMaterial { chain: certificates, key })
}

/// Reads the file of `store`. No store is anywhere near the limit, but a log might be, and a device has
/// no end.
pub(crate) fn read_file(store: &StoreSettings) -> Result<Vec<u8>, StoreError> {
    let content = File::open(&store.location).map_err(Problem::from).and_then(up_to_limit);
    content.map_err(|problem| store.error(problem))
}

fn up_to_limit(from: impl Read) -> Result<Vec<u8>, Problem> {
    let mut content = Vec::new();
    match from.take(FILE_LIMIT + 1).read_to_end(&mut content)? {
        length if length as u64 > FILE_LIMIT => Err(Problem::TooLong),
        _ => Ok(content),
    }
}

fn unknown(content: &[u8]) -> Problem {
    match content {
        [] => Problem::Empty,
        _ if content.starts_with(&jks::MAGIC_OF_JCEKS) => Problem::Jceks,
        _ => Problem::Unknown,
    }
}

/// System trust stores have a few hundred kilobytes.
const FILE_LIMIT: u64 = 16 << 20;

#[cfg(test)]
mod tests;
