//! The colours that log lines bring along, as a theme lets them: as many as the terminal has, and
//! never so near to the ground that they cannot be read.

use ratatui::style::{Color, Modifier, Style};

use super::Theme;
use super::colour::{Colour, Depth, contrast, palette};
use super::file::Look;
use crate::chord::Rgb;
use crate::role::Role;
use crate::sgr;

/// Least contrast between a line's colour and what it stands on; WCAG 2 for large text.
const LEAST: f64 = 3.0;

/// Steps in which a colour is moved towards one that can be read.
const STEPS: u16 = 8;

/// Ground and text of a theme that names them exactly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paper {
    ground: Rgb,
    text: Rgb,
}

impl Paper {
    pub(super) fn of(looks: impl Fn(Role) -> Option<Look>) -> Option<Self> {
        let exact = |colour| match colour {
            Some(Colour::Exact(rgb)) => Some(rgb),
            _ => None,
        };
        Some(Self {
            ground: exact(looks(Role::Background)?.bg)?,
            text: exact(looks(Role::Text)?.fg)?,
        })
    }
}

impl Theme {
    /// How a run of a log line is drawn; without colours only its weight and lines are left.
    #[must_use]
    pub fn of_log(&self, look: sgr::Look) -> Style {
        let mut style = self.style(Role::Text);
        for (on, modifier) in [
            (look.bold, Modifier::BOLD),
            (look.dim, Modifier::DIM),
            (look.italic, Modifier::ITALIC),
            (look.underline, Modifier::UNDERLINED),
            (look.reverse, Modifier::REVERSED),
            (look.struck, Modifier::CROSSED_OUT),
        ] {
            if on {
                style = style.add_modifier(modifier);
            }
        }
        match (self.depth, self.paper) {
            (Depth::None, _) => style,
            (_, None) => self.bare(style, look),
            (_, Some(paper)) => self.on_paper(style, look, paper),
        }
    }

    /// On the terminal's own ground: its own sixteen colours, and whoever chose them answers for
    /// them.
    fn bare(&self, mut style: Style, look: sgr::Look) -> Style {
        let colour = |ink: sgr::Ink| match ink {
            sgr::Ink::Basic(n) => Color::Indexed(n),
            other => Colour::Exact(rgb(other)).at(self.depth),
        };
        if let Some(ink) = look.ink {
            style.fg = Some(colour(ink));
        }
        if let Some(ground) = look.ground {
            style.bg = Some(colour(ground));
        }
        style
    }

    fn on_paper(&self, mut style: Style, look: sgr::Look, paper: Paper) -> Style {
        let ground = look.ground.map(rgb);
        let under = ground.unwrap_or(paper.ground);
        let ink = look.ink.map_or(paper.text, rgb);
        if look.ink.is_some() || ground.is_some() {
            style.fg = Some(Colour::Exact(readable(ink, under, paper)).at(self.depth));
        }
        if ground.is_some() {
            style.bg = Some(Colour::Exact(under).at(self.depth));
        }
        style
    }
}

/// The colour itself, or the nearest on the way to the text's that can be read; where that cannot
/// either, black or white.
fn readable(ink: Rgb, under: Rgb, paper: Paper) -> Rgb {
    let clear = |colour: &Rgb| contrast(*colour, under) >= LEAST;
    let way = (0..=STEPS).map(|step| mixed(ink, paper.text, step));
    let ends = [Rgb(0, 0, 0), Rgb(255, 255, 255)];
    way.chain(ends).find(clear).unwrap_or(paper.text)
}

fn mixed(from: Rgb, to: Rgb, step: u16) -> Rgb {
    let mix = |a: u8, b: u8| {
        let sum = u16::from(a) * (STEPS - step) + u16::from(b) * step;
        u8::try_from(sum / STEPS).unwrap_or(u8::MAX)
    };
    Rgb(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
}

fn rgb(ink: sgr::Ink) -> Rgb {
    match ink {
        sgr::Ink::Basic(n) | sgr::Ink::Indexed(n) => palette(n),
        sgr::Ink::Rgb(r, g, b) => Rgb(r, g, b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sgr::Ink;
    use crate::theme::Themes;

    #[test]
    fn every_colour_of_a_log_can_be_read_on_every_ground() {
        for name in ["dark", "light", "high-contrast", "deuteranopia"] {
            let theme = Themes::default().load(name, Depth::True).unwrap();
            let paper = theme.paper.unwrap();
            let inks = (0..=255).map(|n| Some(Ink::Indexed(n))).chain([None]);
            for ink in inks {
                for ground in [
                    None,
                    Some(Ink::Basic(4)),
                    Some(Ink::Basic(3)),
                    Some(Ink::Basic(15)),
                ] {
                    let look = sgr::Look {
                        ink,
                        ground,
                        ..sgr::Look::default()
                    };
                    let style = theme.of_log(look);
                    let Some(Color::Rgb(r, g, b)) = style.fg else {
                        panic!("{name}: {style:?}");
                    };
                    let under = ground.map_or(paper.ground, rgb);
                    let found = contrast(Rgb(r, g, b), under);
                    assert!(
                        found >= LEAST,
                        "{name}: {ink:?} on {ground:?} has {found:.2}"
                    );
                }
            }
        }
    }

    #[test]
    fn without_colours_none_are_drawn() {
        let theme = Themes::default().load("dark", Depth::None).unwrap();
        let look = sgr::Look {
            ink: Some(Ink::Basic(1)),
            bold: true,
            ..sgr::Look::default()
        };
        let style = theme.of_log(look);
        assert_eq!(style.fg, Some(Color::Reset));
        assert!(style.add_modifier.contains(Modifier::BOLD));
    }
}
