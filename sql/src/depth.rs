//! Statements that nest too deeply are refused before anything recurses over them: a stack that overflows ends the
//! process.

use crate::error::Error;
use crate::lexer::{Token, TokenKind, position};

/// Checks the tokens of one statement.
///
/// # Errors
/// More brackets within brackets, or more operators in a row, than can be worked on; with the place of the first that
/// is too many.
pub(crate) fn check_depth(text: &str, tokens: &[Token<'_>]) -> Result<(), Error> {
    let mut open = vec![Chain::default()];
    for token in tokens {
        open_or_close(token, &mut open);
        if open.len() > MOST_BRACKETS + 1 {
            let message = format!("more than {MOST_BRACKETS} brackets within each other");
            return Err(Error::syntax(position(text, token.start), message));
        }
        let depth: usize = open.iter().map(|chain| chain.operators + chain.sets).sum();
        if depth > MOST_OPERATORS {
            let message = format!(
                "more than {MOST_OPERATORS} operators in a row; many values to compare with fit into x IN (…)"
            );
            return Err(Error::syntax(position(text, token.start), message));
        }
    }
    Ok(())
}

/// Operators between two brackets: each makes the tree one deeper.
#[derive(Clone, Copy, Default)]
struct Chain {
    /// Since the last comma.
    operators: usize,
    /// UNION and JOIN, which commas do not end.
    sets: usize,
}

fn open_or_close(token: &Token<'_>, open: &mut Vec<Chain>) {
    match token.text {
        "(" | "[" if token.kind == TokenKind::Symbol => open.push(Chain::default()),
        ")" | "]" if token.kind == TokenKind::Symbol && open.len() > 1 => {
            open.pop();
        }
        _ => {
            if let Some(chain) = open.last_mut() {
                count(token, chain);
            }
        }
    }
}

fn count(token: &Token<'_>, chain: &mut Chain) {
    let is_any = |words: &[&str]| words.iter().any(|word| token.is_word(word));
    match token.kind {
        TokenKind::Symbol if token.text == "," => chain.operators = 0,
        TokenKind::Symbol if ["+", "-", "*", "/", "%", "|", ":"].contains(&token.text) => {
            chain.operators += 1;
        }
        TokenKind::Word if is_any(&["AND", "OR"]) => chain.operators += 1,
        TokenKind::Word if is_any(&["EXCEPT", "INTERSECT", "JOIN", "UNION"]) => chain.sets += 1,
        _ => {}
    }
}

/// Beyond about 45 the parser gives up, and for some brackets takes a time that doubles with each of them.
const MOST_BRACKETS: usize = 40;

/// Planning takes up to 30 KB of stack for each in a debug build, a third of that in a release build.
const MOST_OPERATORS: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexer::tokens;

    fn check(text: &str) -> Result<(), String> {
        check_depth(text, &tokens(text).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn chains_of_operators_have_a_limit_wherever_they_stand() {
        for operator in ["+", "OR", "||", "UNION ALL SELECT a, b, "] {
            let chain = |terms: usize| {
                format!("SELECT {}", vec!["a"; terms].join(&format!(" {operator} ")))
            };
            check(&chain(400)).unwrap();
            let message = check(&chain(1_100)).unwrap_err();
            assert!(message.contains("more than 1000 operators in a row"), "{operator}: {message}");
        }
        let split = format!("SELECT {} + ({})", "a + ".repeat(600) + "a", "b + ".repeat(600) + "b");
        check(&split).unwrap_err();
    }

    #[test]
    fn long_lists_are_no_chains() {
        check(&format!("SELECT a IN ({})", vec!["-1"; 5_000].join(", "))).unwrap();
        check(&format!("VALUES {}", vec!["(1 + 2, 'x' || 'y')"; 5_000].join(", "))).unwrap();
    }

    #[test]
    fn brackets_within_brackets_have_a_limit_and_the_place_is_told() {
        let nested = |depth: usize| format!("SELECT\n{}1{}", "[".repeat(depth), "]".repeat(depth));
        check(&nested(40)).unwrap();
        let message = check(&nested(41)).unwrap_err();
        assert_eq!(message, "line 2, column 41: more than 40 brackets within each other");
        check("SELECT ')))' FROM t )").unwrap();
    }
}
