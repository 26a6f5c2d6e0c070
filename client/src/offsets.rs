//! ListOffsets: where partitions begin and end, and which offset belongs to a time.

pub(crate) mod wire;

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use kavka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};
use kavka_protocol::{ApiKey, BrokerId, ErrorCode, IsolationLevel, LeaderEpoch, TopicPartition};

use crate::client::{Client, wait_for_retry};
use crate::error::{Error, ErrorKind, Result};
use crate::io::{Lane, Target, now};
use crate::state::metadata::{Interest, Leader};
use crate::topic::{ListedOffset, OffsetSpec};
use wire::{Found, Question};

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
        self.within_api_timeout(ApiKey::ListOffsets, self.list_until_done(specs)).await
    }

    async fn list_until_done(
        &self,
        specs: &[(TopicPartition, OffsetSpec)],
    ) -> Result<Vec<ListedOffset>> {
        let deadline = now() + self.config().default_api_timeout;
        let mut backoff = self.backoff();
        let mut listed: Vec<Option<ListedOffset>> = vec![None; specs.len()];
        let mut open: Vec<usize> = (0..specs.len()).collect();
        while !open.is_empty() {
            let mut round = Round { client: self, specs, listed: &mut listed, failed: None };
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
        let topics = open.iter().filter_map(|at| self.specs.get(*at)).map(|(tp, _)| &*tp.topic);
        self.client.metadata().track_all(topics, Interest::Read);
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
        let questions = places.iter().filter_map(|(at, leader_epoch)| {
            let (topic_partition, spec) = self.specs.get(*at)?;
            Some(Question { topic_partition, leader_epoch: *leader_epoch, spec: *spec })
        });
        let timeout = self.client.config().request_timeout;
        wire::request(questions, IsolationLevel::ReadUncommitted, timeout)
    }

    /// Notes what a leader answered and returns the places to be asked again.
    fn adopt(
        &mut self,
        leader: BrokerId,
        places: &[Place],
        response: &ListOffsetsResponse,
    ) -> Result<Vec<usize>> {
        let answers: HashMap<(&str, i32), Result<Found, ErrorCode>> = wire::answers(response)
            .map(|answer| ((answer.topic, answer.partition), answer.found))
            .collect();
        let mut again = Vec::new();
        for (at, _) in places {
            let Some((tp, _)) = self.specs.get(*at) else { continue };
            let answer = answers.get(&(&*tp.topic, tp.partition));
            match listed_offset(tp, answer) {
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

fn listed_offset(
    tp: &TopicPartition,
    answer: Option<&Result<Found, ErrorCode>>,
) -> Result<ListedOffset> {
    match answer {
        Some(Ok(Found { offset, timestamp, leader_epoch })) => Ok(ListedOffset {
            topic_partition: tp.clone(),
            offset: *offset,
            timestamp: *timestamp,
            leader_epoch: *leader_epoch,
        }),
        Some(Err(code)) => Err(Error::broker(*code)),
        None => {
            let message = "the broker said nothing about this partition";
            Err(Error::new(ErrorKind::MalformedAnswer, message))
        }
    }
}

fn unknown_partition(tp: &TopicPartition, count: usize) -> Error {
    let message = format!("the partition does not exist: topic {:?} has {count}", tp.topic);
    Error::new(ErrorKind::UnknownPartition, message)
        .with_api(ApiKey::ListOffsets)
        .with_topic_partition(tp.clone())
}

#[cfg(test)]
mod tests;
