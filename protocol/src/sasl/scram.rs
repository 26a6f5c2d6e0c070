//! SCRAM (RFC 5802, RFC 7677) without channel binding, as Kafka speaks it (KIP-84, KIP-48).
//!
//! User name and password are used as they are: brokers salt passwords without SASLprep.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use pbkdf2::pbkdf2;
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

use super::{SaslCredentials, SaslError, SaslStep};

/// One exchange after its first message.
#[derive(Debug)]
pub(super) struct Scram {
    hash: Hash,
    phase: Phase,
}

/// AwaitingSalt → Salting → AwaitingProof → Done
enum Phase {
    AwaitingSalt {
        password: Zeroizing<String>,
        nonce: String,
        first_bare: String,
    },
    /// The password is being salted; `signed` is everything said so far.
    Salting {
        signed: String,
        last_without_proof: String,
    },
    AwaitingProof {
        signed: String,
        server_key: Vec<u8>,
    },
    Done,
}

/// The hash function that makes the difference between the mechanisms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha512,
}

/// The costly part of SCRAM: a password to salt.
pub struct SaltedPasswordRequest {
    hash: Hash,
    password: Zeroizing<String>,
    salt: Vec<u8>,
    iterations: u32,
}

/// A salted password: whoever has it can do without the password.
pub struct SaltedPassword(Zeroizing<Vec<u8>>);

#[cfg(any(test, feature = "fuzzing"))]
impl SaltedPassword {
    /// One that takes no time: nobody has salted anything.
    pub(crate) fn unsalted(password: &[u8]) -> Self {
        Self(Zeroizing::new(password.to_vec()))
    }
}

impl SaltedPasswordRequest {
    /// Takes milliseconds to a second of the processor.
    pub fn compute(self) -> SaltedPassword {
        let mut salted = Zeroizing::new(vec![0; self.hash.length()]);
        let (password, salt) = (self.password.as_bytes(), &self.salt);
        // An HMAC takes keys of any length.
        let _ = match self.hash {
            Hash::Sha256 => pbkdf2::<Hmac<Sha256>>(password, salt, self.iterations, &mut salted),
            Hash::Sha512 => pbkdf2::<Hmac<Sha512>>(password, salt, self.iterations, &mut salted),
        };
        SaltedPassword(salted)
    }
}

impl Scram {
    pub(super) fn begin(
        hash: Hash,
        credentials: SaslCredentials,
        nonce: &str,
    ) -> Result<(Self, Vec<u8>), SaslError> {
        let SaslCredentials::Password { username, password, is_delegation_token } = credentials
        else {
            return Err(SaslError::Credentials("SCRAM needs a user name and a password"));
        };
        if username.is_empty() || password.is_empty() {
            return Err(SaslError::Credentials("the user name or the password is empty"));
        }
        let username = username.replace('=', "=3D").replace(',', "=2C");
        let extension = if is_delegation_token { ",tokenauth=true" } else { "" };
        let first_bare = format!("n={username},r={nonce}{extension}");
        let first = format!("{CHANNEL}{first_bare}").into_bytes();
        let (password, nonce) = (Zeroizing::new(password), nonce.to_owned());
        let phase = Phase::AwaitingSalt { password, nonce, first_bare };
        Ok((Self { hash, phase }, first))
    }

