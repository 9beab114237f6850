//! What the reader has opened explicitly: the YAML of an object, logs, any kind's table. One of each
//! at a time, over the pane or over each other; closing a page gives its asks up.

pub mod kind;
pub(super) mod kinds;
pub mod logs;
pub mod manifest;
pub mod members;
mod outbox;
mod pages;
pub mod ring;
pub mod scroll;
pub mod search;
pub mod stream;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{App, Page};
use crate::ask::{Answered, Ask, AskId, KindName, LogRun, ObjectName, SaveAsk};
use crate::effect::Effect;
use crate::listing::RowKey;
use crate::model::Objects;
use crate::objects::ObjectKind;
use crate::subject::{Subject, SubjectKind};
use crate::units::Bytes;
use kind::KindPage;
use kinds::{Kinds, Meaning, Wanted};
use logs::LogPage;
use manifest::ManifestPage;
use outbox::Outbox;
use scroll::View;

/// Pages with keys of their own, by the name of their table in a keymap.
pub const SCOPES: &[&str] = &["kind", "logs", "yaml"];

/// Everything that was opened, and the kinds that are known for opening more.
#[derive(Debug, Default)]
pub struct Opened {
    manifest: Option<ManifestPage>,
    logs: Option<LogPage>,
    kind: Option<KindPage>,
    /// Logs have the whole screen.
    full_screen: bool,
    kinds: Kinds,
    out: Outbox,
    saving: BTreeSet<AskId>,
    /// Pages that are covered by the present one, the topmost last.
    beneath: Vec<Page>,
    /// Pages that wait while the help is read, and the pane below them.
    parked: Option<(usize, Page, Vec<Page>)>,
}

impl Opened {
    #[must_use]
    pub fn manifest(&self) -> Option<&ManifestPage> {
        self.manifest.as_ref()
    }

    #[must_use]
    pub fn logs(&self) -> Option<&LogPage> {
        self.logs.as_ref()
    }

    #[must_use]
    pub fn kind(&self) -> Option<&KindPage> {
        self.kind.as_ref()
    }

    pub(super) fn kind_mut(&mut self) -> Option<&mut KindPage> {
        self.kind.as_mut()
    }

    /// Kinds that the palette can offer.
    pub fn kind_words(&self) -> impl Iterator<Item = String> + use<> {
        self.kinds.words()
    }

    /// Does a cluster call a kind so, as far as it was asked?
    pub(super) fn knows_kind(&self, word: &str) -> bool {
        self.kinds.knows(word)
    }

    fn close(&mut self, page: &Page) {
        match page {
            Page::Manifest => {
                if let Some(mut page) = self.manifest.take() {
                    page.close(&mut self.out);
                }
            }
            Page::Logs => {
                if let Some(mut page) = self.logs.take() {
                    page.close(&mut self.out);
                }
            }
            Page::Kind => {
                if let Some(mut page) = self.kind.take() {
                    page.close(&mut self.out);
                }
            }
            Page::Detail(_) | Page::Messages | Page::Plan | Page::Arm => {}
        }
    }
}

impl App {
    #[must_use]
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// What asks want done since the last call.
    pub(super) fn asked_for(&mut self) -> Vec<Effect> {
        self.opened.out.take()
    }

