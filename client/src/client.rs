//! [`Client`]: the handle to one cluster, from which everything else is made.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kavka_protocol::messages::MetadataResponse;
use kavka_protocol::{ApiKey, BrokerId, ErrorCode, Request};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tracing::Instrument;

use crate::admin::Admin;
use crate::config::{ClientConfig, Properties, check_properties, is_strict};
use crate::consumer::Consumers;
use crate::error::{Error, ErrorKind, Result};
use crate::io::{Connect, Lane, PendingAnswer, Pool, Target, TcpConnect, now};
use crate::metadata::{MetadataCache, PROPAGATION, topic_error};
use crate::network::{Network, metadata_request};
use crate::security::tls::TlsConnect;
use crate::state::backoff::Backoff;
use crate::state::connection::Outgoing;
use crate::state::metadata::{MetadataSettings, topic_metadata};
use crate::stats::{self, ClientStats, MetadataCounts};
use crate::token::TokenProvider;
use crate::topic::TopicMetadata;
use crate::topic_pattern::TopicPattern;

/// A connection to one cluster; cheap to clone. The last clone to be dropped ends every connection
/// and task, without waiting for anything.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    network: Network,
    properties: Properties,
    consumers: Consumers,
    runtime: Handle,
    refresher: AbortHandle,
}

/// What can be set beside the properties of a [`Client`].
pub struct ClientBuilder {
    properties: Properties,
    connect: Option<Arc<dyn Connect>>,
    tokens: Option<Arc<dyn TokenProvider>>,
    tls: Option<Arc<rustls::ClientConfig>>,
}

