//! `sasl.jaas.config`: one login module with its options, as Java reads it.
//!
//! Text that went through a language in which a backslash before a quote stays (SQL, for one) reads
//! the same: a value may stand between `\"` and `\"` as well.

use std::fmt;

use super::Secret;

/// What the text says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JaasConfig {
    /// The class, whatever package it was moved to.
    pub(crate) module: LoginModule,
    options: Vec<(String, Secret)>,
}

/// The login modules there are, by the last word of their class name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginModule {
    Kerberos,
    OAuthBearer,
    Plain,
    Scram,
}

/// Why the text cannot be read. Never contains a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JaasError {
    Empty,
    Flag,
    MissingEnd,
    MoreThanOne,
    NoValue(String),
    OpenQuote,
    UnknownModule(String),
}

impl JaasConfig {
    pub(crate) fn parse(text: &str) -> Result<Self, JaasError> {
        let mut tokens = Tokens { rest: text };
        let Some(Token::Word(class)) = tokens.next()? else { return Err(JaasError::Empty) };
        let module =
            LoginModule::of(&class).ok_or_else(|| JaasError::UnknownModule(class.clone()))?;
        match tokens.next()? {
            Some(Token::Word(flag)) if is_flag(&flag) => {}
            _ => return Err(JaasError::Flag),
        }
        let mut options = Vec::new();
        loop {
            match tokens.next()? {
                Some(Token::Word(key)) => {
                    let value = tokens.value(&key)?;
                    options.push((key, Secret::new(value)));
                }
                Some(Token::End) => break,
                Some(Token::Equals) => return Err(JaasError::NoValue(String::new())),
                None => return Err(JaasError::MissingEnd),
            }
        }
        match tokens.next()? {
            None => Ok(Self { module, options }),
            Some(_) => Err(JaasError::MoreThanOne),
        }
    }

    /// The value of an option, the last one if it is there more than once.
    pub(crate) fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().rfind(|(key, _)| key == name).map(|(_, value)| value.expose())
    }

    /// The options whose names begin with `prefix`, without it.
    pub(crate) fn with_prefix<'c>(
        &'c self,
        prefix: &'c str,
    ) -> impl Iterator<Item = (&'c str, &'c str)> {
        let options = self.options.iter();
        options.filter_map(move |(key, value)| Some((key.strip_prefix(prefix)?, value.expose())))
    }
}

impl LoginModule {
    /// Shaded jars put their own package in front.
    fn of(class: &str) -> Option<Self> {
        match class.rsplit(['.', '$']).next()? {
            "Krb5LoginModule" => Some(Self::Kerberos),
            "OAuthBearerLoginModule" => Some(Self::OAuthBearer),
            "PlainLoginModule" => Some(Self::Plain),
            "ScramLoginModule" => Some(Self::Scram),
            _ => None,
        }
    }
}

enum Token {
    End,
    Equals,
    Word(String),
}

struct Tokens<'t> {
    rest: &'t str,
}

impl Tokens<'_> {
    fn next(&mut self) -> Result<Option<Token>, JaasError> {
        self.skip_blanks_and_comments();
        let mut characters = self.rest.chars();
        let token = match characters.next() {
            None => return Ok(None),
            Some(';') => Token::End,
            Some('=') => Token::Equals,
            Some(quote @ ('"' | '\'')) => return self.quoted(1, quote, false).map(Some),
            Some('\\') if self.rest[1..].starts_with(['"', '\'']) => {
                let quote = characters.next().unwrap_or('"');
                return self.quoted(2, quote, true).map(Some);
            }
            Some(_) => return Ok(Some(self.word())),
        };
        self.rest = characters.as_str();
        Ok(Some(token))
    }

    /// What follows `key`: an equals sign and a word.
    fn value(&mut self, key: &str) -> Result<String, JaasError> {
        match (self.next()?, self.next()?) {
            (Some(Token::Equals), Some(Token::Word(value))) => Ok(value),
            _ => Err(JaasError::NoValue(key.to_owned())),
        }
    }

    fn word(&mut self) -> Token {
        let ends = |c: char| c.is_whitespace() || matches!(c, '=' | ';' | '"' | '\'');
        // At least one character, which no other token begins with.
        let end = self.rest.find(ends).unwrap_or(self.rest.len()).max(1);
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Token::Word(word.to_owned())
    }

    /// What is between quotes, the first of which takes `opening` bytes. Where a backslash stands
    /// before it, one stands before everything that has a meaning.
    fn quoted(
        &mut self,
        opening: usize,
        quote: char,
        is_escaped: bool,
    ) -> Result<Token, JaasError> {
        let mut characters = self.rest[opening..].chars();
        let mut next = || match (is_escaped, characters.next()) {
            (true, Some('\\')) => characters.next().map(|c| (c, characters.as_str())),
            (_, c) => c.map(|c| (c, characters.as_str())),
        };
        let mut value = String::new();
        loop {
            match next().ok_or(JaasError::OpenQuote)? {
                ('\\', _) => value.push(unescaped(next().ok_or(JaasError::OpenQuote)?.0)),
                (c, rest) if c == quote => {
                    self.rest = rest;
                    return Ok(Token::Word(value));
                }
                (c, _) => value.push(c),
            }
        }
    }

    fn skip_blanks_and_comments(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            let end = match self.rest.get(..2) {
                Some("//") => self.rest.find('\n'),
                Some("/*") => self.rest.find("*/").map(|at| at + 2),
                _ => return,
            };
            self.rest = &self.rest[end.unwrap_or(self.rest.len())..];
        }
    }
}

