//! Where decompressed bytes go: a buffer that grows up to a limit and, when the last `Bytes` over it
//! is dropped, returns to the decompressor it came from.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;

use crate::{compression::Compression, error::DecodeError};

/// The output of one decompression.
pub(super) struct Output {
    buffer: PooledBuffer,
    codec: Compression,
    compressed: usize,
    limit: usize,
}

impl Output {
    /// An empty output for `compressed` bytes that may become `limit` bytes.
    pub(super) fn new(
        pool: &Arc<Pool>,
        codec: Compression,
        compressed: usize,
        limit: usize,
    ) -> Self {
        Self { buffer: pool.take(), codec, compressed, limit }
    }

    /// Exactly `size` bytes of room; an error when the limit does not allow them.
    pub(super) fn room(&mut self, size: usize) -> Result<&mut [u8], DecodeError> {
        self.check_room(size)?;
        Ok(self.grow(size))
    }

    /// Whether the limit allows `size` bytes more.
    pub(super) fn check_room(&self, size: usize) -> Result<(), DecodeError> {
        if size > self.limit.saturating_sub(self.buffer.filled) {
            return Err(self.too_large());
        }
        Ok(())
    }

    /// Up to `size` bytes of room. One byte beyond the limit is given away, so that who fills it has
    /// shown to exceed the limit; then there is nothing more to give, and that is the error.
    pub(super) fn room_up_to(&mut self, size: usize) -> Result<&mut [u8], DecodeError> {
        if self.buffer.filled > self.limit {
            return Err(self.too_large());
        }
        let allowed = self.limit.saturating_add(1) - self.buffer.filled;
        Ok(self.grow(size.min(allowed)))
    }

    /// All the room that is there without growing, or more when it is less than `least`.
    pub(super) fn spare(&mut self, least: usize) -> Result<&mut [u8], DecodeError> {
        let there = self.buffer.bytes.len() - self.buffer.filled;
        self.room_up_to(there.max(least))
    }

    /// The `history` bytes before the room, and `size` bytes of room as of [`room_up_to`](Self::room_up_to).
    pub(super) fn room_after(
        &mut self,
        history: usize,
        size: usize,
    ) -> Result<(&[u8], &mut [u8]), DecodeError> {
        let size = self.room_up_to(size)?.len();
        let filled = self.buffer.filled;
        let (before, room) = self.buffer.bytes.split_at_mut_checked(filled).unwrap_or_default();
        let before = before.get(filled.saturating_sub(history)..).unwrap_or_default();
        Ok((before, room.get_mut(..size).unwrap_or_default()))
    }

    /// Says that the first `size` bytes of the room have been written.
    pub(super) fn advance(&mut self, size: usize) {
        self.buffer.filled += size;
    }

    /// How much may be written at most.
    #[cfg(any(not(feature = "zstd"), test))]
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// How much has been written.
    pub(super) fn len(&self) -> usize {
        self.buffer.filled
    }

    /// Ends the decompression.
    pub(super) fn finish(self) -> Result<Bytes, DecodeError> {
        if self.buffer.filled > self.limit {
            return Err(self.too_large());
        }
        Ok(Bytes::from_owner(self.buffer))
    }

    /// The error for data that breaks `rule` of its format.
    pub(super) fn broken(&self, rule: &'static str) -> DecodeError {
        DecodeError::Compressed { codec: self.codec, rule }
    }

    /// The error for data that becomes more than the limit.
    pub(super) fn too_large(&self) -> DecodeError {
        let (codec, compressed, limit) = (self.codec, self.compressed, self.limit);
        DecodeError::DecompressedSize { codec, compressed, limit }
    }

    fn grow(&mut self, size: usize) -> &mut [u8] {
        let PooledBuffer { bytes, filled, .. } = &mut self.buffer;
        let needed = *filled + size;
        if bytes.len() < needed {
            let doubled = (bytes.len() * 2).max(FIRST_SIZE).min(self.limit.saturating_add(1));
            let size = needed.max(doubled);
            // Exactly, so that the limit also holds for what is reserved.
            bytes.reserve_exact(size - bytes.len());
            bytes.resize(size, 0);
        }
        bytes.get_mut(*filled..needed).unwrap_or_default()
    }
}

/// Buffers waiting to be used again.
#[derive(Default)]
pub(super) struct Pool {
    idle: Mutex<Vec<Vec<u8>>>,
}

impl Pool {
    fn take(self: &Arc<Self>) -> PooledBuffer {
        let bytes = self.lock().pop().unwrap_or_default();
        PooledBuffer { bytes, filled: 0, pool: Arc::downgrade(self) }
    }

    fn put(&self, buffer: Vec<u8>) {
        let mut idle = self.lock();
        let kept: usize = idle.iter().map(Vec::len).sum();
        if kept + buffer.len() <= KEPT_BYTES && idle.len() < KEPT_BUFFERS {
            idle.push(buffer);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A buffer that goes back to its pool when it is dropped.
struct PooledBuffer {
    /// Written to before and longer than what is in use now: zeroing it again would cost as much as
    /// a copy.
    bytes: Vec<u8>,
    filled: usize,
    pool: Weak<Pool>,
}

impl AsRef<[u8]> for PooledBuffer {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }
}

impl Drop for PooledBuffer {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.put(std::mem::take(&mut self.bytes));
        }
    }
}

/// As large as the batches that producers make by default, several times over.
const FIRST_SIZE: usize = 64 * 1024;
/// What a reader that has gone quiet may hold on to.
const KEPT_BYTES: usize = 16 * 1024 * 1024;
/// Readers hold on to the batches behind the rows they hand out, a few at a time.
const KEPT_BUFFERS: usize = 8;
