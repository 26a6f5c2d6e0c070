//! What a producer needs to know.

use std::time::Duration;

use kavka_protocol::Compression;

use super::Properties;
use super::keys;
use super::property::Role;
use super::resolve::Resolver;
use crate::error::Result;

/// The resolved form of the properties of [`Role::Producer`].
#[derive(Clone, Debug)]
pub(crate) struct ProducerConfig {
    pub(crate) acks: Acks,
    pub(crate) batch_size: usize,
    pub(crate) buffer_memory: usize,
    /// Where this producer runs; empty if nobody has said.
    pub(crate) client_rack: String,
    pub(crate) compression: Compression,
    /// The level for `compression`; `None` leaves it to the codec.
    pub(crate) compression_level: Option<i32>,
    pub(crate) delivery_timeout: Duration,
    pub(crate) enable_idempotence: bool,
    pub(crate) linger: Duration,
    pub(crate) max_block: Duration,
    pub(crate) max_in_flight: usize,
    pub(crate) max_request_size: usize,
    pub(crate) partitioner_adaptive: bool,
    /// How long a broker may be silent before its partitions are avoided; `None`: for ever.
    pub(crate) partitioner_availability_timeout: Option<Duration>,
    pub(crate) partitioner_class: PartitionerClass,
    pub(crate) partitioner_ignore_keys: bool,
    pub(crate) partitioner_rack_aware: bool,
    pub(crate) request_timeout: Duration,
    pub(crate) retries: u32,
    pub(crate) retry_backoff: Duration,
    pub(crate) retry_backoff_max: Duration,
}

/// How many replicas must have a record before it counts as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Acks {
    /// The broker does not even answer.
    None,
    /// The leader.
    Leader,
    /// Every in-sync replica.
    #[default]
    All,
}

/// The partitioners a property can name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PartitionerClass {
    /// By key, else sticky.
    #[default]
    Default,
    /// Every partition in turn.
    RoundRobin,
    /// Sticky, whether there is a key or not.
    UniformSticky,
}

impl ProducerConfig {
    pub(crate) fn resolve(properties: &Properties) -> Result<Self> {
        let mut from = Resolver::new(properties, Role::Producer);
        let compression =
            from.parsed(keys::COMPRESSION_TYPE, compression).unwrap_or(Compression::None);
        let config = Self {
            acks: from.parsed(keys::ACKS, acks),
            batch_size: from.int(keys::BATCH_SIZE),
            buffer_memory: from.int(keys::BUFFER_MEMORY),
            client_rack: from.text(keys::CLIENT_RACK).trim().to_owned(),
            compression,
            compression_level: compression_level(&from, compression),
            delivery_timeout: from.millis(keys::DELIVERY_TIMEOUT_MS),
            enable_idempotence: from.bool(keys::ENABLE_IDEMPOTENCE),
            linger: from.millis(keys::LINGER_MS),
            max_block: from.millis(keys::MAX_BLOCK_MS),
            max_in_flight: from.int(keys::MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION),
            max_request_size: from.int(keys::MAX_REQUEST_SIZE),
            partitioner_adaptive: from.bool(keys::PARTITIONER_ADAPTIVE_PARTITIONING_ENABLE),
            partitioner_availability_timeout: availability_timeout(&from),
            partitioner_class: partitioner_class(&mut from),
            partitioner_ignore_keys: from.bool(keys::PARTITIONER_IGNORE_KEYS),
            partitioner_rack_aware: from.bool(keys::PARTITIONER_RACK_AWARE),
            request_timeout: from.millis(keys::REQUEST_TIMEOUT_MS),
            retries: from.int(keys::RETRIES),
            retry_backoff: from.millis(keys::RETRY_BACKOFF_MS),
            retry_backoff_max: from.millis(keys::RETRY_BACKOFF_MAX_MS),
        };
        let config = config.checked(&mut from);
        from.finish(config)
    }

