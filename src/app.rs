//! The state of the console, and [`App::update`], the only thing that changes it.
//!
//! No I/O, no clock, no screen: events in, effects out. Drawing takes `&App`.

pub mod acting;
pub mod asks;
pub mod commands;
pub mod keys;
mod palette;
mod place;
pub mod prompt;
mod scope;
pub mod small;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::actions::arm::Lost;
use crate::clock::{Now, Stamp};
use crate::effect::Effect;
use crate::event::{Drawn, Event, Message, OwnUse};
use crate::findings::Ledger;
use crate::listing::{Context, Listing, Order, RowKey, Scope, View};
use crate::model::Model;
use acting::Acting;
pub use asks::kinds::ALIASES;
use prompt::{Prompt, PromptKind};

/// A key binding as the help shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    pub keys: String,
    pub intent: String,
    pub doc: String,
    /// Pane id, or empty for everywhere.
    pub scope: String,
}

/// Everything that is drawn, as it was when the reader froze the screen.
#[derive(Clone, Debug)]
struct Frozen {
    model: Model,
    ledger: Ledger,
    now: Now,
}

/// What fills the body instead of the pane's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// Everything about one row.
    Detail(RowKey),
    Messages,
    /// A plan, and what became of it.
    Plan,
    /// Whether to arm.
    Arm,
    /// An object as YAML.
    Manifest,
    Logs,
    /// The table of any kind.
    Kind,
}

/// How the console is to look and name itself; fixed at start.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// Shown in the header band, `PROD-EU`; empty for none.
    pub context: String,
    /// The context is production: drawn as such, by word and colour.
    pub production: bool,
    /// Targets whose certificates are not verified.
    pub tls_off: Vec<String>,
    /// Contexts of the kubeconfig that no target watches.
    pub other_contexts: Vec<String>,
    /// Themes that can be chosen.
    pub themes: Vec<Arc<str>>,
}

pub struct App {
    pub model: Model,
    pub ledger: Ledger,
    pub now: Now,
    pub identity: Identity,
    /// Why no cluster is watched although there should be one.
    pub unwatched: Option<String>,
    pub bindings: Vec<Binding>,
    listings: Vec<&'static dyn Listing>,
    views: BTreeMap<&'static str, View>,
    pane: usize,
    last_pane: usize,
    /// The view from which the help was asked for, by the name of its keys.
    asked_from: &'static str,
    /// How deep the reader has gone in, and every view before this one.
    trail: Vec<place::Step>,
    journey: place::Journey,
    page: Option<Page>,
    scroll: usize,
    prompt: Option<Prompt>,
    history: Vec<String>,
    /// The sort picker is open: the next key names a column.
    picking_sort: bool,
    pending: String,
    notice: Option<(String, Stamp)>,
    /// What of all clusters is shown.
    scope: Scope,
    order: Order,
    /// Model generation that `order` was computed from.
    computed: u64,
    /// What the reader holds still, while the world goes on behind it.
    frozen: Option<Box<Frozen>>,
    /// When the reader last moved: findings that began later are new to him. `None` until then.
    seen_until: Option<Stamp>,
    drawn: Drawn,
    pub size: (u16, u16),
    pub own: OwnUse,
    pub messages: Vec<Message>,
    acting: Acting,
    opened: asks::Opened,
    /// The filter changed and the rows have yet to follow.
    filtered_late: bool,
    dirty: bool,
}

/// How long a notice stays on the hint line.
const NOTICE: Duration = Duration::from_secs(8);

impl App {
    /// A console over `model`, opened on the pane of index `pane`.
    #[must_use]
    pub fn new(model: Model, listings: Vec<&'static dyn Listing>, pane: usize, now: Now) -> Self {
        let mut app = Self {
            model,
            ledger: Ledger::default(),
            now,
            identity: Identity::default(),
            unwatched: None,
            bindings: Vec::new(),
            views: listings
                .iter()
                .map(|listing| (listing.id(), View::default()))
                .collect(),
            pane: pane.min(listings.len().saturating_sub(1)),
            last_pane: 0,
            asked_from: "",
            listings,
            trail: Vec::new(),
            journey: place::Journey::default(),
            page: None,
            scroll: 0,
            prompt: None,
            history: Vec::new(),
            picking_sort: false,
            pending: String::new(),
            notice: None,
            scope: Scope::default(),
            order: Order::default(),
            computed: u64::MAX,
            frozen: None,
            seen_until: None,
            drawn: Drawn::default(),
            size: (80, 24),
            own: OwnUse::default(),
            messages: Vec::new(),
            acting: Acting::default(),
            opened: asks::Opened::default(),
            filtered_late: false,
            dirty: true,
        };
        app.ledger.run(&mut app.model, now);
        app.refresh();
        app
    }

