//! Numbers and checksums, one row each. The rows for keys are read where keys are hashed, by the client.

use kavka_protocol::{
    put_unsigned_varint, put_varint, put_varlong, take_unsigned_varint, take_varint, take_varlong,
    unsigned_varint_size, varint_size, varlong_size,
};

use crate::file::{table, unhex};

#[test]
fn variable_length_numbers_have_javas_bytes_and_read_back() {
    let rows = table("varint.tsv");
    for kind in ["varint", "varlong", "unsigned"] {
        assert!(rows.iter().filter(|row| row[0] == kind).count() > 100, "{kind}");
    }
    for row in rows {
        let [kind, number, bytes] = row.as_slice() else { panic!("{row:?}") };
        check_number(kind, number, &unhex(bytes));
    }
}

fn check_number(kind: &str, text: &str, bytes: &[u8]) {
    let mut written = Vec::new();
    let mut rest = bytes;
    let (size, read) = match kind {
        "varint" => {
            let number = text.parse().unwrap();
            put_varint(&mut written, number);
            (varint_size(number), take_varint(&mut rest, "number").map(i64::from))
        }
        "varlong" => {
            let number = text.parse().unwrap();
            put_varlong(&mut written, number);
            (varlong_size(number), take_varlong(&mut rest, "number"))
        }
        _ => {
            let number = text.parse().unwrap();
            put_unsigned_varint(&mut written, number);
            let read = take_unsigned_varint(&mut rest, "number").map(i64::from);
            (unsigned_varint_size(number), read)
        }
    };
    assert_eq!(written, bytes, "{kind} {text}");
    assert_eq!(size, bytes.len(), "{kind} {text}");
    assert_eq!(read, Ok(text.parse().unwrap()), "{kind} {text}");
    assert!(rest.is_empty(), "{kind} {text}");
    for length in 0..bytes.len() {
        let mut cut = &bytes[..length];
        assert!(take_varlong(&mut cut, "number").is_err(), "{kind} {text} cut to {length}");
    }
}

#[test]
fn checksums_are_javas_whole_and_put_together() {
    let rows = table("crc32c.tsv");
    assert!(rows.len() > 100);
    for row in rows {
        let [bytes, crc] = row.as_slice() else { panic!("{row:?}") };
        let (bytes, expected): (_, u32) = (unhex(bytes), crc.parse().unwrap());
        assert_eq!(crc32c::crc32c(&bytes), expected, "{bytes:x?}");
        let (front, back) = bytes.split_at(bytes.len() / 3);
        let (front, behind) = (crc32c::crc32c(front), crc32c::crc32c(back));
        let joined = crc32c::crc32c_combine(front, behind, back.len());
        assert_eq!(joined, expected, "{bytes:x?}");
    }
}
