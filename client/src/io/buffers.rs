//! [`Buffers`]: memory that answers are received into, used again when nobody holds a slice of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Memory of large answers that nobody needs any more, for those to come.
///
/// Fresh memory costs a page fault for every four kilobytes, which is more than reading into it.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    /// Those that were given back last are at the back.
    spares: Mutex<VecDeque<Vec<u8>>>,
}

/// An answer, and where its memory goes in the end.
struct Lent {
    memory: Vec<u8>,
    home: Arc<Buffers>,
}

impl Buffers {
    /// Empty memory for `length` bytes; without room if there is none to be used again.
    pub(super) fn take(&self, length: usize) -> Vec<u8> {
        // Much more memory than a frame needs would be held for as long as its smallest slice.
        let fits = length..=length.saturating_mul(WASTE);
        let taken = self.with(|spares| {
            // The one that was used last is the one most likely to be in a cache of the processor.
            let last = spares.iter().rposition(|memory| fits.contains(&memory.capacity()))?;
            spares.remove(last)
        });
        taken.unwrap_or_default()
    }

    /// `memory` as bytes that can be shared; it comes back when the last slice of them is dropped.
    pub(super) fn lend(self: &Arc<Self>, memory: Vec<u8>) -> Bytes {
        Bytes::from_owner(Lent { memory, home: Arc::clone(self) })
    }

    /// Keeps what was used last; the rest is freed.
    fn give_back(&self, mut memory: Vec<u8>) {
        memory.clear();
        let freed: Vec<_> = self.with(|spares| {
            spares.push_back(memory);
            let mut kept: usize = spares.iter().map(Vec::capacity).sum();
            let mut count = 0;
            while kept > MOST_SPARE && count < spares.len() {
                kept -= spares.get(count).map_or(0, Vec::capacity);
                count += 1;
            }
            spares.drain(..count).collect()
        });
        // Not under the lock: this may take the operating system a while.
        drop(freed);
    }

    fn with<R>(&self, act: impl FnOnce(&mut VecDeque<Vec<u8>>) -> R) -> R {
        act(&mut self.spares.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.memory
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.home.give_back(std::mem::take(&mut self.memory));
    }
}

/// How many times the memory that a frame needs it may get.
const WASTE: usize = 4;

/// The most that one client keeps to be used again.
const MOST_SPARE: usize = 32 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn memory(capacity: usize) -> Vec<u8> {
        let mut memory = Vec::with_capacity(capacity);
        memory.extend_from_slice(b"answer");
        memory
    }

    #[test]
    fn memory_is_used_again_when_the_last_slice_is_dropped_and_not_before() {
        let buffers = Arc::new(Buffers::default());
        let frame = buffers.lend(memory(MIB));
        let (address, slice) = (frame.as_ptr(), frame.slice(2..4));
        drop(frame);
        assert_eq!(buffers.take(MIB).capacity(), 0);
        assert_eq!(slice, b"sw"[..]);
        drop(slice);
        let again = buffers.take(MIB);
        assert_eq!((again.as_ptr(), again.len()), (address, 0));
        assert_eq!(buffers.take(MIB).capacity(), 0, "it is taken once");
    }

    #[test]
    fn a_frame_gets_what_was_used_last_and_fits_and_nothing_that_is_much_too_large() {
        let buffers = Arc::new(Buffers::default());
        for capacity in [2 * MIB, 3 * MIB, 8 * MIB, MIB / 2] {
            drop(buffers.lend(memory(capacity)));
        }
        for (length, capacity) in [(MIB, 3), (MIB, 2), (MIB, 0), (9 * MIB, 0), (2 * MIB, 8)] {
            assert_eq!(buffers.take(length).capacity(), capacity * MIB, "{length}");
        }
    }

    #[test]
    fn what_was_not_used_for_long_is_freed_first_when_there_is_too_much() {
        let buffers = Arc::new(Buffers::default());
        let lent: Vec<_> = (1..=5).map(|n| buffers.lend(memory(n * 4 * MIB))).collect();
        lent.into_iter().for_each(drop);
        let kept = buffers.with(|spares| spares.iter().map(Vec::capacity).collect::<Vec<_>>());
        assert_eq!(kept, [20 * MIB]);
        drop(buffers.lend(memory(12 * MIB)));
        assert!(
            buffers.with(|spares| spares.iter().map(Vec::capacity).sum::<usize>()) <= MOST_SPARE
        );
        drop(buffers.lend(memory(MOST_SPARE + 1)));
        assert_eq!(buffers.with(|spares| spares.len()), 0);
    }

    #[test]
    fn slices_outlive_the_client() {
        let buffers = Arc::new(Buffers::default());
        let frame = buffers.lend(memory(MIB));
        drop(buffers);
        assert_eq!(frame, b"answer"[..]);
    }
}
