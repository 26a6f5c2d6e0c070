//! Tables from sink to source on the in-process broker: what is written comes back as it was, and what cannot be
//! written or read is told where it happened.

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, TimestampMillisecondType};
use arrow_array::{Array, RecordBatch};
use futures::FutureExt;
use kavka_broker::Broker;
use kavka_client::protocol::{ApiKey, ErrorCode, Offset, TopicPartition};
use kavka_client::{Client, NewTopic, OutgoingRecord};
use kavka_connector::format::{FormatOptions, FormatTarget, format};
use kavka_connector::{
    Clients, ReaderSpec, SinkWriter, SourceOptions, SourceReader, Table, parse_create_table,
};
use kavka_tests::{embedded, sql, trial};
use libtest_mimic::Trial;
use serde_json::{Value, json};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial::conversation("source::every_type_comes_back", every_type_comes_back),
        trial::conversation("source::headers_come_back", headers_come_back),
        trial::conversation(
            "source::timestamps_are_readings_of_the_clock_of_the_session",
            timestamps_are_readings_of_the_clock_of_the_session,
        ),
        trial::conversation(
            "source::a_null_timestamp_becomes_the_time_of_writing",
            a_null_timestamp_becomes_the_time_of_writing,
        ),
        trial::conversation(
            "source::virtual_columns_say_where_a_record_lies",
            virtual_columns_say_where_a_record_lies,
        ),
        trial::conversation("source::a_projection_keeps_its_order", a_projection_keeps_its_order),
        trial::conversation("source::no_columns_are_still_rows", no_columns_are_still_rows),
        trial::conversation(
            "source::fixed_writers_share_the_partitions",
            fixed_writers_share_the_partitions,
        ),
        trial::conversation("source::tombstones_are_no_rows", tombstones_are_no_rows),
        trial::conversation(
            "source::a_bad_record_comes_after_the_rows_before_it",
            a_bad_record_comes_after_the_rows_before_it,
        ),
        trial::conversation("source::a_bad_record_ends_its_reader", a_bad_record_ends_its_reader),
        trial::conversation(
            "source::an_ignored_parse_error_is_still_a_row",
            an_ignored_parse_error_is_still_a_row,
        ),
        trial::conversation(
            "source::batches_keep_to_their_limit_and_lose_nothing_between_them",
            batches_keep_to_their_limit_and_lose_nothing_between_them,
        ),
        trial::conversation(
            "source::progress_is_the_offset_after_the_last_row",
            progress_is_the_offset_after_the_last_row,
        ),
        trial::conversation(
            "source::reads_that_are_given_up_lose_nothing",
            reads_that_are_given_up_lose_nothing,
        ),
        trial::conversation(
            "source::a_late_record_does_not_wait_for_a_full_batch",
            a_late_record_does_not_wait_for_a_full_batch,
        ),
        trial::conversation(
            "source::a_start_that_was_deleted_moves_to_the_first_record_left",
            a_start_that_was_deleted_moves_to_the_first_record_left,
        ),
        trial::conversation(
            "source::a_stop_that_was_deleted_ends_the_read",
            a_stop_that_was_deleted_ends_the_read,
        ),
        trial::conversation(
            "source::a_null_in_a_not_null_column_is_refused",
            a_null_in_a_not_null_column_is_refused,
        ),
        trial::conversation(
            "source::negative_timestamps_are_refused",
            negative_timestamps_are_refused,
        ),
        trial::conversation(
            "source::a_flush_reports_what_was_not_delivered_once",
            a_flush_reports_what_was_not_delivered_once,
        ),
        trial::conversation(
            "source::a_later_write_reports_what_was_not_delivered",
            a_later_write_reports_what_was_not_delivered,
        ),
        trial::conversation(
            "source::passing_refusals_are_not_seen_by_a_sink",
            passing_refusals_are_not_seen_by_a_sink,
        ),
        trial::conversation(
            "source::a_sink_refuses_metadata_that_cannot_be_written",
            a_sink_refuses_metadata_that_cannot_be_written,
        ),
    ]
}

async fn every_type_comes_back() {
    let world = World::start(3).await;
    let options = format!(
        "{BOUNDED}, 'key.format' = 'json', 'key.fields' = 'id', 'value.format' = 'json', \
         'value.fields-include' = 'EXCEPT_KEY'"
    );
    let table = world.table(EVERY_TYPE, &options);
    let written = batch(&table, (0..1000).map(row_of_every_type));
    world.write(&table, &written).await;
    let read = batches(world.reader(&table, 100).await).await;
    assert_same_rows(&written, &read);
}

