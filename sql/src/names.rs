//! Names that lead nowhere are reported before the engine looks for them, with what was probably meant.

use datafusion::common::TableReference;
use datafusion::execution::SessionState;
use datafusion::sql::parser::Statement;

use crate::error::{Error, ErrorKind};
use crate::nearest::nearest;
use crate::settings::{CATALOG, DATABASE};

/// # Errors
/// The first table in `statement` that does not exist.
pub(crate) fn check_references(
    state: &SessionState,
    statement: &Statement,
    tables: &[String],
) -> Result<(), Error> {
    for reference in state.resolve_table_references(statement)? {
        let is_ours = reference.catalog().is_none_or(|catalog| catalog == CATALOG)
            && reference.schema().is_none_or(|schema| schema == DATABASE);
        let exists = is_ours && tables.iter().any(|table| table == reference.table());
        if !exists && !is_function(state, &reference) {
            return Err(unknown_table(&reference.to_string(), reference.table(), tables));
        }
    }
    Ok(())
}

/// A function in FROM is a reference, too.
fn is_function(state: &SessionState, reference: &TableReference) -> bool {
    let name = reference.table().to_ascii_lowercase();
    state.table_functions().contains_key(&name)
}

/// `path` is the whole name as it was written, `name` its last part.
pub(crate) fn unknown_table(path: &str, name: &str, tables: &[String]) -> Error {
    let hint = match nearest(name, tables.iter().map(String::as_str)) {
        Some(table) => format!("; did you mean {table}?"),
        None if tables.is_empty() => "; there are none yet, CREATE TABLE makes one".to_owned(),
        None => format!("; there are {}", tables.join(", ")),
    };
    Error::new(ErrorKind::Name, format!("no table {path}{hint}"))
}
