//! Reads `CREATE TABLE`. The grammar is Flink's; expressions are checked for syntax and kept as written.

use indexmap::IndexMap;
use sqlparser::tokenizer::{Location, Token};

use super::check::Positions;
use super::cursor::{Cursor, ddl, unsupported};
use super::parse_type::data_type;
use super::table_definition::{
    Column, ColumnKind, ObjectPath, PrimaryKey, TableDefinition, WatermarkDefinition,
};
use crate::error::Error;

/// Reads one `CREATE TABLE` statement; a `;` behind it is allowed.
///
/// An error names the line, the column, what was expected there and what was found.
pub fn parse_create_table(sql: &str) -> Result<TableDefinition, Error> {
    Statement { cursor: Cursor::new(sql)?, positions: Positions::default() }.parse()
}

struct Statement<'a> {
    cursor: Cursor<'a>,
    positions: Positions,
}

impl Statement<'_> {
    fn parse(mut self) -> Result<TableDefinition, Error> {
        let mut table = self.head()?;
        if self.cursor.peek() == &Token::LParen || !self.is_after_columns() {
            self.elements(&mut table)?;
        }
        table.comment = self.comment()?;
        self.partitions()?;
        if self.cursor.take_keyword("WITH") {
            table.options = self.options()?;
        }
        self.end(&table)?;
        self.positions.check(&mut table)?;
        Ok(table)
    }

    fn head(&mut self) -> Result<TableDefinition, Error> {
        self.cursor.expect_keywords(&["CREATE"], "at the start of the statement")?;
        if self.cursor.is_next(&["OR", "REPLACE"]) {
            return Err(unsupported(self.cursor.location(), "CREATE OR REPLACE TABLE"));
        }
        let temporary = self.cursor.take_keyword("TEMPORARY");
        self.cursor.expect_keywords(&["TABLE"], "after CREATE")?;
        let if_not_exists = self.cursor.take_keywords(&["IF", "NOT", "EXISTS"]);
        Ok(TableDefinition {
            name: self.path()?,
            temporary,
            if_not_exists,
            columns: Vec::new(),
            watermark: None,
            primary_key: None,
            comment: None,
            options: IndexMap::new(),
        })
    }

    fn path(&mut self) -> Result<ObjectPath, Error> {
        let mut parts = vec![self.cursor.identifier("the name of the table")?];
        while parts.len() < 3 && self.cursor.take(&Token::Period) {
            parts.push(self.cursor.identifier("a name after \".\"")?);
        }
        Ok(ObjectPath(parts))
    }

    fn is_after_columns(&self) -> bool {
        ["AS", "COMMENT", "LIKE", "PARTITIONED", "WITH"]
            .iter()
            .any(|word| self.cursor.is_next(&[word]))
    }

    fn elements(&mut self, table: &mut TableDefinition) -> Result<(), Error> {
        self.cursor.expect(
            &Token::LParen,
            format_args!("before the columns of table \"{}\"", table.name.object()),
        )?;
        loop {
            let element = self.element(table)?;
            if self.cursor.take(&Token::RParen) {
                return Ok(());
            }
            if !self.cursor.take(&Token::Comma) {
                return Err(self.cursor.expected(format_args!("\",\" or \")\" after {element}")));
            }
        }
    }

    /// Reads one element and says what it was.
    fn element(&mut self, table: &mut TableDefinition) -> Result<String, Error> {
        let at = self.cursor.location();
        if self.cursor.take_keywords(&["WATERMARK", "FOR"]) {
            let watermark = self.watermark()?;
            if table.watermark.replace(watermark).is_some() {
                return Err(ddl(at, "a table has at most one WATERMARK"));
            }
            self.positions.watermark = Some(at);
            return Ok("the WATERMARK".to_owned());
        }
        if self.is_constraint() {
            let key = self.table_key()?;
            self.add_key(table, key, at)?;
            return Ok("the PRIMARY KEY".to_owned());
        }
        let column = self.column(table)?;
        let element = format!("column \"{}\"", column.name);
        table.columns.push(column);
        self.positions.columns.push(at);
        Ok(element)
    }

    fn is_constraint(&self) -> bool {
        let cursor = &self.cursor;
        let is_named = cursor.is_keyword_at(0, "CONSTRAINT")
            && (cursor.is_keyword_at(2, "PRIMARY") || cursor.is_keyword_at(2, "UNIQUE"));
        let is_unique =
            cursor.is_keyword_at(0, "UNIQUE") && cursor.peek_after() == Some(&Token::LParen);
        is_named || is_unique || cursor.is_next(&["PRIMARY", "KEY"])
    }

    fn watermark(&mut self) -> Result<WatermarkDefinition, Error> {
        let mut column = vec![self.cursor.identifier("a column after WATERMARK FOR")?];
        while self.cursor.take(&Token::Period) {
            column.push(self.cursor.identifier("a field after \".\"")?);
        }
        self.cursor.expect_keywords(&["AS"], "after the column of WATERMARK FOR")?;
        if self.cursor.is_next(&["SOURCE_WATERMARK"]) {
            let what = "SOURCE_WATERMARK(): Kafka records carry no watermarks; write an expression over a column";
            return Err(unsupported(self.cursor.location(), what));
        }
        let expression = self.cursor.expression("an expression after AS")?;
        Ok(WatermarkDefinition { column, expression })
    }

    fn table_key(&mut self) -> Result<PrimaryKey, Error> {
        let name = match self.cursor.take_keyword("CONSTRAINT") {
            true => Some(self.cursor.identifier("a name after CONSTRAINT")?),
            false => None,
        };
        self.refuse_unique()?;
        let at = self.cursor.location();
        self.cursor.expect_keywords(&["PRIMARY", "KEY"], "after CONSTRAINT")?;
        let columns = self.names("after PRIMARY KEY")?;
        self.not_enforced(at)?;
        Ok(PrimaryKey { name, columns })
    }

    fn names(&mut self, place: &str) -> Result<Vec<String>, Error> {
        self.cursor.expect(&Token::LParen, place)?;
        let mut names = Vec::new();
        loop {
            names.push(self.cursor.identifier(format_args!("a column {place}"))?);
            if self.cursor.take(&Token::RParen) {
                return Ok(names);
            }
            if !self.cursor.take(&Token::Comma) {
                return Err(self.cursor.expected(format_args!("\",\" or \")\" {place}")));
            }
        }
    }

    fn refuse_unique(&self) -> Result<(), Error> {
        if self.cursor.is_next(&["UNIQUE"]) {
            return Err(unsupported(self.cursor.location(), "UNIQUE constraint"));
        }
        Ok(())
    }

    /// Kafka enforces nothing, so a key has to say that it is not enforced.
    fn not_enforced(&mut self, key: Location) -> Result<(), Error> {
        if self.cursor.take_keywords(&["NOT", "ENFORCED"]) {
            return Ok(());
        }
        Err(ddl(
            key,
            "a Kafka table doesn't support ENFORCED mode for PRIMARY KEY constraint: \
             nothing checks the key, write PRIMARY KEY … NOT ENFORCED",
        ))
    }

    fn add_key(
        &mut self,
        table: &mut TableDefinition,
        key: PrimaryKey,
        at: Location,
    ) -> Result<(), Error> {
        if table.primary_key.replace(key).is_some() {
            return Err(ddl(at, "a table has at most one PRIMARY KEY"));
        }
        self.positions.primary_key = Some(at);
        Ok(())
    }

    fn column(&mut self, table: &mut TableDefinition) -> Result<Column, Error> {
        let name = self.cursor.identifier("the name of a column")?;
        let kind = if self.cursor.take_keyword("AS") {
            let expected = format!("an expression after AS of column \"{name}\"");
            ColumnKind::Computed { expression: self.cursor.expression(expected)? }
        } else {
            self.stored_column(&name, table)?
        };
        let comment = self.comment()?;
        Ok(Column { name, kind, comment })
    }

    fn stored_column(
        &mut self,
        name: &str,
        table: &mut TableDefinition,
    ) -> Result<ColumnKind, Error> {
        let data_type = data_type(&mut self.cursor, &format!("after column \"{name}\""))?;
        if !self.cursor.take_keyword("METADATA") {
            self.column_key(name, table)?;
            return Ok(ColumnKind::Physical { data_type });
        }
        let key = match self.cursor.take_keyword("FROM") {
            true => Some(self.cursor.string("a metadata key in quotes after FROM")?),
            false => None,
        };
        let is_virtual = self.cursor.take_keyword("VIRTUAL");
        Ok(ColumnKind::Metadata { data_type, key, is_virtual })
    }

    fn column_key(&mut self, column: &str, table: &mut TableDefinition) -> Result<(), Error> {
        let at = self.cursor.location();
        let name = match self.cursor.take_keyword("CONSTRAINT") {
            true => Some(self.cursor.identifier("a name after CONSTRAINT")?),
            false => None,
        };
        self.refuse_unique()?;
        if name.is_none() && !self.cursor.is_next(&["PRIMARY"]) {
            return Ok(());
        }
        self.cursor.expect_keywords(&["PRIMARY", "KEY"], format_args!("of column \"{column}\""))?;
        self.not_enforced(at)?;
        self.add_key(table, PrimaryKey { name, columns: vec![column.to_owned()] }, at)
    }

    fn comment(&mut self) -> Result<Option<String>, Error> {
        if !self.cursor.take_keyword("COMMENT") {
            return Ok(None);
        }
        self.cursor.string("a text in quotes after COMMENT").map(Some)
    }

    fn partitions(&mut self) -> Result<(), Error> {
        let at = self.cursor.location();
        if self.cursor.is_next(&["DISTRIBUTED"]) {
            return Err(unsupported(at, "DISTRIBUTED BY"));
        }
        if !self.cursor.take_keywords(&["PARTITIONED", "BY"]) {
            return Ok(());
        }
        let columns = self.names("after PARTITIONED BY")?.join(", ");
        Err(unsupported(
            at,
            format_args!(
                "PARTITIONED BY ({columns}): a Kafka topic has partitions of its own, \
                 which a message reaches by its key"
            ),
        ))
    }

    fn options(&mut self) -> Result<IndexMap<String, String>, Error> {
        self.cursor.expect(&Token::LParen, "after WITH")?;
        let mut options = IndexMap::new();
        loop {
            let at = self.cursor.location();
            let key = self.cursor.string("an option in quotes, such as 'topic' = 'orders'")?;
            self.cursor.expect(&Token::Eq, format_args!("after option '{key}'"))?;
            let value = self.cursor.string(format_args!("a value in quotes for option '{key}'"))?;
            if options.insert(key.clone(), value).is_some() {
                return Err(ddl(at, format_args!("option '{key}' is given twice")));
            }
            if self.cursor.take(&Token::RParen) {
                return Ok(options);
            }
            if !self.cursor.take(&Token::Comma) {
                return Err(self
                    .cursor
                    .expected(format_args!("\",\" or \")\" after option '{key}'")));
            }
        }
    }

    fn end(&mut self, table: &TableDefinition) -> Result<(), Error> {
        let at = self.cursor.location();
        for (clause, name) in [("LIKE", "CREATE TABLE … LIKE"), ("AS", "CREATE TABLE … AS SELECT")]
        {
            if self.cursor.is_next(&[clause]) {
                return Err(unsupported(at, name));
            }
        }
        self.cursor.take(&Token::SemiColon);
        if self.cursor.peek() != &Token::EOF {
            let expected = match table.options.is_empty() {
                true => "WITH (…) or the end of the statement",
                false => "the end of the statement",
            };
            return Err(self.cursor.expected(expected));
        }
        if table.columns.is_empty() {
            return Err(ddl(at, format_args!("table \"{}\" has no columns", table.name.object())));
        }
        Ok(())
    }
}
