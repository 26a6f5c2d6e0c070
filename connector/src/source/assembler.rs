//! [`Assembler`]: keys, values and metadata of records side by side in one batch.

mod metadata;
mod part;

use std::fmt;
use std::ops::Range;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow_schema::SchemaRef;
use chrono_tz::Tz;
use kavka_client::protocol::{LeaderEpoch, RecordView, TimestampType};

use self::metadata::MetadataColumn;
use self::part::Part;
use crate::error::{Error, RowError};
use crate::format::{MAX_VALUES, Payload};
use crate::schema::{METADATA_KEY, MetadataKey};

/// What a table reads from a record.
pub(crate) struct AssemblerSpec {
    /// The columns to produce, in their order; those of metadata are marked with [`METADATA_KEY`].
    pub(crate) schema: SchemaRef,
    pub(crate) key: Option<Payload>,
    pub(crate) value: Payload,
    /// The session's, for instants that are declared as readings of a clock.
    pub(crate) time_zone: Tz,
}

/// What the records of one batch have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordContext<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) leader_epoch: Option<LeaderEpoch>,
    pub(crate) timestamp_type: TimestampType,
}

/// Turns records into rows.
///
/// Which records are rows does not depend on the columns asked for: keys and values are always read whole, and what is
/// no message of its format is skipped or an error in any case. Only columns that are asked for are decoded, so a value
/// that does not fit its column goes unnoticed where nobody wants the column, as in Flink with its projection pushdown.
pub(crate) struct Assembler {
    schema: SchemaRef,
    origins: Vec<Origin>,
    key: Option<Part>,
    value: Part,
    metadata: Vec<MetadataColumn>,
    time_zone: Tz,
    rows: usize,
    bytes: usize,
    /// From when on a record was not one key and one value: which decoded key and value each row has.
    pairs: Option<Pairs>,
}

/// Where a column comes from, and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Key(usize),
    Metadata(usize),
    Value(usize),
}

#[derive(Default)]
struct Pairs {
    keys: Vec<u32>,
    values: Vec<u32>,
}

/// A record that is no row, and which part of it is to blame.
#[derive(Debug)]
pub(crate) struct BadRecord {
    pub(crate) part: RecordPart,
    pub(crate) error: RowError,
}

/// A part of a record, as messages call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordPart {
    Key,
    Metadata,
    Value,
}

impl Assembler {
    pub(crate) fn new(spec: &AssemblerSpec) -> Result<Self, Error> {
        let mut metadata = Vec::new();
        let mut physical = Vec::new();
        for field in spec.schema.fields() {
            match field.metadata().get(METADATA_KEY) {
                None => physical.push(field.name().as_str()),
                Some(name) => metadata.push(metadata_column(name, field)?),
            }
        }
        let value = Part::new(&spec.value, |column| physical.contains(&column))?;
        let is_left = |column: &str| physical.contains(&column) && value.position(column).is_none();
        let key = spec.key.as_ref().map(|key| key.behind(&spec.value));
        let key = key.map(|key| Part::new(&key, is_left)).transpose()?;
        let origins = origins(&spec.schema, key.as_ref(), &value)?;
        Ok(Self {
            schema: spec.schema.clone(),
            origins,
            key,
            value,
            metadata,
            time_zone: spec.time_zone,
            rows: 0,
            bytes: 0,
            pairs: None,
        })
    }

    /// Rows held.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of the keys and values taken since the last batch.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes one record: its rows are those of its key times those of its value. On an error nothing is taken.
    #[inline]
    pub(crate) fn append(
        &mut self,
        record: &RecordView<'_>,
        context: &RecordContext<'_>,
    ) -> Result<(), BadRecord> {
        let keys_before = self.key.as_ref().map_or(0, Part::rows);
        let values_before = self.value.rows();
        let outcome = self.append_parts(record, context);
        match outcome {
            Ok((keys, values)) if keys * values > 0 => {
                self.note_pairs(
                    keys_before..keys_before + keys,
                    values_before..values_before + values,
                );
                self.rows += keys * values;
                // Only of what became rows: bytes without rows would make a batch full that is empty.
                let len = |payload: Option<&[u8]>| payload.map_or(0, <[u8]>::len);
                self.bytes += len(record.key()) + len(record.value());
            }
            _ => {
                self.value.truncate(values_before);
                if let Some(key) = &mut self.key {
                    key.truncate(keys_before);
                }
            }
        }
        outcome.map(|_| ())
    }

    /// How many rows the key and the value are; the key of a table without one counts as a row.
    #[inline]
    fn append_parts(
        &mut self,
        record: &RecordView<'_>,
        context: &RecordContext<'_>,
    ) -> Result<(usize, usize), BadRecord> {
        let blame = |part| move |error| BadRecord { part, error };
        let keys = match &mut self.key {
            None => 1,
            Some(key) => key.append(record.key()).map_err(blame(RecordPart::Key))?,
        };
        // Without a key row the value does not count, and is not decoded.
        if keys == 0 {
            return Ok((0, 0));
        }
        let values = self.value.append(record.value()).map_err(blame(RecordPart::Value))?;
        if keys.max(values) > 1 {
            self.check_size(record, keys, values).map_err(blame(RecordPart::Value))?;
        }
        for column in &mut self.metadata {
            let outcome = column.append(record, context, keys * values);
            if let Err(error) = outcome {
                self.metadata.iter_mut().for_each(|column| column.truncate(self.rows));
                return Err(BadRecord { part: RecordPart::Metadata, error });
            }
        }
        Ok((keys, values))
    }

