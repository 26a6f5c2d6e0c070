//! The columns of a table by what they are made of, and the Arrow schemas that follow.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{Field, FieldRef, Schema, SchemaRef};

use super::metadata::{MetadataKey, invalid_key};
use crate::ddl::{ColumnKind, DataType, TableDefinition};
use crate::error::Error;

/// The physical and metadata columns of one table.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    table: String,
    physical: Vec<FieldRef>,
    metadata: Vec<MetadataColumn>,
    schema: SchemaRef,
    sink_schema: SchemaRef,
}

/// One metadata column.
#[derive(Clone, Debug)]
struct MetadataColumn {
    name: String,
    key: MetadataKey,
    data_type: DataType,
    is_virtual: bool,
}

impl Columns {
    /// Sorts out the columns of `definition`.
    ///
    /// # Errors
    /// A metadata column names no key of the connector, or is declared as a type that its key does not cast to.
    pub(crate) fn new(definition: &TableDefinition) -> Result<Self, Error> {
        let table = definition.name.0.join(".");
        let (mut physical, mut metadata) = (Vec::new(), Vec::new());
        let (mut read, mut written) = (Vec::new(), Vec::new());
        for column in &definition.columns {
            let field = match &column.kind {
                ColumnKind::Physical { data_type } => {
                    let field = Arc::new(data_type.to_field(&column.name));
                    physical.push(Arc::clone(&field));
                    written.push(Arc::clone(&field));
                    field
                }
                ColumnKind::Metadata { data_type, key, is_virtual } => {
                    let key = key.as_deref().unwrap_or(&column.name);
                    let column = MetadataColumn {
                        key: known_key(key, &column.name, &table)?,
                        name: column.name.clone(),
                        data_type: data_type.clone(),
                        is_virtual: *is_virtual,
                    };
                    column.check_readable()?;
                    let field = Arc::new(column.field());
                    if !column.is_virtual {
                        written.push(Arc::clone(&field));
                    }
                    metadata.push(column);
                    field
                }
                ColumnKind::Computed { .. } => continue,
            };
            read.push(field);
        }
        let (schema, sink_schema) = (Arc::new(Schema::new(read)), Arc::new(Schema::new(written)));
        Ok(Self { table, physical, metadata, schema, sink_schema })
    }

    /// Physical and metadata columns in the order of the table.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What is inserted: physical and non-VIRTUAL metadata columns in the order of the table.
    pub(crate) fn sink_schema(&self) -> &SchemaRef {
        &self.sink_schema
    }

    /// What keys and values are made of.
    pub(crate) fn physical(&self) -> &[FieldRef] {
        &self.physical
    }

    /// Checks that every column that is not VIRTUAL can be written to a sink with one fixed topic.
    pub(crate) fn check_writable(&self) -> Result<(), Error> {
        let mut written: Vec<&MetadataColumn> = Vec::new();
        for column in self.metadata.iter().filter(|column| !column.is_virtual) {
            column.check_writable(&self.table)?;
            if let Some(other) = written.iter().find(|other| other.key == column.key) {
                return Err(Error::schema(format!(
                    "The columns '{}' and '{}' of table '{}' both write the metadata key '{}'. \
                     Declare one of them VIRTUAL.",
                    other.name, column.name, self.table, column.key
                )));
            }
            written.push(column);
        }
        let writes = |key| written.iter().any(|column| column.key == key);
        if writes(MetadataKey::Headers) && writes(MetadataKey::HeaderList) {
            return Err(Error::schema(
                "The writable metadata is ambiguous. Please use either metadata key 'headers' or 'header-list'.",
            ));
        }
        Ok(())
    }
}

impl MetadataColumn {
    fn field(&self) -> Field {
        let mut notes = HashMap::from([(METADATA_KEY.to_owned(), self.key.name().to_owned())]);
        if self.is_virtual {
            notes.insert(METADATA_VIRTUAL.to_owned(), "true".to_owned());
        }
        self.data_type.to_field(&self.name).with_metadata(notes)
    }

    fn check_readable(&self) -> Result<(), Error> {
        if self.key.is_readable_as(&self.data_type) {
            return Ok(());
        }
        Err(self.invalid_type("read", &self.key.read_type()))
    }

    fn check_writable(&self, table: &str) -> Result<(), Error> {
        let Some(written) = self.key.write_type() else {
            let message = invalid_key(self.key.name(), &self.name, table, "writing", &WRITABLE);
            return Err(Error::schema(format!(
                "{message}\nDeclare the column VIRTUAL to leave it out of what is written."
            )));
        };
        if self.key == MetadataKey::Topic {
            return Err(Error::schema(format!(
                "Invalid metadata key 'topic' in column '{}' of table '{table}' for writing: \
                 the table has one fixed topic. Declare the column VIRTUAL.",
                self.name
            )));
        }
        if self.key.is_writable_as(&self.data_type) {
            Ok(())
        } else {
            Err(self.invalid_type("written", &written))
        }
    }

    fn invalid_type(&self, direction: &str, expected: &DataType) -> Error {
        Error::schema(format!(
            "Invalid data type for metadata column '{}': the key '{}' is {direction} as {expected}, \
             and the column's type {} must be castable {} it.",
            self.name,
            self.key,
            self.data_type,
            if direction == "read" { "from" } else { "to" }
        ))
    }
}

fn known_key(key: &str, column: &str, table: &str) -> Result<MetadataKey, Error> {
    MetadataKey::from_name(key)
        .ok_or_else(|| Error::schema(invalid_key(key, column, table, "reading", &MetadataKey::ALL)))
}

