//! PKCS12 (RFC 7292), as keytool and OpenSSL write it, today's ciphers and those of Java 8.

use p12_keystore::{CertificateBag, Pkcs12Archive, PrivateKeyBag, error::Error};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::{Contents, KeyMaterial, Problem};

/// Everything in a PKCS12 store. A store without checksum and encryption needs no password.
pub(super) fn parse(content: &[u8], password: Option<&str>) -> Result<Contents, Problem> {
    let archive = Pkcs12Archive::from_pkcs12(content, password.unwrap_or_default());
    let archive = archive.map_err(|error| problem(&error, password.is_none()))?;
    let mut contents = Contents::default();
    for key in &archive.keys {
        let chain = chain(key, &archive.certs);
        if let Some(own) = chain.first() {
            contents.own.push(own.clone());
            let key = PrivatePkcs8KeyDer::from(key.key.as_der().to_vec()).into();
            contents.keys.push(KeyMaterial { chain, key });
        }
    }
    let trusted = archive.certs.iter().filter(|bag| is_trusted(bag, archive.keys.is_empty()));
    contents.trusted = trusted.map(der).collect();
    Ok(contents)
}

/// Java trusts what carries its mark; stores of OpenSSL that hold nothing but certificates have none.
fn is_trusted(bag: &CertificateBag, no_key: bool) -> bool {
    bag.local_key_id.is_none() && (bag.trusted || no_key)
}

/// The key's own certificate, then that of its issuer and so on.
fn chain(key: &PrivateKeyBag, bags: &[CertificateBag]) -> Vec<CertificateDer<'static>> {
    let id = key.local_key_id.as_ref().map(AsRef::as_ref);
    let own = bags.iter().find(|bag| id.is_some() && bag.local_key_id.as_deref() == id);
    let Some(mut last) = own.or_else(|| bags.first().filter(|_| id.is_none())) else {
        return Vec::new();
    };
    let mut chain = vec![last];
    while let Some(issuer) = bags.iter().find(|bag| bag.cert.subject() == last.cert.issuer()) {
        if chain.iter().any(|known| known.cert == issuer.cert) {
            break;
        }
        chain.push(issuer);
        last = issuer;
    }
    chain.into_iter().map(der).collect()
}

fn der(bag: &CertificateBag) -> CertificateDer<'static> {
    CertificateDer::from(bag.cert.as_der().to_vec())
}

fn problem(error: &Error, no_password: bool) -> Problem {
    match error {
        Error::MacError(_) | Error::Pkcs5Error(_) | Error::UnpadError if no_password => {
            Problem::PasswordMissing
        }
        Error::MacError(_) | Error::Pkcs5Error(_) | Error::UnpadError => Problem::WrongPassword,
        Error::UnsupportedEncryptionScheme
        | Error::UnsupportedMacAlgorithm
        | Error::UnsupportedContentType => Problem::Unsupported(
            "it is encrypted in a way that is not supported; convert it with \
             keytool -importkeystore -deststoretype PKCS12",
        ),
        _ => Problem::Damaged("the PKCS12 store"),
    }
}
