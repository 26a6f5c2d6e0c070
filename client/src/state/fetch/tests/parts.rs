//! At most so many records at a time (`max.poll.records`), and none of them fetched twice.

use kavka_protocol::{BatchBuilder, Compression, Compressor, Decompressor, assign_offsets};

use super::*;

/// A batch of real records: their values are their offsets.
pub(super) fn records(codec: Compression, base: Offset, count: usize) -> Bytes {
    let mut builder = BatchBuilder::new(codec, None);
    for offset in (base..).take(count) {
        builder.append(1000, None, Some(offset.to_string().as_bytes()), []).unwrap();
    }
    let batch = builder.seal(&mut Compressor::new()).unwrap().into_stamped(None);
    let mut batch = batch.to_vec();
    assign_offsets(&mut batch, base, LeaderEpoch(3), None).unwrap();
    batch.into()
}

/// The same within a transaction of the producer 7.
pub(super) fn transactional(base: Offset, count: usize) -> Bytes {
    let mut batch = records(Compression::None, base, count).to_vec();
    batch[22] |= 0x10; // transactional
    batch[43..51].copy_from_slice(&7_i64.to_be_bytes()); // producer
    batch[51..53].copy_from_slice(&0_i16.to_be_bytes()); // its epoch
    batch[53..57].copy_from_slice(&0_i32.to_be_bytes()); // base sequence
    // Its checksum is wrong now, but nobody opens it.
    Bytes::from(batch)
}

/// One poll, as an application makes it; what is given out is released at once.
pub(super) fn poll(bench: &mut Bench, limit: usize) -> Option<Delivery> {
    loop {
        match bench.fetcher.poll_delivery(Some(limit))?.expect("no failure") {
            Handout::Delivery(delivery) => {
                let given = delivery.pieces.iter().map(|piece| piece.size).sum();
                bench.fetcher.release(given);
                return Some(delivery);
            }
            Handout::Unopened(unopened) => {
                let body = unopened.batch.body(&mut Decompressor::new());
                bench.fetcher.handle_opened(&unopened, body);
            }
        }
    }
}

/// The partitions and offsets of the records in one poll.
pub(super) fn offsets(delivery: &Delivery) -> Vec<(i32, Offset)> {
    let mut offsets = Vec::new();
    for piece in &delivery.pieces {
        for batch in piece.batches.clone() {
            let body = batch.unwrap().body(&mut Decompressor::new()).unwrap();
            for record in body.records() {
                let record = record.unwrap();
                assert_eq!(record.value(), Some(record.offset().to_string().as_bytes()));
                assert!(record.offset() >= piece.from && record.offset() < piece.next.offset);
                offsets.push((piece.topic_partition.partition, record.offset()));
            }
        }
    }
    offsets
}

fn polled(bench: &mut Bench, limit: usize) -> Vec<(i32, Offset)> {
    poll(bench, limit).map(|delivery| offsets(&delivery)).unwrap_or_default()
}

fn of(partition: i32, offsets: std::ops::Range<Offset>) -> Vec<(i32, Offset)> {
    offsets.map(|offset| (partition, offset)).collect()
}

/// Partition 0 with batches of these sizes.
pub(super) fn bench(codec: Compression, counts: &[usize]) -> Bench {
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    let mut log = Vec::new();
    for count in counts {
        let base = log.iter().map(|(_, count)| *count as Offset).sum();
        log.push((records(codec, base, *count), *count));
    }
    let end = log.iter().map(|(_, count)| *count as Offset).sum();
    let batches: Vec<_> = log.into_iter().map(|(batch, _)| batch).collect();
    bench.answer(1, vec![fetched(0, end, &batches)]);
    bench
}

#[test]
fn every_poll_brings_at_most_so_many_records_and_all_of_them_come_in_order() {
    for codec in [Compression::None, Compression::Gzip, Compression::Zstd] {
        for limit in [1, 2, 3, 7, 10, 100] {
            let mut bench = bench(codec, &[5, 1, 12, 3, 9]);
            let mut read = Vec::new();
            while read.len() < 30 {
                let part = polled(&mut bench, limit);
                assert!((1..=limit).contains(&part.len()), "{codec}, {limit}: {part:?}");
                read.extend(part);
                assert_eq!(bench.position(0), Some(read.len() as Offset));
            }
            assert_eq!(read, of(0, 0..30), "{codec}, {limit}");
            assert_eq!(bench.fetcher.buffer.bytes(), 0);
        }
    }
}

#[test]
fn parts_end_between_batches_where_they_can() {
    let mut bench = bench(Compression::Lz4, &[4, 4, 4, 30, 2]);
    for expected in [0..8, 8..12, 12..22, 22..32, 32..42, 42..44] {
        assert_eq!(polled(&mut bench, 10), of(0, expected));
    }
}

#[test]
fn a_piece_is_finished_before_another_partition_has_its_turn() {
    let mut bench = Bench::reading(2, &[]);
    bench.fetch();
    let batches = |count| [records(Compression::None, 0, count)];
    bench.answer(1, vec![fetched(0, 9, &batches(9)), fetched(1, 5, &batches(5))]);
    let read: Vec<_> = (0..4).map(|_| polled(&mut bench, 4)).collect();
    let [first, second, third, fourth] = &read[..] else { panic!("{read:?}") };
    assert_eq!((first, second), (&of(0, 0..4), &of(0, 4..8)));
    assert_eq!((third, fourth), (&of(0, 8..9), &of(1, 0..4)));
    assert_eq!(polled(&mut bench, 4), of(1, 4..5));
}

