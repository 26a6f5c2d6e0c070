//! What everything that talks to a cluster needs to know.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Properties;
use super::keys;
use super::property::Role;
use super::resolve::Resolver;
use super::security::SecurityConfig;
use crate::error::Result;
use crate::token::TokenProvider;

/// The resolved form of the properties of [`Role::Client`].
#[derive(Clone, Debug)]
pub(crate) struct ClientConfig {
    pub(crate) bootstrap_servers: Vec<Endpoint>,
    pub(crate) client_id: String,
    pub(crate) allow_auto_create_topics: bool,
    pub(crate) connections_max_idle: Duration,
    pub(crate) default_api_timeout: Duration,
    pub(crate) metadata_max_age: Duration,
    pub(crate) metadata_max_idle: Duration,
    pub(crate) rebootstrap_after: Option<Duration>,
    pub(crate) reconnect_backoff: Duration,
    pub(crate) reconnect_backoff_max: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) retry_backoff: Duration,
    pub(crate) retry_backoff_max: Duration,
    pub(crate) receive_buffer: Option<u32>,
    pub(crate) send_buffer: Option<u32>,
    pub(crate) connection_setup_timeout: Duration,
    pub(crate) connection_setup_timeout_max: Duration,
    pub(crate) security: SecurityConfig,
}

/// Where a broker listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Host name or address; an IPv6 address is without its brackets.
    pub host: Arc<str>,
    /// TCP port.
    pub port: u16,
}

impl ClientConfig {
    #[cfg(test)]
    pub(crate) fn resolve(properties: &Properties) -> Result<Self> {
        Self::resolve_with(properties, None)
    }

    /// Reads `properties`; `tokens` is what the application gives out bearer tokens with.
    pub(crate) fn resolve_with(
        properties: &Properties,
        tokens: Option<Arc<dyn TokenProvider>>,
    ) -> Result<Self> {
        let mut from = Resolver::new(properties, Role::Client);
        let config = Self {
            bootstrap_servers: bootstrap_servers(&mut from),
            client_id: client_id(from.text(keys::CLIENT_ID)),
            allow_auto_create_topics: from.bool(keys::ALLOW_AUTO_CREATE_TOPICS),
            connections_max_idle: from.millis_or_never(keys::CONNECTIONS_MAX_IDLE_MS),
            default_api_timeout: from.millis(keys::DEFAULT_API_TIMEOUT_MS),
            metadata_max_age: from.millis(keys::METADATA_MAX_AGE_MS),
            metadata_max_idle: from.millis(keys::METADATA_MAX_IDLE_MS),
            rebootstrap_after: rebootstrap_after(&from),
            reconnect_backoff: from.millis(keys::RECONNECT_BACKOFF_MS),
            reconnect_backoff_max: from.millis(keys::RECONNECT_BACKOFF_MAX_MS),
            request_timeout: from.millis(keys::REQUEST_TIMEOUT_MS),
            retry_backoff: from.millis(keys::RETRY_BACKOFF_MS),
            retry_backoff_max: from.millis(keys::RETRY_BACKOFF_MAX_MS),
            receive_buffer: buffer_size(&from, keys::RECEIVE_BUFFER_BYTES),
            send_buffer: buffer_size(&from, keys::SEND_BUFFER_BYTES),
            connection_setup_timeout: from.millis(keys::SOCKET_CONNECTION_SETUP_TIMEOUT_MS),
            connection_setup_timeout_max: from.millis(keys::SOCKET_CONNECTION_SETUP_TIMEOUT_MAX_MS),
            security: SecurityConfig::resolve(&mut from, tokens),
        };
        from.finish(config)
    }
}

/// Brokers log and limit clients by their id, so that an empty one helps nobody.
fn client_id(set: &str) -> String {
    if set.is_empty() { "kavka" } else { set }.to_owned()
}

fn bootstrap_servers(from: &mut Resolver<'_>) -> Vec<Endpoint> {
    let addresses = from.list(keys::BOOTSTRAP_SERVERS);
    if addresses.is_empty() {
        from.problem("bootstrap.servers is not set: give at least one broker as host:port");
    }
    let mut endpoints: Vec<Endpoint> = Vec::with_capacity(addresses.len());
    for address in addresses {
        match Endpoint::parse(address) {
            Some(endpoint) if endpoints.contains(&endpoint) => {}
            Some(endpoint) => endpoints.push(endpoint),
            None => from.problem(format!("bootstrap.servers={address}: expected host:port")),
        }
    }
    endpoints
}

