//! The command line. Letters that kcat has mean what they mean there.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use kavka_connector::client::{Properties, check_properties};

use crate::failure::Failure;
use crate::tell::tell;

/// Kafka topics as tables: SQL, records and topics from one binary.
#[derive(Debug, Parser)]
#[command(name = "kavka", version, propagate_version = true)]
pub(crate) struct Arguments {
    /// Log more to stderr: -v info, -vv debug, -vvv trace
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run an in-process Kafka broker that other clients can talk to
    Broker(BrokerArguments),
    /// Print records of a topic
    Consume(ConsumeArguments),
    /// See kavka at work: a million orders in and out of an embedded broker
    Demo(DemoArguments),
    /// Write records, one per line of stdin
    Produce(ProduceArguments),
    /// Show what can be set with -X, --config and 'properties.*'
    Properties(PropertiesArguments),
    /// Run Flink SQL over Kafka topics
    Sql(SqlArguments),
    /// List, describe, create and delete topics
    Topics(TopicsArguments),
}

/// How to reach Kafka.
#[derive(Clone, Debug, Args)]
pub(crate) struct Connection {
    /// Brokers to start from
    #[arg(short = 'b', long = "bootstrap", value_name = "HOST:PORT,…")]
    pub(crate) bootstrap: Option<String>,
    /// A Kafka client property, by Kafka's name (repeatable)
    #[arg(short = 'X', value_name = "PROPERTY=VALUE")]
    pub(crate) properties: Vec<String>,
    /// A file of Kafka client properties
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

impl Connection {
    /// What the command line says about the connection: `-b` and `-X` over `--config`.
    pub(crate) fn properties(&self) -> Result<Properties, Failure> {
        let mut given = Properties::default();
        for pair in &self.properties {
            let (name, value) = pair.split_once('=').ok_or_else(|| {
                Failure::usage(format!(
                    "-X {pair}: expected PROPERTY=VALUE, for example -X fetch.min.bytes=1"
                ))
            })?;
            given.set(name.trim(), value.trim());
        }
        check_properties(&given, true).map_err(|error| Failure::usage(error.to_string()))?;
        if let Some(bootstrap) = &self.bootstrap {
            given.set("bootstrap.servers", with_ports(bootstrap));
        }
        let defaults = Properties::from([("default.api.timeout.ms", DEFAULT_TIMEOUT_MS)]);
        Ok(given.merged_over(&self.file()?.merged_over(&defaults)))
    }

    /// The same, for commands that cannot do without a broker.
    pub(crate) fn required_properties(&self) -> Result<Properties, Failure> {
        let properties = self.properties()?;
        if properties.get("bootstrap.servers").is_none() {
            return Err(Failure::usage(
                "no broker given: add -b HOST:PORT (or bootstrap.servers with -X or --config)",
            ));
        }
        Ok(properties)
    }

    fn file(&self) -> Result<Properties, Failure> {
        let Some(path) = &self.config else {
            return Ok(Properties::default());
        };
        let wrong = |error: &dyn std::fmt::Display| {
            Failure::usage(format!("--config {}: {error}", path.display()))
        };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
        let properties = Properties::parse(&text).map_err(|error| wrong(&error))?;
        for warning in check_properties(&properties, false).map_err(|error| wrong(&error))? {
            tell!("warning: {}: {warning}", path.display());
        }
        // What was warned of here is kept from whoever would warn of it again.
        let is_known = |name: &str, value: &str| {
            let warnings = check_properties(&Properties::from([(name, value)]), false);
            warnings.is_ok_and(|warnings| warnings.is_empty())
        };
        Ok(properties.iter().filter(|(name, value)| is_known(name, value)).collect())
    }
}

/// As in kcat, a host without a port has Kafka's usual one.
fn with_ports(bootstrap: &str) -> String {
    let address = |address: &str| match address.trim() {
        host if host.is_empty() || host.contains(':') => host.to_owned(),
        host => format!("{host}:{USUAL_PORT}"),
    };
    bootstrap.split(',').map(address).collect::<Vec<_>>().join(",")
}

#[derive(Debug, Args)]
pub(crate) struct BrokerArguments {
    /// Where to listen
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9092")]
    pub(crate) listen: String,
    /// Partitions of a topic that nobody created explicitly
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) partitions: i32,
    /// How much the log may hold in memory before the oldest records go, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) retention_mib: u32,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// How many orders to write
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub(crate) rows: u64,
}

