//! Small LZ4 blocks instead of quick ones: the longest match is looked for at every position, and then
//! the shortest way through the matches (KIP-390).
//!
//! A block takes bounded time whatever it holds: a position looks at so many candidates as its level
//! allows, and a match that is long enough is not looked for again further inside.

/// Makes blocks, with the tables of the last one used again.
#[derive(Default)]
pub(super) struct HighCompressor {
    /// The last position of each hash of four bytes, plus one; 0 for none.
    heads: Vec<u16>,
    /// For each position the one before it with the same hash, in the same form.
    chain: Vec<u16>,
    /// The longest match at each position; later what is written there.
    matches: Vec<Match>,
    /// The bytes that everything from a position on takes.
    costs: Vec<u32>,
}

/// A repetition of what is `distance` bytes before; without length where there is none.
#[derive(Clone, Copy, Default)]
struct Match {
    length: u16,
    distance: u16,
}

impl HighCompressor {
    /// Replaces the content of `output` with `block` as an LZ4 block: at most 64 KiB, compressed as
    /// Java does at this `level` of lz4.
    pub(super) fn compress(&mut self, block: &[u8], level: i32, output: &mut Vec<u8>) {
        let attempts = usize::try_from(level - 1).ok().and_then(|at| ATTEMPTS.get(at));
        // The last literals are out of sight, and no match begins shortly before them.
        let seen = block.get(..block.len().saturating_sub(LAST_LITERALS)).unwrap_or_default();
        let starts = (block.len() + 1).saturating_sub(LAST_START);
        self.link(seen);
        self.find_matches(seen, starts, *attempts.unwrap_or(&MOST_ATTEMPTS));
        self.choose(block.len());
        output.clear();
        self.write(block, output);
    }

    fn link(&mut self, block: &[u8]) {
        self.heads.clear();
        self.heads.resize(1 << HASH_BITS, 0);
        self.chain.clear();
        for (word, next) in block.array_windows().zip(1..=u16::MAX) {
            let hash = u32::from_le_bytes(*word).wrapping_mul(HASH_FACTOR) >> (32 - HASH_BITS);
            let head = self.heads.get_mut(hash as usize).map(|head| std::mem::replace(head, next));
            self.chain.push(head.unwrap_or_default());
        }
    }

    /// Finds the longest match at each of the first `starts` positions.
    fn find_matches(&mut self, block: &[u8], starts: usize, attempts: usize) {
        self.matches.clear();
        let mut found = Match::default();
        for at in 0..starts {
            let known = found.shortened();
            found = self.longest(block, at, known, attempts);
            if found.length > known.length {
                self.extend_back(block, at, found);
            }
            self.matches.push(found);
        }
    }

    /// The longest match at `at`, or the one already `known` there.
    fn longest(&self, block: &[u8], at: usize, known: Match, mut attempts: usize) -> Match {
        let here = block.get(at..).unwrap_or_default();
        let mut best = known;
        'longer: loop {
            let length = usize::from(best.length).max(MIN_MATCH - 1);
            if length >= LONG.min(here.len()) {
                return best;
            }
            // What is longer than the best ends with these four bytes. Fewer positions have them
            // than have the four at the beginning, where the best has been found already.
            let offset = length + 1 - MIN_MATCH;
            let mut candidate = self.before(at + offset);
            while let Some(from) = candidate.and_then(|end| end.checked_sub(offset)) {
                if attempts == 0 {
                    return best;
                }
                attempts -= 1;
                if word(block, from) == word(block, at) {
                    let longer = common(block.get(from..).unwrap_or_default(), here);
                    if longer > length {
                        best = Match::new(longer, at - from);
                        continue 'longer;
                    }
                }
                candidate = self.before(from + offset);
            }
            return best;
        }
    }

    /// The position before `at` that has the same hash.
    fn before(&self, at: usize) -> Option<usize> {
        usize::from(self.chain.get(at).copied().unwrap_or_default()).checked_sub(1)
    }

    /// Hands the match `found` at `at` to the positions before it that it is longer for.
    fn extend_back(&mut self, block: &[u8], at: usize, mut found: Match) {
        let (here, _) = block.split_at_checked(at).unwrap_or_default();
        let from = at - usize::from(found.distance);
        let there = block.get(..from).unwrap_or_default();
        let same = here.iter().rev().zip(there.iter().rev()).take_while(|(a, b)| a == b);
        for (known, _) in self.matches.iter_mut().rev().zip(same) {
            found.length += 1;
            if known.length >= found.length {
                return;
            }
            *known = found;
        }
    }

    /// Decides from the end to the beginning of a block of `size` bytes whether a match or a literal
    /// is cheaper.
    fn choose(&mut self, size: usize) {
        let Self { matches, costs, .. } = self;
        costs.clear();
        costs.extend((0..=size).rev().map(|rest| u32::try_from(rest).unwrap_or_default()));
        let mut literals = size - matches.len();
        let mut following = costs.get(matches.len()).copied().unwrap_or_default();
        for (at, found) in matches.iter_mut().enumerate().rev() {
            literals += 1;
            following += literal_cost(literals);
            let longest = *found;
            found.length = 0;
            // What follows costs the less the later it begins: only the longest match is of interest,
            // and the longest whose length takes no byte of its own.
            for length in [longest.length.min(LONGEST_IN_TOKEN), longest.length] {
                let behind = costs.get(at + usize::from(length)).copied().unwrap_or_default();
                let cost = behind + match_cost(length);
                if length > 0 && cost <= following {
                    (following, found.length) = (cost, length);
                    literals = 0;
                }
            }
            if let Some(cost) = costs.get_mut(at) {
                *cost = following;
            }
        }
    }

    fn write(&self, block: &[u8], output: &mut Vec<u8>) {
        let (mut at, mut written) = (0, 0);
        while let Some(found) = self.matches.get(at) {
            let length = usize::from(found.length);
            if length == 0 {
                at += 1;
                continue;
            }
            let rest = length - MIN_MATCH;
            write_literals(block.get(written..at).unwrap_or_default(), rest, output);
            output.extend_from_slice(&found.distance.to_le_bytes());
            write_rest(rest, output);
            at += length;
            written = at;
        }
        write_literals(block.get(written..).unwrap_or_default(), 0, output);
    }
}

