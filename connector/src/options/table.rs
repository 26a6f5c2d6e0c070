//! The table of options: everything a `WITH` clause may hold besides `properties.*` and the formats' own options.

use super::definition::OptionDef;

/// Every option of `'connector' = 'kafka'`, sorted by name.
pub fn option_definitions() -> &'static [OptionDef] {
    DEFINITIONS
}

/// The definition of the option `name`.
pub(super) fn find(name: &str) -> Option<&'static OptionDef> {
    DEFINITIONS
        .binary_search_by(|definition| definition.name().cmp(name))
        .ok()
        .and_then(|at| DEFINITIONS.get(at))
}

/// Required; the only property that is.
pub(crate) const BOOTSTRAP: &str = "properties.bootstrap.servers";
pub(crate) const CONNECTOR: &str = "connector";
pub(crate) const FORMAT: &str = "format";
pub(crate) const KEY_FIELDS: &str = "key.fields";
pub(crate) const KEY_FIELDS_PREFIX: &str = "key.fields-prefix";
pub(crate) const KEY_FORMAT: &str = "key.format";
pub(crate) const SCAN_BOUNDED_MODE: &str = "scan.bounded.mode";
pub(crate) const SCAN_BOUNDED_SPECIFIC_OFFSETS: &str = "scan.bounded.specific-offsets";
pub(crate) const SCAN_BOUNDED_TIMESTAMP_MILLIS: &str = "scan.bounded.timestamp-millis";
pub(crate) const SCAN_PARALLELISM: &str = "scan.parallelism";
pub(crate) const SCAN_STARTUP_MODE: &str = "scan.startup.mode";
pub(crate) const SCAN_STARTUP_SPECIFIC_OFFSETS: &str = "scan.startup.specific-offsets";
pub(crate) const SCAN_STARTUP_TIMESTAMP_MILLIS: &str = "scan.startup.timestamp-millis";
pub(crate) const SCAN_TOPIC_PARTITION_DISCOVERY_INTERVAL: &str =
    "scan.topic-partition-discovery.interval";
pub(crate) const SINK_DELIVERY_GUARANTEE: &str = "sink.delivery-guarantee";
pub(crate) const SINK_PARALLELISM: &str = "sink.parallelism";
pub(crate) const SINK_PARTITIONER: &str = "sink.partitioner";
pub(crate) const SINK_SEMANTIC: &str = "sink.semantic";
pub(crate) const SINK_TRANSACTIONAL_ID_PREFIX: &str = "sink.transactional-id-prefix";
pub(crate) const TOPIC: &str = "topic";
pub(crate) const TOPIC_PATTERN: &str = "topic-pattern";
pub(crate) const VALUE_FIELDS_INCLUDE: &str = "value.fields-include";
pub(crate) const VALUE_FORMAT: &str = "value.format";

/// The prefix of what is handed to the Kafka client.
pub(crate) const PROPERTIES: &str = "properties.";

/// The prefix of what would be handed to the client that writes dead letters.
pub(super) const DEAD_LETTER_PROPERTIES: &str = "scan.bad-record.dead-letter.properties.";

