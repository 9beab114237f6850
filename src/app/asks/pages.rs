//! What keys do on the pages of YAML, logs and any kind.

use super::logs::{LogPage, SPANS, Times};
use super::scroll::{End, Grows, View};
use super::search::Search;
use crate::app::{App, Page};
use crate::ask::{LogRun, SaveAsk, Since};
use crate::effect::Effect;
use crate::intent::Intent;
use crate::listing::RowKey;
use crate::sgr::Escapes;
use crate::subject::SubjectKind;
use crate::yaml::Secrets;

/// Columns by which a long line is moved sideways.
const STEP: usize = 8;

impl App {
    /// Does what an intent means on the open page; `None` where the page has no meaning of its own
    /// for it.
    pub(in crate::app) fn on_page(&mut self, intent: Intent) -> Option<Vec<Effect>> {
        let done = match self.page {
            Some(Page::Manifest) => self.on_manifest(intent),
            Some(Page::Logs) => self.on_logs(intent),
            Some(Page::Kind) => self.on_kind(intent),
            _ => return None,
        };
        done.then(Vec::new).or_else(|| self.on_any_page(intent))
    }

    /// What all three have in common.
    fn on_any_page(&mut self, intent: Intent) -> Option<Vec<Effect>> {
        match intent {
            Intent::Copy => return Some(self.copy_page()),
            Intent::Filter => {
                let text = self.page_search();
                self.open_prompt(crate::app::prompt::PromptKind::Filter, &text);
            }
            Intent::Yaml if self.page != Some(Page::Manifest) => {
                self.open_manifest();
            }
            Intent::Logs => self.open_logs(LogRun::Follow),
            Intent::PreviousLogs => self.open_logs(LogRun::Previous),
            Intent::Left | Intent::Right => {
                let pan = self.text_pan()?;
                *pan = if intent == Intent::Left {
                    pan.saturating_sub(STEP)
                } else {
                    pan.saturating_add(STEP)
                };
                self.stop_pan();
            }
            // They would move the table underneath, which is not seen.
            Intent::Unfold
            | Intent::Fold
            | Intent::ProblemsOnly
            | Intent::Evidence
            | Intent::Open
            | Intent::Yaml => {}
            _ => return None,
        }
        Some(Vec::new())
    }

    fn text_pan(&mut self) -> Option<&mut usize> {
        match self.page {
            Some(Page::Manifest) => Some(&mut self.opened.manifest.as_mut()?.scroll.pan),
            Some(Page::Logs) => Some(&mut self.opened.logs.as_mut()?.scroll.pan),
            _ => None,
        }
    }

    /// No further than to the end of the longest line, where that is known.
    fn stop_pan(&mut self) {
        if let (Some(Page::Manifest), Some(page)) = (&self.page, &mut self.opened.manifest) {
            page.scroll.pan = page.scroll.pan.min(page.widest());
        }
    }

    /// Rows that a movement is about; `None` for what is no movement.
    fn rows_of(&self, intent: Intent) -> Option<isize> {
        let page = isize::try_from(self.drawn.rows.max(1)).unwrap_or(1);
        Some(match intent {
            Intent::MoveDown => 1,
            Intent::MoveUp => -1,
            Intent::PageDown => page,
            Intent::PageUp => -page,
            Intent::HalfPageDown => (page / 2).max(1),
            Intent::HalfPageUp => -(page / 2).max(1),
            Intent::Top => isize::MIN / 2,
            Intent::Bottom => isize::MAX / 2,
            _ => return None,
        })
    }

    fn on_manifest(&mut self, intent: Intent) -> bool {
        let (view, rows) = (self.text_view(), self.rows_of(intent));
        let out = &mut self.opened.out;
        let Some(page) = &mut self.opened.manifest else {
            return false;
        };
        if let Some(rows) = rows {
            let mut scroll = page.scroll;
            scroll.by(page, rows, view, Grows::Never);
            page.scroll = scroll;
            return true;
        }
        match intent {
            Intent::PollNow => page.reload(out),
            Intent::ManagedFields => page.toggle_managed_fields(),
            Intent::Reveal if page.document().secrets == 0 => {
                self.say("nothing is masked here");
            }
            Intent::Reveal => page.toggle_secrets(),
            Intent::Wrap | Intent::Wide => page.scroll.fold = page.scroll.fold.other(),
            Intent::NextMatch | Intent::PreviousMatch => {
                let step = if intent == Intent::NextMatch { 1 } else { -1 };
                if page.search.is_empty() {
                    self.say("nothing is searched for; / does");
                } else if !page.next_match(step, view) {
                    let text = page.search.text().to_owned();
                    self.say(format!("no line matches /{text}"));
                }
            }
            Intent::ShowAll => page.look_for(Search::default(), view),
            Intent::Save => self.save_manifest(),
            _ => return false,
        }
        true
    }

