//! Prints segment files of a Kafka log, byte for byte as Kafka's own tool does
//! (`kafka-dump-log.sh --print-data-log --files FILE`, version 4.3):
//!
//! ```text
//! cargo run -p kavka-protocol --example segment -- /var/lib/kafka/orders-0/00000000000000000000.log
//! ```
//!
//! Records of the metadata log and the checksums of messages inside of compressed ones (formats 0 and 1) are all that
//! it does not print.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::Bytes;
use kavka_protocol::{
    BatchView, Batches, Compression, ControlType, DecodeError, Decompressor, EndTransactionMarker,
    LeaderEpoch, Offset, ProducerEpoch, ProducerId, RecordView, Sequence,
};

fn main() -> ExitCode {
    let files: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    if files.is_empty() {
        eprintln!("usage: segment FILE...");
        return ExitCode::FAILURE;
    }
    let mut output = BufWriter::new(io::stdout().lock());
    let dumped = files.iter().try_for_each(|file| {
        dump(file, &mut output).map_err(|error| format!("cannot dump {}: {error}", file.display()))
    });
    if let Err(error) = dumped.and_then(|()| output.flush().map_err(|error| error.to_string())) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn dump(file: &Path, output: &mut impl Write) -> Result<(), Box<dyn Error>> {
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
    gaps.print(&fs::canonicalize(file)?);
    Ok(())
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
struct Gaps {
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

    fn print(&self, file: &Path) {
        if self.found.is_empty() {
            return;
        }
        eprintln!("Non-consecutive offsets in {}", file.display());
        for (last, offset) in &self.found {
            eprintln!("  {last} is followed by {offset}");
        }
    }
}