async fn headers_come_back() {
    let world = World::start(3).await;
    let columns = "id BIGINT, headers MAP<STRING, BYTES> METADATA";
    let table = world.json_table(columns, BOUNDED);
    let written = batch(&table, (0..100).map(|id| json!({ "id": id, "headers": headers_of(id) })));
    world.write(&table, &written).await;
    let read = batches(world.reader(&table, 8192).await).await;
    assert_same_rows(&written, &read);
}

/// A round trip alone would not see an error that is made both ways.
async fn timestamps_are_readings_of_the_clock_of_the_session() {
    let world = World::start(1).await;
    let columns = "id BIGINT, written TIMESTAMP(3) METADATA FROM 'timestamp'";
    let table = world.json_table(columns, BOUNDED);
    let berlin = table.in_time_zone("Europe/Berlin".parse().expect("a zone"));
    let row = json!({ "id": 0, "written": "2023-11-14 23:13:20.007" });
    world.write(&berlin, &batch(&berlin, [row])).await;
    assert_eq!(world.rows(&berlin).await, [["0", "2023-11-14 23:13:20.007"]]);
    assert_eq!(world.rows(&table).await, [["0", "2023-11-14 22:13:20.007"]]);
}

async fn a_null_timestamp_becomes_the_time_of_writing() {
    let world = World::start(1).await;
    let columns = "id BIGINT, written TIMESTAMP_LTZ(3) METADATA FROM 'timestamp'";
    let table = world.json_table(columns, BOUNDED);
    let before = now();
    world.write(&table, &batch(&table, [json!({ "id": 0, "written": null })])).await;
    let read = batches(world.reader(&table, 8192).await).await;
    let written = read[0].column(1).as_primitive::<TimestampMillisecondType>();
    assert!(written.is_valid(0), "a record has a timestamp");
    assert!((before..=now()).contains(&written.value(0)), "{before} <= {}", written.value(0));
}

async fn virtual_columns_say_where_a_record_lies() {
    let world = World::start(2).await;
    world.send_ids(1, 0..2).await;
    let columns = "topic STRING METADATA VIRTUAL, `partition` INT METADATA VIRTUAL, \
                   `offset` BIGINT METADATA VIRTUAL, kind STRING METADATA FROM 'timestamp-type' VIRTUAL, id INT";
    let rows = world.rows(&world.json_table(columns, BOUNDED)).await;
    assert_eq!(rows, [[TOPIC, "1", "0", "CreateTime", "0"], [TOPIC, "1", "1", "CreateTime", "1"]]);
}

async fn a_projection_keeps_its_order() {
    let world = World::start(1).await;
    world.send_ids(0, 7..9).await;
    let table = world.json_table(PLACED, BOUNDED);
    let reader = world.reader_of(&table, vec![2, 0, 1], 8192).await;
    let names: Vec<String> =
        reader.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["at", "id", "part"]);
    assert_eq!(texts(reader).await, [["0", "7", "0"], ["1", "8", "0"]]);
}

async fn no_columns_are_still_rows() {
    let world = World::start(3).await;
    for partition in 0..3 {
        world.send_ids(partition, 0..400).await;
    }
    let table = world.json_table("id INT", BOUNDED);
    assert_eq!(count(world.reader_of(&table, Vec::new(), 100).await).await, 1200);
}

async fn fixed_writers_share_the_partitions() {
    let world = World::start(3).await;
    let columns = "id INT, part INT METADATA FROM 'partition' VIRTUAL";
    let table = world.json_table(columns, &format!("{BOUNDED}, 'sink.partitioner' = 'fixed'"));
    let written = batch(&table, ids(0..100));
    for writer in 0..4 {
        let mut sink = table.sink(&world.clients, writer, 4).await.expect("a sink");
        sink.write(&written).await.expect("accepted");
        sink.flush().await.expect("delivered");
    }
    let rows = world.rows(&table).await;
    let in_partition = |partition: &str| rows.iter().filter(|row| row[1] == partition).count();
    assert_eq!(["0", "1", "2"].map(in_partition), [200, 100, 100]);
}

