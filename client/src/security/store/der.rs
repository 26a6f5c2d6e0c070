//! As much of DER as the Java key store needs.

/// The tag of a sequence, with which every store in DER begins.
pub(super) const SEQUENCE: u8 = 0x30;

/// The tag of an octet string.
pub(super) const OCTET_STRING: u8 = 0x04;

/// Splits the content of the element with `tag` off `input`; `None` where there is another.
pub(super) fn element<'a>(input: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (head, rest) = input.split_at_checked(2)?;
    let [found, length] = *head else { return None };
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    *input = rest;
    (found == tag).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_split_off_and_nothing_is_read_beyond_the_end() {
        let mut input =
            &[0x30, 0x02, 1, 2, 0x04, 0x81, 0x01, 9, 0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..];
        assert_eq!(element(&mut input, SEQUENCE), Some(&[1, 2][..]));
        assert_eq!(element(&mut input, OCTET_STRING), Some(&[9][..]));
        assert_eq!(element(&mut input, SEQUENCE), None);
        assert_eq!(element(&mut &[0x30][..], SEQUENCE), None);
        assert_eq!(element(&mut &[0x31, 0][..], SEQUENCE), None);
    }
}