#[test]
fn a_pause_in_the_middle_of_a_batch_does_not_hold_the_others_and_ends_with_its_rest() {
    let mut bench = Bench::reading(2, &[]);
    bench.fetch();
    let piece = |partition| fetched(partition, 9, &[records(Compression::Zstd, 0, 9)]);
    bench.answer(1, (0..2).map(piece).collect());
    assert_eq!(polled(&mut bench, 4), of(0, 0..4));
    bench.fetcher.pause(&[tp(0)]);
    assert_eq!(polled(&mut bench, 4), of(1, 0..4));
    bench.fetcher.resume(&[tp(0)]);
    assert_eq!(polled(&mut bench, 4), of(0, 4..8));
    bench.fetcher.pause(&[tp(0)]);
    assert_eq!([polled(&mut bench, 4), polled(&mut bench, 4)].concat(), of(1, 4..9));
}

#[test]
fn small_pieces_of_several_partitions_come_together() {
    let mut bench = Bench::reading(3, &[]);
    bench.fetch();
    let piece = |partition| fetched(partition, 3, &[records(Compression::Snappy, 0, 3)]);
    bench.answer(1, (0..3).map(piece).collect());
    assert_eq!(polled(&mut bench, 7), [of(0, 0..3), of(1, 0..3)].concat());
    assert_eq!(polled(&mut bench, 7), of(2, 0..3));
}

#[test]
fn what_is_left_is_counted_and_kept_while_nothing_is_fetched_twice() {
    let size = records(Compression::None, 0, 100).len();
    let mut bench = bench(Compression::None, &[100]);
    polled(&mut bench, 30);
    let left = bench.fetcher.status(&tp(0)).buffered;
    assert!((size * 6 / 10..size * 8 / 10).contains(&left), "{left} of {size}");
    assert_eq!(bench.fetch(), Some((1, vec![(0, 100)])), "behind what was fetched");
    bench.answer(1, vec![fetched(0, 100, &[])]);
    bench.fetcher.pause(&[tp(0)]);
    assert_eq!(polled(&mut bench, 30), []);
    bench.fetcher.resume(&[tp(0)]);
    assert_eq!(polled(&mut bench, 70), of(0, 30..100));
}

#[test]
fn opening_a_batch_counts_until_it_is_handed_out() {
    let mut bench = bench(Compression::Zstd, &[1000]);
    let before = bench.fetcher.buffer.bytes();
    polled(&mut bench, 1);
    assert!(bench.fetcher.buffer.bytes() > before + 5000, "the records are larger than the batch");
    while !polled(&mut bench, 100).is_empty() {}
    assert_eq!(bench.fetcher.buffer.bytes(), 0);
}

#[test]
fn the_end_is_told_with_the_last_part() {
    let mut bench = bench(Compression::None, &[5]);
    for (limit, ends) in [(2, 0), (2, 0), (2, 1)] {
        assert_eq!(poll(&mut bench, limit).unwrap().ends.len(), ends);
    }
}

#[test]
fn a_seek_in_the_middle_of_a_batch_forgets_the_rest() {
    let mut bench = bench(Compression::Gzip, &[20]);
    polled(&mut bench, 3);
    bench.fetcher.seek(&tp(0), StartOffset::At(7));
    assert_eq!((polled(&mut bench, 3), bench.fetcher.buffer.bytes()), (vec![], 0));
    bench.fetch();
    bench.answer(1, vec![fetched(0, 20, &[records(Compression::Gzip, 0, 20)])]);
    assert_eq!(polled(&mut bench, 3), of(0, 7..10));
}

#[test]
fn a_batch_opened_for_a_position_that_was_left_is_dropped() {
    let mut bench = bench(Compression::Gzip, &[20]);
    let Some(Ok(Handout::Unopened(unopened))) = bench.fetcher.poll_delivery(Some(3)) else {
        panic!("the batch is too large")
    };
    bench.fetcher.seek(&tp(0), StartOffset::At(0));
    bench.fetch();
    bench.answer(1, vec![fetched(0, 20, &[records(Compression::None, 0, 2)])]);
    let body = unopened.batch.body(&mut Decompressor::new());
    bench.fetcher.handle_opened(&unopened, body);
    assert_eq!(polled(&mut bench, 3), of(0, 0..2));
}

#[test]
fn a_batch_that_cannot_be_opened_comes_as_it_is_and_the_next_ones_after_it() {
    let mut damaged = records(Compression::Gzip, 0, 20).to_vec();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    let mut bench = Bench::reading(1, &[]);
    bench.fetch();
    let batches = [damaged.into(), records(Compression::Gzip, 20, 2)];
    bench.answer(1, vec![fetched(0, 22, &batches)]);
    let delivery = poll(&mut bench, 3).unwrap();
    assert_eq!(spans(&delivery), [(0, 0, 20)]);
    let batch = delivery.pieces[0].batches.clone().next().unwrap().unwrap();
    assert!(batch.body(&mut Decompressor::new()).is_err());
    assert_eq!(polled(&mut bench, 3), of(0, 20..22));
}

#[test]
fn transactions_that_were_aborted_do_not_count_and_stay_hidden_across_parts() {
    let mut bench = Bench::reading(1, &[("isolation.level", "read_committed")]);
    bench.fetch();
    let aborted = AbortedTransactions::from_iter([(kavka_protocol::ProducerId(7), 3)]);
    let batches = [records(Compression::None, 0, 3), transactional(3, 50)];
    let batches = [&batches[..], &[records(Compression::None, 53, 4)]].concat();
    let answer = FetchedPartition { aborted_transactions: aborted, ..fetched(0, 57, &batches) };
    bench.answer(1, vec![answer]);
    assert_eq!(polled(&mut bench, 5), of(0, 0..3));
    assert_eq!((polled(&mut bench, 5), bench.position(0)), (of(0, 53..57), Some(57)));
}