/// More of them than one fetch holds, so that whole fetches bring no row.
async fn tombstones_are_no_rows() {
    let world = World::start(1).await;
    let key = vec![b'k'; 100_000];
    for _ in 0..20 {
        world.send((0..10).map(|_| OutgoingRecord::to(TOPIC).key(&key))).await;
    }
    world.send_ids(0, 1..2).await;
    let table = world.json_table("id INT", BOUNDED);
    assert_eq!(world.rows(&table).await, [["1"]]);
    assert_eq!(count(world.reader_of(&table, Vec::new(), 8192).await).await, 1);
}

async fn a_bad_record_comes_after_the_rows_before_it() {
    let world = World::with_a_bad_record().await;
    let mut reader = world.reader(&world.json_table("id INT", BOUNDED), 8192).await;
    let mut rows = 0;
    let error = loop {
        match reader.next().await {
            Ok(read) => rows += read.expect("the bad record comes").batch.num_rows(),
            Err(error) => break error,
        }
    };
    assert_eq!(rows, 7, "the rows before are not lost");
    assert_says(&error, &["t-0", "offset 7", "\"id\""]);
}

async fn a_bad_record_ends_its_reader() {
    let world = World::with_a_bad_record().await;
    let mut reader = world.reader(&world.json_table("id INT", BOUNDED), 8192).await;
    while reader.next().await.is_ok_and(|read| read.is_some()) {}
    for _ in 0..2 {
        let error = reader.next().await.expect_err("what would come next is not what is next");
        assert_says(&error, &["bad record"]);
    }
}

async fn an_ignored_parse_error_is_still_a_row() {
    let world = World::with_a_bad_record().await;
    let options = format!("{BOUNDED}, 'json.ignore-parse-errors' = 'true'");
    let rows = world.rows(&world.json_table("id INT", &options)).await;
    let expected: Vec<_> =
        (0..10).map(|id| [if id == 7 { "NULL".to_owned() } else { id.to_string() }]).collect();
    assert_eq!(rows, expected);
}

async fn batches_keep_to_their_limit_and_lose_nothing_between_them() {
    let world = World::start(1).await;
    world.send_ids(0, 0..2500).await;
    let table = world.json_table("id INT", &between(17, 1234));
    let expected: Vec<_> = (17..1234).map(|id| [id.to_string()]).collect();
    for limit in [1, 7, 100, 8192] {
        let read = batches(world.reader(&table, limit).await).await;
        assert!(read.iter().all(|batch| (1..=limit).contains(&batch.num_rows())), "{limit}");
        let rows: Vec<_> = read.iter().flat_map(sql::texts).collect();
        assert_eq!(rows, expected, "batches of {limit}");
    }
}

async fn progress_is_the_offset_after_the_last_row() {
    let world = World::start(2).await;
    for partition in 0..2 {
        world.send_ids(partition, 0..2500).await;
    }
    let table = world.json_table(PLACED, BOUNDED);
    for limit in [1, 7, 100, 8192] {
        let mut reader = world.reader(&table, limit).await;
        let mut next: [Offset; 2] = [0, 0];
        while let Some(read) = reader.next().await.expect("rows") {
            advance(&mut next, &read.batch);
            for (tp, offset) in read.progress.iter() {
                assert_eq!(offset, next[tp.partition as usize], "{tp} in batches of {limit}");
            }
        }
        assert_eq!(next, [2500, 2500], "batches of {limit}");
    }
}

async fn reads_that_are_given_up_lose_nothing() {
    let world = World::start(2).await;
    for partition in 0..2 {
        world.send_ids(partition, 0..2500).await;
    }
    let mut reader = world.reader(&world.json_table(PLACED, EARLIEST), 100).await;
    let mut next: [Offset; 2] = [0, 0];
    while next != [2500, 2500] {
        match reader.next().now_or_never() {
            Some(read) => advance(&mut next, &read.expect("rows").expect("no end").batch),
            None => tokio::task::yield_now().await,
        }
    }
}

async fn a_late_record_does_not_wait_for_a_full_batch() {
    let world = World::start(1).await;
    let mut reader = world.reader(&world.json_table("id INT", EARLIEST), 8192).await;
    let (read, ()) = tokio::join!(reader.next(), world.send_ids(0, 99..100));
    let read = read.expect("a row").expect("no end");
    assert_eq!(sql::texts(&read.batch), [["99"]]);
}

