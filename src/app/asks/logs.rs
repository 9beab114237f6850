//! The page of logs: one ring of lines from all containers that are read together, kept up with the
//! pods as they come and go.

use std::sync::Arc;
use std::time::Duration;

use super::members::{Change, Members};
use super::outbox::Outbox;
use super::ring::{Matches, Ring, Writer};
use super::scroll::{End, Fold, Scroll, View};
use super::search::Search;
use super::stream::{self, Stream, StreamState};
use crate::ask::{Ask, AskId, LogAsk, LogNews, LogRun, SaveAsk, Since};
use crate::clock::Now;
use crate::model::objects::Objects;
use crate::objects::Object;
use crate::sgr;
use crate::subject::Subject;

/// Containers that are read at once; each costs the API server and a kubelet a connection.
const MOST_STREAMS: usize = 64;

/// Where logs may begin, with the word for it.
pub const SPANS: [(Since, &str); 4] = [
    (Since::Tail(500), "last 500 lines"),
    (Since::Last(Duration::from_secs(300)), "last 5m"),
    (Since::Last(Duration::from_secs(3600)), "last 1h"),
    (Since::Beginning, "all"),
];

/// Are times shown before the lines?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Times {
    #[default]
    Hidden,
    Shown,
}

#[derive(Debug)]
pub struct LogPage {
    /// `deployment shop/web`.
    pub title: String,
    pub run: LogRun,
    pub since: Since,
    /// The one container that is read; all where it is `None`.
    pub chosen: Option<Arc<str>>,
    pub times: Times,
    pub ring: Ring,
    pub scroll: Scroll,
    /// The line that the search is at, by its number.
    pub hit: Option<u64>,
    subjects: Vec<Subject>,
    pub members: Members,
    pub streams: Vec<Stream>,
}

impl LogPage {
    pub(super) fn open(
        subjects: Vec<Subject>,
        run: LogRun,
        objects: &Objects,
        out: &mut Outbox,
    ) -> Self {
        let title = match subjects.as_slice() {
            [one] => title(one),
            many => format!("{} pods and workloads", many.len()),
        };
        let mut page = Self {
            title,
            run,
            since: SPANS[0].0,
            chosen: None,
            times: Times::Hidden,
            ring: Ring::default(),
            scroll: Scroll {
                fold: Fold::Cut,
                end: End::Follow,
                ..Scroll::default()
            },
            hit: None,
            members: Members::new(&subjects, objects),
            subjects,
            streams: Vec::new(),
        };
        page.open_streams(objects, out);
        page
    }

