//! Markers that end transactions: coordinators write them into the log between the data.

use bytes::Bytes;

use crate::{
    compression::{Compression, Compressor, Decompressor},
    cursor::Cursor,
    error::{DecodeError, EncodeError},
    ids::{ProducerEpoch, ProducerId, Timestamp},
    record::{BatchBuilder, BatchView, RecordView},
};

/// What a control batch says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ControlType {
    /// The transaction is undone: its records must not be seen.
    Abort,
    /// The transaction is done.
    Commit,
    /// Something that readers of data need not know.
    Other(i16),
}

impl ControlType {
    /// Reads the first record of the control batch `batch`.
    pub fn parse(batch: &BatchView) -> Result<Self, DecodeError> {
        // Coordinators do not compress markers: what does not stay small is none.
        let body = batch.body(&mut Decompressor::with_size_limit(MARKER_SIZE))?;
        let record = body.records().next().transpose()?;
        Self::of_key(record.and_then(|record| record.key()))
    }

    fn of_key(key: Option<&[u8]>) -> Result<Self, DecodeError> {
        let key = key.ok_or(DecodeError::Null { field: "control record key" })?;
        let mut key = Cursor::new(key);
        read_version(&mut key, "control record version")?;
        Ok(Self::from_code(key.i16("control record type")?))
    }

    const fn from_code(code: i16) -> Self {
        match code {
            0 => Self::Abort,
            1 => Self::Commit,
            other => Self::Other(other),
        }
    }

    const fn code(self) -> i16 {
        match self {
            Self::Abort => 0,
            Self::Commit => 1,
            Self::Other(code) => code,
        }
    }
}

/// The marker with which a coordinator ends a transaction in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndTransactionMarker {
    /// How the transaction ends.
    pub control_type: ControlType,
    /// The epoch of the coordinator, by which brokers recognise a deposed one.
    pub coordinator_epoch: i32,
}

impl EndTransactionMarker {
    /// Reads a record of a control batch; `None` when it ends no transaction.
    pub fn parse(record: &RecordView<'_>) -> Result<Option<Self>, DecodeError> {
        let control_type = ControlType::of_key(record.key())?;
        if matches!(control_type, ControlType::Other(_)) {
            return Ok(None);
        }
        let value = record.value().ok_or(DecodeError::Null { field: "control record value" })?;
        let mut value = Cursor::new(value);
        read_version(&mut value, "transaction marker version")?;
        Ok(Some(Self { control_type, coordinator_epoch: value.i32("coordinator epoch")? }))
    }

    /// The control batch with this marker for the transaction of `producer_id`.
    pub fn to_batch(
        self,
        producer_id: ProducerId,
        producer_epoch: ProducerEpoch,
        timestamp: Timestamp,
    ) -> Result<Bytes, EncodeError> {
        let [a, b] = self.control_type.code().to_be_bytes();
        let [c, d, e, f] = self.coordinator_epoch.to_be_bytes();
        // Both begin with their version, which is 0.
        let (key, value) = ([0, 0, a, b], [0, 0, c, d, e, f]);
        let mut batch = BatchBuilder::new(Compression::None, None);
        batch.append(timestamp, Some(&key), Some(&value), [])?;
        let batch = batch.seal(&mut Compressor::new())?;
        Ok(batch.into_control(producer_id, producer_epoch))
    }
}

/// Later versions only add to what is there.
fn read_version(cursor: &mut Cursor<'_>, field: &'static str) -> Result<(), DecodeError> {
    let version = cursor.i16(field)?;
    if version < 0 {
        return Err(DecodeError::Value { field, value: version.into() });
    }
    Ok(())
}

