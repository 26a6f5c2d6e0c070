//! One connection: a request is read, then answered, then the next one is read.

use std::{
    io::{self, IoSlice, Read, Write},
    thread,
};

use bytes::Bytes;
use kavka_protocol::{Frame, server::decode_request_frame};

use super::{Answer, Broker, stand_in::Traffic};
use crate::Result;

/// Talks until the client closes the connection; an error is what the client did wrong.
pub(super) fn converse(
    mut stream: impl Read + Write,
    broker: &dyn Broker,
    traffic: &Traffic,
) -> Result<()> {
    let mut spare = Vec::new();
    while let Some(request) = read_frame(&mut stream, spare)? {
        traffic.received(PREFIX + request.len());
        let answer = broker.answer(&decode_request_frame(request.clone())?)?;
        let frame = match answer {
            Answer::Now(frame) => frame,
            Answer::Later(frame, delay) => {
                thread::sleep(delay);
                frame
            }
            Answer::Silence => Frame::from(Bytes::new()),
        };
        write_frame(&mut stream, frame.chunks())?;
        traffic.sent(frame.len());
        // The same memory again, unless somebody has kept a part of it.
        spare = Vec::from(request);
    }
    Ok(())
}

/// The next request, in `memory`; `None` when the client has closed the connection.
fn read_frame(stream: &mut impl Read, mut memory: Vec<u8>) -> io::Result<Option<Bytes>> {
    let mut prefix = [0; PREFIX];
    if let Err(error) = stream.read_exact(&mut prefix) {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => Ok(None),
            _ => Err(error),
        };
    }
    let declared = i32::from_be_bytes(prefix);
    let length = usize::try_from(declared).ok().filter(|length| *length <= FRAME_LIMIT);
    let length = length.ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, format!("a frame of {declared} bytes"))
    })?;
    memory.resize(length, 0);
    stream.read_exact(&mut memory)?;
    Ok(Some(memory.into()))
}

fn write_frame(stream: &mut impl Write, chunks: &[Bytes]) -> io::Result<()> {
    for chunks in chunks.chunks(MOST_SLICES) {
        let mut slices: Vec<_> = chunks.iter().map(|chunk| IoSlice::new(chunk)).collect();
        let mut slices = &mut slices[..];
        while !slices.is_empty() {
            match stream.write_vectored(slices)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => IoSlice::advance_slices(&mut slices, written),
            }
        }
    }
    stream.flush()
}

/// The length in front of a frame.
const PREFIX: usize = 4;
/// Larger than any client's request.
const FRAME_LIMIT: usize = 200 << 20;
/// As many as Linux takes at once.
const MOST_SLICES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a few bytes at a time.
    struct Slow(Vec<u8>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(7);
            self.0.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_frame_of_many_chunks_is_written_whole_however_little_is_taken() {
        let chunks: Vec<_> = (0..3000_u32).map(|n| Bytes::from(n.to_string())).collect();
        let mut stream = Slow(Vec::new());
        write_frame(&mut stream, &chunks).unwrap();
        assert_eq!(stream.0, chunks.concat());
    }

    #[test]
    fn a_frame_is_read_whole_and_the_end_between_frames_is_no_error() {
        let mut stream = &b"\0\0\0\x03abc\0\0\0\0"[..];
        assert_eq!(read_frame(&mut stream, vec![9; 10]).unwrap().unwrap(), &b"abc"[..]);
        assert_eq!(read_frame(&mut stream, vec![9; 10]).unwrap().unwrap(), &b""[..]);
        assert!(read_frame(&mut stream, Vec::new()).unwrap().is_none());
        assert!(read_frame(&mut &b"\0\0\0\x03ab"[..], Vec::new()).is_err());
        assert!(read_frame(&mut &b"\xff\xff\xff\xffab"[..], Vec::new()).is_err());
    }
}
