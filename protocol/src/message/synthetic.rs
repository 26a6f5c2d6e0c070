//! Messages made from nothing but their layout: every field filled, every array with two elements,
//! every tagged field there. Those of [`crowded`] have one array that is full instead.

pub(super) mod crowded;

use super::layout::{self, Field, Kind, Layout};
use crate::{api::ApiKey, varint::put_unsigned_varint};

/// A message in wire form.
pub(super) struct Synthetic {
    pub(super) bytes: Vec<u8>,
    /// The arrays in the order of their counts: the name, and where the count stands.
    pub(super) counts: Vec<(&'static str, usize)>,
    /// Whether counts are variable-length numbers, of one byte here, instead of four bytes.
    pub(super) flexible: bool,
    version: i16,
    /// Where the bytes written here will stand.
    base: usize,
}

/// The message of `layout` in `version`, with a tagged field that nobody knows in every structure
/// when `unknown` is its number.
pub(super) fn message(layout: Layout, version: i16, unknown: Option<u32>) -> Synthetic {
    let flexible = version >= layout.flexible_since;
    let mut message =
        Synthetic { bytes: Vec::new(), counts: Vec::new(), flexible, version, base: 0 };
    message.fields(layout.fields, unknown);
    message
}

/// The answer to requests of `api`, with its header; to a tagged field nobody knows.
pub(crate) fn answer(api: ApiKey, version: i16) -> Vec<u8> {
    let layout = layout::answer_to(api).unwrap();
    with_header(&message(layout, version, Some(100)).bytes, layout, version)
}

/// Answers to requests of `api`, with their headers, each with as many elements in one array as `size` bytes hold.
pub(crate) fn crowded_answers(api: ApiKey, version: i16, size: usize) -> Vec<Vec<u8>> {
    let layout = layout::answer_to(api).unwrap();
    let bodies = crowded::messages(layout, version, size);
    bodies.iter().map(|body| with_header(body, layout, version)).collect()
}

fn with_header(body: &[u8], layout: Layout, version: i16) -> Vec<u8> {
    let mut answer = vec![0, 0, 0, 7];
    if version >= layout.flexible_since && layout.api != ApiKey::ApiVersions {
        answer.push(0);
    }
    answer.extend(body);
    answer
}

/// The body of a request of `api`, with a tagged field nobody knows.
#[cfg(feature = "broker")]
pub(crate) fn request(api: ApiKey, version: i16) -> Vec<u8> {
    message(layout::request_of(api).unwrap(), version, Some(100)).bytes
}

/// The bodies of requests of `api`, each with as many elements in one array as `size` bytes hold.
#[cfg(feature = "broker")]
pub(crate) fn crowded_requests(api: ApiKey, version: i16, size: usize) -> Vec<Vec<u8>> {
    crowded::messages(layout::request_of(api).unwrap(), version, size)
}

/// The body of the answer to requests of `api`, without a tagged field that nobody knows.
#[cfg(test)]
pub(crate) fn plain_answer(api: ApiKey, version: i16) -> Vec<u8> {
    message(layout::answer_to(api).unwrap(), version, None).bytes
}

/// The body of the answer to requests of `api` in which the first array of this name announces
/// `count` elements; the rest is as it was.
#[cfg(test)]
pub(crate) fn hostile_answer(api: ApiKey, version: i16, array: &str, count: u32) -> Vec<u8> {
    hostile(layout::answer_to(api).unwrap(), version, array, count)
}

/// The body of a request of `api` in which the first array of this name announces `count` elements;
/// the rest is as it was.
#[cfg(all(test, feature = "broker"))]
pub(crate) fn hostile_request(api: ApiKey, version: i16, array: &str, count: u32) -> Vec<u8> {
    hostile(layout::request_of(api).unwrap(), version, array, count)
}

#[cfg(test)]
fn hostile(layout: Layout, version: i16, array: &str, count: u32) -> Vec<u8> {
    let sample = message(layout, version, None);
    let (_, place) = sample.counts.iter().find(|(name, _)| *name == array).unwrap();
    let mut hostile = sample.bytes[..*place].to_vec();
    if sample.flexible {
        put_unsigned_varint(&mut hostile, count + 1);
    } else {
        hostile.extend_from_slice(&count.to_be_bytes());
    }
    hostile.extend_from_slice(&sample.bytes[place + if sample.flexible { 1 } else { 4 }..]);
    hostile
}

impl Synthetic {
    fn fields(&mut self, fields: &'static [Field], unknown: Option<u32>) {
        let version = self.version;
        let present = || fields.iter().filter(|field| field.is_in(version));
        for field in present().filter(|field| field.tag.is_none()) {
            self.value(field.name, field.kind, unknown);
        }
        if !self.flexible {
            return;
        }
        let known = present().filter_map(|field| Some((field.tag?, field)));
        let count = known.clone().count() + usize::from(unknown.is_some());
        put_unsigned_varint(&mut self.bytes, u32::try_from(count).unwrap());
        for (tag, field) in known {
            let value = self.inner(tag, field, unknown);
            self.bytes.extend(value);
        }
        if let Some(tag) = unknown {
            put_unsigned_varint(&mut self.bytes, tag);
            self.bytes.extend_from_slice(b"\x07unknown");
        }
    }

    /// A tagged field; its size is written in two bytes so that one knows in advance where it begins.
    fn inner(&mut self, tag: u32, field: &'static Field, unknown: Option<u32>) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_unsigned_varint(&mut bytes, tag);
        for size_size in 1..=2 {
            let base = self.base + self.bytes.len() + bytes.len() + size_size;
            let mut inner = Self { bytes: Vec::new(), counts: Vec::new(), base, ..*self };
            inner.value(field.name, field.kind, unknown);
            let mut size = Vec::new();
            put_unsigned_varint(&mut size, u32::try_from(inner.bytes.len()).unwrap());
            if size.len() == size_size {
                self.counts.extend(inner.counts);
                return [bytes, size, inner.bytes].concat();
            }
        }
        panic!("{} is too long", field.name);
    }

    fn value(&mut self, name: &'static str, kind: Kind, unknown: Option<u32>) {
        match kind {
            // One is a number, a boolean and nobody's default.
            Kind::Fixed(size) => self.bytes.extend(std::iter::repeat_n(1, size)),
            Kind::Text => {
                if !self.flexible {
                    self.bytes.push(0);
                }
                self.bytes.push(if self.flexible { 4 } else { 3 });
                self.bytes.extend_from_slice(b"abc");
            }
            Kind::Opaque => {
                self.count(5);
                self.bytes.extend_from_slice(b"batch");
            }
            Kind::Array(element) => {
                self.counts.push((name, self.base + self.bytes.len()));
                self.count(2);
                for _ in 0..2 {
                    self.value(name, *element, unknown);
                }
            }
            Kind::Struct(fields) => self.fields(fields, unknown),
        }
    }

    fn count(&mut self, count: u8) {
        match self.flexible {
            true => self.bytes.push(count + 1),
            false => self.bytes.extend_from_slice(&[0, 0, 0, count]),
        }
    }
}
