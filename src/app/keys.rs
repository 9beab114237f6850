//! What the reader's wishes do to the state.

use super::place::Way;
use super::prompt::{Prompt, PromptKind, Typed};
use super::{App, Frozen, Page};
use crate::actions;
use crate::actions::arm::Lost;
use crate::actions::guard::Said;
use crate::ask::{LogRun, ObjectName};
use crate::chord::{Chord, KeyCode};
use crate::effect::Effect;
use crate::intent::Intent;
use crate::listing::{Direction, RowKey};

impl App {
    pub(super) fn intend(&mut self, intent: Intent) -> Vec<Effect> {
        self.notice = None;
        if let Some(effects) = self.on_page(intent) {
            return effects;
        }
        match intent {
            Intent::MoveDown | Intent::NextMatch => self.go(1),
            Intent::MoveUp | Intent::PreviousMatch => self.go(-1),
            Intent::PageDown => self.go(self.page_rows()),
            Intent::PageUp => self.go(-self.page_rows()),
            Intent::HalfPageDown => self.go((self.page_rows() / 2).max(1)),
            Intent::HalfPageUp => self.go(-(self.page_rows() / 2).max(1)),
            Intent::Top => self.go(isize::MIN / 2),
            Intent::Bottom => self.go(isize::MAX / 2),
            Intent::Left => self.pan(-1),
            Intent::Right => self.pan(1),
            Intent::Open => self.open(),
            Intent::Details | Intent::Evidence => self.describe(),
            Intent::Yaml => {
                if !self.open_manifest() {
                    self.describe();
                }
            }
            Intent::Logs => self.open_logs(LogRun::Follow),
            Intent::PreviousLogs => self.open_logs(LogRun::Previous),
            Intent::Owner => self.go_to_owner(),
            Intent::EventsOf => self.show_events(),
            Intent::Back => return self.back(),
            Intent::Earlier => self.travel(Way::Back),
            Intent::Later => self.travel(Way::Forward),
            Intent::GoToPane(number) => self.goto_pane(usize::from(number).saturating_sub(1)),
            Intent::NextPane => self.goto_pane((self.pane + 1) % self.listings.len()),
            Intent::LastPane => self.goto_pane(self.last_pane),
            Intent::Filter => {
                let text = self.view().filter.clone();
                self.open_prompt(PromptKind::Filter, &text);
            }
            Intent::Palette => {
                self.take_aim();
                self.discover();
                self.open_prompt(PromptKind::Palette, "");
            }
            Intent::Cordon | Intent::Uncordon => return self.act_on(intent),
            Intent::Undo => return self.undo(),
            Intent::Arm => return self.arm_or_disarm(),
            Intent::Help => self.goto_named("help"),
            Intent::Sort => self.picking_sort = true,
            Intent::InvertSort => self.invert_sort(),
            Intent::ProblemsOnly => {
                let view = self.view_mut();
                view.problems_only = !view.problems_only;
                self.reorder();
            }
            Intent::ShowAll => self.show_all(),
            Intent::Wide => {
                let view = self.view_mut();
                view.wide = !view.wide;
            }
            Intent::Unfold => self.toggle_fold(),
            Intent::Fold => self.fold(),
            Intent::Copy => return self.copy(),
            Intent::PollNow => return self.poll_now(),
            Intent::Freeze => self.freeze(),
            Intent::Messages => {
                self.show(Page::Messages);
                return vec![Effect::FetchMessages];
            }
            Intent::Redraw => return vec![Effect::Redraw],
            Intent::Suspend => {
                let mut effects = self.disarm(Lost::Suspended);
                effects.push(Effect::Suspend);
                return effects;
            }
            Intent::Quit => return self.leave(),
            Intent::Cancel => return self.quit(),
            // They mean something on the pages of YAML and logs alone.
            Intent::Wrap
            | Intent::Timestamps
            | Intent::Autoscroll
            | Intent::FullScreen
            | Intent::OnlyMatches
            | Intent::Bytes
            | Intent::NextContainer
            | Intent::SinceTail
            | Intent::SinceFiveMinutes
            | Intent::SinceHour
            | Intent::SinceBeginning
            | Intent::ManagedFields
            | Intent::Reveal
            | Intent::Save => self.say(format!("{intent} does nothing here")),
        }
        Vec::new()
    }

    fn freeze(&mut self) {
        self.frozen = match self.frozen.take() {
            Some(_) => None,
            None => Some(Box::new(Frozen {
                model: self.model.clone(),
                ledger: self.ledger.clone(),
                now: self.now,
            })),
        };
        self.reorder();
    }

    fn page_rows(&self) -> isize {
        isize::try_from(self.drawn.rows.max(1)).unwrap_or(1)
    }

