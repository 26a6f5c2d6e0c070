//! Turns the partitions of topics and the two modes into splits with numbers for offsets.

use std::collections::HashMap;

use kavka_client::protocol::{BrokerId, Offset, TopicPartition};
use kavka_client::{ListedOffset, OffsetSpec};

use super::bounded::{BoundedMode, Stop};
use super::split::Split;
use super::startup::{Start, StartupMode};
use crate::error::{Error, ErrorKind};
use crate::options::table::{SCAN_BOUNDED_SPECIFIC_OFFSETS, SCAN_STARTUP_SPECIFIC_OFFSETS};

/// Finds out where each partition starts and stops.
///
/// Ask the cluster what `poll_lookup` wants and hand the answers to `handle_offsets` until there is nothing more to
/// ask; `splits` then has them all. Log ends are looked up before timestamps, so that a record written in between is
/// read rather than missed, and each kind of lookup covers all partitions at once.
#[derive(Debug)]
pub(crate) struct Enumerator {
    /// In ascending order.
    partitions: Vec<Partition>,
    phase: Phase,
}

/// Ends → Starts → Stops → Done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Ends,
    Starts,
    Stops,
    Done,
}

#[derive(Debug)]
struct Partition {
    topic_partition: TopicPartition,
    leader: Option<BrokerId>,
    start: Start,
    stop: Stop,
    answers: Answers,
}

/// What the cluster said; inside, `None` is "no such record".
#[derive(Debug, Default)]
struct Answers {
    end: Option<Offset>,
    start: Option<Offset>,
    stop: Option<Offset>,
}

/// A partition that there is, and who leads it.
pub(crate) type LedPartition = (TopicPartition, Option<BrokerId>);

/// What is to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subscription<'a> {
    pub(crate) startup: &'a StartupMode,
    pub(crate) bounded: &'a BoundedMode,
    pub(crate) group: Option<&'a str>,
}

impl Enumerator {
    /// Starts with all `partitions` of the topics. Offsets by partition are for those of a single topic.
    ///
    /// # Errors
    /// An option lists a partition that the topic does not have, or an offset that means nothing.
    pub(crate) fn new(
        subscription: Subscription<'_>,
        partitions: &[LedPartition],
    ) -> Result<Self, Error> {
        let Subscription { startup, bounded, group } = subscription;
        check_listed(SCAN_STARTUP_SPECIFIC_OFFSETS, startup.listed(), partitions)?;
        check_listed(SCAN_BOUNDED_SPECIFIC_OFFSETS, bounded.listed(), partitions)?;
        let mut read = Vec::new();
        for (topic_partition, leader) in partitions {
            let (topic, partition) = (&*topic_partition.topic, topic_partition.partition);
            let Some(stop) = bounded.stop(topic, partition, group)? else { continue };
            read.push(Partition {
                topic_partition: topic_partition.clone(),
                leader: *leader,
                start: startup.start(topic, partition, group)?,
                stop,
                answers: Answers::default(),
            });
        }
        read.sort_by(|one, other| one.topic_partition.cmp(&other.topic_partition));
        Ok(Self { partitions: read, phase: Phase::Ends })
    }

    /// What to ask the cluster next, all partitions in one vector; `None` when everything is known.
    pub(crate) fn poll_lookup(&self) -> Option<Vec<(TopicPartition, OffsetSpec)>> {
        let mut phase = self.phase;
        while phase != Phase::Done {
            let lookups: Vec<_> =
                self.partitions.iter().filter_map(|partition| partition.lookup(phase)).collect();
            if !lookups.is_empty() {
                return Some(lookups);
            }
            phase = phase.next();
        }
        None
    }

