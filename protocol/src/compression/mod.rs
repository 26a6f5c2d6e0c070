//! The five ways to store the records of a batch: their names and levels in configuration, and both
//! directions of each.

mod compressor;
mod decompressor;
mod gzip;
mod lz4;
mod lz4_hc;
mod output;
mod snappy;
mod zstd;

use std::{fmt, ops::RangeInclusive, str::FromStr};

pub use compressor::Compressor;
pub use decompressor::Decompressor;

use crate::error::EncodeError;

/// How the records of a batch are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip (RFC 1952).
    Gzip,
    /// Snappy, in the framing of its Java library.
    Snappy,
    /// LZ4 frames.
    Lz4,
    /// Zstandard (RFC 8878).
    Zstd,
}

impl Compression {
    /// Every codec, in the order of their numbers on the wire.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// Kafka's name for it, as in `compression.type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// The levels that its property `compression.<name>.level` accepts (KIP-390); `None` for a
    /// codec without levels. gzip also takes -1 for its usual level.
    pub const fn levels(self) -> Option<RangeInclusive<i32>> {
        match self {
            Self::None | Self::Snappy => None,
            Self::Gzip => Some(1..=9),
            Self::Lz4 => Some(1..=17),
            Self::Zstd => Some(-131_072..=22),
        }
    }

    /// The level that Kafka uses where none is configured.
    pub const fn default_level(self) -> Option<i32> {
        match self {
            Self::None | Self::Snappy => None,
            Self::Gzip => Some(-1),
            Self::Lz4 => Some(9),
            Self::Zstd => Some(3),
        }
    }

    /// Whether records can be written at `level`: an error says which levels there are, or that the
    /// implementation built in has only the usual one.
    pub fn check_level(self, level: i32) -> Result<(), EncodeError> {
        let Some(levels) = self.levels() else {
            return Ok(());
        };
        if Some(level) == self.default_level() {
            return Ok(());
        }
        if !levels.contains(&level) {
            return Err(EncodeError::CompressionLevel { codec: self, level, levels });
        }
        match self {
            Self::Zstd => zstd::check_level(level),
            Self::None | Self::Gzip | Self::Snappy | Self::Lz4 => Ok(()),
        }
    }

    pub(crate) const fn from_code(code: i16) -> Option<Self> {
        Some(match code {
            0 => Self::None,
            1 => Self::Gzip,
            2 => Self::Snappy,
            3 => Self::Lz4,
            4 => Self::Zstd,
            _ => return None,
        })
    }

    pub(crate) const fn code(self) -> i16 {
        self as i16
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Compression {
    type Err = UnknownCompression;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|codec| codec.name().eq_ignore_ascii_case(name));
        found.ok_or_else(|| UnknownCompression { name: name.to_owned() })
    }
}

/// A name that is none of Kafka's codecs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown compression `{name}`; there are none, gzip, snappy, lz4 and zstd")]
pub struct UnknownCompression {
    /// The name that was given.
    pub name: String,
}

#[cfg(test)]
mod tests;
