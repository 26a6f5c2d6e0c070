//! ListOffsets: where partitions begin and end, and which offset belongs to a time.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use kavka_protocol::messages::list_offsets_request::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use kavka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsResponse,
};
use kavka_protocol::{ApiKey, BrokerId, ErrorCode, IsolationLevel, LeaderEpoch, TopicPartition};

use crate::client::{Client, wait_for_retry};
use crate::error::{Error, ErrorKind, Result};
use crate::io::{Lane, Target, now};
use crate::network::{topic_name, wire_millis};
use crate::state::metadata::{Interest, Leader};
use crate::topic::{ListedOffset, OffsetSpec};

impl Client {
    /// Asks the leaders of partitions for offsets: one request per leader, answers in the order
    /// asked.
    ///
    /// The end of a partition is its high watermark. Partitions whose leader moves are asked again
    /// until `default.api.timeout.ms`. Dropping the future gives up the answers.
    pub async fn list_offsets(
        &self,
        specs: &[(TopicPartition, OffsetSpec)],
    ) -> Result<Vec<ListedOffset>> {
        self.list_offsets_as_seen(specs, IsolationLevel::ReadUncommitted).await
    }

    /// Like `list_offsets`; under `read_committed` the end of a partition is its last stable offset.
    pub(crate) async fn list_offsets_as_seen(
        &self,
        specs: &[(TopicPartition, OffsetSpec)],
        isolation: IsolationLevel,
    ) -> Result<Vec<ListedOffset>> {
        self.within_api_timeout(ApiKey::ListOffsets, self.list_until_done(specs, isolation)).await
    }

    async fn list_until_done(
        &self,
        specs: &[(TopicPartition, OffsetSpec)],
        isolation: IsolationLevel,
    ) -> Result<Vec<ListedOffset>> {
        let deadline = now() + self.config().default_api_timeout;
        let mut backoff = self.backoff();
        let mut listed: Vec<Option<ListedOffset>> = vec![None; specs.len()];
        let mut open: Vec<usize> = (0..specs.len()).collect();
        while !open.is_empty() {
            let mut round =
                Round { client: self, specs, isolation, listed: &mut listed, failed: None };
            open = round.ask(&open, deadline).await?;
            if let Some(error) = round.failed {
                self.metadata().request_refresh();
                wait_for_retry(&mut backoff, deadline, error).await?;
            }
        }
        Ok(listed.into_iter().flatten().collect())
    }
}

/// Which of the specs, and the epoch of the leader that is asked about it.
type Place = (usize, Option<LeaderEpoch>);

/// One request to each leader.
struct Round<'r> {
    client: &'r Client,
    specs: &'r [(TopicPartition, OffsetSpec)],
    isolation: IsolationLevel,
    listed: &'r mut [Option<ListedOffset>],
    /// Why some must be asked again.
    failed: Option<Error>,
}