#[rustfmt::skip]
static DEFINITIONS: &[OptionDef] = &[
    OptionDef::text(CONNECTOR).doc("`kafka`."),
    OptionDef::text(FORMAT).doc("How values are written; the same as `value.format`."),
    OptionDef::list(KEY_FIELDS).doc("The physical columns that form the key, in this order."),
    OptionDef::text(KEY_FIELDS_PREFIX).doc("What every key column's name starts with; the key's own fields do without it."),
    OptionDef::text(KEY_FORMAT).doc("How keys are written."),
    OptionDef::text("scan.bad-record.dead-letter.topic").source().not_built().doc("Where records that cannot be decoded are written."),
    OptionDef::choice("scan.bad-record.policy", &["fail", "skip", "dead-letter"]).default("fail").source().not_built().doc("What happens to a record that cannot be decoded."),
    OptionDef::choice(SCAN_BOUNDED_MODE, &["unbounded", "latest-offset", "group-offsets", "timestamp", "specific-offsets"]).default("unbounded").source().doc("Where reading ends."),
    OptionDef::offsets(SCAN_BOUNDED_SPECIFIC_OFFSETS).source().doc("The offset before which each partition ends; partitions not listed are not read."),
    OptionDef::integer(SCAN_BOUNDED_TIMESTAMP_MILLIS, 0).source().doc("Reading ends at the first record with this timestamp or a later one."),
    OptionDef::integer(SCAN_PARALLELISM, 1).source().doc("How many readers share the partitions."),
    OptionDef::choice(SCAN_STARTUP_MODE, &["earliest-offset", "latest-offset", "group-offsets", "timestamp", "specific-offsets"]).default("group-offsets").source().doc("Where reading starts."),
    OptionDef::offsets(SCAN_STARTUP_SPECIFIC_OFFSETS).source().doc("The offset at which each partition starts."),
    OptionDef::integer(SCAN_STARTUP_TIMESTAMP_MILLIS, 0).source().doc("Reading starts at the first record with this timestamp or a later one."),
    OptionDef::duration(SCAN_TOPIC_PARTITION_DISCOVERY_INTERVAL).default("5 min").source().doc("How often a read without an end looks for new partitions, those of new topics that match included, which it reads from their beginning; `0` for never."),
    OptionDef::text("scan.watermark.alignment.group").source().not_built().doc("Sources of one group wait for one another."),
    OptionDef::duration("scan.watermark.alignment.max-drift").source().not_built().doc("How far a partition may be ahead of its group."),
    OptionDef::duration("scan.watermark.alignment.update-interval").default("1 s").source().not_built().doc("How often a group compares watermarks."),
    OptionDef::integer("scan.watermark.emit.on-event.gap", 1).default("1").source().not_built().doc("Rows between two watermarks."),
    OptionDef::choice("scan.watermark.emit.strategy", &["on-periodic", "on-event"]).default("on-periodic").source().not_built().doc("When watermarks are emitted."),
    OptionDef::duration("scan.watermark.idle-timeout").source().not_built().doc("When a silent partition no longer holds the watermark back."),
    OptionDef::choice(SINK_DELIVERY_GUARANTEE, &["none", "at-least-once", "exactly-once"]).default("at-least-once").sink().doc("What an INSERT that has ended promises: with `at-least-once` every row was acknowledged; `none` promises nothing, and rows are written the same way."),
    OptionDef::integer(SINK_PARALLELISM, 1).sink().doc("How many writers the sink has."),
    OptionDef::text(SINK_PARTITIONER).default("default").sink().doc("`default`, `fixed` or `round-robin`."),
    OptionDef::text(SINK_SEMANTIC).sink().doc("The old name of `sink.delivery-guarantee`, over which it wins."),
    OptionDef::choice("sink.transaction-naming-strategy", &["INCREMENTING", "POOLING"]).default("INCREMENTING").sink().doc("How transactional ids are formed; matters with `exactly-once` only."),
    OptionDef::text(SINK_TRANSACTIONAL_ID_PREFIX).sink().doc("What transactional ids start with; matters with `exactly-once` only."),
    OptionDef::list(TOPIC).doc("The topic; to read, several separated by `;`."),
    OptionDef::text(TOPIC_PATTERN).doc("In place of `topic`, to read: a regular expression, as Java has them, that the whole names of the topics match. Topics that are created during a read without an end are found as new partitions are."),
    OptionDef::choice(VALUE_FIELDS_INCLUDE, &["ALL", "EXCEPT_KEY"]).default("ALL").doc("Whether values hold the key's columns too."),
    OptionDef::text(VALUE_FORMAT).doc("How values are written."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_found_by_its_name() {
        for definition in option_definitions() {
            assert_eq!(find(definition.name()).map(OptionDef::name), Some(definition.name()));
        }
    }

    #[test]
    fn every_default_is_a_value_of_its_kind() {
        for definition in option_definitions() {
            let default = definition.default_value().unwrap_or_default();
            assert!(
                definition.default_value().is_none() || definition.check(default).is_ok(),
                "{}",
                definition.name()
            );
            assert!(!definition.description().is_empty(), "{}", definition.name());
        }
    }
}
