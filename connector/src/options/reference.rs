//! `${env:NAME}` and `${file:PATH:KEY}` in values (KIP-297), so that a statement need not hold a secret.

use std::borrow::Cow;

use kavka_client::Properties;

use crate::error::Error;

/// `value` with every reference in it replaced by what it refers to now.
///
/// # Errors
/// What is referred to does not exist. The text names `option` and the reference, never a value.
pub(crate) fn resolve<'v>(option: &str, value: &'v str) -> Result<Cow<'v, str>, Error> {
    let mut resolved = String::new();
    let mut rest = value;
    while let Some(reference) = next_reference(rest) {
        resolved.push_str(reference.before);
        resolved.push_str(&reference.target.read(option)?);
        rest = reference.after;
    }
    if rest.len() == value.len() {
        return Ok(Cow::Borrowed(value));
    }
    resolved.push_str(rest);
    Ok(Cow::Owned(resolved))
}

/// Whether `value` is one reference and nothing else.
pub(crate) fn is_reference(value: &str) -> bool {
    next_reference(value)
        .is_some_and(|reference| reference.before.is_empty() && reference.after.is_empty())
}

struct Reference<'v> {
    before: &'v str,
    target: Target<'v>,
    after: &'v str,
}

enum Target<'v> {
    Environment { name: &'v str },
    File { path: &'v str, key: &'v str },
}

/// Other `${…}`, such as a regular expression may hold, are not references.
fn next_reference(text: &str) -> Option<Reference<'_>> {
    text.match_indices("${").find_map(|(start, _)| {
        let (before, rest) = text.split_at_checked(start)?;
        let (inner, after) = rest.get(2..)?.split_once('}')?;
        let target = match inner.split_once(':')? {
            ("env", name) => Target::Environment { name },
            ("file", place) => {
                let (path, key) = place.rsplit_once(':')?;
                Target::File { path, key }
            }
            _ => return None,
        };
        Some(Reference { before, target, after })
    })
}

impl Target<'_> {
    fn read(&self, option: &str) -> Result<String, Error> {
        match self {
            Self::Environment { name } => std::env::var(name).map_err(|error| {
                Error::option(format!("cannot resolve ${{env:{name}}} in option '{option}'"))
                    .with_source(error)
            }),
            Self::File { path, key } => {
                let place = format!("cannot resolve ${{file:{path}:{key}}} in option '{option}'");
                let properties = Properties::from_file(path)
                    .map_err(|error| Error::option(place.as_str()).with_source(error))?;
                let value = properties.get(key).map(str::to_owned);
                value.ok_or_else(|| Error::option(format!("{place}: the file has no key '{key}'")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn references_are_replaced_and_other_text_is_kept() {
        let directory =
            std::env::temp_dir().join(format!("kavka-reference-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let file = directory.join("secrets.properties");
        std::fs::write(&file, "user = alice\npassword = a}b\n").unwrap();
        let path = file.display();
        let cargo = std::env::var("CARGO_MANIFEST_DIR").unwrap();
        for (text, expected) in [
            ("plain".to_owned(), "plain".to_owned()),
            ("${env:CARGO_MANIFEST_DIR}".to_owned(), cargo.clone()),
            (
                format!("u=\"${{file:{path}:user}}\" p=\"${{file:{path}:password}}\";"),
                "u=\"alice\" p=\"a}b\";".to_owned(),
            ),
            ("^a${1}$".to_owned(), "^a${1}$".to_owned()),
            ("${other:x}/${env:CARGO_MANIFEST_DIR}".to_owned(), format!("${{other:x}}/{cargo}")),
            ("${env:open".to_owned(), "${env:open".to_owned()),
        ] {
            assert_eq!(resolve("topic", &text).unwrap(), expected, "{text}");
        }
        let missing = resolve("topic", &format!("${{file:{path}:nothing}}")).unwrap_err();
        assert_eq!(
            missing.to_string(),
            format!(
                "cannot resolve ${{file:{path}:nothing}} in option 'topic': the file has no key 'nothing'"
            )
        );
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn what_does_not_exist_is_named() {
        let error =
            resolve("properties.ssl.key.password", "${env:KAVKA_NOT_SET_ANYWHERE}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot resolve ${env:KAVKA_NOT_SET_ANYWHERE} in option 'properties.ssl.key.password'"
        );
        assert!(error.source().is_some());
        let error = resolve("topic", "${file:/nowhere/at/all.properties:x}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot resolve ${file:/nowhere/at/all.properties:x} in option 'topic'"
        );
    }
}