impl Round<'_> {
    /// Asks about the specs at `open` and returns those that must be asked again.
    async fn ask(&mut self, open: &[usize], deadline: Instant) -> Result<Vec<usize>> {
        let mut again = Vec::new();
        let mut requests = Vec::new();
        for ((leader, _), places) in self.by_leader(open, deadline, &mut again).await? {
            let (request, least_version) = self.request(&places);
            let target = Target::Broker(leader);
            let network = self.client.network();
            let answer = network.call_at(target, Lane::General, least_version, move |_| request);
            requests.push((leader, places, answer));
        }
        for (leader, places, answer) in requests {
            match answer.await {
                Ok(response) => again.extend(self.adopt(leader, &places, &response)?),
                Err(error) if error.is_retriable() => {
                    self.failed = Some(error);
                    again.extend(places.into_iter().map(|(at, _)| at));
                }
                Err(error) => return Err(error),
            }
        }
        again.sort_unstable();
        Ok(again)
    }

    /// Groups the specs by who leads their partition; those without a leader go to `again`. A broker
    /// refuses a request that names a partition twice: the second mention goes to another group.
    async fn by_leader(
        &mut self,
        open: &[usize],
        deadline: Instant,
        again: &mut Vec<usize>,
    ) -> Result<BTreeMap<(BrokerId, usize), Vec<Place>>> {
        let mut leaders: BTreeMap<(BrokerId, usize), Vec<Place>> = BTreeMap::new();
        let mut mentions: HashMap<&TopicPartition, usize> = HashMap::new();
        for at in open {
            let Some((tp, _)) = self.specs.get(*at) else { continue };
            match self.leader(tp, deadline).await? {
                Some(leader) => {
                    let mention = mentions.entry(tp).or_default();
                    let group = leaders.entry((leader.broker, *mention)).or_default();
                    group.push((*at, leader.epoch));
                    *mention += 1;
                }
                None => {
                    self.failed = Some(
                        Error::broker(ErrorCode::LeaderNotAvailable)
                            .with_api(ApiKey::ListOffsets)
                            .with_topic_partition(tp.clone()),
                    );
                    again.push(*at);
                }
            }
        }
        Ok(leaders)
    }

    async fn leader(&self, tp: &TopicPartition, deadline: Instant) -> Result<Option<Leader>> {
        let metadata = self.client.metadata();
        let known = metadata.wait_for_topic(&tp.topic, Interest::Read, deadline).await?;
        let topic = match known.partition(tp.partition) {
            Some(_) => known,
            // Partitions may have been added since the cluster was last asked.
            None => metadata.ask_again(&tp.topic, Interest::Read, deadline).await?,
        };
        match topic.partition(tp.partition) {
            Some(_) => Ok(metadata.leader(tp)),
            None => Err(unknown_partition(tp, topic.partitions.len())),
        }
    }

    /// The request for specs that share a leader, and the version it needs.
    fn request(&self, places: &[Place]) -> (ListOffsetsRequest, i16) {
        let mut topics: BTreeMap<&str, Vec<ListOffsetsPartition>> = BTreeMap::new();
        let mut least_version = if self.isolation == IsolationLevel::ReadCommitted { 2 } else { 0 };
        for (at, epoch) in places {
            let Some((tp, spec)) = self.specs.get(*at) else { continue };
            if *spec == OffsetSpec::MaxTimestamp {
                least_version = MAX_TIMESTAMP_VERSION;
            }
            let partition = ListOffsetsPartition::default()
                .with_partition_index(tp.partition)
                .with_current_leader_epoch(LeaderEpoch::to_wire(*epoch))
                .with_timestamp(wire_timestamp(*spec));
            topics.entry(&tp.topic).or_default().push(partition);
        }
        let topics = topics.into_iter().map(|(name, partitions)| {
            ListOffsetsTopic::default().with_name(topic_name(name)).with_partitions(partitions)
        });
        let request = ListOffsetsRequest::default()
            .with_replica_id((-1).into())
            .with_isolation_level(i8::from(self.isolation == IsolationLevel::ReadCommitted))
            .with_timeout_ms(wire_millis(self.client.config().request_timeout))
            .with_topics(topics.collect());
        (request, least_version)
    }

    /// Notes what a leader answered and returns the places to be asked again.
    fn adopt(
        &mut self,
        leader: BrokerId,
        places: &[Place],
        response: &ListOffsetsResponse,
    ) -> Result<Vec<usize>> {
        let answers = by_partition(response);
        let mut again = Vec::new();
        for (at, _) in places {
            let Some((tp, _)) = self.specs.get(*at) else { continue };
            let answer = answers.get(&(&*tp.topic, tp.partition));
            match listed_offset(tp, answer.copied()) {
                Ok(offset) => {
                    if let Some(listed) = self.listed.get_mut(*at) {
                        *listed = Some(offset);
                    }
                }
                Err(error) => {
                    let error = error.with_api(ApiKey::ListOffsets).with_broker(leader);
                    let error = error.with_topic_partition(tp.clone());
                    if !error.is_retriable() {
                        return Err(error);
                    }
                    self.failed = Some(error);
                    again.push(*at);
                }
            }
        }
        Ok(again)
    }
}

fn by_partition(
    response: &ListOffsetsResponse,
) -> HashMap<(&str, i32), &ListOffsetsPartitionResponse> {
    let topics = response.topics.iter();
    topics.flat_map(|t| t.partitions.iter().map(|p| ((&*t.name.0, p.partition_index), p))).collect()
}

fn listed_offset(
    tp: &TopicPartition,
    answer: Option<&ListOffsetsPartitionResponse>,
) -> Result<ListedOffset> {
    let Some(answer) = answer else {
        let message = "the broker said nothing about this partition";
        return Err(Error::new(ErrorKind::MalformedAnswer, message));
    };
    if let Some(code) = ErrorCode::from_code(answer.error_code) {
        return Err(Error::broker(code));
    }
    Ok(ListedOffset {
        topic_partition: tp.clone(),
        offset: Some(answer.offset).filter(|offset| *offset >= 0),
        timestamp: Some(answer.timestamp).filter(|timestamp| *timestamp >= 0),
        leader_epoch: LeaderEpoch::from_wire(answer.leader_epoch),
    })
}

fn unknown_partition(tp: &TopicPartition, count: usize) -> Error {
    let message = format!("the partition does not exist: topic {:?} has {count}", tp.topic);
    Error::new(ErrorKind::UnknownPartition, message)
        .with_api(ApiKey::ListOffsets)
        .with_topic_partition(tp.clone())
}

/// No record is older than the epoch, and negative numbers stand for other things.
fn wire_timestamp(spec: OffsetSpec) -> i64 {
    match spec {
        OffsetSpec::Earliest => -2,
        OffsetSpec::Latest => -1,
        OffsetSpec::Timestamp(timestamp) => timestamp.max(0),
        OffsetSpec::MaxTimestamp => -3,
    }
}

/// The first version that knows `OffsetSpec::MaxTimestamp` (KIP-734).
const MAX_TIMESTAMP_VERSION: i16 = 7;

#[cfg(test)]
mod tests;
