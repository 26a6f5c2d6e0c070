//! `kavka consume`: records of a topic on stdout, with kcat's letters.

use std::io::{self, BufWriter, StdoutLock, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use kavka_connector::client::protocol::{Decompressor, Offset, RecordView, TopicPartition};
use kavka_connector::client::{
    Client, Consumer, FetchedBatches, ListedOffset, OffsetSpec, Properties, StartOffset,
    TopicMetadata,
};

use crate::args::ConsumeArguments;
use crate::failure::Failure;
use crate::output::envelope::{self, Origin};
use crate::output::escape::unescape;
use crate::output::record_format::RecordFormat;
use crate::tell::tell;

pub(crate) async fn run(arguments: ConsumeArguments) -> Result<(), Failure> {
    let range = Range::parse(&arguments.offset).map_err(Failure::usage)?;
    let style = style(&arguments).map_err(Failure::usage)?;
    let properties = arguments.records.connection.required_properties()?;
    let consumer_properties = range.consumer_properties(&properties);
    let client = Client::connect(properties).await?;
    let topic = client.topic(&arguments.topic).await?;
    // kcat's -1 is any partition.
    let partitions = partitions(&topic, arguments.partition.filter(|only| *only >= 0))?;
    let starts = range.resolve_start(&client, &partitions).await?;
    let stops = range.resolve_stop(&client, &partitions, now()).await?;
    let mut consumer = client.consumer(consumer_properties)?;
    consumer.assign(partitions.iter().cloned().zip(starts));
    let printer = Printer {
        out: BufWriter::with_capacity(OUT_CAPACITY, io::stdout().lock()),
        style,
        unbuffered: arguments.unbuffered,
        left: arguments.records.count,
        stop_timestamp: range.stop_timestamp,
        decompressor: Decompressor::default(),
    };
    let mut session = Session {
        consumer,
        printer,
        open: partitions,
        stops,
        exit: arguments.exit,
        quiet: arguments.records.quiet,
    };
    tokio::select! {
        result = session.run() => result,
        stopped = tokio::signal::ctrl_c() => Ok(stopped?),
    }
}

/// Where kcat's `-o` says to start and stop.
#[derive(Debug, PartialEq)]
struct Range {
    start: Start,
    stop_timestamp: Option<i64>,
}

#[derive(Debug, PartialEq)]
enum Start {
    Beginning,
    End,
    At(Offset),
    BeforeEnd(Offset),
    Timestamp(i64),
}

impl Range {
    fn parse(offsets: &[String]) -> Result<Self, String> {
        let mut range = Self { start: Start::Beginning, stop_timestamp: None };
        for text in offsets {
            let invalid = || {
                format!(
                    "-o {text}: expected beginning, end, a number, -a number, s@TIMESTAMP or e@TIMESTAMP (ms)"
                )
            };
            let number =
                |digits: &str| digits.parse::<i64>().ok().filter(|n| *n >= 0).ok_or_else(invalid);
            match text.as_str() {
                "beginning" | "earliest" => range.start = Start::Beginning,
                "end" | "latest" => range.start = Start::End,
                "stored" => return Err("unsupported: -o stored (consumer groups)".into()),
                _ => {
                    match (text.strip_prefix("s@"), text.strip_prefix("e@"), text.strip_prefix('-'))
                    {
                        (Some(start), _, _) => range.start = Start::Timestamp(number(start)?),
                        (_, Some(stop), _) => range.stop_timestamp = Some(number(stop)?),
                        (_, _, Some(back)) => range.start = Start::BeforeEnd(number(back)?),
                        _ => range.start = Start::At(number(text)?),
                    }
                }
            }
        }
        Ok(range)
    }

    /// Where records are gone before they are read, reading goes on with the oldest there is, unless `given` says
    /// otherwise or only new records are wanted.
    fn consumer_properties(&self, given: &Properties) -> Properties {
        let mut properties = Properties::from([("enable.auto.commit", "false")]);
        if given.get(OFFSET_RESET).is_none() && self.start != Start::End {
            properties.set(OFFSET_RESET, "earliest");
        }
        properties
    }

    async fn resolve_start(
        &self,
        client: &Client,
        partitions: &[TopicPartition],
    ) -> Result<Vec<StartOffset>, Failure> {
        Ok(match self.start {
            Start::Beginning => vec![StartOffset::Earliest; partitions.len()],
            Start::End => vec![StartOffset::Latest; partitions.len()],
            // Where the user says what to do, the consumer does it.
            Start::At(offset) if client.properties().get(OFFSET_RESET).is_some() => {
                vec![StartOffset::At(offset); partitions.len()]
            }
            Start::At(offset) => {
                let (first, end) = bounds(client, partitions).await?;
                let starts = first.iter().zip(&end).map(|(first, end)| within(first, end, offset));
                starts.collect()
            }
            Start::Timestamp(timestamp) => {
                // The ends first: what is written in between lies behind them.
                let end = list(client, partitions, OffsetSpec::Latest).await?;
                let listed = list(client, partitions, OffsetSpec::Timestamp(timestamp)).await?;
                let starts = listed.iter().zip(&end).map(|(at, end)| at.offset.or(end.offset));
                starts.map(|start| start.map_or(StartOffset::Latest, StartOffset::At)).collect()
            }
            Start::BeforeEnd(count) => {
                let (first, end) = bounds(client, partitions).await?;
                let starts =
                    first.iter().zip(&end).map(|(first, end)| before_end(first, end, count));
                starts.collect()
            }
        })
    }

    /// For each partition the offset to stop at, exclusively: that of a time which is over. Until a time to come,
    /// records are read as they arrive.
    async fn resolve_stop(
        &self,
        client: &Client,
        partitions: &[TopicPartition],
        now: i64,
    ) -> Result<Vec<Option<Offset>>, Failure> {
        let Some(timestamp) = self.stop_timestamp.filter(|timestamp| *timestamp <= now) else {
            return Ok(vec![None; partitions.len()]);
        };
        let end = list(client, partitions, OffsetSpec::Latest).await?;
        let listed = list(client, partitions, OffsetSpec::Timestamp(timestamp)).await?;
        Ok(listed.iter().zip(&end).map(|(at, end)| at.offset.or(end.offset)).collect())
    }
}

/// Milliseconds since the epoch.
fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

/// The oldest offset of each partition, and its end.
async fn bounds(
    client: &Client,
    partitions: &[TopicPartition],
) -> Result<(Vec<ListedOffset>, Vec<ListedOffset>), Failure> {
    let first = list(client, partitions, OffsetSpec::Earliest).await?;
    let end = list(client, partitions, OffsetSpec::Latest).await?;
    Ok((first, end))
}

/// `offset` if the log has it, else the nearest that it has.
fn within(first: &ListedOffset, end: &ListedOffset, offset: Offset) -> StartOffset {
    let (first, end) = (first.offset.unwrap_or(0), end.offset.unwrap_or(Offset::MAX));
    StartOffset::At(offset.min(end).max(first))
}

fn before_end(first: &ListedOffset, end: &ListedOffset, count: Offset) -> StartOffset {
    let (first, end) = (first.offset.unwrap_or(0), end.offset.unwrap_or(0));
    StartOffset::At(end.saturating_sub(count).max(first))
}

async fn list(
    client: &Client,
    partitions: &[TopicPartition],
    spec: OffsetSpec,
) -> Result<Vec<ListedOffset>, Failure> {
    let specs: Vec<_> = partitions.iter().map(|tp| (tp.clone(), spec)).collect();
    Ok(client.list_offsets(&specs).await?)
}

fn partitions(topic: &TopicMetadata, only: Option<i32>) -> Result<Vec<TopicPartition>, Failure> {
    let all = topic.partitions.iter().map(|partition| partition.partition);
    let chosen: Vec<i32> =
        all.filter(|partition| only.is_none_or(|only| only == *partition)).collect();
    if let (Some(only), true) = (only, chosen.is_empty()) {
        let count = topic.partitions.len();
        return Err(Failure::failed(format!(
            "topic {} has no partition {only}: it has {count}, counted from 0",
            topic.name
        )));
    }
    Ok(chosen
        .into_iter()
        .map(|partition| TopicPartition::new(topic.name.clone(), partition))
        .collect())
}

/// How one record is printed.
enum Style {
    /// With what follows each.
    Envelope(Vec<u8>),
    Format(RecordFormat),
}

fn style(arguments: &ConsumeArguments) -> Result<Style, String> {
    if arguments.json {
        return Ok(Style::Envelope(unescape(&arguments.delimiter)));
    }
    let format = match &arguments.format {
        Some(format) => RecordFormat::parse(format, arguments.null)?,
        None => RecordFormat::plain(
            arguments.key_delimiter.as_deref(),
            &arguments.delimiter,
            arguments.null,
        ),
    };
    Ok(Style::Format(format))
}

/// One run of the command, from the first poll to the last record.
struct Session {
    consumer: Consumer,
    printer: Printer,
    /// Partitions still read, each with its stop at the same place in `stops`.
    open: Vec<TopicPartition>,
    stops: Vec<Option<Offset>>,
    exit: bool,
    quiet: bool,
}

impl Session {
    async fn run(&mut self) -> Result<(), Failure> {
        self.close_reached_stops();
        while !self.open.is_empty() && self.printer.left != Some(0) {
            let fetch = self.consumer.poll().await?;
            for fetched in fetch.partitions() {
                let stop = self.stop_of(fetched.topic_partition());
                if self.printer.print(fetched, stop)? == Printed::Later {
                    self.close(fetched.topic_partition());
                }
            }
            self.printer.out.flush()?;
            self.tell_ends(fetch.ends());
            self.close_reached_stops();
        }
        Ok(self.printer.out.flush()?)
    }

    fn stop_of(&self, tp: &TopicPartition) -> Option<Offset> {
        let index = self.open.iter().position(|open| open == tp)?;
        self.stops.get(index).copied().flatten()
    }

    fn tell_ends(&mut self, ends: &[(TopicPartition, Offset)]) {
        for (tp, offset) in ends {
            if self.exit {
                self.close(tp);
            }
            if !self.quiet {
                let exiting = if self.open.is_empty() { ": exiting" } else { "" };
                let (topic, partition) = (&tp.topic, tp.partition);
                tell!("% Reached end of topic {topic} [{partition}] at offset {offset}{exiting}");
            }
        }
    }

    /// A stop is reached when the *position* is there: the records before it may be compacted away.
    fn close_reached_stops(&mut self) {
        let reached: Vec<TopicPartition> = self
            .open
            .iter()
            .zip(&self.stops)
            .filter(|(tp, stop)| {
                stop.is_some_and(|stop| {
                    stop == 0 || self.consumer.position(tp).is_some_and(|at| at >= stop)
                })
            })
            .map(|(tp, _)| tp.clone())
            .collect();
        reached.iter().for_each(|tp| self.close(tp));
    }

    fn close(&mut self, tp: &TopicPartition) {
        if let Some(index) = self.open.iter().position(|open| open == tp) {
            self.open.remove(index);
            self.stops.remove(index);
            self.consumer.unassign(std::slice::from_ref(tp));
        }
    }
}

/// Writes records in the chosen style until the count is used up.
struct Printer {
    out: BufWriter<StdoutLock<'static>>,
    style: Style,
    unbuffered: bool,
    left: Option<u64>,
    stop_timestamp: Option<i64>,
    decompressor: Decompressor,
}

/// How far the records of one fetch went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Printed {
    /// All that were wanted.
    All,
    /// Up to one that is as late as the timestamp to stop at.
    Later,
}

