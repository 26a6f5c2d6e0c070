//! The hash by which Kafka's clients place keys, bit for bit that of the Java client.

/// The partition of `key` in a topic with `count` partitions, whether it can be written to or not:
/// a key never moves.
#[inline]
pub(in crate::producer) fn partition_for_key(key: &[u8], count: i32) -> i32 {
    let positive = murmur2(key).cast_signed() & i32::MAX;
    positive % count.max(1)
}

fn murmur2(bytes: &[u8]) -> u32 {
    // The lengths of keys fit into 32 bits, as do those of records.
    let length = bytes.len() as u32;
    let mut hash = SEED ^ length;
    let (words, tail) = bytes.as_chunks::<4>();
    for word in words {
        let mut mixed = u32::from_le_bytes(*word).wrapping_mul(FACTOR);
        mixed ^= mixed >> 24;
        hash = hash.wrapping_mul(FACTOR) ^ mixed.wrapping_mul(FACTOR);
    }
    if !tail.is_empty() {
        let rest = tail.iter().rev().fold(0, |rest, byte| rest << 8 | u32::from(*byte));
        hash = (hash ^ rest).wrapping_mul(FACTOR);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(FACTOR);
    hash ^ hash >> 15
}

const SEED: u32 = 0x9747_b28c;
const FACTOR: u32 = 0x5bd1_e995;

#[cfg(test)]
mod tests {
    use sha1::{Digest, Sha1};

    use super::*;

    #[test]
    fn keys_hash_as_in_java() {
        for (key, hash, partition) in [
            ("", 275_646_681, 1),
            ("21", -973_932_308, 0),
            ("abc", 479_470_107, 7),
            ("foobar", -790_332_482, 6),
            ("a-little-bit-long-string", -985_981_536, 2),
            ("a-little-bit-longer-string", -1_486_304_829, 9),
        ] {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash, "{key:?}");
            assert_eq!(partition_for_key(key.as_bytes(), 10), partition, "{key:?}");
        }
    }

    /// Rows written by Kafka's own function, see `protocol/vectors/README.md`.
    #[test]
    fn every_row_of_the_table_hashes_as_in_java() {
        let table = concat!(env!("CARGO_MANIFEST_DIR"), "/../protocol/vectors/murmur2.tsv");
        let table = std::fs::read_to_string(table).expect("the table");
        assert!(table.lines().count() > 100);
        // Java's bytes have a sign, the hash takes them without.
        let has_large_bytes =
            |row: &&str| unhex(row.split('\t').next().unwrap()).iter().any(|byte| *byte > 127);
        assert!(table.lines().filter(has_large_bytes).count() > 10);
        for row in table.lines() {
            let mut fields = row.split('\t');
            let key = unhex(fields.next().expect("a key"));
            let mut number = || fields.next().expect("a number").parse::<i32>().expect("a number");
            assert_eq!(murmur2(&key).cast_signed(), number(), "{row}");
            assert_eq!(partition_for_key(&key, 12), number(), "{row}");
            assert_eq!(partition_for_key(&key, 1000), number(), "{row}");
        }
    }

    /// All of them together, made here as `protocol/vectors/java/PartitionVectors.java` makes them.
    #[test]
    fn a_million_random_keys_go_where_javas_partitioner_puts_them() {
        let expected = concat!(env!("CARGO_MANIFEST_DIR"), "/../protocol/vectors/partitions.sha1");
        let expected = std::fs::read_to_string(expected).expect("the digest");
        let (mut numbers, mut digest) = (SplitMix64(1), Sha1::new());
        let mut key = Vec::new();
        for _ in 0..1_000_000 {
            let length = numbers.below(100);
            key.clear();
            while key.len() < length {
                key.extend(numbers.next().to_le_bytes());
            }
            let count = 1 + numbers.below(1000);
            let partition = partition_for_key(&key[..length], i32::try_from(count).unwrap());
            digest.update(u16::try_from(partition).unwrap().to_be_bytes());
        }
        let found: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, expected.trim());
    }

    struct SplitMix64(u64);

    impl SplitMix64 {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^ (mixed >> 31)
        }

        fn below(&mut self, bound: u64) -> usize {
            usize::try_from(self.next() % bound).unwrap()
        }
    }

    fn unhex(text: &str) -> Vec<u8> {
        let digits = text.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).expect("digits"));
        digits.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal digits")).collect()
    }
}
