//! Turning what a command found into text.

mod aligned;
mod csv_line;
pub(crate) mod envelope;
pub(crate) mod escape;
mod json_types;
pub(crate) mod local_time;
mod printable;
pub(crate) mod record_format;
pub(crate) mod rows;
pub(crate) mod table;
