//! What an operating system command from the terminal says: its colours, or nothing of interest.

use crate::chord::{Reply, Rgb};

/// The meaning of the text between `ESC ]` and its end.
pub(super) fn osc(body: &[u8]) -> Reply {
    let text = String::from_utf8_lossy(body);
    let colour = |value: &str, make: fn(Rgb) -> Reply| rgb(value).map_or(Reply::Other, make);
    match text.split_once(';') {
        Some(("10", value)) => colour(value, Reply::Foreground),
        Some(("11", value)) => colour(value, Reply::Background),
        _ => Reply::Other,
    }
}

/// A colour in one of X11's spellings: `rgb:h/h/h` with one to four digits each, `rgba:` with a
/// fourth that is ignored, or `#rrggbb`.
fn rgb(value: &str) -> Option<Rgb> {
    if let Some(hex) = value.strip_prefix('#') {
        let number = u32::from_str_radix(hex, 16)
            .ok()
            .filter(|_| hex.len() == 6)?;
        let [_, red, green, blue] = number.to_be_bytes();
        return Some(Rgb(red, green, blue));
    }
    let list = value
        .strip_prefix("rgb:")
        .or_else(|| value.strip_prefix("rgba:"))?;
    let mut channels = list.split('/').map(channel);
    let mut next = || channels.next().flatten();
    Some(Rgb(next()?, next()?, next()?))
}

/// One to four hexadecimal digits, scaled to eight bits.
fn channel(digits: &str) -> Option<u8> {
    if !(1..=4).contains(&digits.len()) {
        return None;
    }
    let value = u32::from_str_radix(digits, 16).ok()?;
    let largest = (1_u32 << (4 * digits.len())) - 1;
    u8::try_from((value * 255 + largest / 2) / largest).ok()
}
