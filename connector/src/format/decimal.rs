//! Decimal numbers between text and unscaled integers, exactly.

/// What a text became as DECIMAL(precision, scale).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decimal {
    /// The unscaled value.
    Value(i128),
    /// A number with more digits than the precision allows.
    Overflow,
    /// Not a number.
    Invalid,
}

/// What becomes of digits after the last one that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rounding {
    HalfUp,
    Truncate,
}

/// Reads `[+-] digits [. digits] [e [+-] digits]`, where digits may miss on one side of the point.
///
/// Digits are never expanded: a huge exponent costs no more than a small one.
#[inline]
pub(super) fn parse(text: &[u8], precision: u8, scale: i8, rounding: Rounding) -> Decimal {
    match parse_short(text, precision, scale) {
        Some(value) => Decimal::Value(value),
        None => parse_any(text, precision, scale, rounding),
    }
}

/// A number of few digits that needs no rounding, which is what most are.
#[inline]
fn parse_short(text: &[u8], precision: u8, scale: i8) -> Option<i128> {
    let (is_negative, digits) = match text.split_first()? {
        (b'-', digits) => (true, digits),
        _ => (false, text),
    };
    if digits.len() > MAX_SHORT_DIGITS {
        return None;
    }
    let mut value = 0_i64;
    let mut point = None;
    for (at, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => value = value * 10 + i64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    let fraction = point.map_or(0, |point| digits.len() - point - 1);
    let has_digits = match point {
        Some(_) => digits.len() > 1,
        None => !digits.is_empty(),
    };
    if !has_digits {
        return None;
    }
    scaled(if is_negative { -value } else { value }, fraction, precision, scale)
}

/// `digits`, of which `fraction` stand after the point, unscaled; `None` where that takes rounding or more digits than
/// a short number has.
#[inline]
pub(super) fn scaled(digits: i64, fraction: usize, precision: u8, scale: i8) -> Option<i128> {
    let missing = usize::try_from(scale).ok()?.checked_sub(fraction)?;
    let value = digits.checked_mul(*POWERS.get(missing)?)?;
    (i128::from(value.unsigned_abs()) < power_of_ten(precision)).then(|| i128::from(value))
}

fn parse_any(text: &[u8], precision: u8, scale: i8, rounding: Rounding) -> Decimal {
    let Some(number) = Number::parse(text) else {
        return Decimal::Invalid;
    };
    match number.unscaled(precision, scale, rounding) {
        Some(value) if number.is_negative => Decimal::Value(-value),
        Some(value) => Decimal::Value(value),
        None => Decimal::Overflow,
    }
}

/// A number in text form: the digits before and after the point, and the exponent.
struct Number<'a> {
    is_negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Number<'a> {
    fn parse(text: &'a [u8]) -> Option<Self> {
        let (is_negative, rest) = sign(text);
        let (whole, rest) = digits(rest);
        let (fraction, rest) = match rest.split_first() {
            Some((b'.', rest)) => digits(rest),
            _ => (&[][..], rest),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        Some(Self { is_negative, whole, fraction, exponent: exponent(rest)? })
    }

    /// The absolute value times 10^scale, or `None` if that has more than `precision` digits.
    fn unscaled(&self, precision: u8, scale: i8, rounding: Rounding) -> Option<i128> {
        let mut digits =
            self.whole.iter().chain(self.fraction).map(|digit| i128::from(digit - b'0')).peekable();
        let mut left = (self.whole.len() + self.fraction.len()) as i64;
        while digits.next_if_eq(&0).is_some() {
            left -= 1;
        }
        // How many digits are kept; beyond those that are written, zeros.
        let kept = left + self.exponent + i64::from(scale) - self.fraction.len() as i64;
        if left == 0 || kept < 0 {
            return Some(0);
        }
        if kept > i64::from(precision) {
            return None;
        }
        let mut value = 0_i128;
        for _ in 0..kept {
            value = value * 10 + digits.next().unwrap_or(0);
        }
        if rounding == Rounding::HalfUp && digits.next().is_some_and(|dropped| dropped >= 5) {
            value += 1;
        }
        (value < power_of_ten(precision)).then_some(value)
    }
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    }
}

fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// The exponent at the end of a number, 0 if there is none. Far beyond any precision it stops growing.
fn exponent(text: &[u8]) -> Option<i64> {
    let Some((b'e' | b'E', rest)) = text.split_first() else {
        return text.is_empty().then_some(0);
    };
    let (is_negative, rest) = sign(rest);
    let (digits, rest) = digits(rest);
    if digits.is_empty() || !rest.is_empty() {
        return None;
    }
    let size = digits.iter().fold(0_i64, |size, digit| {
        size.saturating_mul(10).saturating_add(i64::from(digit - b'0')).min(MAX_EXPONENT)
    });
    Some(if is_negative { -size } else { size })
}

/// Appends the number in the shortest form: without zeros at the end, in scientific notation where
/// `java.math.BigDecimal` would choose it (`2.7E-8`, `1E+5`).
pub(super) fn write_scientific(out: &mut Vec<u8>, value: i128, scale: i8) {
    if value == 0 {
        out.push(b'0');
        return;
    }
    let (mut value, mut scale) = (value, i64::from(scale));
    while value % 10 == 0 {
        value /= 10;
        scale -= 1;
    }
    let mut buffer = DigitBuffer::default();
    let digits = buffer.write(value.unsigned_abs());
    let exponent = digits.len() as i64 - 1 - scale;
    if value < 0 {
        out.push(b'-');
    }
    if scale >= 0 && exponent >= -6 {
        write_point(out, digits, scale);
        return;
    }
    let (first, rest) = digits.split_at(1);
    out.extend_from_slice(first);
    if !rest.is_empty() {
        out.push(b'.');
        out.extend_from_slice(rest);
    }
    out.extend_from_slice(if exponent < 0 { b"E-" } else { b"E+" });
    let mut buffer = DigitBuffer::default();
    out.extend_from_slice(buffer.write(u128::from(exponent.unsigned_abs())));
}

/// Appends the number with exactly `scale` digits after the point.
pub(super) fn write_plain(out: &mut Vec<u8>, value: i128, scale: i8) {
    if value < 0 {
        out.push(b'-');
    }
    let mut buffer = DigitBuffer::default();
    let digits = buffer.write(value.unsigned_abs());
    write_point(out, digits, i64::from(scale));
}

/// The digits with a point before the last `scale` of them, and zeros where digits are missing.
fn write_point(out: &mut Vec<u8>, digits: &[u8], scale: i64) {
    let Ok(scale @ 1..) = usize::try_from(scale) else {
        out.extend_from_slice(digits);
        return out.extend(std::iter::repeat_n(b'0', scale.unsigned_abs() as usize));
    };
    match digits.len().checked_sub(scale) {
        Some(whole @ 1..) => {
            let (whole, fraction) = digits.split_at(whole);
            out.extend_from_slice(whole);
            out.push(b'.');
            out.extend_from_slice(fraction);
        }
        _ => {
            out.extend_from_slice(b"0.");
            out.extend(std::iter::repeat_n(b'0', scale - digits.len()));
            out.extend_from_slice(digits);
        }
    }
}

/// Room for the digits of any unsigned number.
pub(super) struct DigitBuffer([u8; 39]);

impl Default for DigitBuffer {
    fn default() -> Self {
        Self([0; 39])
    }
}

impl DigitBuffer {
    /// The decimal digits of `value`.
    pub(super) fn write(&mut self, value: u128) -> &[u8] {
        let mut start = self.0.len();
        // Division of 64 bits is several times faster, and most numbers fit.
        let mut high = value;
        let mut low = loop {
            if let Ok(low) = u64::try_from(high) {
                break low;
            }
            start -= 1;
            self.0[start] = b'0' + (high % 10) as u8;
            high /= 10;
        };
        loop {
            start -= 1;
            self.0[start] = b'0' + (low % 10) as u8;
            low /= 10;
            if low == 0 {
                return &self.0[start..];
            }
        }
    }
}

/// As many digits surely fit 64 bits.
const MAX_SHORT_DIGITS: usize = 18;

/// Powers of ten that fit 64 bits.
const POWERS: [i64; 19] = {
    let mut powers = [1; 19];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// 10^`exponent`; above 38, which Arrow's decimals of 128 bits do not go beyond, the largest number.
pub(super) fn power_of_ten(exponent: u8) -> i128 {
    match POWERS.get(usize::from(exponent)) {
        Some(&power) => i128::from(power),
        None => 10_i128.checked_pow(u32::from(exponent)).unwrap_or(i128::MAX),
    }
}

/// More digits than any record can have, far from where sums of exponents overflow.
const MAX_EXPONENT: i64 = 1 << 40;

#[cfg(test)]
mod tests;