/// What reading and writing records have in common.
#[derive(Debug, Args)]
pub(crate) struct RecordArguments {
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// Stop after this many records
    #[arg(short = 'c', long = "count", value_name = "N")]
    pub(crate) count: Option<u64>,
    /// Say nothing on stderr but warnings and errors
    #[arg(short = 'q', long = "quiet")]
    pub(crate) quiet: bool,
}

/// kcat's letters and their meaning.
#[derive(Debug, Args)]
pub(crate) struct ConsumeArguments {
    #[command(flatten)]
    pub(crate) records: RecordArguments,
    /// Topic to read
    #[arg(short = 't', long = "topic")]
    pub(crate) topic: String,
    /// Read this partition only (-1: all of them)
    #[arg(short = 'p', long = "partition", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-1..))]
    pub(crate) partition: Option<i32>,
    /// Where to start: beginning, end, N (absolute), -N (that many before the end), s@TIMESTAMP; and where to stop:
    /// e@TIMESTAMP (ms since the epoch; repeatable)
    #[arg(short = 'o', long = "offset", value_name = "OFFSET", allow_hyphen_values = true)]
    pub(crate) offset: Vec<String>,
    /// Stop when every partition's end is reached
    #[arg(short = 'e', long = "exit")]
    pub(crate) exit: bool,
    /// What follows each record
    #[arg(short = 'D', long = "delimiter", value_name = "TEXT", default_value = "\\n")]
    pub(crate) delimiter: String,
    /// Print keys before values, with this between
    #[arg(short = 'K', long = "key-delimiter", value_name = "TEXT")]
    pub(crate) key_delimiter: Option<String>,
    /// Print an absent key or value as NULL
    #[arg(short = 'Z', long = "null")]
    pub(crate) null: bool,
    /// Print each record by this format: %s value, %S its length, %R its length as 4 bytes, %k key, %K its length,
    /// %T timestamp, %h headers, %t topic, %p partition, %o offset
    #[arg(short = 'f', long = "format", value_name = "FORMAT", conflicts_with = "json")]
    pub(crate) format: Option<String>,
    /// Print each record as a JSON object
    #[arg(short = 'J', long = "json")]
    pub(crate) json: bool,
    /// Write each record out at once instead of in blocks
    #[arg(short = 'u', long = "unbuffered")]
    pub(crate) unbuffered: bool,
}

