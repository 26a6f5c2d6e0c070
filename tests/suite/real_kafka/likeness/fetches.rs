//! What is fetched: where answers end, and what sessions leave out.

use kavka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use kavka_protocol::messages::{FetchRequest, TopicName};
use kavka_protocol::{
    Compression, ErrorCode, FetchResponse, FetchedPartition, Offset, TopicPartition,
};
use kavka_tests::real_kafka::RealKafka;
use kavka_tests::wire::Wire;

use super::batches::keyed;
use super::{Pair, Side};

/// The newest version that has names of topics.
const VERSION: i16 = 12;

/// The newest of those that have ids instead (KIP-516).
const WITH_IDS: i16 = 18;

/// Whether a partition can be read.
pub(super) async fn position(wire: &mut Wire, partition: &TopicPartition) -> Result<(), ErrorCode> {
    let request = fetch(&partition.topic, &[(partition.partition, 0)]).with_session_epoch(-1);
    let answer = wire.ask_bytes(&request, VERSION).await;
    let response = FetchResponse::parse(answer, VERSION).unwrap();
    let error = response.partitions().find_map(|partition| partition.unwrap().error);
    error.map_or(Ok(()), Err)
}

fn fetch(topic: &str, positions: &[(i32, Offset)]) -> FetchRequest {
    let partition = |(partition, offset): &(i32, Offset)| {
        FetchPartition::default()
            .with_partition(*partition)
            .with_fetch_offset(*offset)
            .with_partition_max_bytes(1 << 20)
    };
    let topic = FetchTopic::default()
        .with_topic(TopicName(topic.to_owned().into()))
        .with_partitions(positions.iter().map(partition).collect());
    let topics = if positions.is_empty() { Vec::new() } else { vec![topic] };
    FetchRequest::default().with_replica_id((-1).into()).with_max_bytes(1 << 20).with_topics(topics)
}

pub(super) async fn cut(kafka: &'static RealKafka) {
    const TOPIC: &str = "likeness_cut";
    let mut pair = Pair::connect(kafka).await;
    let batch = keyed(Compression::None, &[1; 20]);
    for side in &mut pair.sides {
        side.create(TOPIC, 2, &[]).await;
        for partition in [0, 0, 0, 1, 1, 1] {
            let partition = TopicPartition::new(TOPIC, partition);
            assert_eq!(side.wire.produce(&partition, batch.clone(), 12).await.error_code, 0);
        }
    }
    let size = i32::try_from(batch.len()).unwrap();
    for max in [
        0,
        1,
        size - 1,
        size,
        size + 1,
        2 * size,
        3 * size + 1,
        4 * size - 1,
        4 * size + 7,
        1 << 20,
    ] {
        for of_partition in [0, 1, size, 2 * size + 5, 1 << 20] {
            // Offset 25 lies in the second batch.
            let mut request = fetch(TOPIC, &[(0, 25), (1, 0)]).with_max_bytes(max);
            for partition in &mut request.topics[0].partitions {
                partition.partition_max_bytes = of_partition;
            }
            let mut sizes = Vec::new();
            for side in &mut pair.sides {
                let answer = side.wire.ask_bytes(&request, VERSION).await;
                let response = FetchResponse::parse(answer, VERSION).unwrap();
                let read = response.partitions().map(|partition| partition.unwrap().records.len());
                sizes.push(read.collect::<Vec<_>>());
            }
            assert_eq!(sizes[1], sizes[0], "{max} bytes, {of_partition} of a partition");
        }
    }
}

