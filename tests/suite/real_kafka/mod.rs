//! The same tables on real Apache Kafka. `KAVKA_SCALE=full` runs them with millions of records.

mod counts;
mod inserts;
mod likeness;
mod old;
mod patterns;
mod positions;
mod reads;
mod replicas;
mod restarts;
mod security;
mod segments;
mod three_nodes;
mod topic_ids;
mod topics;
mod truncation;

use kavka_client::{Client, NewTopic};
use kavka_tests::real_kafka::RealKafka;
use kavka_tests::{java, trial};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial::real("a_table_of_every_codec_gives_the_generators_totals", reads::every_codec),
        trial::real(
            "inserted_rows_are_what_the_console_consumer_prints",
            inserts::console_consumer,
        ),
        trial::real("positions_are_those_of_kafkas_own_offsets", positions::offsets_agree),
        trial::real("compacted_gaps_and_markers_do_not_hold_a_scan", positions::compacted_gaps),
        trial::real(
            "segment_files_are_printed_as_by_kafkas_own_tool",
            segments::printed_as_by_kafkas_tool,
        ),
        trial::real(
            "compacted_segment_files_are_printed_as_by_kafkas_own_tool",
            segments::printed_after_compaction,
        ),
        trial::real("a_topic_created_anew_is_noticed", topic_ids::recreation_is_noticed),
        trial::real(
            "a_topic_created_anew_is_written_to",
            topic_ids::records_follow_to_the_new_topic,
        ),
        trial::real("the_lag_is_known_after_so_many_records", counts::lag_after_so_many_records),
        trial::real_cluster("a_scan_survives_the_brokers_restart", 1, restarts::scan),
        trial::real_cluster(
            "the_replica_in_the_readers_rack_is_read",
            3,
            replicas::nearest_is_read,
        ),
        trial::real_cluster("an_unclean_election_is_noticed", 3, truncation::is_noticed),
        trial::real_cluster("an_insert_survives_the_brokers_restart", 1, restarts::insert),
    ];
    trials.extend(likeness::trials());
    trials.extend(old::trials());
    trials.extend(patterns::trials());
    trials.extend(security::trials());
    trials.extend(three_nodes::trials());
    trials.extend(topics::trials());
    trials
}

/// `small` records in everyday runs, `full` when asked for.
fn scale(small: u64, full: u64) -> u64 {
    if std::env::var("KAVKA_SCALE").is_ok_and(|scale| scale == "full") { full } else { small }
}

async fn connect(kafka: &RealKafka) -> Client {
    let properties = [("bootstrap.servers", kafka.bootstrap_servers())];
    Client::connect(properties).await.expect("connected")
}

/// Creates a topic of one replica, and of one partition unless it says how many: old brokers have no defaults.
async fn create(client: &Client, topic: NewTopic) {
    let partitions = topic.partitions.unwrap_or(1);
    let topic = topic.with_partitions(partitions).with_replication_factor(1);
    let created = client.admin().create_topics(&[topic]).await.expect("an answer").remove(0);
    created.expect("created");
}

/// Creates a topic with Kafka's own tool.
fn create_topic(bootstrap_servers: &str, topic: &str, partitions: usize, configs: &[&str]) {
    let partitions = partitions.to_string();
    let mut arguments = vec![
        "--bootstrap-server",
        bootstrap_servers,
        "--create",
        "--topic",
        topic,
        "--partitions",
        &partitions,
    ];
    arguments.extend(configs.iter().flat_map(|config| ["--config", config]));
    java::run("org.apache.kafka.tools.TopicCommand", &arguments, None)
        .expect("the topic is created");
}
