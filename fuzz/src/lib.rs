//! What the fuzzing programs have in common: the meter of what an input costs, and the line that hands inputs to a
//! target of the crate under test.

#[allow(dead_code, reason = "the protocol's own tests use more of it")]
#[path = "../../protocol/src/allocations.rs"]
mod allocations;

use std::{cell::Cell, time::Duration};

use cpu_time::ThreadTime;

thread_local! {
    /// The longest that anything measured has taken since it was last put to zero.
    static LONGEST: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Has the memory and the time measured that it takes to read an input.
pub fn measure() {
    kavka_protocol::fuzz::measure_with(|work| {
        let begun = ThreadTime::now();
        let held = allocations::peak_allocation(work).1;
        LONGEST.set(LONGEST.get().max(begun.elapsed()));
        held
    });
}

/// Runs a target that reads messages, and panics when to read one takes longer than [`LIMIT`].
///
/// What counts is the time that this thread had a processor. Since even that is longer at times, when others use the
/// memory and the caches, only an input that is slow every time is.
pub fn within_limit(target: fn(&[u8]), data: &[u8]) {
    let slow = (0..TRIES).all(|_| {
        LONGEST.set(Duration::ZERO);
        target(data);
        LONGEST.get() > LIMIT
    });
    assert!(!slow, "to read {} bytes took {:?}; the limit is {LIMIT:?}", data.len(), LONGEST.get());
}

/// The program of one target of a crate, the protocol's if none is named.
#[macro_export]
macro_rules! program {
    ($target:ident) => {
        $crate::program!(kavka_protocol, $target);
    };
    ($tested:ident, $target:ident) => {
        libfuzzer_sys::fuzz_target!(init: kavka_fuzz::measure(), |data: &[u8]| {
            $tested::fuzz::$target(data);
        });
    };
}

/// The program of one target of the protocol whose inputs are messages, which have little time.
#[macro_export]
macro_rules! timed_program {
    ($target:ident) => {
        libfuzzer_sys::fuzz_target!(init: kavka_fuzz::measure(), |data: &[u8]| {
            kavka_fuzz::within_limit(kavka_protocol::fuzz::$target, data);
        });
    };
}

/// What a message of 64 KiB, the longest input, may take: several times what the fullest messages do take (`crowded` in
/// the protocol's `fuzz` module), although these programs are slowed down by what follows their ways through the code.
/// They are optimised as `fuzz/run` builds them.
pub const LIMIT: Duration = Duration::from_millis(50);
/// How often an input is tried before it counts as slow.
const TRIES: usize = 4;
