//! The cryptography behind TLS, and which cipher suites of it are used.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::{CipherSuite, SupportedCipherSuite};

use super::config_error;
use crate::error::Result;

/// The provider that the application has installed for its process, else one that is built in.
pub(crate) fn provider() -> Result<CryptoProvider> {
    if let Some(installed) = CryptoProvider::get_default() {
        return Ok(CryptoProvider::clone(Arc::as_ref(installed)));
    }
    graviola().or_else(ring).ok_or_else(|| config_error(MISSING))
}

/// Comes first where it is built in: nobody gets it who has not asked for it.
#[cfg(feature = "tls-graviola")]
fn graviola() -> Option<CryptoProvider> {
    // On other processors it panics when it is used.
    graviola::util::is_cpu_supported().then(rustls_graviola::default_provider)
}

#[cfg(not(feature = "tls-graviola"))]
fn graviola() -> Option<CryptoProvider> {
    None
}

#[cfg(feature = "tls-ring")]
fn ring() -> Option<CryptoProvider> {
    Some(rustls::crypto::ring::default_provider())
}

#[cfg(not(feature = "tls-ring"))]
fn ring() -> Option<CryptoProvider> {
    None
}

/// `provider` with only those cipher suites that `wanted` names as Java does, in that order; all of
/// them when it names none. What is unknown here is passed over as long as something remains.
pub(super) fn with_cipher_suites(
    mut provider: CryptoProvider,
    wanted: &[String],
) -> Result<CryptoProvider> {
    if wanted.is_empty() {
        return Ok(provider);
    }
    let offered = std::mem::take(&mut provider.cipher_suites);
    for name in wanted {
        match offered.iter().find(|suite| java_name(suite.suite()) == *name) {
            Some(suite) => provider.cipher_suites.push(*suite),
            None => tracing::warn!("ssl.cipher.suites: {name} is not available and is not offered"),
        }
    }
    if provider.cipher_suites.is_empty() {
        let known = names(&offered);
        let wanted = wanted.join(",");
        return Err(config_error(format!(
            "ssl.cipher.suites={wanted}: none of them is available; there are {known}"
        )));
    }
    Ok(provider)
}

/// The registered name, which is Java's; rustls marks those of TLS 1.3.
fn java_name(suite: CipherSuite) -> String {
    suite.as_str().unwrap_or_default().replacen("TLS13_", "TLS_", 1)
}

fn names(suites: &[SupportedCipherSuite]) -> String {
    let names: Vec<String> = suites.iter().map(|suite| java_name(suite.suite())).collect();
    names.join(", ")
}

#[cfg(feature = "tls-graviola")]
const MISSING: &str = "TLS needs cryptography, and this processor is too old for that of graviola: build \
    kavka-client with the feature tls-ring, or install a rustls CryptoProvider before connecting";

#[cfg(not(feature = "tls-graviola"))]
const MISSING: &str = "TLS needs cryptography: build kavka-client with the feature tls-ring or \
    tls-graviola, or install a rustls CryptoProvider before connecting";

#[cfg(all(test, any(feature = "tls-graviola", feature = "tls-ring")))]
mod tests {
    use super::*;

    fn chosen(wanted: &[&str]) -> Result<Vec<String>> {
        let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        let provider = with_cipher_suites(provider().unwrap(), &wanted)?;
        Ok(provider.cipher_suites.iter().map(|suite| java_name(suite.suite())).collect())
    }

    #[test]
    fn cipher_suites_have_javas_names_and_keep_their_order() {
        let wanted = [
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "TLS_RSA_WITH_AES_128_CBC_SHA",
            "TLS_AES_128_GCM_SHA256",
        ];
        assert_eq!(chosen(&wanted).unwrap(), [wanted[0], wanted[2]]);
        assert!(chosen(&[]).unwrap().len() > 5);
    }

    #[test]
    #[cfg(feature = "tls-graviola")]
    fn graviola_is_used_where_it_is_built_in_and_the_processor_can() {
        let random = |provider: CryptoProvider| format!("{:?}", provider.secure_random);
        let is_it = random(provider().unwrap()) == random(rustls_graviola::default_provider());
        assert_eq!(is_it, graviola::util::is_cpu_supported());
    }

    #[test]
    fn without_any_that_is_available_the_available_ones_are_named() {
        let text = chosen(&["TLS_RSA_WITH_AES_128_CBC_SHA"]).unwrap_err().to_string();
        assert!(text.contains("TLS_AES_128_GCM_SHA256"), "{text}");
    }
}
