//! What the [`App`](crate::app::App) wants done. Only the driver does it.

use crate::actions::errand::Errand;
use crate::ask::{Ask, AskId};
use crate::ids::FeedId;

// Not to be copied: a permit is in it.
#[derive(Debug, PartialEq)]
pub enum Effect {
    Quit,
    /// Give the terminal back to the shell (ctrl-z).
    Suspend,
    /// Draw everything again, believing nothing about the screen.
    Redraw,
    PollNow(FeedId),
    Copy(String),
    /// Draw in the theme of this name from now on.
    Wear(String),
    /// Ask the log for its newest lines.
    FetchMessages,
    /// Begin an ask, or give it up: its answers are of no use any more.
    Open(AskId, Ask),
    Close(AskId),
    /// What acting needs of the outside.
    Errand(Box<Errand>),
}
