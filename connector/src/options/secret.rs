//! Which options hold secrets, and what is printed in their place.

use super::reference::is_reference;
use super::table::PROPERTIES;

/// What is printed of the option `key`: `value`, unless it is a secret.
///
/// A value that only refers to a secret kept elsewhere, such as `${env:PASSWORD}`, is printed as written.
pub(crate) fn printable<'a>(key: &str, value: &'a str) -> &'a str {
    if is_secret(key) && !is_reference(value) { MASK } else { value }
}

/// Whether the value of the option `key` must never be printed. The client knows its own properties.
pub(crate) fn is_secret(key: &str) -> bool {
    kavka_client::is_secret(key.strip_prefix(PROPERTIES).unwrap_or(key))
}

/// What Flink prints in place of a secret.
const MASK: &str = "******";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_unless_it_is_a_reference() {
        for (key, value, printed) in [
            ("properties.sasl.jaas.config", "… password=\"x\";", MASK),
            ("properties.ssl.key.Password", "x", MASK),
            ("properties.ssl.keystore.key", "-----BEGIN", MASK),
            ("properties.ssl.key.password", "${env:KEY_PASSWORD}", "${env:KEY_PASSWORD}"),
            ("properties.ssl.key.password", "${env:A}x${env:B}", MASK),
            ("properties.ssl.key.password", "${env:A}${env:B}", MASK),
            ("properties.ssl.key.password", "${hunter2}", MASK),
            ("properties.ssl.key.password", "${file:/run/secrets:key}", "${file:/run/secrets:key}"),
            ("properties.ssl.key.pem", "-----BEGIN", MASK),
            ("properties.ssl.keystore.certificate.chain", "-----BEGIN", MASK),
            ("value.avro-confluent.basic-auth.user-info", "ada:x", MASK),
            ("properties.basic.auth.user.info", "ada:x", MASK),
            ("properties.registry.api-key", "x", MASK),
            ("properties.sasl.oauthbearer.token.endpoint.url", "http://x", "http://x"),
            ("properties.ssl.truststore.location", "/x", "/x"),
            ("topic", "orders", "orders"),
            ("key.fields", "id", "id"),
        ] {
            assert_eq!(printable(key, value), printed, "{key}");
        }
    }
}