impl Printer {
    fn print(
        &mut self,
        fetched: &FetchedBatches,
        stop: Option<Offset>,
    ) -> Result<Printed, Failure> {
        let tp = fetched.topic_partition();
        let place = |error| Failure::failed(format!("{tp}: {error}"));
        for batch in fetched.batches() {
            let batch = batch.map_err(place)?;
            let body = batch.body(&mut self.decompressor).map_err(place)?;
            let origin = Origin {
                topic_partition: tp,
                timestamp_type: batch.timestamp_type(),
                broker: fetched.broker(),
            };
            for record in body.records() {
                let record = record.map_err(place)?;
                if self.left == Some(0) || stop.is_some_and(|stop| record.offset() >= stop) {
                    return Ok(Printed::All);
                }
                if self.is_later(&record) {
                    return Ok(Printed::Later);
                }
                self.print_record(&origin, &record)?;
            }
        }
        Ok(Printed::All)
    }

    fn is_later(&self, record: &RecordView<'_>) -> bool {
        self.stop_timestamp.is_some_and(|stop| record.timestamp().is_some_and(|at| at >= stop))
    }

    fn print_record(&mut self, origin: &Origin<'_>, record: &RecordView<'_>) -> io::Result<()> {
        match &self.style {
            Style::Envelope(delimiter) => {
                envelope::write(&mut self.out, origin, record)?;
                self.out.write_all(delimiter)?;
            }
            Style::Format(format) => format.write(&mut self.out, origin.topic_partition, record)?,
        }
        if self.unbuffered {
            self.out.flush()?;
        }
        if let Some(left) = &mut self.left {
            *left -= 1;
        }
        Ok(())
    }
}

