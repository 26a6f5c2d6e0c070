//! PEM (RFC 7468), as loosely as Java reads it: text around the sections is passed over, and where
//! lines break does not matter, so that a section may stand on one line of a properties file.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::private_key;
use super::{Contents, KeyMaterial, Problem};

/// One section: what it is called and its text between the two lines.
struct Section<'a> {
    label: &'a str,
    body: &'a str,
}

/// Whether `content` has a section at all.
pub(super) fn is_pem(content: &[u8]) -> bool {
    std::str::from_utf8(content).is_ok_and(|text| sections(text).next().is_some())
}

/// Everything in a PEM file. Its certificates are both what is trusted and the chain of its key.
pub(super) fn parse(content: &[u8], key_password: Option<&str>) -> Result<Contents, Problem> {
    let trusted = certificates(content)?;
    let key = private_key(content, key_password)?;
    let keys = key.filter(|_| !trusted.is_empty());
    let keys = keys.map(|key| KeyMaterial { chain: trusted.clone(), key }).into_iter().collect();
    Ok(Contents { trusted, keys, own: Vec::new() })
}

/// The certificates, in their order.
pub(super) fn certificates(content: &[u8]) -> Result<Vec<CertificateDer<'static>>, Problem> {
    sections(text(content)?)
        .filter(|section| matches!(section.label, "CERTIFICATE" | "X509 CERTIFICATE"))
        .map(|section| section.decode("a certificate").map(CertificateDer::from))
        .collect()
}

/// The first private key.
pub(super) fn private_key(
    content: &[u8],
    password: Option<&str>,
) -> Result<Option<PrivateKeyDer<'static>>, Problem> {
    let mut sections = sections(text(content)?);
    let Some(section) = sections.find(|section| section.label.ends_with("PRIVATE KEY")) else {
        return Ok(None);
    };
    if section.body.contains("ENCRYPTED") {
        return Err(Problem::Unsupported(OPENSSLS_OWN));
    }
    let der = section.decode("the private key")?;
    match section.label {
        "PRIVATE KEY" => Ok(PrivateKeyDer::Pkcs8(der.into())),
        "EC PRIVATE KEY" => Ok(PrivateKeyDer::Sec1(der.into())),
        "RSA PRIVATE KEY" => Ok(PrivateKeyDer::Pkcs1(der.into())),
        "ENCRYPTED PRIVATE KEY" => private_key::decrypt(&der, password),
        _ => Err(Problem::Unsupported(
            "private keys of this kind are not used in TLS; use RSA, ECDSA or Ed25519",
        )),
    }
    .map(Some)
}

impl Section<'_> {
    fn decode(&self, what: &'static str) -> Result<Vec<u8>, Problem> {
        let body: String = self.body.split_ascii_whitespace().collect();
        BASE64.decode(body).map_err(|_| Problem::Damaged(what))
    }
}

fn text(content: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(content).map_err(|_| Problem::Damaged("the text"))
}

fn sections(text: &str) -> impl Iterator<Item = Section<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(BEGIN)?;
        let (label, after) = after.split_once(DASHES)?;
        let (body, after) = after.split_once(END)?;
        rest = after;
        Some(Section { label: label.trim(), body })
    })
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Padding is optional in what is accepted.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const OPENSSLS_OWN: &str = "the private key is encrypted in OpenSSL's own way, which neither Java nor \
    this client reads; convert it with openssl pkcs8 -topk8";
