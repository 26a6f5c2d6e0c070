//! One file per subcommand.

pub(crate) mod broker;
pub(crate) mod consume;
pub(crate) mod demo;
pub(crate) mod produce;
pub(crate) mod properties;
pub(crate) mod sql;
pub(crate) mod topics;
