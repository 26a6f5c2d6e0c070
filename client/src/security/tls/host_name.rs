//! Whether a certificate is for the host that was connected to (RFC 2818, as Java's `HTTPS` rule).

use rustls::Error;
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// Looks at the alternative names, and where there is no DNS name among them, at the common name.
pub(super) fn verify(certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<(), Error> {
    let parsed = ParsedCertificate::try_from(certificate);
    let refused = match parsed.and_then(|parsed| verify_server_name(&parsed, name)) {
        Ok(()) => return Ok(()),
        Err(refused) => refused,
    };
    match (name, common_name(certificate)) {
        (ServerName::DnsName(host), Some(pattern)) if matches(&pattern, host.as_ref()) => Ok(()),
        _ => Err(refused),
    }
}

/// The common name, if it is what stands for the host.
fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let alternatives = certificate.subject_alternative_name().ok()?;
    let names_hosts = alternatives.is_some_and(|names| {
        names.value.general_names.iter().any(|name| matches!(name, GeneralName::DNSName(_)))
    });
    if names_hosts {
        return None;
    }
    let name = certificate.subject().iter_common_name().last()?;
    name.as_str().ok().map(str::to_owned)
}

/// A star stands for the whole first label and for nothing more.
fn matches(pattern: &str, host: &str) -> bool {
    let host = host.trim_end_matches('.');
    match pattern.strip_prefix("*.") {
        None => pattern.eq_ignore_ascii_case(host),
        Some(domain) => host.split_once('.').is_some_and(|(label, rest)| {
            !label.is_empty() && domain.contains('.') && rest.eq_ignore_ascii_case(domain)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_whole_label() {
        for (pattern, host, expected) in [
            ("localhost", "LOCALHOST", true),
            ("localhost", "localhost.example", false),
            ("*.example.com", "kafka.example.com", true),
            ("*.example.com", "a.kafka.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.com", "example.com", false),
            ("kafka*.example.com", "kafka1.example.com", false),
        ] {
            assert_eq!(matches(pattern, host), expected, "{pattern} {host}");
        }
    }
}
