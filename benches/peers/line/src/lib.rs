//! What a benchmark and the rivals it starts say to each other over stdin and stdout: a line asks, a line answers.
//!
//! Both sides time themselves with [`turn`], so that a pipe's delay is in nobody's figures.

mod seen;
mod serve;
mod turn;

pub use seen::Seen;
pub use serve::{Peer, serve};
pub use turn::{Turn, turn};
