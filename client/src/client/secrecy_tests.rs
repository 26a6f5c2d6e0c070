//! Whatever goes wrong, and however much is logged: no secret is ever shown.

use kavka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kavka_protocol::{ApiKey, StrBytes};

use super::*;
use crate::config::{Kind, PropertyDef, check_properties, property_definitions};
use crate::testing::{Said, metadata, network, reply, serve};

const SECRET: &str = "hunter2";

/// Shapes that a secret may come in, so that it is read, or refused, at another place each time.
const SHAPES: &[&str] = &[
    "hunter2",
    "PlainLoginModule required username=\"alice\" password=\"hunter2\";",
    "ScramLoginModule required username=\"alice\" password=\"hunter2\" tokenauth=true;",
    "OAuthBearerLoginModule required clientSecret=\"hunter2\";",
    "PlainLoginModule required username=\"alice\" password=\"hunter2",
    "PlainLoginModule required username=alice password=my hunter2;",
    "-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----",
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\naHVudGVyMg==\nhunter2\n-----END ENCRYPTED PRIVATE KEY-----",
];

fn secrets() -> impl Iterator<Item = &'static PropertyDef> {
    property_definitions().iter().filter(|definition| definition.kind() == Kind::Password)
}

/// Says everything that can be said with these properties.
async fn try_all(properties: &Properties, said: &Said) {
    said.add(properties);
    match check_properties(properties, true) {
        Ok(warnings) => said.add(warnings),
        Err(error) => said.add_error(&error),
    }
    let (pipes, listener) = network();
    // Nobody here speaks TLS; what is looked at is the reading of the stores.
    let is_tls = properties.get("security.protocol") == Some("SSL");
    let pipes = if is_tls { pipes.losing("a") } else { pipes };
    serve(listener, |_, request| match request.api_key {
        ApiKey::SaslHandshake => {
            let offered = ["PLAIN", "SCRAM-SHA-512", "OAUTHBEARER"].map(StrBytes::from_static_str);
            let answer = SaslHandshakeResponse::default().with_mechanisms(offered.to_vec());
            Some(reply::<SaslHandshakeRequest>(request, &answer))
        }
        ApiKey::SaslAuthenticate => {
            let answer = SaslAuthenticateResponse::default().with_error_code(58);
            Some(reply::<SaslAuthenticateRequest>(request, &answer))
        }
        _ => Some(reply::<kavka_protocol::messages::MetadataRequest>(
            request,
            &metadata(&[(1, "a", 9092)]),
        )),
    });
    let builder = ClientBuilder::new(properties).with_connect(pipes);
    said.add(&builder);
    match builder.connect().await {
        Err(error) => said.add_error(&error),
        Ok(client) => {
            said.add(&client);
            said.add(client.config());
            said.add(client.producer(Properties::new()).map(|producer| format!("{producer:?}")));
            said.add(client.consumer(Properties::new()).map(|consumer| format!("{consumer:?}")));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_shown_by_anything() {
    let said = Said::default();
    let _listening = said.listen();
    assert!(secrets().count() >= 9);
    for (protocol, mechanism) in [
        ("PLAINTEXT", "PLAIN"),
        ("SSL", "PLAIN"),
        ("SASL_PLAINTEXT", "PLAIN"),
        ("SASL_PLAINTEXT", "SCRAM-SHA-512"),
        ("SASL_PLAINTEXT", "OAUTHBEARER"),
        ("SASL_PLAINTEXT", "GSSAPI"),
    ] {
        let base = Properties::from([
            ("bootstrap.servers", "a:9092"),
            ("default.api.timeout.ms", "1000"),
            ("sasl.mechanism", mechanism),
            ("sasl.username", "alice"),
            ("security.protocol", protocol),
        ]);
        for shape in SHAPES {
            for definition in secrets() {
                let mut alone = base.clone();
                alone.set(definition.name(), *shape);
                try_all(&alone, &said).await;
            }
            for prefix in ["ssl.", ""] {
                let mut together = base.clone();
                let named = secrets().filter(|definition| definition.name().starts_with(prefix));
                together.extend(named.map(|definition| (definition.name(), *shape)));
                together.set("my.own.secret", *shape);
                try_all(&together, &said).await;
            }
        }
    }
    let text = said.text();
    let shown: Vec<&str> = text.lines().filter(|line| line.contains(SECRET)).take(3).collect();
    assert!(shown.is_empty(), "{shown:#?}");
    for proof in ["******", "SASL_AUTHENTICATION_FAILED", "ssl.truststore.certificates", "DEBUG"] {
        assert!(text.contains(proof), "nothing was said of {proof}");
    }
}
