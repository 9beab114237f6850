//! The loop of the console: terminal, pollers and clock in; frames and effects out.
//!
//! Nothing in the `select!` sleeps, connects or retries. A key is drawn at once, data at most
//! twenty times a second, and ages once a second.

mod own;

use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::time::Instant;

use crate::actions::errand::{Errand, News};
use crate::app::App;
use crate::asks::{Answers, Asks};
use crate::chord::{Chord, Input, MouseKind, Reply};
use crate::clock::{self, Stamp};
use crate::effect::Effect;
use crate::event::{Drawn, Event, Message};
use crate::intent::Intent;
use crate::keymap::{Keymap, Keys, Outcome};
use crate::paint::Skin;
use crate::poll::{Poller, Schedule, Watched};
use crate::runner::Desk;
use crate::screen;
use crate::terminal::{Company, Terminal, TerminalEvent};
use crate::theme::{Depth, Theme, Themes, is_light};
use own::OwnMeter;

/// Least time between two frames that only data asked for.
const FRAME_GAP: Duration = Duration::from_millis(50);
/// Observations taken in before a frame is due again.
const BURST: usize = 256;
/// A turn of the loop that takes so long was no turn: it is due every second.
const STOPPED: Duration = Duration::from_secs(4);
/// A difference of the two clocks beyond this is a suspend, not scheduling.
const SUSPEND: Duration = Duration::from_secs(2);
const OWN_PERIOD: Duration = Duration::from_secs(5);
/// So long the last records may take when the reader leaves.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Left,
    /// A signal; the number is the exit code.
    Signalled(u8),
    TerminalGone,
}

/// Everything the loop runs on.
pub struct Console<'a> {
    pub app: App,
    pub feeds: Vec<Watched>,
    pub keymap: Keymap,
    pub skin: Skin<'a>,
    /// The theme for a light ground, where the choice is the terminal's and it has not said.
    pub light: Option<&'a Theme>,
    /// The themes that the reader can choose, and the colours that the terminal has.
    pub themes: (Themes, Depth),
    pub terminal: Terminal,
    pub events: Receiver<TerminalEvent>,
    /// What acting needs of the outside, and what comes back.
    pub desk: (Desk, Receiver<News>),
    /// Who answers what the reader opens, and the answers.
    pub asks: (Asks, Answers),
}

/// Runs until the reader leaves, a signal comes or the terminal goes. Also what is to be said then.
///
/// # Errors
/// Writing to the terminal failed.
pub async fn run(console: Console<'_>) -> std::io::Result<(Ending, Vec<String>)> {
    let Console {
        mut app,
        feeds,
        keymap,
        skin,
        light,
        themes,
        terminal,
        events,
        desk: (desk, mut news),
        asks: (asks, answers),
    } = console;
    let (width, height) = terminal.size();
    app.update(Event::Resized { width, height });
    let mut driver = Driver {
        app,
        poller: None,
        keymap,
        skin,
        light,
        themes,
        chosen: None,
        terminal,
        keys: Keys::default(),
        own: OwnMeter::default(),
        desk,
        asks,
        turned: clock::stamp(),
        ending: None,
    };
    // The first frame stands before any connection is tried.
    driver.frame()?;
    driver.poller = Some(Poller::start(feeds, Schedule::Watch));
    driver.desk.take(Errand::ReadTrail);
    let ending = driver.turn(events, answers, &mut news).await;
    let left = driver.app.left_behind();
    let Driver { desk, terminal, .. } = driver;
    // The terminal is given back first: what is left to write must not hold the reader up there.
    drop(terminal);
    desk.finish(LAST_WORDS).await;
    Ok((ending?, left))
}

struct Driver<'a> {
    app: App,
    poller: Option<Poller>,
    keymap: Keymap,
    skin: Skin<'a>,
    light: Option<&'a Theme>,
    themes: (Themes, Depth),
    /// The theme that the reader chose since.
    chosen: Option<Theme>,
    terminal: Terminal,
    /// Keys of an unfinished sequence.
    keys: Keys,
    own: OwnMeter,
    desk: Desk,
    asks: Asks,
    /// When the loop was last seen to turn.
    turned: Stamp,
    ending: Option<Ending>,
}

