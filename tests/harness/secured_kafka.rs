//! Real Apache Kafka on three nodes, with a listener for every way to say who one is.
//!
//! Certificates and stores are those of `client/fixtures`; the user is `alice` with `alice-secret`.

use std::fmt::Write;
use std::ops::Deref;
use std::path::Path;
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::real_kafka::{Extras, RealKafka};

/// Three nodes with a listener for each security protocol, and some with more to ask for.
///
/// The whole test run shares them; topics are named per test. A test that kills nodes has them to itself.
pub struct SecuredKafka {
    kafka: &'static RealKafka,
    _with_others: Option<RwLockReadGuard<'static, ()>>,
    alone: Option<RwLockWriteGuard<'static, ()>>,
}

impl SecuredKafka {
    /// For a test that leaves the nodes alone.
    pub fn shared() -> Result<Self, String> {
        let kafka = start()?;
        let others = USE.read().unwrap_or_else(PoisonError::into_inner);
        Ok(Self { kafka, _with_others: Some(others), alone: None })
    }

    /// For a test that does not: nobody else talks to them meanwhile, and in the end every node runs again.
    pub fn alone() -> Result<Self, String> {
        let kafka = start()?;
        let alone = USE.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Self { kafka, _with_others: None, alone: Some(alone) })
    }

    /// The nodes, for as long as they are held.
    pub fn nodes(&self) -> &'static RealKafka {
        self.kafka
    }
}

impl Deref for SecuredKafka {
    type Target = RealKafka;

    fn deref(&self) -> &RealKafka {
        self.kafka
    }
}

impl Drop for SecuredKafka {
    fn drop(&mut self) {
        if self.alone.is_some()
            && let Err(error) = self.kafka.heal()
        {
            eprintln!("after a test that kills nodes: {error}");
        }
    }
}

/// Who uses the nodes.
static USE: RwLock<()> = RwLock::new(());

fn start() -> Result<&'static RealKafka, String> {
    static NODES: OnceLock<Result<RealKafka, String>> = OnceLock::new();
    let start = || {
        let scram = |mechanism| format!("{mechanism}=[name=alice,password=alice-secret]");
        let format = ["SCRAM-SHA-256", "SCRAM-SHA-512"]
            .into_iter()
            .flat_map(|mechanism| ["--add-scram".to_owned(), scram(mechanism)])
            .collect();
        let extras = Extras { listeners: LISTENERS.to_vec(), properties: properties(), format };
        RealKafka::start(3, &extras)
    };
    NODES.get_or_init(start).as_ref().map_err(Clone::clone)
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
         delegation.token.secret.key=token-secret\n\
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
    // A node that is gone or stands still is missed after six seconds.
    text.push_str("broker.session.timeout.ms=6000\nbroker.heartbeat.interval.ms=1000\n");
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