async fn a_start_that_was_deleted_moves_to_the_first_record_left() {
    let world = World::start(1).await;
    world.send_ids(0, 0..100).await;
    world.broker.control().delete_records_before(&TopicPartition::new(TOPIC, 0), 50);
    let rows = world.rows(&world.json_table("id INT", &between(5, 80))).await;
    assert_eq!(rows, (50..80).map(|id| [id.to_string()]).collect::<Vec<_>>());
}

async fn a_stop_that_was_deleted_ends_the_read() {
    let world = World::start(1).await;
    world.send_ids(0, 0..100).await;
    world.broker.control().delete_records_before(&TopicPartition::new(TOPIC, 0), 50);
    let table = world.json_table("id INT", &between(5, 40));
    assert_eq!(count(world.reader(&table, 8192).await).await, 0);
}

async fn a_null_in_a_not_null_column_is_refused() {
    let world = World::start(1).await;
    let rows = batch(&world.json_table("id INT", BOUNDED), [json!({ "id": 1 }), json!({})]);
    let table = world.json_table("id INT NOT NULL", BOUNDED);
    let mut sink = world.sink(&table).await;
    let error = sink.write(&rows).await.expect_err("a null");
    assert_says(&error, &["table t", "column \"id\"", "NOT NULL"]);
    sink.flush().await.expect("nothing to deliver");
    assert!(world.rows(&table).await.is_empty(), "none of the batch is written");
}

/// The protocol would take -1 for a record without a timestamp.
async fn negative_timestamps_are_refused() {
    let world = World::start(1).await;
    let columns = "id INT, written TIMESTAMP_LTZ(3) METADATA FROM 'timestamp'";
    let table = world.json_table(columns, BOUNDED);
    let row = json!({ "id": 1, "written": "1969-12-31 23:59:59.999Z" });
    let error = world.sink(&table).await.write(&batch(&table, [row])).await.expect_err("negative");
    assert_says(&error, &["table t", "column \"written\"", "Invalid timestamp: -1"]);
}

async fn a_flush_reports_what_was_not_delivered_once() {
    let world = World::start(1).await;
    let table = world.json_table("id INT", BOUNDED);
    let mut sink = world.sink(&table).await;
    world.broker.control().fail_next(ApiKey::Produce, ErrorCode::TopicAuthorizationFailed, 1);
    sink.write(&batch(&table, ids(1..2))).await.expect("accepted");
    let error = sink.flush().await.expect_err("refused");
    assert_says(&error, &[UNDELIVERED, "table t"]);
    sink.write(&batch(&table, ids(2..3))).await.expect("accepted");
    sink.flush().await.expect("delivered");
    assert_eq!(world.rows(&table).await, [["2"]]);
}

/// A writer that has many batches on their way waits for the oldest, so the error comes for certain.
async fn a_later_write_reports_what_was_not_delivered() {
    let world = World::start(1).await;
    let table = world.json_table("id INT", BOUNDED);
    let mut sink = world.sink(&table).await;
    world.broker.control().fail_next(ApiKey::Produce, ErrorCode::TopicAuthorizationFailed, 1);
    let row = batch(&table, ids(1..2));
    let error = loop {
        if let Err(error) = sink.write(&row).await {
            break error;
        }
    };
    assert_says(&error, &[UNDELIVERED, "table t"]);
}

async fn passing_refusals_are_not_seen_by_a_sink() {
    let world = World::start(1).await;
    let table = world.json_table("id INT", BOUNDED);
    world.broker.control().fail_next(ApiKey::Produce, ErrorCode::NotLeaderOrFollower, 2);
    world.write(&table, &batch(&table, ids(5..6))).await;
    assert_eq!(world.rows(&table).await, [["5"]]);
}

async fn a_sink_refuses_metadata_that_cannot_be_written() {
    let world = World::start(1).await;
    for (column, key) in [("x BIGINT", "offset"), ("x STRING", "topic")] {
        let columns = format!("id INT, {column} METADATA FROM '{key}'");
        let table = world.json_table(&columns, BOUNDED);
        let error = table.sink(&world.clients, 0, 1).await.err().expect("not writable");
        let named = format!("Invalid metadata key '{key}' in column 'x'");
        assert_says(&error, &[&named, "VIRTUAL"]);
    }
}