impl Match {
    fn new(length: usize, distance: usize) -> Self {
        let fits = |number| u16::try_from(number).unwrap_or_default();
        Self { length: fits(length), distance: fits(distance) }
    }

    /// The match that is at the next position because of this one.
    fn shortened(self) -> Self {
        if usize::from(self.length) == MIN_MATCH {
            return Self::default();
        }
        Self { length: self.length.saturating_sub(1), ..self }
    }
}

fn word(block: &[u8], at: usize) -> u32 {
    let word = block.get(at..).and_then(<[u8]>::first_chunk);
    word.map_or(0, |word| u32::from_le_bytes(*word))
}

/// How many bytes both begin with.
fn common(left: &[u8], right: &[u8]) -> usize {
    let mut length = 0;
    for (left, right) in left.as_chunks().0.iter().zip(right.as_chunks().0) {
        let difference = u64::from_le_bytes(*left) ^ u64::from_le_bytes(*right);
        if difference != 0 {
            return length + (difference.trailing_zeros() / 8) as usize;
        }
        length += 8;
    }
    let rest = left.iter().zip(right).skip(length);
    length + rest.take_while(|(left, right)| left == right).count()
}

/// What the last of `run` literals adds.
fn literal_cost(run: usize) -> u32 {
    match run.checked_sub(TOKEN_LIMIT) {
        Some(rest) if rest.is_multiple_of(REST_LIMIT) => 2,
        _ => 1,
    }
}

/// What a match takes: the token, the distance, and the length as far as it is not in the token.
fn match_cost(length: u16) -> u32 {
    match length.checked_sub(LONGEST_IN_TOKEN + 1) {
        Some(rest) => 4 + u32::from(rest) / 255,
        None => 3,
    }
}

/// Writes a token, for a match of `rest` bytes more than the least, and the literals before the match.
fn write_literals(literals: &[u8], rest: usize, output: &mut Vec<u8>) {
    let token = literals.len().min(TOKEN_LIMIT) << 4 | rest.min(TOKEN_LIMIT);
    output.push(u8::try_from(token).unwrap_or_default());
    write_rest(literals.len(), output);
    output.extend_from_slice(literals);
}

/// Writes what of a length is not in the token.
fn write_rest(length: usize, output: &mut Vec<u8>) {
    let Some(rest) = length.checked_sub(TOKEN_LIMIT) else {
        return;
    };
    output.extend(std::iter::repeat_n(u8::MAX, rest / REST_LIMIT));
    output.push(u8::try_from(rest % REST_LIMIT).unwrap_or_default());
}

/// How many candidates a position looks at, for each level from 1 on: as many as it takes to come within about a
/// hundredth of what Java makes at that level. 9 stands for the fast encoder and is not asked for.
const ATTEMPTS: [usize; 11] = [1, 1, 2, 4, 6, 10, 14, 18, 32, 64, 128];
/// At all levels above. More finds hardly anything in 64 KiB.
const MOST_ATTEMPTS: usize = 512;
/// A match that is long enough: no longer one is looked for.
const LONG: usize = 64;

const HASH_BITS: u32 = 15;
/// The golden section of 2 to the 32.
const HASH_FACTOR: u32 = 2_654_435_761;

/// The shortest match.
const MIN_MATCH: usize = 4;
/// So many bytes at the end of a block are literals.
const LAST_LITERALS: usize = 5;
/// The last match begins so far before the end of a block, or further.
const LAST_START: usize = 12;
/// The greatest length in a half of a token, which says that there is more of it.
const TOKEN_LIMIT: usize = 15;
/// The greatest number in a byte of the rest of a length, which says that there is another.
const REST_LIMIT: usize = 255;
/// The longest match whose length is in the token.
const LONGEST_IN_TOKEN: u16 = 18;

#[cfg(test)]
mod tests;
