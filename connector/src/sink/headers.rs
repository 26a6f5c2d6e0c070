//! [`Headers`]: the record headers of a whole batch, from a `headers` or a `header-list` column.

use std::borrow::Cow;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StructArray};
use arrow_schema::DataType;

use crate::error::RowError;
use crate::format::array::ByteArray;

/// Headers of all rows of one column; `row(i)` has those between two ends.
pub(crate) struct Headers<'a> {
    entries: Vec<(Cow<'a, str>, Option<&'a [u8]>)>,
    ends: Vec<usize>,
}

/// The headers of all rows as a producer takes them.
pub(crate) struct HeaderRows<'h> {
    entries: Vec<(&'h str, Option<&'h [u8]>)>,
    ends: &'h [usize],
}

impl<'a> Headers<'a> {
    /// A NULL row has no headers; entries without a name are left out, as in Flink.
    pub(crate) fn of(column: &'a ArrayRef) -> Result<Self, RowError> {
        let (entries, ranges): (&StructArray, Vec<(usize, usize)>) = match column.data_type() {
            DataType::Map(..) => {
                let map = column.as_map();
                (map.entries(), ranges(map.offsets(), column))
            }
            DataType::List(_) => {
                let list = column.as_list::<i32>();
                (list.values().as_struct(), ranges(list.offsets(), column))
            }
            other => return Err(RowError::new(format!("headers cannot be {other}"))),
        };
        let (Some(names), Some(values)) = (bytes(entries, 0), bytes(entries, 1)) else {
            return Err(RowError::new("headers are not texts and byte strings"));
        };
        let mut headers = Self { entries: Vec::new(), ends: Vec::with_capacity(ranges.len()) };
        for (start, end) in ranges {
            let named = (start..end).filter(|entry| entries.is_valid(*entry));
            headers.entries.extend(named.filter_map(|entry| {
                let name = names.get(entry)?;
                Some((String::from_utf8_lossy(name), values.get(entry)))
            }));
            headers.ends.push(headers.entries.len());
        }
        Ok(headers)
    }

    pub(crate) fn rows(&self) -> HeaderRows<'_> {
        let entries = self.entries.iter().map(|(name, value)| (name.as_ref(), *value)).collect();
        HeaderRows { entries, ends: &self.ends }
    }
}

impl<'h> HeaderRows<'h> {
    /// The headers of one row, in order.
    pub(crate) fn row(&self, row: usize) -> &[(&'h str, Option<&'h [u8]>)] {
        let start =
            row.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(row).copied().unwrap_or(start);
        self.entries.get(start..end).unwrap_or_default()
    }
}

fn ranges(offsets: &[i32], column: &ArrayRef) -> Vec<(usize, usize)> {
    let position = |offset: i32| usize::try_from(offset).unwrap_or(0);
    offsets
        .windows(2)
        .enumerate()
        .map(|(row, pair)| match *pair {
            [start, end] if column.is_valid(row) => (position(start), position(end)),
            _ => (0, 0),
        })
        .collect()
}

fn bytes(entries: &StructArray, column: usize) -> Option<ByteArray<'_>> {
    ByteArray::new(entries.columns().get(column)?.as_ref())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::builder::{BinaryViewBuilder, MapBuilder, StringViewBuilder};

    use super::*;

    #[test]
    fn rows_have_their_own_headers_and_null_rows_none() {
        let mut builder = MapBuilder::new(None, StringViewBuilder::new(), BinaryViewBuilder::new());
        builder.keys().append_value("a");
        builder.values().append_value(b"1");
        builder.keys().append_value("b");
        builder.values().append_null();
        builder.append(true).unwrap();
        builder.append(false).unwrap();
        builder.append(true).unwrap();
        let column: ArrayRef = Arc::new(builder.finish());
        let headers = Headers::of(&column).unwrap();
        let rows = headers.rows();
        assert_eq!(rows.row(0), [("a", Some(&b"1"[..])), ("b", None)]);
        assert_eq!((rows.row(1).len(), rows.row(2).len(), rows.row(3).len()), (0, 0, 0));
    }
}
