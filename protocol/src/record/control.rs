//! Markers that end transactions: coordinators write them into the log between the data.

use bytes::Bytes;

use crate::{
    compression::{Compression, Compressor, Decompressor},
    cursor::Cursor,
    error::{DecodeError, EncodeError},
    ids::{ProducerEpoch, ProducerId, Timestamp},
    record::{BatchBuilder, BatchView},
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
        // Coordinators do not compress markers, so that no buffer is ever made here.
        let body = batch.body(&mut Decompressor::new())?;
        let record = body.records().next().transpose()?;
        let key = record.and_then(|record| record.key());
        let mut key = Cursor::new(key.ok_or(DecodeError::Null { field: "control record key" })?);
        key.i16("control record version")?;
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
