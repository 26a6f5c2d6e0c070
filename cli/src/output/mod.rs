//! Turning what a command found into text.

pub(crate) mod envelope;
pub(crate) mod escape;
pub(crate) mod local_time;
pub(crate) mod record_format;
pub(crate) mod rows;
pub(crate) mod table;