impl Client {
    /// Reaches one of `bootstrap.servers` and learns of the cluster.
    ///
    /// Fails at once, naming every address, when none of them can be reached or none is a Kafka
    /// broker; brokers that stay silent are given `default.api.timeout.ms`. Must be called within a
    /// Tokio runtime. Dropping the future gives up and leaves nothing behind.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), kavka_client::Error> {
    /// use kavka_client::Client;
    /// let client = Client::connect([("bootstrap.servers", "localhost:9092")]).await?;
    /// println!("{} partitions", client.topic("orders").await?.partitions.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect(properties: impl Into<Properties>) -> Result<Self> {
        ClientBuilder::new(properties).connect().await
    }

    /// The properties it was made with.
    pub fn properties(&self) -> &Properties {
        &self.0.properties
    }

    /// What was done so far over the connections, those of producers and consumers included.
    pub fn stats(&self) -> ClientStats {
        let Network { pool, counts, .. } = &self.0.network;
        ClientStats {
            brokers: pool.stats(),
            metadata_refreshes: counts.refreshes.get(),
            metadata_failures: counts.failures.get(),
        }
    }

    /// Administration of the cluster.
    pub fn admin(&self) -> Admin {
        Admin::new(self.clone())
    }

    /// Asks the cluster about a topic. Never creates it; a topic that does not exist is an error
    /// that names it. Dropping the future gives up the answer.
    pub async fn topic(&self, topic: &str) -> Result<TopicMetadata> {
        self.ask_for_metadata(Some(&[topic]), |response| {
            self.metadata().handle_news(&response);
            described(&response, topic)
        })
        .await
    }

    /// Asks the cluster about every topic whose whole name matches, and describes them by name. None is no error.
    ///
    /// Kafka's internal topics are left out, as they are of subscriptions by pattern; [`Admin::list_topics`] has
    /// them. A topic that is about to be deleted is left out as well, one that cannot be described for another reason
    /// is an error that names it. Dropping the future gives up the answer.
    pub async fn topics(&self, pattern: &TopicPattern) -> Result<Vec<TopicMetadata>> {
        self.ask_for_metadata(None, |response| {
            self.metadata().handle_news(&response);
            matching(&response, pattern)
        })
        .await
    }

    /// The client's properties with `overrides` on top; names among these that nobody knows are
    /// reported as they are when connecting.
    pub(crate) fn with_overrides(&self, overrides: impl Into<Properties>) -> Result<Properties> {
        let overrides = overrides.into();
        let properties = overrides.merged_over(self.properties());
        warn_about(&overrides, is_strict(&properties))?;
        Ok(properties)
    }

    pub(crate) fn config(&self) -> &ClientConfig {
        &self.0.network.config
    }

    pub(crate) fn metadata(&self) -> &MetadataCache {
        &self.0.network.metadata
    }

    pub(crate) fn network(&self) -> &Network {
        &self.0.network
    }

    /// The consumers that share this client's prefetch budget.
    pub(crate) fn consumers(&self) -> &Consumers {
        &self.0.consumers
    }

    /// Where the tasks of consumers and producers run.
    pub(crate) fn runtime(&self) -> &Handle {
        &self.0.runtime
    }

    /// Queues a request at once: those for one broker and lane leave in the order of the calls.
    pub(crate) fn send_frame(&self, to: BrokerId, lane: Lane, request: Outgoing) -> PendingAnswer {
        self.0.network.send(to, lane, request)
    }

    /// Makes one request to any broker that can be reached.
    pub(crate) async fn call_any<R>(&self, request: &R) -> Result<R::Response>
    where
        R: Request + Clone + Send + 'static,
    {
        self.0.network.call_any(request).await
    }

    /// Waits between repetitions of one call.
    pub(crate) fn backoff(&self) -> Backoff {
        backoff(self.config())
    }

    /// Ends a call that is still waiting for an answer when its time is up.
    pub(crate) async fn within_api_timeout<T>(
        &self,
        api: ApiKey,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let limit = self.config().default_api_timeout;
        let span = tracing::debug_span!("call", ?api);
        let done = tokio::time::timeout(limit, call).instrument(span).await;
        done.unwrap_or_else(|_| Err(overdue(limit).with_api(api)))
    }

    /// Asks for metadata of `topics`, of all for `None`, until `read` makes something of the answer, the
    /// error is one that stays, or the time of one call is up.
    pub(crate) async fn ask_for_metadata<T>(
        &self,
        topics: Option<&[&str]>,
        read: impl Fn(MetadataResponse) -> Result<T>,
    ) -> Result<T> {
        let topics = || topics.map(|topics| topics.iter().map(|topic| Arc::from(*topic)).collect());
        let deadline = now() + self.config().default_api_timeout;
        let patience = now() + PROPAGATION;
        let mut backoff = self.backoff();
        let asking = async {
            loop {
                let response = self.network().metadata(topics(), false, false).await;
                let error = match response.and_then(&read) {
                    Ok(read) => return Ok(read),
                    Err(error) => error,
                };
                let limit = match error.kind() {
                    ErrorKind::UnknownTopic => patience.min(deadline),
                    _ if error.is_retriable() => deadline,
                    _ => return Err(error),
                };
                wait_for_retry(&mut backoff, limit, error).await?;
            }
        };
        self.within_api_timeout(ApiKey::Metadata, asking).await
    }
}

impl ClientBuilder {
    /// Starts from properties.
    pub fn new(properties: impl Into<Properties>) -> Self {
        Self { properties: properties.into(), connect: None, tokens: None, tls: None }
    }

    /// Authenticates with these tokens where `sasl.mechanism` is OAUTHBEARER.
    pub fn with_token_provider(mut self, provider: impl TokenProvider + 'static) -> Self {
        self.tokens = Some(Arc::new(provider));
        self
    }

