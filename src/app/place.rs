//! Where the reader is and was: panes, what is opened inside what, and the way back.
//!
//! Two ways back are kept. The *trail* is how deep one has gone in: Esc comes out again, and what
//! a pane showed before is restored. The *journey* is every view in turn: `[` and `]` walk it.

use super::{App, Page};
use crate::listing::{RowKey, Scope, View};
use crate::objects::{Body, Object, ObjectKind};
use crate::subject::{Subject, SubjectKind};

/// One step in: where it was taken, and what the pane that was entered showed before.
#[derive(Clone, Debug)]
pub(super) struct Step {
    from: Stand,
    /// The entered pane and its view before.
    covered: (usize, View),
}

/// A pane as it was looked at.
#[derive(Clone, Debug)]
struct Stand {
    pane: usize,
    view: View,
    scope: Scope,
}

/// A view that was left, with how deep it was.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    stand: Stand,
    trail: Vec<Step>,
    page: Option<Page>,
}

/// Views in the order in which they were opened.
#[derive(Clone, Debug, Default)]
pub(super) struct Journey {
    before: Vec<Visit>,
    behind: Vec<Visit>,
}

/// Views that are remembered.
const REMEMBERED: usize = 50;

/// Which way a journey is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Back,
    Forward,
}

impl App {
    fn stand(&self) -> Stand {
        Stand {
            pane: self.pane,
            view: self.view().clone(),
            scope: self.scope.clone(),
        }
    }

    fn visit(&self) -> Visit {
        Visit {
            stand: self.stand(),
            trail: self.trail.clone(),
            page: self
                .page
                .clone()
                .filter(|page| matches!(page, Page::Detail(_))),
        }
    }

    /// Remembers this view, because another one is opened.
    fn set_off(&mut self) {
        self.journey.before.push(self.visit());
        if self.journey.before.len() > REMEMBERED {
            self.journey.before.remove(0);
        }
        self.journey.behind.clear();
    }

    /// `[` and `]`: the view before this one, or the one that was left by going back.
    pub(super) fn travel(&mut self, way: Way) {
        let here = self.visit();
        let (from, to) = match way {
            Way::Back => (&mut self.journey.before, &mut self.journey.behind),
            Way::Forward => (&mut self.journey.behind, &mut self.journey.before),
        };
        let Some(visit) = from.pop() else {
            self.say(match way {
                Way::Back => "there is no view before this one",
                Way::Forward => "no view was left by going back",
            });
            return;
        };
        to.push(here);
        self.come_out();
        self.trail = visit.trail;
        self.take_stand(visit.stand);
        self.page = visit.page;
        self.reorder();
    }

    fn take_stand(&mut self, stand: Stand) {
        self.open_pane(stand.pane);
        self.scope = stand.scope;
        *self.view_mut() = stand.view;
    }

    fn open_pane(&mut self, pane: usize) {
        self.uncover_all(pane);
        if pane != self.pane {
            self.last_pane = self.pane;
            self.pane = pane;
        }
    }

    pub(super) fn goto_pane(&mut self, pane: usize) {
        if pane >= self.listings.len() {
            self.say(format!(
                "there is no pane {}; 1 to {} exist",
                pane + 1,
                self.listings.len()
            ));
            return;
        }
        self.set_off();
        self.come_out();
        let help = self.listings[pane].id() == "help";
        if help && pane != self.pane {
            self.asked_from = self.key_scope();
        }
        self.open_pane(pane);
        if help {
            // Who asks for help looks for something else than the last time.
            *self.view_mut() = View::default();
        }
        self.reorder();
    }

    pub(super) fn goto_named(&mut self, id: &str) {
        if let Some(pane) = self.pane_named(id) {
            self.goto_pane(pane);
        }
    }

    pub(super) fn pane_named(&self, id: &str) -> Option<usize> {
        let mut listings = self.listings.iter();
        listings.position(|listing| listing.id() == id)
    }

    /// Leaves everything that was gone into: each pane shows again what it showed before.
    fn come_out(&mut self) {
        while let Some(step) = self.trail.pop() {
            let id = self.listings[step.covered.0].id();
            self.views.insert(id, step.covered.1);
        }
    }

