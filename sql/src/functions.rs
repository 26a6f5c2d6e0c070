//! Functions that tables are declared with, as Flink has them.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow_array::TimestampMillisecondArray;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_schema::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::functions::datetime::now::NowFunc;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    TypeSignature, Volatility,
};

use crate::error::Error;

/// The functions that the engine has not got, and the time of now as a TIMESTAMP_LTZ.
pub(crate) fn functions() -> [ScalarUDF; 3] {
    let mut config = ConfigOptions::default();
    config.execution.time_zone = Some(UTC.to_owned());
    let now = NowFunc::new_with_config(&config);
    [now.into(), ProcTime::new().into(), ToTimestampLtz::new().into()]
}

/// `PROCTIME()`: the time at which a row is worked on.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ProcTime {
    signature: Signature,
}

impl ProcTime {
    fn new() -> Self {
        Self { signature: Signature::nullary(Volatility::Volatile) }
    }
}

impl ScalarUDFImpl for ProcTime {
    fn name(&self) -> &str {
        "proctime"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(instant())
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
        Ok(ColumnarValue::Scalar(ScalarValue::TimestampMillisecond(Some(now), Some(UTC.into()))))
    }
}

/// `TO_TIMESTAMP_LTZ(number, precision)`: seconds (0) or milliseconds (3) since the epoch as an instant.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ToTimestampLtz {
    signature: Signature,
}

impl ToTimestampLtz {
    fn new() -> Self {
        let number = TypeSignature::Exact(vec![DataType::Int64]);
        let with_precision = TypeSignature::Exact(vec![DataType::Int64, DataType::Int64]);
        let signature = Signature::one_of(vec![number, with_precision], Volatility::Immutable);
        Self { signature }
    }
}

impl ScalarUDFImpl for ToTimestampLtz {
    fn name(&self) -> &str {
        "to_timestamp_ltz"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(instant())
    }

    /// Looks at the precision, so that a wrong one is told before anything runs.
    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        if let Some(precision) = arguments.scalar_arguments.get(1) {
            millis_per_unit(*precision)?;
        }
        Ok(Arc::new(Field::new(self.name(), instant(), true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let millis_per_unit = match arguments.args.get(1) {
            None => 1,
            Some(ColumnarValue::Scalar(precision)) => millis_per_unit(Some(precision))?,
            Some(ColumnarValue::Array(_)) => millis_per_unit(None)?,
        };
        let numbers = match arguments.args.first() {
            Some(ColumnarValue::Array(numbers)) => Arc::clone(numbers),
            Some(ColumnarValue::Scalar(number)) => {
                number.to_array_of_size(arguments.number_rows)?
            }
            None => return internal_err!("to_timestamp_ltz has no argument"),
        };
        // An instant beyond the range of the type is no instant.
        let instants: TimestampMillisecondArray = numbers
            .as_primitive::<Int64Type>()
            .unary_opt(|number| number.checked_mul(millis_per_unit));
        Ok(ColumnarValue::Array(Arc::new(instants.with_timezone(UTC))))
    }
}

/// How many milliseconds a number of this precision counts in; `None` for one that differs from row to row.
fn millis_per_unit(precision: Option<&ScalarValue>) -> Result<i64, Error> {
    let precision = precision.map(|precision| precision.cast_to(&DataType::Int64));
    match precision {
        Some(Ok(ScalarValue::Int64(Some(0)))) => Ok(1_000),
        Some(Ok(ScalarValue::Int64(Some(3)))) => Ok(1),
        _ => Err(Error::unsupported("TO_TIMESTAMP_LTZ precision", "other than 0 or 3")),
    }
}

/// `TIMESTAMP_LTZ(3)`.
fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some(UTC.into()))
}

/// The zone in which every TIMESTAMP_LTZ travels.
const UTC: &str = "UTC";
