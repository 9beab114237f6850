//! What the [`App`](crate::app::App) wants done. Only the driver does it.

use crate::ids::FeedId;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    Quit,
    /// Give the terminal back to the shell (ctrl-z).
    Suspend,
    /// Draw everything again, believing nothing about the screen.
    Redraw,
    PollNow(FeedId),
    Copy(String),
    /// Ask the log for its newest lines.
    FetchMessages,
}