    /// Takes the answers to what `poll_lookup` asked last.
    ///
    /// # Errors
    /// A partition that was asked for is missing, or its log has no end or no beginning.
    pub(crate) fn handle_offsets(&mut self, answers: &[ListedOffset]) -> Result<(), Error> {
        while self.phase != Phase::Done
            && !self.partitions.iter().any(|one| one.lookup(self.phase).is_some())
        {
            self.phase = self.phase.next();
        }
        let answers: HashMap<_, _> =
            answers.iter().map(|answer| (&answer.topic_partition, answer.offset)).collect();
        for partition in &mut self.partitions {
            let Some((topic_partition, spec)) = partition.lookup(self.phase) else { continue };
            let answer = answers.get(&topic_partition).copied();
            let offset = answer.ok_or_else(|| unanswered(&topic_partition))?;
            if offset.is_none() && !matches!(spec, OffsetSpec::Timestamp(_)) {
                return Err(unanswered(&topic_partition));
            }
            match self.phase {
                Phase::Ends => partition.answers.end = offset,
                Phase::Starts => partition.answers.start = offset,
                Phase::Stops => partition.answers.stop = offset,
                Phase::Done => {}
            }
        }
        self.phase = self.phase.next();
        Ok(())
    }

    /// The splits, in the order of their partitions.
    pub(crate) fn splits(self) -> Vec<Split> {
        self.partitions.into_iter().map(Partition::split).collect()
    }
}

impl Phase {
    fn next(self) -> Self {
        match self {
            Self::Ends => Self::Starts,
            Self::Starts => Self::Stops,
            Self::Stops | Self::Done => Self::Done,
        }
    }
}

impl Partition {
    fn lookup(&self, phase: Phase) -> Option<(TopicPartition, OffsetSpec)> {
        let spec = match (phase, self.start, self.stop) {
            (Phase::Ends, Start::Latest | Start::Timestamp(_), _) => OffsetSpec::Latest,
            (Phase::Ends, _, Stop::Latest | Stop::Timestamp(_)) => OffsetSpec::Latest,
            (Phase::Starts, Start::Earliest, _) => OffsetSpec::Earliest,
            (Phase::Starts, Start::Timestamp(timestamp), _) => OffsetSpec::Timestamp(timestamp),
            (Phase::Stops, _, Stop::Timestamp(timestamp)) => OffsetSpec::Timestamp(timestamp),
            _ => return None,
        };
        Some((self.topic_partition.clone(), spec))
    }

    fn split(self) -> Split {
        let Answers { end, start, stop } = self.answers;
        let end = end.unwrap_or_default();
        Split {
            topic_partition: self.topic_partition,
            start: match self.start {
                Start::At(offset) => offset,
                Start::Earliest => start.unwrap_or_default(),
                Start::Latest => end,
                Start::Timestamp(_) => start.unwrap_or(end),
            },
            stop: match self.stop {
                Stop::At(offset) => Some(offset),
                Stop::Latest => Some(end),
                Stop::Never => None,
                Stop::Timestamp(_) => Some(stop.unwrap_or(end)),
            },
            leader: self.leader,
        }
    }
}

fn check_listed(
    option: &str,
    listed: impl Iterator<Item = i32>,
    partitions: &[LedPartition],
) -> Result<(), Error> {
    let existing: Vec<i32> = partitions.iter().map(|(one, _)| one.partition).collect();
    let topic = partitions.first().map_or("", |(one, _)| &one.topic);
    for partition in listed {
        if !existing.contains(&partition) {
            return Err(Error::option(format!(
                "Option '{option}' lists partition {partition}, which topic '{topic}' does not have. {}",
                partitions_text(&existing)
            )));
        }
    }
    Ok(())
}

fn partitions_text(existing: &[i32]) -> String {
    let is_dense = existing.iter().zip(0..).all(|(partition, expected)| *partition == expected);
    match existing {
        [] => "It has no partitions.".to_owned(),
        [only] => format!("Its only partition is {only}."),
        [.., last] if is_dense && existing.len() > 2 => format!("Its partitions are 0 to {last}."),
        _ => {
            let names: Vec<String> = existing.iter().map(i32::to_string).collect();
            format!("Its partitions are {}.", names.join(", "))
        }
    }
}

fn unanswered(topic_partition: &TopicPartition) -> Error {
    let message = format!("ListOffsets was answered without an offset for {topic_partition}");
    Error::new(ErrorKind::Client, message)
}

#[cfg(test)]
mod tests;
