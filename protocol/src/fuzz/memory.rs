//! The memory rule: what may be held at a time while so many bytes are read.

use std::sync::OnceLock;

/// Runs its argument and returns the most memory that was held at a time meanwhile.
type Meter = fn(&mut dyn FnMut()) -> usize;

static METER: OnceLock<Meter> = OnceLock::new();

/// Takes the meter of the allocator that is installed. Without one nothing is measured.
pub fn measure_with(meter: Meter) {
    METER.get_or_init(|| meter);
}

/// For what is read by kavka's own codecs.
pub(super) fn own_codec<T>(input: usize, work: impl FnOnce() -> T) -> T {
    within(16 * input + SLACK, work)
}

/// For what is read by the generated codec: an element of one byte becomes a structure.
pub(super) fn generated_codec<T>(input: usize, work: impl FnOnce() -> T) -> T {
    within(128 * input + SLACK, work)
}

/// For what has a limit of its own; a buffer that grows is there twice for a moment, and a codec has
/// its tables.
pub(super) fn decompression<T>(limit: usize, work: impl FnOnce() -> T) -> T {
    within(2 * limit + 4 * SLACK, work)
}

fn within<T>(limit: usize, work: impl FnOnce() -> T) -> T {
    let (mut work, mut result) = (Some(work), None);
    let mut run = || result = work.take().map(|work| work());
    let held = match METER.get() {
        Some(meter) => meter(&mut run),
        None => {
            run();
            0
        }
    };
    assert!(held <= limit, "{held} bytes were held at a time; the rule allows {limit}");
    result.expect("the meter runs what it measures")
}

/// What anything may take, however little it reads.
const SLACK: usize = 64 << 10;
