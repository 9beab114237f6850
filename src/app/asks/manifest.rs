//! The page of one object as YAML: what the API server said last, and when.

use super::outbox::Outbox;
use super::scroll::{Fold, Lines, Scroll, View};
use super::search::Search;
use crate::ask::{Ask, AskId, Manifest, ObjectName};
use crate::clock::Now;
use crate::observation::Outage;
use crate::yaml::{Document, ManagedFields, Secrets, Shown};

#[derive(Debug)]
pub struct ManifestPage {
    pub object: ObjectName,
    /// The question under way.
    pub(super) asked: Option<AskId>,
    /// When it was opened, for a page without an answer yet.
    pub since: Now,
    copy: Option<(Manifest, Now)>,
    /// Why the last question brought nothing; the copy before it stays.
    pub failed: Option<(Outage, Now)>,
    shown: Shown,
    document: Document,
    /// Columns of each line.
    widths: Vec<usize>,
    pub scroll: Scroll,
    pub search: Search,
    /// The line that the search is at.
    pub hit: Option<usize>,
}

impl ManifestPage {
    pub(super) fn open(object: ObjectName, now: Now, out: &mut Outbox) -> Self {
        let asked = out.open(Ask::Manifest(object.clone()));
        Self {
            object,
            asked: Some(asked),
            since: now,
            copy: None,
            failed: None,
            shown: Shown::default(),
            document: Document::default(),
            widths: Vec::new(),
            scroll: Scroll::default(),
            search: Search::default(),
            hit: None,
        }
    }

    /// Asks again; what is there stays until the answer comes.
    pub(super) fn reload(&mut self, out: &mut Outbox) {
        self.close(out);
        self.asked = Some(out.open(Ask::Manifest(self.object.clone())));
    }

    pub(super) fn close(&mut self, out: &mut Outbox) {
        if let Some(id) = self.asked.take() {
            out.close(id);
        }
    }

    pub(super) fn answered(&mut self, answer: Result<Manifest, Outage>, now: Now) {
        self.asked = None;
        match answer {
            Ok(manifest) => {
                self.copy = Some((manifest, now));
                self.failed = None;
                self.write();
            }
            Err(outage) => self.failed = Some((outage, now)),
        }
    }

    /// Is an answer being waited for?
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.asked.is_some()
    }

    /// When the copy on the screen came.
    #[must_use]
    pub fn copied(&self) -> Option<Now> {
        self.copy.as_ref().map(|(_, at)| *at)
    }

    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    #[must_use]
    pub fn shown(&self) -> Shown {
        self.shown
    }

    pub(super) fn toggle_managed_fields(&mut self) {
        self.shown.managed_fields = match self.shown.managed_fields {
            ManagedFields::Hidden => ManagedFields::Shown,
            ManagedFields::Shown => ManagedFields::Hidden,
        };
        self.write();
    }

    pub(super) fn toggle_secrets(&mut self) {
        self.shown.secrets = match self.shown.secrets {
            Secrets::Masked => Secrets::Shown,
            Secrets::Shown => Secrets::Masked,
        };
        self.write();
    }

    fn write(&mut self) {
        let Some((manifest, _)) = &self.copy else {
            return;
        };
        self.document = Document::new(&manifest.object, self.shown);
        let lines = &self.document.lines;
        self.widths = lines.iter().map(crate::yaml::Line::width).collect();
        self.hit = None;
    }

    pub(super) fn look_for(&mut self, search: Search, view: View) {
        self.search = search;
        self.hit = None;
        let top = self.scroll.shown(&*self, view).line;
        // What is typed leads to the first place at or after what is on the screen.
        if !self.search.is_empty() {
            self.jump(top, 1, view);
        }
    }

    /// To the next place in a direction, round the end.
    pub(super) fn next_match(&mut self, step: isize, view: View) -> bool {
        let count = self.document.lines.len();
        let from = match self.hit {
            Some(hit) => hit.checked_add_signed(step).unwrap_or(count),
            None => self.scroll.shown(&*self, view).line,
        };
        self.jump(from, step, view)
    }

    fn jump(&mut self, from: usize, step: isize, view: View) -> bool {
        let lines = &self.document.lines;
        let hit = |line: &usize| {
            let found = lines.get(*line);
            found.is_some_and(|line| self.search.accepts(&line.text(), ""))
        };
        let from = from.min(lines.len());
        let found = if step > 0 {
            (from..lines.len()).chain(0..from).find(hit)
        } else {
            let upto = if from == lines.len() { from } else { from + 1 };
            let (before, after) = (0..upto, upto..lines.len());
            before.rev().chain(after.rev()).find(hit)
        };
        self.hit = found;
        if let Some(line) = found {
            let mut scroll = self.scroll;
            scroll.to(&*self, line, view);
            self.scroll = scroll;
        }
        found.is_some()
    }

    /// Widest line, so that panning has an end.
    pub(super) fn widest(&self) -> usize {
        self.widths.iter().copied().max().unwrap_or(0)
    }
}

impl Lines for ManifestPage {
    fn count(&self) -> usize {
        self.document.lines.len()
    }

    fn rows(&self, line: usize, columns: usize) -> usize {
        if self.scroll.fold == Fold::Cut {
            return 1;
        }
        let width = self.widths.get(line).copied().unwrap_or(0);
        width.div_ceil(columns.max(1)).max(1)
    }
}
