//! What a record tells of itself, as columns.

use std::ops::RangeInclusive;

use arrow_array::ArrayRef;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_schema::{DataType, Field, FieldRef, TimeUnit};
use chrono_tz::Tz;
use kavka_client::protocol::{HeadersView, RecordView};

use super::RecordContext;
use crate::cast::cast;
use crate::error::{Error, RowError};
use crate::format::column::{
    Column, ColumnBuilder, Lists, Maps, Numbers, Structs, Texts, Timestamps,
};
use crate::schema::MetadataKey;

/// One metadata column.
pub(super) struct MetadataColumn {
    key: MetadataKey,
    field: FieldRef,
    values: Values,
    /// The numbers that the declared type takes.
    range: RangeInclusive<i64>,
}

/// Values in Kafka's type; headers at once in the declared one.
enum Values {
    HeaderList(Lists<Structs<Column>>, HeaderNullability),
    Headers(Maps<Column>, HeaderNullability),
    Int(Numbers<Int32Type>),
    Long(Numbers<Int64Type>),
    Text(Texts),
    Timestamp(Timestamps),
}

/// Whether a header may be without value.
#[derive(Clone, Copy)]
struct HeaderNullability(bool);

impl MetadataColumn {
    pub(super) fn new(key: MetadataKey, field: FieldRef) -> Result<Self, Error> {
        let values = match key {
            MetadataKey::HeaderList => header_list(&field),
            MetadataKey::Headers => headers(&field),
            MetadataKey::LeaderEpoch | MetadataKey::Partition => {
                Some(Values::Int(Numbers::new(&DataType::Int32)))
            }
            MetadataKey::Offset => Some(Values::Long(Numbers::new(&DataType::Int64))),
            MetadataKey::Timestamp => {
                let unit = TimeUnit::Millisecond;
                Some(Values::Timestamp(Timestamps::new(unit, Some("UTC".into()))))
            }
            MetadataKey::TimestampType | MetadataKey::Topic => Some(Values::Text(Texts::text())),
        };
        let values = values.ok_or_else(|| {
            let (name, data_type) = (field.name(), field.data_type());
            Error::schema(format!("metadata '{key}' cannot be read as {data_type} in '{name}'"))
        })?;
        let range = range(field.data_type(), &values);
        Ok(Self { key, field, values, range })
    }

    /// How much a record puts into each of its rows, counted in numbers.
    pub(super) fn width(&self, record: &RecordView<'_>) -> usize {
        const NUMBER: usize = 16;
        match &self.values {
            Values::HeaderList(..) | Values::Headers(..) => {
                let header = |(name, value): (&[u8], Option<&[u8]>)| {
                    1 + (name.len() + value.map_or(0, <[u8]>::len)) / NUMBER
                };
                1 + record.headers().into_iter().flatten().map(header).sum::<usize>()
            }
            Values::Int(_) | Values::Long(_) | Values::Timestamp(_) => 1,
            Values::Text(_) => 1 + MAX_TOPIC / NUMBER,
        }
    }

    /// Appends the same value for each of the rows of a record.
    #[inline]
    pub(super) fn append(
        &mut self,
        record: &RecordView<'_>,
        context: &RecordContext<'_>,
        rows: usize,
    ) -> Result<(), RowError> {
        for _ in 0..rows {
            self.append_one(record, context).map_err(|error| error.in_column(self.field.name()))?;
        }
        Ok(())
    }

    #[inline]
    fn append_one(
        &mut self,
        record: &RecordView<'_>,
        context: &RecordContext<'_>,
    ) -> Result<(), RowError> {
        let Self { key, field, values, range } = self;
        // Found here, where the record is known, and not when a batch is full.
        let fits = |number: i64| match range.contains(&number) {
            true => Ok(()),
            false => Err(out_of_range(*key, field, number)),
        };
        match values {
            Values::HeaderList(lists, nullability) => {
                return push_header_list(lists, record.headers(), *nullability);
            }
            Values::Headers(maps, nullability) => {
                return push_headers(maps, record.headers(), *nullability);
            }
            Values::Int(numbers) => {
                let number = match key {
                    MetadataKey::Partition => Some(context.partition),
                    _ => context.leader_epoch.map(|epoch| epoch.0),
                };
                match number {
                    Some(number) => {
                        fits(number.into())?;
                        numbers.push(number);
                    }
                    None if field.is_nullable() => numbers.push_null(),
                    None => return Err(RowError::new("the record's leader epoch is not known")),
                }
            }
            Values::Long(numbers) => {
                fits(record.offset())?;
                numbers.push(record.offset());
            }
            Values::Text(texts) if *key == MetadataKey::Topic => {
                texts.push(context.topic.as_bytes());
            }
            Values::Text(texts) => texts.push(context.timestamp_type.name().as_bytes()),
            // Kafka's own way to say that a record has no time, which Flink hands on.
            Values::Timestamp(timestamps) => {
                let timestamp = record.timestamp().unwrap_or(-1);
                fits(timestamp)?;
                timestamps.push(timestamp);
            }
        }
        Ok(())
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.values.builder().truncate(rows);
    }

    /// Hands out the values as the table declares them.
    pub(super) fn finish(&mut self, zone: Tz) -> Result<ArrayRef, Error> {
        let array = self.values.builder().finish();
        array.and_then(|array| cast(&array, self.field.data_type(), zone)).map_err(|error| {
            let (key, column) = (self.key, self.field.name());
            let data_type = self.field.data_type();
            Error::schema(format!("metadata '{key}' as {data_type} in column '{column}'"))
                .with_source(error)
        })
    }
}

