//! What is in a segment file, written as Kafka's own tool writes it.

use std::error::Error;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use bytes::Bytes;
use kavka_protocol::{
    BatchView, Batches, Compression, ControlType, DecodeError, Decompressor, EndTransactionMarker,
    LeaderEpoch, Offset, ProducerEpoch, ProducerId, RecordView, Sequence,
};

/// Prints `file` and returns where offsets are missing in it.
pub(crate) fn dump(file: &Path, output: &mut impl Write) -> Result<Gaps, Box<dyn Error>> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    writeln!(output, "Dumping {}", file.display())?;
    let start: Offset = name.split('.').next().unwrap_or_default().parse()?;
    writeln!(output, "Log starting offset: {start}")?;
    let log = Bytes::from(fs::read(file)?);
    let (mut position, mut decompressor, mut gaps) = (0, Decompressor::new(), Gaps::default());
    for batch in Batches::new(log.clone()) {
        let batch = batch?;
        write_batch(&batch, position, output)?;
        for record in batch.body(&mut decompressor)?.records() {
            let record = record?;
            gaps.pass(record.offset());
            write_record(&batch, &record, output)?;
        }
        position += batch.size_in_bytes();
    }
    if position < log.len() {
        writeln!(output, "Found {} invalid bytes at the end of {name}", log.len() - position)?;
    }
    Ok(gaps)
}

fn write_batch(batch: &BatchView, position: usize, output: &mut impl Write) -> io::Result<()> {
    let header = batch.header();
    if batch.magic() < 2 {
        write!(output, "offset: {}", batch.last_offset())?;
    } else {
        write!(
            output,
            "baseOffset: {} lastOffset: {} count: {} baseSequence: {} lastSequence: {} \
             producerId: {} producerEpoch: {} partitionLeaderEpoch: {} isTransactional: {} \
             isControl: {} deleteHorizonMs: {}",
            batch.base_offset(),
            batch.last_offset(),
            batch.record_count(),
            Sequence::to_wire(header.base_sequence),
            Sequence::to_wire(header.last_sequence()),
            ProducerId::to_wire(header.producer_id),
            ProducerEpoch::to_wire(header.producer_epoch),
            LeaderEpoch::to_wire(header.leader_epoch),
            batch.is_transactional(),
            batch.is_control(),
            batch.delete_horizon().map_or("OptionalLong.empty".to_owned(), |horizon| format!(
                "OptionalLong[{horizon}]"
            )),
        )?;
    }
    writeln!(
        output,
        " position: {position} {}: {} size: {} magic: {} compresscodec: {} crc: {} isvalid: {}",
        batch.timestamp_type().name(),
        batch.max_timestamp().unwrap_or(-1),
        batch.size_in_bytes(),
        batch.magic(),
        batch.compression(),
        header.crc,
        batch.check_crc().is_ok(),
    )
}

fn write_record(
    batch: &BatchView,
    record: &RecordView<'_>,
    output: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    write!(
        output,
        "| offset: {} {}: {} keySize: {} valueSize: {}",
        record.offset(),
        batch.timestamp_type().name(),
        record.timestamp().unwrap_or(-1),
        size(record.key()),
        size(record.value()),
    )?;
    if batch.magic() >= 2 {
        let sequence = batch.header().base_sequence.map(|base| {
            let delta = i32::try_from(record.offset() - batch.base_offset());
            base.plus(delta.unwrap_or_default())
        });
        let keys = header_keys(record)?;
        write!(output, " sequence: {} headerKeys: [{keys}]", Sequence::to_wire(sequence))?;
    } else if batch.compression() == Compression::None {
        write!(output, " isValid: {} crc: {}", batch.check_crc().is_ok(), batch.header().crc)?;
    }
    if batch.is_control() {
        write_marker(record, output)?;
    } else {
        write_contents(record, output)?;
    }
    writeln!(output)?;
    Ok(())
}

fn write_marker(record: &RecordView<'_>, output: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let Some(marker) = EndTransactionMarker::parse(record)? else {
        write!(output, " controlType: UNKNOWN")?;
        return Ok(());
    };
    let name = if marker.control_type == ControlType::Commit { "COMMIT" } else { "ABORT" };
    write!(output, " endTxnMarker: {name} coordinatorEpoch: {}", marker.coordinator_epoch)?;
    Ok(())
}

fn write_contents(record: &RecordView<'_>, output: &mut impl Write) -> io::Result<()> {
    for (name, content) in [("key", record.key()), ("payload", record.value())] {
        if let Some(content) = content {
            write!(output, " {name}: {}", text(content))?;
        }
    }
    Ok(())
}

fn header_keys(record: &RecordView<'_>) -> Result<String, DecodeError> {
    let keys = record.headers().iter().map(|header| {
        let (key, _) = header?;
        Ok(text(key))
    });
    Ok(keys.collect::<Result<Vec<_>, _>>()?.join(","))
}

/// Decodes as Java does: a surrogate is one wrong character there, and one for each of its bytes in Rust.
fn text(bytes: &[u8]) -> String {
    let (mut text, mut rest_of_surrogate) = (String::new(), 0);
    for chunk in bytes.utf8_chunks() {
        if !chunk.valid().is_empty() {
            text.push_str(chunk.valid());
            rest_of_surrogate = 0;
        }
        match chunk.invalid() {
            [] => {}
            [0x80..=0xbf] if rest_of_surrogate > 0 => rest_of_surrogate -= 1,
            wrong => {
                text.push(char::REPLACEMENT_CHARACTER);
                rest_of_surrogate = if wrong == [0xed] { 2 } else { 0 };
            }
        }
    }
    text
}

fn size(part: Option<&[u8]>) -> String {
    part.map_or("-1".to_owned(), |part| part.len().to_string())
}

/// Offsets that do not follow one another; a segment that was compacted has them.
#[derive(Default)]
pub(crate) struct Gaps {
    last: Option<Offset>,
    found: Vec<(Offset, Offset)>,
}

impl Gaps {
    fn pass(&mut self, offset: Offset) {
        // The tool takes every log for one that should begin with the offset 0.
        let last = self.last.replace(offset).unwrap_or(-1);
        if offset != last + 1 {
            self.found.push((last, offset));
        }
    }
}

/// A line for each.
impl fmt::Display for Gaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.found
            .iter()
            .try_for_each(|(last, offset)| writeln!(f, "  {last} is followed by {offset}"))
    }
}