    /// Moves the cursor, or scrolls an open page.
    fn go(&mut self, by: isize) {
        if self.page.is_some() {
            self.scroll = self
                .scroll
                .saturating_add_signed(by)
                .min(self.drawn.scroll_max);
            return;
        }
        let last = self.order.len().saturating_sub(1);
        let index = self.view().index.saturating_add_signed(by).min(last);
        let key = self.order.row(index).map(|row| row.key);
        let view = self.view_mut();
        view.index = index;
        view.cursor = key;
        self.seen_until = Some(self.now.stamp);
    }

    /// The row under the cursor, be it drawn there already or not.
    #[must_use]
    pub fn selected(&self) -> Option<RowKey> {
        if let Some(selected) = self.selected_on_page() {
            return selected;
        }
        self.order.row(self.view().index).map(|row| row.key)
    }

    /// Everything about the row under the cursor.
    pub(super) fn describe(&mut self) {
        if self.page.is_some() {
            return;
        }
        if let Some(key) = self.selected() {
            self.view_mut().cursor = Some(key.clone());
            self.show(Page::Detail(key));
        }
    }

    pub(super) fn show(&mut self, page: Page) {
        self.cover(page);
    }

    /// One level back.
    fn back(&mut self) -> Vec<Effect> {
        if self.page == Some(Page::Arm) {
            return self.leave_arming();
        }
        self.come_back();
        Vec::new()
    }

    /// `q`: closes what is open, and at the top level leaves.
    fn leave(&mut self) -> Vec<Effect> {
        if self.page.is_some() {
            return self.back();
        }
        self.quit()
    }

    pub(super) fn quit(&mut self) -> Vec<Effect> {
        if !self.may_leave() {
            return Vec::new();
        }
        let mut effects = self.disarm(Lost::Reader);
        effects.push(Effect::Quit);
        effects
    }

    /// An intent that is an action.
    fn act_on(&mut self, intent: Intent) -> Vec<Effect> {
        let action = actions::of_intent(intent);
        action
            .map(|action| self.propose(action))
            .unwrap_or_default()
    }

    /// Shows columns that did not fit, by leaving out as many from the left.
    fn pan(&mut self, by: isize) {
        let most = self.listing().columns().len().saturating_sub(2);
        let view = self.view_mut();
        view.pan = view.pan.saturating_add_signed(by).min(most);
    }

    fn fold(&mut self) {
        let Some(key) = self.selected() else {
            return;
        };
        self.view_mut().unfolded.remove(&key);
        self.reorder();
    }

    fn toggle_fold(&mut self) {
        let Some(key) = self.selected() else {
            return;
        };
        let view = self.view_mut();
        view.cursor = Some(key.clone());
        if !view.unfolded.remove(&key) {
            view.unfolded.insert(key);
        }
        self.reorder();
    }

    fn invert_sort(&mut self) {
        let view = self.view_mut();
        if let Some((_, direction)) = &mut view.sort {
            *direction = flipped(*direction);
        }
        self.reorder();
    }

    fn copy(&mut self) -> Vec<Effect> {
        let Some(text) = self.selected().map(|key| self.name_of(&key)) else {
            return Vec::new();
        };
        self.say(format!("copied {} bytes: {text}", text.len()));
        vec![Effect::Copy(text)]
    }

    fn name_of(&self, key: &RowKey) -> String {
        match key {
            RowKey::Feed(index) => self
                .model
                .feeds()
                .get(*index)
                .map(|feed| feed.spec.id.to_string()),
            RowKey::Text(text) => Some(text.to_string()),
            RowKey::Item(_, item) => Some(item.to_string()),
            RowKey::Subject(subject) => match ObjectName::of(subject) {
                Some(object) => Some(object.for_kubectl()),
                None => Some(subject.to_string()),
            },
            RowKey::Finding(id) => Some(id.subject.to_string()),
        }
        .unwrap_or_default()
    }

    /// Polls the feeds behind the row under the cursor; all of them where the row has none.
    fn poll_now(&mut self) -> Vec<Effect> {
        let selected = self.selected();
        let feeds: Vec<_> = match &selected {
            Some(RowKey::Feed(index)) => self.model.feeds().get(*index).into_iter().collect(),
            Some(key) => match key.subject() {
                Some(subject) => self
                    .model
                    .feeds()
                    .iter()
                    .filter(|feed| {
                        feed.subject() == subject
                            || feed.subject().whole().as_ref() == Some(subject)
                    })
                    .collect(),
                None => Vec::new(),
            },
            None => Vec::new(),
        };
        let feeds = if feeds.is_empty() {
            self.model.feeds().iter().collect()
        } else {
            feeds
        };
        let effects: Vec<_> = feeds
            .iter()
            .map(|feed| Effect::PollNow(feed.spec.id.clone()))
            .collect();
        self.say(match effects.len() {
            1 => "polling 1 feed now".to_owned(),
            n => format!("polling {n} feeds now"),
        });
        effects
    }

