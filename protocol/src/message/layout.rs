//! The layout of every message that the generated codec decodes: which fields stand where, in which
//! versions. The guard walks messages by it before anything is reserved for them.
//!
//! The fields, their names and their versions are those of Kafka's message definitions
//! (`clients/src/main/resources/common/message`).

mod answers;
#[cfg(feature = "broker")]
mod requests;

use crate::api::ApiKey;

/// The answer to requests of `api`; `None` when it is not spoken here.
pub(super) fn answer_to(api: ApiKey) -> Option<Layout> {
    find(answers::ANSWERS, api)
}

/// The request of `api`; `None` when it is not served here.
#[cfg(feature = "broker")]
pub(super) fn request_of(api: ApiKey) -> Option<Layout> {
    find(requests::REQUESTS, api)
}

fn find(table: &[(ApiKey, i16, &'static [Field])], api: ApiKey) -> Option<Layout> {
    let (_, flexible_since, fields) = table.iter().find(|(key, ..)| *key == api)?;
    Some(Layout { api, flexible_since: *flexible_since, fields })
}

/// What one message consists of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) api: ApiKey,
    /// The first version with variable-length lengths and tagged fields (KIP-482).
    pub(super) flexible_since: i16,
    pub(super) fields: &'static [Field],
}

/// One field of a message, in the versions that have it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// The number of a tagged field; `None` for one that has its place.
    pub(super) tag: Option<u32>,
    since: i16,
    until: i16,
    nullable_since: i16,
}

impl Field {
    const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, tag: None, since: 0, until: i16::MAX, nullable_since: i16::MAX }
    }

    const fn since(mut self, version: i16) -> Self {
        self.since = version;
        self
    }

    const fn until(mut self, version: i16) -> Self {
        self.until = version;
        self
    }

    /// May be null from `version` on.
    const fn nullable(mut self, version: i16) -> Self {
        self.nullable_since = version;
        self
    }

    const fn tagged(mut self, tag: u32) -> Self {
        self.tag = Some(tag);
        self
    }

    pub(super) const fn is_in(&self, version: i16) -> bool {
        self.since <= version && version <= self.until
    }

    pub(super) const fn is_nullable(&self, version: i16) -> bool {
        self.nullable_since <= version
    }
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// So many bytes, whatever they say.
    Fixed(usize),
    /// A string.
    Text,
    /// Bytes that are handed on as they are.
    Opaque,
    /// A number of the same thing.
    Array(&'static Self),
    /// Fields, with tagged ones at the end.
    Struct(&'static [Field]),
}

impl Kind {
    /// The least number of bytes that one takes.
    pub(super) fn least_size(self, version: i16, flexible: bool) -> usize {
        match self {
            Self::Fixed(size) => size,
            Self::Text => {
                if flexible {
                    1
                } else {
                    2
                }
            }
            Self::Opaque | Self::Array(_) => {
                if flexible {
                    1
                } else {
                    4
                }
            }
            Self::Struct(fields) => {
                let placed = fields.iter().filter(|field| field.tag.is_none());
                let placed = placed.filter(|field| field.is_in(version));
                let sizes = placed.map(|field| field.kind.least_size(version, flexible));
                sizes.sum::<usize>() + if flexible { 1 } else { 0 }
            }
        }
    }
}

const fn fixed(name: &'static str, size: usize) -> Field {
    Field::new(name, Kind::Fixed(size))
}

const fn text(name: &'static str) -> Field {
    Field::new(name, Kind::Text)
}

const fn opaque(name: &'static str) -> Field {
    Field::new(name, Kind::Opaque)
}

const fn array(name: &'static str, element: &'static Kind) -> Field {
    Field::new(name, Kind::Array(element))
}

const fn structure(name: &'static str, fields: &'static [Field]) -> Field {
    Field::new(name, Kind::Struct(fields))
}
