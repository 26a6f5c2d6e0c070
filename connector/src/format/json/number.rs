//! Numbers as JSON, in the shape that Java gives them.

use std::fmt::{self, Write};

use crate::format::decimal::DigitBuffer;

/// Appends an integer.
pub(super) fn write_integer(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(DigitBuffer::default().write(u128::from(value.unsigned_abs())));
}

/// Appends the shortest text that reads back as `value`; what is no number becomes a string.
pub(super) fn write_double(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        write_finite(out, value.is_sign_negative(), &value.abs());
    } else {
        write_special(out, value);
    }
}

/// The same for 32 bits.
pub(super) fn write_float(out: &mut Vec<u8>, value: f32) {
    if value.is_finite() {
        write_finite(out, value.is_sign_negative(), &value.abs());
    } else {
        write_special(out, f64::from(value));
    }
}

fn write_special(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(match value {
        value if value.is_nan() => b"\"NaN\"",
        value if value > 0.0 => b"\"Infinity\"",
        _ => b"\"-Infinity\"",
    });
}

/// From a thousandth to ten millions without exponent, otherwise with one digit before the point.
fn write_finite(out: &mut Vec<u8>, is_negative: bool, value: &impl fmt::LowerExp) {
    if is_negative {
        out.push(b'-');
    }
    let mut text = Scientific::default();
    // The buffer holds every such number, so this cannot fail.
    let _ = write!(text, "{value:e}");
    let (digits, exponent) = text.parts();
    match exponent {
        0..=6 => {
            let whole = exponent.unsigned_abs() as usize + 1;
            let (left, right) = digits.split_at(whole.min(digits.len()));
            out.extend_from_slice(left);
            out.extend(std::iter::repeat_n(b'0', whole - left.len()));
            write_fraction(out, right);
        }
        -3..=-1 => {
            out.extend_from_slice(b"0.");
            out.extend(std::iter::repeat_n(b'0', exponent.unsigned_abs() as usize - 1));
            out.extend_from_slice(digits);
        }
        _ => {
            let (left, right) = digits.split_at(1.min(digits.len()));
            out.extend_from_slice(left);
            write_fraction(out, right);
            out.push(b'E');
            write_integer(out, i64::from(exponent));
        }
    }
}

fn write_fraction(out: &mut Vec<u8>, digits: &[u8]) {
    out.push(b'.');
    out.extend_from_slice(if digits.is_empty() { b"0" } else { digits });
}

/// A number as `1.25e-7`, taken apart while it is formatted.
#[derive(Default)]
struct Scientific {
    digits: [u8; 24],
    len: usize,
    exponent: i32,
    is_exponent_negative: bool,
    is_in_exponent: bool,
}

impl Scientific {
    fn parts(&self) -> (&[u8], i32) {
        let digits = self.digits.get(..self.len).unwrap_or_default();
        // Zero is written as zero times ten to the power of zero.
        (digits, if self.is_exponent_negative { -self.exponent } else { self.exponent })
    }
}

impl Write for Scientific {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            match byte {
                b'e' => self.is_in_exponent = true,
                b'-' => self.is_exponent_negative = true,
                b'0'..=b'9' if self.is_in_exponent => {
                    self.exponent = self.exponent * 10 + i32::from(byte - b'0');
                }
                b'0'..=b'9' => {
                    *self.digits.get_mut(self.len).ok_or(fmt::Error)? = byte;
                    self.len += 1;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn doubles_look_as_in_java() {
        let table = [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (100.0, "100.0"),
            (1e7, "1.0E7"),
            (9_999_999.0, "9999999.0"),
            (12_345_678.9, "1.23456789E7"),
            (1_234.5, "1234.5"),
            (1e-3, "0.001"),
            (0.0123, "0.0123"),
            (9.99e-4, "9.99E-4"),
            (1e21, "1.0E21"),
            (-0.0, "-0.0"),
            (0.0, "0.0"),
            (1.797_693_134_862_315_7e308, "1.7976931348623157E308"),
            (f64::NAN, "\"NaN\""),
            (f64::INFINITY, "\"Infinity\""),
            (f64::NEG_INFINITY, "\"-Infinity\""),
        ];
        for (value, expected) in table {
            assert_eq!(text(|out| write_double(out, value)), expected);
        }
    }

    #[test]
    fn floats_have_the_digits_of_32_bits() {
        let table =
            [(0.1_f32, "0.1"), (1e10, "1.0E10"), (f32::MAX, "3.4028235E38"), (f32::NAN, "\"NaN\"")];
        for (value, expected) in table {
            assert_eq!(text(|out| write_float(out, value)), expected);
        }
    }

    #[test]
    fn integers_have_no_superfluous_digits() {
        for value in [0, -1, 42, i64::MIN, i64::MAX] {
            assert_eq!(text(|out| write_integer(out, value)), value.to_string());
        }
    }
}
