//! Frames: every request and answer travels as a four-byte length and that many bytes.

use bytes::{Buf, Bytes, BytesMut};

use crate::error::{DecodeError, EncodeError};

/// One encoded request or answer with its length in front, as chunks for a vectored write.
///
/// Record batches stay the chunks they were, so that sending does not copy them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    chunks: Vec<Bytes>,
    length: usize,
}

impl Frame {
    /// Cuts `fields` (which starts with four bytes of room for the length) at the given places and
    /// puts each payload in front of what follows its cut.
    pub(crate) fn assemble(
        mut fields: BytesMut,
        payloads: Vec<(usize, Bytes)>,
    ) -> Result<Self, EncodeError> {
        let length =
            fields.len() + payloads.iter().map(|(_, payload)| payload.len()).sum::<usize>();
        let declared = length
            .checked_sub(LENGTH_SIZE)
            .and_then(|length| i32::try_from(length).ok())
            .ok_or(EncodeError::TooLarge { field: "frame", length, limit: FRAME_LIMIT })?;
        if let Some(prefix) = fields.first_chunk_mut::<LENGTH_SIZE>() {
            *prefix = declared.to_be_bytes();
        }
        let mut chunks = Vec::with_capacity(payloads.len() * 2 + 1);
        let mut written = 0;
        for (cut, payload) in payloads {
            chunks.push(fields.split_to((cut - written).min(fields.len())).freeze());
            chunks.push(payload);
            written = cut;
        }
        chunks.push(fields.freeze());
        chunks.retain(|chunk| !chunk.is_empty());
        Ok(Self { chunks, length })
    }

    /// The bytes in the order they are sent; no chunk is empty.
    pub fn chunks(&self) -> &[Bytes] {
        &self.chunks
    }

    /// The bytes in the order they are sent; no chunk is empty.
    pub fn into_chunks(self) -> Vec<Bytes> {
        self.chunks
    }

    /// How many bytes are sent, the length in front included.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl From<Bytes> for Frame {
    /// Takes bytes that are a frame already.
    fn from(bytes: Bytes) -> Self {
        let chunks = if bytes.is_empty() { Vec::new() } else { vec![bytes] };
        Self { length: chunks.iter().map(Bytes::len).sum(), chunks }
    }
}

/// Splits one frame off `buffer`, without its length, or returns `None` until all has arrived.
///
/// A frame longer than `limit` is an error. Room is made for what a peer announces only in step
/// with what it really sends.
pub fn split_frame(buffer: &mut BytesMut, limit: usize) -> Result<Option<Bytes>, DecodeError> {
    let Some(prefix) = buffer.first_chunk::<LENGTH_SIZE>() else {
        return Ok(None);
    };
    let declared = i32::from_be_bytes(*prefix);
    let length = usize::try_from(declared).ok().filter(|length| *length <= limit).ok_or(
        DecodeError::Length { field: "frame", length: declared.into(), minimum: 0, limit },
    )?;
    let arrived = buffer.len();
    let missing = (LENGTH_SIZE + length).saturating_sub(arrived);
    if missing > 0 {
        // Not with every few bytes that arrive, or the buffer would double each time.
        if buffer.capacity() - arrived < missing.min(LEAST_ROOM) {
            buffer.reserve(missing.min(RESERVE + arrived.saturating_mul(GROWTH)));
        }
        return Ok(None);
    }
    buffer.advance(LENGTH_SIZE);
    Ok(Some(buffer.split_to(length).freeze()))
}

/// The size of the length in front of a frame.
pub(crate) const LENGTH_SIZE: usize = 4;

/// The longest frame the length can express.
const FRAME_LIMIT: usize = i32::MAX.unsigned_abs() as usize;

/// Room made for the first bytes of a frame, whatever it announces.
const RESERVE: usize = 32 << 10;

/// Room that is enough to read on.
const LEAST_ROOM: usize = 8 << 10;

/// Room made for every byte that has arrived: a frame of 100 MiB is copied three times on the way.
const GROWTH: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allocations::{largest_allocation, peak_allocation};

    fn frame(payload: &[u8]) -> BytesMut {
        let mut bytes = BytesMut::from(&i32::try_from(payload.len()).unwrap().to_be_bytes()[..]);
        bytes.extend_from_slice(payload);
        bytes
    }

    #[test]
    fn a_frame_is_split_off_once_all_of_it_has_arrived() {
        let whole = frame(b"answer");
        for arrived in 0..whole.len() {
            let mut buffer = BytesMut::from(&whole[..arrived]);
            assert_eq!(split_frame(&mut buffer, 100), Ok(None), "{arrived}");
            assert_eq!(buffer, whole[..arrived]);
        }
        let mut buffer = whole;
        buffer.extend_from_slice(b"next");
        assert_eq!(split_frame(&mut buffer, 100), Ok(Some(Bytes::from_static(b"answer"))));
        assert_eq!(&buffer[..], b"next");
    }

    #[test]
    fn a_frame_may_be_empty() {
        assert_eq!(split_frame(&mut frame(b""), 0), Ok(Some(Bytes::new())));
    }

    #[test]
    fn lengths_beyond_the_limit_or_below_zero_are_refused() {
        for (declared, limit) in [(-1, 100), (i32::MIN, 100), (101, 100), (i32::MAX, 1 << 20)] {
            let mut buffer = BytesMut::from(&declared.to_be_bytes()[..]);
            let refused =
                DecodeError::Length { field: "frame", length: declared.into(), minimum: 0, limit };
            assert_eq!(split_frame(&mut buffer, limit), Err(refused));
        }
    }

    #[test]
    fn an_announced_length_alone_reserves_little() {
        let mut buffer = BytesMut::from(&i32::MAX.to_be_bytes()[..]);
        assert_eq!(split_frame(&mut buffer, usize::MAX), Ok(None));
        assert!(buffer.capacity() <= 2 * RESERVE);
    }

    #[test]
    fn bytes_that_come_one_by_one_do_not_grow_the_buffer_each_time() {
        let mut buffer = BytesMut::from(&i32::MAX.to_be_bytes()[..]);
        let ((), held) = peak_allocation(|| {
            for _ in 0..1000 {
                assert_eq!(split_frame(&mut buffer, usize::MAX), Ok(None));
                buffer.extend_from_slice(&[0]);
            }
        });
        assert!(held <= 2 * RESERVE, "{held}");
    }

    #[test]
    fn room_is_made_in_step_with_what_arrives() {
        let mut buffer = BytesMut::from(&i32::MAX.to_be_bytes()[..]);
        let mut steps = 0;
        while buffer.len() < 10 << 20 {
            let (outcome, reserved) =
                largest_allocation(|| split_frame(&mut buffer, usize::MAX).unwrap());
            assert_eq!(outcome, None);
            assert!(reserved <= RESERVE + 16 * buffer.len(), "{reserved} for {}", buffer.len());
            buffer.resize(buffer.capacity(), 0);
            steps += 1;
        }
        assert!(steps <= 5, "{steps} steps");
    }

    #[test]
    fn payloads_stay_chunks_of_their_own_between_the_fields() {
        let fields = BytesMut::from(&b"....headtail"[..]);
        let payload = Bytes::from_static(b"payload");
        let frame =
            Frame::assemble(fields, vec![(8, payload.clone()), (12, Bytes::new())]).unwrap();
        assert_eq!(frame.len(), 19);
        assert_eq!(frame.chunks(), [&b"\0\0\0\x0fhead"[..], b"payload", b"tail"]);
        assert_eq!(frame.chunks()[1].as_ptr(), payload.as_ptr());
    }
}
