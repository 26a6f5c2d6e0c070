//! Zstandard (RFC 8878): through the C library with the feature `zstd`, in pure Rust without it.

#[cfg(feature = "zstd")]
pub(super) use native::{ZstdDecoder, ZstdEncoder, check_level};
#[cfg(not(feature = "zstd"))]
pub(super) use pure::{ZstdDecoder, ZstdEncoder, check_level};

#[cfg(feature = "zstd")]
mod native {
    use zstd::zstd_safe::{
        CCtx, CParameter, DCtx, compress_bound, get_error_name, get_frame_content_size,
        zstd_sys::ZSTD_ErrorCode,
    };

    use crate::{
        compression::{Compression, output::Output},
        error::{DecodeError, EncodeError},
    };

    /// Reads Zstandard, with the state of the last batch used again.
    #[derive(Default)]
    pub(in crate::compression) struct ZstdDecoder {
        state: Option<DCtx<'static>>,
    }

    impl ZstdDecoder {
        #[cfg(test)]
        pub(super) fn size_in_memory(&self) -> usize {
            self.state.as_ref().map_or(0, DCtx::sizeof)
        }

        /// Decompresses in one step, so that no window is kept besides the output: a frame from a
        /// stream declares one of up to 128 MiB, however little it holds. Such a frame does not
        /// say its size either; the output grows until it is large enough.
        pub(in crate::compression) fn decompress(
            &mut self,
            input: &[u8],
            output: &mut Output,
        ) -> Result<(), DecodeError> {
            let state = self.state.get_or_insert_with(DCtx::create);
            let mut size = first_size(input, output)?;
            loop {
                let room = output.spare(size)?;
                let given = room.len();
                match state.decompress(room, input) {
                    Ok(written) => {
                        output.advance(written);
                        return Ok(());
                    }
                    Err(code) if code != TOO_SMALL => {
                        return Err(output.broken(get_error_name(code)));
                    }
                    Err(_) if given < size => return Err(output.too_large()),
                    Err(_) => size = given.saturating_mul(GROWTH),
                }
            }
        }
    }

    /// The size that the first frame declares, as far as its bytes can fill it, or a guess.
    fn first_size(input: &[u8], output: &Output) -> Result<usize, DecodeError> {
        let declared =
            get_frame_content_size(input).map_err(|_| output.broken("it has no frame"))?;
        let Some(declared) = declared else {
            return Ok(input.len().saturating_mul(GROWTH));
        };
        let size = usize::try_from(declared).map_err(|_| output.too_large())?;
        output.check_room(size)?;
        Ok(size.min(input.len().saturating_mul(GREATEST_RATIO)).max(1))
    }

    /// Writes Zstandard, with the state of the last batch used again.
    #[derive(Default)]
    pub(in crate::compression) struct ZstdEncoder {
        state: Option<CCtx<'static>>,
    }

    impl ZstdEncoder {
        pub(in crate::compression) fn compress(
            &mut self,
            level: Option<i32>,
            records: &[u8],
            output: &mut Vec<u8>,
        ) -> Result<(), EncodeError> {
            let state = self.state.get_or_insert_with(CCtx::create);
            output.reserve(compress_bound(records.len()));
            let level = level.unwrap_or(zstd::DEFAULT_COMPRESSION_LEVEL);
            let compressed = state
                .set_parameter(CParameter::CompressionLevel(level))
                .and_then(|_| state.compress2(output, records));
            compressed.map(|_| ()).map_err(|code| EncodeError::Compress {
                codec: Compression::Zstd,
                cause: get_error_name(code).to_owned(),
            })
        }
    }

    /// Every level of the range is there.
    pub(in crate::compression) const fn check_level(_: i32) -> Result<(), EncodeError> {
        Ok(())
    }

    /// The code for an output that is too small: errors are the negated numbers of the library.
    const TOO_SMALL: usize = (ZSTD_ErrorCode::ZSTD_error_dstSize_tooSmall as usize).wrapping_neg();
    /// By how much the output grows, and the first guess for it.
    const GROWTH: usize = 4;
    /// A block of one byte repeated takes four bytes and becomes at most 128 KiB.
    const GREATEST_RATIO: usize = 32 << 10;
}

#[cfg(any(not(feature = "zstd"), test))]
#[cfg_attr(feature = "zstd", expect(dead_code, reason = "tests only read and write with it"))]
mod pure {
    use std::io::Read;

    use ruzstd::{
        decoding::{BlockDecodingStrategy, FrameDecoder, errors::FrameDecoderError},
        encoding::{CompressionLevel, compress},
    };

    use crate::{
        compression::output::Output,
        error::{DecodeError, EncodeError},
    };

    /// Reads Zstandard, with the state of the last batch used again.
    #[derive(Default)]
    pub(in crate::compression) struct ZstdDecoder {
        state: FrameDecoder,
    }

    impl ZstdDecoder {
        /// Reads all frames in `input`.
        pub(in crate::compression) fn decompress(
            &mut self,
            mut input: &[u8],
            output: &mut Output,
        ) -> Result<(), DecodeError> {
            loop {
                self.begin_frame(&mut input, output)?;
                self.decompress_blocks(&mut input, output)?;
                if input.is_empty() {
                    return Ok(());
                }
            }
        }

