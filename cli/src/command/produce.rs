//! `kavka produce`: records from stdin, one per line (or per delimiter), with kcat's letters.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::pin::pin;
use std::time::Duration;

use kavka_connector::client::{BatchDelivery, Client, OutgoingRecord, Producer, Properties};

use crate::args::ProduceArguments;
use crate::failure::Failure;
use crate::output::escape::unescape;
use crate::progress::count;
use crate::tell::tell;

pub(crate) async fn run(arguments: ProduceArguments) -> Result<(), Failure> {
    let layout = Layout::new(&arguments).map_err(Failure::usage)?;
    let properties = arguments.records.connection.required_properties()?;
    let longest = longest_text(&properties);
    let client = Client::connect(properties).await?;
    let producer = client.producer(compression(&arguments))?;
    let mut session = Session {
        producer,
        layout,
        topic: arguments.topic,
        // kcat's -1 is no choice.
        partition: arguments.partition.filter(|partition| *partition >= 0),
        longest,
        written: 0,
    };
    let interrupted = tokio::select! {
        result = session.run(arguments.records.count) => result.map(|()| false)?,
        stopped = tokio::signal::ctrl_c() => stopped.map(|()| true)?,
    };
    // Whoever interrupts does not want to wait for long.
    if !interrupted {
        session.producer.flush().await?;
    }
    session.producer.close(CLOSE_LIMIT).await?;
    if !arguments.records.quiet {
        let how = if interrupted { " (interrupted)" } else { "" };
        tell!("% {} written to {}{how}", count(session.written, "record"), session.topic);
    }
    Ok(())
}

fn compression(arguments: &ProduceArguments) -> Properties {
    let mut properties = Properties::default();
    if let Some(codec) = &arguments.compression {
        properties.set("compression.type", codec);
    }
    properties
}

/// What is longer fits into no request.
fn longest_text(properties: &Properties) -> usize {
    let given = properties.get("max.request.size").and_then(|size| size.trim().parse().ok());
    given.unwrap_or(LONGEST_TEXT)
}

/// How bytes of stdin become records.
struct Layout {
    delimiter: Vec<u8>,
    key_delimiter: Option<Vec<u8>>,
    key: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
    empty_is_null: bool,
}

impl Layout {
    fn new(arguments: &ProduceArguments) -> Result<Self, String> {
        let delimiter = unescape(&arguments.delimiter);
        if delimiter.is_empty() {
            return Err("-D: the delimiter must not be empty".into());
        }
        let headers = arguments.headers.iter().map(|header| match header.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.as_bytes().to_vec())),
            None => (header.clone(), None),
        });
        Ok(Self {
            delimiter,
            key_delimiter: arguments
                .key_delimiter
                .as_deref()
                .map(unescape)
                .filter(|text| !text.is_empty()),
            key: arguments.key.clone().map(String::into_bytes),
            headers: headers.collect(),
            empty_is_null: arguments.null,
        })
    }

    /// Key and value of one record's text.
    fn split<'a>(&'a self, text: &'a [u8]) -> (Option<&'a [u8]>, Option<&'a [u8]>) {
        let found = self.key_delimiter.as_deref().and_then(|delimiter| split_at(text, delimiter));
        let (key, value) = found.map_or((None, text), |(key, value)| (Some(key), value));
        let keep = |bytes: &&[u8]| !(self.empty_is_null && bytes.is_empty());
        (key.filter(keep).or(self.key.as_deref()), Some(value).filter(keep))
    }
}

fn split_at<'a>(text: &'a [u8], delimiter: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = text.windows(delimiter.len()).position(|window| window == delimiter)?;
    Some((&text[..at], &text[at + delimiter.len()..]))
}

struct Session {
    producer: Producer,
    layout: Layout,
    topic: String,
    partition: Option<i32>,
    /// In bytes.
    longest: usize,
    /// Handed to the producer.
    written: u64,
}

impl Session {
    async fn run(&mut self, most: Option<u64>) -> Result<(), Failure> {
        let mut lines = Lines::of_stdin(self.layout.delimiter.clone(), self.longest);
        let mut pending: VecDeque<BatchDelivery> = VecDeque::new();
        while most.is_none_or(|most| self.written < most) {
            let wanted = most.map_or(usize::MAX, |most| {
                usize::try_from(most - self.written).unwrap_or(usize::MAX)
            });
            let mut next = pin!(lines.next_block(wanted));
            // A quiet stdin must not hide that a record was refused.
            let next = loop {
                tokio::select! {
                    next = &mut next => break next?,
                    delivered = oldest(&mut pending) => delivered?,
                }
            };
            let Some((read, block)) = next else { break };
            lines = read;
            pending.push_back(self.send(&block).await?);
            self.written += block.len() as u64;
            if pending.len() == MAX_PENDING {
                oldest(&mut pending).await?;
            }
        }
        for delivery in pending {
            delivery.await?;
        }
        Ok(())
    }

    async fn send(&self, block: &[Vec<u8>]) -> Result<BatchDelivery, Failure> {
        let headers: Vec<(&str, Option<&[u8]>)> = self
            .layout
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_deref()))
            .collect();
        let records = block.iter().map(|text| {
            let (key, value) = self.layout.split(text);
            let record = OutgoingRecord::to(&self.topic).headers(&headers);
            let record = self.partition.into_iter().fold(record, OutgoingRecord::partition);
            let record = key.into_iter().fold(record, OutgoingRecord::key);
            value.into_iter().fold(record, OutgoingRecord::value)
        });
        Ok(self.producer.send_batch(records).await?)
    }
}