    /// Speaks TLS as `config` says, whatever the properties `ssl.*` say, where `security.protocol`
    /// asks for TLS at all.
    pub fn with_tls(mut self, config: Arc<rustls::ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Makes connections in another way than over TCP; TLS goes on top of it.
    pub fn with_connect(mut self, connect: impl Connect + 'static) -> Self {
        self.connect = Some(Arc::new(connect));
        self
    }

    /// Reaches the cluster; see [`Client::connect`].
    pub async fn connect(self) -> Result<Client> {
        warn_about(&self.properties, is_strict(&self.properties))?;
        let config = Arc::new(ClientConfig::resolve_with(&self.properties, self.tokens)?);
        let connect = self.connect.unwrap_or_else(|| Arc::new(tcp(&config)));
        let runtime = Handle::try_current().map_err(|error| {
            Error::new(ErrorKind::InvalidArgument, "a client needs a Tokio runtime")
                .with_source(error)
        })?;
        let connect = secured(connect, &config, self.tls).await?;
        let seed = fastrand::u64(..);
        let metadata = Arc::new(MetadataCache::new(metadata_settings(&config), seed));
        let pool = Arc::new(Pool::new(&config, connect, runtime.clone(), seed));
        stats::describe();
        let counts = Arc::new(MetadataCounts::new(&config.client_id));
        let network = Network { config, metadata, pool, counts };
        bootstrap(&network).await?;
        let refreshing = network.clone();
        let refresher = runtime.spawn(async move {
            refreshing.metadata.keep_fresh(&refreshing).await;
        });
        let refresher = refresher.abort_handle();
        let properties = self.properties;
        let consumers = Consumers::default();
        Ok(Client(Arc::new(Inner { network, properties, consumers, runtime, refresher })))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.refresher.abort();
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("properties", &self.0.properties).finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("properties", &self.properties)
            .finish_non_exhaustive()
    }
}

fn backoff(config: &ClientConfig) -> Backoff {
    Backoff::new(config.retry_backoff, config.retry_backoff_max, fastrand::u64(..))
}

/// Logs what is strange about names, or refuses it.
fn warn_about(properties: &Properties, strict: bool) -> Result<()> {
    for warning in check_properties(properties, strict)? {
        tracing::warn!(%warning);
    }
    Ok(())
}

/// A call that took as long as it may.
pub(crate) fn overdue(limit: Duration) -> Error {
    let message = format!("not done within {} ms (default.api.timeout.ms)", limit.as_millis());
    Error::new(ErrorKind::Timeout, message)
}

/// Waits out the backoff after `error`, or gives `error` back if there would be no time left before `deadline`.
pub(crate) async fn wait_for_retry(
    backoff: &mut Backoff,
    deadline: Instant,
    error: Error,
) -> Result<()> {
    let again = now() + backoff.next();
    if again + TICK >= deadline {
        return Err(error);
    }
    tokio::time::sleep_until(again.into()).await;
    Ok(())
}

/// How coarse timers are: who sleeps until less than this before a deadline wakes up at the deadline.
const TICK: Duration = Duration::from_millis(1);

/// What `response` says about `topic`.
pub(crate) fn described(response: &MetadataResponse, topic: &str) -> Result<TopicMetadata> {
    let named = |name: &kavka_protocol::messages::TopicName| &*name.0 == topic;
    let Some(news) = response.topics.iter().find(|news| news.name.as_ref().is_some_and(named))
    else {
        return Err(Error::unknown_topic(topic));
    };
    match ErrorCode::from_code(news.error_code) {
        None => Ok(topic_metadata(topic, news)),
        Some(code) => Err(topic_error(topic, code)),
    }
}

/// What `response`, which is about all topics, says about those whose name matches `pattern`.
fn matching(response: &MetadataResponse, pattern: &TopicPattern) -> Result<Vec<TopicMetadata>> {
    let mut topics = Vec::new();
    for news in response.topics.iter().filter(|news| !news.is_internal) {
        let Some(name) = news.name.as_ref().filter(|name| pattern.matches(&name.0)) else {
            continue;
        };
        match ErrorCode::from_code(news.error_code) {
            None => topics.push(topic_metadata(&name.0, news)),
            Some(ErrorCode::UnknownTopicOrPartition) => {}
            Some(code) => return Err(topic_error(&name.0, code)),
        }
    }
    topics.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(topics)
}

/// Asks every bootstrap address until one answers. When all have failed and waiting cannot help, the
/// error names them all; silence is borne until `default.api.timeout.ms`.
async fn bootstrap(network: &Network) -> Result<()> {
    let limit = network.config.default_api_timeout;
    let mut backoff = backoff(&network.config);
    let mut failures = Vec::new();
    let reached = tokio::time::timeout(limit, async {
        loop {
            failures = match first_metadata(network).await {
                Ok(response) => return Some(response),
                Err(failures) => failures,
            };
            if failures.iter().all(|(_, error)| error.kind() != ErrorKind::Timeout) {
                return None;
            }
            tokio::time::sleep(backoff.next()).await;
        }
    })
    .await;
    match reached {
        Ok(Some(response)) => {
            network.metadata.handle_news(&response);
            network.pool.retire_bootstrap();
            Ok(())
        }
        Ok(None) => Err(unreachable(network, failures, None)),
        Err(_) => Err(unreachable(network, failures, Some(limit))),
    }
}

async fn first_metadata(network: &Network) -> Result<MetadataResponse, Vec<(Target, Error)>> {
    let request = metadata_request(Some([]), false);
    network.metadata_from(vec![network.bootstrap_targets().collect()], &request).await
}

/// Says of every address why it could not be used.
fn unreachable(
    network: &Network,
    failures: Vec<(Target, Error)>,
    limit: Option<Duration>,
) -> Error {
    let addresses = network.config.bootstrap_servers.iter();
    let reasons =
        addresses.zip(network.bootstrap_targets()).map(|(address, target)| {
            match failures.iter().find(|(failed, _)| *failed == target) {
                Some((_, error)) => reason(&address.to_string(), error),
                None => format!("{address} did not answer"),
            }
        });
    let reasons = reasons.collect::<Vec<_>>().join("; ");
    let first = failures.first().map(|(_, error)| error.kind());
    let same = failures.iter().all(|(_, error)| Some(error.kind()) == first);
    match limit {
        Some(limit) => {
            let limit = limit.as_millis();
            let message = format!("cannot reach a Kafka broker within {limit} ms: {reasons}");
            Error::new(ErrorKind::Timeout, message)
        }
        None => {
            let kind = first.filter(|_| same).unwrap_or(ErrorKind::Unreachable);
            let advice = match is_refusal(kind) {
                true => "",
                false => "; check bootstrap.servers and that the brokers are running",
            };
            Error::new(kind, format!("cannot reach a Kafka broker: {reasons}{advice}"))
        }
    }
}

/// Whether it is the brokers that do not want this client, or this client them.
fn is_refusal(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Authentication | ErrorKind::Broker(_))
}

