//! What a record tells besides its key and value: the metadata keys, their types, and what they may be declared as.

use std::fmt;

use crate::ddl::{DataType, RowField, TypeRoot};
use crate::suggest::did_you_mean;

/// A metadata key of the Kafka connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetadataKey {
    /// `header-list`: the headers in order, with duplicates.
    HeaderList,
    /// `headers`: the headers by name.
    Headers,
    /// `leader-epoch`.
    LeaderEpoch,
    /// `offset`.
    Offset,
    /// `partition`.
    Partition,
    /// `timestamp`.
    Timestamp,
    /// `timestamp-type`.
    TimestampType,
    /// `topic`.
    Topic,
}

impl MetadataKey {
    /// Every key, sorted by name.
    pub const ALL: [Self; 8] = [
        Self::HeaderList,
        Self::Headers,
        Self::LeaderEpoch,
        Self::Offset,
        Self::Partition,
        Self::Timestamp,
        Self::TimestampType,
        Self::Topic,
    ];

    /// The key called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    /// Flink's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::HeaderList => "header-list",
            Self::Headers => "headers",
            Self::LeaderEpoch => "leader-epoch",
            Self::Offset => "offset",
            Self::Partition => "partition",
            Self::Timestamp => "timestamp",
            Self::TimestampType => "timestamp-type",
            Self::Topic => "topic",
        }
    }

    /// The type in which it is read.
    pub fn read_type(self) -> DataType {
        match self {
            Self::HeaderList => {
                let header = TypeRoot::Row(vec![
                    field("key", DataType::not_null(TypeRoot::String)),
                    field("value", DataType::nullable(TypeRoot::Bytes)),
                ]);
                DataType::not_null(TypeRoot::Array(Box::new(DataType::not_null(header))))
            }
            Self::Headers => DataType::not_null(headers()),
            Self::LeaderEpoch => DataType::nullable(TypeRoot::Int),
            Self::Offset => DataType::not_null(TypeRoot::BigInt),
            Self::Partition => DataType::not_null(TypeRoot::Int),
            Self::Timestamp => DataType::not_null(TypeRoot::TimestampLtz(3)),
            Self::TimestampType | Self::Topic => DataType::not_null(TypeRoot::String),
        }
    }

    /// The type in which it is written; `None` for what only Kafka decides.
    pub fn write_type(self) -> Option<DataType> {
        match self {
            Self::HeaderList => {
                let header = TypeRoot::Row(vec![
                    field("key", DataType::nullable(TypeRoot::String)),
                    field("value", DataType::nullable(TypeRoot::Bytes)),
                ]);
                Some(DataType::nullable(TypeRoot::Array(Box::new(DataType::nullable(header)))))
            }
            Self::Headers => Some(DataType::nullable(headers())),
            Self::Timestamp => Some(DataType::nullable(TypeRoot::TimestampLtz(3))),
            Self::Topic => Some(DataType::not_null(TypeRoot::String)),
            Self::LeaderEpoch | Self::Offset | Self::Partition | Self::TimestampType => None,
        }
    }

    /// Whether a column that reads this key may be declared as `declared`.
    pub fn is_readable_as(self, declared: &DataType) -> bool {
        is_castable(&self.read_type().root, &declared.root)
    }

    /// Whether a column declared as `declared` may write this key.
    pub fn is_writable_as(self, declared: &DataType) -> bool {
        self.write_type().is_some_and(|written| is_castable(&declared.root, &written.root))
    }
}

impl fmt::Display for MetadataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text of the error for a key that is none, or none that can be used in this direction.
pub(super) fn invalid_key(
    key: &str,
    column: &str,
    table: &str,
    direction: &str,
    known: &[MetadataKey],
) -> String {
    let names: Vec<&str> = known.iter().map(|key| key.name()).collect();
    let hint = match did_you_mean(key, names.iter().copied()) {
        none if none.is_empty() => ".".to_owned(),
        hint => hint,
    };
    format!(
        "Invalid metadata key '{key}' in column '{column}' of table '{table}'{hint} \
         The 'kafka' connector supports the following metadata keys for {direction}:\n{}",
        names.join("\n")
    )
}

/// The casts that are built.
fn is_castable(from: &TypeRoot, to: &TypeRoot) -> bool {
    use TypeRoot::{Date, String, Time, Timestamp, TimestampLtz};
    match (from, to) {
        (Timestamp(_) | TimestampLtz(_), Date | Time(_) | Timestamp(_) | TimestampLtz(_)) => true,
        (from, to) if is_number(from) && is_number(to) => true,
        (from, to)
            if is_number(from) || matches!(from, String | Timestamp(_) | TimestampLtz(_)) =>
        {
            is_text(to)
        }
        (TypeRoot::Array(from), TypeRoot::Array(to)) => is_same(&from.root, &to.root),
        (TypeRoot::Map(from_key, from), TypeRoot::Map(to_key, to)) => {
            is_same(&from_key.root, &to_key.root) && is_same(&from.root, &to.root)
        }
        (from, to) => from == to,
    }
}

