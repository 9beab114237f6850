//! A screen on which nothing fits: no key does there what nobody could see.

use super::App;
use crate::chord::KeyCode;
use crate::event::Event;
use crate::intent::Intent;

/// The smallest screen on which anything can be read: columns and lines.
pub const LEAST: (u16, u16) = (60, 15);

impl App {
    #[must_use]
    pub fn is_too_small(&self) -> bool {
        self.size.0 < LEAST.0 || self.size.1 < LEAST.1
    }

    /// Is this a key whose effect could not be seen? Only the ways out are taken blindly.
    pub(super) fn is_blind(&self, event: &Event) -> bool {
        let leads_out = match event {
            Event::Intent(intent) => matches!(
                intent,
                Intent::Back | Intent::Quit | Intent::Cancel | Intent::Suspend | Intent::Redraw
            ),
            Event::Typed(chord) => {
                chord.code == KeyCode::Esc || (chord.code == KeyCode::Char('c') && chord.ctrl)
            }
            Event::Pasted(_) => false,
            _ => return false,
        };
        self.is_too_small() && !leads_out
    }
}
