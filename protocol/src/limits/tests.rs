//! Sixty and more inputs that ask for far more than they bring, the error that each must get, and the
//! proof that none gets the memory.

mod codecs;
mod messages;
mod records;

use std::collections::HashSet;

use bytes::{Bytes, BytesMut};

use super::Limits;
use crate::{
    ApiKey, BatchBuilder, Batches, Compression, Compressor, DecodeError, Decompressor,
    FetchResponse, Request, allocations::peak_allocation, decode_response,
    message::messages as generated, split_frame,
};

/// One hostile input.
struct Bomb {
    name: &'static str,
    input: Input,
    expected: DecodeError,
}

/// Where the input arrives.
enum Input {
    /// On a connection.
    Stream(Vec<u8>),
    /// As the body of an answer that the generated codec decodes.
    Answer(ApiKey, i16, Vec<u8>),
    /// As the body of an answer to Fetch.
    Fetch(i16, Vec<u8>),
    /// As the body of a request.
    #[cfg(feature = "broker")]
    Request(ApiKey, i16, Vec<u8>),
    /// As fetched records.
    Log(Vec<u8>),
    /// As fetched records that are compressed.
    Compressed(Vec<u8>),
    /// As the compressed records of a batch.
    Stored(Compression, Vec<u8>),
}

impl Input {
    fn len(&self) -> usize {
        match self {
            Self::Stream(bytes) | Self::Answer(.., bytes) | Self::Fetch(_, bytes) => bytes.len(),
            #[cfg(feature = "broker")]
            Self::Request(.., bytes) => bytes.len(),
            Self::Log(bytes) | Self::Compressed(bytes) | Self::Stored(_, bytes) => bytes.len(),
        }
    }

    /// What may be held while it is read.
    fn memory(&self) -> usize {
        match self {
            Self::Answer(..) => 128 * self.len() + (64 << 10),
            // The buffer that grows is there twice for a moment, and a codec has its tables.
            Self::Stored(..) | Self::Compressed(_) => 2 * DECOMPRESSED_SIZE + (256 << 10),
            _ => 16 * self.len() + (64 << 10),
        }
    }

    /// The first error on the way to the last byte.
    fn read(&self) -> Result<(), DecodeError> {
        match self {
            Self::Stream(bytes) => {
                let mut buffer = BytesMut::from(&bytes[..]);
                split_frame(&mut buffer, Limits::DEFAULT.frame_size).map(drop)
            }
            Self::Answer(api, version, body) => read_answer(*api, *version, body),
            Self::Fetch(version, body) => {
                let answer = framed(ApiKey::Fetch, *version, body);
                FetchResponse::parse(answer, *version)?
                    .partitions()
                    .try_for_each(|partition| partition.map(drop))
            }
            #[cfg(feature = "broker")]
            Self::Request(api, version, body) => messages::read_request(*api, *version, body),
            Self::Log(bytes) | Self::Compressed(bytes) => read_log(bytes),
            Self::Stored(codec, bytes) => {
                let stored = Bytes::copy_from_slice(bytes);
                decompressor().decompress(*codec, stored).map(drop)
            }
        }
    }
}

/// An answer with its header.
fn framed(api: ApiKey, version: i16, body: &[u8]) -> Bytes {
    let tags = api != ApiKey::ApiVersions && api.response_header_version(version) >= 1;
    let header: &[u8] = if tags { &[0; 5] } else { &[0; 4] };
    Bytes::from([header, body].concat())
}

fn read_answer(api: ApiKey, version: i16, body: &[u8]) -> Result<(), DecodeError> {
    fn read<R: Request>(answer: Bytes, version: i16) -> Result<(), DecodeError> {
        decode_response::<R>(answer, version).map(drop)
    }
    let answer = framed(api, version, body);
    match api {
        ApiKey::ApiVersions => read::<generated::ApiVersionsRequest>(answer, version),
        ApiKey::CreateTopics => read::<generated::CreateTopicsRequest>(answer, version),
        ApiKey::DeleteTopics => read::<generated::DeleteTopicsRequest>(answer, version),
        ApiKey::ListOffsets => read::<generated::ListOffsetsRequest>(answer, version),
        ApiKey::Metadata => read::<generated::MetadataRequest>(answer, version),
        ApiKey::Produce => read::<generated::ProduceRequest>(answer, version),
        other => panic!("{other:?} has no bomb"),
    }
}

