//! What the fuzzing programs have in common: the allocator that sees what is held, and the line that
//! hands inputs to a target of the crate under test.

#[allow(dead_code, reason = "the protocol's own tests use more of it")]
#[path = "../../protocol/src/allocations.rs"]
mod allocations;

/// Has the memory of every input measured.
pub fn measure() {
    kavka_protocol::fuzz::measure_with(|work| allocations::peak_allocation(work).1);
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
