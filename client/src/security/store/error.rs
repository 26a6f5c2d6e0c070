//! What is wrong with a store, and what its owner can do.

use std::fmt;
use std::io;

use super::{FILE_LIMIT, Role, StoreType};

/// A store that cannot be used: which one, why, and what to do.
#[derive(Debug, PartialEq)]
pub(crate) struct StoreError {
    pub(crate) role: Role,
    /// A file, or the property that holds the text.
    pub(crate) place: String,
    pub(crate) problem: Problem,
}

/// What is wrong, without the place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Problem {
    Damaged(&'static str),
    Empty,
    Jceks,
    /// The key has another password than the store.
    KeyPassword,
    KeyPasswordMissing,
    NoCertificate,
    NoKey,
    OtherType {
        declared: StoreType,
        found: StoreType,
    },
    PasswordMissing,
    TooLong,
    Unknown,
    Unreadable(io::ErrorKind),
    Unsupported(&'static str),
    WrongPassword,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { role, place, problem } = self;
        let prefix = role.prefix();
        if place.starts_with(prefix) {
            write!(f, "{place}: ")?;
        } else {
            write!(f, "{prefix}.location={place}: ")?;
        }
        match problem {
            Problem::Damaged(what) => write!(f, "{what} is damaged; export it anew"),
            Problem::Empty => f.write_str("it is empty"),
            Problem::Jceks => f.write_str(
                "it is a JCEKS store, which is not read here; convert it with \
                 keytool -importkeystore -deststoretype PKCS12",
            ),
            Problem::KeyPassword => f.write_str(
                "the private key cannot be decrypted; check ssl.key.password (where it is unset, \
                 ssl.keystore.password is used)",
            ),
            Problem::KeyPasswordMissing => {
                f.write_str("the private key is encrypted; set ssl.key.password")
            }
            Problem::NoCertificate => f.write_str("there is no trusted certificate in it"),
            Problem::NoKey => f.write_str("there is no private key with a certificate in it"),
            Problem::OtherType { declared, found } => {
                write!(f, "it is {found}, not {declared}; set {prefix}.type={found}")
            }
            Problem::PasswordMissing => {
                write!(f, "it is protected by a password; set {prefix}.password")
            }
            Problem::TooLong => {
                write!(f, "it has more than {FILE_LIMIT} bytes, which no store has; check the path")
            }
            Problem::Unknown => f.write_str("it is neither PEM nor PKCS12 nor JKS; check the path"),
            Problem::Unreadable(kind) => write!(f, "it cannot be read: {kind}"),
            Problem::Unsupported(what) => f.write_str(what),
            Problem::WrongPassword => write!(
                f,
                "the key store was tampered with, or the password is wrong; check {prefix}.password"
            ),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error.kind())
    }
}
