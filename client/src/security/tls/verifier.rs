//! [`Verifier`]: whether a broker's certificate is to be believed, by Java's rules.

use std::collections::HashSet;
use std::fmt;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use x509_parser::prelude::{FromDer, X509Certificate, X509Version};

use super::host_name;

/// Checks chains, dates and host names.
///
/// A certificate that is itself in the trust store needs no chain, whoever signed it and whether or
/// not it may sign others, as in Java; its dates and its name are looked at all the same.
pub(super) struct Verifier {
    trusted: HashSet<CertificateDer<'static>>,
    authorities: RootCertStore,
    /// The trust store in words.
    store: String,
    checks_host_name: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(super) fn new(
        trusted: Vec<CertificateDer<'static>>,
        store: String,
        checks_host_name: bool,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        let mut authorities = RootCertStore::empty();
        authorities.add_parsable_certificates(
            trusted.iter().filter(|certificate| may_sign_others(certificate)).cloned(),
        );
        let trusted = trusted.into_iter().collect();
        Self { trusted, authorities, store, checks_host_name, algorithms }
    }

    fn verify_chain(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        if self.trusted.contains(certificate) {
            return verify_dates(certificate, now);
        }
        let certificate = ParsedCertificate::try_from(certificate)?;
        let (authorities, algorithms) = (&self.authorities, self.algorithms.all);
        verify_server_cert_signed_by_trust_anchor(
            &certificate,
            authorities,
            intermediates,
            now,
            algorithms,
        )
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verify_chain(certificate, intermediates, now)?;
        if self.checks_host_name {
            host_name::verify(certificate, name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("store", &self.store)
            .field("checks_host_name", &self.checks_host_name)
            .finish_non_exhaustive()
    }
}

/// Whether what `certificate` signed may be believed: Java asks for the CA flag, which certificates
/// before version 3 could not carry.
fn may_sign_others(certificate: &CertificateDer<'_>) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return false };
    certificate.version != X509Version::V3 || certificate.is_ca()
}

fn verify_dates(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let (_, certificate) =
        X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let time = |seconds: i64| {
        let seconds = u64::try_from(seconds).unwrap_or_default();
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))
    };
    let not_after = certificate.validity().not_after.timestamp();
    if seconds > not_after {
        let not_after = time(not_after);
        return Err(CertificateError::ExpiredContext { time: now, not_after }.into());
    }
    let not_before = certificate.validity().not_before.timestamp();
    if seconds < not_before {
        let not_before = time(not_before);
        return Err(CertificateError::NotValidYetContext { time: now, not_before }.into());
    }
    Ok(())
}
