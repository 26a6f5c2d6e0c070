//! gzip (RFC 1952), as zlib writes it.

use flate2::{Compress, Decompress, FlushCompress, FlushDecompress, Status};

use crate::{
    compression::{Compression, output::Output},
    error::{DecodeError, EncodeError},
};

/// Reads gzip, with the state of the last batch used again.
#[derive(Default)]
pub(super) struct GzipDecoder {
    state: Option<Decompress>,
}

impl GzipDecoder {
    /// Reads all members in `input`, as Java does.
    pub(super) fn decompress(
        &mut self,
        mut input: &[u8],
        output: &mut Output,
    ) -> Result<(), DecodeError> {
        let state = self.state.get_or_insert_with(|| Decompress::new_gzip(WINDOW_BITS));
        loop {
            // With a header, since without one it would expect bare deflate from now on.
            state.reset(true);
            input = inflate_member(state, input, output)?;
            if input.is_empty() {
                return Ok(());
            }
        }
    }
}

/// Reads one member and yields what follows it.
fn inflate_member<'a>(
    state: &mut Decompress,
    mut input: &'a [u8],
    output: &mut Output,
) -> Result<&'a [u8], DecodeError> {
    loop {
        let (read, written) = (state.total_in(), state.total_out());
        let status = state.decompress(input, output.spare(1)?, FlushDecompress::None);
        let status =
            status.map_err(|_| output.broken("it is not gzip, or its checksum differs"))?;
        let (read, written) = (state.total_in() - read, state.total_out() - written);
        input = usize::try_from(read).ok().and_then(|read| input.get(read..)).unwrap_or_default();
        output.advance(usize::try_from(written).unwrap_or_default());
        if status == Status::StreamEnd {
            return Ok(input);
        }
        if read == 0 && written == 0 {
            return Err(output.broken("it ends early"));
        }
    }
}

/// Writes gzip, with the state of the last batch used again.
#[derive(Default)]
pub(super) struct GzipEncoder {
    state: Option<(Option<i32>, Compress)>,
}

impl GzipEncoder {
    pub(super) fn compress(
        &mut self,
        level: Option<i32>,
        records: &[u8],
        output: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let state = self.state(level);
        output.reserve(records.len() / 2 + SMALLEST_RESERVE);
        loop {
            let read = usize::try_from(state.total_in()).unwrap_or_default();
            let input = records.get(read..).unwrap_or_default();
            match state.compress_vec(input, output, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => return Ok(()),
                Ok(Status::Ok | Status::BufError) => {
                    output.reserve(output.capacity().max(SMALLEST_RESERVE));
                }
                Err(error) => {
                    let cause = error.to_string();
                    return Err(EncodeError::Compress { codec: Compression::Gzip, cause });
                }
            }
        }
    }

    fn state(&mut self, level: Option<i32>) -> &mut Compress {
        let reusable = self.state.take().filter(|(known, _)| *known == level);
        let (_, state) = self.state.insert(reusable.unwrap_or_else(|| {
            let number = level.and_then(|level| u32::try_from(level).ok());
            let number = number.map_or_else(flate2::Compression::default, flate2::Compression::new);
            (level, Compress::new_gzip(number, WINDOW_BITS))
        }));
        state.reset();
        state
    }
}

/// The greatest window that deflate has, and the one that all writers use.
const WINDOW_BITS: u8 = 15;
/// Room for header and trailer.
const SMALLEST_RESERVE: usize = 64;
