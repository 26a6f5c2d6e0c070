//! kcat's JSON envelope (`-J`): one object per record.

use std::borrow::Cow;
use std::io::{self, Write};

use kavka_connector::client::protocol::{BrokerId, RecordView, TimestampType, TopicPartition};
use serde_json::Value;

/// Where a record comes from, for the envelope.
pub(crate) struct Origin<'a> {
    pub(crate) topic_partition: &'a TopicPartition,
    pub(crate) timestamp_type: TimestampType,
    pub(crate) broker: BrokerId,
}

/// Writes the envelope of one record, without a line end.
pub(crate) fn write(
    out: &mut impl Write,
    origin: &Origin<'_>,
    record: &RecordView<'_>,
) -> io::Result<()> {
    let tp = origin.topic_partition;
    write!(
        out,
        "{{\"topic\":{},\"partition\":{},\"offset\":{}",
        text(tp.topic.as_bytes()),
        tp.partition,
        record.offset()
    )?;
    if let Some(timestamp) = record.timestamp() {
        write!(
            out,
            ",\"tstype\":\"{}\",\"ts\":{timestamp}",
            timestamp_type(origin.timestamp_type)
        )?;
    }
    write!(out, ",\"broker\":{}", origin.broker)?;
    write_headers(out, record)?;
    write!(out, ",\"key\":{},\"payload\":{}}}", optional(record.key()), optional(record.value()))
}

fn write_headers(out: &mut impl Write, record: &RecordView<'_>) -> io::Result<()> {
    if record.headers().is_empty() {
        return Ok(());
    }
    for (index, header) in record.headers().into_iter().enumerate() {
        let (name, value) = header.map_err(io::Error::other)?;
        out.write_all(if index == 0 { b",\"headers\":[" } else { b"," })?;
        write!(out, "{},{}", text(name), optional(value))?;
    }
    out.write_all(b"]")
}

fn timestamp_type(timestamp_type: TimestampType) -> &'static str {
    match timestamp_type {
        TimestampType::CreateTime => "create",
        TimestampType::LogAppendTime => "logappend",
        TimestampType::NoTimestampType => "unknown",
    }
}

fn optional(bytes: Option<&[u8]>) -> Value {
    bytes.map_or(Value::Null, text)
}

/// Bytes as a JSON string; what is not UTF-8 is replaced, since JSON cannot hold it.
fn text(bytes: &[u8]) -> Value {
    Value::String(Cow::into_owned(String::from_utf8_lossy(bytes)))
}

#[cfg(test)]
mod tests {
    use kavka_connector::client::protocol::{
        BatchBuilder, Batches, BrokerId, Compression, Compressor, Decompressor, TimestampType,
        TopicPartition,
    };

    use super::{Origin, write};

    fn envelope(
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, Option<&[u8]>)],
    ) -> String {
        let mut builder = BatchBuilder::new(Compression::None, None);
        builder.append(12, key, value, headers.iter().copied()).unwrap();
        let bytes = builder.seal(&mut Compressor::default()).unwrap().stamp(None);
        let batch = Batches::new(bytes).next().unwrap().unwrap();
        let body = batch.body(&mut Decompressor::default()).unwrap();
        let record = body.records().next().unwrap().unwrap();
        let topic_partition = TopicPartition::new("t", 3);
        let origin = Origin {
            topic_partition: &topic_partition,
            timestamp_type: TimestampType::CreateTime,
            broker: BrokerId(1),
        };
        let mut out = Vec::new();
        write(&mut out, &origin, &record).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_envelope_has_kcats_fields_in_kcats_order() {
        let headers = [("a", Some(&b"1"[..])), ("a", None)];
        assert_eq!(
            envelope(Some(b"k"), Some(b"say \"hi\"\n"), &headers),
            "{\"topic\":\"t\",\"partition\":3,\"offset\":0,\"tstype\":\"create\",\"ts\":12,\"broker\":1,\
             \"headers\":[\"a\",\"1\",\"a\",null],\"key\":\"k\",\"payload\":\"say \\\"hi\\\"\\n\"}"
        );
    }

    #[test]
    fn absent_parts_are_null_and_no_headers_no_field() {
        assert_eq!(
            envelope(None, None, &[]),
            "{\"topic\":\"t\",\"partition\":3,\"offset\":0,\"tstype\":\"create\",\"ts\":12,\"broker\":1,\"key\":null,\"payload\":null}"
        );
    }
}
