//! Benchmarks of what runs per record: each is a program of its own in this crate's folder.
//!
//! A benchmark lets several clients work on the same bytes in turn, so that a slow moment of the machine hits all of
//! them, and judges ratios between them. Rivals are programs of a workspace of their own (`peers`), which a benchmark
//! builds and starts.

mod bench;
mod case;
mod chart;
pub mod client;
mod codec;
pub mod contest;
mod counted;
mod options;
mod payload;
mod race;
mod recording;
mod report;
mod rival;
pub mod server;
mod target;

pub use bench::Bench;
pub use case::{Case, SHAPES, Shape};
pub use codec::{EncodePass, Records, read_columns, walk, walk_headers};
pub use counted::{COUNTING, CountingAllocator, allocations};
pub use kavka_bench_line::Seen;
pub use options::Options;
pub use race::{Lane, Standing};
pub use recording::Recording;
pub use target::Target;

/// A benchmark that fails says why and ends.
pub type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;
