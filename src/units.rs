//! Numbers with a unit, and how they print.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// 2^64, the first number that 64 bits do not hold.
const BEYOND: f64 = 18_446_744_073_709_551_616.0;

/// A count of bytes. Prints with binary prefixes and three significant digits: `1.30 GiB`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Bytes(pub u64);

impl Bytes {
    /// From a float as exposition text carries it; `None` for what no count of bytes can be:
    /// negative, not finite, or beyond 64 bits.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked"
    )]
    pub fn from_f64(value: f64) -> Option<Self> {
        (0.0..BEYOND).contains(&value).then_some(Self(value as u64))
    }

    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "display and ratios need no more than 52 bits"
    )]
    pub fn as_f64(self) -> f64 {
        self.0 as f64
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
        let mut value = self.as_f64();
        let mut unit = 0;
        // 999.5 would print as four digits, so the next unit starts there and not at 1024.
        while value >= 999.5 && unit + 1 < UNITS.len() {
            value /= 1024.0;
            unit += 1;
        }
        let digits = if unit == 0 || value >= 99.95 {
            0
        } else {
            usize::from(value < 9.995) + 1
        };
        f.pad(&format!("{value:.digits$} {}", UNITS[unit]))
    }
}

/// A computed count of bytes, such as a rate, as [`Bytes`] print; `?` where it can be none.
#[must_use]
pub fn size(bytes: f64) -> String {
    Bytes::from_f64(bytes).map_or_else(|| "?".into(), |bytes| bytes.to_string())
}

/// Thousandths of a core as Kubernetes writes them: `250m`, `1.5`, `64`.
#[must_use]
pub fn cores(milli: u64) -> String {
    match milli {
        0..1000 => format!("{milli}m"),
        _ if milli.is_multiple_of(1000) => (milli / 1000).to_string(),
        1000..10_000 => format!("{}.{}", milli / 1000, milli % 1000 / 100),
        _ => (milli / 1000).to_string(),
    }
}

/// Bytes as Kubernetes writes them, in three digits at most: `256Mi`, `1.5Gi`.
#[must_use]
pub fn binary(bytes: u64) -> String {
    let text = Bytes(bytes).to_string();
    let (number, unit) = text.split_once(' ').unwrap_or((&text, ""));
    let number = match number.split_once('.') {
        Some((whole, rest)) => {
            let rest = rest.trim_end_matches('0');
            let point = if rest.is_empty() { "" } else { "." };
            format!("{whole}{point}{rest}")
        }
        None => number.to_owned(),
    };
    format!("{number}{}", unit.trim_end_matches('B'))
}

/// A count with its thousands apart: `12,345`.
#[must_use]
pub fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number of things with their noun: `1 pod`, `12 pods`.
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

/// A share of a whole, 0 to 1. Prints as a percentage.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ratio(pub f64);

impl Ratio {
    /// `part / whole`, or `None` when there is no whole to take a share of.
    #[must_use]
    pub fn of(part: f64, whole: f64) -> Option<Self> {
        (whole > 0.0 && part.is_finite()).then(|| Self(part / whole))
    }

    #[must_use]
    pub fn percent(self) -> f64 {
        self.0 * 100.0
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.percent();
        let digits = usize::from(percent.abs() < 9.95 && percent != 0.0);
        f.pad(&format!("{percent:.digits$}%"))
    }
}

/// A span as people read it at night: the two largest units at most (`7m46s`, `3h02m`, `41d`,
/// `9s`, `180ms`).
#[must_use]
pub fn span(d: Duration) -> String {
    let secs = d.as_secs();
    match secs {
        0 if d.is_zero() => "0s".into(),
        0 if d < Duration::from_millis(1) => format!("{}us", d.as_micros()),
        0 => format!("{}ms", d.as_millis()),
        1..60 => format!("{secs}s"),
        60..3600 => format!("{}m{:02}s", secs / 60, secs % 60),
        3600..86_400 => format!("{}h{:02}m", secs / 3600, secs % 3600 / 60),
        86_400..864_000 => format!("{}d{:02}h", secs / 86_400, secs % 86_400 / 3600),
        _ => format!("{}d", secs / 86_400),
    }
}

/// The largest unit of a span alone, for where there is room for no more: `45s`, `8m`, `3h`, `41d`.
#[must_use]
pub fn roughly(d: Duration) -> String {
    match d.as_secs() {
        secs @ 0..60 => format!("{secs}s"),
        secs @ 60..3600 => format!("{}m", secs / 60),
        secs @ 3600..86_400 => format!("{}h", secs / 3600),
        secs => format!("{}d", secs / 86_400),
    }
}

