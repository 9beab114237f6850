//! Labels as kubectl's `-l` takes them: `app=web,tier!=db`, `app in (a,b)`, `!canary`; in quotes or
//! not. Says what it cannot read, and knows no rows.

use std::sync::Arc;

use crate::objects::workload::Selector;

/// What a reader who wrote none is told.
const WANTED: &str = "-l wants labels: app=web, 'app in (a,b)', !canary";

/// Reads a selector at the beginning of a text. What follows it comes back too; nothing follows one
/// that cannot be read.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn read(text: &str) -> (Result<Selector, String>, &str) {
    let text = text.trim_start();
    let Some(mark) = text.chars().next() else {
        return (Err(WANTED.to_owned()), "");
    };
    if mark != '\'' && mark != '"' {
        let mut reader = Reader {
            rest: text,
            quoted: false,
        };
        return match reader.selector() {
            Ok(selector) => (Ok(selector), reader.rest),
            Err(why) => (Err(why), ""),
        };
    }
    let Some((inside, behind)) = text[1..].split_once(mark) else {
        return (Err(format!("-l: the {mark} is not closed")), "");
    };
    let mut reader = Reader {
        rest: inside,
        quoted: true,
    };
    let whole = reader.selector().and_then(|selector| {
        let rest = reader.rest.trim();
        match rest {
            "" => Ok(selector),
            rest => Err(format!("-l: `{rest}` is not understood")),
        }
    });
    (whole, behind)
}

struct Reader<'a> {
    rest: &'a str,
    /// Blanks may stand around an operator: the quotes say where it ends.
    quoted: bool,
}

#[derive(Default)]
struct Found {
    pairs: Vec<(Arc<str>, Arc<str>)>,
    expressions: Vec<(Arc<str>, Arc<str>, Box<[Arc<str>]>)>,
}

impl Reader<'_> {
    fn selector(&mut self) -> Result<Selector, String> {
        let mut found = Found::default();
        loop {
            self.requirement(&mut found)?;
            let after = self.rest.trim_start();
            let Some(rest) = after.strip_prefix(',') else {
                break;
            };
            self.rest = rest;
        }
        Ok(Selector {
            pairs: found.pairs.into(),
            expressions: found.expressions.into(),
            absent: false,
        })
    }

    fn requirement(&mut self, found: &mut Found) -> Result<(), String> {
        self.rest = self.rest.trim_start();
        let absent = self.take("!");
        let key: Arc<str> = self.name("name", "-_./")?.into();
        if key.is_empty() {
            return Err(WANTED.to_owned());
        }
        if absent {
            let nothing = Box::default();
            found
                .expressions
                .push((key, "DoesNotExist".into(), nothing));
            return Ok(());
        }
        let before = self.rest;
        self.rest = before.trim_start();
        let spaced = self.quoted || self.rest.len() < before.len();
        if self.take("!=") {
            let value = self.value(spaced)?;
            found
                .expressions
                .push((key, "NotIn".into(), [value].into()));
        } else if self.take("==") || self.take("=") {
            let value = self.value(spaced)?;
            found.pairs.push((key, value));
        } else if let Some(operator) = self.set_operator() {
            let values = self.list(&key, operator)?;
            let operator = if operator == "in" { "In" } else { "NotIn" };
            found.expressions.push((key, operator.into(), values));
        } else {
            self.rest = before;
            found
                .expressions
                .push((key, "Exists".into(), Box::default()));
        }
        Ok(())
    }

    fn take(&mut self, mark: &str) -> bool {
        let rest = self.rest.strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// `in` or `notin` as a word of its own.
    fn set_operator(&mut self) -> Option<&'static str> {
        let ends = |rest: &&str| {
            let next = rest.chars().next();
            next.is_none_or(|c| c == '(' || c.is_whitespace())
        };
        let operator = ["notin", "in"].into_iter().find_map(|operator| {
            let rest = self.rest.strip_prefix(operator).filter(ends)?;
            Some((operator, rest))
        });
        let (operator, rest) = operator?;
        self.rest = rest;
        Some(operator)
    }

    fn value(&mut self, spaced: bool) -> Result<Arc<str>, String> {
        if spaced {
            self.rest = self.rest.trim_start();
        }
        Ok(self.name("value", "-_.")?.into())
    }

    /// `(a, b)`
    fn list(&mut self, key: &str, operator: &str) -> Result<Box<[Arc<str>]>, String> {
        self.rest = self.rest.trim_start();
        if !self.take("(") {
            return Err(format!("-l: write {key} {operator} (a,b)"));
        }
        let mut values = Vec::new();
        loop {
            values.push(self.value(true)?);
            self.rest = self.rest.trim_start();
            if self.take(")") {
                return Ok(values.into());
            }
            if !self.take(",") {
                return Err(format!("-l: {key} {operator} (... lacks its `)`"));
            }
        }
    }

    /// Letters, digits and these marks, up to where a name or value may end.
    fn name(&mut self, what: &str, marks: &str) -> Result<String, String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || marks.contains(c);
        let end = self.rest.find(|c| !fits(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        match rest.chars().next() {
            Some(c) if !c.is_whitespace() && !",)=!".contains(c) => {
                Err(format!("-l: `{c}` cannot stand in a label's {what}"))
            }
            _ => Ok(name.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Labels;

    /// Does it select this, and what follows it?
    fn selects(text: &str, labels: &[(&str, &str)]) -> (bool, String) {
        let labels: Labels = labels
            .iter()
            .map(|(k, v)| (Arc::from(*k), Arc::from(*v)))
            .collect();
        let (read, rest) = read(text);
        (read.unwrap().selects(&labels), rest.to_owned())
    }

    #[test]
    fn sets_are_read_with_and_without_quotes_and_blanks() {
        for text in [
            "app in (web,db)",
            "'app in (web, db)'",
            "\"app in (db,web)\"",
            "app in(web)",
            "app notin (db)",
            "app = web",
            "'app==web, tier in (front) ,!canary'",
            "app in (web),tier!=back",
        ] {
            let web = [("app", "web"), ("tier", "front")];
            assert!(selects(text, &web).0, "{text}");
            assert!(!selects(text, &[("app", "x"), ("canary", "")]).0 || text.contains("notin"));
        }
        assert!(!selects("app notin (web,db)", &[("app", "web")]).0);
    }

    #[test]
    fn what_follows_a_selector_is_left() {
        let web = [("app", "web")];
        for text in [
            "app=web front",
            "'app in (web)' front",
            "app in (web) front",
            "app front",
        ] {
            let (holds, rest) = selects(text, &web);
            assert!(holds, "{text}");
            assert_eq!(rest.trim(), "front", "{text}");
        }
        assert_eq!(selects("app internal", &web).1.trim(), "internal");
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        for (text, why) in [
            ("", "wants labels"),
            ("app in", "write app in (a,b)"),
            ("app in (a,b", "lacks its `)`"),
            ("'app in (a)", "' is not closed"),
            ("app=we*", "`*` cannot stand in a label's value"),
            ("app=web,", "wants labels"),
            ("'app web'", "`web` is not understood"),
        ] {
            let told = read(text).0.unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
        }
    }
}
