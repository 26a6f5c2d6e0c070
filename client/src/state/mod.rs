//! State machines without IO: all behaviour that can be wrong in an interesting way.
//!
//! The contract of each: `handle_*` when something arrived, plain verbs when the application asks,
//! `poll_*` for what must be done now (until `None`), `poll_timeout` for when to come back and
//! `handle_timeout` when that has passed. No machine owns a channel, lock, waker, clock or entropy.

pub(crate) mod authentication;
pub(crate) mod backoff;
pub(crate) mod connection;
pub(crate) mod fetch;
pub(crate) mod metadata;
pub(crate) mod produce;
pub(crate) mod timers;
