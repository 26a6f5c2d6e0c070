//! How brokers are talked to: `security.protocol`, and what belongs to it.

use std::sync::Arc;

use kavka_protocol::SaslMechanism;

use super::keys;
use super::resolve::Resolver;
use crate::security::jaas::{JaasConfig, LoginModule};
use crate::security::store::{Role, StoreSettings, StoreType};
use crate::security::tls::{KeySource, TlsSettings, TlsVersion, Trust};
use crate::security::unsecured::UnsecuredTokens;
use crate::security::{Login, Secret};
use crate::token::{FileToken, TokenProvider};

/// The resolved form of the security properties.
#[derive(Clone, Debug)]
pub(crate) struct SecurityConfig {
    pub(crate) tls: Option<TlsSettings>,
    pub(crate) sasl: Option<SaslSettings>,
}

/// How the client says who it is.
#[derive(Clone, Debug)]
pub(crate) struct SaslSettings {
    pub(crate) mechanism: SaslMechanism,
    /// `None` when only the application can give out tokens.
    pub(crate) login: Option<Arc<Login>>,
    /// The part of a lifetime after which tokens and sessions are renewed.
    pub(crate) renew_after: f64,
}

impl SecurityConfig {
    /// Reads only what `security.protocol` makes use of. `provider` is the application's own.
    pub(super) fn resolve(
        from: &mut Resolver<'_>,
        provider: Option<Arc<dyn TokenProvider>>,
    ) -> Self {
        let protocol = from.text(keys::SECURITY_PROTOCOL).to_ascii_uppercase();
        let tls = protocol.ends_with("SSL").then(|| tls(from));
        let sasl = protocol.starts_with("SASL").then(|| sasl(from, provider)).flatten();
        Self { tls, sasl }
    }
}

fn tls(from: &mut Resolver<'_>) -> TlsSettings {
    TlsSettings {
        trust: trust(from),
        key: key(from),
        checks_host_name: checks_host_name(from),
        versions: versions(from),
        cipher_suites: from.list("ssl.cipher.suites").into_iter().map(str::to_owned).collect(),
    }
}

fn trust(from: &mut Resolver<'_>) -> Trust {
    let text = secret(from, "ssl.truststore.certificates");
    match (store(from, Role::Trust), text) {
        (None, None) => Trust::System,
        (Some(store), None) => Trust::File(store),
        (None, Some(text)) => Trust::Text(text),
        (Some(_), Some(text)) => {
            from.problem(
                "ssl.truststore.location and ssl.truststore.certificates exclude each other",
            );
            Trust::Text(text)
        }
    }
}

fn key(from: &mut Resolver<'_>) -> Option<KeySource> {
    let chain = secret(from, "ssl.keystore.certificate.chain");
    let key = secret(from, "ssl.keystore.key");
    match (store(from, Role::Key), chain, key) {
        (None, None, None) => None,
        (Some(store), None, None) => Some(KeySource::File(store)),
        (None, Some(chain), Some(key)) => {
            let password =
                secret(from, "ssl.key.password").or_else(|| secret(from, "ssl.keystore.password"));
            Some(KeySource::Text { chain, key, password })
        }
        (Some(_), ..) => {
            from.problem(
                "ssl.keystore.location excludes ssl.keystore.key and ssl.keystore.certificate.chain",
            );
            None
        }
        (None, ..) => {
            from.problem("ssl.keystore.key and ssl.keystore.certificate.chain need each other");
            None
        }
    }
}

fn store(from: &mut Resolver<'_>, role: Role) -> Option<StoreSettings> {
    let [location, kind, password] =
        ["location", "type", "password"].map(|name| format!("{}.{name}", role.prefix()));
    let location = Some(from.text(&location)).filter(|location| !location.is_empty())?;
    let declared = StoreType::parse(from.text(&kind)).unwrap_or_else(|| {
        from.problem(format!("{kind}={}: expected one of JKS, PKCS12, PEM", from.text(&kind)));
        StoreType::Jks
    });
    let key_password = match role {
        Role::Key => secret(from, "ssl.key.password"),
        Role::Trust => None,
    };
    let (location, password) = (location.to_owned(), secret(from, &password));
    Some(StoreSettings { role, location, declared, password, key_password })
}