fn read_log(bytes: &[u8]) -> Result<(), DecodeError> {
    let mut decompressor = decompressor();
    for batch in Batches::new(Bytes::copy_from_slice(bytes)) {
        let body = batch?.body(&mut decompressor)?;
        for record in body.records() {
            for header in record?.headers() {
                header?;
            }
        }
    }
    Ok(())
}

fn decompressor() -> Decompressor {
    Decompressor::with_size_limit(DECOMPRESSED_SIZE)
}

/// Less than usual, so that the tests are quick.
const DECOMPRESSED_SIZE: usize = 50_000;

fn bombs() -> Vec<Bomb> {
    [messages::bombs(), records::bombs(), codecs::bombs()].into_iter().flatten().collect()
}

#[test]
fn every_bomb_gets_its_error_and_not_its_memory() {
    let mut wrong = Vec::new();
    for Bomb { name, input, expected } in bombs() {
        // A copy of the input is made first.
        let (outcome, held) = peak_allocation(|| input.read());
        if outcome != Err(expected) || held > input.memory() + input.len() {
            wrong.push((name, outcome, held));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn there_are_sixty_bombs_and_no_two_are_the_same() {
    let bombs = bombs();
    let names: HashSet<_> = bombs.iter().map(|bomb| bomb.name).collect();
    assert!(names.len() >= 60, "{}", names.len());
    assert_eq!(names.len(), bombs.len());
}

#[test]
fn ten_thousand_bombs_leave_nothing_behind() {
    let (_, held) = peak_allocation(|| {
        let bombs = bombs();
        let small = bombs.iter().filter(|bomb| bomb.input.len() <= 400).cycle();
        small.take(10_000).for_each(|bomb| assert!(bomb.input.read().is_err(), "{}", bomb.name));
    });
    assert!(held < 32 << 20, "{held} bytes");
}

/// A batch of `records` records with `headers` headers each.
fn batch(records: usize, headers: usize) -> Bytes {
    let mut builder = BatchBuilder::new(Compression::Gzip, None);
    for _ in 0..records {
        builder.append(0, None, None, vec![("h", None); headers]).unwrap();
    }
    builder.seal(&mut Compressor::new()).unwrap().stamp(None)
}

fn read_within(limits: Limits, log: Bytes) -> Result<usize, DecodeError> {
    let batch = Batches::new(log).next().unwrap()?;
    let body = batch.body(&mut Decompressor::with_limits(limits))?;
    body.records().try_fold(0, |read, record| record.map(|_| read + 1))
}

#[test]
fn the_limits_of_batches_are_exact_and_each_is_named() {
    let log = batch(3, 2);
    let plain = 3 * 13;
    for (limits, refused) in [
        (Limits { records_per_batch: 3, ..Limits::DEFAULT }, None),
        (
            Limits { records_per_batch: 2, ..Limits::DEFAULT },
            Some(DecodeError::Count { field: "record batch", count: 3, limit: 2 }),
        ),
        (Limits { headers_per_record: 2, ..Limits::DEFAULT }, None),
        (
            Limits { headers_per_record: 1, ..Limits::DEFAULT },
            Some(DecodeError::Count { field: "record headers", count: 2, limit: 1 }),
        ),
        (Limits { decompressed_size: plain, ..Limits::DEFAULT }, None),
        (
            Limits { decompressed_size: plain - 1, ..Limits::DEFAULT },
            Some(DecodeError::DecompressedSize {
                codec: Compression::Gzip,
                compressed: log.len() - 61,
                limit: plain - 1,
            }),
        ),
    ] {
        assert_eq!(read_within(limits, log.clone()), refused.map_or(Ok(3), Err), "{limits:?}");
    }
}

#[test]
fn the_ratio_counts_beyond_what_any_batch_may_become() {
    let limits = Limits { decompressed_ratio: 10, ..Limits::DEFAULT };
    assert_eq!(limits.decompressed_size_of(1), 8 << 20);
    assert_eq!(limits.decompressed_size_of(1 << 20), 10 << 20);
    assert_eq!(limits.decompressed_size_of(100 << 20), 128 << 20);
    assert_eq!(limits.decompressed_size_of(usize::MAX), 128 << 20);
}
