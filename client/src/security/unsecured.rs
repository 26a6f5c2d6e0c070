//! Tokens without a signature, as Java makes them from `OAuthBearerLoginModule` when nothing else is
//! configured: for tests.

use std::error::Error as StdError;
use std::fmt::Write;
use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kavka_protocol::SaslExtensions;

use super::jaas::JaasConfig;
use crate::io::BoxFuture;
use crate::token::{Token, TokenProvider};

/// Makes a token of the claims in a login module's options.
#[derive(Clone, Debug)]
pub(crate) struct UnsecuredTokens {
    /// All claims but the times, as JSON, each with a comma before it.
    claims: String,
    lifetime: Duration,
    extensions: SaslExtensions,
}

impl UnsecuredTokens {
    /// Reads the options `unsecuredLogin…`.
    pub(crate) fn from_jaas(config: &JaasConfig) -> Result<Self, String> {
        let mut claims = String::new();
        for (name, value) in config.with_prefix("unsecuredLoginStringClaim_") {
            add(&mut claims, name, &quoted(value))?;
        }
        for (name, value) in config.with_prefix("unsecuredLoginNumberClaim_") {
            let number = value.parse().ok().filter(|number: &f64| number.is_finite());
            let number = number.ok_or_else(|| format!("the claim {name} is no number"))?;
            add(&mut claims, name, &number.to_string())?;
        }
        for (name, value) in config.with_prefix("unsecuredLoginListClaim_") {
            add(&mut claims, name, &list(value))?;
        }
        let principal = config.option("unsecuredLoginPrincipalClaimName").unwrap_or("sub");
        let named = format!("unsecuredLoginStringClaim_{principal}");
        if config.option(&named).is_none_or(str::is_empty) {
            return Err(format!(
                "{named} is not set; without a token provider or a \
                 sasl.oauthbearer.token.endpoint.url it names the user of an unsigned token"
            ));
        }
        let lifetime = config.option("unsecuredLoginLifetimeSeconds").unwrap_or("3600");
        let lifetime = lifetime.parse().ok().filter(|seconds| *seconds <= LONGEST_LIFETIME);
        let lifetime = lifetime.map(Duration::from_secs).ok_or_else(|| {
            format!("unsecuredLoginLifetimeSeconds is no whole number up to {LONGEST_LIFETIME}")
        })?;
        let mut extensions = SaslExtensions::default();
        for (name, value) in config.with_prefix("unsecuredLoginExtension_") {
            extensions.add(name, value).map_err(|error| format!("{name}: {error}"))?;
        }
        Ok(Self { claims, lifetime, extensions })
    }

    fn make(&self, now: SystemTime) -> Token {
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let (issued, expires) = (since.as_secs_f64(), (since + self.lifetime).as_secs_f64());
        let claims = format!("{{\"exp\":{expires:.3},\"iat\":{issued:.3}{}}}", self.claims);
        let [header, claims] =
            ["{\"alg\":\"none\"}", &claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        let mut token = Token::new(format!("{header}.{claims}.")).with_expiry(now + self.lifetime);
        token.extensions = self.extensions.clone();
        token
    }
}

impl TokenProvider for UnsecuredTokens {
    fn token(&self) -> BoxFuture<'_, Result<Token, Box<dyn StdError + Send + Sync>>> {
        Box::pin(async { Ok(self.make(SystemTime::now())) })
    }
}

fn add(claims: &mut String, name: &str, json: &str) -> Result<(), String> {
    if name.is_empty() || matches!(name, "exp" | "iat") {
        return Err(format!("the claim {name} cannot be set; it is a time that is made up here"));
    }
    // Writing to a string does not fail.
    let _ = write!(claims, ",{}:{json}", quoted(name));
    Ok(())
}

/// The first character separates the items.
fn list(value: &str) -> String {
    let Some(separator) = value.chars().next() else { return "[]".to_owned() };
    let items = value[separator.len_utf8()..].split(separator).map(quoted);
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

fn quoted(text: &str) -> String {
    let mut json = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            control if control.is_control() => {
                let _ = write!(json, "\\u{:04x}", u32::from(control));
            }
            other => json.push(other),
        }
    }
    json.push('"');
    json
}

/// In seconds, a century: a token that never expires, and still a time that can be computed.
const LONGEST_LIFETIME: u64 = 100 * 365 * 24 * 3600;

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(options: &str) -> Result<UnsecuredTokens, String> {
        let text = format!("OAuthBearerLoginModule required {options};");
        UnsecuredTokens::from_jaas(&JaasConfig::parse(&text).unwrap())
    }

    #[test]
    fn claims_become_an_unsigned_token() {
        let made = tokens(
            r#"unsecuredLoginStringClaim_sub="al\"ice" unsecuredLoginNumberClaim_n=2.5
               unsecuredLoginListClaim_scope="|a|b" unsecuredLoginLifetimeSeconds=60
               unsecuredLoginExtension_traceId=7"#,
        );
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_500);
        let token = made.unwrap().make(now);
        let parts: Vec<&str> = token.value.split('.').collect();
        let json = |part| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        assert_eq!((parts.len(), parts[2]), (3, ""));
        assert_eq!(json(parts[0]), r#"{"alg":"none"}"#);
        assert_eq!(
            json(parts[1]),
            r#"{"exp":1700000060.500,"iat":1700000000.500,"sub":"al\"ice","n":2.5,"scope":["a","b"]}"#
        );
        assert_eq!(token.expires_at, Some(now + Duration::from_secs(60)));
        assert_ne!(token.extensions, SaslExtensions::default());
    }

    #[test]
    fn the_longest_lifetime_makes_a_token() {
        let options = format!(
            "unsecuredLoginStringClaim_sub=a unsecuredLoginLifetimeSeconds={LONGEST_LIFETIME}"
        );
        assert!(tokens(&options).unwrap().make(SystemTime::now()).expires_at.is_some());
    }

    #[test]
    fn options_that_make_no_token_are_named() {
        for (options, expected) in [
            ("", "unsecuredLoginStringClaim_sub is not set"),
            ("unsecuredLoginStringClaim_exp=1", "the claim exp cannot be set"),
            ("unsecuredLoginNumberClaim_n=x", "the claim n is no number"),
            (
                "unsecuredLoginStringClaim_sub=a unsecuredLoginLifetimeSeconds=x",
                "unsecuredLoginLifetimeSeconds",
            ),
            (
                "unsecuredLoginStringClaim_sub=a unsecuredLoginLifetimeSeconds=18446744073709551615",
                "unsecuredLoginLifetimeSeconds",
            ),
            ("unsecuredLoginNumberClaim_n=inf", "the claim n is no number"),
            ("unsecuredLoginNumberClaim_n=NaN", "the claim n is no number"),
            ("unsecuredLoginStringClaim_sub=a unsecuredLoginExtension_auth=x", "auth: "),
        ] {
            let problem = tokens(options).unwrap_err();
            assert!(problem.starts_with(expected), "{problem}");
        }
    }
}
