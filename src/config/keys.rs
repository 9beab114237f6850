//! Every key that a configuration may hold: one table, from which decoding, `config default`,
//! `config show` and the documentation are made. Thresholds have their own table.

use crate::sources::Source;
use crate::thresholds::{TABLE, Unit};

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Text,
    /// A file; `~/` is the home directory, a relative one starts at the configuration's folder.
    Path,
    List,
    Bool,
    /// `"10s"`, `"1h30m"` or a number of seconds.
    Span,
    /// `"16MiB"` or a number of bytes.
    Size,
    /// `"5%"` or `0.05`.
    Share,
    Count,
    Celsius,
    /// One of these words.
    Choice(&'static [&'static str]),
}

impl Shape {
    /// What is wanted, as the end of "wants ...".
    #[must_use]
    pub fn wants(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Path => "a file name",
            Self::List => "a list of texts",
            Self::Bool => "true or false",
            Self::Span => "a time",
            Self::Size => "a size",
            Self::Share => "a share",
            Self::Count => "a number",
            Self::Celsius => "degrees Celsius",
            Self::Choice(_) => "one of a few words",
        }
    }

    /// How to write it, as a hint.
    #[must_use]
    pub fn example(self) -> String {
        match self {
            Self::Text => "Write a text in quotes, such as \"prod\"".into(),
            Self::Path => "Write a file name in quotes, such as \"~/pki/ca.pem\"".into(),
            Self::List => "Write texts in brackets, such as [\"https://10.0.0.11:2379\"]".into(),
            Self::Bool => "Write true or false, without quotes".into(),
            Self::Span => "Write \"10s\", \"250ms\", \"14d\" or a number of seconds".into(),
            Self::Size => "Write \"16MiB\", \"512KiB\" or a number of bytes".into(),
            Self::Share => "Write \"5%\" or 0.05".into(),
            Self::Count => "Write a number such as 4".into(),
            Self::Celsius => "Write a number such as 90".into(),
            Self::Choice(words) => format!("Write one of {}", quoted(words)),
        }
    }
}

fn quoted(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    words.join(", ")
}

/// Where a key may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// At the top level: the console itself.
    Console,
    /// Inside `[[target]]` alone, for every kind.
    Target,
    /// Inside `[[target]]` alone, for kinds that list it in `Source::keys`: where to connect.
    Address,
    /// Every kind of target.
    All,
    /// Kinds that connect by `url` or `endpoints`.
    Tls,
    /// Kinds that list it in `Source::keys`.
    Listed,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    pub name: &'static str,
    pub shape: Shape,
    pub applies: Applies,
    /// As it would be written in the file; empty where there is none or the source decides.
    pub default: &'static str,
    pub doc: &'static str,
    /// Least and most that make sense, in the key's unit.
    pub range: (f64, f64),
}

const ANY: (f64, f64) = (0.0, f64::MAX);

const fn key(
    name: &'static str,
    shape: Shape,
    applies: Applies,
    default: &'static str,
    doc: &'static str,
) -> Key {
    Key {
        name,
        shape,
        applies,
        default,
        doc,
        range: ANY,
    }
}

const fn within(mut key: Key, least: f64, most: f64) -> Key {
    key.range = (least, most);
    key
}

use Applies::{Address, All, Console, Listed, Target, Tls};

const COLORS: Shape = Shape::Choice(&["auto", "always", "never"]);
const LEVELS: Shape = Shape::Choice(&["off", "error", "warn", "info", "debug", "trace"]);

