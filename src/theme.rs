//! Themes: what each [`Role`] looks like.
//!
//! A theme is TOML: a palette, and a style for every role, its own or inherited. Takes text and
//! gives styles; reads no file. That states differ by word and mark too is the panes' work.

mod colour;
mod file;
mod log;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};

use crate::mistake::Mistake;
use crate::role::Role;

pub use colour::{Colour, Depth, contrast, is_light};
use file::Look;

/// The themes that come with midwatch: name and text.
pub static EMBEDDED: &[(&str, &str)] = &[
    ("dark", include_str!("../themes/dark.toml")),
    ("light", include_str!("../themes/light.toml")),
    ("terminal16", include_str!("../themes/terminal16.toml")),
    ("mono", include_str!("../themes/mono.toml")),
    (
        "high-contrast",
        include_str!("../themes/high-contrast.toml"),
    ),
    ("deuteranopia", include_str!("../themes/deuteranopia.toml")),
];

/// All themes by name: the user's own over the embedded ones.
#[derive(Clone, Debug, Default)]
pub struct Themes {
    user: BTreeMap<String, String>,
}

impl Themes {
    /// Adds a theme of the user; `name` is the file's stem. It hides an embedded one.
    pub fn add(&mut self, name: &str, text: &str) {
        self.user.insert(name.to_owned(), text.to_owned());
    }

    /// Every name, the embedded ones first.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let embedded = EMBEDDED.iter().map(|(name, _)| *name);
        let own = self.user.keys().map(String::as_str);
        let mut names: Vec<&str> = embedded.collect();
        names.extend(own.filter(|name| !EMBEDDED.iter().any(|(known, _)| known == name)));
        names
    }

    /// Loads a theme for a depth of colour.
    ///
    /// # Errors
    /// Every mistake in it: an unknown role, colour or modifier, a role without a style, a parent
    /// that is missing or is its own child.
    pub fn load(&self, name: &str, depth: Depth) -> Result<Theme, Vec<Mistake>> {
        let looks = file::resolve(name, &|wanted| self.text(wanted), &self.names())?;
        Ok(Theme::new(&looks, depth))
    }

    /// The text of a theme. A user's `dark` may inherit the embedded `dark`: see [`file::resolve`].
    fn text(&self, wanted: file::Wanted) -> Option<(String, &str)> {
        let embedded = |name: &str| {
            EMBEDDED
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(known, text)| (format!("themes/{known}.toml (embedded)"), *text))
        };
        match wanted {
            file::Wanted::Any(name) => match self.user.get(name) {
                Some(text) => Some((format!("themes/{name}.toml"), text)),
                None => embedded(name),
            },
            file::Wanted::Embedded(name) => embedded(name),
        }
    }
}

/// A style for every role.
#[derive(Clone, Debug)]
pub struct Theme {
    styles: Vec<Style>,
    depth: Depth,
    /// What log lines in colours of their own stand on, where it is known exactly.
    paper: Option<log::Paper>,
}

impl Theme {
    fn new(looks: &BTreeMap<Role, Look>, depth: Depth) -> Self {
        let ground = looks.get(&Role::Background).and_then(|look| look.bg);
        let style = |role: &Role| {
            looks
                .get(role)
                .map_or_else(Style::new, |look| look.style(ground, depth))
        };
        Self {
            styles: Role::ALL.iter().map(style).collect(),
            depth,
            paper: log::Paper::of(|role| looks.get(&role).copied()),
        }
    }

    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }
}

impl Look {
    fn style(&self, ground: Option<Colour>, depth: Depth) -> Style {
        let mut style = Style::new().add_modifier(self.modifiers);
        if depth == Depth::None {
            // Without colour, what stood out by its ground stands out reversed.
            if self.bg.is_some() && self.bg != ground {
                style = style.add_modifier(Modifier::REVERSED);
            }
            return style.fg(Color::Reset).bg(Color::Reset);
        }
        style.fg = self.fg.map(|colour| colour.at(depth));
        style.bg = self.bg.map(|colour| colour.at(depth));
        style
    }
}
