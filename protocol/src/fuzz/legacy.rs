//! Message sets of the formats 0 and 1, bare and inside of a wrapper.

use bytes::{Buf, BufMut, Bytes};

use super::{input::Input, memory::decompression};
use crate::{Batches, Compression, Compressor, DecodeError, Decompressor};

/// Entries of a log, their checksums put right, in a compressed wrapper or as they are: read as a
/// second decoder reads them. The first two bytes are for the wrapper.
pub fn fuzz_legacy_message_set(data: &[u8]) {
    let mut input = Input(data);
    let [flags, above] = input.array();
    let mut set = input.0.to_vec();
    fix_checksums(&mut set);
    let codec = Compression::ALL[usize::from(flags >> 1 & 3)];
    if codec == Compression::None {
        return check_bare(&set);
    }
    let (magic, append_time) = (flags & 1, (flags & 8 != 0).then_some(1_234_567));
    let last = entries(&set).and_then(|entries| entries.last().map(|(_, offset)| *offset));
    let offset = last.unwrap_or(0).saturating_add(above.into());
    let wrapper = wrapper(magic, codec, append_time.filter(|_| magic > 0), offset, &set);
    let read = decompression(SIZE_LIMIT + 16 * wrapper.len(), || read_all(&wrapper));
    match (read, expected(magic, append_time, offset, &set)) {
        (Ok(records), Some(expected)) => assert_eq!(records, expected),
        (Err(DecodeError::DecompressedSize { .. }), _) | (Err(_), None) => {}
        (read, expected) => panic!("{read:?} and not {expected:?}"),
    }
}

/// Entries as they are: each is a batch of its own, and the first bad one ends the log.
fn check_bare(set: &[u8]) {
    let Some(entries) = entries(set) else {
        drop(decompression(SIZE_LIMIT + 16 * set.len(), || read_all(set)));
        return;
    };
    let bare = |entry: &[u8], offset| {
        let append_time =
            (entry[16] == 1 && entry[17] & 8 != 0).then(|| (&entry[18..26]).get_i64());
        (offset <= i64::MAX - (1 << 31)).then_some(())?;
        message(entry, append_time).map(|record| Owned { offset, ..record })
    };
    let expected: Option<Vec<_>> =
        entries.iter().map(|(entry, offset)| bare(entry, *offset)).collect();
    let read = decompression(SIZE_LIMIT + 16 * set.len(), || read_all(set));
    match (read, expected) {
        (Ok(records), Some(expected)) => assert_eq!(records, expected),
        // Entries that are compressed or of format 2 are not for this reader.
        (_, None) => {}
        (read, expected) => panic!("{read:?} and not {expected:?}"),
    }
}

#[derive(Debug, PartialEq)]
struct Owned {
    offset: i64,
    timestamp: Option<i64>,
    key: Option<Bytes>,
    value: Option<Bytes>,
}

fn read_all(log: &[u8]) -> Result<Vec<Owned>, DecodeError> {
    let mut decompressor = Decompressor::with_size_limit(SIZE_LIMIT);
    let mut records = Vec::new();
    for batch in Batches::new(Bytes::copy_from_slice(log)) {
        let body = batch?.body(&mut decompressor)?;
        for record in body.records() {
            let record = record?;
            // Views from outside of the body would be found here.
            let own = |part: Option<&[u8]>| part.map(|part| body.bytes().slice_ref(part));
            records.push(Owned {
                offset: record.offset(),
                timestamp: record.timestamp(),
                key: own(record.key()),
                value: own(record.value()),
            });
        }
    }
    Ok(records)
}

fn wrapper(
    magic: u8,
    codec: Compression,
    append_time: Option<i64>,
    offset: i64,
    set: &[u8],
) -> Vec<u8> {
    let stored = Compressor::new().compress(codec, None, set).expect("it is small").to_vec();
    let mut entry = Vec::new();
    entry.put_i64(offset);
    entry.put_i32(0);
    entry.put_u32(0);
    entry.put_u8(magic);
    entry.put_u8(codec as u8 | if append_time.is_some() { 8 } else { 0 });
    if magic > 0 {
        entry.put_i64(append_time.unwrap_or(99));
    }
    entry.put_i32(-1);
    entry.put_i32(i32::try_from(stored.len()).expect("it is small"));
    entry.put_slice(&stored);
    let length = i32::try_from(entry.len() - 12).expect("it is small");
    entry[8..12].copy_from_slice(&length.to_be_bytes());
    fix_checksums(&mut entry);
    entry
}

/// The whole entries of a set with their offsets; `None` when one cannot be an entry.
fn entries(mut set: &[u8]) -> Option<Vec<(&[u8], i64)>> {
    let mut entries = Vec::new();
    let mut last = -1;
    while set.len() >= 17 {
        let (mut offset, mut length) = (&set[..8], &set[8..12]);
        let (offset, length) = (offset.get_i64(), length.get_i32());
        let least = [14, 22, 49].get(usize::from(set[16]))?;
        if length < *least || length > i32::MAX - 12 {
            return None;
        }
        let Some((entry, rest)) = set.split_at_checked(length as usize + 12) else { break };
        if offset <= last {
            return None;
        }
        entries.push((entry, offset));
        (last, set) = (offset, rest);
    }
    Some(entries)
}

fn expected(magic: u8, append_time: Option<i64>, wrapper: i64, set: &[u8]) -> Option<Vec<Owned>> {
    let entries = entries(set)?;
    let ((_, first), (_, last)) = (entries.first()?, entries.last()?);
    let shift = if magic == 0 { 0 } else { wrapper - last };
    // A batch of format 2 may begin at most so far before the end of all offsets.
    if wrapper > i64::MAX - (1 << 31) || wrapper - (first + shift) > i32::MAX.into() {
        return None;
    }
    entries
        .iter()
        .map(|(entry, offset)| {
            let record = message(entry, append_time.filter(|_| magic > 0))?;
            Some(Owned { offset: offset + shift, ..record })
        })
        .collect()
}

fn message(entry: &[u8], append_time: Option<i64>) -> Option<Owned> {
    let (magic, attributes) = (entry[16], entry[17]);
    let mut rest = &entry[18..];
    let timestamp = match magic {
        0 => None,
        1 => {
            // The wrapper's time stands in place of the message's own, which is there nevertheless.
            let own = rest.get_i64();
            Some(append_time.unwrap_or(own)).filter(|time| *time != -1)
        }
        _ => return None,
    };
    let (key, value) = (sized(&mut rest)?, sized(&mut rest)?);
    let plain = attributes & 7 == 0 && rest.is_empty();
    plain.then_some(Owned { offset: 0, timestamp, key, value })
}

fn sized(rest: &mut &[u8]) -> Option<Option<Bytes>> {
    let length = rest.try_get_i32().ok()?;
    if length == -1 {
        return Some(None);
    }
    let (part, behind) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = behind;
    Some(Some(Bytes::copy_from_slice(part)))
}

/// Every whole entry gets the checksum of what it holds.
fn fix_checksums(mut log: &mut [u8]) {
    while log.len() >= 17 {
        let length = i32::from_be_bytes([log[8], log[9], log[10], log[11]]);
        let size = usize::try_from(length).unwrap_or(0).saturating_add(12);
        let Some((entry, rest)) = log.split_at_mut_checked(size.max(17)) else { return };
        let mut crc = flate2::Crc::new();
        crc.update(&entry[16..]);
        entry[12..16].copy_from_slice(&crc.sum().to_be_bytes());
        log = rest;
    }
}

/// What one wrapper may become here.
const SIZE_LIMIT: usize = 1 << 20;
