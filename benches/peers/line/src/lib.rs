//! What a benchmark and the programs it starts say to each other.
//!
//! Record codecs are asked line by line over stdin and stdout and time themselves with [`turn`], so that a pipe's delay
//! is in nobody's figures. A whole client gets one [`Job`] as its arguments, and says in one line what came of it.

mod contend;
mod entries;
mod job;
mod meter;
mod outcome;
mod seen;
mod serve;
mod tally;
mod turn;

pub use contend::contend;
pub use entries::Entries;
pub use job::{Job, Work};
pub use meter::Meter;
pub use outcome::Outcome;
pub use seen::Seen;
pub use serve::{Peer, serve};
pub use tally::Tally;
pub use turn::{Turn, turn};
