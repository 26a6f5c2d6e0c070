use std::path::Path;

use super::*;

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    std::fs::read(path).unwrap()
}

fn store(role: Role, name: &str, declared: StoreType, password: Option<&str>) -> StoreSettings {
    let location = format!("/etc/{name}");
    let password = password.map(Secret::new);
    StoreSettings { role, location, declared, password, key_password: None }
}

fn pem(name: &str) -> CertificateDer<'static> {
    pem::certificates(&fixture(name)).unwrap().remove(0)
}

/// The private key of the client in the form every store must give it back.
fn client_key() -> Vec<u8> {
    pem::private_key(&fixture("client-key.pem"), None).unwrap().unwrap().secret_der().to_vec()
}

fn check_key(name: &str, declared: StoreType, key_password: Option<&str>) {
    let mut settings = store(Role::Key, name, declared, Some("store-secret"));
    settings.key_password = key_password.map(Secret::new);
    let material = settings.key(&fixture(name)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(material.chain[0], pem("client.pem"), "{name}");
    assert_eq!(material.chain.get(1), Some(&pem("ca.pem")), "{name}");
    assert_eq!(material.chain.len(), 2, "{name}");
    assert_eq!(material.key.secret_der(), client_key(), "{name}");
}

#[test]
fn a_key_is_found_in_every_kind_of_store_with_its_chain() {
    check_key("client.p12", StoreType::Pkcs12, None);
    check_key("client-openssl.p12", StoreType::Pkcs12, None);
    check_key("client-legacy.p12", StoreType::Pkcs12, None);
    check_key("client.jks", StoreType::Jks, Some("key-secret"));
}

#[test]
fn without_a_password_of_its_own_a_key_is_opened_with_that_of_the_store() {
    check_key("client-one-password.jks", StoreType::Jks, None);
    let content = fixture("client.jks");
    let settings = store(Role::Key, "client.jks", StoreType::Jks, Some("store-secret"));
    assert_eq!(settings.key(&content).err().unwrap().problem, Problem::KeyPassword);
}

#[test]
fn a_store_declared_jks_that_is_pkcs12_is_read_and_the_other_way_round() {
    check_key("client.p12", StoreType::Jks, None);
    check_key("client-one-password.jks", StoreType::Pkcs12, None);
}

#[test]
fn trusted_certificates_are_found_in_every_kind_of_store() {
    for (name, declared, password) in [
        ("trust.jks", StoreType::Jks, Some("trust-secret")),
        ("trust.jks", StoreType::Jks, None),
        ("trust.p12", StoreType::Pkcs12, Some("trust-secret")),
        ("trust.p12", StoreType::Jks, Some("trust-secret")),
        ("trust-without-password.p12", StoreType::Pkcs12, None),
        ("trust-without-password.p12", StoreType::Pkcs12, Some("any")),
        ("ca.pem", StoreType::Pem, None),
    ] {
        let settings = store(Role::Trust, name, declared, password);
        let trusted = settings.trusted(&fixture(name)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(trusted, [pem("ca.pem")], "{name}");
    }
}

#[test]
fn a_key_store_taken_for_a_trust_store_vouches_for_its_own_certificate_and_needs_no_key_password() {
    for (name, declared) in [("client.jks", StoreType::Jks), ("client.p12", StoreType::Pkcs12)] {
        let settings = store(Role::Trust, name, declared, Some("store-secret"));
        let trusted = settings.trusted(&fixture(name)).unwrap();
        assert!(trusted.contains(&pem("client.pem")), "{name}");
    }
}

#[test]
fn encrypted_keys_in_pem_are_opened_with_the_key_password() {
    for name in ["client-key-encrypted.pem", "client-key-encrypted-des3.pem"] {
        let content = fixture(name);
        let key = pem::private_key(&content, Some("key-secret")).unwrap().unwrap();
        assert_eq!(key.secret_der(), client_key(), "{name}");
        assert_eq!(pem::private_key(&content, None).err(), Some(Problem::KeyPasswordMissing));
        assert_eq!(pem::private_key(&content, Some("no")).err(), Some(Problem::KeyPassword));
    }
    let sec1 = pem::private_key(&fixture("client-key-sec1.pem"), None).unwrap().unwrap();
    assert!(matches!(sec1, PrivateKeyDer::Sec1(_)));
    let old = pem::private_key(&fixture("client-key-encrypted-openssl.pem"), Some("key-secret"));
    assert!(matches!(old, Err(Problem::Unsupported(why)) if why.contains("openssl pkcs8 -topk8")));
}

#[test]
fn a_pem_file_holds_key_and_chain_in_any_order_and_texts_may_stand_on_one_line() {
    let (key, certificate) = (fixture("client-key.pem"), fixture("client.pem"));
    let settings = store(Role::Key, "client.pem", StoreType::Pem, None);
    for content in [[&key[..], &certificate].concat(), [&certificate[..], &key].concat()] {
        let material = settings.key(&content).unwrap();
        assert_eq!(material.chain, [pem("client.pem")]);
    }
    let one_line =
        |content: &[u8]| Secret::new(std::str::from_utf8(content).unwrap().replace('\n', " "));
    let material = key_in_text(&one_line(&certificate), &one_line(&key), None).unwrap();
    assert_eq!(material.key.secret_der(), client_key());
    assert_eq!(trusted_in_text(&one_line(&certificate)).unwrap(), [pem("client.pem")]);
}

#[test]
fn what_is_wrong_is_said_with_the_file_and_the_property() {
    for (role, name, declared, password, expected) in [
        (
            Role::Trust,
            "trust.jks",
            StoreType::Jks,
            Some("no"),
            "the key store was tampered with, or the password is wrong; check ssl.truststore.password",
        ),
        (
            Role::Trust,
            "trust.p12",
            StoreType::Pkcs12,
            Some("no"),
            "the key store was tampered with, or the password is wrong; check ssl.truststore.password",
        ),
        (
            Role::Key,
            "client-legacy.p12",
            StoreType::Pkcs12,
            Some("no"),
            "the key store was tampered with, or the password is wrong; check ssl.keystore.password",
        ),
        (
            Role::Trust,
            "trust.p12",
            StoreType::Pkcs12,
            None,
            "it is protected by a password; set ssl.truststore.password",
        ),
        (
            Role::Trust,
            "ca.pem",
            StoreType::Jks,
            None,
            "it is PEM, not JKS; set ssl.truststore.type=PEM",
        ),
        (
            Role::Key,
            "client.p12",
            StoreType::Pem,
            None,
            "it is PKCS12, not PEM; set ssl.keystore.type=PKCS12",
        ),
        (
            Role::Key,
            "trust.p12",
            StoreType::Pkcs12,
            Some("trust-secret"),
            "there is no private key with a certificate in it",
        ),
        (
            Role::Trust,
            "client-key.pem",
            StoreType::Pem,
            None,
            "there is no trusted certificate in it",
        ),
        (
            Role::Trust,
            "make.sh",
            StoreType::Jks,
            None,
            "it is neither PEM nor PKCS12 nor JKS; check the path",
        ),
        (
            Role::Trust,
            "trust.jceks",
            StoreType::Jks,
            None,
            "it is a JCEKS store, which is not read here; convert it with keytool -importkeystore -deststoretype PKCS12",
        ),
    ] {
        let settings = store(role, name, declared, password);
        let content = fixture(name);
        let error = match role {
            Role::Key => settings.key(&content).err(),
            Role::Trust => settings.trusted(&content).err(),
        };
        let text = error.unwrap_or_else(|| panic!("{name}")).to_string();
        assert_eq!(text, format!("{}.location=/etc/{name}: {expected}", role.prefix()));
    }
}

#[test]
fn a_missing_file_is_named() {
    let settings = store(Role::Trust, "no-such-file", StoreType::Jks, None);
    let text = read_file(&settings).unwrap_err().to_string();
    assert_eq!(
        text,
        "ssl.truststore.location=/etc/no-such-file: it cannot be read: entity not found"
    );
}

#[test]
fn what_has_no_end_is_no_store() {
    let settings = store(Role::Key, "zero", StoreType::Pem, None);
    let text = settings.error(up_to_limit(std::io::repeat(0)).unwrap_err()).to_string();
    assert!(text.contains("it has more than 16777216 bytes"), "{text}");
    assert_eq!(up_to_limit(&b"content"[..]).unwrap(), b"content");
}

#[test]
fn a_store_that_is_cut_short_is_an_error_at_every_length() {
    for (name, declared, password) in [
        ("client-one-password.jks", StoreType::Jks, None),
        ("trust.jks", StoreType::Jks, None),
        ("trust-without-password.p12", StoreType::Pkcs12, None),
    ] {
        let content = fixture(name);
        let settings = store(Role::Trust, name, declared, password);
        for length in 0..content.len() {
            assert!(settings.trusted(&content[..length]).is_err(), "{name} cut to {length}");
        }
    }
}

#[test]
fn a_store_with_a_wrong_byte_anywhere_is_read_or_refused_and_nothing_else() {
    for (name, declared, password, step) in [
        ("client-one-password.jks", StoreType::Jks, None, 1),
        ("client-one-password.jks", StoreType::Jks, Some("store-secret"), 1),
        ("trust-without-password.p12", StoreType::Pkcs12, None, 1),
        // The password's key takes a while to derive.
        ("client.p12", StoreType::Pkcs12, Some("store-secret"), 211),
        ("client-legacy.p12", StoreType::Pkcs12, Some("store-secret"), 211),
        ("client-key-encrypted.pem", StoreType::Pem, None, 3),
    ] {
        let content = fixture(name);
        for role in [Role::Trust, Role::Key] {
            let settings = store(role, name, declared, password);
            for at in (0..content.len()).step_by(step) {
                let mut damaged = content.clone();
                damaged[at] ^= 0x11;
                // Only a checksum could tell that a certificate is another one.
                let _ = settings.trusted(&damaged).map(drop);
                let _ = settings.key(&damaged).map(drop);
            }
        }
    }
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?}", store(Role::Key, "x", StoreType::Jks, Some("hunter2")));
    assert!(!shown.contains("hunter2"), "{shown}");
}
