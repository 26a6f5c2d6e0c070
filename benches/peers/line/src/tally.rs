//! The proof that a client has delivered what it was to deliver.

/// What was delivered. Whoever delivered the same records has the same tally, in whatever order they came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many records.
    pub records: u64,
    /// Their offsets, added up.
    pub offsets: u64,
    /// The bytes and lengths of their values, added up.
    pub values: u64,
}

impl Tally {
    /// Adds a record; every byte of its value is read.
    #[inline]
    pub fn add(&mut self, offset: i64, value: &[u8]) {
        self.records += 1;
        self.offsets = self.offsets.wrapping_add(offset.cast_unsigned());
        self.values = self.values.wrapping_add(sum(value));
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            records: self.records + other.records,
            offsets: self.offsets.wrapping_add(other.offsets),
            values: self.values.wrapping_add(other.values),
        }
    }

    /// The same `count` times over.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self {
            records: self.records * count,
            offsets: self.offsets.wrapping_mul(count),
            values: self.values.wrapping_mul(count),
        }
    }
}

/// Eight bytes at a time, which costs least of all that reads every byte.
#[inline]
fn sum(value: &[u8]) -> u64 {
    let (words, rest) = value.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let words = words
        .iter()
        .fold(u64::from_le_bytes(last), |sum, word| sum.wrapping_add(u64::from_le_bytes(*word)));
    words.wrapping_add(value.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(records: &[(i64, &[u8])]) -> Tally {
        let mut tally = Tally::default();
        records.iter().for_each(|(offset, value)| tally.add(*offset, value));
        tally
    }

    #[test]
    fn every_byte_and_the_length_of_a_value_count() {
        let value: Vec<u8> = (1..=27).collect();
        let all = of(&[(5, &value)]);
        for at in 0..value.len() {
            let mut other = value.clone();
            other[at] ^= 0x80;
            assert_ne!(all, of(&[(5, &other)]), "{at}");
        }
        assert_ne!(of(&[(5, b"")]), of(&[(5, b"\0")]));
    }

    #[test]
    fn order_does_not_count_and_repetitions_do() {
        let [one, two] = [(0, &b"first"[..]), (1, b"second")];
        assert_eq!(of(&[one, two]), of(&[two, one]));
        assert_eq!(of(&[one]).plus(of(&[two])), of(&[one, two]));
        assert_eq!(of(&[one, one, one]), of(&[one]).times(3));
        assert_ne!(of(&[one, two]), of(&[one, one]));
    }
}
