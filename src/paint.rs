//! Drawing primitives over a ratatui buffer. Everything remote comes in as [`SafeText`]; plain
//! `&'static str` is for our own words.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use crate::glyph::Glyphs;
use crate::role::Role;
use crate::sgr::Look;
use crate::text::{self, SafeText};
use crate::theme::Theme;

/// How everything looks: fixed for a frame.
#[derive(Clone, Copy, Debug)]
pub struct Skin<'a> {
    pub theme: &'a Theme,
    pub glyphs: &'a Glyphs,
}

/// Runs of safe text with their roles: one line of prose.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line(pub Vec<(SafeText, Role)>);

impl Line {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn with(mut self, text: impl Into<SafeText>, role: Role) -> Self {
        self.0.push((text.into(), role));
        self
    }

    #[must_use]
    pub fn text(self, text: impl Into<SafeText>) -> Self {
        self.with(text, Role::Text)
    }

    #[must_use]
    pub fn dim(self, text: impl Into<SafeText>) -> Self {
        self.with(text, Role::Dim)
    }

    #[must_use]
    pub fn width(&self) -> usize {
        self.0.iter().map(|(text, _)| text.width()).sum()
    }

    /// Breaks at spaces so that no line exceeds `columns`; continued lines are indented.
    #[must_use]
    pub fn wrap(self, columns: usize, indent: usize) -> Vec<Self> {
        let mut lines = Vec::new();
        let mut line = Self::new();
        let mut used = 0;
        for (run, role) in self.0 {
            for word in run.as_str().split_inclusive(' ') {
                let wide = text::width(word.trim_end());
                if used > indent && used + wide > columns {
                    lines.push(std::mem::take(&mut line));
                    line = line.text(" ".repeat(indent));
                    used = indent;
                }
                used += text::width(word);
                match line.0.last_mut() {
                    Some((last, same)) if *same == role => {
                        *last = SafeText::new(&format!("{last}{word}"));
                    }
                    _ => line.0.push((SafeText::new(word), role)),
                }
            }
        }
        lines.push(line);
        lines
    }
}

/// A cursorless brush over one buffer.
pub struct Painter<'a> {
    pub buffer: &'a mut Buffer,
    pub skin: Skin<'a>,
}

