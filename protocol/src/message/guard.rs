//! The guard in front of `kafka-protocol`.
//!
//! Its decoders reserve memory for as many elements as an array announces, so ten hostile bytes
//! could abort the process. Two passes keep that from happening. In both, every
//! variable-length number is rebuilt as it is read and refused when it exceeds what remains. In the
//! first, every four-byte number is also lowered to one more than what remains: a count that was
//! lowered asks for more elements than there are bytes, so the pass fails, and one that was not is
//! honest. The second pass reads the values as they are.

use std::cmp;

use bytes::{Buf, Bytes, TryGetError};
use kafka_protocol::{
    messages::ApiKey,
    protocol::{Decodable, buf::ByteBuf},
};

use crate::error::DecodeError;

/// Decodes `body`, all of it, as `M` in `version`.
pub(super) fn decode<M: Decodable>(
    body: Bytes,
    api: ApiKey,
    version: i16,
) -> Result<M, DecodeError> {
    decode_pass::<M>(body.clone(), Pass::Counts, api, version)?;
    decode_pass(body, Pass::Values, api, version)
}

fn decode_pass<M: Decodable>(
    body: Bytes,
    pass: Pass,
    api: ApiKey,
    version: i16,
) -> Result<M, DecodeError> {
    let mut guarded = Guarded { bytes: body, pass, number: 0, shift: 0, refused: None };
    let decoded = M::decode(&mut guarded, version);
    let fault = |cause| DecodeError::Message { api, version, cause };
    if let Some(length) = guarded.refused {
        return Err(fault(format!("a length of {length} is more than what remains")));
    }
    let message = decoded.map_err(|error| fault(error.to_string().trim_end().to_owned()))?;
    match guarded.bytes.len() {
        0 => Ok(message),
        left => Err(fault(format!("{left} bytes follow the last field"))),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Proves that no count exceeds what remains; the values read are of no use.
    Counts,
    Values,
}

/// The bytes of a message, watched while a generated decoder reads them.
struct Guarded {
    bytes: Bytes,
    pass: Pass,
    /// The variable-length number of which the first bytes have been read.
    number: u64,
    shift: u32,
    refused: Option<u64>,
}

impl Guarded {
    /// Follows one byte of what may be a variable-length number.
    ///
    /// A boolean is read the same way. One that is not 0 or 1 is taken for the start of the number
    /// that follows, which then seems larger than it is, never smaller.
    fn watch(&mut self, byte: u8) -> Result<(), TryGetError> {
        self.number |= u64::from(byte & 0x7f) << self.shift;
        let available = self.bytes.len();
        let ends = byte < 0x80;
        // The codec stops at the fifth byte whatever it says, so nothing may go on after it.
        let too_long = !ends && self.shift >= 28;
        // Compact lengths are one more than the length they stand for.
        let most = cmp::max(available as u64 + 1, HARMLESS);
        if too_long || ends && self.number > most {
            self.refused = Some(self.number.saturating_sub(1));
            let requested = usize::try_from(self.number).unwrap_or(usize::MAX);
            return Err(TryGetError { requested, available });
        }
        if ends {
            self.forget();
        } else {
            self.shift += 7;
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.number = 0;
        self.shift = 0;
    }
}

impl Buf for Guarded {
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn advance(&mut self, count: usize) {
        self.forget();
        self.bytes.advance(count);
    }

    fn try_get_u8(&mut self) -> Result<u8, TryGetError> {
        let byte = self.bytes.try_get_u8()?;
        self.watch(byte)?;
        Ok(byte)
    }

    fn try_get_i32(&mut self) -> Result<i32, TryGetError> {
        self.forget();
        let value = self.bytes.try_get_i32()?;
        if self.pass == Pass::Values {
            return Ok(value);
        }
        let beyond = i32::try_from(self.bytes.len() + 1).unwrap_or(i32::MAX);
        Ok(cmp::min(value, beyond))
    }
}

impl ByteBuf for Guarded {
    fn peek_bytes(&mut self, range: std::ops::Range<usize>) -> Bytes {
        self.bytes.slice(range)
    }

    fn get_bytes(&mut self, size: usize) -> Bytes {
        self.forget();
        self.bytes.split_to(size)
    }
}

/// Numbers up to here pass whatever remains: reserving for so few elements costs nothing, and the
/// number of a tagged field near the end of a message has nothing to do with what follows it.
const HARMLESS: u64 = 127;