    pub(super) fn handle_challenge(&mut self, challenge: &[u8]) -> Result<SaslStep, SaslError> {
        let challenge =
            std::str::from_utf8(challenge).map_err(|_| SaslError::Malformed("it is not UTF-8"))?;
        match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::AwaitingSalt { password, nonce, first_bare } => {
                self.handle_first(challenge, password, &nonce, &first_bare)
            }
            Phase::AwaitingProof { signed, server_key } => {
                self.handle_last(challenge, &signed, &server_key)
            }
            Phase::Salting { .. } | Phase::Done => Err(SaslError::Unexpected),
        }
    }

    pub(super) fn handle_salted_password(
        &mut self,
        SaltedPassword(salted): SaltedPassword,
    ) -> Result<SaslStep, SaslError> {
        let Phase::Salting { signed, last_without_proof } =
            std::mem::replace(&mut self.phase, Phase::Done)
        else {
            return Err(SaslError::Unexpected);
        };
        let client_key = self.hash.hmac(&salted, b"Client Key");
        let stored_key = self.hash.digest(&client_key);
        let signature = self.hash.hmac(&stored_key, signed.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        let last = format!("{last_without_proof},p={}", BASE64.encode(proof));
        let server_key = self.hash.hmac(&salted, b"Server Key");
        self.phase = Phase::AwaitingProof { signed, server_key };
        Ok(SaslStep::Send(last.into_bytes()))
    }

    /// `r=nonce,s=salt,i=iterations`
    fn handle_first(
        &mut self,
        challenge: &str,
        password: Zeroizing<String>,
        our_nonce: &str,
        first_bare: &str,
    ) -> Result<SaslStep, SaslError> {
        let mut attributes = challenge.split(',');
        let mut next = |key, missing| {
            let value = attributes.next().and_then(|attribute| attribute.strip_prefix(key));
            value.ok_or(SaslError::Malformed(missing))
        };
        let nonce = next("r=", "it has no nonce")?;
        let salt = next("s=", "it has no salt")?;
        let iterations = next("i=", "it has no count of iterations")?;
        if !nonce.starts_with(our_nonce) || nonce.len() == our_nonce.len() {
            return Err(SaslError::Nonce);
        }
        let salt = BASE64.decode(salt).map_err(|_| SaslError::Malformed("the salt"))?;
        let iterations: u32 =
            iterations.parse().map_err(|_| SaslError::Malformed("the count of iterations"))?;
        if !ITERATIONS.contains(&iterations) {
            return Err(SaslError::Iterations(iterations));
        }
        let last_without_proof = format!("c={},r={nonce}", BASE64.encode(CHANNEL));
        let signed = [first_bare, challenge, &last_without_proof].join(",");
        self.phase = Phase::Salting { signed, last_without_proof };
        Ok(SaslStep::Salt(SaltedPasswordRequest { hash: self.hash, password, salt, iterations }))
    }

    /// `v=signature` or `e=error`
    fn handle_last(
        &self,
        challenge: &str,
        signed: &str,
        server_key: &[u8],
    ) -> Result<SaslStep, SaslError> {
        let first = challenge.split(',').next().unwrap_or_default();
        if let Some(error) = first.strip_prefix("e=") {
            return Err(SaslError::Refused(error.to_owned()));
        }
        let signature = first.strip_prefix("v=").ok_or(SaslError::Malformed("it has no proof"))?;
        let signature = BASE64.decode(signature).map_err(|_| SaslError::Malformed("the proof"))?;
        match self.hash.is_hmac(server_key, signed.as_bytes(), &signature) {
            true => Ok(SaslStep::Done),
            false => Err(SaslError::ServerProof),
        }
    }
}

impl Hash {
    fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    fn digest(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(data).to_vec(),
            Self::Sha512 => Sha512::digest(data).to_vec(),
        }
    }

    fn hmac(self, key: &[u8], data: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => {
                mac(key, data, |mac: Hmac<Sha256>| mac.finalize().into_bytes().to_vec())
            }
            Self::Sha512 => {
                mac(key, data, |mac: Hmac<Sha512>| mac.finalize().into_bytes().to_vec())
            }
        }
    }

    /// Compares in the same time whether or not they are equal.
    fn is_hmac(self, key: &[u8], data: &[u8], expected: &[u8]) -> bool {
        match self {
            Self::Sha256 => mac(key, data, |mac: Hmac<Sha256>| mac.verify_slice(expected).is_ok()),
            Self::Sha512 => mac(key, data, |mac: Hmac<Sha512>| mac.verify_slice(expected).is_ok()),
        }
    }
}

/// The default never: keys of any length will do.
fn mac<M: Mac + KeyInit, R: Default>(key: &[u8], data: &[u8], end: impl FnOnce(M) -> R) -> R {
    match <M as KeyInit>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(data);
            end(mac)
        }
        Err(_) => R::default(),
    }
}

impl fmt::Debug for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AwaitingSalt { .. } => "AwaitingSalt",
            Self::Salting { .. } => "Salting",
            Self::AwaitingProof { .. } => "AwaitingProof",
            Self::Done => "Done",
        })
    }
}

impl fmt::Debug for SaltedPasswordRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaltedPasswordRequest")
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SaltedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SaltedPassword")
    }
}

/// No channel is bound, and nobody is acted for.
const CHANNEL: &str = "n,,";

/// Fewer would give the password away to whoever poses as the broker, more would keep a thread busy
/// for as long as a broker likes.
const ITERATIONS: std::ops::RangeInclusive<u32> = 4096..=1_000_000;
