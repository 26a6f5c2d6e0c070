//! What a proxy does wrong, decided frame by frame. Nothing here knows a socket or a clock.

use std::collections::HashMap;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use kavka_protocol::ApiKey;

use crate::random::Random;

/// How a proxy ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The client reads the end of the stream; the broker loses its connection.
    Close,
    /// The client reads the end of the stream; what it goes on sending still reaches the broker.
    HalfClose,
    /// The client's connection is reset (RST); the broker loses its connection.
    Reset,
}

/// What happens, once, to a request or to its answer. Bytes are counted with the length in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// So many bytes of the request reach the broker, at most all of them; then the connection ends.
    CutRequest {
        /// How many.
        after: usize,
        /// In which way.
        end: End,
    },
    /// The broker gets the whole request, and the client so many bytes of its answer; then the
    /// connection ends.
    CutAnswer {
        /// How many.
        after: usize,
        /// In which way.
        end: End,
    },
    /// All bits of one byte of the answer are turned; one that is longer than the answer happens to the
    /// next.
    Flip {
        /// Which byte, from the start; from the end if it is negative.
        at: isize,
    },
    /// The answer waits for the next one, and both arrive in one piece, before this happens again.
    Join,
    /// The answer never arrives.
    Lose,
    /// The answer names another request.
    Misnumber,
    /// The answer arrives twice.
    Repeat,
}

/// What holds for everything that passes, in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Nothing arrives any more, and neither side learns of it; it arrives when this ends.
    pub is_silent: bool,
    /// How long everything is under way.
    pub latency: Duration,
    /// How much longer than that, at most.
    pub jitter: Duration,
    /// How much may pass.
    pub bytes_per_second: Option<usize>,
    /// How many bytes arrive at a time.
    pub piece: Option<usize>,
    /// One of so many requests and answers is cut somewhere by a reset of its connection.
    pub reset_one_in: Option<usize>,
}

/// What is still to happen, and what has.
#[derive(Debug)]
pub(super) struct Script {
    faults: Vec<(ApiKey, Fault)>,
    random: Random,
    pub(super) happened: usize,
}

/// Bytes that leave the proxy, and whether the connection ends behind them.
#[derive(Debug, PartialEq)]
pub(super) struct Departure {
    pub(super) bytes: Bytes,
    pub(super) end: Option<End>,
}

/// What one connection has of its own.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    /// What the requests under way are, by correlation id.
    apis: HashMap<i32, ApiKey>,
    held: Option<Bytes>,
}

impl Script {
    pub(super) fn new(seed: u64) -> Self {
        Self { faults: Vec::new(), random: Random::new(seed), happened: 0 }
    }

    pub(super) fn add(&mut self, api: ApiKey, fault: Fault) {
        self.faults.push((api, fault));
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.random.below(bound)
    }

    pub(super) fn handle_request(
        &mut self,
        exchange: &mut Exchange,
        frame: Bytes,
        odds: Option<usize>,
    ) -> Departure {
        let api = numbers(&frame).and_then(|(api, correlation)| {
            let api = ApiKey::try_from(api).ok()?;
            exchange.apis.insert(correlation, api);
            Some(api)
        });
        if self.is_reset(odds) {
            return self.reset(frame);
        }
        match self.take(api, |fault| matches!(fault, Fault::CutRequest { .. })) {
            Some(Fault::CutRequest { after, end }) => cut(frame, after, end),
            _ => Departure::whole(frame),
        }
    }

    /// `None` while an answer is kept back.
    pub(super) fn handle_answer(
        &mut self,
        exchange: &mut Exchange,
        frame: Bytes,
        odds: Option<usize>,
    ) -> Option<Departure> {
        let correlation = frame.get(4..8).map(|mut bytes| bytes.get_i32());
        let api = correlation.and_then(|correlation| exchange.apis.remove(&correlation));
        if self.is_reset(odds) {
            return Some(self.reset(frame));
        }
        let is_holding = exchange.held.is_some();
        let fault = self.take(api, |fault| match fault {
            Fault::CutRequest { .. } => false,
            Fault::Join => !is_holding,
            Fault::Flip { at } => place(*at, frame.len()).is_some(),
            _ => true,
        });
        let departure = match fault {
            None | Some(Fault::CutRequest { .. }) => Departure::whole(frame),
            Some(Fault::CutAnswer { after, end }) => cut(frame, after, end),
            Some(Fault::Flip { at }) => Departure::whole(flipped(&frame, at)),
            Some(Fault::Join) => {
                exchange.held = Some(frame);
                return None;
            }
            Some(Fault::Lose) => return None,
            Some(Fault::Misnumber) => Departure::whole(flipped(&frame, CORRELATION_END)),
            Some(Fault::Repeat) => Departure::whole([&frame[..], &frame].concat().into()),
        };
        Some(match exchange.held.take() {
            Some(held) => {
                Departure { bytes: [held, departure.bytes].concat().into(), end: departure.end }
            }
            None => departure,
        })
    }

    fn take(&mut self, api: Option<ApiKey>, fits: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let place = self.faults.iter().position(|(of, fault)| Some(*of) == api && fits(fault))?;
        self.happened += 1;
        Some(self.faults.remove(place).1)
    }

    fn is_reset(&mut self, odds: Option<usize>) -> bool {
        odds.is_some_and(|odds| self.below(odds) == 0)
    }

    fn reset(&mut self, frame: Bytes) -> Departure {
        self.happened += 1;
        let after = self.below(frame.len() + 1);
        cut(frame, after, End::Reset)
    }
}

impl Departure {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self { bytes, end: None }
    }
}