/// Many times what a marker takes.
const MARKER_SIZE: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allocations::largest_allocation;
    use crate::record::{
        Attributes, RecordBatchHeader,
        testing::{batch_of, header, view},
    };

    #[test]
    fn a_marker_has_kafkas_bytes_and_reads_back() {
        for (control_type, code) in [(ControlType::Abort, 0), (ControlType::Commit, 1)] {
            let marker = EndTransactionMarker { control_type, coordinator_epoch: 0x0102_0304 };
            let bytes = marker.to_batch(ProducerId(5), ProducerEpoch(2), 1000).unwrap();
            let record = [32, 0, 0, 0, 8, 0, 0, 0, code, 12, 0, 0, 1, 2, 3, 4, 0];
            assert_eq!(bytes[61..], record);
            let batch = view(bytes);
            assert!(batch.is_control() && batch.is_transactional());
            assert_eq!(batch.header().base_sequence, None);
            assert_eq!((batch.producer_id(), batch.record_count()), (Some(ProducerId(5)), 1));
            assert_eq!(ControlType::parse(&batch), Ok(control_type));
            let body = batch.body(&mut Decompressor::new()).unwrap();
            let record = body.records().next().unwrap().unwrap();
            assert_eq!(EndTransactionMarker::parse(&record), Ok(Some(marker)));
        }
    }

    fn parsed(record: &[u8]) -> Result<Option<EndTransactionMarker>, DecodeError> {
        let header =
            RecordBatchHeader { attributes: Attributes::parse(0x30).unwrap(), ..header(1) };
        let body = view(batch_of(header, record)).body(&mut Decompressor::new()).unwrap();
        EndTransactionMarker::parse(&body.records().next().unwrap().unwrap())
    }

    #[test]
    fn later_versions_of_a_marker_are_read_as_far_as_they_are_known() {
        let marker =
            EndTransactionMarker { control_type: ControlType::Commit, coordinator_epoch: 7 };
        let later = [36, 0, 0, 0, 8, 0, 9, 0, 1, 16, 0, 9, 0, 0, 0, 7, 1, 1, 0];
        assert_eq!(parsed(&later), Ok(Some(marker)));
        let value = -1;
        let key = DecodeError::Value { field: "control record version", value };
        let negative = [20, 0, 0, 0, 8, 0xff, 0xff, 0, 1, 1, 0];
        assert_eq!(parsed(&negative), Err(key));
        let field = "transaction marker version";
        let negative = [24, 0, 0, 0, 8, 0, 0, 0, 1, 4, 0xff, 0xff, 0];
        assert_eq!(parsed(&negative), Err(DecodeError::Value { field, value }));
    }

    #[test]
    fn a_marker_without_a_whole_value_is_an_error() {
        let null = DecodeError::Null { field: "control record value" };
        assert_eq!(parsed(&[20, 0, 0, 0, 8, 0, 0, 0, 0, 1, 0]), Err(null));
        let cut = DecodeError::Truncated { field: "coordinator epoch", needed: 4, remaining: 1 };
        assert_eq!(parsed(&[26, 0, 0, 0, 8, 0, 0, 0, 0, 6, 0, 0, 1, 0]), Err(cut));
    }

    #[test]
    fn a_marker_of_another_kind_is_none_of_ours() {
        let marker =
            EndTransactionMarker { control_type: ControlType::Other(2), coordinator_epoch: 0 };
        let batch = view(marker.to_batch(ProducerId(5), ProducerEpoch(2), 0).unwrap());
        assert_eq!(ControlType::parse(&batch), Ok(ControlType::Other(2)));
        let body = batch.body(&mut Decompressor::new()).unwrap();
        let record = body.records().next().unwrap().unwrap();
        assert_eq!(EndTransactionMarker::parse(&record), Ok(None));
    }

    #[test]
    fn a_marker_does_not_grow_beyond_what_markers_take() {
        let mut batch = BatchBuilder::new(Compression::Gzip, None);
        batch.append(0, Some(&[0; 4]), Some(&[0; 1 << 20]), []).unwrap();
        let sealed = batch.seal(&mut Compressor::new()).unwrap();
        let stored = view(sealed.into_control(ProducerId(5), ProducerEpoch(0)));
        let (parsed, largest) = largest_allocation(|| ControlType::parse(&stored));
        assert!(matches!(parsed, Err(DecodeError::DecompressedSize { limit: MARKER_SIZE, .. })));
        assert!(largest < 128 << 10, "{largest}");
    }

    #[test]
    fn a_marker_without_a_whole_key_is_an_error() {
        let header =
            RecordBatchHeader { attributes: Attributes::parse(0x30).unwrap(), ..header(1) };
        let no_key = batch_of(header, &[12, 0, 0, 0, 1, 1, 0]);
        let null = DecodeError::Null { field: "control record key" };
        assert_eq!(ControlType::parse(&view(no_key)), Err(null));
        let short_key = batch_of(header, &[18, 0, 0, 0, 6, 0, 0, 0, 1, 0]);
        let short =
            DecodeError::Truncated { field: "control record type", needed: 2, remaining: 1 };
        assert_eq!(ControlType::parse(&view(short_key)), Err(short));
    }
}