fn checks_host_name(from: &mut Resolver<'_>) -> bool {
    let name = "ssl.endpoint.identification.algorithm";
    match from.text(name) {
        "" => false,
        algorithm if algorithm.eq_ignore_ascii_case("https") => true,
        other => {
            from.problem(format!("{name}={other}: expected https, or nothing for no check"));
            true
        }
    }
}

/// The enabled versions that are spoken here; older ones are passed over as long as one remains.
fn versions(from: &mut Resolver<'_>) -> Vec<TlsVersion> {
    let protocol = from.text("ssl.protocol");
    if !matches!(protocol, "TLS" | "TLSv1.2" | "TLSv1.3") {
        from.problem(format!("ssl.protocol={protocol}: expected one of TLS, TLSv1.2, TLSv1.3"));
    }
    let enabled = "ssl.enabled.protocols";
    let names = match protocol {
        "TLSv1.2" if !from.is_set(enabled) => vec!["TLSv1.2"],
        _ => from.list(enabled),
    };
    let versions: Vec<_> = names.iter().filter_map(|name| TlsVersion::parse(name)).collect();
    if versions.is_empty() {
        let names = names.join(",");
        from.problem(format!("{enabled}={names}: expected some of TLSv1.2, TLSv1.3"));
    } else if versions.len() < names.len() {
        tracing::warn!("{enabled}={}: only TLSv1.2 and TLSv1.3 are spoken", names.join(","));
    }
    versions
}

fn sasl(from: &mut Resolver<'_>, provider: Option<Arc<dyn TokenProvider>>) -> Option<SaslSettings> {
    let name = from.text("sasl.mechanism").to_ascii_uppercase();
    let Some(mechanism) = SaslMechanism::parse(&name) else {
        from.problem(format!(
            "unsupported: sasl.mechanism={name}; there are PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and \
             OAUTHBEARER"
        ));
        return None;
    };
    let handler = from.text(CALLBACK_HANDLER);
    if !["", "OAuthBearerLoginCallbackHandler", "OAuthBearerUnsecuredLoginCallbackHandler"]
        .contains(&handler.rsplit('.').next().unwrap_or_default())
    {
        from.problem(format!("unsupported: {CALLBACK_HANDLER}={handler}"));
    }
    let renew_after = from.parsed("sasl.login.refresh.window.factor", |text| text.parse().ok());
    let jaas = jaas(from)?;
    let login = match (mechanism, provider) {
        (SaslMechanism::OAuthBearer, Some(provider)) => Some(Login::tokens(provider, renew_after)),
        (SaslMechanism::OAuthBearer, None) => {
            tokens(from, jaas.as_ref()).map(|provider| Login::tokens(provider, renew_after))
        }
        _ => password(from, mechanism, jaas.as_ref()),
    };
    Some(SaslSettings { mechanism, login: login.map(Arc::new), renew_after })
}

/// The login module, if there is one; `None` when it cannot be read.
fn jaas(from: &mut Resolver<'_>) -> Option<Option<JaasConfig>> {
    let text = from.text("sasl.jaas.config");
    if text.is_empty() {
        return Some(None);
    }
    match JaasConfig::parse(text) {
        Ok(config) if config.module == LoginModule::Kerberos => {
            from.problem("unsupported: Krb5LoginModule in sasl.jaas.config");
            None
        }
        Ok(config) => Some(Some(config)),
        Err(error) => {
            from.problem(format!("sasl.jaas.config: {error}"));
            None
        }
    }
}

/// From the login module, else from librdkafka's two properties.
fn password(
    from: &mut Resolver<'_>,
    mechanism: SaslMechanism,
    jaas: Option<&JaasConfig>,
) -> Option<Login> {
    let (username, password, is_delegation_token) = match jaas {
        Some(jaas) => {
            let is_token = jaas.option("tokenauth").is_some_and(|v| v.eq_ignore_ascii_case("true"));
            (jaas.option("username"), jaas.option("password"), is_token)
        }
        None => {
            let property = |name| Some(from.text(name)).filter(|value| !value.is_empty());
            (property("sasl.username"), property("sasl.password"), false)
        }
    };
    let place = if jaas.is_some() { "sasl.jaas.config: " } else { "sasl.jaas.config or sasl." };
    let missing = |what| format!("{place}{what} is not set, and {mechanism} needs it");
    if username.is_none() {
        from.problem(missing("username"));
    }
    if password.is_none() {
        from.problem(missing("password"));
    }
    Some(Login::password(username?, Secret::new(password?), is_delegation_token))
}

