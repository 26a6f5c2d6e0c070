//! [`Network`]: requests to brokers, whichever of them is meant.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use kavka_protocol::messages::metadata_request::MetadataRequestTopic;
use kavka_protocol::messages::{MetadataRequest, MetadataResponse, TopicName};
use kavka_protocol::{
    ApiKey, BrokerId, ErrorCode, IsolationLevel, Request, StrBytes, decode_response, encode_request,
};

use crate::config::ClientConfig;
use crate::error::{Error, ErrorKind, Result};
use crate::io::{BoxFuture, Lane, PendingAnswer, Pool, Target, race};
use crate::metadata::MetadataCache;
use crate::state::connection::Outgoing;
use crate::state::metadata;
use crate::stats::MetadataCounts;
use crate::topic::Cluster;

/// The connections and what is known about the cluster behind them.
#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) metadata: Arc<MetadataCache>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) counts: Arc<MetadataCounts>,
}

impl Network {
    /// Queues a request to a broker at once.
    pub(crate) fn send(&self, broker: BrokerId, lane: Lane, request: Outgoing) -> PendingAnswer {
        self.pool.send(Target::Broker(broker), lane, request)
    }

    /// Makes one request; `build` gets the version it is sent in, and a broker that cannot speak
    /// `least_version` is told from one that can. It is queued at once, and is sent even if the future
    /// is dropped.
    pub(crate) fn call_at<R: Request, F>(
        &self,
        target: Target,
        lane: Lane,
        least_version: i16,
        build: F,
    ) -> impl Future<Output = Result<R::Response>> + Send + use<R, F>
    where
        F: FnOnce(i16) -> R + Send + 'static,
    {
        let sent = outgoing::<R>(self.config.request_timeout, build)
            .map(|request| self.pool.send(target, lane, request.needs_version(least_version)));
        async move {
            let sent = sent?;
            let place = sent.place();
            let answer = sent.await?;
            decode_response::<R>(answer.bytes, answer.version)
                .map_err(|error| place.on(Error::from(error)))
        }
    }

    /// Makes one request, which several brokers may carry out without harm, to any of them. One that is
    /// slow to answer is overtaken by the next.
    pub(crate) async fn call_any<R: Request + Clone + Send + 'static>(
        &self,
        request: &R,
    ) -> Result<R::Response> {
        self.first_answer(self.rounds(false), request, Ok).await.map_err(telling)
    }

    /// Asks for metadata; `None` means every topic. A broker that is slow to answer is overtaken by
    /// the next one. `anew` the addresses the client was given come first. Where one of them sends it
    /// back to these addresses, they are asked at once, as they are when no broker is known.
    pub(crate) async fn metadata(
        &self,
        topics: Option<Vec<Arc<str>>>,
        may_create: bool,
        anew: bool,
    ) -> Result<MetadataResponse> {
        let request = metadata_request(topics, may_create);
        let asked = self.metadata.cluster();
        let judge = match self.config.rebootstrap_after {
            Some(_) if !asked.brokers.is_empty() => usable_or_sent_back,
            _ => usable,
        };
        let answer = self.first_answer(self.rounds(anew), &request, judge).await;
        let response = answer.map_err(|failures| self.telling(failures))?;
        if !is_sent_back(response.error_code) {
            return Ok(self.adopt(response));
        }
        self.rebootstrap(&asked);
        let answer = self.metadata_from(self.rounds(false), &request).await;
        answer.map_err(|failures| self.telling(failures))
    }

    /// Asks for metadata round after round, until somebody answers.
    pub(crate) async fn metadata_from(
        &self,
        rounds: Vec<Vec<Target>>,
        request: &MetadataRequest,
    ) -> Result<MetadataResponse, Vec<(Target, Error)>> {
        Ok(self.adopt(self.first_answer(rounds, request, usable).await?))
    }

    /// Makes the brokers that `response` names those that requests go to.
    fn adopt(&self, response: MetadataResponse) -> MetadataResponse {
        self.pool.set_brokers(&metadata::cluster(&response).brokers);
        response
    }

    /// Forgets what was known of the cluster `asked`, and leaves its brokers: what is known is out of
    /// date, perhaps because they belong to another cluster by now (KIP-1102).
    fn rebootstrap(&self, asked: &Cluster) {
        if self.metadata.rebootstrap(asked) {
            tracing::info!("a broker sends the client back to bootstrap.servers");
            self.pool.set_brokers(&[]);
            self.pool.retire_bootstrap();
        }
    }

    /// The first answer that `judge` lets pass, or why nobody gave one. Within a round those who are
    /// slow to answer are overtaken; the next one begins when all of them have failed.
    async fn first_answer<R: Request + Clone + Send + 'static>(
        &self,
        rounds: Vec<Vec<Target>>,
        request: &R,
        judge: fn(R::Response) -> Result<R::Response>,
    ) -> Result<R::Response, Vec<(Target, Error)>> {
        let mut failures = Vec::new();
        for targets in rounds {
            let attempts = targets.into_iter().map(|target| -> BoxFuture<'_, _> {
                let request = request.clone();
                Box::pin(async move {
                    let answer = self.call_at(target, Lane::General, 0, move |_| request).await;
                    answer.and_then(judge).map_err(|error| (target, error))
                })
            });
            match race(attempts, HEAD_START).await {
                Ok(response) => return Ok(response),
                Err(failed) => failures.extend(failed),
            }
        }
        Err(failures)
    }

    /// Whom to ask: every broker in random order, and when all have failed the addresses the client was
    /// given, unless it is never to come back to them. `anew` these come first, since the known brokers
    /// may belong to a cluster that has moved away.
    fn rounds(&self, anew: bool) -> Vec<Vec<Target>> {
        let brokers = self.metadata.cluster().brokers;
        let mut brokers: Vec<_> = brokers.iter().map(|broker| Target::Broker(broker.id)).collect();
        fastrand::shuffle(&mut brokers);
        let bootstrap: Vec<_> = self.bootstrap_targets().collect();
        match self.config.rebootstrap_after {
            Some(_) if anew => vec![[bootstrap, brokers].concat()],
            None if !brokers.is_empty() => vec![brokers],
            _ => vec![brokers, bootstrap],
        }
    }

    /// The failure to be told, where it is addresses of `bootstrap.servers` that know of no better ones:
    /// who asks on will learn when they lead elsewhere.
    fn telling(&self, failures: Vec<(Target, Error)>) -> Error {
        let error = telling(failures);
        match error.kind() {
            ErrorKind::Broker(ErrorCode::RebootstrapRequired)
                if self.config.rebootstrap_after.is_some() =>
            {
                let message = "bootstrap.servers lead to brokers that send the client back to \
                               bootstrap.servers; let them lead to the cluster that is meant";
                Error::new(ErrorKind::Unreachable, message).with_source(error)
            }
            _ => error,
        }
    }

    pub(crate) fn bootstrap_targets(&self) -> impl Iterator<Item = Target> + use<> {
        (0..self.config.bootstrap_servers.len()).map(Target::Bootstrap)
    }
}