/// Why one address could not be used, the address and the cause included.
fn reason(address: &str, error: &Error) -> String {
    let message = error.message();
    let place = if message.contains(address) { String::new() } else { format!("{address}: ") };
    match std::error::Error::source(error) {
        Some(cause) => format!("{place}{message}: {cause}"),
        None => format!("{place}{message}"),
    }
}

/// `connect` with TLS on top, if that is how brokers are talked to. The stores are read now.
async fn secured(
    connect: Arc<dyn Connect>,
    config: &ClientConfig,
    own: Option<Arc<rustls::ClientConfig>>,
) -> Result<Arc<dyn Connect>> {
    let Some(settings) = &config.security.tls else { return Ok(connect) };
    if let Some(own) = own {
        return Ok(Arc::new(TlsConnect::new(connect, own, "the application's TLS configuration")));
    }
    let store = settings.trust.to_string();
    let settings = settings.clone();
    let loaded = tokio::task::spawn_blocking(move || settings.load()).await;
    let loaded = loaded.map_err(|error| Error::closed("runtime").with_source(error))??;
    Ok(Arc::new(TlsConnect::new(connect, loaded, store)))
}

fn tcp(config: &ClientConfig) -> TcpConnect {
    TcpConnect { receive_buffer: config.receive_buffer, send_buffer: config.send_buffer }
}

fn metadata_settings(config: &ClientConfig) -> MetadataSettings {
    MetadataSettings {
        max_age: config.metadata_max_age,
        max_idle: config.metadata_max_idle,
        retry_backoff: config.retry_backoff,
        retry_backoff_max: config.retry_backoff_max,
        creates_topics: config.allow_auto_create_topics,
    }
}

#[cfg(all(test, any(feature = "tls-graviola", feature = "tls-ring")))]
mod secrecy_tests;
#[cfg(test)]
mod security_tests;
#[cfg(test)]
mod tests;
#[cfg(all(test, any(feature = "tls-graviola", feature = "tls-ring")))]
mod tls_tests;