    /// Takes in one event. What it wants done comes back as effects.
    pub fn update(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        if !matches!(event, Event::Typed(_) | Event::Pressed(_) | Event::Tick(_)) {
            self.catch_up();
        }
        match event {
            event if self.is_blind(&event) => {
                self.say("nothing is done that is not on the screen");
                self.key_is_done();
            }
            Event::Intent(intent) => {
                effects = self.intend(intent);
                self.key_is_done();
            }
            Event::Pressed(at) => {
                self.pressed(at);
                return effects;
            }
            Event::Typed(chord) => {
                effects = self.typed(chord);
                self.key_is_done();
            }
            Event::Pasted(text) => self.pasted(&text),
            Event::Pending(keys) => {
                if self.pending.is_empty() && !keys.is_empty() {
                    self.take_aim();
                }
                self.pending = keys;
            }
            Event::Unbound(keys) => {
                self.say(format!("{keys} does nothing here; ? lists the keys"));
                self.key_is_done();
            }
            Event::Observed {
                observation,
                next_poll,
                dropped,
            } => {
                self.model.announce(&observation.feed, next_poll, dropped);
                self.model.absorb(*observation);
                if self.acting.waits() {
                    effects = self.look();
                }
                self.follow_asks();
            }
            Event::Tick(now) => {
                effects = self.tick(now);
                effects.extend(self.asked_for());
                return effects;
            }
            Event::Answered(id, answer) => self.answered(id, *answer),
            Event::Stopped(now) => {
                self.now = now;
                effects = self.disarm(Lost::Suspended);
                self.read_anew();
            }
            Event::Resumed { slept, now } => {
                self.now = now;
                self.model.distrust_all(now);
                effects = self.disarm(Lost::Suspended);
                self.say(format!(
                    "slept {}; everything is being asked again",
                    crate::units::span(slept)
                ));
            }
            Event::Resized { width, height } => {
                // Lines break elsewhere now.
                if self.size != (width, height) {
                    self.read_anew();
                }
                self.size = (width, height);
            }
            Event::Drawn(drawn) => {
                match (&self.page, self.opened.kind_mut()) {
                    (Some(Page::Kind), Some(kind)) => kind.view.offset = drawn.offset,
                    (None, _) => self.view_mut().offset = drawn.offset,
                    _ => {}
                }
                self.scroll = self.scroll.min(drawn.scroll_max);
                self.drawn = drawn;
                self.plan_was_drawn();
                return effects;
            }
            Event::Own(own) => self.own = own,
            Event::Messages(messages) => self.messages = messages,
            Event::News(news) => effects = self.news(*news),
            Event::Notice(text) => self.say(text),
        }
        effects.extend(self.watch_power());
        effects.extend(self.asked_for());
        self.dirty = true;
        effects
    }

    /// What was aimed at for one key is not kept for the next, unless a command is being typed.
    fn key_is_done(&mut self) {
        if self.prompt.is_none() {
            self.acting.forget_aim();
        }
    }

    /// Brings rules and rows up to date with the model. The driver calls it before a frame, so that
    /// a burst of observations costs one run and not one each.
    pub fn refresh(&mut self) {
        self.catch_up();
        self.model.age(self.now);
        if self.ledger.run(&mut self.model, self.now) {
            self.dirty = true;
        }
        let stamp = self.shown().0.generation();
        if self.computed != stamp {
            self.computed = stamp;
            self.follow();
        }
        self.refresh_asks();
    }

    fn tick(&mut self, now: Now) -> Vec<Effect> {
        let second = |at: Stamp| at.0 / 1_000_000_000;
        // Ages are shown in seconds: a frame more often than that would show the same.
        self.dirty |= second(self.now.stamp) != second(now.stamp);
        self.now = now;
        self.follow_asks();
        if self
            .notice
            .as_ref()
            .is_some_and(|(_, since)| now.stamp.since(*since) > NOTICE)
        {
            self.notice = None;
            self.dirty = true;
        }
        let mut effects = self.watch_power();
        effects.extend(self.look());
        if self.page == Some(Page::Messages) && self.dirty {
            effects.push(Effect::FetchMessages);
        }
        effects
    }

    /// Rows that do not come from the model have changed.
    fn recompute(&mut self) {
        self.computed = u64::MAX;
        self.dirty = true;
    }

