//! Names, literals and whole definitions as SQL text that parses back.

use std::fmt::{self, Write};

use super::table_definition::{
    Column, ColumnKind, ObjectPath, PrimaryKey, TableDefinition, WatermarkDefinition,
};
use crate::options::secret::printable;

/// A name in backticks.
pub(crate) struct Identifier<'a>(pub(crate) &'a str);

impl fmt::Display for Identifier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0.replace('`', "``"))
    }
}

/// A string literal. Control characters, which a terminal would swallow, are written as `U&'…'` escapes.
pub(crate) struct Literal<'a>(pub(crate) &'a str);

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = self.0.chars().any(is_invisible);
        f.write_str(if escaped { "U&'" } else { "'" })?;
        for character in self.0.chars() {
            match character {
                '\'' => f.write_str("''")?,
                '\\' if escaped => f.write_str("\\\\")?,
                other if is_invisible(other) => write!(f, "\\{:04x}", u32::from(other))?,
                other => f.write_char(other)?,
            }
        }
        f.write_char('\'')
    }
}

fn is_invisible(character: char) -> bool {
    character.is_control() && !matches!(character, '\n' | '\t')
}

/// `SHOW CREATE TABLE`: parses back to the same table, except that secrets are masked and that
/// `IF NOT EXISTS`, which belongs to the statement, is left out.
impl fmt::Display for TableDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let temporary = if self.temporary { "TEMPORARY " } else { "" };
        write!(f, "CREATE {temporary}TABLE {} (", self.name)?;
        let mut comma = Separator("\n  ", ",\n  ");
        for column in &self.columns {
            write!(f, "{}{column}", comma.next())?;
        }
        if let Some(watermark) = &self.watermark {
            write!(f, "{}{watermark}", comma.next())?;
        }
        if let Some(key) = &self.primary_key {
            write!(f, "{}{key}", comma.next())?;
        }
        f.write_str("\n)")?;
        write_comment(f, "\n", self.comment.as_deref())?;
        self.write_options(f)
    }
}

impl TableDefinition {
    fn write_options(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.options.is_empty() {
            return Ok(());
        }
        f.write_str("\nWITH (")?;
        let mut comma = Separator("\n  ", ",\n  ");
        for (key, value) in &self.options {
            write!(f, "{}{} = {}", comma.next(), Literal(key), Literal(printable(key, value)))?;
        }
        f.write_str("\n)")
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", Identifier(&self.name))?;
        match &self.kind {
            ColumnKind::Physical { data_type } => write!(f, "{data_type}")?,
            ColumnKind::Metadata { data_type, key, is_virtual } => {
                write!(f, "{data_type} METADATA")?;
                if let Some(key) = key {
                    write!(f, " FROM {}", Literal(key))?;
                }
                f.write_str(if *is_virtual { " VIRTUAL" } else { "" })?;
            }
            ColumnKind::Computed { expression } => write!(f, "AS {expression}")?,
        }
        write_comment(f, " ", self.comment.as_deref())
    }
}

impl fmt::Display for WatermarkDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WATERMARK FOR ")?;
        write_names(f, &self.column, ".")?;
        write!(f, " AS {}", self.expression)
    }
}

impl fmt::Display for PrimaryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "CONSTRAINT {} ", Identifier(name))?;
        }
        f.write_str("PRIMARY KEY (")?;
        write_names(f, &self.columns, ", ")?;
        f.write_str(") NOT ENFORCED")
    }
}

impl fmt::Display for ObjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_names(f, &self.0, ".")
    }
}

fn write_names(
    f: &mut fmt::Formatter<'_>,
    names: &[String],
    separator: &'static str,
) -> fmt::Result {
    let mut separator = Separator("", separator);
    names.iter().try_for_each(|name| write!(f, "{}{}", separator.next(), Identifier(name)))
}

fn write_comment(f: &mut fmt::Formatter<'_>, before: &str, comment: Option<&str>) -> fmt::Result {
    comment.map_or(Ok(()), |comment| write!(f, "{before}COMMENT {}", Literal(comment)))
}

/// Yields its first part once and its second from then on.
struct Separator(&'static str, &'static str);

impl Separator {
    fn next(&mut self) -> &'static str {
        std::mem::replace(&mut self.0, self.1)
    }
}