    /// Settles what depends on more than one property, as Kafka does: a conflict with a default
    /// yields, a conflict between two explicit settings is a problem.
    fn checked(mut self, from: &mut Resolver<'_>) -> Self {
        if let Some(conflict) = self.idempotence_conflict() {
            if from.is_set(keys::ENABLE_IDEMPOTENCE) {
                from.problem(format!("enable.idempotence=true needs {conflict}"));
            }
            self.enable_idempotence = false;
        }
        if self.partitioner_rack_aware && self.client_rack.is_empty() {
            from.problem("partitioner.rack.aware=true needs client.rack");
        }
        let least = self.linger + self.request_timeout;
        if self.delivery_timeout < least {
            if from.is_set(keys::DELIVERY_TIMEOUT_MS) {
                from.problem(format!(
                    "delivery.timeout.ms={} is less than linger.ms + request.timeout.ms = {}",
                    self.delivery_timeout.as_millis(),
                    least.as_millis()
                ));
            }
            self.delivery_timeout = least;
        }
        self
    }

    fn idempotence_conflict(&self) -> Option<&'static str> {
        match self {
            Self { enable_idempotence: false, .. } => None,
            Self { acks: Acks::None | Acks::Leader, .. } => Some("acks=all"),
            Self { retries: 0, .. } => Some("retries of at least 1"),
            Self { max_in_flight: 6.., .. } => {
                Some("max.in.flight.requests.per.connection of at most 5")
            }
            _ => None,
        }
    }
}

impl Acks {
    /// As Kafka writes it in a request.
    pub(crate) fn code(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Leader => 1,
            Self::All => -1,
        }
    }
}

fn acks(text: &str) -> Option<Acks> {
    match text {
        "0" => Some(Acks::None),
        "1" => Some(Acks::Leader),
        "-1" => Some(Acks::All),
        _ => text.eq_ignore_ascii_case("all").then_some(Acks::All),
    }
}

fn compression(text: &str) -> Option<Option<Compression>> {
    text.to_ascii_lowercase().parse().ok().map(Some)
}

fn compression_level(from: &Resolver<'_>, compression: Compression) -> Option<i32> {
    let name = match compression {
        Compression::Gzip => keys::COMPRESSION_GZIP_LEVEL,
        Compression::Lz4 => keys::COMPRESSION_LZ4_LEVEL,
        Compression::Zstd => keys::COMPRESSION_ZSTD_LEVEL,
        Compression::None | Compression::Snappy => return None,
    };
    let level = from.int(name);
    (compression != Compression::Gzip || level != -1).then_some(level)
}

/// Without adaptive partitioning every partition with a leader is as good as any other.
fn availability_timeout(from: &Resolver<'_>) -> Option<Duration> {
    let timeout = from.millis(keys::PARTITIONER_AVAILABILITY_TIMEOUT_MS);
    let is_adaptive = from.bool(keys::PARTITIONER_ADAPTIVE_PARTITIONING_ENABLE);
    Some(timeout).filter(|timeout| is_adaptive && !timeout.is_zero())
}

