//! Encryption of the stand-ins: rustls with `ring`, and the certificate that the client's own tests use.

use std::{net::TcpStream, path::PathBuf, sync::Arc};

use kavka_client::rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::Result;

/// What connections are encrypted with.
pub(super) type Server = Arc<ServerConfig>;

/// The certificate whose holder clients are to trust.
pub(crate) fn authority() -> PathBuf {
    fixture("ca.pem")
}

/// The settings of a broker at 127.0.0.1.
pub(super) fn server() -> Result<Server> {
    let chain = vec![CertificateDer::from_pem_file(fixture("server.pem"))?];
    let key = PrivateKeyDer::from_pem_file(fixture("server-key.pem"))?;
    Ok(ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?.into())
}

/// The encrypted side of `stream`, whose handshake happens with the first request.
pub(super) fn accept(
    server: Server,
    stream: TcpStream,
) -> Result<StreamOwned<ServerConnection, TcpStream>> {
    Ok(StreamOwned::new(ServerConnection::new(server)?, stream))
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../client/fixtures").join(name)
}