    /// Refuses a record whose rows repeat more than memory should be spent on.
    #[cold]
    fn check_size(
        &self,
        record: &RecordView<'_>,
        keys: usize,
        values: usize,
    ) -> Result<(), RowError> {
        let rows = keys.saturating_mul(values);
        let metadata: usize = self.metadata.iter().map(|column| column.width(record)).sum();
        // Each key is repeated for each value, and the other way round.
        let bytes = |payload: Option<&[u8]>, parts: usize| {
            payload.map_or(0, <[u8]>::len).checked_div(parts).unwrap_or(0)
        };
        let repeated = match keys {
            0 | 1 => 0,
            _ => bytes(record.key(), keys) + bytes(record.value(), values),
        };
        if rows.saturating_mul(1 + metadata + repeated) > MAX_VALUES {
            return Err(RowError::new(format!(
                "{keys} keys times {values} values are more than {MAX_VALUES} values, rows times columns"
            )));
        }
        Ok(())
    }

    /// Remembers which key and value each row of a record has, once that is not the same place in both.
    #[inline]
    fn note_pairs(&mut self, keys: Range<usize>, values: Range<usize>) {
        let has_key_columns = self.key.as_ref().is_some_and(Part::has_columns);
        let is_repeated = keys.len() > 1 || (values.len() > 1 && has_key_columns);
        if is_repeated || self.pairs.is_some() {
            self.pair(keys, values);
        }
    }

    #[cold]
    fn pair(&mut self, keys: Range<usize>, values: Range<usize>) {
        let row = |row: usize| u32::try_from(row).unwrap_or(u32::MAX);
        let rows = self.rows;
        let pairs = self.pairs.get_or_insert_with(|| {
            let before: Vec<u32> = (0..rows).map(row).collect();
            Pairs { keys: before.clone(), values: before }
        });
        for key in keys {
            pairs.keys.extend(values.clone().map(|_| row(key)));
            pairs.values.extend(values.clone().map(row));
        }
    }

    /// Hands out the rows and starts anew.
    pub(crate) fn finish(&mut self) -> Result<RecordBatch, Error> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let pairs = self.pairs.take();
        let keys = match &mut self.key {
            Some(key) => key.finish(pairs.as_ref().map(|pairs| &pairs.keys[..]))?,
            None => Vec::new(),
        };
        let values = self.value.finish(pairs.as_ref().map(|pairs| &pairs.values[..]))?;
        let zone = self.time_zone;
        let metadata = self.metadata.iter_mut().map(|column| column.finish(zone));
        let metadata = metadata.collect::<Result<Vec<_>, _>>()?;
        let column = |origin: &Origin| match *origin {
            Origin::Key(position) => keys.get(position).cloned(),
            Origin::Metadata(position) => metadata.get(position).cloned(),
            Origin::Value(position) => values.get(position).cloned(),
        };
        let columns: Option<Vec<ArrayRef>> = self.origins.iter().map(column).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let schema = self.schema.clone();
        RecordBatch::try_new_with_options(schema, columns.unwrap_or_default(), &options)
            .map_err(|error| Error::schema("putting columns together").with_source(error))
    }
}

fn metadata_column(name: &str, field: &arrow_schema::FieldRef) -> Result<MetadataColumn, Error> {
    let key = MetadataKey::from_name(name).ok_or_else(|| {
        Error::schema(format!("column '{}' reads the unknown metadata key '{name}'", field.name()))
    })?;
    MetadataColumn::new(key, field.clone())
}

/// Where the columns come from. Of a column that is in both key and value, the value's copy counts.
fn origins(schema: &SchemaRef, key: Option<&Part>, value: &Part) -> Result<Vec<Origin>, Error> {
    let mut metadata = 0..;
    let origin = |field: &arrow_schema::FieldRef| {
        if field.metadata().contains_key(METADATA_KEY) {
            return metadata.next().map(Origin::Metadata);
        }
        let in_value = value.position(field.name()).map(Origin::Value);
        in_value.or_else(|| key.and_then(|key| key.position(field.name())).map(Origin::Key))
    };
    let origins: Vec<_> = schema.fields().iter().map(origin).collect();
    let missing = origins.iter().position(Option::is_none);
    match missing.and_then(|missing| schema.fields().get(missing)) {
        Some(field) => Err(Error::schema(format!(
            "column '{}' is neither in the key nor in the value",
            field.name()
        ))),
        None => Ok(origins.into_iter().flatten().collect()),
    }
}

fn indices(rows: &[u32]) -> UInt32Array {
    UInt32Array::from(rows.to_vec())
}

impl fmt::Display for RecordPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "key",
            Self::Metadata => "metadata",
            Self::Value => "value",
        })
    }
}

#[cfg(test)]
mod tests;
