//! Quantities as the API writes them: `100m`, `1.5Gi`, `2k`, `1e3`; read exactly.
//!
//! A number times a power of ten or of two. Asked in a unit, it is rounded up, as the API itself
//! rounds, so that a request never looks smaller than it is. Not a float anywhere but where a
//! ratio is wanted.

/// Most digits before and after the point together: what 64 bits hold with nano below it. With no
/// more, a product beyond 128 bits in [`Quantity::at`] is a result beyond 64.
const DIGITS: usize = 27;

/// A quantity that is not negative: `mantissa * 10^tens * 2^twos`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    mantissa: u128,
    tens: i32,
    twos: u32,
}

impl Quantity {
    /// Reads the API's text; `None` for what is no quantity or is below nought.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('+').unwrap_or(text);
        let end = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && part.is_empty() || part.contains('.') {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        let part = part.trim_end_matches('0');
        if whole.len() + part.len() > DIGITS {
            return None;
        }
        let digits = whole.bytes().chain(part.bytes());
        let mantissa = digits.fold(0, |sum: u128, digit| sum * 10 + u128::from(digit - b'0'));
        let (tens, twos) = scale(suffix)?;
        Some(Self {
            mantissa,
            tens: tens - i32::try_from(part.len()).ok()?,
            twos,
        })
    }

    /// In whole units, rounded up; `None` beyond 64 bits.
    #[must_use]
    pub fn whole(self) -> Option<u64> {
        self.at(0)
    }

    /// In thousandths, rounded up; `None` beyond 64 bits.
    #[must_use]
    pub fn milli(self) -> Option<u64> {
        self.at(3)
    }

    /// For ratios and sums that may be rounded.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "what a float cannot hold exactly is rounded"
    )]
    pub fn as_f64(self) -> f64 {
        self.mantissa as f64 * 10_f64.powi(self.tens) * f64::from(self.twos).exp2()
    }

    /// Times `10^more`, rounded up.
    fn at(self, more: i32) -> Option<u64> {
        if self.mantissa == 0 {
            return Some(0);
        }
        let tens = self.tens + more;
        let down = tens.min(0).unsigned_abs();
        // 10^n is 2^n * 5^n: the twos of both sides are taken out first, so that less overflows.
        let common = down.min(self.twos);
        let up = 10_u128.checked_pow(tens.max(0).unsigned_abs())?;
        let top = self.mantissa.checked_mul(up)?;
        let top = top.checked_mul(1 << (self.twos - common))?;
        let bottom = 5_u128
            .checked_pow(down)
            .and_then(|fives| fives.checked_mul(1_u128.checked_shl(down - common)?));
        // Something above nought, divided by more than it can be, is rounded up to one.
        let value = bottom.map_or(1, |bottom| top.div_ceil(bottom));
        u64::try_from(value).ok()
    }
}

/// Powers of ten and of two that a suffix stands for.
fn scale(suffix: &str) -> Option<(i32, u32)> {
    Some(match suffix {
        "" => (0, 0),
        "n" => (-9, 0),
        "u" => (-6, 0),
        "m" => (-3, 0),
        "k" => (3, 0),
        "M" => (6, 0),
        "G" => (9, 0),
        "T" => (12, 0),
        "P" => (15, 0),
        "E" => (18, 0),
        "Ki" => (0, 10),
        "Mi" => (0, 20),
        "Gi" => (0, 30),
        "Ti" => (0, 40),
        "Pi" => (0, 50),
        "Ei" => (0, 60),
        exponent => {
            let power = exponent.strip_prefix(['e', 'E'])?;
            let digits = power.strip_prefix(['+', '-']).unwrap_or(power);
            if digits.is_empty() || digits.len() > 3 || !digits.bytes().all(|b| b.is_ascii_digit())
            {
                return None;
            }
            (power.parse().ok()?, 0)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn milli(text: &str) -> Option<u64> {
        Quantity::parse(text)?.milli()
    }

    fn whole(text: &str) -> Option<u64> {
        Quantity::parse(text)?.whole()
    }

    #[test]
    fn quantities_are_what_the_api_means_by_them() {
        for (text, value) in [
            ("100m", 100),
            ("0.1", 100),
            ("1.5", 1500),
            ("2", 2000),
            ("2k", 2_000_000),
            ("1e3", 1_000_000),
            ("1E3", 1_000_000),
            ("15e-1", 1500),
            ("250000u", 250),
            ("1n", 1),
            (".5", 500),
            ("5.", 5000),
            ("+1", 1000),
            ("0", 0),
            ("0e999", 0),
        ] {
            assert_eq!(milli(text), Some(value), "{text}");
        }
        for (text, value) in [
            ("128Mi", 128 << 20),
            ("1.5Gi", 3 << 29),
            ("1Ki", 1024),
            ("0.1Ki", 103),
            ("1E", 1_000_000_000_000_000_000),
            ("15Ei", 15 << 60),
            ("129e6", 129_000_000),
            ("128974848000m", 128_974_848),
            ("1m", 1),
            ("0.000000000000000000000000001Ei", 1),
            ("0.999999999999999999999999999Ei", 1 << 60),
        ] {
            assert_eq!(whole(text), Some(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_or_beyond_64_bits_is_none() {
        for text in [
            "", ".", "m", "1.2.3", "-1", "1 Gi", "1gi", "1K", "1e", "1e+", "1e9999", "ten", "1mi",
            "0x10",
        ] {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
        assert_eq!(whole("16Ei"), None);
        assert_eq!(whole("1e20"), None);
        assert_eq!(whole("1e900"), None);
        assert_eq!(milli("18446744073709551616m"), None);
        assert_eq!(whole("1e-900"), Some(1), "above nought is rounded up");
        assert_eq!(Quantity::parse(&"9".repeat(28)), None);
    }

    proptest! {
        #[test]
        fn a_decimal_of_any_length_is_rounded_up_exactly(whole_part in 0_u64..1_000_000_000, digits in 0_u32..9, fraction in 0_u64..1_000_000_000) {
            let fraction = fraction % 10_u64.pow(digits);
            let width = digits as usize;
            let text = if digits == 0 { whole_part.to_string() } else { format!("{whole_part}.{fraction:0width$}") };
            let expected = u128::from(whole_part) * 1000
                + (u128::from(fraction) * 1000).div_ceil(u128::from(10_u64.pow(digits)));
            prop_assert_eq!(milli(&text).map(u128::from), Some(expected));
        }

        #[test]
        fn binary_suffixes_shift(value in 0_u64..(1 << 20), power in 1_u32..5) {
            let suffix = ["", "Ki", "Mi", "Gi", "Ti"][power as usize];
            prop_assert_eq!(whole(&format!("{value}{suffix}")), Some(value << (10 * power)));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9.eEkKmMiGnu+-]{0,12}") {
            if let Some(quantity) = Quantity::parse(&text) {
                let (whole, milli) = (quantity.whole(), quantity.milli());
                prop_assert!(quantity.as_f64() >= 0.0);
                if let (Some(whole), Some(milli)) = (whole, milli) {
                    prop_assert_eq!(whole, milli.div_ceil(1000));
                }
            }
        }
    }
}
