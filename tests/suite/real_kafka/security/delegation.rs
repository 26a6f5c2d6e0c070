//! Delegation tokens (KIP-48): made by Kafka's own tool, shown with SCRAM.

use std::time::Duration;

use kavka_client::{ClientBuilder, Properties};
use kavka_protocol::ErrorCode;
use kavka_tests::java;
use kavka_tests::secured_kafka::SecuredKafka;

use super::{Set, prepare, refused, sasl, works};

const LISTENER: &str = "SASL_PLAINTEXT";

pub(super) async fn token(kafka: SecuredKafka) {
    prepare(&kafka);
    let (id, hmac) = create(&kafka);
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let login = login(mechanism, &id, &hmac, true);
        tokio::time::timeout(RECOVERY, until_known(&kafka, &login)).await.expect("known in time");
        works(&kafka, LISTENER, &login).await;
    }
    for (password, is_token) in [(hmac.as_str(), false), ("hunter2", true)] {
        let error =
            refused(&kafka, LISTENER, &login("SCRAM-SHA-256", &id, password, is_token)).await;
        assert_eq!(error.code(), Some(ErrorCode::SaslAuthenticationFailed), "{error}");
        assert!(!error.to_string().contains(password), "{error}");
    }
}

fn login(mechanism: &str, id: &str, hmac: &str, is_token: bool) -> Set {
    let module = "org.apache.kafka.common.security.scram.ScramLoginModule";
    let user = format!(r#"{module} required username="{id}" password="{hmac}""#);
    sasl(mechanism, &format!("{user}{};", if is_token { r#" tokenauth="true""# } else { "" }))
}

/// A token of alice's, who has shown a password: its id and what proves that one has it.
fn create(kafka: &SecuredKafka) -> (String, String) {
    let (address, protocol) = kafka.listener(LISTENER);
    let jaas = r#"org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="alice-secret";"#;
    let config = tempfile::NamedTempFile::new().expect("a temporary file");
    let lines =
        format!("security.protocol={protocol}\nsasl.mechanism=PLAIN\nsasl.jaas.config={jaas}\n");
    std::fs::write(config.path(), lines).expect("it can be written");
    let config = config.path().display().to_string();
    let arguments = ["--bootstrap-server", address, "--command-config", &config];
    let create = ["--create", "--max-life-time-period", "-1"];
    let class = "org.apache.kafka.tools.DelegationTokenCommand";
    let printed = java::run(class, &[arguments.as_slice(), &create].concat(), None);
    let printed = printed.expect("the tool runs");
    let row = printed.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    let mut columns = row.split_whitespace().map(str::to_owned);
    columns.next().zip(columns.next()).unwrap_or_else(|| panic!("no token in {printed}"))
}

/// Every node learns of a token on its own.
async fn until_known(kafka: &SecuredKafka, login: &Set) {
    let (addresses, protocol) = kafka.listener(LISTENER);
    for address in addresses.split(',') {
        let mut set =
            Properties::from([("bootstrap.servers", address), ("security.protocol", protocol)]);
        for (name, value) in login {
            set.set(*name, value.as_str());
        }
        while ClientBuilder::new(set.clone()).connect().await.is_err() {}
    }
}

/// What that takes at most.
const RECOVERY: Duration = Duration::from_secs(30);
