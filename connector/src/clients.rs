//! [`Clients`]: the connections of a session, one for each way to reach a cluster.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use kavka_client::{Client, Properties};
use tokio::sync::OnceCell;

use crate::error::Error;

/// The connections of a session. Cheap to clone; clones share.
///
/// A connection is made when it is first needed, and tables whose connection properties are equal share one. They end
/// with the last clone.
#[derive(Clone, Default)]
pub struct Clients(Arc<Mutex<HashMap<Key, Arc<OnceCell<Client>>>>>);

/// Properties in the order of their names.
type Key = Vec<(String, String)>;

impl Clients {
    /// The client for these connection properties; connects if there is none yet.
    ///
    /// A failed attempt is forgotten, so that the next statement tries again.
    pub(crate) async fn connected(&self, connection: Properties) -> Result<Client, Error> {
        let cell = Arc::clone(self.lock().entry(key(&connection)).or_default());
        let client = cell.get_or_try_init(|| Client::connect(connection)).await;
        client.cloned().map_err(|error| Error::client("cannot connect to Kafka", error))
    }

    /// The client for these connection properties, if a connection was made.
    pub(crate) fn get(&self, connection: &Properties) -> Option<Client> {
        self.lock().get(&key(connection))?.get().cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Arc<OnceCell<Client>>>> {
        // The map is whole between any two operations on it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(connection: &Properties) -> Key {
    let mut key: Key =
        connection.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    key.sort();
    key
}

/// Says how many there are; properties hold secrets.
impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").field("clusters", &self.lock().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;
    use crate::error::ErrorKind;

    /// An address at which nobody listens.
    fn nobody() -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    }

    #[tokio::test]
    async fn a_cluster_that_is_away_is_named_and_tried_again_by_the_next_statement() {
        let (clients, address) = (Clients::default(), nobody());
        let connection = Properties::from([("bootstrap.servers", address.as_str())]);
        for _ in 0..2 {
            let error = clients.connected(connection.clone()).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.to_string().as_str()),
                (ErrorKind::Client, "cannot connect to Kafka")
            );
            let cause = error.source().unwrap().to_string();
            assert!(cause.contains(&address), "{cause}");
        }
        assert!(clients.get(&connection).is_none());
    }

    #[test]
    fn the_order_of_properties_does_not_make_another_connection() {
        let one = Properties::from([("bootstrap.servers", "a:1"), ("client.id", "x")]);
        let other = Properties::from([("client.id", "x"), ("bootstrap.servers", "a:1")]);
        assert_eq!(key(&one), key(&other));
    }
}
