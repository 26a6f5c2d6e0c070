//! The format `json`: one object per row, or an array of objects.
//!
//! The decoder knows the table: it walks over a message once and writes every value straight into its column.

mod cell;
mod decode;
mod encode;
mod fault;
mod names;
mod nesting;
mod node;
mod number;
mod options;
mod scalar;
mod scanner;
mod text;

use crate::error::Error;
use crate::format::json::decode::JsonDecoder;
use crate::format::json::encode::JsonEncoder;
use crate::format::json::options::JsonOptions;
use crate::format::{DeserializationSchema, Format, FormatTarget, SerializationSchema};

/// The format `json`.
pub(super) struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn option_names(&self) -> &'static [&'static str] {
        options::NAMES
    }

    fn decoder(&self, target: &FormatTarget) -> Result<Box<dyn DeserializationSchema>, Error> {
        let options = JsonOptions::parse(&target.options)?;
        Ok(Box::new(JsonDecoder::new(target, options)?))
    }

    fn encoder(&self, target: &FormatTarget) -> Result<Box<dyn SerializationSchema>, Error> {
        let options = JsonOptions::parse(&target.options)?;
        Ok(Box::new(JsonEncoder::new(target.fields.clone(), options)?))
    }
}
