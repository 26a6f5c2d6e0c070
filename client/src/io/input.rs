//! [`Input`]: what was read from a socket, gathered into frames.

use std::io;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use kavka_protocol::{DecodeError, split_frame};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::buffers::Buffers;
use crate::state::connection::Source;

/// The bytes of one connection, on their way to becoming frames.
///
/// Small frames share memory. A large one is read straight into memory of its own, which is as long
/// as the frame, so that it is hardly moved and keeps nothing else alive.
pub(super) struct Input {
    buffers: Arc<Buffers>,
    small: BytesMut,
    large: Option<Large>,
}

/// A large frame of which some has arrived.
struct Large {
    /// Begins with the frame's length: without it all bytes would lie at odd addresses, where copying
    /// them from the socket takes twice as long.
    memory: Vec<u8>,
    /// With the length in front.
    size: usize,
}

impl Input {
    pub(super) fn new(buffers: Arc<Buffers>) -> Self {
        Self { buffers, small: BytesMut::new(), large: None }
    }

    /// Reads once; how many bytes came. Dropped before it is ready, it has read nothing.
    pub(super) async fn read(&mut self, from: &mut (impl AsyncRead + Unpin)) -> io::Result<usize> {
        match &mut self.large {
            Some(large) => {
                large.make_room();
                let missing = large.missing();
                from.read_buf(&mut (&mut large.memory).limit(missing)).await
            }
            None => {
                if self.small.capacity() - self.small.len() < LEAST_ROOM {
                    self.small.reserve(READ_SIZE);
                }
                from.read_buf(&mut self.small).await
            }
        }
    }

    /// The size of a large frame that stands next, of which some is still to come.
    fn announced(&self, limit: usize) -> Option<usize> {
        let prefix = self.small.first_chunk::<PREFIX>()?;
        let length = usize::try_from(i32::from_be_bytes(*prefix)).ok()?;
        let size = PREFIX + length;
        let is_large = (LARGE..=limit).contains(&length);
        Some(size).filter(|_| is_large && self.small.len() < size)
    }
}

impl Source for Input {
    fn peek(&self) -> &[u8] {
        &self.small
    }

    fn next_frame(&mut self, limit: usize) -> Result<Option<Bytes>, DecodeError> {
        if let Some(large) = self.large.take_if(|large| large.missing() == 0) {
            return Ok(Some(self.buffers.lend(large.memory).slice(PREFIX..)));
        }
        if self.large.is_some() {
            return Ok(None);
        }
        let Some(size) = self.announced(limit) else {
            return split_frame(&mut self.small, limit);
        };
        let mut large = Large { memory: self.buffers.take(size), size };
        large.make_room();
        large.memory.extend_from_slice(&self.small);
        self.small.clear();
        self.large = Some(large);
        Ok(None)
    }
}

impl Large {
    fn missing(&self) -> usize {
        self.size - self.memory.len()
    }

    /// Room is made for what a peer announces only in step with what it really sends.
    fn make_room(&mut self) {
        if self.memory.len() == self.memory.capacity() {
            let step = self.memory.len().max(FIRST_STEP);
            self.memory.reserve_exact(self.missing().min(step));
        }
    }
}

/// The size of the length in front of a frame.
const PREFIX: usize = 4;

/// A frame of this length is worth memory of its own.
const LARGE: usize = 64 << 10;

/// Room made for the first bytes of a large frame, whatever it announces: enough for a usual fetch
/// of one partition.
const FIRST_STEP: usize = 1 << 20;

/// Room made for a read of small frames.
const READ_SIZE: usize = 64 << 10;

/// With less room than this a read is not worth its system call.
const LEAST_ROOM: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    const LIMIT: usize = 1 << 24;

    fn input() -> Input {
        Input::new(Arc::default())
    }

    /// A frame whose bytes depend on its length and their place.
    fn payload(length: usize) -> Vec<u8> {
        (0..length).map(|at| ((at * 7 + length) % 251) as u8).collect()
    }

    fn wire(lengths: &[usize]) -> Vec<u8> {
        let framed = lengths.iter().map(|length| {
            let prefix = i32::try_from(*length).unwrap().to_be_bytes();
            [&prefix[..], &payload(*length)].concat()
        });
        framed.collect::<Vec<_>>().concat()
    }

    /// The frames that arrive when at most `chunk` bytes are on their way.
    async fn received(input: &mut Input, lengths: &[usize], chunk: usize) -> Vec<Bytes> {
        let (mut ours, mut theirs) = duplex(chunk);
        let sent = wire(lengths);
        let sending = tokio::spawn(async move { theirs.write_all(&sent).await.unwrap() });
        let mut frames = Vec::new();
        while input.read(&mut ours).await.unwrap() > 0 {
            while let Some(frame) = input.next_frame(LIMIT).unwrap() {
                frames.push(frame);
            }
        }
        sending.await.unwrap();
        frames
    }

    #[tokio::test]
    async fn frames_of_all_sizes_arrive_as_they_were_sent_however_they_are_cut() {
        let lengths = [0, 1, LARGE - 1, LARGE, 3, 3 * FIRST_STEP + 5, LARGE + 1, 200_000, 9];
        for chunk in [1013, 1 << 16, LARGE + 3, 1 << 23] {
            let frames = received(&mut input(), &lengths, chunk).await;
            assert_eq!(frames.len(), lengths.len(), "{chunk}");
            for (frame, length) in frames.iter().zip(lengths) {
                assert!(*frame == payload(length)[..], "{length} in pieces of {chunk}");
            }
        }
    }

    #[tokio::test]
    async fn the_memory_of_a_large_frame_is_as_long_as_it_and_used_again() {
        let mut input = input();
        let length = 3 * FIRST_STEP + 5;
        let mut addresses = Vec::new();
        for _ in 0..3 {
            let frames = received(&mut input, &[length], 1 << 16).await;
            addresses.push(frames[0].as_ptr());
        }
        assert_eq!((addresses[0], addresses[1]), (addresses[1], addresses[2]));
        assert_eq!(input.buffers.take(length).capacity(), PREFIX + length);
    }

    #[tokio::test]
    async fn a_frame_in_memory_that_is_longer_leaves_the_next_one_alone() {
        let mut input = input();
        drop(received(&mut input, &[2 * LARGE], 1 << 23).await);
        let frames = received(&mut input, &[LARGE + 9, 5], 1 << 23).await;
        assert_eq!(frames.iter().map(Bytes::len).collect::<Vec<_>>(), [LARGE + 9, 5]);
        assert_eq!(frames[1], payload(5));
    }

    #[tokio::test]
    async fn what_a_peer_announces_costs_no_memory_before_it_comes() {
        let mut input = input();
        let announced = &i32::MAX.to_be_bytes()[..];
        input.read(&mut &announced[..]).await.unwrap();
        assert_eq!(input.next_frame(usize::MAX), Ok(None));
        let large = input.large.as_ref().unwrap();
        assert_eq!((large.size, large.memory.capacity()), (0x8000_0003, FIRST_STEP));
    }

    #[tokio::test]
    async fn lengths_beyond_the_limit_or_below_zero_are_refused() {
        for prefix in [-1, i32::MIN, 0x0200_0000] {
            let mut input = input();
            input.read(&mut &prefix.to_be_bytes()[..]).await.unwrap();
            assert!(matches!(input.next_frame(LIMIT), Err(DecodeError::Length { .. })), "{prefix}");
        }
    }
}