/// Whether every text among the metadata fits: a cast to a shorter type would have to cut it.
fn is_text(root: &TypeRoot) -> bool {
    match root {
        TypeRoot::String => true,
        TypeRoot::VarChar(length) => *length >= LONGEST_TOPIC_NAME,
        _ => false,
    }
}

/// Equal but for nullability; fields of a row are compared by position.
fn is_same(from: &TypeRoot, to: &TypeRoot) -> bool {
    match (from, to) {
        (TypeRoot::Row(from), TypeRoot::Row(to)) => {
            from.len() == to.len()
                && from
                    .iter()
                    .zip(to)
                    .all(|(from, to)| is_same(&from.data_type.root, &to.data_type.root))
        }
        (from, to) => from == to,
    }
}

fn is_number(root: &TypeRoot) -> bool {
    use TypeRoot::{BigInt, Decimal, Double, Float, Int, SmallInt, TinyInt};
    matches!(root, BigInt | Decimal(..) | Double | Float | Int | SmallInt | TinyInt)
}

fn headers() -> TypeRoot {
    let (key, value) = (DataType::nullable(TypeRoot::String), DataType::nullable(TypeRoot::Bytes));
    TypeRoot::Map(Box::new(key), Box::new(value))
}

fn field(name: &str, data_type: DataType) -> RowField {
    RowField { name: name.to_owned(), data_type, comment: None }
}

/// Kafka's limit, longer than any other text among the metadata.
const LONGEST_TOPIC_NAME: u32 = 249;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ddl::{ColumnKind, parse_create_table};

    fn declared(text: &str) -> DataType {
        let table = parse_create_table(&format!("CREATE TABLE t (c {text} METADATA)")).unwrap();
        match &table.columns[0].kind {
            ColumnKind::Metadata { data_type, .. } => data_type.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn keys_have_flinks_types_for_reading_and_writing() {
        for (key, read, write) in [
            (
                "header-list",
                "ARRAY<ROW<`key` STRING NOT NULL, `value` BYTES> NOT NULL> NOT NULL",
                Some("ARRAY<ROW<`key` STRING, `value` BYTES>>"),
            ),
            ("headers", "MAP<STRING, BYTES> NOT NULL", Some("MAP<STRING, BYTES>")),
            ("leader-epoch", "INT", None),
            ("offset", "BIGINT NOT NULL", None),
            ("partition", "INT NOT NULL", None),
            ("timestamp", "TIMESTAMP_LTZ(3) NOT NULL", Some("TIMESTAMP_LTZ(3)")),
            ("timestamp-type", "STRING NOT NULL", None),
            ("topic", "STRING NOT NULL", Some("STRING NOT NULL")),
        ] {
            let found = MetadataKey::from_name(key).unwrap();
            assert_eq!(found.read_type().to_string(), read, "{key}");
            assert_eq!(
                found.write_type().map(|written| written.to_string()).as_deref(),
                write,
                "{key}"
            );
        }
        assert_eq!(MetadataKey::from_name("Offset"), None);
    }

    #[test]
    fn a_key_may_be_declared_as_what_it_casts_to() {
        for (key, text, readable, writable) in [
            ("timestamp", "TIMESTAMP_LTZ(3)", true, true),
            ("timestamp", "TIMESTAMP_LTZ(9) NOT NULL", true, true),
            ("timestamp", "TIMESTAMP(3)", true, true),
            ("timestamp", "STRING", true, false),
            ("timestamp", "DATE", true, false),
            ("timestamp", "BIGINT", false, false),
            ("partition", "INT", true, false),
            ("partition", "BIGINT", true, false),
            ("partition", "STRING", true, false),
            ("partition", "DECIMAL(10, 2)", true, false),
            ("partition", "BOOLEAN", false, false),
            ("offset", "INT", true, false),
            ("topic", "STRING", true, true),
            ("topic", "VARCHAR(249)", true, false),
            ("topic", "VARCHAR(10)", false, false),
            ("topic", "BYTES", false, false),
            ("headers", "MAP<STRING NOT NULL, BYTES>", true, true),
            ("headers", "MAP<STRING, STRING>", false, false),
            ("header-list", "ARRAY<ROW<name STRING, content BYTES>>", true, true),
            ("header-list", "ARRAY<ROW<key STRING>>", false, false),
            ("leader-epoch", "INT NOT NULL", true, false),
        ] {
            let found = MetadataKey::from_name(key).unwrap();
            assert_eq!(found.is_readable_as(&declared(text)), readable, "read {key} as {text}");
            assert_eq!(found.is_writable_as(&declared(text)), writable, "write {key} as {text}");
        }
    }
}
