//! A rival's side of the conversation.

use std::{
    fs,
    io::{self, BufRead, Write},
};

use crate::{Seen, Turn, turn};

/// A client's record codec, called the way that suits it best.
pub trait Peer {
    /// Keeps `log` to decode, and its records to encode again.
    fn load(&mut self, log: Vec<u8>) -> Result<(), String>;

    /// One pass over the log: every batch is checked and decoded, every record looked at, then dropped.
    fn decode(&mut self) -> Result<Seen, String>;

    /// One pass that makes batches of the same records; each goes to `sent` and is dropped. The sum seen is the
    /// number of bytes.
    fn encode(&mut self, codec: &str, sent: &mut dyn FnMut(&[u8])) -> Result<Seen, String>;
}

/// Answers the lines of stdin until it ends: `load PATH`, `decode`, `encode CODEC`, `write CODEC PATH`.
///
/// `allocations` says how often memory has been asked for so far.
pub fn serve(mut peer: impl Peer, allocations: impl Fn() -> u64) -> io::Result<()> {
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let answer = answer(&mut peer, &line?, &allocations);
        writeln!(output, "{}", answer.unwrap_or_else(|error| format!("error: {error}")))?;
        output.flush()?;
    }
    Ok(())
}

fn answer(
    peer: &mut impl Peer,
    line: &str,
    allocations: impl Fn() -> u64,
) -> Result<String, String> {
    let words: Vec<&str> = line.splitn(3, ' ').collect();
    match words[..] {
        ["load", path] => {
            let log = fs::read(path).map_err(|error| format!("reading {path}: {error}"))?;
            peer.load(log).map(|()| DONE.to_owned())
        }
        ["decode"] => turn(allocations, || peer.decode()).map(told),
        ["encode", codec] => turn(allocations, || peer.encode(codec, &mut |_| ())).map(told),
        ["write", codec, path] => {
            let mut written = Vec::new();
            peer.encode(codec, &mut |batch| written.extend_from_slice(batch))?;
            fs::write(path, written).map_err(|error| format!("writing {path}: {error}"))?;
            Ok(DONE.to_owned())
        }
        _ => Err(format!("not understood: {line}")),
    }
}

fn told(turn: Turn) -> String {
    turn.to_string()
}

const DONE: &str = "done";