    fn save_manifest(&mut self) {
        let Some(page) = &self.opened.manifest else {
            return;
        };
        let name = format!("{}-{}", page.object.cluster, page.object.title());
        let text = page.document().text().into_bytes();
        self.save(SaveAsk {
            folder: "manifests",
            name,
            ending: "yaml",
            text,
        });
    }

    fn on_logs(&mut self, intent: Intent) -> bool {
        let (view, rows, now) = (self.text_view(), self.rows_of(intent), self.now);
        let (objects, out) = (self.model.objects(), &mut self.opened.out);
        let Some(page) = &mut self.opened.logs else {
            return false;
        };
        if let Some(rows) = rows {
            let grows = match page.run {
                LogRun::Follow => Grows::AtItsEnd,
                LogRun::Previous => Grows::Never,
            };
            page.scroll.by(&page.ring, rows, view, grows);
            return true;
        }
        if intent == Intent::ShowAll && !page.ring.search.is_empty() {
            page.look_for(Search::default());
            return true;
        }
        if let Some(since) = since(intent, page.since) {
            page.since = since;
            page.restart(objects, out);
            return true;
        }
        if page.turn(intent, view) {
            return true;
        }
        match intent {
            Intent::NextContainer => {
                page.next_container(objects);
                page.restart(objects, out);
            }
            Intent::FullScreen => {
                self.opened.full_screen = !self.opened.full_screen;
            }
            Intent::NextMatch | Intent::PreviousMatch => {
                let step = if intent == Intent::NextMatch { 1 } else { -1 };
                if page.ring.search.is_empty() {
                    self.say("nothing is searched for; / does");
                } else if !page.next_match(step, view) {
                    self.say("no further line matches");
                }
            }
            Intent::Save => {
                let (ask, lines) = page.save(now);
                self.say(format!("saving {lines} lines"));
                self.save(ask);
            }
            _ => return false,
        }
        true
    }

    fn on_kind(&mut self, intent: Intent) -> bool {
        let (rows, now) = (self.rows_of(intent), self.now);
        let out = &mut self.opened.out;
        let Some(page) = &mut self.opened.kind else {
            return false;
        };
        if let Some(rows) = rows {
            page.go(rows);
            return true;
        }
        match intent {
            Intent::NextMatch => page.go(1),
            Intent::PreviousMatch => page.go(-1),
            Intent::PollNow => page.reload(out),
            Intent::Wide => {
                page.view.wide = !page.view.wide;
            }
            Intent::Left => page.view.pan = page.view.pan.saturating_sub(1),
            Intent::Right => {
                let most = page.columns().count().saturating_sub(2);
                page.view.pan = (page.view.pan + 1).min(most);
            }
            Intent::InvertSort => page.invert_sort(now),
            Intent::ShowAll => {
                page.view.pan = 0;
                page.filter("", now);
            }
            Intent::Open | Intent::Details => return self.open_kind_row(intent),
            _ => return false,
        }
        true
    }

    /// Goes into a namespace; describes a row whose kind is kept as its own pane does, any other by
    /// its YAML.
    fn open_kind_row(&mut self, intent: Intent) -> bool {
        let key = self
            .opened
            .kind
            .as_ref()
            .and_then(super::KindPage::selected_key);
        if let (Intent::Open, Some(RowKey::Subject(subject))) = (intent, &key)
            && subject.kind == SubjectKind::Namespace
        {
            let subject = subject.clone();
            self.enter_namespace(&subject);
            return true;
        }
        let known = key.filter(|key| {
            let subject = key.subject();
            subject.is_some_and(|subject| self.model.objects().get(subject).is_some())
        });
        match known {
            Some(key) => self.cover(Page::Detail(key)),
            None => {
                self.open_manifest();
            }
        }
        true
    }

    /// What was searched for on the open page.
    fn page_search(&self) -> String {
        match self.page {
            Some(Page::Manifest) => self.opened.manifest.as_ref().map(|p| p.search.text()),
            Some(Page::Logs) => self.opened.logs.as_ref().map(|p| p.ring.search.text()),
            Some(Page::Kind) => self.opened.kind.as_ref().map(|p| p.view.filter.as_str()),
            _ => None,
        }
        .unwrap_or_default()
        .to_owned()
    }

    /// Searches or filters the open page; `false` where it is none of these.
    pub(in crate::app) fn search_page(&mut self, text: &str) -> bool {
        let (view, now) = (self.text_view(), self.now);
        match self.page {
            Some(Page::Manifest) => {
                if let Some(page) = &mut self.opened.manifest {
                    page.look_for(Search::parse(text), view);
                }
            }
            Some(Page::Logs) => {
                if let Some(page) = &mut self.opened.logs {
                    page.look_for(Search::parse(text));
                }
            }
            Some(Page::Kind) => {
                if let Some(page) = &mut self.opened.kind {
                    page.filter(text, now);
                }
            }
            _ => return false,
        }
        true
    }

