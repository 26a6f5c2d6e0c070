//! What a broker may say while a client authenticates.

use super::memory::own_codec;
use crate::{
    SaltedPassword, SaslCredentials, SaslExchange, SaslExtensions, SaslMechanism, SaslStep,
};

/// An exchange of any mechanism with challenges of any kind, one in each line, ends or goes on, and
/// asks for no more work than is bearable. The first byte chooses the mechanism.
pub fn fuzz_sasl(data: &[u8]) {
    let Some((&choice, challenges)) = data.split_first() else { return };
    let mechanism = MECHANISMS[usize::from(choice) % MECHANISMS.len()];
    let begun = SaslExchange::begin(mechanism, credentials(mechanism), "nonce");
    let Ok((mut exchange, _)) = begun else { panic!("{mechanism} takes these credentials") };
    own_codec(data.len(), || {
        for challenge in challenges.split(|byte| *byte == b'\n') {
            match exchange.handle_challenge(challenge) {
                Ok(SaslStep::Send(_)) => {}
                Ok(SaslStep::Done) => check_end(mechanism, challenge),
                Ok(SaslStep::Salt(_)) => {
                    // To salt a password takes longer than a fuzzer can wait.
                    let salted = SaltedPassword::unsalted(b"pencil");
                    let step = exchange.handle_salted_password(salted);
                    assert!(matches!(step, Ok(SaslStep::Send(_))), "what is asked for is taken");
                }
                Err(_) => return,
            }
        }
    });
}

/// With SCRAM the broker has to prove that it knows the password; the others ask for nothing.
fn check_end(mechanism: SaslMechanism, challenge: &[u8]) {
    let proves = challenge.starts_with(b"v=");
    match mechanism {
        SaslMechanism::ScramSha256 | SaslMechanism::ScramSha512 => assert!(proves, "{mechanism}"),
        _ => assert!(challenge.is_empty(), "nobody has proved anything with {mechanism}"),
    }
}

fn credentials(mechanism: SaslMechanism) -> SaslCredentials {
    match mechanism {
        SaslMechanism::OAuthBearer => SaslCredentials::Token {
            token: "token".to_owned(),
            extensions: SaslExtensions::default(),
        },
        _ => SaslCredentials::Password {
            username: "user".to_owned(),
            password: "pencil".to_owned(),
            is_delegation_token: false,
        },
    }
}

const MECHANISMS: [SaslMechanism; 4] = [
    SaslMechanism::Plain,
    SaslMechanism::ScramSha256,
    SaslMechanism::ScramSha512,
    SaslMechanism::OAuthBearer,
];
