//! What kavka allocates while it reads and makes batches. One test only: the whole process is counted.

use kavka_benches::{
    COUNTING, Case, CountingAllocator, EncodePass, Records, SHAPES, allocations, read_columns,
    walk, walk_headers,
};
use kavka_protocol::{Compression, Decompressor, RecordColumns};

#[global_allocator]
static ALLOCATOR: CountingAllocator = COUNTING;

#[test]
fn memory_is_asked_for_by_the_batch_and_never_by_the_record() {
    for shape in &SHAPES[..2] {
        for codec in Compression::ALL {
            let case = Case::new(shape, codec, 100_000, 400_000).unwrap();
            assert!(case.records > 100 * case.batches);
            let (mut decompressor, mut columns) = (Decompressor::new(), RecordColumns::new());
            let records = Records::read(&case.log).unwrap();
            let mut encode = EncodePass::new(codec);
            for (what, count) in [
                ("walk", steady(|| walk(&case.log, &mut decompressor).unwrap())),
                ("headers", steady(|| walk_headers(&case.log, &mut decompressor).unwrap())),
                (
                    "columns",
                    steady(|| read_columns(&case.log, &mut decompressor, &mut columns).unwrap()),
                ),
                ("encode", steady(|| encode.run(&records, |_| ()).unwrap())),
            ] {
                assert!(count <= 4 * case.batches, "{}, {what}: {count} allocations", case.name);
            }
        }
    }
}

/// The allocations of a second pass: the first one makes the room that is used from then on.
fn steady<T>(mut pass: impl FnMut() -> T) -> u64 {
    pass();
    let before = allocations();
    pass();
    allocations() - before
}
