//! Columns of values with parts: arrays, maps and rows, over whatever a format keeps as their parts.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::Arc;

use arrow_array::{ArrayRef, ListArray, MapArray, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer};
use arrow_schema::{ArrowError, FieldRef, Fields};

use crate::format::column::{ColumnBuilder, Texts};

/// Arrays: elements one after the other, and where each array ends.
pub(crate) struct Lists<C> {
    field: FieldRef,
    pub(crate) element: C,
    ends: Ends,
}

impl<C: ColumnBuilder> Lists<C> {
    pub(crate) fn new(field: FieldRef, element: C) -> Self {
        Self { field, element, ends: Ends::default() }
    }

    /// Makes an array of the elements pushed since the last one.
    pub(crate) fn push(&mut self) {
        self.ends.push(self.element.len());
    }
}

impl<C: ColumnBuilder> ColumnBuilder for Lists<C> {
    #[inline]
    fn len(&self) -> usize {
        self.ends.len()
    }

    /// Elements pushed since the last array are taken back too.
    fn truncate(&mut self, len: usize) {
        self.element.truncate(self.ends.truncate(len));
    }

    fn push_null(&mut self) {
        self.ends.push_null(self.element.len());
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let (offsets, validity) = self.ends.finish()?;
        let elements = self.element.finish()?;
        Ok(Arc::new(ListArray::try_new(self.field.clone(), offsets, elements, validity)?))
    }
}

/// Maps from text: keys and values one after the other, and where each map ends.
pub(crate) struct Maps<C> {
    entries: FieldRef,
    fields: Fields,
    pub(crate) keys: Texts,
    pub(crate) value: C,
    ends: Ends,
}

impl<C: ColumnBuilder> Maps<C> {
    pub(crate) fn new(entries: FieldRef, fields: Fields, value: C) -> Self {
        Self { entries, fields, keys: Texts::text(), value, ends: Ends::default() }
    }

    /// Makes a map of the entries pushed since the last one.
    pub(crate) fn push(&mut self) {
        self.ends.push(self.keys.len());
    }

    /// How many entries belong to the maps made so far.
    pub(crate) fn closed(&self) -> usize {
        self.ends.last()
    }

    /// The positions, ascending, of entries pushed since the last map whose key comes again later.
    pub(crate) fn superseded(&self) -> Vec<usize> {
        let keys = || self.keys.values_from(self.closed());
        if !has_duplicates(keys()) {
            return Vec::new();
        }
        let mut last = HashMap::new();
        let earlier = keys().enumerate().filter_map(|(index, key)| last.insert(key, index));
        let mut positions: Vec<_> = earlier.collect();
        positions.sort_unstable();
        positions
    }

    /// Takes back the entries after the first `entries`.
    pub(crate) fn truncate_entries(&mut self, entries: usize) {
        self.keys.truncate(entries);
        self.value.truncate(entries);
    }
}

impl<C: ColumnBuilder> ColumnBuilder for Maps<C> {
    #[inline]
    fn len(&self) -> usize {
        self.ends.len()
    }

    /// Entries pushed since the last map are taken back too.
    fn truncate(&mut self, len: usize) {
        let entries = self.ends.truncate(len);
        self.truncate_entries(entries);
    }

    fn push_null(&mut self) {
        self.ends.push_null(self.keys.len());
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let (offsets, validity) = self.ends.finish()?;
        let parts = vec![self.keys.finish()?, self.value.finish()?];
        let entries = StructArray::try_new(self.fields.clone(), parts, None)?;
        let map = MapArray::try_new(self.entries.clone(), offsets, entries, validity, false)?;
        Ok(Arc::new(map))
    }
}

/// For the few keys that maps usually have, nothing is allocated.
fn has_duplicates<'k>(keys: impl Iterator<Item = &'k [u8]> + Clone) -> bool {
    if keys.clone().nth(FEW_KEYS).is_some() {
        let mut seen = HashSet::new();
        return !keys.into_iter().all(|key| seen.insert(key));
    }
    let mut rest = keys;
    while let Some(key) = rest.next() {
        if rest.clone().any(|later| later == key) {
            return true;
        }
    }
    false
}

/// Up to here comparing each key with each other is quicker than hashing them.
const FEW_KEYS: usize = 16;

/// Rows inside rows.
pub(crate) struct Structs<C> {
    fields: Fields,
    pub(crate) columns: Vec<C>,
    validity: NullBufferBuilder,
}

impl<C: ColumnBuilder> Structs<C> {
    pub(crate) fn new(fields: Fields, columns: Vec<C>) -> Self {
        Self { fields, columns, validity: NullBufferBuilder::new(0) }
    }

    /// Makes a row of the values pushed since the last one: one to each column.
    pub(crate) fn push(&mut self) {
        self.validity.append_non_null();
    }
}

impl<C: ColumnBuilder> ColumnBuilder for Structs<C> {
    #[inline]
    fn len(&self) -> usize {
        self.validity.len()
    }

    fn truncate(&mut self, len: usize) {
        self.validity.truncate(len);
        self.columns.iter_mut().for_each(|column| column.truncate(len));
    }

    fn push_null(&mut self) {
        self.validity.append_null();
        self.columns.iter_mut().for_each(ColumnBuilder::push_null);
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let len = self.validity.len();
        let arrays = self.columns.iter_mut().map(ColumnBuilder::finish);
        let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
        let validity = self.validity.finish();
        let fields = self.fields.clone();
        Ok(Arc::new(StructArray::try_new_with_length(fields, arrays, validity, len)?))
    }
}

/// Where values with parts end, counted in parts.
struct Ends {
    ends: Vec<usize>,
    validity: NullBufferBuilder,
}

impl Default for Ends {
    fn default() -> Self {
        Self { ends: Vec::new(), validity: NullBufferBuilder::new(0) }
    }
}

impl Ends {
    fn push(&mut self, end: usize) {
        self.ends.push(end);
        self.validity.append_non_null();
    }

    fn push_null(&mut self, end: usize) {
        self.ends.push(end);
        self.validity.append_null();
    }

    /// Keeps `len` values and says how many parts they have.
    fn truncate(&mut self, len: usize) -> usize {
        self.ends.truncate(len);
        self.validity.truncate(len);
        self.last()
    }

    fn finish(
        &mut self,
    ) -> Result<(OffsetBuffer<i32>, Option<arrow_buffer::NullBuffer>), ArrowError> {
        let ends = mem::take(&mut self.ends);
        let mut offsets = Vec::with_capacity(ends.len() + 1);
        offsets.push(0);
        for end in ends {
            offsets.push(i32::try_from(end).map_err(|_| ArrowError::OffsetOverflowError(end))?);
        }
        Ok((OffsetBuffer::new(offsets.into()), self.validity.finish()))
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    fn last(&self) -> usize {
        self.ends.last().copied().unwrap_or_default()
    }
}