/// A broker with the topic of the tests, and both ways to it: the client itself and the connections of tables.
struct World {
    broker: Broker,
    client: Client,
    clients: Clients,
}

impl World {
    async fn start(partitions: i32) -> Self {
        let broker = embedded::broker().await;
        let client = Client::connect([("bootstrap.servers", broker.bootstrap_servers())])
            .await
            .expect("the broker is there");
        let topic = NewTopic::new(TOPIC).with_partitions(partitions);
        let created = client.admin().create_topics(&[topic]).await.expect("an answer");
        assert!(created.iter().all(Result::is_ok), "{created:?}");
        Self { broker, client, clients: Clients::default() }
    }

    /// Ten records, of which the one at offset 7 is not what `id INT` says.
    async fn with_a_bad_record() -> Self {
        let world = Self::start(1).await;
        world.send_ids(0, 0..7).await;
        world.send([OutgoingRecord::to(TOPIC).value(b"{\"id\":\"x\"}")]).await;
        world.send_ids(0, 8..10).await;
        world
    }

    async fn send<'a>(&self, records: impl IntoIterator<Item = OutgoingRecord<'a>>) {
        let producer = self.client.producer([("linger.ms", "0")]).expect("a producer");
        producer.send_batch(records).await.expect("accepted").await.expect("delivered");
    }

    async fn send_ids(&self, partition: i32, range: Range<i64>) {
        let values: Vec<String> = ids(range).map(|row| row.to_string()).collect();
        let record = |value| OutgoingRecord::to(TOPIC).partition(partition).value(value);
        self.send(values.iter().map(|value| record(value.as_bytes()))).await;
    }

    fn json_table(&self, columns: &str, options: &str) -> Table {
        self.table(columns, &format!("'format' = 'json', {options}"))
    }

    fn table(&self, columns: &str, options: &str) -> Table {
        let statement = format!(
            "CREATE TABLE t ({columns}) WITH ('connector' = 'kafka', 'topic' = '{TOPIC}', {options})"
        );
        let definition = parse_create_table(&statement).expect(&statement);
        let servers = self.broker.bootstrap_servers();
        Table::create(definition, &[("bootstrap.servers", servers)].into()).expect(&statement)
    }

    async fn sink(&self, table: &Table) -> SinkWriter {
        table.sink(&self.clients, 0, 1).await.expect("a sink")
    }

    async fn write(&self, table: &Table, rows: &RecordBatch) {
        let mut sink = self.sink(table).await;
        sink.write(rows).await.expect("accepted");
        sink.flush().await.expect("delivered");
        assert_eq!(sink.rows(), rows.num_rows() as u64);
    }

    /// A reader of every split and column.
    async fn reader(&self, table: &Table, batch_size: usize) -> SourceReader {
        let projection = (0..table.schema().fields().len()).collect();
        self.reader_of(table, projection, batch_size).await
    }

    async fn reader_of(
        &self,
        table: &Table,
        projection: Vec<usize>,
        batch_size: usize,
    ) -> SourceReader {
        let planned = table.plan_source(&self.clients, &SourceOptions::default()).await;
        let plan = planned.expect("a plan");
        let (splits, is_bounded) = (plan.splits, plan.is_bounded);
        let spec =
            ReaderSpec { splits, projection, batch_size, is_bounded, ..ReaderSpec::default() };
        table.reader(&self.clients, spec).expect("a reader")
    }

    /// Everything in the table; rows of one partition in their order.
    async fn rows(&self, table: &Table) -> Vec<Vec<String>> {
        texts(self.reader(table, 8192).await).await
    }
}

async fn batches(mut reader: SourceReader) -> Vec<RecordBatch> {
    let mut found = Vec::new();
    while let Some(read) = reader.next().await.expect("rows") {
        found.push(read.batch);
    }
    found
}

async fn texts(reader: SourceReader) -> Vec<Vec<String>> {
    batches(reader).await.iter().flat_map(sql::texts).collect()
}

async fn count(reader: SourceReader) -> usize {
    batches(reader).await.iter().map(RecordBatch::num_rows).sum()
}

