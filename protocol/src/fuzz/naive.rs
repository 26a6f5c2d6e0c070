//! A second decoder of records, written for being read: no fast paths, nothing borrowed lazily.

/// One record as the second decoder sees it.
#[derive(Debug, PartialEq)]
pub(super) struct Record<'a> {
    pub(super) offset: i64,
    pub(super) timestamp: Option<i64>,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
    /// Those before the first bad one, and whether there is a bad one.
    pub(super) headers: (Vec<Header<'a>>, bool),
}

pub(super) type Header<'a> = (&'a [u8], Option<&'a [u8]>);

/// What the header of the batch says of its records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    pub(super) base_offset: i64,
    pub(super) last_offset_delta: i32,
    pub(super) count: i32,
    pub(super) base_timestamp: i64,
    /// The time of the append, when that is what counts.
    pub(super) append_time: Option<i64>,
}

/// The records before the first bad one, and whether there is a bad one.
pub(super) fn records<'a>(batch: Batch, mut section: &'a [u8]) -> (Vec<Record<'a>>, bool) {
    let mut records: Vec<Record<'a>> = Vec::new();
    let mut least = 0;
    for _ in 0..batch.count {
        let Some((record, delta)) = record(batch, least, &mut section) else {
            return (records, true);
        };
        records.push(record);
        least = i64::from(delta) + 1;
    }
    (records, !section.is_empty())
}

fn record<'a>(batch: Batch, least: i64, section: &mut &'a [u8]) -> Option<(Record<'a>, i32)> {
    let mut bytes = nullable(section)??;
    let rest = &mut bytes;
    (_, *rest) = rest.split_first()?;
    let timestamp_delta = zigzag(unsigned(rest, 64)?);
    let offset_delta = int(rest)?;
    if i64::from(offset_delta) < least || offset_delta > batch.last_offset_delta {
        return None;
    }
    let (key, value) = (nullable(rest)?, nullable(rest)?);
    let count = usize::try_from(int(rest)?).ok()?;
    if count > rest.len() / 2 || count == 0 && !rest.is_empty() {
        return None;
    }
    let timestamp = match batch.append_time {
        Some(time) => time,
        None => batch.base_timestamp.checked_add(timestamp_delta)?,
    };
    let record = Record {
        offset: batch.base_offset + i64::from(offset_delta),
        timestamp: (timestamp != -1).then_some(timestamp),
        key,
        value,
        headers: headers(count, rest),
    };
    Some((record, offset_delta))
}

fn headers(count: usize, mut bytes: &[u8]) -> (Vec<Header<'_>>, bool) {
    let mut headers = Vec::new();
    for n in 1..=count {
        let header = nullable(&mut bytes).flatten().zip(nullable(&mut bytes));
        match header {
            Some(header) if n < count || bytes.is_empty() => headers.push(header),
            _ => return (headers, true),
        }
    }
    (headers, false)
}

/// The outer `None` is an error, the inner one null.
fn nullable<'a>(bytes: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let length = int(bytes)?;
    if length == -1 {
        return Some(None);
    }
    let (taken, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest;
    Some(Some(taken))
}

fn int(bytes: &mut &[u8]) -> Option<i32> {
    let number = u32::try_from(unsigned(bytes, 32)?).ok()?;
    i32::try_from(zigzag(number.into())).ok()
}

fn zigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// A number in groups of seven bits, the lowest first.
pub(super) fn unsigned(bytes: &mut &[u8], bits: u32) -> Option<u64> {
    let mut number = 0_u128;
    for place in 0..bits.div_ceil(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u128::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return u64::try_from(number).ok().filter(|number| u128::from(*number) >> bits == 0);
        }
    }
    None
}