    /// The table of the keymap that holds now: that of the page, else that of the pane.
    #[must_use]
    pub fn key_scope(&self) -> &'static str {
        match self.page {
            Some(Page::Manifest) => "yaml",
            Some(Page::Logs) => "logs",
            Some(Page::Kind) => "kind",
            _ => self.listing().id(),
        }
    }

    /// The part of a text page that is on the screen.
    fn text_view(&self) -> View {
        View {
            columns: self.drawn.columns.max(1),
            height: self.drawn.rows.max(1),
        }
    }

    /// Puts a page over what is open.
    pub(super) fn cover(&mut self, page: Page) {
        if let Some(below) = self.page.take() {
            self.opened.beneath.push(below);
        }
        // A second one of a sort takes the place of the first.
        self.opened.beneath.retain(|below| *below != page);
        self.page = Some(page);
        self.scroll = 0;
    }

    /// Closes the page on top. Was there one?
    pub(super) fn uncover(&mut self) -> bool {
        let Some(page) = self.page.take() else {
            return false;
        };
        self.opened.close(&page);
        self.page = self.opened.beneath.pop();
        self.scroll = 0;
        true
    }

    /// Closes every page; towards the help they only wait.
    pub(super) fn uncover_all(&mut self, pane: usize) {
        let help = self.listings[pane].id() == "help";
        if help && let Some(page) = self.page.take() {
            let beneath = std::mem::take(&mut self.opened.beneath);
            self.opened.parked = Some((self.pane, page, beneath));
            return;
        }
        if pane != self.pane
            && let Some((_, page, beneath)) = self.opened.parked.take()
        {
            self.opened.close(&page);
            for page in &beneath {
                self.opened.close(page);
            }
        }
        while self.uncover() {}
    }

    /// From the help back to the pages that wait for it.
    pub(super) fn unpark(&mut self) -> bool {
        let Some((pane, page, beneath)) = self.opened.parked.take() else {
            return false;
        };
        self.last_pane = self.pane;
        self.pane = pane;
        self.page = Some(page);
        self.opened.beneath = beneath;
        self.reorder();
        true
    }

    /// The row under the cursor of the topmost table: that of the kind, where one is open.
    #[expect(
        clippy::option_option,
        reason = "no table open, and no row in the one that is"
    )]
    pub(super) fn selected_on_page(&self) -> Option<Option<RowKey>> {
        self.opened.kind.as_ref().map(KindPage::selected_key)
    }

    /// The object that a key is about.
    #[must_use]
    pub fn object_under_cursor(&self) -> Option<ObjectName> {
        if let (Some(Page::Manifest), Some(page)) = (&self.page, &self.opened.manifest) {
            return Some(page.object.clone());
        }
        match (&self.page, &self.opened.kind) {
            (Some(Page::Detail(key)), _) => ObjectName::of(key.subject()?),
            (_, Some(page)) => page.selected_object(),
            _ => ObjectName::of(self.selected()?.subject()?),
        }
    }

    /// The YAML of what is under the cursor; everything that is known where it is no object.
    pub(super) fn open_manifest(&mut self) -> bool {
        let Some(object) = self.object_under_cursor() else {
            return false;
        };
        self.opened.close(&Page::Manifest);
        let page = ManifestPage::open(object, self.now, &mut self.opened.out);
        self.opened.manifest = Some(page);
        self.cover(Page::Manifest);
        true
    }

    pub(super) fn open_logs(&mut self, run: LogRun) {
        let object = self.object_under_cursor();
        let Some(subject) = object.as_ref().and_then(subject_of) else {
            self.say("logs are of pods and workloads: put the cursor on one");
            return;
        };
        if !has_logs(&subject) {
            let kind = subject.kind.word();
            self.say(format!("a {kind} has no logs; open a pod or a workload"));
            return;
        }
        self.opened.close(&Page::Logs);
        let (objects, out) = (self.model.objects(), &mut self.opened.out);
        let page = LogPage::open(vec![subject], run, objects, out);
        self.opened.logs = Some(page);
        self.cover(Page::Logs);
    }

    /// The clusters that the reader looks at.
    fn clusters_in_scope(&self) -> Vec<Arc<str>> {
        let objects = self.model.objects().clusters().map(|c| c.name().clone());
        let watched = self.model.subjects(SubjectKind::Cluster);
        let mut all: Vec<Arc<str>> = objects.chain(watched.map(|s| s.path.clone())).collect();
        all.sort_unstable();
        all.dedup();
        let scope = &self.scope.cluster;
        all.retain(|name| scope.as_ref().is_none_or(|only| only == name));
        all
    }

    /// Asks the clusters for their kinds, so that the palette can offer them.
    pub(super) fn discover(&mut self) {
        let clusters = self.clusters_in_scope();
        self.opened.kinds.discover(&clusters, &mut self.opened.out);
    }

    /// Adds the kinds that begin with or contain what was typed, behind the commands.
    pub(super) fn complete_kinds(&self, typed: &str, words: &mut Vec<String>) {
        let (before, typed) = match typed.strip_prefix("kind ") {
            Some(typed) => ("kind ", typed),
            None => ("", typed),
        };
        let fits = |word: &String| word.contains(typed) && !words.contains(word);
        let mut fitting: Vec<String> = self.opened.kinds.words().filter(fits).collect();
        fitting.sort_by_key(|word| !word.starts_with(typed));
        words.extend(fitting.into_iter().map(|word| format!("{before}{word}")));
    }

    /// `:certs`, `:kind certs`: opens the table of a kind. `false` where no cluster is watched.
    pub(super) fn open_table(&mut self, word: &str, filter: &str) -> bool {
        self.discover();
        let clusters = self.clusters_in_scope();
        if clusters.is_empty() {
            return false;
        }
        let out = &mut self.opened.out;
        match self.opened.kinds.meaning(word, self.now, out) {
            Meaning::Kind(having) => {
                self.opened.kinds.wanted = None;
                self.show_table(having, filter);
            }
            Meaning::Asked => {
                self.opened.kinds.wanted = Some(Wanted {
                    word: word.to_owned(),
                    filter: filter.to_owned(),
                });
                self.say(format!("asking the clusters whether they know `{word}`"));
            }
            Meaning::Nothing { near, failed } => {
                self.opened.kinds.wanted = None;
                self.say(self.unknown_word(word, near, failed));
            }
        }
        true
    }

    /// Opens the table of a kind that these clusters have, as narrow as it was asked for.
    fn show_table(&mut self, mut having: Vec<(Arc<str>, Arc<KindName>)>, rest: &str) {
        let Some((_, kind)) = having.first().cloned() else {
            return;
        };
        let narrowed = match self.narrowed(rest, kind.namespaced) {
            Ok(narrowed) => narrowed,
            Err(why) => return self.say(why),
        };
        let filter = narrowed.filter.clone();
        self.narrow(narrowed);
        let clusters = self.clusters_in_scope();
        having.retain(|(cluster, _)| clusters.contains(cluster));
        if having.is_empty() {
            let names = clusters.join(", ");
            return self.say(format!(
                "{names} has no {}; :ctx all looks at all",
                kind.plural
            ));
        }
        self.opened.close(&Page::Kind);
        let namespace = self.scope.namespace.clone().unwrap_or_default();
        let page = KindPage::open(having, &namespace, &filter, &mut self.opened.out);
        if page.is_some() {
            while self.uncover() {}
            self.opened.kind = page;
            self.cover(Page::Kind);
        }
    }

    /// The table of all namespaces, without asking for the kinds first: every cluster has this one.
    pub(super) fn show_namespaces(&mut self) {
        let clusters = self.clusters_in_scope();
        if clusters.is_empty() {
            return self.say("no cluster is watched");
        }
        let kind = Arc::new(KindName::kept(ObjectKind::Namespace));
        let having = clusters.into_iter().map(|cluster| (cluster, kind.clone()));
        self.show_table(having.collect(), "");
    }

    fn unknown_word(
        &self,
        word: &str,
        near: Option<String>,
        failed: Option<(Arc<str>, crate::observation::Outage)>,
    ) -> String {
        let near = near.or_else(|| self.suggestion(word));
        let mut said = format!("no command and no kind `{word}`");
        if let Some(near) = near {
            said.push_str(&format!("; did you mean `{near}`?"));
        }
        if let Some((cluster, outage)) = failed {
            said.push_str(&format!(" ({cluster} did not tell its kinds: {outage})"));
        }
        said
    }

    /// Takes in an answer. One for something closed finds nobody and is dropped.
    pub(super) fn answered(&mut self, id: AskId, answer: Answered) {
        let now = self.now;
        let Opened {
            manifest,
            logs,
            kind,
            kinds,
            out,
            saving,
            ..
        } = &mut self.opened;
        match answer {
            Answered::Manifest(answer) => {
                if let Some(page) = manifest.as_mut().filter(|page| page.asked == Some(id)) {
                    page.answered(answer, now);
                }
            }
            Answered::Log(news) => {
                if let Some(page) = logs.as_mut().filter(|page| page.owns(id)) {
                    page.answered(id, news, self.model.objects(), now, out);
                }
            }
            Answered::Table(news) => {
                if let Some(page) = kind.as_mut().filter(|page| page.owns(id)) {
                    page.answered(id, news, now);
                }
            }
            Answered::Kinds(answer) => {
                if kinds.owns(id) {
                    kinds.answered(id, answer, now);
                    self.kinds_came();
                }
            }
            Answered::Saved(answer) => {
                if saving.remove(&id) {
                    self.say(match answer {
                        Ok((path, bytes)) => format!("saved {} in {path}", Bytes(bytes)),
                        Err(outage) => match outage.hint {
                            Some(hint) => format!("not saved: {}; {hint}", outage.detail),
                            None => format!("not saved: {}", outage.detail),
                        },
                    });
                }
            }
        }
    }

    fn kinds_came(&mut self) {
        if let Some(Wanted { word, filter }) = self.opened.kinds.wanted.clone() {
            self.notice = None;
            self.open_table(&word, &filter);
        }
    }

    fn save(&mut self, ask: SaveAsk) {
        let id = self.opened.out.open(Ask::Save(ask));
        self.opened.saving.insert(id);
    }

    /// Objects changed or time went on: logs follow their pods.
    pub(super) fn follow_asks(&mut self) {
        if let Some(page) = &mut self.opened.logs {
            page.follow_pods(self.model.objects(), self.now, &mut self.opened.out);
        }
    }

    /// Brings tables up to date before a frame.
    pub(super) fn refresh_asks(&mut self) {
        if let Some(page) = &mut self.opened.kind {
            page.refresh(self.now);
        }
    }

    /// The objects as they are now, for pages that show a pod's state.
    #[must_use]
    pub fn objects(&self) -> &Objects {
        self.model.objects()
    }
}

/// The subject of an object whose kind is kept.
fn subject_of(object: &ObjectName) -> Option<Subject> {
    let kind = ObjectKind::ALL.iter().find(|kind| {
        kind.group() == &*object.kind.group && kind.plural() == &*object.kind.plural
    })?;
    let (cluster, namespace) = (&object.cluster, &object.namespace);
    Some(Subject::object(*kind, cluster, namespace, &object.name))
}

fn has_logs(subject: &Subject) -> bool {
    matches!(
        subject.kind,
        SubjectKind::Pod
            | SubjectKind::Deployment
            | SubjectKind::StatefulSet
            | SubjectKind::DaemonSet
            | SubjectKind::ReplicaSet
            | SubjectKind::Job
            | SubjectKind::CronJob
    )
}
