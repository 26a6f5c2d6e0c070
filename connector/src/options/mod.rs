//! The options of a table: what a user may write after `WITH`.

pub(crate) mod secret;
