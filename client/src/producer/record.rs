//! [`OutgoingRecord`]: a record as its sender describes it.

use std::borrow::Cow;

use kavka_protocol::Timestamp;

use super::partitioner::UnplacedRecord;
use crate::state::produce::{Header, Record};

/// A record to be written. It borrows everything: the bytes are copied once, when it is accepted.
///
/// Without a key the key is null, without a value the value is null (in a compacted topic a
/// tombstone), without a timestamp the record gets the time at which it is accepted.
///
/// ```
/// use kavka_client::OutgoingRecord;
/// let record = OutgoingRecord::to("orders").key(b"42").value(b"{}").header("origin", Some(b"shop"));
/// ```
#[derive(Clone, Debug)]
pub struct OutgoingRecord<'a> {
    pub(super) topic: &'a str,
    pub(super) partition: Option<i32>,
    pub(super) key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    pub(super) timestamp: Option<Timestamp>,
    headers: Cow<'a, [Header<'a>]>,
}

impl<'a> OutgoingRecord<'a> {
    /// A record for `topic`.
    #[inline]
    pub fn to(topic: &'a str) -> Self {
        let (partition, key, value, timestamp) = (None, None, None, None);
        Self { topic, partition, key, value, timestamp, headers: Cow::Borrowed(&[]) }
    }

    /// Chooses the partition, whatever the partitioner would say.
    #[inline]
    pub fn partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }

    /// Sets the key.
    #[inline]
    pub fn key(mut self, key: &'a [u8]) -> Self {
        self.key = Some(key);
        self
    }

    /// Sets the value.
    #[inline]
    pub fn value(mut self, value: &'a [u8]) -> Self {
        self.value = Some(value);
        self
    }

    /// Sets the time of the record, in milliseconds since the Unix epoch.
    #[inline]
    pub fn timestamp(mut self, timestamp: Timestamp) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// Adds a header behind those that are there; keys may repeat. This allocates: many headers are
    /// better given at once through [`headers`](Self::headers).
    pub fn header(mut self, key: &'a str, value: Option<&'a [u8]>) -> Self {
        self.headers.to_mut().push((key, value));
        self
    }

    /// Sets all headers.
    #[inline]
    pub fn headers(mut self, headers: &'a [(&'a str, Option<&'a [u8]>)]) -> Self {
        self.headers = Cow::Borrowed(headers);
        self
    }

    /// The record as a partitioner sees it.
    pub(super) fn unplaced(&self) -> UnplacedRecord<'_> {
        let Self { key, value, timestamp, .. } = *self;
        UnplacedRecord { key, value, timestamp, headers: &self.headers }
    }

    /// The record as it goes into a batch.
    #[inline]
    pub(super) fn wire(&self, clock: Timestamp) -> Record<'_> {
        let timestamp = self.timestamp.unwrap_or(clock);
        Record { timestamp, key: self.key, value: self.value, headers: &self.headers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_is_null_or_now() {
        let record = OutgoingRecord::to("orders");
        let wire = record.wire(77);
        assert_eq!((wire.timestamp, wire.key, wire.value, wire.headers), (77, None, None, &[][..]));
    }

    #[test]
    fn headers_keep_their_order_and_repetitions() {
        let given: &[Header<'_>] = &[("a", Some(b"1")), ("b", None)];
        let record =
            OutgoingRecord::to("orders").headers(given).header("a", Some(b"2")).timestamp(5);
        let wire = record.wire(77);
        assert_eq!(wire.headers, [("a", Some(&b"1"[..])), ("b", None), ("a", Some(b"2"))]);
        assert_eq!(wire.timestamp, 5);
    }
}