fn partitioner_class(from: &mut Resolver<'_>) -> PartitionerClass {
    let class = from.text(keys::PARTITIONER_CLASS);
    match class.rsplit('.').next().unwrap_or_default() {
        "" | "DefaultPartitioner" => PartitionerClass::Default,
        "RoundRobinPartitioner" => PartitionerClass::RoundRobin,
        "UniformStickyPartitioner" => PartitionerClass::UniformSticky,
        _ => {
            from.problem(format!("unsupported: partitioner.class={class}"));
            PartitionerClass::Default
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn resolve(pairs: &[(&str, &str)]) -> Result<ProducerConfig> {
        ProducerConfig::resolve(&pairs.iter().copied().collect())
    }

    #[test]
    fn the_defaults_are_kafkas() {
        let config = resolve(&[]).unwrap();
        assert_eq!(config.acks, Acks::All);
        assert!(config.enable_idempotence);
        assert_eq!(config.linger, Duration::from_millis(5));
        assert_eq!(config.batch_size, 16384);
        assert_eq!(config.buffer_memory, 32 << 20);
        assert_eq!((config.max_in_flight, config.max_request_size), (5, 1 << 20));
        assert_eq!(config.delivery_timeout, Duration::from_secs(120));
        assert_eq!((config.compression, config.compression_level), (Compression::None, None));
    }

    #[test]
    fn idempotence_by_default_yields_and_by_wish_does_not() {
        for (name, value) in
            [("acks", "1"), ("retries", "0"), ("max.in.flight.requests.per.connection", "6")]
        {
            assert!(!resolve(&[(name, value)]).unwrap().enable_idempotence, "{name}");
            let error = resolve(&[(name, value), ("enable.idempotence", "true")]).unwrap_err();
            assert!(error.to_string().starts_with("enable.idempotence=true needs"), "{error}");
        }
    }

    #[test]
    fn the_delivery_timeout_covers_linger_and_one_request() {
        let grown = resolve(&[("request.timeout.ms", "130000")]).unwrap().delivery_timeout;
        assert_eq!(grown, Duration::from_millis(130_005));
        let error = resolve(&[("delivery.timeout.ms", "1000")]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }

    #[test]
    fn for_ever_can_be_added_to_any_time() {
        let for_ever = i64::MAX.to_string();
        let config = resolve(&[("max.block.ms", &for_ever), ("linger.ms", &for_ever)]).unwrap();
        let now = std::time::Instant::now();
        assert!(now + config.max_block + config.delivery_timeout > now);
    }

    #[test]
    fn whoever_cares_about_racks_says_where_it_runs() {
        let aware = ("partitioner.rack.aware", "true");
        let error = resolve(&[aware, ("client.rack", " ")]).unwrap_err();
        assert_eq!(error.to_string(), "partitioner.rack.aware=true needs client.rack");
        let config = resolve(&[aware, ("client.rack", "r1")]).unwrap();
        assert!(config.partitioner_rack_aware && config.client_rack == "r1");
    }

    #[test]
    fn silent_brokers_are_avoided_only_by_adaptive_partitioning() {
        let timeout = ("partitioner.availability.timeout.ms", "700");
        let fixed = ("partitioner.adaptive.partitioning.enable", "false");
        for (pairs, expected) in [
            (&[][..], None),
            (&[timeout], Some(Duration::from_millis(700))),
            (&[timeout, fixed], None),
        ] {
            let resolved = resolve(pairs).unwrap().partitioner_availability_timeout;
            assert_eq!(resolved, expected, "{pairs:?}");
        }
    }

    #[test]
    fn transactions_are_unsupported_by_name() {
        let error = resolve(&[("transactional.id", "t")]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(error.to_string(), "unsupported: transactional.id=t");
    }

    #[test]
    fn partitioners_are_known_by_the_names_of_javas_classes() {
        for (class, expected) in [
            ("", Some(PartitionerClass::Default)),
            (
                "org.apache.kafka.clients.producer.internals.DefaultPartitioner",
                Some(PartitionerClass::Default),
            ),
            (
                "org.apache.kafka.clients.producer.RoundRobinPartitioner",
                Some(PartitionerClass::RoundRobin),
            ),
            ("UniformStickyPartitioner", Some(PartitionerClass::UniformSticky)),
            ("com.example.ByRegion", None),
        ] {
            let found =
                resolve(&[("partitioner.class", class)]).map(|config| config.partitioner_class);
            assert_eq!(found.as_ref().ok(), expected.as_ref(), "{class}");
            if let Err(error) = found {
                assert_eq!(error.to_string(), format!("unsupported: partitioner.class={class}"));
            }
        }
    }

    #[test]
    fn each_codec_takes_its_own_level() {
        for (codec, property, level, expected) in [
            ("zstd", "compression.zstd.level", "7", Some(7)),
            ("gzip", "compression.gzip.level", "-1", None),
            ("gzip", "compression.gzip.level", "9", Some(9)),
            ("snappy", "compression.gzip.level", "9", None),
            ("lz4", "compression.lz4.level", "12", Some(12)),
            ("lz4", "compression.gzip.level", "1", Some(9)),
        ] {
            let config = resolve(&[("compression.type", codec), (property, level)]).unwrap();
            assert_eq!(config.compression_level, expected, "{codec}");
        }
    }
}