        /// Reads the header of a frame. The state makes room for the whole window at once, so that
        /// one larger than all that may come out is lowered: nothing can refer further back.
        fn begin_frame(&mut self, input: &mut &[u8], output: &Output) -> Result<(), DecodeError> {
            let largest = output.limit().min(LARGEST_WINDOW - 1) + 1;
            let window = largest.next_power_of_two().max(LARGEST_BLOCK);
            let (start, mut rest) = input
                .split_first_chunk()
                .map(|(start, rest)| (with_window_up_to(window, *start), rest))
                .ok_or_else(|| output.broken("it has no frame"))?;
            self.state.set_max_window_size(window as u64);
            self.state.reset(start.chain(&mut rest)).map_err(|error| match error {
                FrameDecoderError::WindowSizeTooBig { .. } => output.too_large(),
                _ => output.broken("it has no frame"),
            })?;
            *input = rest;
            Ok(())
        }

        fn decompress_blocks(
            &mut self,
            input: &mut &[u8],
            output: &mut Output,
        ) -> Result<(), DecodeError> {
            while !self.state.is_finished() {
                let step = BlockDecodingStrategy::UptoBytes(STEP);
                let decoded = self.state.decode_blocks(&mut *input, step);
                decoded.map_err(|_| output.broken("a block is damaged"))?;
                self.drain(output)?;
            }
            Ok(())
        }

        fn drain(&mut self, output: &mut Output) -> Result<(), DecodeError> {
            while self.state.can_collect() > 0 {
                let room = output.room_up_to(self.state.can_collect())?;
                let read = self.state.read(room);
                output.advance(read.map_err(|_| output.broken("a block is damaged"))?);
            }
            Ok(())
        }
    }

    /// The start of a frame: its magic number, its descriptor and, unless it is a single segment, its
    /// window, whose upper five bits are the power of two.
    fn with_window_up_to(window: usize, mut start: [u8; 6]) -> [u8; 6] {
        let [magic @ .., descriptor, declared] = &mut start;
        let power = window.ilog2().saturating_sub(LEAST_WINDOW.ilog2());
        let power = u8::try_from(power).unwrap_or(GREATEST_POWER);
        if *magic == MAGIC && *descriptor & SINGLE_SEGMENT == 0 {
            *declared = (*declared).min(power.min(GREATEST_POWER) << 3);
        }
        start
    }

    /// Writes Zstandard at the one level there is.
    #[derive(Default)]
    pub(in crate::compression) struct ZstdEncoder;

    impl ZstdEncoder {
        #[expect(clippy::unnecessary_wraps, reason = "the C library can fail")]
        pub(in crate::compression) fn compress(
            &mut self,
            _: Option<i32>,
            records: &[u8],
            output: &mut Vec<u8>,
        ) -> Result<(), EncodeError> {
            compress(records, output, CompressionLevel::Fastest);
            Ok(())
        }
    }

    /// Kafka's usual level stands for the one there is.
    pub(in crate::compression) const fn check_level(level: i32) -> Result<(), EncodeError> {
        // The pure encoder knows no other than the fastest.
        Err(EncodeError::Unsupported { what: "compression.zstd.level", value: level as i64 })
    }

    /// What a frame begins with.
    const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    /// Set where the window is as large as the content, and not declared.
    const SINGLE_SEGMENT: u8 = 0x20;
    /// The window whose power is written as 0.
    const LEAST_WINDOW: usize = 1024;
    /// No block is larger, nor larger than the window.
    const LARGEST_BLOCK: usize = 128 * 1024;
    /// Decoders need not know larger ones.
    const LARGEST_WINDOW: usize = 1 << 31;
    /// What five bits can hold.
    const GREATEST_POWER: u8 = 31;
    /// How much is decoded before it is moved to the output, which then may refuse it.
    const STEP: usize = 1024 * 1024;
}

#[cfg(all(test, feature = "zstd"))]
mod tests {
    use std::{io::Write, sync::Arc};

    use super::{native, pure};
    use crate::{
        allocations::largest_allocation,
        compression::{Compression, output::Output},
    };

    #[test]
    fn the_two_implementations_read_each_other() {
        let records: Vec<u8> = (0..100_000_u32).flat_map(|n| (n / 5).to_be_bytes()).collect();
        let (mut by_native, mut by_pure) = (Vec::new(), Vec::new());
        native::ZstdEncoder::default().compress(None, &records, &mut by_native).unwrap();
        pure::ZstdEncoder.compress(None, &records, &mut by_pure).unwrap();
        for stored in [by_native, by_pure] {
            let pool = Arc::default();
            let output = || Output::new(&pool, Compression::Zstd, stored.len(), records.len());
            let (mut native, mut pure) = (output(), output());
            native::ZstdDecoder::default().decompress(&stored, &mut native).unwrap();
            pure::ZstdDecoder::default().decompress(&stored, &mut pure).unwrap();
            assert_eq!(native.finish().unwrap(), records);
            assert_eq!(pure.finish().unwrap(), records);
        }
    }

    #[test]
    fn a_stream_with_a_large_window_needs_no_memory_for_it() {
        let mut encoder = ::zstd::stream::write::Encoder::new(Vec::new(), 22).unwrap();
        encoder.write_all(b"small").unwrap();
        let stored = encoder.finish().unwrap();
        let mut output = Output::new(&Arc::default(), Compression::Zstd, stored.len(), 1000);
        let mut decoder = native::ZstdDecoder::default();
        decoder.decompress(&stored, &mut output).unwrap();
        assert_eq!(output.finish().unwrap(), "small");
        assert!(decoder.size_in_memory() < 256 << 10, "{}", decoder.size_in_memory());
        let mut output = Output::new(&Arc::default(), Compression::Zstd, stored.len(), 1000);
        let mut decoder = pure::ZstdDecoder::default();
        let (decoded, largest) = largest_allocation(|| decoder.decompress(&stored, &mut output));
        decoded.unwrap();
        assert_eq!(output.finish().unwrap(), "small");
        assert!(largest < 512 << 10, "{largest}");
    }
}
