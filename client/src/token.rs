//! Bearer tokens for OAUTHBEARER: where they come from.

use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;
use std::time::SystemTime;

use kavka_protocol::SaslExtensions;

use crate::error::{Error, ErrorKind, Result};
use crate::io::BoxFuture;

/// Gives out bearer tokens for the SASL mechanism OAUTHBEARER.
///
/// It is asked whenever a connection authenticates and the last token has no expiry, or has lived for
/// `sasl.login.refresh.window.factor` (80 %) of its time. All connections of a client share the token,
/// and only one of them asks at a time. Nothing has to be polled for it.
pub trait TokenProvider: Send + Sync {
    /// A token that is valid now. Limited by `socket.connection.setup.timeout.ms`, after which the
    /// future is dropped.
    fn token(&self) -> BoxFuture<'_, Result<Token, Box<dyn StdError + Send + Sync>>>;
}

/// One bearer token. `Debug` does not show it.
#[derive(Clone)]
pub struct Token {
    pub(crate) value: String,
    pub(crate) expires_at: Option<SystemTime>,
    pub(crate) extensions: SaslExtensions,
}

impl Token {
    /// A token in its compact form, as it is sent.
    pub fn new(value: impl Into<String>) -> Self {
        let (expires_at, extensions) = (None, SaslExtensions::default());
        Self { value: value.into(), expires_at, extensions }
    }

    /// Says until when it is valid, so that it is used more than once.
    pub fn with_expiry(mut self, at: SystemTime) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// Adds a pair that the broker gets along with the token (KIP-342): a name of Latin letters and a
    /// value of printable ASCII.
    pub fn with_extension(mut self, name: &str, value: &str) -> Result<Self> {
        self.extensions
            .add(name, value)
            .map_err(|error| Error::new(ErrorKind::InvalidArgument, error.to_string()))?;
        Ok(self)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Always the same token.
#[derive(Clone, Debug)]
pub struct StaticToken(Token);

impl StaticToken {
    /// Gives out `token`, whatever its expiry.
    pub fn new(token: Token) -> Self {
        Self(token)
    }
}

impl TokenProvider for StaticToken {
    fn token(&self) -> BoxFuture<'_, Result<Token, Box<dyn StdError + Send + Sync>>> {
        Box::pin(async { Ok(self.0.clone()) })
    }
}

/// The token in a file, which is read anew for every authentication: something else renews it.
#[derive(Clone, Debug)]
pub struct FileToken {
    path: PathBuf,
    pub(crate) extensions: SaslExtensions,
}

impl FileToken {
    /// Reads `path` when a token is needed; blanks around the token do not matter.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), extensions: SaslExtensions::default() }
    }
}

impl TokenProvider for FileToken {
    fn token(&self) -> BoxFuture<'_, Result<Token, Box<dyn StdError + Send + Sync>>> {
        Box::pin(async {
            let path = self.path.clone();
            let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(path)).await?;
            let text = read.map_err(|error| format!("{}: {error}", self.path.display()))?;
            let mut token = Token::new(text.trim());
            token.extensions = self.extensions.clone();
            Ok(token)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_read_anew_every_time_and_named_when_it_cannot_be() {
        let path = std::env::temp_dir().join(format!("kavka-token-{}", fastrand::u64(..)));
        let provider = FileToken::new(&path);
        let text = provider.token().await.unwrap_err().to_string();
        assert!(text.contains(&path.display().to_string()), "{text}");
        for token in ["a.b.c", "d.e.f"] {
            std::fs::write(&path, format!("{token}\n")).unwrap();
            assert_eq!(provider.token().await.unwrap().value, token);
        }
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_token_is_not_shown() {
        let token = Token::new("hunter2").with_extension("cluster", "x").unwrap();
        assert!(!format!("{token:?} {:?}", StaticToken::new(token.clone())).contains("hunter2"));
        assert_eq!(
            token.with_extension("auth", "x").unwrap_err().kind(),
            ErrorKind::InvalidArgument
        );
    }
}
