//! Which options hold secrets, and what is printed in their place.

/// What is printed of the option `key`: `value`, unless it is a secret.
///
/// A value that only refers to a secret kept elsewhere, such as `${env:PASSWORD}`, is printed as written.
pub(crate) fn printable<'a>(key: &str, value: &'a str) -> &'a str {
    if is_secret(key) && !is_reference(value) { MASK } else { value }
}

/// Whether the value of the option `key` must never be printed.
pub(crate) fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| key.contains(word))
}

fn is_reference(value: &str) -> bool {
    let inner = value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    inner.is_some_and(|inner| !inner.contains(['$', '{', '}']))
}

/// What Flink prints in place of a secret.
const MASK: &str = "******";

/// Parts of the names of options and properties that hold secrets, in lower case.
const SECRET_WORDS: &[&str] = &[
    "apikey",
    "api-key",
    "credential",
    "jaas",
    "keystore.certificate.chain",
    "keystore.key",
    "password",
    "secret",
    "token",
    "user-info",
];

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
            ("topic", "orders", "orders"),
            ("key.fields", "id", "id"),
        ] {
            assert_eq!(printable(key, value), printed, "{key}");
        }
    }
}