/// Tokens of a file, or made up as Java makes them up.
fn tokens(from: &mut Resolver<'_>, jaas: Option<&JaasConfig>) -> Option<Arc<dyn TokenProvider>> {
    let name = "sasl.oauthbearer.token.endpoint.url";
    let url = from.text(name);
    if let Some(path) = url.strip_prefix("file:") {
        let mut file = FileToken::new(path.strip_prefix("//").unwrap_or(path));
        for (key, value) in jaas.iter().flat_map(|jaas| jaas.with_prefix("extension_")) {
            if let Err(error) = file.extensions.add(key, value) {
                from.problem(format!("sasl.jaas.config: extension_{key}: {error}"));
            }
        }
        return Some(Arc::new(file));
    }
    if !url.is_empty() {
        from.problem(format!("unsupported: {name}={url}; use file:///…, or a token provider"));
        return None;
    }
    let Some(jaas) = jaas else {
        from.problem(format!(
            "sasl.mechanism=OAUTHBEARER needs {name}=file:///…, a login module in \
             sasl.jaas.config, or a token provider of the application"
        ));
        return None;
    };
    match UnsecuredTokens::from_jaas(jaas) {
        Ok(tokens) => Some(Arc::new(tokens)),
        Err(why) => {
            from.problem(format!("sasl.jaas.config: {why}"));
            None
        }
    }
}

fn secret(from: &Resolver<'_>, name: &str) -> Option<Secret> {
    Some(from.text(name)).filter(|text| !text.is_empty()).map(Secret::new)
}

