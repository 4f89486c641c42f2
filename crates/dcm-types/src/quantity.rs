//! Kubernetes quantities: parsed exactly, bounded, and printed as the API server prints them.
//!
//! The amount is held in billionths, as whole number: no rounding happens anywhere. What Kubernetes
//! would round (finer than a billionth) or cap (above 2^63 - 1) is refused instead.

use std::fmt;

use crate::error::Violation;

/// Longest text that is looked at.
const TEXT_LIMIT: usize = 64;
/// Most digits after the point that count; with more, binary suffixes could overflow.
const FRACTION_LIMIT: usize = 9;
/// Largest power of ten that is looked at; everything beyond is out of bounds anyway.
const EXPONENT_LIMIT: i32 = 40;
/// Billionths in one.
const NANO: i128 = 1_000_000_000;
/// Largest amount: that of the API server.
const LARGEST: i128 = (i64::MAX as i128) * NANO;

/// The three ways to write a quantity; the API server keeps the one that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Format {
    DecimalSuffix,
    BinarySuffix,
    DecimalExponent,
}

/// A quantity. Two are equal when they are written the same in canonical form; for the amount alone
/// see [`same_amount`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quantity {
    nanos: i128,
    format: Format,
}

impl Quantity {
    /// The only constructor.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        if text.len() > TEXT_LIMIT {
            return Err(Violation::new(
                format!("must be at most {TEXT_LIMIT} characters"),
                text,
            ));
        }
        let parts = split(text).ok_or_else(|| {
            Violation::new("must be a Kubernetes quantity", text)
                .hint("for example '2', '500m', '1.5', '10Gi' or '1e3'")
        })?;
        let nanos = parts.amount(text)?;
        if nanos.abs() > LARGEST {
            return Err(too_large(text));
        }
        Ok(Self {
            nanos,
            format: parts.scale.format(),
        })
    }

    /// The form in which the API server prints it: `1000m` is `1`, `1024Mi` is `1Gi`, `0.5` is `500m`.
    pub fn canonical(&self) -> String {
        if self.nanos == 0 {
            return "0".to_owned();
        }
        let whole = self.nanos % NANO == 0;
        let small = self.nanos.abs() < 1024 * NANO;
        match self.format {
            Format::BinarySuffix if whole && !small => binary(self.nanos / NANO),
            Format::BinarySuffix | Format::DecimalSuffix => decimal(self.nanos, |exponent| {
                DECIMAL_SUFFIXES
                    .iter()
                    .find(|(_, power)| *power == exponent)
                    .map_or_else(String::new, |(suffix, _)| (*suffix).to_owned())
            }),
            Format::DecimalExponent => decimal(self.nanos, |exponent| {
                if exponent == 0 {
                    String::new()
                } else {
                    format!("e{exponent}")
                }
            }),
        }
    }

    /// The exact sum, written as this one is, or as the other when this one is zero; what is above the
    /// bounds of 128 bits stays there.
    #[must_use]
    pub fn saturating_add(&self, other: &Self) -> Self {
        let format = if self.nanos == 0 {
            other.format
        } else {
            self.format
        };
        Self {
            nanos: self.nanos.saturating_add(other.nanos),
            format,
        }
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        self.nanos < 0
    }

    /// Whether it has no fraction.
    pub fn is_whole(&self) -> bool {
        self.nanos % NANO == 0
    }

    /// The amount in billionths.
    pub fn nanos(&self) -> i128 {
        self.nanos
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.canonical())
    }
}

/// Whether two texts mean the same amount, however they are written; texts that are no quantities
/// are compared as they stand.
pub fn same_amount(a: &str, b: &str) -> bool {
    match (Quantity::parse(a), Quantity::parse(b)) {
        (Ok(a), Ok(b)) => a.nanos == b.nanos,
        _ => a == b,
    }
}

/// Decimal suffixes and their powers of ten.
const DECIMAL_SUFFIXES: &[(&str, i32)] = &[
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];

