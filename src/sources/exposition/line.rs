//! One line of exposition text: where its name is, its labels, value and timestamp.
//!
//! Works on borrowed text only. Escapes are undone when a label is asked for, not before. Knows
//! nothing of bodies, pieces or counts.

use std::borrow::Cow;

use super::Limits;

/// One wanted sample. `'w` is the life of the wanted names, `'a` of the line.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'w, 'a> {
    pub name: &'w str,
    pub labels: Labels<'a>,
    pub value: f64,
    /// Unix seconds, where the exporter dated the sample itself.
    pub time: Option<f64>,
}

/// The labels of a sample, walked when asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Labels<'a>(&'a str);

impl<'a> Labels<'a> {
    /// The value of one label, escapes undone.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        self.iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// All labels in their order, escapes undone.
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> + use<'a> {
        let (text, mut at) = (self.0, 0);
        std::iter::from_fn(move || {
            let pair = pair(text, at).ok()??;
            at = pair.next;
            let name = if pair.quoted {
                unescape(pair.name)
            } else {
                Cow::Borrowed(pair.name)
            };
            Some((name, unescape(pair.value)))
        })
    }
}

/// The line is not of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Why a line with a wanted name is not handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Malformed,
    OverLimit,
}

impl From<Malformed> for Refusal {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// A line cut after its metric name.
#[derive(Debug)]
pub(super) struct Head<'a> {
    pub name: Cow<'a, [u8]>,
    rest: &'a [u8],
    /// The name stood quoted inside the braces, and `rest` goes on inside them.
    inside: bool,
}

impl<'a> Head<'a> {
    /// Finds the name; `None` for a comment or an empty line.
    pub fn of(line: &'a [u8]) -> Result<Option<Self>, Malformed> {
        let line = &line[blanks(line)..];
        match line.first() {
            None | Some(b'#') => Ok(None),
            Some(b'{') => Self::quoted(&line[1..]).map(Some),
            Some(&first) if is_name_start(first) => {
                let end = line.iter().position(|b| !is_name(*b));
                // A name without a value is as malformed as one with a strange character.
                let end = end
                    .filter(|end| matches!(line[*end], b' ' | b'\t' | b'{'))
                    .ok_or(Malformed)?;
                Ok(Some(Self {
                    name: Cow::Borrowed(&line[..end]),
                    rest: &line[end..],
                    inside: false,
                }))
            }
            Some(_) => Err(Malformed),
        }
    }

    /// `{"my.metric",a="b"} 1`: the name is the first thing in the braces.
    fn quoted(rest: &'a [u8]) -> Result<Self, Malformed> {
        let rest = &rest[blanks(rest)..];
        let text = rest.strip_prefix(b"\"").ok_or(Malformed)?;
        let end = closing_quote(text, 0).ok_or(Malformed)?;
        let mut name = Cow::Borrowed(&text[..end]);
        if memchr::memchr(b'\\', &name).is_some() {
            let text = std::str::from_utf8(&text[..end]).map_err(|_| Malformed)?;
            name = Cow::Owned(unescape(text).into_owned().into_bytes());
        }
        let mut rest = &text[end + 1..];
        rest = &rest[blanks(rest)..];
        rest = match rest.first() {
            Some(b',') => &rest[1..],
            Some(b'}') => rest,
            _ => return Err(Malformed),
        };
        Ok(Self {
            name,
            rest,
            inside: true,
        })
    }

    /// Reads labels, value and timestamp (Unix seconds).
    pub fn read(&self, limits: &Limits) -> Result<(Labels<'a>, f64, Option<f64>), Refusal> {
        let text = std::str::from_utf8(self.rest).map_err(|_| Malformed)?;
        let mut at = blanks(text.as_bytes());
        let mut labels = Labels("");
        let opens = !self.inside && text.as_bytes().get(at) == Some(&b'{');
        if self.inside || opens {
            let start = if opens { at + 1 } else { 0 };
            let end = closing_brace(text, start, limits)?;
            labels = Labels(&text[start..end]);
            at = end + 1;
        }
        let mut tokens = text[at..].split([' ', '\t']).filter(|t| !t.is_empty());
        let value = tokens.next().ok_or(Malformed)?;
        let value = value.parse().map_err(|_| Malformed)?;
        // What follows a `#` is an exemplar.
        let mut more = tokens.take_while(|token| !token.starts_with('#'));
        let time = more.next().map(time).transpose()?;
        if more.next().is_some() {
            return Err(Refusal::Malformed);
        }
        Ok((labels, value, time))
    }
}

