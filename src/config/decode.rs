//! From what is written to a value in its key's unit. Knows no file and no layer.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::keys::{Key, Shape};
use super::settings::Value;

/// Why a value was refused, and which part of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refused {
    pub span: Range<usize>,
    pub problem: String,
}

/// Decodes a value of the file.
pub(super) fn from_toml(key: &Key, raw: &Spanned<DeValue>) -> Result<Value, Refused> {
    let refused = |problem: String| Refused {
        span: raw.span(),
        problem,
    };
    let wrong_type = || {
        let found = describe(raw.get_ref());
        refused(format!(
            "`{}` wants {}, not {found}",
            key.name,
            key.shape.wants()
        ))
    };
    let value = match (key.shape, raw.get_ref()) {
        (Shape::List, DeValue::Array(items)) => {
            let items: Result<Vec<String>, Refused> =
                items.iter().map(|item| list_item(key, item)).collect();
            return Ok(Value::List(items?));
        }
        (Shape::Bool, DeValue::Boolean(flag)) => return Ok(Value::Bool(*flag)),
        (Shape::List | Shape::Bool, _) => return Err(wrong_type()),
        (_, DeValue::String(text)) => from_text(key, text),
        (Shape::Text | Shape::Path | Shape::Choice(_), _) => return Err(wrong_type()),
        (_, DeValue::Integer(number)) => {
            let number = i64::from_str_radix(number.as_str(), number.radix());
            number.map_or_else(
                |_| Err("it is too large".into()),
                |n| in_range(key, as_f64(n)),
            )
        }
        (_, DeValue::Float(number)) => {
            let number = number.as_str().parse().unwrap_or(f64::NAN);
            in_range(key, number)
        }
        _ => return Err(wrong_type()),
    };
    value.map_err(|why| refused(format!("`{}` wants {}; {why}", key.name, key.shape.wants())))
}

fn list_item(key: &Key, item: &Spanned<DeValue>) -> Result<String, Refused> {
    let why = match item.get_ref() {
        DeValue::String(text) => match clean(text, Lines::Many) {
            Ok(text) => return Ok(text),
            Err(why) => why,
        },
        other => format!("this is {}", describe(other)),
    };
    Err(Refused {
        span: item.span(),
        problem: format!("`{}` wants {}; {why}", key.name, key.shape.wants()),
    })
}

/// Decodes a text, as a string of the file, a variable or an argument holds it.
pub(super) fn from_text(key: &Key, text: &str) -> Result<Value, String> {
    match key.shape {
        Shape::Text | Shape::Path => clean(text, Lines::One).map(Value::Text),
        Shape::List => {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            let items: Result<_, _> = items.map(|item| clean(item, Lines::Many)).collect();
            Ok(Value::List(items?))
        }
        Shape::Bool => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(Value::Bool(true)),
            "false" | "no" | "off" | "0" => Ok(Value::Bool(false)),
            _ => Err(format!("`{text}` is neither true nor false")),
        },
        Shape::Choice(words) if words.contains(&text) => Ok(Value::Text(text.to_owned())),
        Shape::Choice(_) => Err(format!("`{text}` is none of them")),
        Shape::Span => in_range(key, span(text)?),
        Shape::Size => in_range(key, size(text)?),
        Shape::Share => in_range(key, share(text)?),
        Shape::Count | Shape::Celsius => in_range(key, number(text)?),
    }
}

#[derive(Clone, Copy)]
enum Lines {
    One,
    Many,
}

fn clean(text: &str, lines: Lines) -> Result<String, String> {
    let allowed = |c: char| matches!(lines, Lines::Many) && matches!(c, '\n' | '\t');
    match text.chars().find(|c| c.is_control() && !allowed(*c)) {
        Some(c) => Err(format!("it holds the control character U+{:04X}", c as u32)),
        None => Ok(text.to_owned()),
    }
}

fn in_range(key: &Key, number: f64) -> Result<Value, String> {
    let (least, most) = key.range;
    if !number.is_finite() {
        return Err("this is no finite number".into());
    }
    if number < least {
        return Err(format!("the least is {}", written(key.shape, least)));
    }
    if number > most {
        return Err(format!("the most is {}", written(key.shape, most)));
    }
    Ok(Value::Number(number))
}

/// A number as the user would write it for this shape.
pub(super) fn written(shape: Shape, number: f64) -> String {
    match shape {
        // 0.07 * 100 is a little more than 7.
        Shape::Share => format!("{}%", (number * 1e8).round() / 1e6),
        Shape::Span if number < 60.0 && number.fract() != 0.0 => format!("{}ms", number * 1000.0),
        Shape::Span if number < 60.0 => format!("{number}s"),
        Shape::Span => exact_span(number),
        Shape::Size => {
            let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
            let whole = |power: i32| number / 2_f64.powi(power);
            units
                .into_iter()
                .find(|(_, power)| whole(*power) >= 1.0 && whole(*power).fract() == 0.0)
                .map_or(format!("{number}"), |(unit, power)| {
                    format!("{}{unit}", whole(power))
                })
        }
        _ => format!("{number}"),
    }
}