/// Binary suffixes; the power of 1024 is the position plus one.
const BINARY_SUFFIXES: &[&str] = &["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// What follows the number.
enum Scale {
    Suffix(i32),
    Exponent(i32),
    Binary(u32),
}

impl Scale {
    fn parse(text: &str) -> Option<Self> {
        if let Some((_, power)) = DECIMAL_SUFFIXES.iter().find(|(suffix, _)| *suffix == text) {
            return Some(Self::Suffix(*power));
        }
        if let Some(position) = BINARY_SUFFIXES.iter().position(|suffix| *suffix == text) {
            return Some(Self::Binary(u32::try_from(position).ok()? + 1));
        }
        let exponent = text.strip_prefix(['e', 'E'])?;
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        // A number that does not fit is far out of bounds, which `amount` then says.
        let magnitude = digits.parse().unwrap_or(i32::MAX);
        Some(Self::Exponent(if exponent.starts_with('-') {
            -magnitude
        } else {
            magnitude
        }))
    }

    fn format(&self) -> Format {
        match self {
            Self::Suffix(_) => Format::DecimalSuffix,
            Self::Exponent(_) => Format::DecimalExponent,
            Self::Binary(_) => Format::BinarySuffix,
        }
    }
}

/// A quantity taken apart; `fraction` has no trailing zeros.
struct Parts<'a> {
    negative: bool,
    integer: &'a str,
    fraction: &'a str,
    scale: Scale,
}

fn split(text: &str) -> Option<Parts<'_>> {
    let negative = text.starts_with('-');
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end_of = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (integer, rest) = unsigned.split_at(end_of(unsigned));
    let (fraction, suffix) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(end_of(rest)),
        None => ("", rest),
    };
    if integer.is_empty() && fraction.is_empty() {
        return None;
    }
    Some(Parts {
        negative,
        integer: integer.trim_start_matches('0'),
        fraction: fraction.trim_end_matches('0'),
        scale: Scale::parse(suffix)?,
    })
}

impl Parts<'_> {
    /// The amount in billionths.
    fn amount(&self, text: &str) -> Result<i128, Violation> {
        if self.fraction.len() > FRACTION_LIMIT {
            return Err(Violation::new(
                format!("must have at most {FRACTION_LIMIT} digits after the point"),
                text,
            ));
        }
        if self.integer.is_empty() && self.fraction.is_empty() {
            return Ok(0);
        }
        // At most 64 digits went in, so what does not fit is larger than any bound.
        let mantissa: i128 = format!("{}{}", self.integer, self.fraction)
            .parse()
            .map_err(|_| too_large(text))?;
        let shift = i32::try_from(self.fraction.len()).map_err(|_| too_large(text))?;
        let nanos = match self.scale {
            Scale::Exponent(power) if power > EXPONENT_LIMIT => return Err(too_large(text)),
            Scale::Exponent(power) if power < -EXPONENT_LIMIT => return Err(too_fine(text)),
            Scale::Suffix(power) | Scale::Exponent(power) => {
                scale_decimal(mantissa, power - shift, text)?
            }
            Scale::Binary(power) => {
                let unit = 1024_i128.pow(power);
                let scaled = mantissa.checked_mul(unit).ok_or_else(|| too_large(text))?;
                scale_decimal(scaled, -shift, text)?
            }
        };
        Ok(if self.negative { -nanos } else { nanos })
    }
}

/// `number * 10^power` in billionths.
fn scale_decimal(number: i128, power: i32, text: &str) -> Result<i128, Violation> {
    let power = power + 9;
    let factor = 10_i128.checked_pow(power.unsigned_abs());
    if power >= 0 {
        return factor
            .and_then(|factor| number.checked_mul(factor))
            .ok_or_else(|| too_large(text));
    }
    match factor {
        Some(factor) if number % factor == 0 => Ok(number / factor),
        _ => Err(too_fine(text)),
    }
}

fn too_large(text: &str) -> Violation {
    Violation::new("must be at most 9223372036854775807 (2^63 - 1)", text)
}

fn too_fine(text: &str) -> Violation {
    Violation::new("must not be finer than a billionth ('1n')", text)
}

/// The largest power of 1000 that leaves no fraction, and the number before it.
fn decimal(nanos: i128, suffix: impl Fn(i32) -> String) -> String {
    let (mut number, mut exponent) = (nanos, -9);
    while number % 1000 == 0 {
        number /= 1000;
        exponent += 3;
    }
    format!("{number}{}", suffix(exponent))
}

fn binary(amount: i128) -> String {
    let (mut number, mut power) = (amount, 0);
    while number % 1024 == 0 && power < BINARY_SUFFIXES.len() {
        number /= 1024;
        power += 1;
    }
    let suffix = power.checked_sub(1).map_or("", |i| BINARY_SUFFIXES[i]);
    format!("{number}{suffix}")
}
