//! Colours, how many of them a terminal has, and how well two can be told apart.

use ratatui::style::Color;

use crate::chord::Rgb;

/// A colour of a theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// The terminal's own.
    Default,
    /// One of the terminal's sixteen, 0 to 15.
    Ansi(u8),
    Exact(Rgb),
}

/// The names of the sixteen, in their order.
pub(super) const ANSI: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// How many colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    None,
    Sixteen,
    Indexed,
    True,
}

impl Depth {
    /// What the terminal says of itself: the values of `COLORTERM` and `TERM`.
    #[must_use]
    pub fn of_terminal(colorterm: Option<&str>, term: Option<&str>) -> Self {
        let term = term.unwrap_or("");
        match colorterm {
            Some("truecolor" | "24bit") => Self::True,
            _ if term.ends_with("-direct") => Self::True,
            _ if term.contains("256color") => Self::Indexed,
            _ if term.is_empty() || term == "dumb" || term.starts_with("vt1") => Self::None,
            _ => Self::Sixteen,
        }
    }
}

impl Colour {
    /// Reads `default`, one of the sixteen names, or `#rrggbb`.
    #[must_use]
    pub(super) fn read(text: &str) -> Option<Self> {
        if text == "default" {
            return Some(Self::Default);
        }
        if let Some(place) = ANSI.iter().position(|name| *name == text) {
            return u8::try_from(place).ok().map(Self::Ansi);
        }
        let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6)?;
        let [_, red, green, blue] = u32::from_str_radix(hex, 16).ok()?.to_be_bytes();
        Some(Self::Exact(Rgb(red, green, blue)))
    }

    /// As ratatui draws it with so many colours.
    #[must_use]
    pub fn at(self, depth: Depth) -> Color {
        match (self, depth) {
            (Self::Default, _) | (_, Depth::None) => Color::Reset,
            (Self::Ansi(n), _) => Color::Indexed(n),
            (Self::Exact(Rgb(r, g, b)), Depth::True) => Color::Rgb(r, g, b),
            (Self::Exact(rgb), Depth::Indexed) => Color::Indexed(nearest(rgb, 16, 255)),
            (Self::Exact(rgb), Depth::Sixteen) => Color::Indexed(nearest(rgb, 0, 15)),
        }
    }
}

/// The entry of xterm's palette between two indices that looks most like a colour.
fn nearest(rgb: Rgb, first: u8, last: u8) -> u8 {
    let wanted = lab(rgb);
    (first..=last)
        .min_by(|a, b| {
            let far = |index: &u8| apart(lab(palette(*index)), wanted);
            far(a).total_cmp(&far(b))
        })
        .unwrap_or(first)
}

/// xterm's 256 colours: sixteen named ones, a cube of six levels a side, and a ramp of greys.
pub(super) fn palette(index: u8) -> Rgb {
    const NAMED: [Rgb; 16] = [
        Rgb(0, 0, 0),
        Rgb(205, 0, 0),
        Rgb(0, 205, 0),
        Rgb(205, 205, 0),
        Rgb(0, 0, 238),
        Rgb(205, 0, 205),
        Rgb(0, 205, 205),
        Rgb(229, 229, 229),
        Rgb(127, 127, 127),
        Rgb(255, 0, 0),
        Rgb(0, 255, 0),
        Rgb(255, 255, 0),
        Rgb(92, 92, 255),
        Rgb(255, 0, 255),
        Rgb(0, 255, 255),
        Rgb(255, 255, 255),
    ];
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    match index {
        0..=15 => NAMED[usize::from(index)],
        16..=231 => {
            let place = usize::from(index - 16);
            Rgb(LEVELS[place / 36], LEVELS[place / 6 % 6], LEVELS[place % 6])
        }
        232.. => {
            let grey = 8 + 10 * (index - 232);
            Rgb(grey, grey, grey)
        }
    }
}

/// Light without gamma, 0 to 1 (IEC 61966-2-1).
pub(super) fn linear(rgb: Rgb) -> [f64; 3] {
    [rgb.0, rgb.1, rgb.2].map(|channel| {
        let value = f64::from(channel) / 255.0;
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    })
}

fn luminance(rgb: Rgb) -> f64 {
    let [red, green, blue] = linear(rgb);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/// The contrast of two colours as WCAG 2 defines it: 1 to 21.
#[must_use]
pub fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
    a.max(b) / a.min(b)
}

/// Does dark text read better on this ground than light text?
#[must_use]
pub fn is_light(ground: Rgb) -> bool {
    contrast(ground, Rgb(0, 0, 0)) > contrast(ground, Rgb(255, 255, 255))
}

/// CIE 1976 L*a*b* under D65.
fn lab(rgb: Rgb) -> [f64; 3] {
    lab_of_light(linear(rgb))
}

pub(super) fn lab_of_light([red, green, blue]: [f64; 3]) -> [f64; 3] {
    let x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505;
    let y = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    let z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089;
    let [x, y, z] = [x, y, z].map(|value| {
        if value > 0.008_856 {
            value.cbrt()
        } else {
            7.787 * value + 16.0 / 116.0
        }
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// The distance of two colours in L*a*b*: 2.3 is just seen.
pub(super) fn apart(a: [f64; 3], b: [f64; 3]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
    squares.sum::<f64>().sqrt()
}
