//! What colour sequences add up to, and how their numbers are read.

/// A colour as a line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ink {
    /// One of the terminal's own sixteen.
    Basic(u8),
    /// One of the 256: 16 to 231 a cube of six, the rest grey.
    Indexed(u8),
    Rgb(u8, u8, u8),
}

/// How a run of text wants to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent attributes of text"
)]
pub struct Look {
    pub ink: Option<Ink>,
    pub ground: Option<Ink>,
    pub bold: bool,
    pub dim: bool,
    pub italic: bool,
    pub underline: bool,
    pub reverse: bool,
    pub struck: bool,
}

impl Look {
    /// Takes in the numbers of one sequence. What is not known changes nothing; blinking and hiding
    /// are known and left out.
    pub(super) fn take(&mut self, parameters: &[u8]) {
        let mut numbers = Numbers { rest: parameters };
        // No number at all is zero.
        let mut next = numbers.next().or(Some(0));
        while let Some(number) = next {
            self.one(number, &mut numbers);
            next = numbers.next();
        }
    }

    fn one(&mut self, number: u16, more: &mut Numbers) {
        match number {
            0 => *self = Self::default(),
            1 => self.bold = true,
            2 => self.dim = true,
            3 => self.italic = true,
            4 => self.underline = true,
            7 => self.reverse = true,
            9 => self.struck = true,
            21 | 22 => (self.bold, self.dim) = (false, false),
            23 => self.italic = false,
            24 => self.underline = false,
            27 => self.reverse = false,
            29 => self.struck = false,
            30..=37 => self.ink = Some(basic(number - 30)),
            38 => self.ink = more.colour().or(self.ink),
            39 => self.ink = None,
            40..=47 => self.ground = Some(basic(number - 40)),
            48 => self.ground = more.colour().or(self.ground),
            49 => self.ground = None,
            90..=97 => self.ink = Some(basic(number - 82)),
            100..=107 => self.ground = Some(basic(number - 92)),
            // The colour of the underline: its numbers must not be read as others.
            58 => drop(more.colour()),
            _ => {}
        }
    }
}

fn basic(number: u16) -> Ink {
    Ink::Basic(u8::try_from(number).unwrap_or(7))
}

/// Numbers with `;` or `:` between them; an empty one is zero.
struct Numbers<'a> {
    rest: &'a [u8],
}

impl Numbers<'_> {
    /// What follows 38 and 48: `5;208` or `2;255;128;0`, also `2::255:128:0` with a colour space.
    fn colour(&mut self) -> Option<Ink> {
        match self.next()? {
            5 => Some(Ink::Indexed(u8::try_from(self.next()?).ok()?)),
            2 => {
                if self.rest.first() == Some(&b':') {
                    self.next();
                }
                // All three are taken before one is judged: none may be read as another command.
                let [red, green, blue] = [self.next()?, self.next()?, self.next()?];
                let part = |number| u8::try_from(number).ok();
                Some(Ink::Rgb(part(red)?, part(green)?, part(blue)?))
            }
            _ => None,
        }
    }
}

impl Iterator for Numbers<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|byte| !byte.is_ascii_digit());
        let end = end.unwrap_or(self.rest.len());
        let digits = &self.rest[..end];
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        let value = digits.iter().fold(0_u16, |sum, digit| {
            sum.saturating_mul(10)
                .saturating_add(u16::from(digit - b'0'))
        });
        Some(value)
    }
}