    /// Goes into something: another pane, or this one, with a view of its own until Esc.
    fn step_into(&mut self, pane: usize, view: View) {
        self.set_off();
        let from = self.stand();
        let id = self.listings[pane].id();
        let covered = self.views.insert(id, view).unwrap_or_default();
        self.trail.push(Step {
            from,
            covered: (pane, covered),
        });
        self.open_pane(pane);
        self.reorder();
    }

    /// One level back: page, then filter, problems only, what was gone into, kind, then Triage.
    pub(super) fn come_back(&mut self) {
        if self.uncover() || self.unpark() {
            return;
        }
        let view = self.view_mut();
        if !view.filter.is_empty() {
            view.filter.clear();
        } else if view.problems_only {
            view.problems_only = false;
        } else if !self.step_out() {
            return self.leave_kind();
        }
        self.reorder();
    }

    /// Out of what was gone into last, to where it was seen. False at the top.
    fn step_out(&mut self) -> bool {
        if self.trail.is_empty() {
            return false;
        }
        self.set_off();
        if let Some(step) = self.trail.pop() {
            let id = self.listings[step.covered.0].id();
            self.views.insert(id, step.covered.1);
            self.take_stand(step.from);
        }
        true
    }

    /// From one kind to the whole pane, and from there to Triage.
    fn leave_kind(&mut self) {
        let view = self.view_mut();
        let whole = view.within.take().is_none() && view.kind.take().is_none();
        if whole && self.pane != 0 {
            self.goto_pane(0);
        } else {
            self.reorder();
        }
    }

    /// Enter: into a cluster to its nodes, into a node or a workload to its pods; everything else
    /// is described.
    pub(super) fn open(&mut self) {
        if self.page.is_some() {
            return;
        }
        let Some(RowKey::Subject(subject)) = self.selected() else {
            return self.describe();
        };
        self.view_mut().cursor = Some(RowKey::Subject(subject.clone()));
        if subject.kind == SubjectKind::Cluster
            && let Some(pane) = self.pane_named("nodes")
        {
            self.step_into(pane, View::default());
            self.scope.cluster = Some(subject.path.clone());
            self.reorder();
            return;
        }
        match self.pane_named("pods") {
            Some(pane) if has_pods(&subject) => {
                let view = View {
                    within: Some(subject),
                    ..View::default()
                };
                self.step_into(pane, view);
            }
            _ => self.describe(),
        }
    }

    /// `o`: to the row of what controls the object, of what an event or a finding is about.
    pub(super) fn go_to_owner(&mut self) {
        let Some(key) = self.subject_key() else {
            return;
        };
        match self.owner_of(&key) {
            Ok(owner) => self.go_to(&owner),
            Err(why) => self.say(why),
        }
    }

    /// What a page is about, else the row under the cursor.
    fn subject_key(&self) -> Option<RowKey> {
        match &self.page {
            Some(Page::Detail(key)) => Some(key.clone()),
            _ => self.selected(),
        }
    }

    fn owner_of(&self, key: &RowKey) -> Result<Subject, String> {
        if let RowKey::Finding(id) = key {
            return Ok(id.subject.clone());
        }
        let Some(subject) = key.subject() else {
            return Err("this row belongs to nothing".into());
        };
        let objects = self.context().snap.model.objects();
        let Some(object) = objects.get(subject) else {
            return match subject.whole() {
                Some(whole) => Ok(whole),
                None => Err(format!("{subject} belongs to nothing")),
            };
        };
        if let Body::Event(event) = &object.body {
            let (kind, namespace, name) = &event.about;
            let known = event.about_kind();
            return known
                .map(|kind| Subject::object(kind, &object.cluster, namespace, name))
                .ok_or_else(|| format!("it is about {kind} {name}, which is not watched"));
        }
        let snap = self.context().snap;
        let is_known = |owner: &crate::objects::Owner| {
            let mut kinds = ObjectKind::ALL.iter();
            let kind = kinds.find(|kind| *kind.api_kind() == *owner.kind);
            kind.is_some_and(|kind| snap.cluster(&object.cluster, &[*kind]).is_ok())
        };
        if let Some(owner) = objects.owner_of(object) {
            return Ok(self.nearest_row(owner).subject());
        }
        match (&object.owner, &object.body) {
            (Some(owner), _) if is_known(owner) => Err(format!(
                "controlled by {} {}, which does not exist any more",
                owner.kind, owner.name
            )),
            (Some(owner), _) => Err(format!(
                "controlled by {} {}, which is not watched",
                owner.kind, owner.name
            )),
            (None, Body::Node(_)) => Ok(Subject::cluster(&object.cluster)),
            (None, _) => Err(format!("nothing controls {subject}")),
        }
    }

