//! [`Login`]: the credentials of one client, for all of its connections.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use kavka_protocol::SaslCredentials;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Secret;
use crate::token::{Token, TokenProvider};

/// Where credentials come from, and the token in use.
pub(crate) struct Login {
    source: Source,
    /// Held while a provider is asked, so that the others wait for its answer.
    current: Mutex<Option<Current>>,
}

enum Source {
    Password { username: String, password: Secret, is_delegation_token: bool },
    Tokens { provider: Arc<dyn TokenProvider>, refresh_after: f64 },
}

struct Current {
    token: Token,
    usable_until: Instant,
}

impl Login {
    /// A user, or a delegation token.
    pub(crate) fn password(username: &str, password: Secret, is_delegation_token: bool) -> Self {
        let username = username.to_owned();
        Self::new(Source::Password { username, password, is_delegation_token })
    }

    /// Tokens of a provider, each used for `refresh_after` of its lifetime.
    pub(crate) fn tokens(provider: Arc<dyn TokenProvider>, refresh_after: f64) -> Self {
        Self::new(Source::Tokens { provider, refresh_after })
    }

    fn new(source: Source) -> Self {
        Self { source, current: Mutex::new(None) }
    }

    /// What a connection is to authenticate with now, or why there is nothing.
    pub(crate) async fn credentials(&self) -> Result<SaslCredentials, String> {
        match &self.source {
            Source::Password { username, password, is_delegation_token } => {
                Ok(SaslCredentials::Password {
                    username: username.clone(),
                    password: password.expose().to_owned(),
                    is_delegation_token: *is_delegation_token,
                })
            }
            Source::Tokens { provider, refresh_after } => {
                let token = self.token(&**provider, *refresh_after).await?;
                let (token, extensions) = (token.value, token.extensions);
                Ok(SaslCredentials::Token { token, extensions })
            }
        }
    }

    async fn token(
        &self,
        provider: &dyn TokenProvider,
        refresh_after: f64,
    ) -> Result<Token, String> {
        let mut current = self.current.lock().await;
        if let Some(Current { token, usable_until }) = &*current
            && Instant::now() < *usable_until
        {
            return Ok(token.clone());
        }
        let token = provider.token().await.map_err(|error| error.to_string())?;
        let lifetime = token.expires_at.map(|expiry| {
            expiry.duration_since(SystemTime::now()).unwrap_or_default().min(LONGEST)
        });
        *current = lifetime.map(|lifetime| {
            let usable_until = Instant::now() + lifetime.mul_f64(refresh_after);
            Current { token: token.clone(), usable_until }
        });
        Ok(token)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").finish_non_exhaustive()
    }
}

/// Tokens that live longer are asked for once a day all the same.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

#[cfg(test)]
mod tests {
    use std::error::Error as StdError;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::io::BoxFuture;

    /// Counts how often it is asked; its tokens live for 100 s, or without end.
    struct Counting {
        asked: AtomicUsize,
        expires: bool,
    }

    impl TokenProvider for Counting {
        fn token(&self) -> BoxFuture<'_, Result<Token, Box<dyn StdError + Send + Sync>>> {
            Box::pin(async {
                // The others come along while this one is on its way.
                tokio::task::yield_now().await;
                let token = Token::new(self.asked.fetch_add(1, Ordering::Relaxed).to_string());
                let expiry = SystemTime::now() + Duration::from_secs(100);
                Ok(if self.expires { token.with_expiry(expiry) } else { token })
            })
        }
    }

    async fn value(login: &Login) -> String {
        match login.credentials().await.unwrap() {
            SaslCredentials::Token { token, .. } => token,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn connections_share_a_token_until_four_fifths_of_its_life_have_passed() {
        let provider = Arc::new(Counting { asked: AtomicUsize::new(0), expires: true });
        let login = Login::tokens(provider, 0.8);
        assert_eq!(tokio::join!(value(&login), value(&login)), ("0".to_owned(), "0".to_owned()));
        tokio::time::advance(Duration::from_secs(79)).await;
        assert_eq!(value(&login).await, "0");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(value(&login).await, "1");
    }

    #[tokio::test]
    async fn a_token_without_an_expiry_is_used_once() {
        let provider = Arc::new(Counting { asked: AtomicUsize::new(0), expires: false });
        let login = Login::tokens(provider, 0.8);
        assert_eq!((value(&login).await, value(&login).await), ("0".to_owned(), "1".to_owned()));
    }
}
