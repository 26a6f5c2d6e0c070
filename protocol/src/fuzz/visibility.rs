//! What `read_committed` shows of transactions, against a model that keeps each transaction's end.

use bytes::{Bytes, BytesMut};

use super::input::Input;
use crate::{
    AbortedTransactions, BatchBuilder, Compression, Compressor, ControlType, EndTransactionMarker,
    IsolationLevel, LeaderEpoch, ProducerEpoch, ProducerId, ProducerStamp, Sequence,
    VisibleBatches, assign_offsets,
};

/// A log of interleaved transactions, with what was aborted named in any order.
pub fn fuzz_aborted_filter(data: &[u8]) {
    let mut input = Input(data);
    let turn = usize::from(input.byte());
    let mut log = Log::default();
    while !input.is_empty() && log.data.len() < 200 {
        log.step(&mut input);
    }
    let mut aborted: Vec<_> = log.aborted.iter().map(|one| (one.producer, one.first)).collect();
    if !aborted.is_empty() {
        let middle = turn % aborted.len();
        aborted.rotate_left(middle);
    }
    let aborted = AbortedTransactions::from_iter(aborted);
    let records = Bytes::from(log.bytes.clone());
    let visible = VisibleBatches::new(records, 0, IsolationLevel::ReadCommitted, aborted);
    let seen: Vec<_> = visible.map(|batch| batch.expect("all are good").base_offset()).collect();
    assert_eq!(seen, log.visible());
}

#[derive(Default)]
struct Log {
    bytes: BytesMut,
    next: i64,
    /// The first offset of the transaction that is open, by producer.
    open: [Option<i64>; 4],
    data: Vec<Data>,
    aborted: Vec<Aborted>,
}

/// One batch that is not a marker.
struct Data {
    producer: Option<ProducerId>,
    offset: i64,
}

/// An aborted transaction: from its first batch to its marker.
struct Aborted {
    producer: ProducerId,
    first: i64,
    end: i64,
}

impl Log {
    fn step(&mut self, input: &mut Input<'_>) {
        let choice = input.byte();
        let producer = usize::from(choice & 3);
        match choice >> 2 & 3 {
            0 => self.append_data(None, 1 + choice / 64),
            1 | 2 => self.append_data(Some(producer), 1 + choice / 64),
            _ => self.end(producer, choice & 16 != 0),
        }
    }

    fn append_data(&mut self, producer: Option<usize>, count: u8) {
        let stamp = producer.map(|producer| ProducerStamp {
            producer_id: id(producer),
            producer_epoch: ProducerEpoch(0),
            base_sequence: Sequence::new(0),
            is_transactional: true,
        });
        let mut builder = BatchBuilder::new(Compression::None, None);
        for n in 0..count {
            builder.append(i64::from(n), None, Some(&[n]), []).expect("it is small");
        }
        let batch = builder.seal(&mut Compressor::new()).expect("it has records");
        if let Some(producer) = producer {
            self.open[producer].get_or_insert(self.next);
        }
        self.data.push(Data { producer: producer.map(id), offset: self.next });
        self.append(&batch.stamp(stamp), count.into());
    }

    /// Coordinators also end transactions that have nothing in this partition.
    fn end(&mut self, producer: usize, commit: bool) {
        let control_type = if commit { ControlType::Commit } else { ControlType::Abort };
        let marker = EndTransactionMarker { control_type, coordinator_epoch: 0 };
        let batch = marker.to_batch(id(producer), ProducerEpoch(0), 0).expect("it is small");
        if let Some(first) = self.open[producer].take().filter(|_| !commit) {
            self.aborted.push(Aborted { producer: id(producer), first, end: self.next });
        }
        self.append(&batch, 1);
    }

    fn append(&mut self, batch: &[u8], count: i64) {
        let mut batch = batch.to_vec();
        assign_offsets(&mut batch, self.next, LeaderEpoch(0), None).expect("it is a batch");
        self.bytes.extend_from_slice(&batch);
        self.next += count;
    }

    fn visible(&self) -> Vec<i64> {
        let hidden = |data: &Data| {
            self.aborted.iter().any(|one| {
                data.producer == Some(one.producer) && (one.first..one.end).contains(&data.offset)
            })
        };
        self.data.iter().filter(|data| !hidden(data)).map(|data| data.offset).collect()
    }
}

fn id(producer: usize) -> ProducerId {
    ProducerId(producer as i64)
}