/// A zone of the session moves a reading of the clock by less than a day.
const DAY_MS: i64 = 86_400_000;

/// The longest name that Kafka lets a topic have, in bytes.
const MAX_TOPIC: usize = 249;

impl Values {
    fn builder(&mut self) -> &mut dyn ColumnBuilder {
        match self {
            Self::HeaderList(lists, _) => lists,
            Self::Headers(maps, _) => maps,
            Self::Int(numbers) => numbers,
            Self::Long(numbers) => numbers,
            Self::Text(texts) => texts,
            Self::Timestamp(timestamps) => timestamps,
        }
    }
}

#[cold]
fn out_of_range(key: MetadataKey, field: &Field, number: i64) -> RowError {
    let data_type = field.data_type();
    RowError::new(format!("metadata '{key}' is {number}, which does not fit {data_type}"))
}

/// The numbers that a cast to `data_type` takes.
fn range(data_type: &DataType, values: &Values) -> RangeInclusive<i64> {
    let symmetric = |most: i64| -most..=most;
    let is_time = matches!(values, Values::Timestamp(_));
    match data_type {
        DataType::Int8 => i8::MIN.into()..=i8::MAX.into(),
        DataType::Int16 => i16::MIN.into()..=i16::MAX.into(),
        DataType::Int32 => i32::MIN.into()..=i32::MAX.into(),
        DataType::Decimal128(precision, scale) => {
            let digits = i32::from(*precision) - i32::from(*scale);
            let bound = u32::try_from(digits).ok().and_then(|digits| 10_i64.checked_pow(digits));
            symmetric(bound.map_or(i64::MAX, |bound| bound - 1))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) if is_time => {
            symmetric(i64::MAX / 1_000_000 - DAY_MS)
        }
        DataType::Timestamp(..) if is_time => symmetric(i64::MAX / 1_000 - DAY_MS),
        DataType::Date32 if is_time => symmetric(i64::from(i32::MAX) * DAY_MS),
        _ => i64::MIN..=i64::MAX,
    }
}

fn header_list(field: &Field) -> Option<Values> {
    let DataType::List(element) = field.data_type() else { return None };
    let DataType::Struct(fields) = element.data_type() else { return None };
    let [key, value] = &fields[..] else { return None };
    let columns = vec![Column::new(key.data_type())?, Column::new(value.data_type())?];
    let lists = Lists::new(element.clone(), Structs::new(fields.clone(), columns));
    Some(Values::HeaderList(lists, HeaderNullability(value.is_nullable())))
}

fn headers(field: &Field) -> Option<Values> {
    let DataType::Map(entries, _) = field.data_type() else { return None };
    let DataType::Struct(fields) = entries.data_type() else { return None };
    let [_, value] = &fields[..] else { return None };
    let column = Column::new(value.data_type())?;
    let maps = Maps::new(entries.clone(), fields.clone(), column);
    Some(Values::Headers(maps, HeaderNullability(value.is_nullable())))
}

fn push_header_list(
    lists: &mut Lists<Structs<Column>>,
    headers: HeadersView<'_>,
    nullability: HeaderNullability,
) -> Result<(), RowError> {
    for header in headers {
        let (name, value) = header.map_err(damaged)?;
        if let [Column::Text(names), values] = &mut lists.element.columns[..] {
            names.push(String::from_utf8_lossy(name).as_bytes());
            push_value(values, name, value, nullability)?;
        }
        lists.element.push();
    }
    lists.push();
    Ok(())
}

/// Of headers with one name the last counts.
fn push_headers(
    maps: &mut Maps<Column>,
    headers: HeadersView<'_>,
    nullability: HeaderNullability,
) -> Result<(), RowError> {
    push_entries(maps, headers, nullability, &[])?;
    let superseded = maps.superseded();
    if !superseded.is_empty() {
        maps.truncate_entries(maps.closed());
        push_entries(maps, headers, nullability, &superseded)?;
    }
    maps.push();
    Ok(())
}

fn push_entries(
    maps: &mut Maps<Column>,
    headers: HeadersView<'_>,
    nullability: HeaderNullability,
    left_out: &[usize],
) -> Result<(), RowError> {
    let mut left_out = left_out.iter().peekable();
    for (index, header) in headers.into_iter().enumerate() {
        let (name, value) = header.map_err(damaged)?;
        if left_out.next_if_eq(&&index).is_none() {
            maps.keys.push(String::from_utf8_lossy(name).as_bytes());
            push_value(&mut maps.value, name, value, nullability)?;
        }
    }
    Ok(())
}

fn push_value(
    column: &mut Column,
    name: &[u8],
    value: Option<&[u8]>,
    HeaderNullability(is_nullable): HeaderNullability,
) -> Result<(), RowError> {
    match (value, column) {
        (Some(value), Column::Binary(texts)) => texts.push(value),
        (None, column) if is_nullable => column.push_null(),
        _ => {
            let name = String::from_utf8_lossy(name);
            let message = format!("the header '{}' has no value", name.escape_debug());
            return Err(RowError::new(message));
        }
    }
    Ok(())
}

fn damaged(error: kavka_client::protocol::DecodeError) -> RowError {
    RowError::new("the headers are damaged").with_source(error)
}
