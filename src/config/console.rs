//! What was configured for the console itself: looks, keys, log.

use super::keys::{Applies, KEYS};
use super::settings::Settings;

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    Always,
    Never,
}

/// Which fleet this is, for the header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    pub name: String,
    pub prod: bool,
}

/// The console's settings, typed; `settings` keeps each with its origin.
#[derive(Clone, Debug, Default)]
pub struct Console {
    pub theme: String,
    pub keymap: String,
    pub color: ColorWhen,
    pub ascii: bool,
    pub mouse: bool,
    /// A level's word, as `tracing` knows it.
    pub log_level: String,
    /// The pane to start in; `None` for the first one.
    pub open: Option<String>,
    /// `None` when neither a name nor the mark of production is configured.
    pub context: Option<Context>,
    pub settings: Settings,
}

impl Console {
    #[must_use]
    pub(super) fn of(settings: Settings) -> Self {
        let text = |key| settings.text(key).unwrap_or_default().to_owned();
        let context = Context {
            name: text("context.name"),
            prod: settings.flag("context.prod"),
        };
        Self {
            theme: text("theme"),
            keymap: text("keymap"),
            color: match settings.text("color") {
                Some("always") => ColorWhen::Always,
                Some("never") => ColorWhen::Never,
                _ => ColorWhen::Auto,
            },
            ascii: settings.flag("ascii"),
            mouse: settings.flag("mouse"),
            log_level: text("log_level"),
            open: Some(text("open")).filter(|pane| !pane.is_empty()),
            context: Some(context).filter(|context| *context != Context::default()),
            settings,
        }
    }
}

impl Console {
    /// Where a setting was made, for an error about its value: `--theme`, `config.toml:3`.
    #[must_use]
    pub fn place(&self, key: &str) -> String {
        let origin = self.settings.origin(key);
        origin.map_or_else(|| key.to_owned(), ToString::to_string)
    }
}

/// The keys that a console has, in the table's order.
pub(super) fn keys() -> impl Iterator<Item = super::keys::Key> {
    KEYS.iter()
        .filter(|key| key.applies == Applies::Console)
        .copied()
}