    /// Where the reading begins, in a word.
    #[must_use]
    pub fn span(&self) -> &'static str {
        let known = SPANS.iter().find(|(since, _)| *since == self.since);
        known.map_or("", |(_, word)| word)
    }

    pub(super) fn close(&mut self, out: &mut Outbox) {
        for stream in &mut self.streams {
            if let Some(id) = stream.id.take() {
                out.close(id);
            }
        }
    }

    /// Begins anew: another span, another container, or just once more.
    pub(super) fn restart(&mut self, objects: &Objects, out: &mut Outbox) {
        self.close(out);
        self.ring.clear();
        self.hit = None;
        self.scroll.end = End::Follow;
        self.members = Members::new(&self.subjects, objects);
        self.streams.clear();
        self.open_streams(objects, out);
    }

    /// The names of all containers that could be read, in their order.
    #[must_use]
    pub fn containers(&self, objects: &Objects) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = Vec::new();
        for at in 0..self.members.list().len() {
            let Some(pod) = self.members.pod(at, objects) else {
                continue;
            };
            for (container, _) in stream::containers(pod) {
                if !names.contains(&container.spec.name) {
                    names.push(container.spec.name.clone());
                }
            }
        }
        names
    }

    /// All containers, then each alone.
    pub(super) fn next_container(&mut self, objects: &Objects) {
        let names = self.containers(objects);
        let next = match &self.chosen {
            None => 0,
            Some(chosen) => names
                .iter()
                .position(|name| name == chosen)
                .map_or(names.len(), |at| at + 1),
        };
        self.chosen = names.get(next).cloned();
    }

    /// Compares with the objects: who joined, who left, what was started again.
    pub(super) fn follow_pods(&mut self, objects: &Objects, now: Now, out: &mut Outbox) {
        for change in self.members.update(objects) {
            let name = |at: usize| self.members.list()[at].name.clone();
            let (said, left) = match change {
                Change::Joined(at) => (format!("pod {} joined", name(at)), None),
                Change::Left(at) => (format!("pod {} is gone", name(at)), Some(at)),
                Change::Replaced(old, new) => {
                    let said = format!("pod {} takes the place of {}", name(new), name(old));
                    (said, None)
                }
            };
            self.ring.note(&said, now.wall);
            if let Some(at) = left {
                self.let_go(at, out);
            }
        }
        if self.run == LogRun::Follow {
            self.see_restarts(objects, now, out);
        }
        self.open_streams(objects, out);
    }

    /// Ends what was merely waiting for a pod that is gone; what still reads may read to its end.
    fn let_go(&mut self, member: usize, out: &mut Outbox) {
        for stream in self.streams.iter_mut().filter(|s| s.member == member) {
            if stream.state != StreamState::Reading {
                end(stream, out);
            }
        }
    }

    fn see_restarts(&mut self, objects: &Objects, now: Now, out: &mut Outbox) {
        for at in 0..self.streams.len() {
            let member = self.streams[at].member;
            let Some(object) = self.members.pod(member, objects) else {
                continue;
            };
            let found = stream::containers(object)
                .find(|(container, _)| container.spec.name == self.streams[at].container);
            let (Some((container, role)), Some(pod)) = (found, stream::pod_of(object)) else {
                continue;
            };
            let one = &mut self.streams[at];
            if container.restarts > one.restarts && one.is_open() {
                let last = container.last.as_ref();
                let how = last.map_or_else(String::new, |end| format!(": {}", stream::ending(end)));
                let said = format!(
                    "{} {} was restarted (restart {}){how}",
                    object.name, container.spec.name, container.restarts
                );
                self.ring.note(&said, now.wall);
            }
            one.restarts = container.restarts;
            if matches!(one.state, StreamState::Broken(..))
                && let Some(ending) = stream::finished(pod, container, role)
            {
                let how = stream::ending(&ending);
                let said = format!("{} {} ended: {how}", object.name, container.spec.name);
                self.ring.note(&said, now.wall);
                end(one, out);
            }
        }
    }

    /// Opens what can be read and is not yet.
    fn open_streams(&mut self, objects: &Objects, out: &mut Outbox) {
        let first = self.streams.is_empty();
        for at in 0..self.members.list().len() {
            let member = &self.members.list()[at];
            if member.uid.is_empty() {
                let chosen = self.chosen.clone().unwrap_or_default();
                self.open_one(at, &chosen, Ok(0), first, out);
            } else if let Some(pod) = self.members.pod(at, objects).cloned() {
                for (container, _) in stream::containers(&pod) {
                    let name = &container.spec.name;
                    if self.chosen.as_ref().is_some_and(|chosen| chosen != name) {
                        continue;
                    }
                    let may = if stream::has_log(container, self.run) {
                        Ok(container.restarts)
                    } else {
                        Err(stream::waits_for(container))
                    };
                    self.open_one(at, name, may, first, out);
                }
            }
        }
        self.label();
    }

    fn open_one(
        &mut self,
        member: usize,
        container: &Arc<str>,
        may: Result<u32, Arc<str>>,
        first: bool,
        out: &mut Outbox,
    ) {
        let known = self
            .streams
            .iter()
            .position(|s| s.member == member && s.container == *container);
        let at = known.unwrap_or_else(|| {
            self.streams.push(Stream::new(member, container));
            self.streams.len() - 1
        });
        let open = self.streams.iter().filter(|s| s.is_open()).count();
        let waits = matches!(
            self.streams[at].state,
            StreamState::Waiting(_) | StreamState::TooMany
        );
        if !waits {
            return;
        }
        self.streams[at].state = match may {
            Err(_) if self.run == LogRun::Previous => StreamState::Ended(Ok(())),
            Err(reason) => StreamState::Waiting(reason),
            Ok(_) if open >= MOST_STREAMS => StreamState::TooMany,
            Ok(restarts) => {
                let pod = &self.members.list()[member];
                self.streams[at].restarts = restarts;
                self.streams[at].id = Some(out.open(Ask::Log(LogAsk {
                    cluster: pod.cluster.clone(),
                    namespace: pod.namespace.clone(),
                    pod: pod.name.clone(),
                    container: container.clone(),
                    // Who came later is read from his beginning.
                    since: if first { self.since } else { Since::Beginning },
                    run: self.run,
                })));
                StreamState::Opening
            }
        };
    }

    /// Names the streams as briefly as they can be told apart.
    fn label(&mut self) {
        let pods = self.members.list();
        let used = |of: &dyn Fn(&Stream) -> String| {
            let mut all: Vec<String> = self.streams.iter().map(of).collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        let clusters = used(&|s| pods[s.member].cluster.to_string());
        let names = used(&|s| pods[s.member].name.to_string());
        let containers = used(&|s| s.container.to_string());
        let common = common_beginning(&names);
        let labels: Vec<String> = self
            .streams
            .iter()
            .map(|s| {
                let mut parts = Vec::new();
                if clusters.len() > 1 {
                    parts.push(pods[s.member].cluster.to_string());
                }
                if names.len() > 1 {
                    parts.push(pods[s.member].name[common..].to_owned());
                }
                if containers.len() > 1 {
                    parts.push(s.container.to_string());
                }
                parts.join("/")
            })
            .collect();
        for (stream, label) in self.streams.iter_mut().zip(labels) {
            stream.label = label;
        }
    }

    #[must_use]
    pub(super) fn owns(&self, id: AskId) -> bool {
        self.streams.iter().any(|stream| stream.id == Some(id))
    }

    pub(super) fn answered(
        &mut self,
        id: AskId,
        news: LogNews,
        objects: &Objects,
        now: Now,
        out: &mut Outbox,
    ) {
        let found = self.streams.iter().position(|s| s.id == Some(id));
        let Some(at) = found else { return };
        match news {
            LogNews::Opened => self.streams[at].opened(),
            LogNews::Lines { lines, received } => {
                let newest = lines.iter().rev().find_map(|line| line.at);
                self.streams[at].took(newest, received);
                let number = u32::try_from(at).unwrap_or(u32::MAX);
                let top = self.ring.get(self.scroll.top.line).map(|line| line.serial);
                let label = self.streams[at].label.clone();
                self.ring.push(Writer::Stream(number), &label, lines);
                self.keep_place(top);
            }
            LogNews::Broken { outage, again } => {
                let clean = outage.is_none();
                self.streams[at].state = StreamState::Broken(outage, now.stamp + again);
                let member = &self.members.list()[self.streams[at].member];
                if clean && member.gone {
                    end(&mut self.streams[at], out);
                } else {
                    self.see_restarts(objects, now, out);
                }
            }
            LogNews::Ended(how) => {
                let member = &self.members.list()[self.streams[at].member];
                // That a pod that is gone is not found is no news.
                let how = if member.gone { Ok(()) } else { how };
                self.streams[at].state = StreamState::Ended(how);
                self.streams[at].id = None;
            }
        }
    }

    /// The reader's place stays on its line while lines come and go around it.
    fn keep_place(&mut self, top: Option<u64>) {
        if self.scroll.end == End::Follow {
            return;
        }
        let Some(serial) = top else { return };
        let line = self.scroll.top.line;
        let still = self.ring.get(line).is_some_and(|l| l.serial == serial);
        if !still {
            self.scroll.top.line = self.ring.find(serial).unwrap_or(0);
        }
    }

    pub(super) fn look_for(&mut self, search: Search) {
        let labels: Vec<String> = self.streams.iter().map(|s| s.label.clone()).collect();
        self.ring.search(search, |at| {
            labels.get(at as usize).cloned().unwrap_or_default()
        });
        self.hit = None;
    }

    pub(super) fn toggle_matches(&mut self) {
        self.ring.matches = match self.ring.matches {
            Matches::Only => Matches::Marked,
            Matches::Marked => Matches::Only,
        };
    }

    /// To the next line that the search accepts; upwards from the end where there was none yet.
    pub(super) fn next_match(&mut self, step: isize, view: View) -> bool {
        let count = self.ring.len();
        let from = match self.hit.and_then(|serial| self.ring.find(serial)) {
            Some(line) => line.checked_add_signed(step),
            None if self.scroll.end == End::Follow && step < 0 => count.checked_sub(1),
            None => Some(self.scroll.shown(&self.ring, view).line),
        };
        let Some(from) = from else { return false };
        let hit = |line: &usize| {
            self.ring.accepts(*line)
                && self
                    .ring
                    .get(*line)
                    .is_some_and(|l| l.writer != Writer::Midwatch)
        };
        let found = if step > 0 {
            (from..count).find(hit)
        } else {
            (0..count.min(from + 1)).rev().find(hit)
        };
        if let Some(line) = found {
            self.hit = self.ring.get(line).map(|line| line.serial);
            self.scroll.to(&self.ring, line, view);
        }
        found.is_some()
    }

    /// What is kept, or what of it the search accepts, as a file.
    pub(super) fn save(&self, now: Now) -> (SaveAsk, usize) {
        let mut text = Vec::new();
        let mut count = 0;
        for (at, line) in self.ring.iter().enumerate() {
            if !self.ring.accepts(at) {
                continue;
            }
            count += 1;
            if let Some(at) = line.at {
                text.extend_from_slice(format!("{at} ").as_bytes());
            }
            match line.writer {
                Writer::Midwatch => text.extend_from_slice(b"midwatch: "),
                Writer::Stream(at) => {
                    let stream = &self.streams[at as usize];
                    let member = &self.members.list()[stream.member];
                    let from = format!("{}/{} ", member.name, stream.container);
                    text.extend_from_slice(from.as_bytes());
                }
            }
            text.extend_from_slice(&line.bytes);
            text.push(b'\n');
        }
        let at = now.wall.strftime("%Y%m%dT%H%M%SZ");
        let ask = SaveAsk {
            folder: "logs",
            name: format!("{}-{at}", self.title),
            ending: "log",
            text,
        };
        (ask, count)
    }

    /// The lines on the screen as safe text, for the clipboard: a terminal gets what is pasted.
    #[must_use]
    pub(super) fn on_screen(&self, view: View) -> String {
        let mut text = String::new();
        let mut rows = 0;
        let top = self.scroll.shown(&self.ring, view);
        for line in top.line..self.ring.len() {
            let here = super::scroll::Lines::rows(&self.ring, line, view.columns);
            let (Some(kept), true) = (self.ring.get(line), here > 0) else {
                continue;
            };
            for (run, _) in sgr::window(&kept.bytes, self.ring.escapes, 0, 4000) {
                text.push_str(run.as_str());
            }
            text.push('\n');
            rows += if self.scroll.fold == Fold::Wrap {
                here
            } else {
                1
            };
            if rows >= view.height {
                break;
            }
        }
        text
    }

    /// The pod as it is now, for its state beside the logs.
    #[must_use]
    pub fn pod<'a>(&self, member: usize, objects: &'a Objects) -> Option<&'a Arc<Object>> {
        self.members.pod(member, objects)
    }
}

fn end(stream: &mut Stream, out: &mut Outbox) {
    if let Some(id) = stream.id.take() {
        out.close(id);
    }
    stream.state = StreamState::Ended(Ok(()));
}

/// `pod shop/web-1`, `deployment shop/web`.
fn title(subject: &Subject) -> String {
    match subject.as_object() {
        Some((_, _, "", name)) => {
            format!("{} {name}", subject.kind.word())
        }
        Some((_, _, namespace, name)) => format!("{} {namespace}/{name}", subject.kind.word()),
        None => subject.to_string(),
    }
}

/// Bytes that all names begin with, up to and with a dash; none where there is but one name.
fn common_beginning(names: &[String]) -> usize {
    let (Some(first), true) = (names.first(), names.len() > 1) else {
        return 0;
    };
    let same = names.iter().fold(first.len(), |same, name| {
        let both = first.bytes().zip(name.bytes());
        same.min(both.take_while(|(a, b)| a == b).count())
    });
    first.as_bytes()[..same]
        .iter()
        .rposition(|byte| *byte == b'-')
        .map_or(0, |at| at + 1)
}
