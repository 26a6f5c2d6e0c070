//! Real Apache Kafka with a listener for every way to say who one is.
//!
//! Certificates and stores are those of `client/fixtures`; the user is `alice` with `alice-secret`.

use std::fmt::Write;
use std::path::Path;
use std::sync::OnceLock;

use crate::real_kafka::{Extras, RealKafka, free_port};

/// One node with a listener for each security protocol, and some with more to ask for.
pub struct SecuredKafka {
    kafka: RealKafka,
    listeners: Vec<(&'static str, &'static str, u16)>,
}

impl SecuredKafka {
    /// The one node that the whole test run shares; topics are named per test.
    pub fn shared() -> Result<&'static Self, String> {
        static SHARED: OnceLock<Result<SecuredKafka, String>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref().map_err(Clone::clone)
    }

    fn start() -> Result<Self, String> {
        let listeners: Vec<_> = LISTENERS
            .into_iter()
            .map(|(name, protocol)| Ok((name, protocol, free_port()?)))
            .collect::<Result<_, String>>()?;
        let scram = |mechanism| format!("{mechanism}=[name=alice,password=alice-secret]");
        let format = ["SCRAM-SHA-256", "SCRAM-SHA-512"]
            .into_iter()
            .flat_map(|mechanism| ["--add-scram".to_owned(), scram(mechanism)])
            .collect();
        let extras = Extras { listeners: listeners.clone(), properties: properties(), format };
        Ok(Self { kafka: RealKafka::start(1, &extras)?, listeners })
    }

    /// The address of a listener that asks for nothing.
    pub fn plaintext(&self) -> &str {
        self.kafka.bootstrap_servers()
    }

    /// The address of the listener `name`, and its security protocol.
    pub fn listener(&self, name: &str) -> (String, &'static str) {
        let found = self.listeners.iter().find(|(listener, ..)| *listener == name);
        let (_, protocol, port) = found.expect("a listener of this name");
        (format!("127.0.0.1:{port}"), protocol)
    }
}

/// The path of a store or certificate.
pub fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../client/fixtures");
    folder.join(name).display().to_string()
}

fn properties() -> String {
    let (keys, trust) = (fixture("server.p12"), fixture("trust.p12"));
    let mut text = format!(
        "ssl.keystore.location={keys}\nssl.keystore.password=store-secret\nssl.keystore.type=PKCS12\n\
         ssl.truststore.location={trust}\nssl.truststore.password=trust-secret\nssl.truststore.type=PKCS12\n\
         listener.name.mtls.ssl.client.auth=required\n\
         sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER\n\
         listener.name.plain_only.sasl.enabled.mechanisms=PLAIN\n"
    );
    for listener in ["sasl_plaintext", "sasl_ssl", "short", "plain_only"] {
        for (mechanism, module) in MODULES {
            let package = "org.apache.kafka.common.security";
            let line = format!("{listener}.{mechanism}.sasl.jaas.config={package}.{module}");
            let _ = writeln!(text, "listener.name.{line};");
        }
    }
    // Sessions of three seconds.
    for (mechanism, _) in MODULES {
        let _ = writeln!(text, "listener.name.short.{mechanism}.connections.max.reauth.ms=3000");
    }
    text
}

const LISTENERS: [(&str, &str); 6] = [
    ("MTLS", "SSL"),
    ("PLAIN_ONLY", "SASL_PLAINTEXT"),
    ("SASL_PLAINTEXT", "SASL_PLAINTEXT"),
    ("SASL_SSL", "SASL_SSL"),
    ("SHORT", "SASL_PLAINTEXT"),
    ("SSL", "SSL"),
];

/// Mechanisms as they stand in names of properties, and what answers them.
const MODULES: [(&str, &str); 4] = [
    ("plain", "plain.PlainLoginModule required user_alice=\"alice-secret\""),
    ("scram-sha-256", "scram.ScramLoginModule required"),
    ("scram-sha-512", "scram.ScramLoginModule required"),
    (
        "oauthbearer",
        "oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\"",
    ),
];
