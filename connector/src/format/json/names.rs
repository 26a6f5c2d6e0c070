//! Which column a name in a message belongs to.

use std::collections::HashMap;

use crate::format::json::text::write_string;

/// The names of a row's fields.
///
/// Messages of one topic name their fields in the same order nearly always, so the field that followed last time is
/// tried first, by comparing bytes.
pub(super) struct Names {
    fields: Vec<Name>,
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

impl Names {
    pub(super) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let named = |(index, text): (usize, &str)| {
            let mut quoted = Vec::new();
            write_string(&mut quoted, text.as_bytes());
            Name { text: text.into(), quoted: quoted.into(), next: index + 1 }
        };
        let fields: Vec<_> = names.into_iter().enumerate().map(named).collect();
        let by_name = fields.iter().enumerate();
        let by_name = by_name.map(|(index, name)| (name.text.as_bytes().into(), index)).collect();
        Self { fields, by_name, first: 0 }
    }

    /// The field that is likely to follow `previous`, and how it is written.
    #[inline]
    pub(super) fn predict(&self, previous: Option<usize>) -> Option<(usize, &[u8])> {
        let index = match previous {
            None => self.first,
            Some(previous) => self.fields.get(previous)?.next,
        };
        self.fields.get(index).map(|name| (index, &*name.quoted))
    }

    /// The field called `name`, which turned out to follow `previous`.
    pub(super) fn find(&mut self, name: &[u8], previous: Option<usize>) -> Option<usize> {
        let index = self.index(name)?;
        match previous.and_then(|previous| self.fields.get_mut(previous)) {
            None => self.first = index,
            Some(previous) => previous.next = index,
        }
        Some(index)
    }

    #[inline]
    fn index(&self, name: &[u8]) -> Option<usize> {
        if self.fields.len() <= FEW_FIELDS {
            return self.fields.iter().position(|field| field.text.as_bytes() == name);
        }
        self.by_name.get(name).copied()
    }

    pub(super) fn name(&self, index: usize) -> &str {
        self.fields.get(index).map_or("", |name| &name.text)
    }
}

/// Up to here comparing with each name is quicker than hashing.
const FEW_FIELDS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_last_message_is_expected_of_the_next() {
        let mut names = Names::new(["a", "b", "c"]);
        assert_eq!(names.predict(None), Some((0, &b"\"a\""[..])));
        assert_eq!(names.predict(Some(0)), Some((1, &b"\"b\""[..])));
        assert_eq!(names.find(b"c", None), Some(2));
        assert_eq!(names.find(b"a", Some(2)), Some(0));
        assert_eq!(names.predict(None), Some((2, &b"\"c\""[..])));
        assert_eq!(names.predict(Some(2)), Some((0, &b"\"a\""[..])));
    }

    #[test]
    fn unknown_names_change_nothing() {
        let mut names = Names::new(["a", "b"]);
        assert_eq!(names.find(b"x", None), None);
        assert_eq!(names.predict(None), Some((0, &b"\"a\""[..])));
        assert_eq!(names.predict(Some(1)), None);
    }

    #[test]
    fn many_names_are_found_as_few_are() {
        let many: Vec<_> = (0..100).map(|index| format!("field{index}")).collect();
        let mut names = Names::new(many.iter().map(String::as_str));
        assert_eq!(names.find(b"field77", None), Some(77));
        assert_eq!(names.find(b"field100", None), None);
    }

    #[test]
    fn names_that_need_escapes_are_expected_with_them() {
        let names = Names::new(["a\"b"]);
        assert_eq!(names.predict(None), Some((0, &br#""a\"b""#[..])));
    }
}