const OFFSET_RESET: &str = "auto.offset.reset";

/// Large enough that records of a kilobyte cost few system calls.
const OUT_CAPACITY: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::{Range, Start};

    fn parse(offsets: &[&str]) -> Result<Range, String> {
        Range::parse(&offsets.iter().map(|o| (*o).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn kcats_offsets_are_understood() {
        for (text, start) in [
            ("beginning", Start::Beginning),
            ("end", Start::End),
            ("42", Start::At(42)),
            ("-5", Start::BeforeEnd(5)),
            ("s@1700000000000", Start::Timestamp(1_700_000_000_000)),
        ] {
            assert_eq!(parse(&[text]).unwrap(), Range { start, stop_timestamp: None }, "{text}");
        }
        let both = Range { start: Start::Timestamp(1), stop_timestamp: Some(2) };
        assert_eq!(parse(&["s@1", "e@2"]).unwrap(), both);
        assert_eq!(parse(&[]).unwrap().start, Start::Beginning);
    }

    #[test]
    fn what_is_gone_is_followed_by_the_oldest_there_is() {
        for (start, given, reset) in [
            (&["beginning"][..], &[][..], Some("earliest")),
            (&["7"], &[], Some("earliest")),
            (&["s@1"], &[], Some("earliest")),
            (&["end"], &[], None),
            (&["beginning"], &[("auto.offset.reset", "latest")], None),
        ] {
            let given = given.iter().copied().collect();
            let properties = parse(start).unwrap().consumer_properties(&given);
            assert_eq!(properties.get("auto.offset.reset"), reset, "{start:?}");
        }
    }

    #[test]
    fn other_offsets_are_refused_by_name() {
        for text in ["middle", "s@", "--5", "1.5", "e@x"] {
            assert!(parse(&[text]).unwrap_err().contains(text));
        }
        assert!(parse(&["stored"]).unwrap_err().starts_with("unsupported: -o stored"));
    }
}