/// Checks every label and finds the brace that ends them.
fn closing_brace(text: &str, start: usize, limits: &Limits) -> Result<usize, Refusal> {
    let (mut at, mut count, mut over) = (start, 0, false);
    while let Some(pair) = pair(text, at)? {
        count += 1;
        over |= pair.name.len() > limits.name || pair.value.len() > limits.value;
        at = pair.next;
    }
    at += blanks(&text.as_bytes()[at..]);
    if text.as_bytes().get(at) != Some(&b'}') {
        Err(Refusal::Malformed)
    } else if over || count > limits.labels {
        Err(Refusal::OverLimit)
    } else {
        Ok(at)
    }
}

/// `name="value"` with the comma after it, if there is one.
struct Pair<'a> {
    name: &'a str,
    quoted: bool,
    value: &'a str,
    next: usize,
}

/// The pair at `at`; `None` at the closing brace or the end of the text.
fn pair(text: &str, at: usize) -> Result<Option<Pair<'_>>, Malformed> {
    let bytes = text.as_bytes();
    let start = at + blanks(&bytes[at..]);
    let (name, quoted, mut at) = match bytes.get(start) {
        None | Some(b'}') => return Ok(None),
        Some(b'"') => {
            let end = closing_quote(bytes, start + 1).ok_or(Malformed)?;
            (&text[start + 1..end], true, end + 1)
        }
        Some(&first) if is_name_start(first) => {
            let length = bytes[start..].iter().position(|b| !is_name(*b));
            let end = start + length.ok_or(Malformed)?;
            (&text[start..end], false, end)
        }
        Some(_) => return Err(Malformed),
    };
    for wanted in [b'=', b'"'] {
        at += blanks(&bytes[at..]);
        if bytes.get(at) != Some(&wanted) {
            return Err(Malformed);
        }
        at += 1;
    }
    let end = closing_quote(bytes, at).ok_or(Malformed)?;
    let value = &text[at..end];
    at = end + 1;
    at += blanks(&bytes[at..]);
    match bytes.get(at) {
        Some(b',') => at += 1,
        None | Some(b'}') => {}
        Some(_) => return Err(Malformed),
    }
    Ok(Some(Pair {
        name,
        quoted,
        value,
        next: at,
    }))
}

/// Position of the quote that ends a string whose content starts at `at`.
fn closing_quote(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// `\\`, `\"` and `\n`; any other backslash stands for itself.
fn unescape(raw: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', raw.as_bytes()).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        let undone = match (c, chars.peek()) {
            ('\\', Some('\\')) => '\\',
            ('\\', Some('"')) => '"',
            ('\\', Some('n')) => '\n',
            _ => {
                out.push(c);
                continue;
            }
        };
        chars.next();
        out.push(undone);
    }
    Cow::Owned(out)
}

/// A timestamp in Unix seconds. The classic text counts milliseconds, OpenMetrics seconds, with or
/// without a fraction; 10^11 tells them apart, being 1973 in milliseconds and 5138 in seconds.
fn time(token: &str) -> Result<f64, Malformed> {
    let time: f64 = token.parse().map_err(|_| Malformed)?;
    if !time.is_finite() {
        return Err(Malformed);
    }
    let whole = token.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    Ok(if whole && time.abs() >= 1e11 {
        time / 1000.0
    } else {
        time
    })
}

fn blanks(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .position(|b| !matches!(b, b' ' | b'\t'))
        .unwrap_or(bytes.len())
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':')
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':')
}