/// A request for metadata of `topics`, or of every topic.
pub(crate) fn metadata_request(
    topics: Option<impl IntoIterator<Item = Arc<str>>>,
    may_create: bool,
) -> MetadataRequest {
    let topics = topics.map(|topics| topics.into_iter().map(|topic| requested(&topic)).collect());
    MetadataRequest::default().with_topics(topics).with_allow_auto_topic_creation(may_create)
}

fn requested(topic: &str) -> MetadataRequestTopic {
    MetadataRequestTopic::default().with_name(Some(topic_name(topic)))
}

/// `topic` as generated messages hold it.
pub(crate) fn topic_name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

/// Groups by topic, and keeps the order that partitions are named in.
pub(crate) fn by_topic<T: Hash + Eq, P>(
    partitions: impl Iterator<Item = (T, P)>,
) -> IndexMap<T, Vec<P>> {
    let mut topics: IndexMap<T, Vec<P>> = IndexMap::new();
    for (topic, partition) in partitions {
        topics.entry(topic).or_default().push(partition);
    }
    topics
}

/// An isolation level as requests hold it.
pub(crate) fn wire_isolation(isolation: IsolationLevel) -> i8 {
    match isolation {
        IsolationLevel::ReadUncommitted => 0,
        IsolationLevel::ReadCommitted => 1,
    }
}

/// A duration as requests hold it.
pub(crate) fn wire_millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

/// An answer that describes the cluster; a broker that is just starting has none.
fn usable(response: MetadataResponse) -> Result<MetadataResponse> {
    if let Some(code) = ErrorCode::from_code(response.error_code) {
        return Err(Error::broker(code).with_api(ApiKey::Metadata));
    }
    if response.brokers.is_empty() {
        return Err(Error::new(ErrorKind::Unreachable, "the broker does not know its cluster yet"));
    }
    Ok(response)
}

/// A usable answer, or the word that the client has to start from its bootstrap addresses: one broker's
/// is enough.
fn usable_or_sent_back(response: MetadataResponse) -> Result<MetadataResponse> {
    if is_sent_back(response.error_code) {
        return Ok(response);
    }
    usable(response)
}

fn is_sent_back(code: i16) -> bool {
    code == ErrorCode::RebootstrapRequired.code()
}