    pub(super) fn typed(&mut self, chord: Chord) -> Vec<Effect> {
        if self.picking_sort {
            self.pick_sort(chord);
            return Vec::new();
        }
        let Some(mut prompt) = self.prompt.take() else {
            return if self.answers(chord) {
                self.answer(chord)
            } else {
                Vec::new()
            };
        };
        match prompt.key(chord) {
            Typed::Accepted => return self.accept(&prompt),
            Typed::Cancelled => {
                if prompt.kind == PromptKind::Filter {
                    self.apply_filter(&prompt.before.clone());
                }
                return Vec::new();
            }
            Typed::Changed if prompt.kind == PromptKind::Filter => self.apply_filter(prompt.text()),
            Typed::Complete if prompt.kind == PromptKind::Palette => {
                if let Some(completed) = self.completions(prompt.text()).into_iter().next() {
                    prompt.set(&completed);
                }
            }
            Typed::Older if prompt.kind == PromptKind::Palette => self.recall(&mut prompt, 1),
            Typed::Newer if prompt.kind == PromptKind::Palette => self.recall(&mut prompt, -1),
            _ => {}
        }
        self.prompt = Some(prompt);
        Vec::new()
    }

    pub(super) fn pasted(&mut self, text: &str) {
        let Some(mut prompt) = self.prompt.take() else {
            self.say("pasted text was dropped: no text field is open");
            return;
        };
        if prompt.kind == PromptKind::Words {
            self.say("pasted text confirms nothing: type it");
            self.prompt = Some(prompt);
            return;
        }
        prompt.insert(text);
        if prompt.kind == PromptKind::Filter {
            self.apply_filter(prompt.text());
        }
        self.prompt = Some(prompt);
    }

    pub(super) fn apply_filter(&mut self, text: &str) {
        if self.search_page(text) {
            return;
        }
        let view = self.view_mut();
        text.clone_into(&mut view.filter);
        view.offset = 0;
        self.filtered_late = true;
    }

    fn accept(&mut self, prompt: &Prompt) -> Vec<Effect> {
        match prompt.kind {
            PromptKind::Filter => Vec::new(),
            PromptKind::Reason => {
                self.give_reason(prompt.text());
                Vec::new()
            }
            PromptKind::Words => self.confirm(Said::Words(prompt.text().to_owned())),
            PromptKind::Palette => {
                let line = prompt.text().trim().to_owned();
                if line.is_empty() {
                    return Vec::new();
                }
                self.history.retain(|old| *old != line);
                self.history.push(line.clone());
                self.command(&line)
            }
        }
    }

    fn recall(&self, prompt: &mut Prompt, step: isize) {
        let next = match (prompt.recalled, step) {
            (None, 1) => Some(0),
            (Some(at), 1) => Some((at + 1).min(self.history.len().saturating_sub(1))),
            (Some(0) | None, _) => None,
            (Some(at), _) => Some(at - 1),
        };
        prompt.recalled = next;
        match next.and_then(|at| self.history.iter().rev().nth(at)) {
            Some(line) => prompt.set(line),
            None => prompt.set(""),
        }
    }

    pub(super) fn sort_by(&mut self, column: &'static str) {
        let view = self.view_mut();
        view.sort = match view.sort {
            Some((id, direction)) if id == column => Some((id, flipped(direction))),
            _ => Some((column, Direction::Up)),
        };
        self.reorder();
    }

    /// `S` then the letter or number of a column; the same column again turns the order round.
    fn pick_sort(&mut self, chord: Chord) {
        self.picking_sort = false;
        // A chord with a modifier is no letter: ctrl-c cancels.
        let KeyCode::Char(c) = (if chord.ctrl || chord.alt {
            KeyCode::Esc
        } else {
            chord.code
        }) else {
            return;
        };
        if let Some(titles) = self.page_titles() {
            let picked = sort_letters(titles.len()).position(|letter| letter == c);
            match picked.and_then(|at| titles.get(at)) {
                Some(title) => self.sort_page(Some(title)),
                None if c == '0' => self.sort_page(None),
                None => self.say(format!("no column has the letter {c}")),
            }
            return;
        }
        let columns = self.listing().columns();
        if c == '0' {
            self.view_mut().sort = None;
            self.reorder();
            return;
        }
        let Some(column) = sort_letters(columns.len())
            .position(|letter| letter == c)
            .and_then(|at| columns.get(at))
        else {
            self.say(format!("no column has the letter {c}"));
            return;
        };
        self.sort_by(column.id);
    }
}

fn flipped(direction: Direction) -> Direction {
    match direction {
        Direction::Up => Direction::Down,
        Direction::Down => Direction::Up,
    }
}

/// The letter that picks each column in the sort picker.
pub fn sort_letters(columns: usize) -> impl Iterator<Item = char> {
    ('a'..='z').take(columns)
}