/// Every key but the thresholds.
#[rustfmt::skip]
pub static KEYS: &[Key] = &[
    key("theme", Shape::Text, Console, "\"auto\"",
        "Colours, by the name of a theme; `auto` follows the terminal's background."),
    key("keymap", Shape::Text, Console, "\"default\"", "Keys, by the name of a keymap."),
    key("color", COLORS, Console, "\"auto\"",
        "When to use colour. `auto`: on a terminal, unless NO_COLOR is set."),
    key("ascii", Shape::Bool, Console, "false", "Draw with ASCII alone."),
    key("mouse", Shape::Bool, Console, "false",
        "Take wheel and clicks. Off leaves selecting text to the terminal."),
    key("log_level", LEVELS, Console, "\"info\"", "How much goes to the log file."),
    key("open", Shape::Text, Console, "\"\"", "The pane to start in; empty for the first one."),
    key("context.name", Shape::Text, Console, "\"\"", "A word in the header that tells this fleet from others."),
    key("context.prod", Shape::Bool, Console, "false", "Mark the header: this is production."),

    key("kind", Shape::Text, Target, "", "What the target is."),
    key("name", Shape::Text, Target, "", "What you call it; unique within its kind."),
    key("traits", Shape::List, Target, "[]", "Named `[trait.X]` blocks to take settings from; later ones win."),

    key("url", Shape::Text, Address, "", "Where it listens: http://HOST:PORT or https://HOST:PORT/PREFIX."),
    key("address", Shape::Text, Address, "", "Where it listens: HOST or HOST:PORT."),
    key("endpoints", Shape::List, Address, "", "Every member's client URL; each is polled on its own."),
    key("metrics_endpoints", Shape::List, Address, "",
        "Metrics URLs in the order of `endpoints`, where they listen apart from the clients."),
    key("context", Shape::Text, Address, "",
        "Context of the kubeconfig; the current one where none is named."),

    within(key("period", Shape::Span, All, "", "Time between two polls."), 1.0, 86_400.0),
    within(key("timeout", Shape::Span, All, "", "Deadline of one poll; shorter than the period."), 0.001, 3600.0),
    within(key("max_body", Shape::Size, All, "\"16MiB\"", "Largest answer taken, after inflation."), 1024.0, 4_294_967_296.0),
    key("ca", Shape::Path, Tls, "", "PEM file of the authorities to trust in place of the system's."),
    key("cert", Shape::Path, Tls, "", "PEM file of the client certificate."),
    key("key", Shape::Path, Tls, "", "PEM file of the client certificate's key."),
    key("server_name", Shape::Text, Tls, "", "Name to verify in the server's certificate in place of the host."),
    key("insecure", Shape::Bool, Tls, "false",
        "Do not verify the server's certificate. Shown as TLS-OFF wherever the target is."),
    key("headers_file", Shape::Path, Tls, "",
        "File of `Name: value` lines sent with each request: the place for a token."),
    key("queries", Shape::List, Listed, "", "PromQL expressions to evaluate at each poll."),
    key("cluster", Shape::Text, Listed, "",
        "The watched Kubernetes cluster that it scrapes, by the name of that target."),
    key("kubeconfig", Shape::Path, Listed, "",
        "Kubeconfig to use in place of $KUBECONFIG and ~/.kube/config."),
    key("exec_allowed", Shape::List, Listed, "[]",
        "Credential plugins that a kubeconfig may run, by absolute path; no other program is run."),
    key("watch", Shape::List, Listed, "",
        "Kinds of objects to watch, such as \"pods\"; all that midwatch knows where none is named."),
    key("namespaces", Shape::List, Listed, "",
        "Namespaces to watch, for users who may not list all of them."),
];

/// The key of this name, thresholds included.
#[must_use]
pub fn find(name: &str) -> Option<Key> {
    KEYS.iter()
        .find(|key| key.name == name)
        .copied()
        .or_else(|| thresholds().find(|key| key.name == name))
}

/// The thresholds as keys.
pub fn thresholds() -> impl Iterator<Item = Key> {
    TABLE.iter().map(|row| {
        let (shape, most) = match row.unit {
            Unit::Share => (Shape::Share, 1.0),
            Unit::Seconds => (Shape::Span, f64::MAX),
            Unit::Count => (Shape::Count, f64::MAX),
            Unit::Celsius => (Shape::Celsius, 1000.0),
        };
        within(key(row.key, shape, All, "", row.doc), 0.0, most)
    })
}

impl Key {
    /// The environment variable that sets it, for the console and for what holds for every kind.
    #[must_use]
    pub fn variable(&self) -> Option<String> {
        match (self.name, self.applies) {
            ("log_level", _) => Some("MIDWATCH_LOG".into()),
            (name, Console | All) => Some(format!(
                "MIDWATCH_{}",
                name.to_uppercase().replace('.', "_")
            )),
            _ => None,
        }
    }

    /// Does this kind of target make use of it?
    #[must_use]
    pub fn is_for(&self, source: &Source) -> bool {
        match self.applies {
            Console => false,
            Target | All => true,
            Tls => source.keys.contains(&"url") || source.keys.contains(&"endpoints"),
            Address | Listed => source.keys.contains(&self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::SOURCES;

    #[test]
    fn no_key_is_in_the_table_twice() {
        let mut names: Vec<_> = KEYS
            .iter()
            .copied()
            .chain(thresholds())
            .map(|k| k.name)
            .collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn every_key_that_a_source_lists_is_in_the_table() {
        for source in SOURCES {
            for name in source.keys {
                assert!(find(name).is_some(), "{} lists {name}", source.kind);
            }
        }
    }

    #[test]
    fn a_key_that_could_hold_a_secret_cannot_be_set_by_the_environment() {
        for name in ["headers_file", "key", "insecure", "url"] {
            assert_eq!(find(name).unwrap().variable(), None, "{name}");
        }
        assert_eq!(
            find("period").unwrap().variable().unwrap(),
            "MIDWATCH_PERIOD"
        );
        assert_eq!(
            find("log_level").unwrap().variable().unwrap(),
            "MIDWATCH_LOG"
        );
    }
}
