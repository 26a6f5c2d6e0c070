//! The columns of a table: which are physical, which tell of the record, and where each is written.

mod columns;
mod metadata;
mod projection;

pub(crate) use self::columns::Columns;
pub use self::columns::{METADATA_KEY, METADATA_VIRTUAL};
pub use self::metadata::MetadataKey;
pub(crate) use self::projection::{Projection, ProjectionSpec};
