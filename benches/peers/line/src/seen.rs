//! The proof that a pass has read what it was to read.

/// What a pass over a log has come across. Whoever reads the same log has seen the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// How many records.
    pub records: u64,
    /// Offsets, timestamps, lengths and first bytes of keys and values, added up.
    pub sum: u64,
}

impl Seen {
    /// Adds a record: everything a reader needs of it is looked at, its bytes are not read through.
    #[inline]
    pub fn add(&mut self, offset: i64, timestamp: i64, key: Option<&[u8]>, value: Option<&[u8]>) {
        let numbers = offset.wrapping_add(timestamp).cast_unsigned();
        let bytes = touch(key).wrapping_add(touch(value));
        self.records += 1;
        self.sum = self.sum.wrapping_add(numbers).wrapping_add(bytes);
    }
}

#[inline]
fn touch(bytes: Option<&[u8]>) -> u64 {
    match bytes {
        Some([first, rest @ ..]) => u64::from(*first) + rest.len() as u64,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_record_counts() {
        let sum = |offset, timestamp, key, value| {
            let mut seen = Seen::default();
            seen.add(offset, timestamp, key, value);
            seen.sum
        };
        let all = sum(7, 1000, Some(&b"key"[..]), Some(&b"value"[..]));
        assert_ne!(all, sum(8, 1000, Some(b"key"), Some(b"value")));
        assert_ne!(all, sum(7, 1001, Some(b"key"), Some(b"value")));
        assert_ne!(all, sum(7, 1000, Some(b"ley"), Some(b"value")));
        assert_ne!(all, sum(7, 1000, Some(b"key"), Some(b"values")));
        assert_ne!(all, sum(7, 1000, None, Some(b"value")));
    }
}
