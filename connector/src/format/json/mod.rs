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
use crate::format::{DeserializationSchema, Format, FormatTarget, Rows, SerializationSchema};

/// The format `json`.
pub(super) struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn option_names(&self) -> &'static [&'static str] {
        options::NAMES
    }

    fn rows_at_a_glance(&self, payload: Option<&[u8]>) -> Option<Rows> {
        let message = payload.unwrap_or_default();
        match message.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => Some(Rows::ONE),
            _ if message.is_empty() => Some(Rows::NONE),
            _ => None,
        }
    }

    fn decoder(&self, target: &FormatTarget) -> Result<Box<dyn DeserializationSchema>, Error> {
        let options = JsonOptions::parse(&target.options)?;
        Ok(Box::new(JsonDecoder::new(target.wanted_fields(), options)?))
    }

    fn encoder(&self, target: &FormatTarget) -> Result<Box<dyn SerializationSchema>, Error> {
        let options = JsonOptions::parse(&target.options)?;
        Ok(Box::new(JsonEncoder::new(target.fields.clone(), options)?))
    }
}