    /// The first owner upwards that a pane lists without being asked for its kind.
    fn nearest_row<'a>(&'a self, owner: &'a Object) -> &'a Object {
        let objects = self.context().snap.model.objects();
        match objects.owner_of(owner) {
            Some(above) if owner.kind() == ObjectKind::ReplicaSet => above,
            _ => owner,
        }
    }

    /// Goes to the row of a subject in the pane that lists its kind, wherever the reader looked
    /// before.
    pub(super) fn go_to(&mut self, subject: &Subject) {
        let kind = ObjectKind::of_subject(subject.kind);
        // Mounts, disks and interfaces have no rows: their host has one.
        let host = subject
            .whole()
            .filter(|whole| whole.kind == SubjectKind::Host);
        let row = host.unwrap_or_else(|| subject.clone());
        let Some(pane) = self.pane_of(&row) else {
            self.say(format!("no pane lists {subject}"));
            return;
        };
        let asked = kind.filter(|kind| {
            let objects = self.listings[pane].objects();
            objects.is_some_and(|objects| objects.more_kinds().contains(kind))
        });
        let view = View {
            cursor: Some(RowKey::Subject(row.clone())),
            kind: asked,
            ..View::default()
        };
        self.step_into(pane, view);
        if let Some((_, cluster, namespace, _)) = row.as_object() {
            self.widen(cluster, namespace);
        }
        self.bring_into_view();
    }

    /// Scope that hides what one wants to go to gives way.
    fn widen(&mut self, cluster: &str, namespace: &str) {
        let scope = &mut self.scope;
        if scope.cluster.as_deref().is_some_and(|only| only != cluster) {
            scope.cluster = None;
        }
        let hidden = |only: &str| !namespace.is_empty() && only != namespace;
        if scope.namespace.as_deref().is_some_and(hidden) {
            scope.namespace = None;
        }
        self.reorder();
    }

    fn bring_into_view(&mut self) {
        let rows = self.drawn.rows;
        let view = self.view_mut();
        view.offset = view.index.saturating_sub(rows / 2);
    }

    /// The pane that has a row for a subject.
    fn pane_of(&self, subject: &Subject) -> Option<usize> {
        let Some(kind) = ObjectKind::of_subject(subject.kind) else {
            return self.pane_named(match subject.kind {
                SubjectKind::Cluster => "clusters",
                SubjectKind::Host => "hosts",
                SubjectKind::Etcd | SubjectKind::EtcdMember => "etcd",
                SubjectKind::Prometheus | SubjectKind::Alertmanager => "prometheus",
                SubjectKind::Sntp => "clocks",
                SubjectKind::Target => "sources",
                _ => return None,
            });
        };
        self.pane_for_kind(kind)
    }

    pub(super) fn pane_for_kind(&self, kind: ObjectKind) -> Option<usize> {
        self.listings.iter().position(|listing| {
            listing.objects().is_some_and(|objects| {
                objects.kinds().contains(&kind) || objects.more_kinds().contains(&kind)
            })
        })
    }

    /// `e`: what happened to the object under the cursor, and to what it controls.
    pub(super) fn show_events(&mut self) {
        let subject = match self.subject_key() {
            Some(RowKey::Finding(id)) => id.subject,
            Some(key) => match key.subject() {
                Some(subject) => subject.clone(),
                None => return,
            },
            None => return,
        };
        let Some(pane) = self.pane_named("events") else {
            return;
        };
        if subject.kind == SubjectKind::Cluster {
            self.step_into(pane, View::default());
            self.scope.cluster = Some(subject.path.clone());
            self.reorder();
        } else if subject.as_object().is_some() && subject.kind != SubjectKind::Event {
            let view = View {
                within: Some(subject),
                ..View::default()
            };
            self.step_into(pane, view);
        } else {
            self.say(format!("{subject} is no Kubernetes object with events"));
        }
    }
}

/// Does Enter lead to its pods?
fn has_pods(subject: &Subject) -> bool {
    matches!(
        subject.kind,
        SubjectKind::Node
            | SubjectKind::Deployment
            | SubjectKind::StatefulSet
            | SubjectKind::DaemonSet
            | SubjectKind::ReplicaSet
            | SubjectKind::Job
            | SubjectKind::CronJob
    )
}
