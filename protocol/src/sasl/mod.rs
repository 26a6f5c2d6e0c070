//! SASL (RFC 4422): what a client says to prove who it is, as plain state machines.
//!
//! The messages travel inside of SaslAuthenticate requests and answers (KIP-152).

mod error;
mod oauthbearer;
mod plain;
mod scram;

use std::fmt;

pub use error::SaslError;
use oauthbearer::OAuthBearer;
pub use oauthbearer::SaslExtensions;
use scram::{Hash, Scram};
pub use scram::{SaltedPassword, SaltedPasswordRequest};

/// The mechanisms spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SaslMechanism {
    /// A bearer token (RFC 7628, KIP-255).
    OAuthBearer,
    /// User name and password as they are (RFC 4616): for encrypted connections.
    Plain,
    /// Salted challenge and response with SHA-256 (RFC 7677).
    ScramSha256,
    /// The same with SHA-512.
    ScramSha512,
}

/// What a client proves itself with.
#[derive(Clone, PartialEq, Eq)]
pub enum SaslCredentials {
    /// For PLAIN and SCRAM.
    Password {
        /// The user, or the id of a delegation token.
        username: String,
        /// The password, or the HMAC of the delegation token.
        password: String,
        /// Whether they are those of a delegation token (KIP-48); SCRAM only.
        is_delegation_token: bool,
    },
    /// For OAUTHBEARER.
    Token {
        /// The token in its compact form.
        token: String,
        /// Further pairs for the broker (KIP-342).
        extensions: SaslExtensions,
    },
}

/// One exchange, as the client sees it.
///
/// `begin` gives the first message; `handle_challenge` takes each answer. A broker that refuses says
/// so in its answer's error code, which never gets here.
#[derive(Debug)]
pub struct SaslExchange(State);

#[derive(Debug)]
enum State {
    OAuthBearer(OAuthBearer),
    Plain,
    Scram(Box<Scram>),
    Done,
}

/// What is to be done next.
#[derive(Debug)]
pub enum SaslStep {
    /// Send this as the next SaslAuthenticate.
    Send(Vec<u8>),
    /// Compute this where it keeps nobody waiting, and hand the result in.
    Salt(SaltedPasswordRequest),
    /// The broker has accepted this client, and has proved itself if the mechanism lets it.
    Done,
}

impl SaslMechanism {
    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::OAuthBearer => "OAUTHBEARER",
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }

    /// The mechanism with this name; `None` when it is not spoken here.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::OAuthBearer, Self::Plain, Self::ScramSha256, Self::ScramSha512]
            .into_iter()
            .find(|mechanism| mechanism.name() == name)
    }
}

impl fmt::Display for SaslMechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl SaslExchange {
    /// Starts an exchange: the machine, and the first message.
    ///
    /// `nonce` must be printable, without comma, and unpredictable; only SCRAM uses it.
    pub fn begin(
        mechanism: SaslMechanism,
        credentials: SaslCredentials,
        nonce: &str,
    ) -> Result<(Self, Vec<u8>), SaslError> {
        let hash = match mechanism {
            SaslMechanism::ScramSha256 => Hash::Sha256,
            SaslMechanism::ScramSha512 => Hash::Sha512,
            SaslMechanism::Plain | SaslMechanism::OAuthBearer => {
                return Self::begin_unsalted(mechanism, credentials);
            }
        };
        let (scram, first) = Scram::begin(hash, credentials, nonce)?;
        Ok((Self(State::Scram(Box::new(scram))), first))
    }

    fn begin_unsalted(
        mechanism: SaslMechanism,
        credentials: SaslCredentials,
    ) -> Result<(Self, Vec<u8>), SaslError> {
        match (mechanism, credentials) {
            (SaslMechanism::Plain, SaslCredentials::Password { username, password, .. }) => {
                Ok((Self(State::Plain), plain::message(&username, &password)?))
            }
            (SaslMechanism::OAuthBearer, SaslCredentials::Token { token, extensions }) => {
                let first = oauthbearer::message(&token, &extensions)?;
                Ok((Self(State::OAuthBearer(OAuthBearer::default())), first))
            }
            _ => Err(SaslError::Credentials("they are not of the kind the mechanism needs")),
        }
    }

    /// The broker's answer to the message before.
    pub fn handle_challenge(&mut self, challenge: &[u8]) -> Result<SaslStep, SaslError> {
        let step = match &mut self.0 {
            State::OAuthBearer(exchange) => exchange.handle_challenge(challenge)?,
            State::Plain if challenge.is_empty() => SaslStep::Done,
            State::Scram(exchange) => exchange.handle_challenge(challenge)?,
            State::Plain | State::Done => return Err(SaslError::Unexpected),
        };
        if matches!(step, SaslStep::Done) {
            self.0 = State::Done;
        }
        Ok(step)
    }

    /// The result of [`SaslStep::Salt`].
    pub fn handle_salted_password(
        &mut self,
        password: SaltedPassword,
    ) -> Result<SaslStep, SaslError> {
        match &mut self.0 {
            State::Scram(exchange) => exchange.handle_salted_password(password),
            State::OAuthBearer(_) | State::Plain | State::Done => Err(SaslError::Unexpected),
        }
    }
}

impl fmt::Debug for SaslCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password { username, .. } => {
                f.debug_struct("Password").field("username", username).finish_non_exhaustive()
            }
            Self::Token { .. } => f.debug_struct("Token").finish_non_exhaustive(),
        }
    }
}

#[cfg(test)]
mod tests;