fn unescaped(character: char) -> char {
    match character {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        other => other,
    }
}

fn is_flag(word: &str) -> bool {
    ["required", "requisite", "sufficient", "optional"]
        .iter()
        .any(|flag| flag.eq_ignore_ascii_case(word))
}

/// Whether login modules have an option of this name; other words may be parts of a password.
fn is_option(word: &str) -> bool {
    ["username", "password", "tokenauth"].contains(&word)
        || word.starts_with("extension_")
        || word.starts_with("unsecuredLogin")
}

impl fmt::Display for JaasError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it names no login module"),
            Self::Flag => f.write_str(
                "one of required, requisite, sufficient, optional must follow the login module",
            ),
            Self::MissingEnd => f.write_str("the semicolon at its end is missing"),
            Self::MoreThanOne => {
                f.write_str("something follows its semicolon; one login module is allowed")
            }
            Self::NoValue(key) if key.is_empty() => f.write_str("an option has no name"),
            Self::NoValue(key) if is_option(key) => write!(f, "the option {key} has no value"),
            Self::NoValue(_) => {
                f.write_str("an option has no value; a value with blanks must be quoted")
            }
            Self::OpenQuote => f.write_str("a quote is not closed"),
            Self::UnknownModule(class) => {
                // Whoever writes the bare password here must not find it in a log.
                let named = if class.ends_with("Module") { class } else { "its first word" };
                write!(
                    f,
                    "{named} is no login module known here; there are PlainLoginModule, \
                     ScramLoginModule and OAuthBearerLoginModule"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(text: &str) -> Result<(LoginModule, Vec<(String, String)>), JaasError> {
        let config = JaasConfig::parse(text)?;
        let options = config.with_prefix("").map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        Ok((config.module, options))
    }

    #[test]
    fn javas_spellings_all_read_the_same() {
        for text in [
            r#"org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="it's \"x\"\\";"#,
            r#"org.apache.flink.kafka.shaded.org.apache.kafka.common.security.plain.PlainLoginModule REQUIRED username='alice' password='it\'s "x"\\' ;"#,
            "// who\nPlainLoginModule\n  sufficient /* it is */ username = alice\n\tpassword=\"it's \\\"x\\\"\\\\\"\n;\n",
            r#"PlainLoginModule optional username=\"alice\" password=\"it's \\\"x\\\"\\\\\";"#,
            r#"PlainLoginModule requisite username="alice" password=\"it's \\\"x\\\"\\\\\";"#,
        ] {
            let expected = [("username", "alice"), ("password", r#"it's "x"\"#)];
            let expected = expected.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec();
            assert_eq!(login(text), Ok((LoginModule::Plain, expected)), "{text}");
        }
    }

    #[test]
    fn modules_are_known_by_the_last_word_of_their_class() {
        for (class, module) in [
            ("a.b.ScramLoginModule", LoginModule::Scram),
            ("OAuthBearerLoginModule", LoginModule::OAuthBearer),
            ("com.sun.security.auth.module.Krb5LoginModule", LoginModule::Kerberos),
        ] {
            assert_eq!(login(&format!("{class} required;")), Ok((module, Vec::new())), "{class}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_a_value() {
        for (text, expected) in [
            ("", "it names no login module"),
            (
                "PlainLoginModule",
                "one of required, requisite, sufficient, optional must follow the login module",
            ),
            (
                "PlainLoginModule username=\"hunter2\";",
                "one of required, requisite, sufficient, optional must follow the login module",
            ),
            (
                "PlainLoginModule required username=\"hunter2\"",
                "the semicolon at its end is missing",
            ),
            ("PlainLoginModule required username \"hunter2\";", "the option username has no value"),
            ("PlainLoginModule required username=;", "the option username has no value"),
            ("PlainLoginModule required =hunter2;", "an option has no name"),
            (
                "PlainLoginModule required password=my hunter2;",
                "an option has no value; a value with blanks must be quoted",
            ),
            (
                "hunter2",
                "its first word is no login module known here; there are PlainLoginModule, ScramLoginModule and OAuthBearerLoginModule",
            ),
            ("PlainLoginModule required username=\"hunter2;", "a quote is not closed"),
            (
                "PlainLoginModule required; ScramLoginModule required;",
                "something follows its semicolon; one login module is allowed",
            ),
            (
                "MyModule required x=hunter2;",
                "MyModule is no login module known here; there are PlainLoginModule, ScramLoginModule and OAuthBearerLoginModule",
            ),
        ] {
            let text = JaasConfig::parse(text).unwrap_err().to_string();
            assert_eq!(text, expected);
            assert!(!text.contains("hunter2"));
        }
    }

    #[test]
    fn no_text_makes_it_panic() {
        let text = "a.PlainLoginModule required user=\"x\\\"é\" /* c */ p=\\'q\\'; // é";
        for (start, _) in text.char_indices() {
            for (end, _) in text.char_indices().filter(|(end, _)| *end >= start) {
                let _ = JaasConfig::parse(&text[start..end]);
            }
        }
    }

    #[test]
    fn values_are_not_shown() {
        let config = JaasConfig::parse("PlainLoginModule required password=hunter2;").unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
