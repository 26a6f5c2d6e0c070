//! Which column a name in a message belongs to.

use std::collections::HashMap;

use crate::format::json::text::write_string;

/// The names of a row's fields.
///
/// Messages of one topic name their fields in the same order nearly always, so the field that followed last time is
/// tried first, by comparing bytes. That goes for the fields that no column asks for as well, of which the first few
/// are remembered.
pub(super) struct Names {
    /// One for each column, then those that are remembered.
    fields: Vec<Name>,
    columns: usize,
    by_name: HashMap<Box<[u8]>, usize>,
    /// The field that began the last object.
    first: usize,
}

struct Name {
    text: Box<str>,
    /// As it stands in a message, quotes included.
    quoted: Box<[u8]>,
    /// The field that followed this one last time.
    next: usize,
}

/// A field of a message by its place among the known names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field(usize);

impl Names {
    pub(super) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut fields = Vec::new();
        for text in names {
            fields.push(Name::new(text, fields.len() + 1));
        }
        let by_name = fields.iter().enumerate();
        let by_name = by_name.map(|(index, name)| (name.text.as_bytes().into(), index)).collect();
        Self { columns: fields.len(), fields, by_name, first: 0 }
    }

    /// The column of a field, if any asks for it.
    #[inline]
    pub(super) fn column(&self, Field(index): Field) -> Option<usize> {
        (index < self.columns).then_some(index)
    }

    /// The field that is likely to follow `previous`, and how it is written.
    #[inline]
    pub(super) fn predict(&self, previous: Option<Field>) -> Option<(Field, &[u8])> {
        let index = match previous {
            None => self.first,
            Some(Field(previous)) => self.fields.get(previous)?.next,
        };
        self.fields.get(index).map(|name| (Field(index), &*name.quoted))
    }

    /// The field called `name`, which turned out to follow `previous`; `None` if nobody asks for it and it is not
    /// remembered either.
    pub(super) fn find(&mut self, name: &[u8], previous: Option<Field>) -> Option<Field> {
        let index = self.index(name).or_else(|| self.remember(name))?;
        match previous.and_then(|Field(previous)| self.fields.get_mut(previous)) {
            None => self.first = index,
            Some(previous) => previous.next = index,
        }
        Some(Field(index))
    }

    #[inline]
    fn index(&self, name: &[u8]) -> Option<usize> {
        if self.fields.len() <= FEW_FIELDS {
            return self.fields.iter().position(|field| field.text.as_bytes() == name);
        }
        self.by_name.get(name).copied()
    }

    /// Makes room for a name without column; not for many, since objects that are maps have no end of names.
    #[cold]
    fn remember(&mut self, name: &[u8]) -> Option<usize> {
        let index = self.fields.len();
        if index - self.columns == MOST_REMEMBERED || name.len() > LONGEST_REMEMBERED {
            return None;
        }
        self.fields.push(Name::new(str::from_utf8(name).ok()?, index + 1));
        self.by_name.insert(name.into(), index);
        Some(index)
    }

    /// The name of a column.
    pub(super) fn name(&self, column: usize) -> &str {
        self.fields.get(column).map_or("", |name| &name.text)
    }
}

impl Name {
    fn new(text: &str, next: usize) -> Self {
        let mut quoted = Vec::new();
        write_string(&mut quoted, text.as_bytes());
        Self { text: text.into(), quoted: quoted.into(), next }
    }
}

/// Up to here comparing with each name is quicker than hashing.
const FEW_FIELDS: usize = 8;

const MOST_REMEMBERED: usize = 64;
const LONGEST_REMEMBERED: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_last_message_is_expected_of_the_next() {
        let mut names = Names::new(["a", "b", "c"]);
        assert_eq!(names.predict(None), Some((Field(0), &b"\"a\""[..])));
        assert_eq!(names.predict(Some(Field(0))), Some((Field(1), &b"\"b\""[..])));
        assert_eq!(names.find(b"c", None), Some(Field(2)));
        assert_eq!(names.find(b"a", Some(Field(2))), Some(Field(0)));
        assert_eq!(names.predict(None), Some((Field(2), &b"\"c\""[..])));
        assert_eq!(names.predict(Some(Field(2))), Some((Field(0), &b"\"a\""[..])));
    }

    #[test]
    fn fields_without_column_are_expected_as_well() {
        let mut names = Names::new(["a", "b"]);
        let unknown = names.find(b"x", Some(Field(0))).unwrap();
        assert_eq!(names.column(unknown), None);
        assert_eq!(names.predict(Some(Field(0))), Some((unknown, &b"\"x\""[..])));
        assert_eq!(names.find(b"b", Some(unknown)), Some(Field(1)));
        assert_eq!(names.predict(Some(unknown)), Some((Field(1), &b"\"b\""[..])));
        assert_eq!(names.column(Field(1)), Some(1));
    }

    #[test]
    fn not_every_name_is_remembered() {
        let mut names = Names::new(["a"]);
        let found = |index: usize| names.find(format!("key{index}").as_bytes(), None).is_some();
        assert_eq!((0..1000).map(found).filter(|&is_found| is_found).count(), MOST_REMEMBERED);
        assert_eq!(names.find(&[b'x'; LONGEST_REMEMBERED + 1], None), None);
        assert_eq!(names.find(b"a", None), Some(Field(0)));
    }

    #[test]
    fn many_names_are_found_as_few_are() {
        let many: Vec<_> = (0..100).map(|index| format!("field{index}")).collect();
        let mut names = Names::new(many.iter().map(String::as_str));
        assert_eq!(names.find(b"field77", None), Some(Field(77)));
        let other = names.find(b"field100", None).unwrap();
        assert_eq!(names.column(other), None);
    }

    #[test]
    fn names_that_need_escapes_are_expected_with_them() {
        let names = Names::new(["a\"b"]);
        assert_eq!(names.predict(None), Some((Field(0), &br#""a\"b""#[..])));
    }
}