/// An age as people read it: whole seconds at least, since nothing here is polled more often.
#[must_use]
pub fn age(d: Duration) -> String {
    span(Duration::from_secs(d.as_secs()))
}

/// A latency with one significant step of precision: `840us`, `4.2ms`, `31ms`, `1.35s`.
#[must_use]
pub fn latency(d: Duration) -> String {
    let secs = d.as_secs_f64();
    match secs {
        s if s < 0.001 => format!("{:.0}us", s * 1e6),
        s if s < 0.010 => format!("{:.1}ms", s * 1e3),
        s if s < 1.0 => format!("{:.0}ms", s * 1e3),
        s if s < 10.0 => format!("{s:.2}s"),
        _ => span(d),
    }
}

/// Seconds with a sign, in the unit that reads best: `+84 ms`, `-2.1 us`, `+1.35 s`.
#[must_use]
pub fn offset(secs: f64) -> String {
    let size = secs.abs();
    let (value, unit) = match size {
        s if s < 1e-6 => (secs * 1e9, "ns"),
        s if s < 1e-3 => (secs * 1e6, "us"),
        s if s < 1.0 => (secs * 1e3, "ms"),
        s if s < 600.0 => (secs, "s"),
        _ => {
            return format!(
                "{}{}",
                if secs < 0.0 { '-' } else { '+' },
                span(Duration::from_secs_f64(size.min(1e12)))
            );
        }
    };
    if value == 0.0 {
        return "0 ms".into();
    }
    let digits = usize::from(value.abs() < 9.95);
    format!("{value:+.digits$} {unit}")
}

/// A duration from float seconds; negative, NaN and absurd values become zero.
#[must_use]
pub fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_keep_three_digits_at_most() {
        assert_eq!(Bytes(0).to_string(), "0 B");
        assert_eq!(Bytes(999).to_string(), "999 B");
        assert_eq!(Bytes(1000).to_string(), "0.98 KiB");
        assert_eq!(Bytes(1_395_864_371).to_string(), "1.30 GiB");
        assert_eq!(Bytes(u64::MAX).to_string(), "16384 PiB");
    }

    #[test]
    fn what_no_size_can_be_is_no_size() {
        for impossible in [-5.0, f64::NAN, f64::INFINITY, -f64::INFINITY, BEYOND] {
            assert_eq!(Bytes::from_f64(impossible), None, "{impossible}");
        }
        assert_eq!(Bytes::from_f64(-0.0), Some(Bytes(0)));
        // What the kernel says where there is no limit.
        assert!(Bytes::from_f64(9.223_372_036_854_776e18).is_some());
    }

    #[test]
    fn amounts_print_as_kubernetes_writes_them() {
        let printed: Vec<String> = [0, 250, 1000, 1500, 64_000, 64_500].map(cores).into();
        assert_eq!(printed, ["0m", "250m", "1", "1.5", "64", "64"]);
        let printed: Vec<String> = [0, 512, 268_435_456, 1_610_612_736].map(binary).into();
        assert_eq!(printed, ["0", "512", "256Mi", "1.5Gi"]);
        let printed: Vec<String> = [7, 999, 1000, 1_234_567].map(grouped).into();
        assert_eq!(printed, ["7", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn spans_show_two_units() {
        for (secs, text) in [
            (9, "9s"),
            (466, "7m46s"),
            (10_920, "3h02m"),
            (90_000, "1d01h"),
            (3_542_400, "41d"),
        ] {
            assert_eq!(span(Duration::from_secs(secs)), text);
        }
        assert_eq!(span(Duration::from_millis(180)), "180ms");
        let rough: Vec<String> = [9, 466, 10_920, 90_000]
            .map(|secs| roughly(Duration::from_secs(secs)))
            .into();
        assert_eq!(rough, ["9s", "7m", "3h", "1d"]);
    }

    #[test]
    fn offsets_carry_sign_and_unit() {
        assert_eq!(offset(0.084), "+84 ms");
        assert_eq!(offset(-0.000_002_1), "-2.1 us");
        assert_eq!(offset(0.0), "0 ms");
        assert_eq!(offset(-7200.0), "-2h00m");
    }

    #[test]
    fn a_share_of_nothing_is_no_number() {
        assert_eq!(Ratio::of(1.0, 0.0), None);
        assert_eq!(Ratio::of(1.0, 4.0).unwrap().to_string(), "25%");
        assert_eq!(Ratio(0.034).to_string(), "3.4%");
    }
}
