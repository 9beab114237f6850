//! Logging: to a size-capped file and a ring in memory, never to the terminal.
//!
//! Every message passes [`redact::Secrets`] before it is kept anywhere. A file that cannot be
//! written stops nothing: the program goes on, says it once, and keeps the ring.

mod file;
mod redact;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::{EnvFilter, Registry};

use crate::clock::{self, Now};
use crate::text::escape_json;
use file::CappedFile;
use redact::Secrets;

/// Messages kept in memory.
const REMEMBERED: usize = 500;

/// Longest message kept, in bytes.
const LONGEST: usize = 8192;

/// One message, redacted. `text` may hold remote characters: draw it as `SafeText`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub at: Now,
    pub level: Level,
    /// The module that said it.
    pub target: String,
    pub text: String,
}

/// Where lines go; a test has one that fails.
trait Sink: Send {
    fn append(&mut self, line: &[u8]) -> io::Result<()>;
}

static LOG: LazyLock<Log> = LazyLock::new(Log::default);

/// Begins to log: messages of `level` and worse from midwatch, warnings from libraries. `folder` is
/// the state folder; without one only memory is written.
///
/// Calling it again changes the file and not the level.
pub fn start(level: &str, folder: Option<&Path>) {
    let filter = match level {
        "off" => "off".to_owned(),
        "error" => "error".to_owned(),
        level => format!("warn,midwatch={level}"),
    };
    let layer = ToLog.with_filter(EnvFilter::new(filter));
    // Only the first of a process wins, which is what a test that starts several needs.
    let _ = tracing::subscriber::set_global_default(Registry::default().with(layer));
    if level == "off" {
        return;
    }
    let Some(folder) = folder else {
        return LOG.report_trouble(&io::Error::other("there is no home directory for it"));
    };
    LOG.inner().path = Some(path(folder));
    match CappedFile::open(folder) {
        Ok(file) => LOG.inner().sink = Some(Box::new(file)),
        Err(error) => LOG.report_trouble(&error),
    }
}

/// What to do where the file cannot be written; starts with a verb.
pub const HINT: &str = "Make its folder writable, or set XDG_STATE_HOME to another; until then the log stays in memory";

/// The file of [`start`]'s folder.
#[must_use]
pub fn path(folder: &Path) -> PathBuf {
    folder.join(file::NAME)
}

/// The last messages, oldest first.
#[must_use]
pub fn recent() -> Vec<Message> {
    LOG.inner().ring.iter().cloned().collect()
}

/// Why nothing reaches the log file at present; `None` while all is well.
#[must_use]
pub fn trouble() -> Option<String> {
    LOG.inner().trouble.clone()
}

/// Keeps this text out of every later message: a line of a headers file, a token. Texts of less
/// than six bytes are not taken, for they would eat ordinary words.
pub fn redact(secret: &str) {
    LOG.inner().secrets.add(secret);
}

/// A text as it would be logged: without known secrets and what looks like one. For the words of
/// programs and servers that are shown.
#[must_use]
pub fn redacted(text: &str) -> String {
    LOG.inner().secrets.redacted(text)
}

#[derive(Default)]
struct Log {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    ring: VecDeque<Message>,
    sink: Option<Box<dyn Sink>>,
    /// Where the file is or would be.
    path: Option<PathBuf>,
    secrets: Secrets,
    trouble: Option<String>,
    /// Lines that did not reach the file since it was last written.
    lost: u64,
}

impl Log {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere must not silence the log.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, at: Now, level: Level, target: &str, raw: &str) {
        let mut inner = self.inner();
        let text = inner.secrets.redacted(raw);
        let message = Message {
            at,
            level,
            target: target.to_owned(),
            text: clipped(text),
        };
        inner.write(&message);
        inner.remember(message);
    }

    fn report_trouble(&self, error: &io::Error) {
        self.inner().complain(error, clock::now());
    }
}

impl Inner {
    fn remember(&mut self, message: Message) {
        if self.ring.len() >= REMEMBERED {
            self.ring.pop_front();
        }
        self.ring.push_back(message);
    }

    fn write(&mut self, message: &Message) {
        let Some(sink) = &mut self.sink else {
            return;
        };
        let mut bytes = String::new();
        if self.lost > 0 {
            // The broken end of what was cut off must not spoil this line.
            let text = format!("{} messages did not reach this file", self.lost);
            bytes.push('\n');
            bytes.push_str(&line(message.at, Level::WARN, module_path!(), &text));
        }
        bytes.push_str(&line(
            message.at,
            message.level,
            &message.target,
            &message.text,
        ));
        match sink.append(bytes.as_bytes()) {
            Ok(()) => {
                self.lost = 0;
                self.trouble = None;
            }
            Err(error) => {
                self.lost += 1;
                self.complain(&error, message.at);
            }
        }
    }

    /// Says it once, until it works again.
    fn complain(&mut self, error: &io::Error, at: Now) {
        if self.trouble.is_some() {
            return;
        }
        let path = self.path.as_deref().unwrap_or(Path::new(""));
        let path = path.display().to_string();
        let named = if path.is_empty() {
            path
        } else {
            format!(" {path}")
        };
        let text = format!("the log file{named} cannot be written: {error}");
        self.trouble = Some(text.clone());
        self.remember(Message {
            at,
            level: Level::WARN,
            target: module_path!().to_owned(),
            text,
        });
    }
}

/// One line of JSON without a raw control character.
fn line(at: Now, level: Level, target: &str, text: &str) -> String {
    let json = json!({
        "at": at.wall.to_string(),
        "level": level.as_str().to_ascii_lowercase(),
        "target": target,
        "text": text,
    });
    escape_json(&json.to_string()) + "\n"
}

fn clipped(text: String) -> String {
    if text.len() <= LONGEST {
        return text;
    }
    let end = (0..=LONGEST)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    format!("{}<+{} bytes>", &text[..end], text.len() - end)
}

/// From tracing's events to the log.
struct ToLog;

impl<S: Subscriber> Layer<S> for ToLog {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut said = Said::default();
        event.record(&mut said);
        let about = event.metadata();
        LOG.take(clock::now(), *about.level(), about.target(), &said.text());
    }
}

/// An event's message, and its fields as `name=value` behind it.
#[derive(Default)]
struct Said {
    message: String,
    fields: String,
}

impl Said {
    fn text(&self) -> String {
        if self.message.is_empty() {
            self.fields.trim_start().to_owned()
        } else {
            format!("{}{}", self.message, self.fields)
        }
    }
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.fields
                .push_str(&format!(" {}={value:?}", field.name()));
        }
    }
}

#[cfg(test)]
mod tests;
