//! Queries and INSERTs as syntax trees.

use datafusion::sql::sqlparser::ast::{Expr, Statement, VisitMut};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

use crate::error::Error;
use crate::flink_syntax::rewrite;
use crate::lexer::{self, TokenKind};

/// Parses one statement.
///
/// # Errors
/// Where the text stops being SQL, and what was expected there.
pub(crate) fn parse_statement(text: &str) -> Result<Statement, Error> {
    parse(text, |parser| parser.parse_statement())
}

/// Parses one expression, such as that of a computed column.
///
/// # Errors
/// As for [`parse_statement`].
pub(crate) fn parse_expression(text: &str) -> Result<Expr, Error> {
    parse(text, |parser| parser.parse_expr())
}

fn parse<T: VisitMut>(
    text: &str,
    read: impl FnOnce(&mut Parser<'_>) -> Result<T, ParserError>,
) -> Result<T, Error> {
    let text = with_map_calls(text)?;
    let parsed = Parser::new(&GenericDialect {}).try_with_sql(&text).and_then(|mut parser| {
        let parsed = read(&mut parser)?;
        match parser.peek_token() {
            end if end.token == Token::EOF => Ok(parsed),
            found => parser.expected("the end of the statement", found),
        }
    });
    let end = lexer::position(&text, text.len());
    let mut parsed = parsed.map_err(|error| Error::from_parser(&error, end))?;
    rewrite(&mut parsed)?;
    Ok(parsed)
}

/// `MAP[k, v, …]` as `MAP(k, v, …)`, which is how the parser knows it. No byte moves, so positions stay.
fn with_map_calls(text: &str) -> Result<String, Error> {
    let tokens = lexer::tokens(text)?;
    let mut rewritten = text.to_owned();
    let mut brackets = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let place = token.start..token.end();
        if token.is_symbol('[') {
            let is_map = index > 0 && is_map_keyword(&tokens[index - 1]);
            brackets.push(is_map);
            if is_map {
                rewritten.replace_range(place, "(");
            }
        } else if token.is_symbol(']') && brackets.pop() == Some(true) {
            rewritten.replace_range(place, ")");
        }
    }
    Ok(rewritten)
}

fn is_map_keyword(token: &lexer::Token<'_>) -> bool {
    token.kind == TokenKind::Word && token.is_word("MAP")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn map_literals_become_calls_in_place() {
        let rewritten =
            with_map_calls("SELECT MAP['a', ARRAY[1]], `MAP`[1], 'MAP[' FROM t").unwrap();
        assert_eq!(rewritten, "SELECT MAP('a', ARRAY[1]), `MAP`[1], 'MAP[' FROM t");
    }

    #[test]
    fn what_follows_a_statement_is_an_error_with_its_place() {
        let error = parse_statement("SELECT 1\nFROM t t2 t3").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2, column 11: expected: the end of the statement, found: t3"
        );
    }
}
