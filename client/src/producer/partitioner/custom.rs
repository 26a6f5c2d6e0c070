//! [`Partitioner`]: partitions chosen by the application.

use kavka_protocol::Timestamp;

use super::Partitions;
use crate::state::produce::Header;

/// Chooses partitions for records whose sender names none; see
/// [`ProducerBuilder::with_partitioner`](crate::ProducerBuilder::with_partitioner).
///
/// A function of a record and the partitions is one:
///
/// ```
/// use kavka_client::{Partitions, UnplacedRecord};
/// let by_size = |record: &UnplacedRecord<'_>, partitions: &Partitions| {
///     let size = i32::try_from(record.value.map_or(0, <[u8]>::len)).unwrap_or(i32::MAX);
///     size % partitions.count()
/// };
/// # fn check(_: impl kavka_client::Partitioner) {}
/// # check(by_size);
/// ```
pub trait Partitioner: Send + Sync {
    /// What chooses for the records of one topic; every producer asks once for each of its topics.
    fn for_topic(&self, topic: &str) -> Box<dyn TopicPartitioner>;
}

/// Chooses partitions for the records of one topic, one record after the other.
pub trait TopicPartitioner: Send {
    /// The partition for `record`. A number that the topic does not have is an error of the call that
    /// sends the record. A record that has to wait for memory is asked about again afterwards.
    ///
    /// This runs under the producer's lock: what takes long holds up every sender.
    fn partition(&mut self, record: &UnplacedRecord<'_>, partitions: &Partitions) -> i32;
}

/// A record for which a partition is to be chosen.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct UnplacedRecord<'r> {
    /// Its key; `None` is null.
    pub key: Option<&'r [u8]>,
    /// Its value; `None` is null.
    pub value: Option<&'r [u8]>,
    /// Its own time in milliseconds since the Unix epoch; `None`: it gets that of its acceptance.
    pub timestamp: Option<Timestamp>,
    /// Its headers.
    pub headers: &'r [Header<'r>],
}

impl<F> Partitioner for F
where
    F: Fn(&UnplacedRecord<'_>, &Partitions) -> i32 + Clone + Send + Sync + 'static,
{
    fn for_topic(&self, _: &str) -> Box<dyn TopicPartitioner> {
        Box::new(ByFunction(self.clone()))
    }
}

struct ByFunction<F>(F);

impl<F: Fn(&UnplacedRecord<'_>, &Partitions) -> i32 + Send> TopicPartitioner for ByFunction<F> {
    fn partition(&mut self, record: &UnplacedRecord<'_>, partitions: &Partitions) -> i32 {
        self.0(record, partitions)
    }
}
