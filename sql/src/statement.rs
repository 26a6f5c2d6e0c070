//! Scripts split into statements, and statements recognised by their first words.

use crate::depth::check_depth;
use crate::error::{Error, ErrorKind, Position};
use crate::lexer::{Token, TokenKind, position, tokens};

/// One statement of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The text from its first word to its last, without the semicolon.
    pub text: String,
    /// Which of the script's statements this is, from 1.
    pub number: usize,
    /// The line of the script it begins on, from 1.
    pub line: u64,
    /// The column it begins at, in characters from 1.
    pub column: u64,
}

/// Splits a script at the semicolons outside of quotes and comments; the last statement needs none.
///
/// # Errors
/// A quote or a comment that is never closed.
pub fn parse_script(text: &str) -> Result<Vec<Statement>, Error> {
    let tokens = tokens(text)?;
    let mut statements: Vec<Statement> = Vec::new();
    for part in tokens.split(|token| token.is_symbol(';')) {
        let (Some(first), Some(last)) = (part.first(), part.last()) else {
            continue;
        };
        let Position { line, column } = position(text, first.start);
        statements.push(Statement {
            text: text[first.start..last.end()].to_owned(),
            number: statements.len() + 1,
            line,
            column,
        });
    }
    Ok(statements)
}

/// Whether what was typed so far ends with a statement's semicolon (or says nothing), so that it can run.
pub fn is_complete(text: &str) -> bool {
    tokens(text).is_ok_and(|tokens| tokens.last().is_none_or(|token| token.is_symbol(';')))
}

/// What a statement asks for, with what its own words say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    CreateTable,
    Describe(Vec<String>),
    DropTable { name: Vec<String>, if_exists: bool },
    Explain { analyze: bool, body: usize },
    Insert,
    ListSettings,
    Query,
    Reset(Option<String>),
    Set { key: String, value: String },
    ShowCreateTable(Vec<String>),
    ShowTables,
}

impl Command {
    /// Recognises the statement that `text` is.
    ///
    /// # Errors
    /// A statement of another kind, or one of these with words missing or left over.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let tokens = tokens(text)?;
        check_depth(text, &tokens)?;
        let mut words = Words { text, tokens: &tokens, at: 0 };
        let command = words.command()?;
        if matches!(command, Self::Query | Self::Insert | Self::Explain { .. }) {
            refuse_not_built(&tokens)?;
        }
        Ok(command)
    }
}

/// What Flink has in queries and the engine's grammar would trip over, or leave out.
fn refuse_not_built(tokens: &[Token<'_>]) -> Result<(), Error> {
    let after = |at: usize| tokens.get(at + 1);
    for (at, token) in tokens.iter().enumerate() {
        let is_call = after(at).is_some_and(|next| next.is_symbol('('));
        if token.kind == TokenKind::Hint {
            return Err(Error::unsupported("hint", token.text));
        }
        if is_call && WINDOWS.iter().any(|window| token.is_word(window)) {
            return Err(Error::unsupported("window", token.text.to_uppercase()));
        }
        if is_call && token.is_word("MATCH_RECOGNIZE") {
            return Err(Error::unsupported("clause", "MATCH_RECOGNIZE"));
        }
        if token.is_word("FOR") && after(at).is_some_and(|next| next.is_word("SYSTEM_TIME")) {
            return Err(Error::unsupported("clause", "FOR SYSTEM_TIME AS OF"));
        }
    }
    Ok(())
}

/// Flink's windows in time, as tables and as groups.
const WINDOWS: [&str; 4] = ["CUMULATE", "HOP", "SESSION", "TUMBLE"];

/// The tokens of one statement, read from left to right.
struct Words<'a> {
    text: &'a str,
    tokens: &'a [Token<'a>],
    at: usize,
}

impl<'a> Words<'a> {
    fn command(&mut self) -> Result<Command, Error> {
        let first = self.tokens.first();
        if first.is_some_and(|token| token.is_symbol('(')) {
            return Ok(Command::Query);
        }
        let keyword = first.map(|token| token.text.to_ascii_uppercase()).unwrap_or_default();
        self.at = 1;
        match keyword.as_str() {
            "SELECT" | "WITH" | "VALUES" => Ok(Command::Query),
            "CREATE" => self.create(),
            "DESC" | "DESCRIBE" => self.describe(),
            "DROP" => self.drop_table(),
            "EXPLAIN" => self.explain(),
            "INSERT" => self.insert(),
            "RESET" => self.reset(),
            "SET" => self.set(),
            "SHOW" => self.show(),
            _ => Err(self.unsupported(2)),
        }
    }

    fn create(&mut self) -> Result<Command, Error> {
        self.keyword("TEMPORARY");
        if self.keyword("TABLE") {
            return Ok(Command::CreateTable);
        }
        Err(self.unsupported(self.at + 1))
    }

    fn describe(&mut self) -> Result<Command, Error> {
        if self.keyword("CATALOG") || self.keyword("DATABASE") || self.keyword("FUNCTION") {
            return Err(self.unsupported(2));
        }
        self.keyword("EXTENDED");
        let name = self.path()?;
        self.finish(Command::Describe(name))
    }

