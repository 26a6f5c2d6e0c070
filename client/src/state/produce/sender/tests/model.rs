//! A cluster reduced to what matters for producing: logs that recognise repetitions, connections
//! that keep order, and requests that arrive although their connection is gone.

use std::collections::{BTreeMap, VecDeque};

use kavka_protocol::{BrokerId, ErrorCode, RecordBatchHeader, TopicId};
use uuid::Uuid;

use super::{Answer, ProducePlan, by_id, lost, response, values};

/// The brokers 0, 1, …, any of which may lead a partition; all see the same logs.
pub(super) struct Cluster {
    /// The topic that has the name now; none in clusters without ids.
    pub(super) topic: Option<TopicId>,
    pub(super) logs: Vec<Log>,
    /// Of topics that had the name before: partition and log.
    pub(super) deleted: Vec<(usize, Log)>,
    pub(super) leaders: Vec<BrokerId>,
    /// Batches beyond this are too large.
    pub(super) max_message_bytes: usize,
    connections: BTreeMap<BrokerId, VecDeque<ProducePlan>>,
    /// What brokers have yet to read from connections that the producer has given up.
    ghosts: Vec<(BrokerId, VecDeque<ProducePlan>)>,
}

/// How a broker treats a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    Answered,
    /// Refused with this code without being looked at.
    Refused(ErrorCode),
    /// Written, and answered with this code all the same.
    WrittenAndRefused(ErrorCode),
    /// The connection ends; what was sent on it may still be read, later.
    Lost,
}

#[derive(Default)]
pub(super) struct Log {
    pub(super) records: Vec<String>,
    producers: BTreeMap<i64, Producer>,
}

struct Producer {
    epoch: i16,
    /// First and last sequence number and base offset of the last five batches.
    recent: VecDeque<(i32, i32, i64)>,
}

impl Cluster {
    pub(super) fn new(partitions: usize, brokers: i32) -> Self {
        let leaders = (0..partitions).zip((0..brokers).cycle()).map(|(_, broker)| BrokerId(broker));
        Self {
            topic: None,
            logs: (0..partitions).map(|_| Log::default()).collect(),
            deleted: Vec::new(),
            leaders: leaders.collect(),
            max_message_bytes: usize::MAX,
            connections: BTreeMap::new(),
            ghosts: Vec::new(),
        }
    }

    /// Deletes the topic and creates one of the same name.
    pub(super) fn recreate(&mut self) {
        let number = self.topic.map_or(0, |topic| topic.0.as_u128());
        self.topic = Some(TopicId(Uuid::from_u128(number + 1)));
        let logs = self.logs.iter_mut().map(std::mem::take);
        self.deleted.extend(logs.enumerate());
    }

    pub(super) fn submit(&mut self, plan: ProducePlan) {
        self.connections.entry(plan.broker).or_default().push_back(plan);
    }

    pub(super) fn busy(&self) -> Vec<BrokerId> {
        let busy = self.connections.iter().filter(|(_, waiting)| !waiting.is_empty());
        busy.map(|(broker, _)| *broker).collect()
    }

    /// Lets the broker treat its oldest request, and says which requests have ended how.
    pub(super) fn step(
        &mut self,
        broker: BrokerId,
        fate: Fate,
    ) -> Vec<(super::super::RequestNumber, Answer)> {
        let Some(waiting) = self.connections.get_mut(&broker) else {
            return Vec::new();
        };
        if matches!(fate, Fate::Lost) {
            let given_up = std::mem::take(waiting);
            let ended = given_up.iter().map(|plan| (plan.number, lost(true))).collect();
            self.ghosts.push((broker, given_up));
            return ended;
        }
        let Some(plan) = waiting.pop_front() else {
            return Vec::new();
        };
        let answer = self.treat(&plan, fate);
        vec![(plan.number, answer)]
    }

    /// Lets a broker read one more request from a connection that was given up.
    pub(super) fn haunt(&mut self, choice: usize) {
        if self.ghosts.is_empty() {
            return;
        }
        let choice = choice % self.ghosts.len();
        let plan = self.ghosts[choice].1.pop_front();
        match plan {
            Some(plan) => drop(self.treat(&plan, Fate::Answered)),
            None => drop(self.ghosts.swap_remove(choice)),
        }
    }

    /// The brokers read nothing more from connections that were given up.
    pub(super) fn exorcise(&mut self) {
        self.ghosts.clear();
    }

    fn treat(&mut self, plan: &ProducePlan, fate: Fate) -> Answer {
        let results = plan.batches.iter().map(|batch| {
            let (partition, wire) = (batch.topic_partition.partition, &batch.records);
            let place = usize::try_from(partition).unwrap();
            let result = match fate {
                Fate::Refused(code) => Err(code),
                _ if batch.topic_id.is_some_and(|asked| Some(asked) != self.topic) => {
                    Err(ErrorCode::UnknownTopicId)
                }
                _ if self.leaders[place] != plan.broker => Err(ErrorCode::NotLeaderOrFollower),
                _ if wire.len() > self.max_message_bytes => Err(ErrorCode::MessageTooLarge),
                _ => self.logs[place].append(wire),
            };
            match fate {
                Fate::WrittenAndRefused(code) => (partition, result.and(Err(code))),
                _ => (partition, result),
            }
        });
        let results = results.collect::<Vec<_>>();
        match plan.batches[0].topic_id {
            Some(id) => by_id(response(results), id.0),
            None => response(results),
        }
    }
}

impl Log {
    /// Appends a batch unless it is here already, with the checks of a real broker.
    fn append(&mut self, wire: &bytes::Bytes) -> Result<i64, ErrorCode> {
        let header = RecordBatchHeader::parse(wire).unwrap();
        let offset = i64::try_from(self.records.len()).unwrap();
        if let Some(id) = header.producer_id {
            let (first, epoch) =
                (header.base_sequence.unwrap().get(), header.producer_epoch.unwrap().0);
            let last = first + header.last_offset_delta;
            if let Some(found) = self.check(id.0, epoch, first, last)? {
                return Ok(found);
            }
            let producer =
                self.producers.entry(id.0).or_insert(Producer { epoch, recent: VecDeque::new() });
            if producer.epoch != epoch {
                *producer = Producer { epoch, recent: VecDeque::new() };
            }
            producer.recent.push_back((first, last, offset));
            if producer.recent.len() > 5 {
                producer.recent.pop_front();
            }
        }
        self.records.extend(values(wire));
        Ok(offset)
    }

    /// Where the batch is already, if it is.
    fn check(&self, id: i64, epoch: i16, first: i32, last: i32) -> Result<Option<i64>, ErrorCode> {
        // Of an unknown producer a broker accepts any sequence number.
        let Some(producer) = self.producers.get(&id) else {
            return Ok(None);
        };
        if epoch < producer.epoch {
            return Err(ErrorCode::InvalidProducerEpoch);
        }
        if epoch > producer.epoch {
            return if first == 0 { Ok(None) } else { Err(ErrorCode::OutOfOrderSequenceNumber) };
        }
        if let Some((.., offset)) =
            producer.recent.iter().find(|recent| (recent.0, recent.1) == (first, last))
        {
            return Ok(Some(*offset));
        }
        let newest = producer.recent.back().map_or(-1, |(_, last, _)| *last);
        if first == newest + 1 {
            return Ok(None);
        }
        Err(if last <= newest {
            ErrorCode::DuplicateSequenceNumber
        } else {
            ErrorCode::OutOfOrderSequenceNumber
        })
    }
}
