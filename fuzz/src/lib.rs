//! What the fuzzing programs have in common: the allocator that sees what is held, and the line that
//! hands inputs to a target of the protocol crate.

#[allow(dead_code, reason = "the protocol's own tests use more of it")]
#[path = "../../protocol/src/allocations.rs"]
mod allocations;

/// Has the memory of every input measured.
pub fn measure() {
    kavka_protocol::fuzz::measure_with(|work| allocations::peak_allocation(work).1);
}

/// The program of one target.
#[macro_export]
macro_rules! program {
    ($target:ident) => {
        libfuzzer_sys::fuzz_target!(init: kavka_fuzz::measure(), |data: &[u8]| {
            kavka_protocol::fuzz::$target(data);
        });
    };
}