/// Java's two handlers for OAUTHBEARER do what is done here.
const CALLBACK_HANDLER: &str = "sasl.login.callback.handler.class";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Properties;
    use crate::config::property::Role as PropertyRole;
    use crate::error::Result;

    fn resolve(properties: &[(&str, &str)]) -> Result<SecurityConfig> {
        let mut set = Properties::new();
        for (name, value) in properties {
            set.set(*name, *value);
        }
        let mut from = Resolver::new(&set, PropertyRole::Client);
        let config = SecurityConfig::resolve(&mut from, None);
        from.finish(config)
    }

    const PLAIN: (&str, &str) =
        ("sasl.jaas.config", "PlainLoginModule required username=\"a\" password=\"hunter2\";");

    #[test]
    fn the_protocol_decides_what_is_looked_at() {
        for (protocol, tls, sasl) in [
            ("PLAINTEXT", false, false),
            ("ssl", true, false),
            ("SASL_PLAINTEXT", false, true),
            ("SASL_SSL", true, true),
        ] {
            let config =
                resolve(&[("security.protocol", protocol), ("sasl.mechanism", "PLAIN"), PLAIN]);
            let config = config.unwrap();
            assert_eq!((config.tls.is_some(), config.sasl.is_some()), (tls, sasl), "{protocol}");
        }
        let ignored = [("ssl.keystore.type", "?"), ("sasl.mechanism", "GSSAPI")];
        assert!(resolve(&ignored).is_ok());
    }

    #[test]
    fn without_a_store_the_systems_is_trusted_and_the_host_name_checked() {
        let tls = resolve(&[("security.protocol", "SSL")]).unwrap().tls.unwrap();
        assert!(matches!(tls.trust, Trust::System) && tls.key.is_none() && tls.checks_host_name);
        assert_eq!(tls.versions, [TlsVersion::V1_2, TlsVersion::V1_3]);
        let set = [
            ("security.protocol", "SSL"),
            ("ssl.endpoint.identification.algorithm", ""),
            ("ssl.protocol", "TLSv1.2"),
        ];
        let tls = resolve(&set).unwrap().tls.unwrap();
        assert!(!tls.checks_host_name);
        assert_eq!(tls.versions, [TlsVersion::V1_2]);
    }

    #[test]
    fn what_is_wrong_is_said_and_secrets_are_not() {
        let ssl = ("security.protocol", "SSL");
        let sasl = ("security.protocol", "SASL_PLAINTEXT");
        let oauth = ("sasl.mechanism", "OAUTHBEARER");
        for (properties, expected) in [
            (
                vec![ssl, ("ssl.truststore.location", "/t"), ("ssl.truststore.type", "BKS")],
                "ssl.truststore.type=BKS: expected one of JKS, PKCS12, PEM",
            ),
            (
                vec![ssl, ("ssl.truststore.location", "/t"), ("ssl.truststore.certificates", "x")],
                "ssl.truststore.location and ssl.truststore.certificates exclude each other",
            ),
            (
                vec![ssl, ("ssl.keystore.key", "hunter2")],
                "ssl.keystore.key and ssl.keystore.certificate.chain need each other",
            ),
            (
                vec![ssl, ("ssl.enabled.protocols", "TLSv1.1")],
                "ssl.enabled.protocols=TLSv1.1: expected some of TLSv1.2, TLSv1.3",
            ),
            (
                vec![ssl, ("ssl.endpoint.identification.algorithm", "ldap")],
                "ssl.endpoint.identification.algorithm=ldap: expected https, or nothing for no check",
            ),
            (
                vec![sasl],
                "unsupported: sasl.mechanism=GSSAPI; there are PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER",
            ),
            (
                vec![sasl, ("sasl.mechanism", "PLAIN"), ("sasl.username", "hunter2")],
                "sasl.jaas.config or sasl.password is not set, and PLAIN needs it",
            ),
            (
                vec![
                    sasl,
                    ("sasl.mechanism", "PLAIN"),
                    ("sasl.jaas.config", "PlainLoginModule required password=hunter2;"),
                ],
                "sasl.jaas.config: username is not set, and PLAIN needs it",
            ),
            (
                vec![
                    sasl,
                    ("sasl.mechanism", "PLAIN"),
                    ("sasl.jaas.config", "PlainLoginModule required password=hunter2"),
                ],
                "sasl.jaas.config: the semicolon at its end is missing",
            ),
            (
                vec![sasl, oauth, ("sasl.oauthbearer.token.endpoint.url", "https://idp/token")],
                "unsupported: sasl.oauthbearer.token.endpoint.url=https://idp/token; use file:///…, or a token provider",
            ),
            (
                vec![
                    sasl,
                    ("sasl.mechanism", "PLAIN"),
                    PLAIN,
                    ("sasl.login.callback.handler.class", "a.B"),
                ],
                "unsupported: sasl.login.callback.handler.class=a.B",
            ),
            (
                vec![sasl, oauth],
                "sasl.mechanism=OAUTHBEARER needs sasl.oauthbearer.token.endpoint.url=file:///…, a login module in sasl.jaas.config, or a token provider of the application",
            ),
        ] {
            let text = resolve(&properties).unwrap_err().to_string();
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn passwords_and_tokens_are_found_where_the_properties_say() {
        let sasl = ("security.protocol", "SASL_SSL");
        for properties in [
            vec![sasl, ("sasl.mechanism", "PLAIN"), PLAIN],
            vec![
                sasl,
                ("sasl.mechanism", "scram-sha-512"),
                ("sasl.username", "a"),
                ("sasl.password", "b"),
            ],
            vec![
                sasl,
                ("sasl.mechanism", "OAUTHBEARER"),
                ("sasl.oauthbearer.token.endpoint.url", "file:///tmp/token"),
            ],
            vec![
                sasl,
                ("sasl.mechanism", "OAUTHBEARER"),
                (
                    "sasl.jaas.config",
                    "OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"alice\";",
                ),
            ],
        ] {
            let config = resolve(&properties).unwrap();
            assert!(
                config.sasl.as_ref().is_some_and(|sasl| sasl.login.is_some()),
                "{properties:?}"
            );
            assert!(!format!("{config:?}").contains("hunter2"));
        }
    }
}
