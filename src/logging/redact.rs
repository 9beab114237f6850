//! Taking secrets out of a text before it is kept anywhere.

/// Texts that must not be logged, beside those that are known by their form.
#[derive(Default)]
pub(super) struct Secrets {
    known: Vec<String>,
}

/// Shorter texts would eat ordinary words.
const SHORTEST: usize = 6;

const REDACTED: &str = "[redacted]";

/// Names whose value is secret when one follows.
const NAMES: [&str; 9] = [
    "authorization",
    "password",
    "passwd",
    "token",
    "secret",
    "api_key",
    "apikey",
    "api-key",
    "cookie",
];

impl Secrets {
    pub fn add(&mut self, secret: &str) {
        let secret = secret.trim();
        if secret.len() >= SHORTEST && !self.known.iter().any(|known| known == secret) {
            self.known.push(secret.to_owned());
            // The longest first, so that no part of it is left over.
            self.known
                .sort_by_key(|known| std::cmp::Reverse(known.len()));
        }
    }

    /// The text without known secrets, PEM blocks, credentials of URLs, bearer tokens, and values
    /// of names that tell a secret.
    pub fn redacted(&self, raw: &str) -> String {
        let mut text = raw.to_owned();
        for secret in &self.known {
            if text.contains(secret) {
                text = text.replace(secret, REDACTED);
            }
        }
        let text = without_pem(&text);
        let text = without_userinfo(&text);
        let text = without_bearer(&text);
        without_named(&text)
    }
}

/// From `-----BEGIN` to the end of its `-----END ...-----`, or of the text.
fn without_pem(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find("-----BEGIN") {
        out.push_str(&rest[..begin]);
        out.push_str("[redacted PEM]");
        let after = &rest[begin..];
        rest = after.find("-----END").map_or("", |end| {
            let tail = &after[end + "-----END".len()..];
            tail.find("-----").map_or("", |close| &tail[close + 5..])
        });
    }
    out + rest
}

/// `scheme://user:password@host` without the part before `@`.
fn without_userinfo(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(found) = rest.find("://") {
        let (before, after) = rest.split_at(found + 3);
        out.push_str(before);
        let ends =
            |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '<' | '>');
        let authority = &after[..after.find(ends).unwrap_or(after.len())];
        rest = match authority.rfind('@') {
            Some(at) => {
                out.push_str(REDACTED);
                &after[at..]
            }
            None => after,
        };
    }
    out + rest
}

/// The token behind each `Bearer`.
fn without_bearer(text: &str) -> String {
    replace_after(text, "bearer ", |after| {
        let gap = after.len() - after.trim_start().len();
        let token = |c: char| c.is_ascii_alphanumeric() || "-._~+/=%:".contains(c);
        let end = after[gap..]
            .find(|c| !token(c))
            .unwrap_or(after.len() - gap);
        (gap, gap + end)
    })
}

/// The value behind `token=`, `"password": "`, `Authorization:` and the like.
fn without_named(text: &str) -> String {
    NAMES.iter().fold(text.to_owned(), |text, name| {
        let whole_line = *name == "authorization" || *name == "cookie";
        replace_after(&text, name, |after| {
            let sign = after.trim_start_matches(['"', '\'', ' ', '\\']);
            let Some(value) = sign.strip_prefix([':', '=']) else {
                return (0, 0);
            };
            let value = value.trim_start_matches(['"', '\'', ' ', '\\']);
            let start = after.len() - value.len();
            let ends = |c: char| {
                matches!(c, '\n' | '\r' | '"' | '\'' | '\\')
                    || (!whole_line
                        && (c.is_whitespace() || matches!(c, '&' | ',' | ';' | ')' | '}')))
            };
            (start, start + value.find(ends).unwrap_or(value.len()))
        })
    })
}

/// Redacts the part of what follows each `word` (any case) that `part` points at.
fn replace_after(text: &str, word: &str, part: impl Fn(&str) -> (usize, usize)) -> String {
    // ASCII alone is folded, so that positions hold for the text itself.
    let folded = text.to_ascii_lowercase();
    let mut out = String::new();
    let mut done = 0;
    while let Some(found) = folded[done..].find(word) {
        let after = done + found + word.len();
        let (from, to) = part(&text[after..]);
        out.push_str(&text[done..after + from]);
        if to > from {
            out.push_str(REDACTED);
        }
        done = after + to;
    }
    out + &text[done..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_a_known_form_survives() {
        let secrets = Secrets::default();
        for (raw, canary) in [
            ("sent Authorization: Bearer hunter2.abc-def to a", "hunter2"),
            ("authorization=Basic aHVudGVyMg==", "aHVudGVyMg"),
            (
                "{\"Authorization\": \"Basic aHVudGVyMg==\", \"a\": 1}",
                "aHVudGVyMg",
            ),
            ("header bearer   hunter2", "hunter2"),
            ("https://ann:hunter2@10.0.0.1:9090/x?y", "hunter2"),
            ("a https://b/ then http://hunter2@c", "hunter2"),
            ("https://ann:p@hunter2@10.0.0.1/", "hunter2"),
            ("GET /x?token=hunter2&b=1", "hunter2"),
            ("password: hunter2", "hunter2"),
            ("\"client_secret\":\"hunter2\"", "hunter2"),
            (
                "x -----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY----- y",
                "hunter2",
            ),
            ("cut -----BEGIN EC PRIVATE KEY-----\nhunter2", "hunter2"),
            ("Set-Cookie: id=hunter2; path=/", "hunter2"),
        ] {
            let text = secrets.redacted(raw);
            assert!(!text.contains(canary), "{text}");
            assert!(text.contains("[redacted"), "{text}");
        }
    }

    #[test]
    fn what_stands_around_a_secret_is_kept() {
        let secrets = Secrets::default();
        let text = secrets.redacted("GET https://ann:pw@10.0.0.1:9090/x?token=abcdef&b=1 took 3ms");
        assert_eq!(
            text,
            "GET https://[redacted]@10.0.0.1:9090/x?token=[redacted]&b=1 took 3ms"
        );
        let pem = "a -----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE----- b";
        assert_eq!(secrets.redacted(pem), "a [redacted PEM] b");
    }

    #[test]
    fn ordinary_words_stay() {
        let secrets = Secrets::default();
        for text in [
            "unexpected token in line 3",
            "a@b.c and https://host/@x",
            "the bearer: none",
            "İ token",
        ] {
            assert_eq!(secrets.redacted(text), text);
        }
    }

    #[test]
    fn a_registered_secret_is_taken_out_and_a_short_one_is_not() {
        let mut secrets = Secrets::default();
        secrets.add("s3cr3t-value");
        secrets.add("s3cr3t");
        secrets.add("the");
        assert_eq!(
            secrets.redacted("the s3cr3t-value and s3cr3t"),
            "the [redacted] and [redacted]"
        );
    }
}
