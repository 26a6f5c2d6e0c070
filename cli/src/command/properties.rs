//! `kavka properties`: what can be set, and what it means here.

use kavka_connector::client::{Properties, PropertyDef, check_properties, property_definitions};
use serde_json::{Value, json};

use crate::args::{OutputFormat, PropertiesArguments};
use crate::failure::Failure;
use crate::output::table::TextTable;

pub(crate) fn run(arguments: &PropertiesArguments) -> Result<(), Failure> {
    let output = arguments.output;
    let table = match &arguments.name {
        Some(name) if output == OutputFormat::Table => in_detail(find(name)?),
        Some(name) => listed(std::slice::from_ref(find(name)?), output),
        None => listed(property_definitions(), output),
    };
    Ok(table.print(output)?)
}

fn find(name: &str) -> Result<&'static PropertyDef, Failure> {
    let known = property_definitions().iter().find(|definition| definition.name() == name);
    known.ok_or_else(|| match check_properties(&Properties::from([(name, "")]), true) {
        Err(error) => Failure::usage(error.to_string()),
        Ok(_) => Failure::usage(format!("unknown property {name}")),
    })
}

fn listed(definitions: &[PropertyDef], output: OutputFormat) -> TextTable {
    let mut table = TextTable::new(&HEADER);
    for definition in definitions {
        let mut row = row(definition);
        if output == OutputFormat::Table {
            // What comes last may be as long as it likes, and a name is to be copied.
            let [_, narrow @ .., _] = &mut row;
            narrow.iter_mut().for_each(shorten);
        }
        table.push(row);
    }
    table
}

/// One property, a line for each of its columns.
fn in_detail(definition: &PropertyDef) -> TextTable {
    let mut table = TextTable::new(&["name", definition.name()]);
    for (column, value) in HEADER.into_iter().zip(row(definition)).skip(1) {
        table.push([json!(column), value]);
    }
    table
}

fn row(definition: &PropertyDef) -> [Value; HEADER.len()] {
    [
        json!(definition.name()),
        json!(definition.default_value()),
        json!(definition.kind().to_string()),
        json!(definition.role().to_string()),
        json!(definition.support().to_string()),
        json!(definition.description()),
    ]
}

/// Names of Java classes would push everything after them out of sight.
fn shorten(value: &mut Value) {
    if let Value::String(text) = value
        && let Some((cut, _)) = text.char_indices().nth(WIDEST)
    {
        text.truncate(cut);
        text.push('…');
    }
}

const HEADER: [&str; 6] = ["name", "default", "values", "role", "support", "description"];

/// How wide a column of a list may be that is not its last.
const WIDEST: usize = 48;