/// Waits for the oldest delivery and forgets it; for ever pending while there is none. Dropping the future loses nothing.
async fn oldest(pending: &mut VecDeque<BatchDelivery>) -> Result<(), Failure> {
    let Some(delivery) = pending.front_mut() else {
        return std::future::pending().await;
    };
    let outcome = delivery.await;
    pending.pop_front();
    Ok(outcome.map(|_| ())?)
}

/// Records' texts cut from stdin at a delimiter, read away from the runtime's threads.
struct Lines {
    input: BufReader<io::Stdin>,
    delimiter: Vec<u8>,
    longest: usize,
    is_finished: bool,
}

impl Lines {
    fn of_stdin(delimiter: Vec<u8>, longest: usize) -> Self {
        let input = BufReader::with_capacity(BLOCK, io::stdin());
        Self { input, delimiter, longest, is_finished: false }
    }

    /// What can be read without waiting, at least one record and at most `wanted`; `None` at the end of input.
    async fn next_block(mut self, wanted: usize) -> io::Result<Option<(Self, Vec<Vec<u8>>)>> {
        let read = tokio::task::spawn_blocking(move || {
            let mut block = Vec::new();
            while block.len() < wanted
                && !self.is_finished
                && (block.is_empty() || !self.input.buffer().is_empty())
            {
                let (text, is_last) = read_until(&mut self.input, &self.delimiter, self.longest)?;
                self.is_finished = is_last;
                // As in kcat, nothing between two delimiters is no record.
                if !text.is_empty() {
                    block.push(text);
                }
            }
            Ok::<_, io::Error>((self, block))
        });
        let (lines, block) = read.await.map_err(io::Error::other)??;
        Ok(if block.is_empty() { None } else { Some((lines, block)) })
    }
}

/// Bytes up to the delimiter, which is dropped, and whether the input ended instead.
fn read_until(
    input: &mut impl BufRead,
    delimiter: &[u8],
    longest: usize,
) -> io::Result<(Vec<u8>, bool)> {
    let mut text = Vec::new();
    let last = delimiter.last().copied().unwrap_or(b'\n');
    let limit = longest.saturating_add(delimiter.len());
    loop {
        let room = limit.saturating_sub(text.len()).saturating_add(1) as u64;
        if input.by_ref().take(room).read_until(last, &mut text)? == 0 {
            return Ok((text, true));
        }
        if text.ends_with(delimiter) {
            text.truncate(text.len() - delimiter.len());
            return Ok((text, false));
        }
        if text.len() > limit {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "stdin: more than {longest} bytes without the delimiter; \
                     -D sets another, -X max.request.size=… allows longer records"
                ),
            ));
        }
    }
}

/// Kafka's default of `max.request.size`.
const LONGEST_TEXT: usize = 1 << 20;

/// How much of stdin is read ahead.
const BLOCK: usize = 1 << 20;

/// Blocks that may be on their way before the oldest is waited for.
const MAX_PENDING: usize = 64;

/// Everything was flushed before: what remains is saying goodbye.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::{Layout, read_until};

    fn layout(key_delimiter: Option<&str>, key: Option<&str>, empty_is_null: bool) -> Layout {
        Layout {
            delimiter: b"\n".to_vec(),
            key_delimiter: key_delimiter.map(|d| d.as_bytes().to_vec()),
            key: key.map(|k| k.as_bytes().to_vec()),
            headers: Vec::new(),
            empty_is_null,
        }
    }

    #[test]
    fn the_first_key_delimiter_splits() {
        let layout = layout(Some("::"), None, false);
        assert_eq!(layout.split(b"k::v::w"), (Some(&b"k"[..]), Some(&b"v::w"[..])));
        assert_eq!(layout.split(b"plain"), (None, Some(&b"plain"[..])));
    }

    #[test]
    fn a_fixed_key_serves_records_without_one() {
        assert_eq!(
            layout(Some(":"), Some("fixed"), false).split(b"v"),
            (Some(&b"fixed"[..]), Some(&b"v"[..]))
        );
    }

    #[test]
    fn an_empty_key_that_is_null_gives_way_to_the_fixed_one() {
        let layout = layout(Some(":"), Some("fixed"), true);
        assert_eq!(layout.split(b":v"), (Some(&b"fixed"[..]), Some(&b"v"[..])));
    }

    #[test]
    fn empty_parts_are_null_only_when_asked() {
        assert_eq!(layout(Some(":"), None, false).split(b":"), (Some(&b""[..]), Some(&b""[..])));
        assert_eq!(layout(Some(":"), None, true).split(b":"), (None, None));
    }

    #[test]
    fn texts_end_at_the_whole_delimiter() {
        let mut input = &b"a;b;;c"[..];
        assert_eq!(read_until(&mut input, b";;", 9).unwrap(), (b"a;b".to_vec(), false));
        assert_eq!(read_until(&mut input, b";;", 9).unwrap(), (b"c".to_vec(), true));
    }

    #[test]
    fn a_text_without_an_end_does_not_fill_the_memory() {
        assert_eq!(read_until(&mut &b"abcd;e"[..], b";", 4).unwrap(), (b"abcd".to_vec(), false));
        assert_eq!(read_until(&mut &b"abcd"[..], b";", 4).unwrap(), (b"abcd".to_vec(), true));
        let mut endless = std::io::BufReader::new(std::io::repeat(b'x'));
        let message = read_until(&mut endless, b"\n", 4).unwrap_err().to_string();
        assert!(message.starts_with("stdin: more than 4 bytes"), "{message}");
    }
}