fn outgoing<R: Request>(
    timeout: Duration,
    build: impl FnOnce(i16) -> R + Send + 'static,
) -> Result<Outgoing> {
    let api = ApiKey::try_from(R::KEY)
        .map_err(|()| Error::unsupported(format_args!("api key={}", R::KEY)))?;
    Ok(Outgoing::new(api, timeout, move |version, correlation, client_id| {
        encode_request(&build(version), version, correlation, client_id)
    }))
}

/// The one failure of several to be told: that one side does not believe who the other is, for that is
/// up to the user, or else one that may pass, for then asking again makes sense.
fn telling(failures: Vec<(Target, Error)>) -> Error {
    let rank = |error: &Error| (error.is_authentication(), error.is_retriable());
    let failures = failures.into_iter().map(|(_, error)| error);
    failures.max_by_key(rank).unwrap_or_else(no_broker)
}

fn no_broker() -> Error {
    Error::new(ErrorKind::Unreachable, "no broker is known")
}

/// How long a broker may be silent before another one is asked for the same.
const HEAD_START: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use kavka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse};

    use super::*;
    use crate::client::ClientBuilder;
    use crate::testing;

    /// Brokers `a` and `b`, of which only `spoken` says anything but who they are.
    async fn client(spoken: &'static str) -> crate::client::Client {
        let (pipes, listener) = testing::network();
        testing::serve(listener, move |endpoint, request| match request.api_key {
            ApiKey::Metadata => {
                let cluster = testing::metadata(&[(1, "a", 9092), (2, "b", 9092)]);
                Some(testing::reply::<MetadataRequest>(request, &cluster))
            }
            _ if &*endpoint.host != spoken => None,
            _ => {
                let named = InitProducerIdResponse::default().with_producer_id(7.into());
                Some(testing::reply::<InitProducerIdRequest>(request, &named))
            }
        });
        let builder = ClientBuilder::new([("bootstrap.servers", "a:9092")]).with_connect(pipes);
        builder.connect().await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_broker_is_overtaken_by_the_next() {
        for spoken in ["a", "b"].repeat(5) {
            let client = client(spoken).await;
            let started = tokio::time::Instant::now();
            let named = client.call_any(&InitProducerIdRequest::default()).await.unwrap();
            assert_eq!(named.producer_id.0, 7);
            assert!(started.elapsed() <= HEAD_START + Duration::from_millis(100), "{spoken}");
        }
    }

    #[test]
    fn of_several_failures_a_refusal_is_told_and_otherwise_what_may_pass() {
        let kinds = |kinds: &[ErrorKind]| {
            let errors = kinds.iter().map(|kind| Error::new(*kind, "no"));
            telling(errors.map(|error| (Target::Bootstrap(0), error)).collect()).kind()
        };
        let [refused, away, other] =
            [ErrorKind::Authentication, ErrorKind::Unreachable, ErrorKind::NotKafka];
        assert_eq!(kinds(&[refused, away, other]), refused);
        assert_eq!(kinds(&[other, away, other]), away);
        assert_eq!(kinds(&[other]), other);
        assert_eq!(kinds(&[]), ErrorKind::Unreachable);
    }

    #[tokio::test(start_paused = true)]
    async fn bootstrap_addresses_come_last_or_anew_first_and_known_brokers_are_never_left_out() {
        let client = client("a").await;
        let bootstrap = Target::Bootstrap(0);
        let [known, given] = client.network().rounds(false).try_into().unwrap();
        assert_eq!((known.len(), given), (2, vec![bootstrap]));
        let [all] = client.network().rounds(true).try_into().unwrap();
        assert_eq!((all.len(), all[0]), (3, bootstrap));
    }

    #[tokio::test(start_paused = true)]
    async fn brokers_that_are_slow_are_not_given_up_for_the_bootstrap_addresses() {
        let (pipes, listener) = testing::network();
        let hosts = Arc::new(std::sync::Mutex::new(Vec::new()));
        let asked = Arc::clone(&hosts);
        testing::serve(listener, move |endpoint, request| {
            let mut asked = asked.lock().unwrap();
            asked.push(endpoint.host.to_string());
            let cluster = testing::metadata(&[(1, "a", 9092), (2, "b", 9092)]);
            (asked.len() == 1).then(|| testing::reply::<MetadataRequest>(request, &cluster))
        });
        let builder = ClientBuilder::new([("bootstrap.servers", "x:9092")]).with_connect(pipes);
        let client = builder.connect().await.unwrap();
        client.metadata().request_refresh();
        tokio::time::sleep(Duration::from_secs(20)).await;
        let mut asked = hosts.lock().unwrap()[1..].to_vec();
        asked.sort_unstable();
        assert_eq!(asked, ["a", "b"]);
    }
}