/// The next frame with its length, or whatever there is where that is no length at all: other protocols
/// pass as they are.
pub(super) fn next_frame(buffer: &mut BytesMut) -> Option<Bytes> {
    let length = u32::from_be_bytes(*buffer.first_chunk::<4>()?) as usize;
    let size = if length > FRAME_LIMIT { buffer.len() } else { 4 + length };
    (buffer.len() >= size).then(|| buffer.split_to(size).freeze())
}

/// The API key and the correlation id of a request.
fn numbers(frame: &[u8]) -> Option<(i16, i32)> {
    let mut header = frame.get(4..12)?;
    let api = header.get_i16();
    header.advance(2);
    Some((api, header.get_i32()))
}

fn cut(mut frame: Bytes, after: usize, end: End) -> Departure {
    frame.truncate(after);
    Departure { bytes: frame, end: Some(end) }
}

fn flipped(frame: &[u8], at: isize) -> Bytes {
    let mut bytes = frame.to_vec();
    if let Some(place) = place(at, frame.len()) {
        bytes[place] ^= 0xff;
    }
    bytes.into()
}

/// Where `at` is in something so long.
fn place(at: isize, length: usize) -> Option<usize> {
    let place = if at < 0 { length.checked_add_signed(at)? } else { at.unsigned_abs() };
    (place < length).then_some(place)
}

/// The last byte of an answer's correlation id.
const CORRELATION_END: isize = 7;

/// Longer frames are none: TLS and other protocols begin with what would be a length beyond this.
const FRAME_LIMIT: usize = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] = &[0, 0, 0, 10, 0, 1, 0, 12, 0, 0, 0, 7, 0, 0];
    const ANSWER: &[u8] = &[0, 0, 0, 6, 0, 0, 0, 7, 1, 2];

    /// What becomes of the answer to a Fetch with these faults.
    fn answers(faults: &[Fault], frames: usize) -> Vec<Option<Departure>> {
        let (mut script, mut exchange) = (Script::new(1), Exchange::default());
        faults.iter().for_each(|fault| script.add(ApiKey::Fetch, *fault));
        (0..frames)
            .map(|_| {
                let request =
                    script.handle_request(&mut exchange, Bytes::from_static(REQUEST), None);
                assert_eq!(request, Departure::whole(Bytes::from_static(REQUEST)));
                script.handle_answer(&mut exchange, Bytes::from_static(ANSWER), None)
            })
            .collect()
    }

    fn whole(bytes: &[u8]) -> Option<Departure> {
        Some(Departure::whole(Bytes::copy_from_slice(bytes)))
    }

    #[test]
    fn a_fault_happens_once_and_the_rest_passes_as_it_is() {
        for (fault, expected) in [
            (Fault::Flip { at: 3 }, whole(&[0, 0, 0, !6, 0, 0, 0, 7, 1, 2])),
            (Fault::Flip { at: -1 }, whole(&[0, 0, 0, 6, 0, 0, 0, 7, 1, !2])),
            (Fault::Flip { at: 10 }, whole(ANSWER)),
            (Fault::Lose, None),
            (Fault::Misnumber, whole(&[0, 0, 0, 6, 0, 0, 0, !7, 1, 2])),
            (Fault::Repeat, whole(&[ANSWER, ANSWER].concat())),
        ] {
            assert_eq!(answers(&[fault], 2), [expected, whole(ANSWER)], "{fault:?}");
        }
    }

    #[test]
    fn a_joined_answer_leaves_with_the_next() {
        let two = || whole(&[ANSWER, ANSWER].concat());
        assert_eq!(answers(&[Fault::Join], 3), [None, two(), whole(ANSWER)]);
        assert_eq!(answers(&[Fault::Join; 2], 4), [None, two(), None, two()]);
    }

    #[test]
    fn a_cut_ends_the_connection_behind_its_bytes() {
        let fault = Fault::CutAnswer { after: 5, end: End::Reset };
        let expected = Departure { bytes: Bytes::from_static(&ANSWER[..5]), end: Some(End::Reset) };
        assert_eq!(answers(&[fault], 1), [Some(expected)]);
        let (mut script, mut exchange) = (Script::new(1), Exchange::default());
        script.add(ApiKey::Produce, Fault::CutRequest { after: 0, end: End::Close });
        script.add(ApiKey::Fetch, Fault::CutRequest { after: 99, end: End::Close });
        let departure = script.handle_request(&mut exchange, Bytes::from_static(REQUEST), None);
        let bytes = Bytes::from_static(REQUEST);
        assert_eq!(departure, Departure { bytes, end: Some(End::Close) });
        assert_eq!(script.happened, 1);
    }

    #[test]
    fn one_in_so_many_is_reset() {
        let (mut script, mut exchange) = (Script::new(1), Exchange::default());
        let ended = (0..10_000).filter(|_| {
            let frame = Bytes::from_static(REQUEST);
            script.handle_request(&mut exchange, frame, Some(100)).end.is_some()
        });
        let ended = ended.count();
        assert!((50..200).contains(&ended), "{ended}");
        assert_eq!(script.happened, ended);
    }

    #[test]
    fn frames_come_whole_and_other_protocols_as_they_are() {
        let mut buffer = BytesMut::from(&[ANSWER, &ANSWER[..9]].concat()[..]);
        assert_eq!(next_frame(&mut buffer).as_deref(), Some(ANSWER));
        assert_eq!(next_frame(&mut buffer), None);
        let mut buffer = BytesMut::from(&b"\x16\x03\x01\x02\x00hello"[..]);
        assert_eq!(next_frame(&mut buffer).as_deref(), Some(&b"\x16\x03\x01\x02\x00hello"[..]));
        assert_eq!(next_frame(&mut buffer), None);
    }
}