    fn copy_page(&mut self) -> Vec<Effect> {
        let view = self.text_view();
        let (text, said) = match self.page {
            Some(Page::Manifest) => {
                let Some(page) = &self.opened.manifest else {
                    return Vec::new();
                };
                let document = page.document();
                let masked = if page.shown().secrets == Secrets::Masked {
                    document.secrets
                } else {
                    0
                };
                let but = if masked > 0 {
                    format!("; {masked} masked values are empty in it")
                } else {
                    String::new()
                };
                let said = format!("the YAML, {} lines{but}", document.lines.len());
                (document.text(), said)
            }
            Some(Page::Logs) => {
                let text = self.opened.logs.as_ref().map(|page| page.on_screen(view));
                let text = text.unwrap_or_default();
                let lines = text.lines().count();
                (text, format!("the {lines} lines on the screen"))
            }
            _ => {
                let Some(object) = self.object_under_cursor() else {
                    return Vec::new();
                };
                let name = object.for_kubectl();
                (name.clone(), name)
            }
        };
        if text.is_empty() {
            self.say("there is nothing to copy");
            return Vec::new();
        }
        self.say(format!("copied {} bytes: {said}", text.len()));
        vec![Effect::Copy(text)]
    }

    /// Titles that the sort picker offers on a page; `None` where the pane's columns count.
    #[must_use]
    pub fn page_titles(&self) -> Option<Vec<String>> {
        match (&self.page, &self.opened.kind) {
            (Some(Page::Kind), Some(page)) => Some(page.titles()),
            _ => None,
        }
    }

    /// Sorts the open page by the column of this title, or by none.
    pub(in crate::app) fn sort_page(&mut self, title: Option<&str>) {
        let now = self.now;
        if let Some(page) = &mut self.opened.kind {
            match title {
                Some(title) => page.sort_by(title, now),
                None => page.unsort(now),
            }
        }
    }

    /// How many lines or rows of the open page the search accepts, and of how many.
    #[must_use]
    pub fn page_count(&self) -> Option<(usize, usize)> {
        match self.page {
            Some(Page::Manifest) => {
                let page = self.opened.manifest.as_ref()?;
                let lines = &page.document().lines;
                let hits = lines.iter().filter(|l| page.search.accepts(&l.text(), ""));
                Some((hits.count(), lines.len()))
            }
            Some(Page::Logs) => {
                let ring = &self.opened.logs.as_ref()?.ring;
                Some((ring.matching(), ring.len()))
            }
            Some(Page::Kind) => {
                let page = self.opened.kind.as_ref()?;
                Some((page.shown().len(), page.total()))
            }
            _ => None,
        }
    }

    /// Is the body all there is, so that lines can be selected with the terminal's own means?
    #[must_use]
    pub fn is_full_screen(&self) -> bool {
        self.opened.full_screen && self.page == Some(Page::Logs)
    }
}

/// Where logs are to begin by an intent; `None` for what begins nothing anew.
fn since(intent: Intent, present: Since) -> Option<Since> {
    Some(match intent {
        Intent::SinceTail => SPANS[0].0,
        Intent::SinceFiveMinutes => SPANS[1].0,
        Intent::SinceHour => SPANS[2].0,
        Intent::SinceBeginning | Intent::ShowAll => SPANS[3].0,
        Intent::PollNow => present,
        _ => return None,
    })
}

impl LogPage {
    /// Turns round how lines are shown; false for what is no question of that.
    fn turn(&mut self, intent: Intent, view: View) -> bool {
        match intent {
            Intent::Autoscroll | Intent::Freeze => {
                let top = self.scroll.shown(&self.ring, view);
                (self.scroll.end, self.scroll.top) = match self.scroll.end {
                    End::Follow => (End::Stay, top),
                    End::Stay => (End::Follow, top),
                };
            }
            Intent::Wrap | Intent::Wide => {
                let top = self.scroll.shown(&self.ring, view);
                self.scroll.top = top;
                self.scroll.fold = self.scroll.fold.other();
            }
            Intent::Timestamps => {
                self.times = match self.times {
                    Times::Hidden => Times::Shown,
                    Times::Shown => Times::Hidden,
                };
            }
            Intent::Bytes => {
                self.ring.escapes = match self.ring.escapes {
                    Escapes::Colour => Escapes::Visible,
                    Escapes::Visible => Escapes::Colour,
                };
            }
            Intent::OnlyMatches => self.toggle_matches(),
            _ => return false,
        }
        true
    }
}