fn rebootstrap_after(from: &Resolver<'_>) -> Option<Duration> {
    let wanted = from.text(keys::METADATA_RECOVERY_STRATEGY).eq_ignore_ascii_case("rebootstrap");
    wanted.then(|| from.millis(keys::METADATA_RECOVERY_REBOOTSTRAP_TRIGGER_MS))
}

fn buffer_size(from: &Resolver<'_>, name: &str) -> Option<u32> {
    u32::try_from(from.int::<i64>(name)).ok()
}

impl Endpoint {
    pub(crate) fn new(host: impl Into<Arc<str>>, port: u16) -> Self {
        Self { host: host.into(), port }
    }

    /// Reads `host:port` or `[v6]:port`, with a listener's name (`PLAINTEXT://`) allowed in front.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.split_once("://").map_or(text, |(_, address)| address);
        let (host, port) = text.rsplit_once(':')?;
        let host = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']')?,
            None => Some(host).filter(|host| !host.contains(':'))?,
        };
        let port = port.parse().ok().filter(|port| *port != 0)?;
        (!host.is_empty()).then(|| Self::new(host, port))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn addresses_are_read_as_kafka_reads_them() {
        for (text, expected) in [
            ("localhost:9092", Some(Endpoint::new("localhost", 9092))),
            ("PLAINTEXT://a.b:1", Some(Endpoint::new("a.b", 1))),
            ("[::1]:9092", Some(Endpoint::new("::1", 9092))),
            ("::1:9092", None),
            ("localhost", None),
            (":9092", None),
            ("localhost:0", None),
            ("localhost:65536", None),
        ] {
            assert_eq!(Endpoint::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn an_ipv6_address_is_shown_as_it_is_written() {
        assert_eq!(Endpoint::new("::1", 9092).to_string(), "[::1]:9092");
    }

    #[test]
    fn all_problems_are_reported_together() {
        let properties =
            Properties::from([("request.timeout.ms", "soon"), ("bootstrap.servers", "a")]);
        let error = ClientConfig::resolve(&properties).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(text.starts_with("2 problems"), "{text}");
        assert!(text.contains("request.timeout.ms=soon: expected a whole number"), "{text}");
        assert!(text.contains("bootstrap.servers=a: expected host:port"), "{text}");
    }

    #[test]
    fn a_connection_may_be_idle_for_ever() {
        let resolve = |idle| {
            let properties =
                Properties::from([("bootstrap.servers", "a:1"), ("connections.max.idle.ms", idle)]);
            ClientConfig::resolve(&properties).map(|config| config.connections_max_idle)
        };
        assert_eq!(resolve("1000").unwrap(), Duration::from_secs(1));
        let century = resolve("-1").unwrap();
        assert!(std::time::Instant::now() + century > std::time::Instant::now());
        assert!(century > Duration::from_secs(50 * 365 * 24 * 3600));
        assert!(resolve("-2").is_err());
    }

    #[test]
    fn what_is_not_built_is_refused_by_name_and_value() {
        for (name, value, expected) in [
            ("ssl.engine.factory.class", "x.Y", Some("unsupported: ssl.engine.factory.class=x.Y")),
            ("ssl.provider", "", None),
            (
                "sasl.oauthbearer.client.credentials.client.secret",
                "hunter2",
                Some("unsupported: sasl.oauthbearer.client.credentials.client.secret=******"),
            ),
            (
                "sasl.kerberos.service.name",
                "kafka",
                Some("unsupported: sasl.kerberos.service.name=kafka"),
            ),
        ] {
            let properties = Properties::from([("bootstrap.servers", "a:1"), (name, value)]);
            let problem = ClientConfig::resolve(&properties).err();
            assert_eq!(problem.as_ref().map(|e| e.to_string()).as_deref(), expected, "{name}");
            assert!(problem.is_none_or(|error| error.kind() == ErrorKind::Unsupported));
        }
    }
}
