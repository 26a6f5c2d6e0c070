//! What Kafka's own Java classes wrote (see `vectors/README.md`), read, compared field by field and
//! written again; then the same bytes damaged.

#[allow(dead_code, reason = "the crate's own tests use all of it")]
#[path = "../../src/allocations.rs"]
mod allocations;
#[allow(dead_code, reason = "the test with Java uses the rest")]
mod cases;
mod consumer_protocol;
mod damage;
mod envelopes;
mod fields;
mod file;
mod legacy;
mod levels;
mod messages;
mod records;
mod tables;
