//! Encrypted private keys: PKCS#8 with PBES2 (RFC 8018).

use pkcs8::{EncryptedPrivateKeyInfoRef, Error};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::Problem;

/// Opens an encrypted private key.
pub(super) fn decrypt(
    der: &[u8],
    password: Option<&str>,
) -> Result<PrivateKeyDer<'static>, Problem> {
    let password = password.ok_or(Problem::KeyPasswordMissing)?;
    let encrypted = EncryptedPrivateKeyInfoRef::try_from(der).map_err(|_| UNREADABLE)?;
    if !is_affordable(&encrypted) {
        return Err(Problem::Unsupported(TOO_COSTLY));
    }
    let key = encrypted.decrypt(password).map_err(|error| match error {
        Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::DecryptFailed)
        | Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::EncryptFailed)
        | Error::Asn1(_)
        | Error::KeyMalformed(_) => Problem::KeyPassword,
        _ => UNREADABLE,
    })?;
    Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into())
}

/// A file may ask for so much work that nothing else would ever happen.
fn is_affordable(key: &EncryptedPrivateKeyInfoRef<'_>) -> bool {
    use pkcs8::pkcs5::{EncryptionScheme, pbes2::Kdf};
    match &key.encryption_algorithm {
        EncryptionScheme::Pbes2(parameters) => match &parameters.kdf {
            Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count <= MAX_ITERATIONS,
            Kdf::Scrypt(scrypt) => {
                let memory = scrypt.cost_parameter.saturating_mul(u64::from(scrypt.block_size));
                memory <= MAX_SCRYPT_BLOCKS && scrypt.parallelization <= 16
            }
            _ => true,
        },
        _ => true,
    }
}

/// Ten times what is recommended at most today.
const MAX_ITERATIONS: u32 = 10_000_000;

/// Blocks of 128 bytes: a gigabyte.
const MAX_SCRYPT_BLOCKS: u64 = 1 << 23;

const UNREADABLE: Problem = Problem::Unsupported(
    "the private key is encrypted in a way that is not supported; use PBES2, as \
     openssl pkcs8 -topk8 does",
);

const TOO_COSTLY: &str =
    "decrypting the private key would take minutes; encrypt it with fewer iterations";
