//! What fuzz targets do with their input. They live here, as plain functions, so that a test on the stable toolchain
//! runs them too. A property that does not hold is a panic.

use bytes::{Bytes, BytesMut};

use crate::{
    AbortedTransactions, Batches, Decompressor, FetchResponse, IsolationLevel, VisibleBatches,
    split_frame,
};

/// Frames cut from a stream hold no more than arrived.
pub fn fuzz_frame(data: &[u8]) {
    let mut buffer = BytesMut::from(data);
    let mut taken = 0;
    while let Ok(Some(frame)) = split_frame(&mut buffer, 1 << 20) {
        taken += frame.len() + 4;
        assert!(taken <= data.len(), "frames hold more than arrived");
    }
}

/// Batches end, and every view stays inside of what was fetched or decompressed.
pub fn fuzz_record_batch(data: &[u8]) {
    let mut decompressor = Decompressor::with_size_limit(1 << 20);
    for batch in Batches::new(Bytes::copy_from_slice(data)) {
        let Ok(batch) = batch else { return };
        assert!(batch.next_offset() > batch.last_offset(), "offsets go forward");
        let Ok(body) = batch.body(&mut decompressor) else { continue };
        for record in body.records() {
            let Ok(record) = record else { break };
            let held: usize =
                [record.key(), record.value()].into_iter().flatten().map(<[u8]>::len).sum();
            assert!(held <= body.bytes().len(), "a record is larger than its batch");
            assert!(
                record.headers().iter().count() <= body.bytes().len(),
                "more headers than bytes"
            );
        }
    }
}

/// A Fetch answer of any version is walked to its end, and so is what a reader sees of its records.
pub fn fuzz_fetch_response(data: &[u8]) {
    let Some((version, answer)) = data.split_first() else { return };
    let version = 4 + i16::from(version % 9);
    let Ok(response) = FetchResponse::parse(Bytes::copy_from_slice(answer), version) else {
        return;
    };
    for partition in response.partitions() {
        let Ok(partition) = partition else { return };
        let aborted: AbortedTransactions = partition.aborted_transactions;
        let mut visible =
            VisibleBatches::new(partition.records, 0, IsolationLevel::ReadCommitted, aborted);
        let mut position = visible.next_offset();
        while let Some(Ok(_)) = visible.next() {
            assert!(visible.next_offset() > position, "the position goes forward");
            position = visible.next_offset();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BatchBuilder, Compression, Compressor};

    /// Cheap deterministic mutations of real batches; the fuzzer does the same with more patience.
    #[test]
    fn mangled_batches_keep_every_property() {
        for compression in [
            Compression::None,
            Compression::Gzip,
            Compression::Snappy,
            Compression::Lz4,
            Compression::Zstd,
        ] {
            let mut builder = BatchBuilder::new(compression, None);
            for n in 0..20_u8 {
                builder
                    .append(i64::from(n), Some(&[n]), Some(&[n; 40]), [("h", Some(&[n][..]))])
                    .unwrap();
            }
            let whole = builder.seal(&mut Compressor::default()).unwrap().stamp(None);
            for at in 0..whole.len() {
                let mut mangled = whole.to_vec();
                mangled[at] ^= 0x55;
                fuzz_record_batch(&mangled);
                fuzz_record_batch(&whole[..at]);
                fuzz_frame(&mangled);
                fuzz_fetch_response(&mangled);
            }
        }
    }
}
