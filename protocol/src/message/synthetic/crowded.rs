//! Messages that hold as much as can be held in so many bytes: in each one array is full of the least elements there are,
//! and everything else is as little as it can be.

use super::{Field, Kind, Layout};
use crate::varint::put_unsigned_varint;

/// One message for each array of the layout that has its place, and one for tagged fields that nobody knows, of about
/// `size` bytes.
pub(in crate::message) fn messages(layout: Layout, version: i16, size: usize) -> Vec<Vec<u8>> {
    let flexible = version >= layout.flexible_since;
    let arrays = Kind::Struct(layout.fields).arrays(version);
    let message = |full| {
        let mut message = Crowded { bytes: Vec::new(), flexible, version, size, full, passed: 0 };
        message.placed_fields(layout.fields);
        if flexible {
            message.tagged_fields(if full == arrays { size / TAGGED_FIELD_SIZE } else { 0 });
        }
        message.bytes
    };
    let messages = if flexible { arrays + 1 } else { arrays };
    (0..messages).map(message).collect()
}

impl Kind {
    /// How many arrays there are in it, itself included, when every array has one element.
    fn arrays(self, version: i16) -> usize {
        match self {
            Self::Array(element) => 1 + element.arrays(version),
            Self::Struct(fields) => {
                placed(fields, version).map(|field| field.kind.arrays(version)).sum()
            }
            _ => 0,
        }
    }
}

fn placed(fields: &'static [Field], version: i16) -> impl Iterator<Item = &'static Field> {
    fields.iter().filter(move |field| field.tag.is_none() && field.is_in(version))
}

struct Crowded {
    bytes: Vec<u8>,
    flexible: bool,
    version: i16,
    size: usize,
    /// Which array is full, and how many have been passed.
    full: usize,
    passed: usize,
}

impl Crowded {
    fn placed_fields(&mut self, fields: &'static [Field]) {
        for field in placed(fields, self.version) {
            self.value(field.kind);
        }
    }

    fn value(&mut self, kind: Kind) {
        match kind {
            Kind::Fixed(size) => self.bytes.extend(std::iter::repeat_n(0, size)),
            Kind::Text if self.flexible => self.bytes.push(1),
            Kind::Text => self.bytes.extend([0, 0]),
            Kind::Opaque => self.count(0),
            Kind::Array(element) => self.array(*element),
            Kind::Struct(fields) => {
                self.placed_fields(fields);
                if self.flexible {
                    self.tagged_fields(0);
                }
            }
        }
    }

    /// Full, with one element in which something is full, or empty.
    fn array(&mut self, element: Kind) {
        let place = self.passed;
        let end = place + 1 + element.arrays(self.version);
        let count = match self.full {
            full if full == place => self.size / element.least_size(self.version, self.flexible),
            full if (place..end).contains(&full) => 1,
            _ => 0,
        };
        self.count(count);
        for _ in 0..count {
            self.passed = place + 1;
            self.value(element);
        }
        self.passed = end;
    }

    fn tagged_fields(&mut self, count: usize) {
        let count = u32::try_from(count).unwrap();
        put_unsigned_varint(&mut self.bytes, count);
        for tag in FIRST_TAG..FIRST_TAG + count {
            put_unsigned_varint(&mut self.bytes, tag);
            self.bytes.push(0);
        }
    }

    fn count(&mut self, count: usize) {
        let count = u32::try_from(count).unwrap();
        match self.flexible {
            true => put_unsigned_varint(&mut self.bytes, count + 1),
            false => self.bytes.extend_from_slice(&count.to_be_bytes()),
        }
    }
}

/// Beyond those that have a meaning.
const FIRST_TAG: u32 = 20_000;
/// A tag of three bytes and a size.
const TAGGED_FIELD_SIZE: usize = 4;
