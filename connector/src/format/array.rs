//! Arrays that come in several layouts, read alike.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow_array::{
    Array, BinaryArray, BinaryViewArray, FixedSizeBinaryArray, LargeBinaryArray, LargeStringArray,
    StringArray, StringViewArray,
};
use arrow_schema::{DataType, TimeUnit};

/// Texts or byte strings in any layout.
#[derive(Clone, Copy)]
pub(crate) enum ByteArray<'a> {
    Binary(&'a BinaryArray),
    BinaryView(&'a BinaryViewArray),
    FixedSizeBinary(&'a FixedSizeBinaryArray),
    LargeBinary(&'a LargeBinaryArray),
    LargeText(&'a LargeStringArray),
    Text(&'a StringArray),
    TextView(&'a StringViewArray),
}

impl<'a> ByteArray<'a> {
    /// `None` if the array holds neither.
    pub(crate) fn new(array: &'a dyn Array) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Binary => Self::Binary(array.as_binary()),
            DataType::BinaryView => Self::BinaryView(array.as_binary_view()),
            DataType::FixedSizeBinary(_) => Self::FixedSizeBinary(array.as_fixed_size_binary()),
            DataType::LargeBinary => Self::LargeBinary(array.as_binary()),
            DataType::LargeUtf8 => Self::LargeText(array.as_string()),
            DataType::Utf8 => Self::Text(array.as_string()),
            DataType::Utf8View => Self::TextView(array.as_string_view()),
            _ => return None,
        })
    }

    /// The value at `row`, `None` for NULL.
    #[inline]
    pub(crate) fn get(self, row: usize) -> Option<&'a [u8]> {
        match self {
            Self::Binary(array) => array.is_valid(row).then(|| array.value(row)),
            Self::BinaryView(array) => array.is_valid(row).then(|| array.value(row)),
            Self::FixedSizeBinary(array) => array.is_valid(row).then(|| array.value(row)),
            Self::LargeBinary(array) => array.is_valid(row).then(|| array.value(row)),
            Self::LargeText(array) => array.is_valid(row).then(|| array.value(row).as_bytes()),
            Self::Text(array) => array.is_valid(row).then(|| array.value(row).as_bytes()),
            Self::TextView(array) => array.is_valid(row).then(|| array.value(row).as_bytes()),
        }
    }
}

/// Times or timestamps in any unit, as counts of that unit.
#[derive(Clone, Copy)]
pub(crate) struct Counts<'a> {
    values: Values<'a>,
    unit: TimeUnit,
}

#[derive(Clone, Copy)]
enum Values<'a> {
    Narrow(&'a [i32]),
    Wide(&'a [i64]),
}

impl<'a> Counts<'a> {
    /// `None` if the array holds neither.
    pub(crate) fn new(array: &'a dyn Array) -> Option<Self> {
        use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
        let (values, unit) = match array.data_type() {
            DataType::Time32(Millisecond) => (
                Values::Narrow(array.as_primitive::<Time32MillisecondType>().values()),
                Millisecond,
            ),
            DataType::Time32(_) => {
                (Values::Narrow(array.as_primitive::<Time32SecondType>().values()), Second)
            }
            DataType::Time64(Microsecond) => {
                (Values::Wide(array.as_primitive::<Time64MicrosecondType>().values()), Microsecond)
            }
            DataType::Time64(_) => {
                (Values::Wide(array.as_primitive::<Time64NanosecondType>().values()), Nanosecond)
            }
            DataType::Timestamp(unit, _) => (Values::Wide(timestamps(array, *unit)), *unit),
            _ => return None,
        };
        Some(Self { values, unit })
    }

    /// The count at `row`; meaningless for NULL.
    #[inline]
    pub(crate) fn get(self, row: usize) -> i64 {
        match self.values {
            Values::Narrow(values) => values.get(row).copied().map_or(0, i64::from),
            Values::Wide(values) => values.get(row).copied().unwrap_or_default(),
        }
    }

    pub(crate) fn unit(self) -> TimeUnit {
        self.unit
    }
}

fn timestamps(array: &dyn Array, unit: TimeUnit) -> &[i64] {
    match unit {
        TimeUnit::Second => array.as_primitive::<TimestampSecondType>().values(),
        TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().values(),
        TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().values(),
        TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().values(),
    }
}
