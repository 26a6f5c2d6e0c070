//! The server's half of SCRAM, written from RFC 5802 and independent of the client's.

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{digest, hmac, pbkdf2};

/// One exchange with a user whose password is known here.
pub(super) struct Scram {
    hash: (hmac::Algorithm, &'static digest::Algorithm),
    salted: Vec<u8>,
    said: String,
    nonce: String,
}

impl Scram {
    pub(super) fn new(mechanism: &str, password: &str) -> Self {
        let (hash, derive) = match mechanism {
            "SCRAM-SHA-256" => ((hmac::HMAC_SHA256, &digest::SHA256), pbkdf2::PBKDF2_HMAC_SHA256),
            _ => ((hmac::HMAC_SHA512, &digest::SHA512), pbkdf2::PBKDF2_HMAC_SHA512),
        };
        let mut salted = vec![0; hash.1.output_len()];
        let iterations = 4096.try_into().unwrap();
        pbkdf2::derive(derive, iterations, SALT, password.as_bytes(), &mut salted);
        Self { hash, salted, said: String::new(), nonce: String::new() }
    }

    /// The answer to the client's first message.
    pub(super) fn first(&mut self, message: &[u8]) -> String {
        let message = std::str::from_utf8(message).unwrap().strip_prefix("n,,").unwrap();
        let nonce = message.strip_prefix("n=alice,r=").unwrap();
        assert!(nonce.len() >= 24, "{nonce}");
        self.nonce = format!("{nonce}server");
        let answer = format!("r={},s={},i=4096", self.nonce, STANDARD.encode(SALT));
        self.said = format!("{message},{answer}");
        answer
    }

    /// The answer to the client's last message; `None` when its proof is wrong.
    pub(super) fn last(&mut self, message: &[u8]) -> Option<String> {
        let message = std::str::from_utf8(message).unwrap();
        let (message, proof) = message.rsplit_once(",p=").unwrap();
        assert_eq!(message, format!("c=biws,r={}", self.nonce));
        let said = format!("{},{message}", self.said);
        let client_key = self.sign(&self.salted, b"Client Key");
        let stored_key = digest::digest(self.hash.1, &client_key);
        let signature = self.sign(stored_key.as_ref(), said.as_bytes());
        let proof = STANDARD.decode(proof).unwrap();
        let shown: Vec<u8> = proof.iter().zip(signature).map(|(a, b)| a ^ b).collect();
        let server_key = self.sign(&self.salted, b"Server Key");
        let own = STANDARD.encode(self.sign(&server_key, said.as_bytes()));
        (shown == client_key).then(|| format!("v={own}"))
    }

    fn sign(&self, key: &[u8], data: &[u8]) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(self.hash.0, key), data).as_ref().to_vec()
    }
}

const SALT: &[u8] = b"salt of the earth";