/// Field metadata of a metadata column: the key it holds.
pub const METADATA_KEY: &str = "kavka.metadata";

/// Field metadata of a VIRTUAL column, `true`: it is read and not written.
pub const METADATA_VIRTUAL: &str = "kavka.virtual";

/// The keys that a sink with a fixed topic writes.
const WRITABLE: [MetadataKey; 3] =
    [MetadataKey::HeaderList, MetadataKey::Headers, MetadataKey::Timestamp];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ddl::parse_create_table;

    fn columns(body: &str) -> Result<Columns, String> {
        let definition = parse_create_table(&format!("CREATE TABLE db.t ({body})")).unwrap();
        Columns::new(&definition).map_err(|error| error.to_string())
    }

    fn names(schema: &SchemaRef) -> Vec<&str> {
        schema.fields().iter().map(|field| field.name().as_str()).collect()
    }

    fn writable(body: &str) -> Result<(), String> {
        columns(body).unwrap().check_writable().map_err(|error| error.to_string())
    }

    #[test]
    fn columns_keep_their_order_and_computed_ones_are_left_to_the_engine() {
        let columns = columns(
            "p INT METADATA FROM 'partition' VIRTUAL, a STRING NOT NULL, c AS a || 'x', \
             ts TIMESTAMP(3) METADATA FROM 'timestamp', b BYTES",
        )
        .unwrap();
        assert_eq!(names(columns.schema()), ["p", "a", "ts", "b"]);
        assert_eq!(names(columns.sink_schema()), ["a", "ts", "b"]);
        let physical: Vec<&str> =
            columns.physical().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(physical, ["a", "b"]);
        let field = columns.schema().field(0);
        assert_eq!(field.metadata().get(METADATA_KEY).map(String::as_str), Some("partition"));
        assert_eq!(field.metadata().get(METADATA_VIRTUAL).map(String::as_str), Some("true"));
        assert!(columns.schema().field(1).metadata().is_empty());
        assert!(!columns.schema().field(1).is_nullable());
        assert_eq!(columns.schema().field(2).metadata().get(METADATA_VIRTUAL), None);
    }

    #[test]
    fn an_unknown_key_is_answered_with_the_known_ones() {
        assert_eq!(
            columns("a INT, o BIGINT METADATA FROM 'offsets' VIRTUAL").unwrap_err(),
            "Invalid metadata key 'offsets' in column 'o' of table 'db.t', did you mean \"offset\"? \
             The 'kafka' connector supports the following metadata keys for reading:\n\
             header-list\nheaders\nleader-epoch\noffset\npartition\ntimestamp\ntimestamp-type\ntopic"
        );
        assert_eq!(
            columns("a INT, color BIGINT METADATA").unwrap_err(),
            "Invalid metadata key 'color' in column 'color' of table 'db.t'. \
             The 'kafka' connector supports the following metadata keys for reading:\n\
             header-list\nheaders\nleader-epoch\noffset\npartition\ntimestamp\ntimestamp-type\ntopic"
        );
    }

    #[test]
    fn a_type_that_does_not_fit_its_key_is_refused() {
        assert_eq!(
            columns("o BOOLEAN METADATA FROM 'offset'").unwrap_err(),
            "Invalid data type for metadata column 'o': the key 'offset' is read as BIGINT NOT NULL, \
             and the column's type BOOLEAN must be castable from it."
        );
        assert_eq!(
            writable("a INT, ts STRING METADATA FROM 'timestamp'").unwrap_err(),
            "Invalid data type for metadata column 'ts': the key 'timestamp' is written as TIMESTAMP_LTZ(3), \
             and the column's type STRING must be castable to it."
        );
    }

    #[test]
    fn a_sink_takes_the_writable_keys_once_each() {
        assert_eq!(
            writable(
                "a INT, t TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', headers MAP<STRING, BYTES> METADATA"
            ),
            Ok(())
        );
        assert_eq!(
            writable(
                "a INT, o BIGINT METADATA FROM 'offset' VIRTUAL, topic STRING METADATA VIRTUAL"
            ),
            Ok(())
        );
        assert_eq!(
            writable("a INT, o BIGINT METADATA FROM 'offset'").unwrap_err(),
            "Invalid metadata key 'offset' in column 'o' of table 'db.t'. \
             The 'kafka' connector supports the following metadata keys for writing:\n\
             header-list\nheaders\ntimestamp\n\
             Declare the column VIRTUAL to leave it out of what is written."
        );
        assert_eq!(
            writable("a INT, topic STRING METADATA").unwrap_err(),
            "Invalid metadata key 'topic' in column 'topic' of table 'db.t' for writing: \
             the table has one fixed topic. Declare the column VIRTUAL."
        );
        assert_eq!(
            writable(
                "a TIMESTAMP(3) METADATA FROM 'timestamp', b TIMESTAMP(3) METADATA FROM 'timestamp'"
            )
            .unwrap_err(),
            "The columns 'a' and 'b' of table 'db.t' both write the metadata key 'timestamp'. \
             Declare one of them VIRTUAL."
        );
        assert_eq!(
            writable(
                "h MAP<STRING, BYTES> METADATA FROM 'headers', \
                 l ARRAY<ROW<key STRING, value BYTES>> METADATA FROM 'header-list'"
            )
            .unwrap_err(),
            "The writable metadata is ambiguous. Please use either metadata key 'headers' or 'header-list'."
        );
        let body = "h MAP<STRING, BYTES> METADATA FROM 'headers', \
                    l ARRAY<ROW<key STRING, value BYTES>> METADATA FROM 'header-list' VIRTUAL";
        assert_eq!(writable(body), Ok(()));
    }
}