/// The largest unit that divides it, so that nothing is rounded away.
fn exact_span(number: f64) -> String {
    for (unit, secs) in [("d", 86_400.0), ("h", 3600.0), ("m", 60.0)] {
        if number % secs == 0.0 {
            return format!("{}{unit}", number / secs);
        }
    }
    format!("{number}s")
}

/// Seconds of `10s`, `1h30m`, `250ms`, `14d` or a bare number.
pub(super) fn span(text: &str) -> Result<f64, String> {
    let wrong = || format!("`{text}` is no time");
    let text = text.trim();
    if let Ok(bare) = number(text) {
        return Ok(bare);
    }
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let (value, after) = leading_number(rest).ok_or_else(wrong)?;
        let letters = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        total += value
            * match &after[..letters] {
                "us" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" | "min" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                "w" => 604_800.0,
                unit => {
                    return Err(format!(
                        "`{unit}` is no unit of time (us, ms, s, m, h, d, w)"
                    ));
                }
            };
        rest = after[letters..].trim_start();
    }
    if text.is_empty() {
        Err("it is empty".into())
    } else {
        Ok(total)
    }
}

fn size(text: &str) -> Result<f64, String> {
    let (value, unit) =
        leading_number(text.trim()).ok_or_else(|| format!("`{text}` is no size"))?;
    let factor = match unit.trim() {
        "" | "B" => 1.0,
        "K" | "KiB" => 1024.0,
        "M" | "MiB" => 1_048_576.0,
        "G" | "GiB" => 1_073_741_824.0,
        "kB" | "KB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        unit => return Err(format!("`{unit}` is no unit of size (KiB, MiB, GiB)")),
    };
    Ok(value * factor)
}

fn share(text: &str) -> Result<f64, String> {
    match text.trim().strip_suffix('%') {
        Some(percent) => Ok(number(percent.trim())? / 100.0),
        None => number(text),
    }
}

fn number(text: &str) -> Result<f64, String> {
    let fit = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | 'e');
    let parsed = text
        .trim()
        .parse()
        .ok()
        .filter(|_| text.trim().chars().all(fit));
    parsed.ok_or_else(|| format!("`{text}` is no number"))
}

fn leading_number(text: &str) -> Option<(f64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim_start()))
}

fn describe(value: &DeValue) -> String {
    match value {
        DeValue::String(text) => format!("the text \"{}\"", crate::text::clip(text, 40)),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(flag) => format!("{flag}"),
        DeValue::Datetime(_) => "a date".into(),
        DeValue::Array(_) => "a list".into(),
        DeValue::Table(_) => "a table".into(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "limits lie far below 52 bits")]
fn as_f64(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::find;

    fn text(key: &str, text: &str) -> Result<Value, String> {
        from_text(&find(key).unwrap(), text)
    }

    #[test]
    fn times_sizes_and_shares_have_their_units() {
        assert_eq!(text("period", "1h30m"), Ok(Value::Number(5400.0)));
        assert_eq!(text("timeout", "250ms"), Ok(Value::Number(0.25)));
        assert_eq!(
            text("certificate_warning", "14d"),
            Ok(Value::Number(1_209_600.0))
        );
        assert_eq!(text("period", "10"), Ok(Value::Number(10.0)));
        assert_eq!(text("max_body", "16MiB"), Ok(Value::Number(16_777_216.0)));
        assert_eq!(text("disk_room_warning", "5%"), Ok(Value::Number(0.05)));
    }

    #[test]
    fn nonsense_is_named() {
        assert!(
            text("period", "10 parsecs")
                .unwrap_err()
                .contains("`parsecs` is no unit")
        );
        assert!(text("period", "").unwrap_err().contains("is empty"));
        assert!(text("period", "soon").is_err());
        assert!(text("period", "nan").is_err());
        assert!(text("max_body", "-1").is_err());
        assert!(
            text("disk_room_warning", "5")
                .unwrap_err()
                .contains("most is 100%")
        );
        assert!(text("period", "10ms").unwrap_err().contains("least is 1s"));
        assert!(text("color", "sometimes").is_err());
    }

    #[test]
    fn a_text_with_an_escape_is_refused() {
        assert!(text("theme", "a\u{1b}[0m").unwrap_err().contains("U+001B"));
    }

    #[test]
    fn what_is_written_reads_back() {
        for (key, number) in [
            ("period", 10.0),
            ("period", 5400.0),
            ("timeout", 0.25),
            ("certificate_warning", 1_209_600.0),
            ("max_body", 16_777_216.0),
            ("max_body", 1500.0),
            ("disk_room_warning", 0.07),
        ] {
            let shown = written(find(key).unwrap().shape, number);
            assert_eq!(text(key, &shown), Ok(Value::Number(number)), "{shown}");
        }
    }
}
