//! Everything that can happen to the [`App`](crate::app::App), as one closed vocabulary.

use std::time::Duration;

use crate::actions::errand::News;
use crate::ask::{Answered, AskId};
use crate::chord::Chord;
use crate::clock::{Now, Stamp};
use crate::intent::Intent;
use crate::listing::RowKey;
use crate::observation::Observation;
use crate::units::{Bytes, Ratio};

#[derive(Debug)]
pub enum Event {
    /// A key that the keymap turned into a wish.
    Intent(Intent),
    /// A key or a paste came at this moment; what it is follows.
    Pressed(Stamp),
    /// A key while a prompt is open: text; or one that answers the open page.
    Typed(Chord),
    /// Pasted text: goes into an open prompt, else nowhere.
    Pasted(String),
    /// The keys of an unfinished sequence, for the hint line; empty when it ended.
    Pending(String),
    /// A key that means nothing here.
    Unbound(String),
    Observed {
        observation: Box<Observation>,
        next_poll: Stamp,
        dropped: u64,
    },
    /// Time went on.
    Tick(Now),
    /// midwatch itself was stopped for a while and goes on.
    Stopped(Now),
    /// The machine slept for this long and is awake again.
    Resumed {
        slept: Duration,
        now: Now,
    },
    Resized {
        width: u16,
        height: u16,
    },
    /// What the last frame showed: paging and intents go by it.
    Drawn(Drawn),
    /// What midwatch itself uses.
    Own(OwnUse),
    /// Lines for the message page, newest last.
    Messages(Vec<Message>),
    /// What came back on an ask.
    Answered(AskId, Box<Answered>),
    /// What became of an errand.
    News(Box<News>),
    /// Something to say on the hint line.
    Notice(String),
}

/// Geometry and selection of the last drawn frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    /// Rows of the table, or lines of the page, that fit.
    pub rows: usize,
    /// The first row of a table, or the first line of a page, that was on the screen.
    pub offset: usize,
    pub cursor: Option<RowKey>,
    /// Lines that a page is longer than the screen.
    pub scroll_max: usize,
    /// Columns that the lines of a text page have.
    pub columns: usize,
}

/// midwatch's own cost, measured from `/proc/self`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OwnUse {
    /// Share of one core since the last measurement.
    pub cpu: Option<Ratio>,
    pub resident: Option<Bytes>,
    /// Frames drawn so far.
    pub frames: u64,
}

/// One line of midwatch's own log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub at: jiff::Timestamp,
    pub level: String,
    pub text: String,
}
