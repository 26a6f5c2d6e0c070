//! Java's own key store format, versions 1 and 2, and the protection of the private keys in it.
//!
//! It is what `sun.security.provider.JavaKeyStore` and `KeyProtector` of the JDK write.

use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use sha1::{Digest, Sha1};

use super::der::{self, OCTET_STRING, SEQUENCE};
use super::{Contents, KeyMaterial, Problem};

/// The first bytes of every JKS store.
pub(super) const MAGIC: [u8; 4] = [0xfe, 0xed, 0xfe, 0xed];

/// The first bytes of its successor, which nobody writes any more.
pub(super) const MAGIC_OF_JCEKS: [u8; 4] = [0xce, 0xce, 0xce, 0xce];

/// Everything in a JKS store.
///
/// Without `password` the checksum is not verified, as in Java; without `key_password` private keys
/// are passed over.
pub(super) fn parse(
    content: &[u8],
    password: Option<&str>,
    key_password: Option<&str>,
) -> Result<Contents, Problem> {
    let (content, checksum) = content.split_last_chunk::<CHECKSUM>().ok_or(TORN)?;
    if let Some(password) = password {
        let mut digest = Sha1::new_with_prefix(utf_16(password));
        digest.update(SALT);
        digest.update(content);
        if digest.finalize()[..] != *checksum {
            return Err(Problem::WrongPassword);
        }
    }
    let mut reader = Reader { rest: content, version: 0 };
    reader.contents(key_password)
}

/// Reads big-endian values one after the other.
struct Reader<'a> {
    rest: &'a [u8],
    version: u32,
}

impl<'a> Reader<'a> {
    fn contents(&mut self, key_password: Option<&str>) -> Result<Contents, Problem> {
        self.bytes(MAGIC.len())?;
        self.version = self.u32()?;
        if !matches!(self.version, 1 | 2) {
            return Err(Problem::Unsupported("it is a JKS store of an unknown version"));
        }
        let mut contents = Contents::default();
        for _ in 0..self.u32()? {
            let tag = self.u32()?;
            let _alias = self.text()?;
            let _created = self.bytes(8)?;
            match tag {
                PRIVATE_KEY => self.key(key_password, &mut contents)?,
                TRUSTED_CERTIFICATE => contents.trusted.push(self.certificate()?),
                _ => return Err(TORN),
            }
        }
        Ok(contents)
    }

    fn key(&mut self, password: Option<&str>, contents: &mut Contents) -> Result<(), Problem> {
        let length = self.u32()?;
        let protected = self.bytes(length as usize)?;
        // Ends with the content, however many the count says there are.
        let chain = (0..self.u32()?).map(|_| self.certificate()).collect::<Result<Vec<_>, _>>()?;
        contents.own.extend(chain.first().cloned());
        if let Some(password) = password.filter(|_| !chain.is_empty()) {
            let key = PrivatePkcs8KeyDer::from(unprotect(protected, password)?).into();
            contents.keys.push(KeyMaterial { chain, key });
        }
        Ok(())
    }

    fn certificate(&mut self) -> Result<CertificateDer<'static>, Problem> {
        if self.version == 2 {
            let _kind = self.text()?;
        }
        let length = self.u32()?;
        Ok(CertificateDer::from(self.bytes(length as usize)?.to_vec()))
    }

    fn text(&mut self) -> Result<&'a [u8], Problem> {
        let length = self.bytes(2)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        self.bytes(length)
    }

    fn u32(&mut self) -> Result<u32, Problem> {
        let (value, rest) = self.rest.split_first_chunk().ok_or(TORN)?;
        self.rest = rest;
        Ok(u32::from_be_bytes(*value))
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], Problem> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(TORN)?;
        self.rest = rest;
        Ok(bytes)
    }
}

/// Opens a private key: an exclusive or with a stream of SHA-1 digests, each of the password and the
/// digest before it, and a digest over the result at the end.
fn unprotect(mut protected: &[u8], password: &str) -> Result<Vec<u8>, Problem> {
    let data = der::element(&mut protected, SEQUENCE).and_then(|mut info| {
        der::element(&mut info, SEQUENCE)?;
        der::element(&mut info, OCTET_STRING)
    });
    let (salt, rest) = data.and_then(|data| data.split_first_chunk::<CHECKSUM>()).ok_or(TORN)?;
    let (encrypted, checksum) = rest.split_last_chunk::<CHECKSUM>().ok_or(TORN)?;
    let password = utf_16(password);
    let mut key = encrypted.to_vec();
    let mut digest = *salt;
    for block in key.chunks_mut(CHECKSUM) {
        digest = Sha1::new_with_prefix(&password).chain_update(digest).finalize().into();
        block.iter_mut().zip(digest).for_each(|(byte, key)| *byte ^= key);
    }
    let found = Sha1::new_with_prefix(&password).chain_update(&key).finalize();
    if found[..] != *checksum {
        return Err(Problem::KeyPassword);
    }
    Ok(key)
}

fn utf_16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

const PRIVATE_KEY: u32 = 1;
const TRUSTED_CERTIFICATE: u32 = 2;

/// The length of a SHA-1 digest.
const CHECKSUM: usize = 20;

/// What the JDK mixes into the checksum of a store.
const SALT: &[u8] = b"Mighty Aphrodite";

const TORN: Problem = Problem::Damaged("the JKS store");