impl Driver<'_> {
    async fn turn(
        &mut self,
        mut events: Receiver<TerminalEvent>,
        mut answers: Answers,
        news: &mut Receiver<News>,
    ) -> std::io::Result<Ending> {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut own_due = Instant::now();
        let mut last_frame = Instant::now();
        let mut asleep = slept();
        loop {
            let waits_for_frame = self.app.is_dirty();
            tokio::select! {
                biased;
                event = events.recv() => {
                    self.terminal_event(event);
                    while let Ok(event) = events.try_recv() {
                        self.terminal_event(Some(event));
                    }
                    self.frame_if_dirty(&mut last_frame)?;
                }
                Some(told) = news.recv() => {
                    self.handle(Event::News(Box::new(told)));
                    while let Ok(told) = news.try_recv() {
                        self.handle(Event::News(Box::new(told)));
                    }
                    self.frame_if_dirty(&mut last_frame)?;
                }
                () = tokio::time::sleep_until(last_frame + FRAME_GAP), if waits_for_frame => {
                    self.frame_if_dirty(&mut last_frame)?;
                }
                () = ready(self.poller.as_ref()) => self.observe(),
                Some((id, answer)) = answers.recv() => {
                    self.handle(Event::Answered(id, Box::new(answer)));
                }
                _ = tick.tick() => {
                    self.mind_the_gap();
                    let gap = slept();
                    if gap > asleep + SUSPEND {
                        self.resume(gap.saturating_sub(asleep));
                    }
                    asleep = gap;
                    if own_due <= Instant::now() {
                        own_due = Instant::now() + OWN_PERIOD;
                        let own = self.own.measure(clock::stamp());
                        self.app.update(Event::Own(own));
                    }
                    self.handle(Event::Tick(clock::now()));
                    self.frame_if_dirty(&mut last_frame)?;
                }
            }
            if let Some(ending) = self.ending {
                return Ok(ending);
            }
        }
    }

    /// The loop turns at least once a second. Where it did not, midwatch was stopped: whoever types
    /// into that sees nothing of what he does.
    fn mind_the_gap(&mut self) {
        let now = clock::stamp();
        let before = std::mem::replace(&mut self.turned, now);
        if now.since(before) > STOPPED {
            self.handle(Event::Stopped(clock::now()));
        }
    }

    fn observe(&mut self) {
        let deliveries = self
            .poller
            .as_ref()
            .map(|poller| poller.take(BURST))
            .unwrap_or_default();
        for delivery in deliveries {
            self.handle(Event::Observed {
                observation: Box::new(delivery.observation),
                next_poll: delivery.next_poll,
                dropped: delivery.dropped,
            });
        }
    }

    fn resume(&mut self, slept: Duration) {
        self.handle(Event::Resumed {
            slept,
            now: clock::now(),
        });
        if let Some(poller) = &self.poller {
            poller.resume();
        }
    }

    fn terminal_event(&mut self, event: Option<TerminalEvent>) {
        self.mind_the_gap();
        match event {
            Some(TerminalEvent::Input(input, at, company)) => {
                if matches!(input, Input::Key(_) | Input::Paste(_)) {
                    self.handle(Event::Tick(clock::now()));
                    self.handle(Event::Pressed(at));
                    if company == Company::Crowd {
                        // Each is as one that was typed right behind another.
                        self.handle(Event::Pressed(at));
                    }
                }
                self.input(input);
            }
            Some(TerminalEvent::Resize { columns, rows }) => self.handle(Event::Resized {
                width: columns,
                height: rows,
            }),
            Some(TerminalEvent::Resumed) => {
                self.handle(Event::Stopped(clock::now()));
                self.terminal.repaint();
                let (width, height) = self.terminal.size();
                self.handle(Event::Resized { width, height });
            }
            Some(TerminalEvent::Stop(stop)) => {
                self.ending = Some(Ending::Signalled(stop.exit_code()));
            }
            Some(TerminalEvent::Closed) | None => {
                self.ending = Some(Ending::TerminalGone);
            }
        }
    }

    fn input(&mut self, input: Input) {
        match input {
            Input::Key(chord) if self.app.is_typing() => self.handle(Event::Typed(chord)),
            Input::Key(chord) if self.keys.pending().is_empty() && self.app.answers(chord) => {
                self.handle(Event::Typed(chord));
            }
            Input::Key(chord) => self.key(chord),
            Input::Paste(text) => self.handle(Event::Pasted(text)),
            Input::Mouse(mouse) => match mouse.kind {
                MouseKind::WheelUp => self.handle(Event::Intent(Intent::MoveUp)),
                MouseKind::WheelDown => self.handle(Event::Intent(Intent::MoveDown)),
                MouseKind::PressLeft => {}
            },
            Input::Reply(Reply::Background(ground)) if is_light(ground) => self.lighten(),
            Input::FocusGained | Input::FocusLost | Input::Reply(_) => {}
        }
    }

    /// The terminal said only after the first frame that its ground is light.
    fn lighten(&mut self) {
        let Some(theme) = self.light.take() else {
            return;
        };
        self.skin.theme = theme;
        let (width, height) = self.terminal.size();
        self.handle(Event::Resized { width, height });
    }

    /// Draws in another theme; in the old one where that cannot be loaded.
    fn wear(&mut self, name: &str) {
        let (themes, depth) = &self.themes;
        match themes.load(name, *depth) {
            Ok(theme) => self.chosen = Some(theme),
            Err(mistakes) => {
                let first = mistakes.first().map(ToString::to_string);
                let why = format!("theme `{name}`: {}", first.unwrap_or_default());
                self.app.update(Event::Notice(why));
            }
        }
    }

    fn key(&mut self, chord: Chord) {
        let outcome = self.keys.press(&self.keymap, self.app.key_scope(), chord);
        let pending: Vec<String> = self
            .keys
            .pending()
            .iter()
            .map(ToString::to_string)
            .collect();
        self.app.update(Event::Pending(pending.join(" ")));
        match outcome {
            Outcome::Matched(intent) => self.handle(Event::Intent(intent)),
            Outcome::NotFound => self.handle(Event::Unbound(chord.to_string())),
            Outcome::Pending | Outcome::Cancelled => {}
        }
    }

    fn handle(&mut self, event: Event) {
        for effect in self.app.update(event) {
            match effect {
                Effect::Quit => self.ending = Some(Ending::Left),
                Effect::Suspend => {
                    if let Err(error) = self.terminal.suspend() {
                        self.app.update(Event::Notice(error.to_string()));
                    }
                }
                Effect::Open(id, ask) => self.asks.open(id, ask),
                Effect::Close(id) => self.asks.close(id),
                Effect::Redraw => self.terminal.repaint(),
                Effect::PollNow(feed) => {
                    if let Some(poller) = &self.poller {
                        poller.poll_now(&feed);
                    }
                }
                Effect::Copy(text) => {
                    if let Err(error) = self.terminal.copy(&text) {
                        self.app
                            .update(Event::Notice(format!("not copied: {error}")));
                    }
                }
                Effect::Wear(name) => self.wear(&name),
                Effect::FetchMessages => {
                    self.app.update(Event::Messages(messages()));
                }
                Effect::Errand(errand) => self.desk.take(*errand),
            }
        }
    }

    fn frame_if_dirty(&mut self, last: &mut Instant) -> std::io::Result<()> {
        if self.app.is_dirty() && self.ending.is_none() {
            *last = Instant::now();
            self.frame()?;
        }
        Ok(())
    }

    fn frame(&mut self) -> std::io::Result<()> {
        self.handle(Event::Tick(clock::now()));
        self.app.refresh();
        self.app.take_dirty();
        let app = &self.app;
        let skin = Skin {
            theme: self.chosen.as_ref().unwrap_or(self.skin.theme),
            glyphs: self.skin.glyphs,
        };
        let mut drawn = Drawn::default();
        self.terminal
            .draw(|frame| drawn = screen::draw(app, skin, frame.buffer_mut()))?;
        self.own.frames += 1;
        // What stands on the screen stands there since now, not since the drawing began.
        self.app.update(Event::Tick(clock::now()));
        self.app.update(Event::Drawn(drawn));
        Ok(())
    }
}

async fn ready(poller: Option<&Poller>) {
    match poller {
        Some(poller) => poller.ready().await,
        None => std::future::pending().await,
    }
}

/// Time that the machine has slept since boot, by the difference of its two clocks.
fn slept() -> Duration {
    let (awake, all): (Stamp, Stamp) = (clock::awake(), clock::stamp());
    all.since(awake)
}

fn messages() -> Vec<Message> {
    let recent = crate::logging::recent();
    recent
        .into_iter()
        .map(|message| Message {
            at: message.at.wall,
            level: message.level.to_string(),
            text: message.text,
        })
        .collect()
}
