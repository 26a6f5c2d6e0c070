//! Rows into columns of type ROW: Flink matches their fields by position, the engine's cast by name.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, MapArray, StructArray};
use arrow_schema::{DataType, Field, FieldRef, Fields};
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// `expr`, of type `from`, with the field names of `to` where both have rows of the same length; values stay.
pub(crate) fn with_names_of(expr: Expr, from: &DataType, to: &DataType) -> Expr {
    let renamed = renamed_type(from, to);
    if &renamed == from {
        return expr;
    }
    ScalarUDF::from(RenameFields::new(renamed)).call(vec![expr])
}

/// The place at which `from` and `to` are rows of different lengths, if there is one.
pub(crate) fn different_lengths(from: &DataType, to: &DataType) -> Option<(usize, usize)> {
    match (from, to) {
        (DataType::Struct(from), DataType::Struct(to)) if from.len() != to.len() => {
            Some((from.len(), to.len()))
        }
        (DataType::Struct(from), DataType::Struct(to)) => {
            let mut pairs = from.iter().zip(to);
            pairs.find_map(|(from, to)| different_lengths(from.data_type(), to.data_type()))
        }
        (DataType::List(from), DataType::List(to))
        | (DataType::Map(from, _), DataType::Map(to, _)) => {
            different_lengths(from.data_type(), to.data_type())
        }
        _ => None,
    }
}

fn renamed_type(from: &DataType, to: &DataType) -> DataType {
    match (from, to) {
        (DataType::Struct(from), DataType::Struct(to)) if from.len() == to.len() => {
            let fields = from.iter().zip(to).map(|(from, to)| {
                let data_type = renamed_type(from.data_type(), to.data_type());
                Arc::new(Field::new(to.name(), data_type, from.is_nullable()))
            });
            DataType::Struct(fields.collect())
        }
        (DataType::List(from), DataType::List(to)) => DataType::List(renamed_inside(from, to)),
        (DataType::Map(from, sorted), DataType::Map(to, _)) => {
            DataType::Map(renamed_inside(from, to), *sorted)
        }
        _ => from.clone(),
    }
}

fn renamed_inside(from: &Field, to: &Field) -> FieldRef {
    let data_type = renamed_type(from.data_type(), to.data_type());
    Arc::new(from.clone().with_data_type(data_type))
}

/// Gives its argument a type that differs in the names of fields alone.
#[derive(Debug, PartialEq, Eq, Hash)]
struct RenameFields {
    to: DataType,
    signature: Signature,
}

impl RenameFields {
    fn new(to: DataType) -> Self {
        Self { to, signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for RenameFields {
    fn name(&self) -> &str {
        "rename_fields"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        match arrays.as_slice() {
            [array] => Ok(ColumnarValue::Array(rename(array, &self.to)?)),
            _ => internal_err!("rename_fields takes one argument"),
        }
    }
}

fn rename(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    Ok(match to {
        DataType::Struct(fields) => Arc::new(rename_struct(array.as_struct(), fields)?),
        DataType::List(field) => {
            let list = array.as_list::<i32>();
            let values = rename(list.values(), field.data_type())?;
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            Arc::new(ListArray::try_new(Arc::clone(field), offsets, values, nulls)?)
        }
        DataType::Map(field, sorted) => {
            let map = array.as_map();
            let DataType::Struct(fields) = field.data_type() else {
                return internal_err!("a map without entries");
            };
            let entries = rename_struct(map.entries(), fields)?;
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            Arc::new(MapArray::try_new(Arc::clone(field), offsets, entries, nulls, *sorted)?)
        }
        _ => Arc::clone(array),
    })
}

fn rename_struct(array: &StructArray, fields: &Fields) -> Result<StructArray> {
    let columns = array.columns().iter().zip(fields);
    let columns: Result<Vec<_>> =
        columns.map(|(column, field)| rename(column, field.data_type())).collect();
    let nulls = array.nulls().cloned();
    Ok(StructArray::try_new_with_length(fields.clone(), columns?, nulls, array.len())?)
}

#[cfg(test)]
mod tests {
    use arrow_array::Int32Array;

    use super::*;

    fn row(names: [&str; 2]) -> DataType {
        DataType::Struct(
            names.iter().map(|name| Field::new(*name, DataType::Int32, true)).collect(),
        )
    }

    #[test]
    fn fields_are_matched_by_position_even_when_names_cross() {
        let DataType::Struct(fields) = row(["b", "a"]) else { unreachable!() };
        let columns: Vec<ArrayRef> =
            vec![Arc::new(Int32Array::from(vec![1])), Arc::new(Int32Array::from(vec![2]))];
        let array: ArrayRef = Arc::new(StructArray::new(fields, columns, None));
        let renamed = rename(&array, &renamed_type(&row(["b", "a"]), &row(["a", "b"]))).unwrap();
        let first = renamed.as_struct().column_by_name("a").unwrap();
        assert_eq!(first.as_ref(), &Int32Array::from(vec![1]) as &dyn Array);
    }

    #[test]
    fn rows_of_different_lengths_are_found_inside_of_lists() {
        let list = |inner| DataType::List(Arc::new(Field::new("item", inner, true)));
        let shorter = DataType::Struct(vec![Field::new("a", DataType::Int32, true)].into());
        assert_eq!(different_lengths(&list(shorter), &list(row(["a", "b"]))), Some((1, 2)));
        assert_eq!(different_lengths(&list(row(["x", "y"])), &list(row(["a", "b"]))), None);
    }
}
