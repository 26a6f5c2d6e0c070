//! `kavka demo`: a million orders into a topic of an embedded broker and out again, with nothing but SQL.

mod generator;

use std::io::{self, Write};

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use kavka_broker::{Broker, BrokerConfig};
use kavka_connector::client::{Client, NewTopic, Properties};
use kavka_sql::{SqlContext, SqlOptions, Statement};

use crate::args::{DemoArguments, OutputFormat};
use crate::command::sql::Session;
use crate::failure::Failure;
use generator::{COLUMNS, Generator};

/// Runs the demo from the first statement to the line to try next.
pub(crate) async fn run(arguments: DemoArguments) -> Result<(), Failure> {
    let config = BrokerConfig { retention_bytes: RETENTION_BYTES, ..BrokerConfig::default() };
    let broker = Broker::start(config).await?;
    create_topic(&broker.bootstrap_servers()).await?;
    let defaults = Properties::from([("bootstrap.servers", broker.bootstrap_servers().as_str())]);
    let context = SqlContext::new(SqlOptions { defaults, ..SqlOptions::default() });
    let generator = Generator::new(SEED);
    context.register_batches(
        "generated_orders",
        generator.schema(),
        batches(generator, arguments.rows),
    )?;
    let mut session = Session::new(context, OutputFormat::Table);
    say(&format!("An embedded Kafka broker listens on {}.", broker.bootstrap_servers()))?;
    run_statement(
        &mut session,
        "A topic is a table. This is all it takes to declare one:",
        &table(),
    )
    .await?;
    let insert = "INSERT INTO orders SELECT * FROM generated_orders";
    run_statement(&mut session, "Write orders as JSON, keyed by customer:", insert).await?;
    for (title, statement) in queries() {
        run_statement(&mut session, title, &statement).await?;
    }
    say("\nTry it on a broker of your own:\n\n    kavka sql -b localhost:9092\n")?;
    say("or keep an embedded one to play with: kavka sql --embedded")?;
    broker.shutdown().await;
    Ok(())
}

async fn create_topic(bootstrap_servers: &str) -> Result<(), Failure> {
    let client = Client::connect([("bootstrap.servers", bootstrap_servers)]).await?;
    let topic =
        NewTopic { name: "orders".into(), partitions: Some(PARTITIONS), ..NewTopic::default() };
    for created in client.admin().create_topics(&[topic]).await? {
        created?;
    }
    Ok(())
}

async fn run_statement(session: &mut Session, title: &str, text: &str) -> Result<(), Failure> {
    say(&format!("\n-- {title}\n{text};\n"))?;
    let statement = Statement { text: text.to_owned(), number: 1, line: 1, column: 1 };
    session.run(&statement).await.map(drop)
}

/// A line on stdout, which may be closed.
fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// `rows` orders in batches.
fn batches(
    mut generator: Generator,
    mut left: u64,
) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> + Send {
    std::iter::from_fn(move || {
        let rows = BATCH.min(usize::try_from(left).unwrap_or(BATCH));
        left -= rows as u64;
        (rows > 0).then(|| generator.next_batch(rows))
    })
}

fn table() -> String {
    format!(
        "CREATE TABLE orders (
{COLUMNS},
  kafka_partition INT METADATA FROM 'partition' VIRTUAL,
  kafka_offset    BIGINT METADATA FROM 'offset' VIRTUAL
) WITH (
  'connector' = 'kafka',
  'topic' = 'orders',
  'key.format' = 'raw',
  'key.fields' = 'customer',
  'value.format' = 'json',
  'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = 'latest-offset',
  'properties.compression.type' = 'lz4'
)"
    )
}

fn queries() -> [(&'static str, String); 3] {
    [
        (
            "Totals by currency:",
            "SELECT currency, count(*) AS orders, count(DISTINCT customer) AS customers, sum(price) AS total\n\
             FROM orders GROUP BY currency ORDER BY currency"
                .into(),
        ),
        (
            "Where the rows lie, from metadata columns alone:",
            "SELECT kafka_partition, min(kafka_offset) AS first_offset, max(kafka_offset) AS last_offset, count(*) AS orders\n\
             FROM orders GROUP BY kafka_partition ORDER BY kafka_partition"
                .into(),
        ),
        (
            "A filter on event time that stops at the first matches:",
            "SELECT id, customer, price, currency, event_time, address, tags\n\
             FROM orders WHERE event_time >= TIMESTAMP '2026-01-01 12:00:00' LIMIT 5"
                .into(),
        ),
    ]
}

/// The same orders at every run.
const SEED: u64 = 42;
const PARTITIONS: i32 = 4;
const BATCH: usize = 8_192;

/// A million orders need half of it compressed; more would only eat the machine.
const RETENTION_BYTES: u64 = 384 << 20;
