//! Which physical columns are in the key and which in the value.

use crate::error::Error;

/// What decides where a physical column is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProjectionSpec<'a> {
    /// The names of the physical columns, in order.
    pub(crate) physical: &'a [&'a str],
    /// `key.format` is given.
    pub(crate) has_key_format: bool,
    /// `key.fields`, if given.
    pub(crate) key_fields: Option<&'a [String]>,
    /// `key.fields-prefix`, or nothing.
    pub(crate) prefix: &'a str,
    /// `value.fields-include` is `EXCEPT_KEY`.
    pub(crate) except_key: bool,
}

/// Indices of physical columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Projection {
    /// The key's columns, in the order of `key.fields`.
    pub(crate) key: Vec<usize>,
    /// The value's columns, in the order of the table.
    pub(crate) value: Vec<usize>,
}

impl Projection {
    /// Divides the columns, or says which options contradict each other.
    pub(crate) fn new(spec: ProjectionSpec<'_>) -> Result<Self, Error> {
        let key = spec.key()?;
        let value = spec.value(&key)?;
        Ok(Self { key, value })
    }
}

impl ProjectionSpec<'_> {
    fn key(&self) -> Result<Vec<usize>, Error> {
        match (self.has_key_format, self.key_fields) {
            (false, None) => Ok(Vec::new()),
            (false, Some(_)) => Err(Error::option(
                "The option 'key.fields' can only be declared if a key format is defined using 'key.format'.",
            )),
            (true, None | Some([])) => Err(Error::option(
                "A key format 'key.format' requires the declaration of one or more of key fields using 'key.fields'.",
            )),
            (true, Some(fields)) => fields.iter().map(|field| self.key_index(field)).collect(),
        }
    }

    fn key_index(&self, field: &str) -> Result<usize, Error> {
        let Some(index) = self.physical.iter().position(|column| *column == field) else {
            return Err(Error::option(format!(
                "Could not find the field '{field}' in the table schema for usage in the key format. \
                 A key field must be a regular, physical column. \
                 The following columns can be selected in the 'key.fields' option:\n[{}]",
                self.physical.join(", ")
            )));
        };
        if !field.starts_with(self.prefix) {
            return Err(Error::option(format!(
                "All fields in 'key.fields' must be prefixed with '{}' when option 'key.fields-prefix' is set \
                 but field '{field}' is not prefixed.",
                self.prefix
            )));
        }
        Ok(index)
    }

    fn value(&self, key: &[usize]) -> Result<Vec<usize>, Error> {
        if self.except_key {
            return Ok((0..self.physical.len()).filter(|index| !key.contains(index)).collect());
        }
        if !self.prefix.is_empty() {
            return Err(Error::option(
                "A key prefix is not allowed when option 'value.fields-include' is set to 'ALL'. \
                 Set it to 'EXCEPT_KEY' instead to avoid field overlaps.",
            ));
        }
        Ok((0..self.physical.len()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(
        physical: &[&str],
        has_key_format: bool,
        key_fields: Option<&[&str]>,
        prefix: &str,
        except_key: bool,
    ) -> Result<Projection, String> {
        let fields: Option<Vec<String>> =
            key_fields.map(|fields| fields.iter().map(|field| (*field).to_owned()).collect());
        let key_fields = fields.as_deref();
        let spec = ProjectionSpec { physical, has_key_format, key_fields, prefix, except_key };
        Projection::new(spec).map_err(|error| error.to_string())
    }

    #[test]
    fn columns_are_divided_between_key_and_value() {
        let people = &["id", "name", "age", "address"][..];
        let prefixed = &["k_version", "k_user_id", "k_item_id", "version", "behavior"][..];
        for (physical, key_fields, prefix, except_key, key, value) in [
            (people, None, "", false, &[][..], &[0, 1, 2, 3][..]),
            (people, None, "", true, &[], &[0, 1, 2, 3]),
            (people, Some(&["address", "name"][..]), "", true, &[3, 1], &[0, 2]),
            (people, Some(&["address", "name"]), "", false, &[3, 1], &[0, 1, 2, 3]),
            (people, Some(&["id", "id"]), "", true, &[0, 0], &[1, 2, 3]),
            (people, Some(&["id", "name", "age", "address"]), "", true, &[0, 1, 2, 3], &[]),
            (
                prefixed,
                Some(&["k_version", "k_user_id", "k_item_id"]),
                "k_",
                true,
                &[0, 1, 2],
                &[3, 4],
            ),
        ] {
            let projection =
                project(physical, key_fields.is_some(), key_fields, prefix, except_key);
            assert_eq!(
                projection,
                Ok(Projection { key: key.to_vec(), value: value.to_vec() }),
                "{key_fields:?}"
            );
        }
    }

    #[test]
    fn contradictions_are_named_in_flinks_words() {
        let columns = &["id", "k_a"][..];
        for (has_key_format, key_fields, prefix, except_key, expected) in [
            (
                false,
                Some(&["id"][..]),
                "",
                false,
                "The option 'key.fields' can only be declared if a key format is defined using 'key.format'.",
            ),
            (
                true,
                None,
                "",
                false,
                "A key format 'key.format' requires the declaration of one or more of key fields using 'key.fields'.",
            ),
            (
                true,
                Some(&[]),
                "",
                false,
                "A key format 'key.format' requires the declaration of one or more of key fields using 'key.fields'.",
            ),
            (
                true,
                Some(&["ID"]),
                "",
                false,
                "Could not find the field 'ID' in the table schema for usage in the key format. \
                 A key field must be a regular, physical column. \
                 The following columns can be selected in the 'key.fields' option:\n[id, k_a]",
            ),
            (
                true,
                Some(&["k_a", "id"]),
                "k_",
                true,
                "All fields in 'key.fields' must be prefixed with 'k_' when option 'key.fields-prefix' is set \
                 but field 'id' is not prefixed.",
            ),
            (
                false,
                None,
                "k_",
                false,
                "A key prefix is not allowed when option 'value.fields-include' is set to 'ALL'. \
                 Set it to 'EXCEPT_KEY' instead to avoid field overlaps.",
            ),
        ] {
            let error =
                project(columns, has_key_format, key_fields, prefix, except_key).unwrap_err();
            assert_eq!(error, expected);
        }
    }
}