/// kcat's letters and their meaning.
#[derive(Debug, Args)]
pub(crate) struct ProduceArguments {
    #[command(flatten)]
    pub(crate) records: RecordArguments,
    /// Topic to write to
    #[arg(short = 't', long = "topic")]
    pub(crate) topic: String,
    /// Write to this partition instead of choosing one by key (-1: choose)
    #[arg(short = 'p', long = "partition", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-1..))]
    pub(crate) partition: Option<i32>,
    /// What ends a record on stdin
    #[arg(short = 'D', long = "delimiter", value_name = "TEXT", default_value = "\\n")]
    pub(crate) delimiter: String,
    /// What stands between key and value
    #[arg(short = 'K', long = "key-delimiter", value_name = "TEXT")]
    pub(crate) key_delimiter: Option<String>,
    /// A key for every record that has none of its own
    #[arg(short = 'k', long = "key", value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// A header for every record (repeatable; NAME alone is a header without a value)
    #[arg(short = 'H', long = "header", value_name = "NAME=VALUE")]
    pub(crate) headers: Vec<String>,
    /// Write an empty key or value as an absent one
    #[arg(short = 'Z', long = "null")]
    pub(crate) null: bool,
    /// Compress: none, gzip, snappy, lz4 or zstd
    #[arg(short = 'z', long = "compression", value_name = "CODEC")]
    pub(crate) compression: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PropertiesArguments {
    /// Show this property only, in detail
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// How to print
    #[arg(short = 'o', long, value_enum, default_value_t = OutputFormat::Table)]
    pub(crate) output: OutputFormat,
}

#[derive(Debug, Args)]
pub(crate) struct SqlArguments {
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// Statements to run, separated by ';'
    #[arg(short = 'e', long = "execute", value_name = "STATEMENTS", conflicts_with = "file")]
    pub(crate) execute: Option<String>,
    /// A file of statements to run (-: stdin)
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// How rows are printed
    #[arg(short = 'o', long, value_enum, default_value_t = OutputFormat::Table)]
    pub(crate) output: OutputFormat,
    /// Talk to a broker inside this process (its topics go when the command ends)
    #[arg(long, conflicts_with = "bootstrap")]
    pub(crate) embedded: bool,
    /// A setting, as SET 'key' = 'value' would make it (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// A table for people
    Table,
    /// One JSON object per row
    Json,
    /// Comma-separated values with a header line
    Csv,
}

#[derive(Debug, Args)]
pub(crate) struct TopicsArguments {
    #[command(subcommand)]
    pub(crate) action: TopicsAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TopicsAction {
    /// Create a topic
    Create {
        #[command(flatten)]
        connection: Connection,
        /// Its name
        topic: String,
        /// How many partitions (the broker's default if not given)
        #[arg(short = 'p', long, value_name = "N")]
        partitions: Option<i32>,
        /// How many replicas of each (the broker's default if not given)
        #[arg(short = 'r', long, value_name = "N")]
        replication_factor: Option<i16>,
        /// A topic setting, by Kafka's name (repeatable)
        #[arg(short = 'c', long = "topic-config", value_name = "NAME=VALUE")]
        configs: Vec<String>,
    },
    /// Delete topics
    Delete {
        #[command(flatten)]
        connection: Connection,
        /// Their names
        #[arg(required = true)]
        topics: Vec<String>,
    },
    /// Show partitions, leaders, replicas and offsets of topics
    Describe {
        #[command(flatten)]
        connection: Connection,
        /// Their names
        #[arg(required = true)]
        topics: Vec<String>,
        /// How to print
        #[arg(short = 'o', long, value_enum, default_value_t = OutputFormat::Table)]
        output: OutputFormat,
    },
    /// List topics
    List {
        #[command(flatten)]
        connection: Connection,
        /// Also those that Kafka keeps for itself
        #[arg(short = 'a', long)]
        all: bool,
        /// How to print
        #[arg(short = 'o', long, value_enum, default_value_t = OutputFormat::Table)]
        output: OutputFormat,
    },
}

/// Where brokers listen if nobody says otherwise.
const USUAL_PORT: u16 = 9092;

/// A person waits at a command line; a service may have more patience.
const DEFAULT_TIMEOUT_MS: &str = "30000";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::{Arguments, Connection, with_ports};
    use crate::failure::Failure;

    fn connection(properties: &[&str]) -> Connection {
        let properties = properties.iter().map(|p| (*p).to_owned()).collect();
        Connection { bootstrap: Some("k:9092".into()), properties, config: None }
    }

    #[test]
    fn the_definition_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_host_without_a_port_has_kafkas() {
        assert_eq!(with_ports("a, b:1 ,[::1]:2"), "a:9092,b:1,[::1]:2");
    }

    #[test]
    fn properties_of_the_command_line_are_checked_strictly() {
        let Err(Failure::Usage(message)) = connection(&["linger.msec=5"]).properties() else {
            panic!("an unknown property is an error");
        };
        assert!(message.contains("linger.msec") && message.contains("linger.ms"), "{message}");
    }

    #[test]
    fn a_property_without_a_value_is_a_usage_error() {
        assert!(matches!(connection(&["linger.ms"]).properties(), Err(Failure::Usage(_))));
    }

    #[test]
    fn the_bootstrap_letter_becomes_the_property() {
        let properties = connection(&[]).required_properties().unwrap();
        assert_eq!(properties.get("bootstrap.servers"), Some("k:9092"));
    }
}