impl Painter<'_> {
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.skin.theme.style(role)
    }

    /// Fills an area with the style of a role.
    pub fn fill(&mut self, area: Rect, role: Role) {
        let style = self.style(role);
        self.buffer
            .set_style(area.intersection(*self.buffer.area()), style);
    }

    /// Lays the selection over a strip: its ground and its own text colour, but a colour that
    /// tells a state stays.
    pub fn select(&mut self, strip: Rect) {
        let selected = self.style(Role::Selected);
        let plain =
            [Role::Text, Role::Dim, Role::Background, Role::Title].map(|role| self.style(role).fg);
        for x in strip.left()..strip.right() {
            let Some(cell) = self.buffer.cell_mut((x, strip.y)) else {
                continue;
            };
            let keeps = !plain.contains(&Some(cell.fg)) && selected.bg.is_some();
            let colour = cell.fg;
            cell.set_style(selected);
            if keeps {
                cell.fg = colour;
            }
        }
    }

    /// Writes our own words; answers the columns used.
    pub fn word(&mut self, x: u16, y: u16, columns: u16, word: &str, role: Role) -> u16 {
        let area = *self.buffer.area();
        if columns == 0
            || y < area.top()
            || y >= area.bottom()
            || x < area.left()
            || x >= area.right()
        {
            return 0;
        }
        let style = self.style(role);
        let (end, _) = self
            .buffer
            .set_stringn(x, y, word, usize::from(columns), style);
        end.saturating_sub(x)
    }

    /// Writes safe text, with an ellipsis where it does not fit; answers the columns used.
    pub fn text(&mut self, x: u16, y: u16, columns: u16, text: &SafeText, role: Role) -> u16 {
        let room = usize::from(columns);
        if text.width() <= room {
            return self.word(x, y, columns, text.as_str(), role);
        }
        let cut = text::clip(text.as_str(), room.saturating_sub(1));
        let used = self.word(x, y, columns, cut, role);
        let left = columns.saturating_sub(used).min(1);
        if left > 0 {
            self.glyph(x + used, y, self.skin.glyphs.ellipsis, role);
        }
        used + left
    }

    /// Writes a run of a log line as it wants to look; answers the columns used.
    pub fn log_text(&mut self, x: u16, y: u16, columns: u16, text: &SafeText, look: Look) -> u16 {
        let area = *self.buffer.area();
        if columns == 0 || !area.contains(Position { x, y }) {
            return 0;
        }
        let style = self.skin.theme.of_log(look);
        let (end, _) = self
            .buffer
            .set_stringn(x, y, text.as_str(), usize::from(columns), style);
        end.saturating_sub(x)
    }

    /// Writes one mark.
    pub fn glyph(&mut self, x: u16, y: u16, glyph: char, role: Role) {
        self.repeat(x, y, 1, glyph, role);
    }

    /// Writes one mark `columns` times.
    pub fn repeat(&mut self, x: u16, y: u16, columns: u16, glyph: char, role: Role) {
        let mut bytes = [0; 4];
        let symbol = glyph.encode_utf8(&mut bytes);
        for at in x..x.saturating_add(columns) {
            self.word(at, y, 1, symbol, role);
        }
    }

    /// The mark that stands before a word of this role; a blank where a role is no state.
    #[must_use]
    pub fn mark(&self, role: Role) -> char {
        let glyphs = self.skin.glyphs;
        match role {
            Role::Critical | Role::StateBad => glyphs.critical,
            Role::Warning | Role::StateAging => glyphs.warning,
            Role::Unknown | Role::StateUnknown => glyphs.unknown,
            Role::Info => glyphs.info,
            Role::StateOk => glyphs.ok,
            Role::StateStale => glyphs.stale,
            Role::StateNotConfigured | Role::Dim => glyphs.not_configured,
            _ => ' ',
        }
    }

    pub fn line(&mut self, x: u16, y: u16, columns: u16, line: &Line) -> u16 {
        let mut used = 0;
        for (text, role) in &line.0 {
            if used >= columns {
                break;
            }
            used += self.text(x + used, y, columns - used, text, *role);
        }
        used
    }

    /// The line with its right end at `right`; answers where it begins.
    pub fn line_right(&mut self, right: u16, y: u16, columns: u16, line: &Line) -> u16 {
        let wide = u16::try_from(line.width()).unwrap_or(u16::MAX).min(columns);
        let x = right.saturating_sub(wide);
        self.line(x, y, wide, line);
        x
    }

    /// A horizontal rule, with a title set into it on the left where there is one.
    pub fn rule(&mut self, area: Rect, title: &Line) {
        self.repeat(
            area.x,
            area.y,
            area.width,
            self.skin.glyphs.rule,
            Role::Rule,
        );
        if !title.0.is_empty() {
            let room = area.width.saturating_sub(4);
            let used = self.line(area.x + 3, area.y, room, title);
            self.word(area.x + 2, area.y, 1, " ", Role::Rule);
            self.word(area.x + 3 + used, area.y, 1, " ", Role::Rule);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_keeps_words_whole_and_roles() {
        let line = Line::new()
            .dim("SO WHAT ")
            .text("etcd prod has no spare member left");
        let lines = line.wrap(20, 4);
        assert!(lines.iter().all(|line| line.width() <= 21), "{lines:?}");
        let words: String = lines
            .iter()
            .flat_map(|line| line.0.iter().map(|(t, _)| t.to_string()))
            .collect();
        assert_eq!(
            words.split_whitespace().collect::<Vec<_>>().join(" "),
            "SO WHAT etcd prod has no spare member left"
        );
        assert_eq!(lines[0].0[0].1, Role::Dim);
    }
}