    /// Sorts and filters the open pane anew; the cursor stays on its row, and the row on its line.
    fn reorder(&mut self) {
        self.filtered_late = false;
        // What moved until now is in the order that is made here.
        self.model.take_moved_objects();
        let listing = self.listing();
        let view = self.view().clone();
        let order = Order::compute(listing, &self.context(), &view);
        self.order = order;
        self.keep_cursor();
    }

    /// Letters of a filter that come at once cost one pass over the rows and not one each: it is
    /// made before anything but the next letter looks at them.
    fn catch_up(&mut self) {
        if self.filtered_late {
            self.reorder();
        }
    }

    /// Takes in what moved among objects; computes anew where that is not enough.
    fn follow(&mut self) {
        let moved = self.model.take_moved_objects();
        if self.frozen.is_some() {
            return;
        }
        let mut order = std::mem::take(&mut self.order);
        let followed = order.follow(self.listing(), &self.context(), self.view(), &moved);
        self.order = order;
        if followed {
            self.keep_cursor();
        } else {
            self.reorder();
        }
    }

    fn keep_cursor(&mut self) {
        let view = self.view().clone();
        let order = &self.order;
        let last = order.len().saturating_sub(1);
        let index = match &view.cursor {
            Some(key) => order
                .find(self.listing(), &self.context(), key)
                .unwrap_or_else(|| view.index.min(last)),
            None => 0,
        };
        let key = order.row(index).map(|row| row.key);
        let line = view.index.saturating_sub(view.offset);
        let view = self.view_mut();
        // Without a choice of the reader the cursor stays at the top, on whatever is worst now.
        if view.cursor.is_some() {
            view.cursor = key;
            view.offset = index.saturating_sub(line);
        }
        view.index = index;
    }

    /// What is on the screen: the world, or its frozen copy.
    fn shown(&self) -> (&Model, &Ledger, Now) {
        match &self.frozen {
            Some(frozen) => (&frozen.model, &frozen.ledger, frozen.now),
            None => (&self.model, &self.ledger, self.now),
        }
    }

    /// What rows and cells are made from.
    #[must_use]
    pub fn context(&self) -> Context<'_> {
        let (model, ledger, now) = self.shown();
        Context {
            snap: model.snapshot(now),
            ledger,
            unfolded: &self.view().unfolded,
            bindings: &self.bindings,
            asked_from: self.asked_from,
            scope: &self.scope,
            trail: &self.acting.trail,
        }
    }

    #[must_use]
    pub fn listing(&self) -> &'static dyn Listing {
        self.listings[self.pane]
    }

    #[must_use]
    pub fn listings(&self) -> &[&'static dyn Listing] {
        &self.listings
    }

    #[must_use]
    pub fn pane(&self) -> usize {
        self.pane
    }

    /// The open pane's view; every listing has one from the start.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.views[self.listing().id()]
    }

    fn view_mut(&mut self) -> &mut View {
        self.views.entry(self.listings[self.pane].id()).or_default()
    }

    #[must_use]
    pub fn order(&self) -> &Order {
        &self.order
    }

    #[must_use]
    pub fn page(&self) -> Option<&Page> {
        self.page.as_ref()
    }

    #[must_use]
    pub fn scroll(&self) -> usize {
        self.scroll
    }

    #[must_use]
    pub fn prompt(&self) -> Option<&Prompt> {
        self.prompt.as_ref()
    }

    #[must_use]
    pub fn picking_sort(&self) -> bool {
        self.picking_sort
    }

    #[must_use]
    pub fn pending(&self) -> &str {
        &self.pending
    }

    #[must_use]
    pub fn notice(&self) -> Option<&str> {
        self.notice.as_ref().map(|(text, _)| text.as_str())
    }

    #[must_use]
    pub fn frozen(&self) -> Option<Now> {
        self.frozen.as_ref().map(|frozen| frozen.now)
    }

    #[must_use]
    pub fn seen_until(&self) -> Option<Stamp> {
        self.seen_until
    }

    /// Does a key go to a text field rather than to the keymap?
    #[must_use]
    pub fn is_typing(&self) -> bool {
        self.prompt.is_some() || self.picking_sort
    }

    /// True once after anything visible changed.
    pub fn take_dirty(&mut self) -> bool {
        std::mem::take(&mut self.dirty)
    }

    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.dirty
    }

    pub fn say(&mut self, text: impl Into<String>) {
        self.notice = Some((text.into(), self.now.stamp));
        self.dirty = true;
    }

    fn open_prompt(&mut self, kind: PromptKind, text: &str) {
        self.prompt = Some(Prompt::new(kind, text));
    }
}
