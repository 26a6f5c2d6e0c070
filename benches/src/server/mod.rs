//! Stand-ins for a broker that do next to nothing, so that the client is what is measured: [`Replay`] serves a
//! [`Recording`](crate::Recording), [`Sink`] takes whatever is written and acknowledges it.
//!
//! They run in a process of their own, a thread for each connection, with the operating system's own sockets. Every
//! client is given the same bytes. Versions are those that kavka's protocol crate speaks; a fetch session is never
//! opened, which a broker that has no room for one does too.

mod connection;
mod control;
mod replay;
mod sink;
mod stand_in;
mod tls;

use std::time::Duration;

use kavka_bench_line::Tally;
use kavka_protocol::{Frame, server::RequestFrame};

pub(crate) use self::tls::authority;
pub use self::{
    replay::Replay,
    sink::Sink,
    stand_in::{Report, serve},
};
use crate::Result;

/// What answers requests.
pub trait Broker: Send + Sync {
    /// The answer to `request`; an error closes the connection.
    fn answer(&self, request: &RequestFrame) -> Result<Answer>;

    /// What was delivered to it since the last report.
    fn take_tally(&self) -> Tally;
}

/// What a request is answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// This, at once.
    Now(Frame),
    /// This, after a while in which nothing has come that was asked for.
    Later(Frame, Duration),
    /// Nothing: the request did not ask for an answer.
    Silence,
}

/// The topic that is read and written.
pub const TOPIC: &str = "records";

#[cfg(test)]
mod tests;
