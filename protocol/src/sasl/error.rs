//! What can go wrong in a SASL exchange on the client's side of it.

/// Why an exchange cannot go on. Never contains a credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaslError {
    /// The client's own credentials cannot be used.
    #[error("the credentials cannot be used: {0}")]
    Credentials(&'static str),
    /// The broker asks for too little or too much work.
    #[error("the broker asks for {0} iterations; between 4096 and 1000000 are accepted")]
    Iterations(u32),
    /// The broker sent something that is no message of the mechanism.
    #[error("the broker's message is malformed: {0}")]
    Malformed(&'static str),
    /// The broker's nonce does not continue the client's.
    #[error("the broker's nonce does not continue this client's; the messages were tampered with")]
    Nonce,
    /// The broker itself says that it failed.
    #[error("the broker refused: {0}")]
    Refused(String),
    /// The broker cannot prove that it knows the password.
    #[error(
        "the broker could not prove that it knows the password's verifier; it may not be the broker \
         it claims to be"
    )]
    ServerProof,
    /// A message that is not due.
    #[error("the broker's message was not expected")]
    Unexpected,
}