/// The rows as the columns that the table writes; metadata columns are fields of the JSON like the others.
fn batch(table: &Table, rows: impl IntoIterator<Item = Value>) -> RecordBatch {
    let schema = table.sink_schema();
    let target = FormatTarget::new(schema.fields().clone(), FormatOptions::default());
    let mut decoder =
        format("json").expect("a format").decoder(&target).expect("columns that it knows");
    for row in rows {
        decoder.append(Some(row.to_string().as_bytes())).expect("a row");
    }
    RecordBatch::try_new(schema, decoder.finish().expect("columns")).expect("a batch")
}

fn ids(range: Range<i64>) -> impl Iterator<Item = Value> {
    range.map(|id| json!({ "id": id }))
}

fn row_of_every_type(id: i64) -> Value {
    json!({
        "id": id,
        "name": format!("naïve \" {id}"),
        "price": id as f64 + 0.5,
        "ok": id % 2 == 0,
        "day": "2024-02-29",
        "hour": "12:34:56",
        "moment": format!("2024-01-01 00:00:0{}.123", id % 10),
        "instant": format!("2024-01-01 00:00:00.{id:06}Z"),
        "raw": "aGVsbG8=",
        "tags": ["a", null, format!("b{id}")],
        "address": { "zip": id, "city": "Zürich" },
        "counts": { "k": id, "n": null },
        "ratio": 1.5 * 10_f64.powi((id % 300) as i32),
        "nothing": null,
    })
}

fn headers_of(id: i64) -> Value {
    match id % 4 {
        0 => json!({}),
        1 => json!({ "only": null }),
        2 => json!({ format!("h{id}"): "aGVsbG8=" }),
        _ => json!({ "first": "", "second": "aGVsbG8=", "third": null }),
    }
}

/// Row by row, since partitions come in any order: the row with id `n` must be row `n` of what was written.
fn assert_same_rows(written: &RecordBatch, read: &[RecordBatch]) {
    let mut seen = BTreeSet::new();
    for batch in read {
        assert_eq!(batch.schema(), written.schema());
        let ids = batch["id"].as_primitive::<Int64Type>();
        for (row, id) in ids.values().iter().enumerate() {
            assert!(seen.insert(*id), "row {id} came twice");
            assert_eq!(batch.slice(row, 1), written.slice(*id as usize, 1), "row {id}");
        }
    }
    assert_eq!(seen.len(), written.num_rows());
}

/// Moves `next` past the rows of a `PLACED` table; each must be the next of its partition.
fn advance(next: &mut [Offset; 2], batch: &RecordBatch) {
    let partitions = batch["part"].as_primitive::<Int32Type>().values();
    let offsets = batch["at"].as_primitive::<Int64Type>().values();
    for (partition, offset) in partitions.iter().zip(offsets) {
        let next = &mut next[*partition as usize];
        assert_eq!(offset, next, "in partition {partition}");
        *next += 1;
    }
}

fn assert_says(error: &dyn StdError, fragments: &[&str]) {
    let text = sql::chain(error);
    for fragment in fragments {
        assert!(text.contains(fragment), "{text}\nlacks {fragment}");
    }
}

/// Options of a table that is read between two offsets of partition 0.
fn between(start: Offset, stop: Offset) -> String {
    format!(
        "'scan.startup.mode' = 'specific-offsets', \
         'scan.startup.specific-offsets' = 'partition:0,offset:{start}', \
         'scan.bounded.mode' = 'specific-offsets', \
         'scan.bounded.specific-offsets' = 'partition:0,offset:{stop}'"
    )
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    since.as_millis() as i64
}

const TOPIC: &str = "t";

/// Flink's words, which users search for.
const UNDELIVERED: &str = "One or more Kafka Producer send requests have encountered exception";

const PLACED: &str =
    "id INT, part INT METADATA FROM 'partition' VIRTUAL, at BIGINT METADATA FROM 'offset' VIRTUAL";

const EVERY_TYPE: &str = "id BIGINT NOT NULL, name STRING, price DECIMAL(10, 2), ok BOOLEAN, day DATE, \
     hour TIME(0), moment TIMESTAMP(3), instant TIMESTAMP_LTZ(6), raw BYTES, tags ARRAY<STRING>, \
     address ROW<zip INT, city STRING>, counts MAP<STRING, INT>, ratio DOUBLE, nothing STRING";

const EARLIEST: &str = "'scan.startup.mode' = 'earliest-offset'";

const BOUNDED: &str =
    "'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset'";
