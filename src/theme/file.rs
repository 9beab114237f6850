//! The form of a theme file, its inheritance, and every mistake that can be made in it.
//!
//! ```toml
//! inherits = "dark"
//! "ui.text" = "text"
//! "ui.selected" = { fg = "bright", bg = "#24405a", modifiers = ["bold"] }
//! [palette]
//! text = "#d5dbe3"
//! ```
//!
//! A child's palette also recolours what its parent styled by name.

use std::collections::BTreeMap;

use ratatui::style::Modifier;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::colour::{ANSI, Colour};
use crate::mistake::Mistake;
use crate::role::Role;

/// How a role looks. `None` lets shine through what is below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub fg: Option<Colour>,
    pub bg: Option<Colour>,
    pub modifiers: Modifier,
}

/// Which text is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted<'a> {
    /// The user's, else the embedded one.
    Any(&'a str),
    /// The embedded one: what a user's theme of the same name inherits.
    Embedded(&'a str),
}

const MODIFIERS: &[(&str, Modifier)] = &[
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
    ("crossed-out", Modifier::CROSSED_OUT),
];

/// A style as written, colours still by name, with the place of each for errors.
#[derive(Clone, Debug, Default)]
struct Written {
    file: usize,
    fg: Option<(String, usize)>,
    bg: Option<(String, usize)>,
    modifiers: Modifier,
}

/// The chain of files from the root parent to the theme itself, merged.
struct Chain<'a> {
    /// Name and text of each file, for errors.
    files: Vec<(String, &'a str)>,
    palette: BTreeMap<String, Colour>,
    styles: BTreeMap<Role, Written>,
    mistakes: Vec<Mistake>,
}

/// The looks of a theme. `text` gives a theme's file name and text; `known` are all names.
pub(super) fn resolve<'a>(
    name: &str,
    text: &dyn Fn(Wanted) -> Option<(String, &'a str)>,
    known: &[&str],
) -> Result<BTreeMap<Role, Look>, Vec<Mistake>> {
    let mut chain = Chain {
        files: Vec::new(),
        palette: BTreeMap::new(),
        styles: BTreeMap::new(),
        mistakes: Vec::new(),
    };
    let Some((file, body)) = text(Wanted::Any(name)) else {
        let mistake = Mistake::new("theme", format!("no theme is called `{name}`"));
        return Err(vec![mistake.meant(name, known.iter().copied())]);
    };
    chain.add(name, file, body, text, known);
    let looks = chain.looks();
    if chain.mistakes.is_empty() {
        Ok(looks)
    } else {
        Err(chain.mistakes)
    }
}

impl<'a> Chain<'a> {
    /// Adds a file after its parents.
    fn add(
        &mut self,
        name: &str,
        file: String,
        body: &'a str,
        text: &dyn Fn(Wanted) -> Option<(String, &'a str)>,
        known: &[&str],
    ) {
        let table = match DeTable::parse(body) {
            Ok(table) => table,
            Err(error) => {
                let offset = error.span().map_or(0, |span| span.start);
                let mistake = Mistake::new(&file, error.message().to_owned());
                self.mistakes.push(mistake.at(body, offset));
                return;
            }
        };
        let place = self.files.len();
        self.files.push((file, body));
        let table = table.get_ref();
        if let Some(parent) = table.get("inherits") {
            self.inherit(name, place, parent, text, known);
        }
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("inherits", _) => {}
                ("palette", DeValue::Table(palette)) => self.palette(place, palette),
                (scope, _) => self.scope(place, scope, key.span().start, value),
            }
        }
    }

    fn inherit(
        &mut self,
        name: &str,
        place: usize,
        parent: &Spanned<DeValue>,
        text: &dyn Fn(Wanted) -> Option<(String, &'a str)>,
        known: &[&str],
    ) {
        let offset = parent.span().start;
        let Some(parent) = parent.get_ref().as_str() else {
            self.wrong(place, offset, "`inherits` is not a name", |m| {
                m.hint("write the name of a theme in quotes")
            });
            return;
        };
        let wanted = if parent == name {
            Wanted::Embedded(parent)
        } else {
            Wanted::Any(parent)
        };
        match text(wanted) {
            None => self.wrong(
                place,
                offset,
                &format!("no theme is called `{parent}`"),
                |m| m.meant(parent, known.iter().copied()),
            ),
            Some((file, _)) if self.files.iter().any(|(known, _)| *known == file) => {
                let problem = format!("`{parent}` inherits from itself");
                self.wrong(place, offset, &problem, |m| m.hint("remove one `inherits`"));
            }
            Some((file, body)) => self.add(parent, file, body, text, known),
        }
    }

    fn wrong(
        &mut self,
        place: usize,
        offset: usize,
        problem: &str,
        hint: impl FnOnce(Mistake) -> Mistake,
    ) {
        if let Some((file, text)) = self.files.get(place) {
            let mistake = Mistake::new(file, problem).at(text, offset);
            self.mistakes.push(hint(mistake));
        }
    }

    fn palette(&mut self, place: usize, palette: &DeTable) {
        for (name, value) in palette {
            let colour = value.get_ref().as_str().and_then(Colour::read);
            if let Some(colour) = colour {
                self.palette.insert(name.get_ref().to_string(), colour);
            } else {
                let problem = format!("`{}` in the palette is no colour", name.get_ref());
                self.wrong(place, value.span().start, &problem, |m| {
                    m.hint("write \"#rrggbb\", \"default\", or one of the sixteen names")
                });
            }
        }
    }

    /// One role, or a table of roles below a common prefix.
    fn scope(&mut self, place: usize, scope: &str, offset: usize, value: &Spanned<DeValue>) {
        match (scope.parse::<Role>(), value.get_ref()) {
            (Ok(role), _) => {
                if let Some(written) = self.written(place, scope, value) {
                    self.styles.insert(role, written);
                }
            }
            (Err(_), DeValue::Table(table))
                if Role::ALL
                    .iter()
                    .any(|role| role.name().starts_with(&format!("{scope}."))) =>
            {
                for (key, value) in table {
                    let below = format!("{scope}.{}", key.get_ref());
                    self.scope(place, &below, key.span().start, value);
                }
            }
            (Err(error), _) => {
                let known = Role::ALL.iter().map(|role| role.name());
                self.wrong(place, offset, &error.to_string(), |m| m.meant(scope, known));
            }
        }
    }

    fn written(&mut self, place: usize, scope: &str, value: &Spanned<DeValue>) -> Option<Written> {
        let mut written = Written {
            file: place,
            ..Written::default()
        };
        let offset = value.span().start;
        match value.get_ref() {
            DeValue::String(colour) => written.fg = Some((colour.to_string(), offset)),
            DeValue::Table(table) => {
                for (key, value) in table {
                    let offset = value.span().start;
                    let text = value
                        .get_ref()
                        .as_str()
                        .map(|text| (text.to_owned(), offset));
                    match key.get_ref().as_ref() {
                        "fg" if text.is_some() => written.fg = text,
                        "bg" if text.is_some() => written.bg = text,
                        "modifiers" => written.modifiers = self.modifiers(place, value),
                        other => {
                            let problem = format!("`{other}` means nothing in `{scope}`");
                            self.wrong(place, offset, &problem, |m| {
                                m.hint("write fg = \"colour\", bg = \"colour\" or modifiers = [..]")
                            });
                        }
                    }
                }
            }
            _ => {
                let problem = format!("`{scope}` is neither a colour nor a table");
                self.wrong(place, offset, &problem, |m| {
                    m.hint("write a colour, or { fg = .., bg = .., modifiers = [..] }")
                });
                return None;
            }
        }
        Some(written)
    }

    fn modifiers(&mut self, place: usize, value: &Spanned<DeValue>) -> Modifier {
        let mut all = Modifier::empty();
        let Some(list) = value.get_ref().as_array() else {
            self.wrong(place, value.span().start, "`modifiers` is no list", |m| {
                m.hint("write [\"bold\"]")
            });
            return all;
        };
        for item in list.iter() {
            let word = item.get_ref().as_str().unwrap_or("");
            match MODIFIERS.iter().find(|(name, _)| *name == word) {
                Some((_, modifier)) => all |= *modifier,
                None => self.wrong(
                    place,
                    item.span().start,
                    &format!("no modifier is called `{word}`"),
                    |m| m.meant(word, MODIFIERS.iter().map(|(name, _)| *name)),
                ),
            }
        }
        all
    }

    /// Colours by name become colours; every role must be there.
    fn looks(&mut self) -> BTreeMap<Role, Look> {
        let mut looks = BTreeMap::new();
        for (role, written) in std::mem::take(&mut self.styles) {
            let look = Look {
                fg: self.colour(&written, written.fg.as_ref()),
                bg: self.colour(&written, written.bg.as_ref()),
                modifiers: written.modifiers,
            };
            looks.insert(role, look);
        }
        let readable = self.mistakes.is_empty();
        for role in Role::ALL.iter().filter(|role| !looks.contains_key(role)) {
            // With another mistake, what is missing may follow from it.
            if let Some((file, _)) = self.files.first().filter(|_| readable) {
                let problem = format!("`{role}` ({}) has no style", role.doc());
                self.mistakes.push(
                    Mistake::new(file, problem).hint("add it, or inherit a theme that has it"),
                );
            }
        }
        looks
    }

    fn colour(&mut self, written: &Written, name: Option<&(String, usize)>) -> Option<Colour> {
        let (name, offset) = name?;
        let colour = self
            .palette
            .get(name)
            .copied()
            .or_else(|| Colour::read(name));
        if colour.is_none() {
            let names: Vec<String> = self.palette.keys().cloned().collect();
            let problem = format!("no colour is called `{name}`");
            self.wrong(written.file, *offset, &problem, |m| {
                let known = names.iter().map(String::as_str);
                m.meant(name, known.chain(ANSI).chain(["default"]))
            });
        }
        colour
    }
}
