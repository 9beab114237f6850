//! Texts as YAML scalars: plain where nothing can take them for something else, as a block where
//! they have lines, in double quotes else.

use crate::text::is_unsafe;

/// How a text is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Inline(String),
    /// `|`, `|-` or `|+`, and the lines below it.
    Block {
        header: &'static str,
        lines: Vec<String>,
    },
}

impl Scalar {
    pub(super) fn of_text(text: &str) -> Self {
        if let Some(block) = block(text) {
            return block;
        }
        if is_plain(text) {
            Self::Inline(text.to_owned())
        } else {
            Self::Inline(quoted(text))
        }
    }

    /// On one line, as a key has to be.
    pub(super) fn inline(self) -> String {
        match self {
            Self::Inline(text) => text,
            Self::Block { lines, .. } => quoted(&lines.join("\n")),
        }
    }
}

/// As a block, where the text has several lines and nothing in it that a block cannot hold.
fn block(text: &str) -> Option<Scalar> {
    let body = text.trim_end_matches('\n');
    let breaks = text.len() - body.len();
    if !text.contains('\n') || body.is_empty() {
        return None;
    }
    // Blanks at the beginning would be taken for indentation.
    if body.starts_with([' ', '\t', '\n']) {
        return None;
    }
    if body.chars().any(|c| c != '\n' && c != '\t' && is_unsafe(c)) {
        return None;
    }
    let header = match breaks {
        0 => "|-",
        1 => "|",
        _ => "|+",
    };
    let mut lines: Vec<String> = body.split('\n').map(str::to_owned).collect();
    lines.extend((1..breaks).map(|_| String::new()));
    Some(Scalar::Block { header, lines })
}

/// Can it stand without quotes and still be read as this text, by YAML 1.1 as well as 1.2?
fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else {
        return false;
    };
    if text.chars().any(is_unsafe) || text.trim() != text {
        return false;
    }
    if matches!(
        first,
        ',' | '['
            | ']'
            | '{'
            | '}'
            | '#'
            | '&'
            | '*'
            | '!'
            | '|'
            | '>'
            | '\''
            | '"'
            | '%'
            | '@'
            | '`'
            | '='
    ) {
        return false;
    }
    let second_blank = text.chars().nth(1).is_none_or(char::is_whitespace);
    if matches!(first, '-' | '?' | ':') && second_blank {
        return false;
    }
    if text.contains(": ") || text.contains(" #") || text.ends_with(':') {
        return false;
    }
    if text.starts_with("---") || text.starts_with("...") || text == "<<" {
        return false;
    }
    !is_word_with_meaning(text) && !looks_like_a_number(text)
}

/// Words that YAML 1.1 or 1.2 takes for null or a truth value.
fn is_word_with_meaning(text: &str) -> bool {
    let words = [
        "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", ".inf", "-.inf", "+.inf",
        ".nan",
    ];
    text.len() <= 5 && words.contains(&text.to_ascii_lowercase().as_str())
}

/// Numbers, dates and times of day, generously.
fn looks_like_a_number(text: &str) -> bool {
    let unsigned = text.trim_start_matches(['+', '-']);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return false;
    }
    let digits = unsigned.replace('_', "");
    let radix = ["0x", "0X", "0o", "0b"];
    let sexagesimal = digits.contains(':')
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'));
    let date = {
        let bytes = digits.as_bytes();
        bytes.len() >= 8
            && bytes[..4].iter().all(u8::is_ascii_digit)
            && bytes[4] == b'-'
            && bytes[5].is_ascii_digit()
    };
    digits.parse::<f64>().is_ok()
        || sexagesimal
        || date
        || radix.iter().any(|prefix| digits.starts_with(prefix))
}

/// In double quotes, everything that could do harm or not be seen as an escape.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_unsafe(c) => {
                let code = c as u32;
                match code {
                    0..=0xff => out.push_str(&format!("\\x{code:02x}")),
                    0x100..=0xffff => out.push_str(&format!("\\u{code:04x}")),
                    _ => out.push_str(&format!("\\U{code:08x}")),
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
