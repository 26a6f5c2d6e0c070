//! Security: certificates and keys, TLS, and who the client is.

pub(crate) mod jaas;
mod login;
mod secret;
pub(crate) mod store;
pub(crate) mod tls;
pub(crate) mod unsecured;

pub(crate) use self::login::Login;
pub(crate) use self::secret::Secret;