/// A step of a conversation within a session.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Asks for a session with these partitions, naming the one there is.
    Begin(&'static [(i32, Offset)]),
    /// Goes on in turn: names some, forgets others.
    Next(&'static [(i32, Offset)], &'static [i32]),
    /// Goes on with a number that is off by so much.
    OutOfTurn(i32),
    /// Goes on with a session that nobody has.
    Elsewhere,
    /// Reads without a session, and ends the one there is.
    End(&'static [(i32, Offset)]),
    /// Appends a batch of ten records.
    Produce(i32),
}

const STEPS: &[Step] = &[
    Step::Produce(0),
    Step::Begin(&[(0, 0), (1, 0), (2, 0)]),
    Step::Next(&[(0, 10)], &[]),
    Step::Next(&[], &[]),
    Step::Produce(1),
    Step::Produce(2),
    Step::Next(&[], &[]),
    Step::Next(&[], &[]),
    Step::Produce(0),
    Step::Next(&[], &[]),
    Step::Next(&[(1, 10), (2, 10), (0, 20)], &[]),
    Step::Next(&[], &[]),
    Step::Produce(0),
    Step::Next(&[], &[]),
    Step::Produce(1),
    // What gave records comes last.
    Step::Next(&[], &[]),
    Step::Next(&[(0, 30), (1, 20)], &[]),
    Step::Next(&[(9, 0)], &[]),
    Step::Next(&[], &[]),
    // What nobody knows comes last, wherever it stands in the session.
    Step::Next(&[], &[0]),
    Step::Next(&[(0, 30)], &[]),
    Step::Produce(0),
    Step::Next(&[], &[]),
    Step::Next(&[], &[9, 0]),
    Step::Produce(0),
    Step::Next(&[], &[]),
    Step::Next(&[(0, 20), (1, 99)], &[]),
    Step::Next(&[(1, 10)], &[]),
    Step::Next(&[], &[]),
    Step::OutOfTurn(1),
    Step::OutOfTurn(-1),
    Step::Elsewhere,
    Step::Next(&[], &[0]),
    Step::Next(&[], &[1, 2]),
    Step::Next(&[], &[]),
    Step::Begin(&[(0, 5)]),
    Step::Begin(&[(1, 5)]),
    Step::Next(&[], &[]),
    Step::End(&[(2, 5)]),
    Step::Next(&[], &[]),
    Step::End(&[(9, 0), (0, 5), (8, 0), (1, 5)]),
    Step::Begin(&[(9, 0), (0, 5), (8, 0), (1, 5)]),
    Step::Next(&[(9, 0)], &[]),
    Step::Begin(&[]),
    Step::Next(&[], &[]),
];

pub(super) async fn sessions(kafka: &'static RealKafka) {
    let mut pair = Pair::connect(kafka).await;
    for (version, topic) in [(VERSION, "likeness_sessions"), (WITH_IDS, "likeness_sessions_by_id")]
    {
        let mut heard = Vec::new();
        for side in &mut pair.sides {
            side.create(topic, 3, &[]).await;
            heard.push(converse(side, topic, version).await);
        }
        let ours = heard.remove(1);
        let answers = heard[0].iter().zip(ours);
        for ((place, step), (kafka, ours)) in STEPS.iter().enumerate().zip(answers) {
            assert_eq!(ours, *kafka, "step {place}, {step:?} in version {version}");
        }
    }
}

/// What an answer says of its session, whether it failed, and of each partition: its error, how many
/// bytes there are and where the log begins and ends.
type Heard = (Named, Option<ErrorCode>, Vec<(i32, Option<ErrorCode>, usize, [Option<Offset>; 3])>);

/// Which session an answer names.
#[derive(Debug, PartialEq, Eq)]
enum Named {
    None,
    Same,
    Another,
}

async fn converse(side: &mut Side, topic: &str, version: i16) -> Vec<Heard> {
    let topic_id = side.topic_id(topic).await;
    let (mut id, mut epoch) = (0, 0);
    let mut heard = Vec::new();
    for step in STEPS {
        let (asked, number, names) = match *step {
            Step::Produce(partition) => {
                let batch = keyed(Compression::None, &[1; 10]);
                let partition = TopicPartition::new(topic, partition);
                let written = side.wire.produce(&partition, batch, 12).await;
                assert_eq!(written.error_code, 0);
                heard.push((Named::None, None, Vec::new()));
                continue;
            }
            Step::Begin(positions) => (fetch(topic, positions), 0, id),
            Step::Next(positions, forgotten) => {
                let forgotten = ForgottenTopic::default()
                    .with_topic(TopicName(topic.to_owned().into()))
                    .with_partitions(forgotten.to_vec());
                let asked = fetch(topic, positions);
                (asked.with_forgotten_topics_data(vec![forgotten]), epoch, id)
            }
            Step::OutOfTurn(by) => (fetch(topic, &[]), epoch + by, id),
            Step::Elsewhere => (fetch(topic, &[]), 1, id ^ 1),
            Step::End(positions) => (fetch(topic, positions), -1, id),
        };
        let mut request = asked.with_session_id(names).with_session_epoch(number);
        request.topics.iter_mut().for_each(|topic| topic.topic_id = topic_id.0);
        request.forgotten_topics_data.iter_mut().for_each(|topic| topic.topic_id = topic_id.0);
        let answer = side.wire.ask_bytes(&request, version).await;
        let response = FetchResponse::parse(answer, version).unwrap();
        let named = response.session_id();
        if matches!(step, Step::Begin(_)) {
            heard.push(hear(&response, id));
            (id, epoch) = (named, 1);
            continue;
        }
        if response.error().is_none() {
            epoch += 1;
        }
        heard.push(hear(&response, id));
    }
    heard
}

fn hear(response: &FetchResponse, id: i32) -> Heard {
    let named = match response.session_id() {
        0 => Named::None,
        named if named == id => Named::Same,
        _ => Named::Another,
    };
    let partitions = response.partitions().map(|partition| {
        let partition = partition.unwrap();
        let size = partition.records.len();
        let FetchedPartition { log_start_offset, last_stable_offset, high_watermark, .. } =
            partition;
        let ends = [log_start_offset, last_stable_offset, high_watermark];
        (partition.partition, partition.error, size, ends)
    });
    (named, response.error(), partitions.collect())
}