    fn drop_table(&mut self) -> Result<Command, Error> {
        self.keyword("TEMPORARY");
        if !self.keyword("TABLE") {
            return Err(self.unsupported(self.at + 1));
        }
        let if_exists = self.keyword("IF");
        if if_exists && !self.keyword("EXISTS") {
            return Err(self.expected("EXISTS"));
        }
        let name = self.path()?;
        self.finish(Command::DropTable { name, if_exists })
    }

    fn explain(&mut self) -> Result<Command, Error> {
        let analyze = self.keyword("ANALYZE");
        if !analyze && self.keyword("PLAN") && !self.keyword("FOR") {
            return Err(self.expected("FOR"));
        }
        let body = self.peek().ok_or_else(|| self.expected("a query or an INSERT"))?;
        match body.text.to_ascii_uppercase().as_str() {
            "SELECT" | "WITH" | "VALUES" | "INSERT" => {
                Ok(Command::Explain { analyze, body: body.start })
            }
            _ => Err(self.unsupported(self.at + 1)),
        }
    }

    fn insert(&mut self) -> Result<Command, Error> {
        if self.keyword("INTO") {
            return Ok(Command::Insert);
        }
        Err(self.unsupported(2))
    }

    fn reset(&mut self) -> Result<Command, Error> {
        if self.peek().is_none() {
            return Ok(Command::Reset(None));
        }
        let key = self.setting_key()?;
        self.finish(Command::Reset(Some(key)))
    }

    fn set(&mut self) -> Result<Command, Error> {
        if self.peek().is_none() {
            return Ok(Command::ListSettings);
        }
        let key = self.setting_key()?;
        if !self.symbol('=') {
            return Err(self.expected("="));
        }
        let value = self.setting_value()?;
        Ok(Command::Set { key, value })
    }

    fn show(&mut self) -> Result<Command, Error> {
        if self.keyword("TABLES") {
            return self.finish(Command::ShowTables);
        }
        if self.keyword("CREATE") && self.keyword("TABLE") {
            let name = self.path()?;
            return self.finish(Command::ShowCreateTable(name));
        }
        Err(self.unsupported(self.at + 1))
    }

    /// `'key'`, or the key without quotes.
    fn setting_key(&mut self) -> Result<String, Error> {
        let start = self.peek().ok_or_else(|| self.expected("a key"))?;
        if let Some(key) = start.literal() {
            self.at += 1;
            return Ok(key);
        }
        while self.peek().is_some_and(|token| !token.is_symbol('=')) {
            self.at += 1;
        }
        let end = self.tokens[self.at - 1].end();
        Ok(self.text[start.start..end].to_owned())
    }

    /// `'value'`, or everything that is left.
    fn setting_value(&mut self) -> Result<String, Error> {
        let start = self.peek().ok_or_else(|| self.expected("a value"))?;
        let Some(value) = start.literal() else {
            return Ok(self.text[start.start..].trim_end().to_owned());
        };
        self.at += 1;
        self.finish(value)
    }

    /// `[catalog.][database.]name`.
    fn path(&mut self) -> Result<Vec<String>, Error> {
        let mut parts = Vec::new();
        loop {
            let part = self.peek().and_then(Token::name).ok_or_else(|| self.expected("a name"))?;
            self.at += 1;
            parts.push(part);
            if !self.symbol('.') {
                return Ok(parts);
            }
        }
    }

    fn keyword(&mut self, word: &str) -> bool {
        self.advance_if(|token| token.is_word(word))
    }

    fn symbol(&mut self, symbol: char) -> bool {
        self.advance_if(|token| token.is_symbol(symbol))
    }

    fn advance_if(&mut self, accept: impl FnOnce(&Token<'_>) -> bool) -> bool {
        let found = self.peek().is_some_and(accept);
        // Not `at += usize::from(found)`: rustc 1.95 loses that sum from opt-level 2 on.
        if found {
            self.at += 1;
        }
        found
    }

    fn peek(&self) -> Option<&'a Token<'a>> {
        self.tokens.get(self.at)
    }

    fn finish<T>(&self, value: T) -> Result<T, Error> {
        match self.peek() {
            None => Ok(value),
            Some(_) => Err(self.expected("the end of the statement")),
        }
    }

    fn expected(&self, what: &str) -> Error {
        let end = self.text.len();
        let (at, found) = self.peek().map_or((end, "the end"), |token| (token.start, token.text));
        Error::syntax(position(self.text, at), format!("expected {what}, found {found}"))
    }

    /// Names the statement by its first `count` words.
    fn unsupported(&self, count: usize) -> Error {
        let words = self.tokens.iter().take(count).enumerate();
        let words = words.take_while(|(at, token)| *at == 0 || token.kind == TokenKind::Word);
        let words: Vec<&str> = words.map(|(_, token)| token.text).collect();
        let words = words.join(" ").to_uppercase();
        let supported = "CREATE TABLE, DROP TABLE, SHOW TABLES, SHOW CREATE TABLE, DESCRIBE, SET, RESET, \
                         EXPLAIN, SELECT, WITH, VALUES and INSERT INTO are supported";
        Error::new(ErrorKind::Unsupported, format!("unsupported: statement={words} ({supported})"))
    }
}

#[cfg(test)]
mod tests;
