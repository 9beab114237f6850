//! What a reader opens, from the keys to the screen: the asks that leave, the answers that come,
//! what is drawn of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use midwatch::app::App;
use midwatch::ask::{
    Answered, Ask, AskId, ColumnKind, KindName, LogAsk, LogLine, LogNews, LogRun, Manifest, Since,
    TableColumn, TableDelta, TableNews, TableRow,
};
use midwatch::chord::Chord;
use midwatch::clock::Now;
use midwatch::effect::Effect;
use midwatch::event::Event;
use midwatch::glyph;
use midwatch::ids::{FeedId, TargetId};
use midwatch::intent::Intent;
use midwatch::keymap::{Keymap, Keys, Outcome};
use midwatch::model::{FeedSpec, Model};
use midwatch::objects::{
    Body, Container, ContainerSpec, ContainerState, Delta, Object, ObjectKind, Owner, Phase, Pod,
    Resources, Termination, Workload, pod::PodTraits,
};
use midwatch::observation::{Harvest, Layer, Observation, Outage};
use midwatch::panes;
use midwatch::subject::Subject;
use midwatch::theme::{Depth, Theme, Themes};
use midwatch::thresholds::Thresholds;
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use serde_json::json;

use crate::screens;

const CLUSTERS: [&str; 2] = ["prod", "test"];

fn theme() -> Theme {
    Themes::default().load("dark", Depth::True).unwrap()
}

/// A console over two clusters, with the asks that are open.
struct Desk {
    app: App,
    open: BTreeMap<AskId, Ask>,
    effects: Vec<Effect>,
}

impl Desk {
    fn new() -> Self {
        let now = Now::fixed();
        let mut model = Model::new(now, Thresholds::default());
        for cluster in CLUSTERS {
            for kind in [
                ObjectKind::Pod,
                ObjectKind::Deployment,
                ObjectKind::ReplicaSet,
            ] {
                let period = Duration::from_secs(5);
                model.register(
                    FeedSpec {
                        id: feed(cluster, kind),
                        period,
                        timeout: period,
                        subject: Subject::cluster(cluster),
                        tells: Some(kind),
                    },
                    Thresholds::default(),
                );
            }
        }
        let mut app = App::new(model, panes::listings(), 0, now);
        let keymap = Keymap::preset("default", &[]).unwrap();
        app.bindings = midwatch::start::bindings(&keymap);
        Self {
            app,
            open: BTreeMap::new(),
            effects: Vec::new(),
        }
    }

    fn update(&mut self, event: Event) {
        for effect in self.app.update(event) {
            match effect {
                Effect::Open(id, ask) => drop(self.open.insert(id, ask)),
                Effect::Close(id) => {
                    assert!(self.open.remove(&id).is_some(), "{id:?} was not open");
                }
                other => self.effects.push(other),
            }
        }
        self.app.refresh();
    }

    /// Keys as a person would type them: `L esc`.
    fn press(&mut self, keys: &str) {
        let keymap = Keymap::preset("default", &[]).unwrap();
        let mut state = Keys::default();
        for word in keys.split_whitespace() {
            let chord: Chord = word.parse().unwrap();
            if self.app.is_typing() {
                self.update(Event::Typed(chord));
            } else if let Outcome::Matched(intent) =
                state.press(&keymap, self.app.key_scope(), chord)
            {
                self.update(Event::Intent(intent));
            }
            // Intents go by what was drawn.
            self.draw((120, 36));
        }
    }

    fn command(&mut self, line: &str) {
        self.update(Event::Intent(Intent::Palette));
        self.update(Event::Pasted(line.to_owned()));
        self.update(Event::Typed("enter".parse().unwrap()));
        self.draw((120, 36));
    }

    fn tell(&mut self, cluster: &str, kind: ObjectKind, deltas: Vec<Delta>) {
        let at = self.app.now;
        self.update(Event::Observed {
            observation: Box::new(Observation {
                feed: feed(cluster, kind),
                at,
                took: Duration::from_millis(1),
                bytes: 1,
                outcome: Ok(Harvest {
                    deltas,
                    ..Harvest::default()
                }),
            }),
            next_poll: at.stamp,
            dropped: 0,
        });
    }

    fn put(&mut self, object: Object) {
        let cluster = object.cluster.clone();
        let kind = object.kind();
        self.tell(&cluster, kind, vec![Delta::Put(Arc::new(object))]);
    }

    fn gone(&mut self, name: &str) {
        let (namespace, name) = ("shop".into(), name.into());
        let kind = ObjectKind::Pod;
        let gone = Delta::Gone {
            kind,
            namespace,
            name,
        };
        self.tell("prod", kind, vec![gone]);
    }

    fn wait(&mut self, span: Duration) {
        self.update(Event::Tick(self.app.now.plus(span)));
    }

    fn answer(&mut self, id: AskId, answer: Answered) {
        self.update(Event::Answered(id, Box::new(answer)));
    }

    /// The one open ask that fits.
    fn find(&self, fits: impl Fn(&Ask) -> bool) -> AskId {
        let mut all = self.open.iter().filter(|(_, ask)| fits(ask));
        let found = *all.next().unwrap_or_else(|| panic!("{:?}", self.open)).0;
        assert_eq!(all.next(), None, "several fit");
        found
    }

    fn logs(&self) -> Vec<(String, LogAsk)> {
        let logs = self.open.values().filter_map(|ask| match ask {
            Ask::Log(ask) => Some((format!("{}/{}", ask.pod, ask.container), ask.clone())),
            _ => None,
        });
        let mut logs: Vec<_> = logs.collect();
        logs.sort_by(|a, b| a.0.cmp(&b.0));
        logs
    }

    fn log_names(&self) -> Vec<String> {
        self.logs().into_iter().map(|(name, _)| name).collect()
    }

    fn log_of(&self, pod: &str, container: &str) -> AskId {
        self.find(
            |ask| matches!(ask, Ask::Log(ask) if &*ask.pod == pod && &*ask.container == container),
        )
    }

    fn lines(&mut self, id: AskId, lines: &[(i64, &str)]) {
        let lines = lines.iter().map(|(second, text)| line(*second, text));
        let received = self.app.now;
        let lines = lines.collect();
        self.answer(id, Answered::Log(LogNews::Lines { lines, received }));
    }

    fn draw(&mut self, size: (u16, u16)) -> Buffer {
        screens::draw(&mut self.app, size, &theme(), &glyph::UNICODE)
    }

    /// The screen without the two lines at its top, which are about everything.
    fn body(&mut self, size: (u16, u16)) -> String {
        let text = screens::text(&self.draw(size));
        text.lines().skip(2).collect::<Vec<_>>().join("\n")
    }

    fn screen(&mut self) -> String {
        screens::text(&self.draw((120, 36)))
    }

    #[track_caller]
    fn shows(&mut self, text: &str) {
        let screen = self.screen();
        assert!(screen.contains(text), "`{text}` is not on\n{screen}");
    }

    #[track_caller]
    fn hides(&mut self, text: &str) {
        let screen = self.screen();
        assert!(!screen.contains(text), "`{text}` is on\n{screen}");
    }

    /// Opens the server's table of a kind that one cluster has, with these rows.
    fn open_kind(&mut self, kind: &KindName, rows: &[(&str, &str, &[&str])], columns: &[&str]) {
        self.command(&format!("kind {}", kind.plural));
        for cluster in CLUSTERS {
            let known = if cluster == "prod" {
                vec![kind.clone()]
            } else {
                Vec::new()
            };
            let asked: Arc<str> = cluster.into();
            let id = self.find(|ask| *ask == Ask::Kinds(asked.clone()));
            self.open.remove(&id);
            self.answer(id, Answered::Kinds(Ok(known)));
        }
        let id = self.find(|ask| matches!(ask, Ask::Table(_)));
        let mut deltas = vec![TableDelta::Begin(
            columns.iter().map(|c| column(c)).collect(),
        )];
        deltas.extend(rows.iter().map(|(namespace, name, cells)| {
            TableDelta::Put(TableRow {
                namespace: (*namespace).into(),
                name: (*name).into(),
                created: Some("2026-11-21T01:14:07Z".parse().unwrap()),
                cells: cells.iter().map(|cell| (*cell).into()).collect(),
            })
        }));
        deltas.push(TableDelta::Synced);
        self.answer(id, Answered::Table(TableNews::Deltas(deltas)));
        self.draw((120, 36));
    }

    /// The table of pods with the cursor on the one that is named.
    fn on_pod(&mut self, name: &str) {
        let kind = KindName::kept(ObjectKind::Pod);
        self.open_kind(&kind, &[("shop", name, &[name])], &["Name"]);
    }
}

fn column(name: &str) -> TableColumn {
    TableColumn {
        name: name.trim_start_matches(['#', '+']).into(),
        kind: if name.starts_with('#') {
            ColumnKind::Number
        } else {
            ColumnKind::Text
        },
        wide: name.starts_with('+'),
    }
}

fn line(second: i64, text: &str) -> LogLine {
    LogLine {
        at: Some(Timestamp::from_second(1_795_227_000 + second).unwrap()),
        bytes: text.as_bytes().into(),
        cut: 0,
    }
}

fn feed(cluster: &str, kind: ObjectKind) -> FeedId {
    FeedId::new(TargetId::new("kubernetes", cluster), kind.plural())
}

fn object(name: &str, owner: Option<(&str, &str)>, body: Body) -> Object {
    Object {
        cluster: "prod".into(),
        namespace: "shop".into(),
        name: name.into(),
        uid: format!("uid-{name}").into(),
        created: None,
        deleting: None,
        owner: owner.map(|(kind, name)| {
            Arc::new(Owner {
                kind: kind.into(),
                name: name.into(),
                uid: format!("uid-{name}").into(),
            })
        }),
        labels: Arc::default(),
        body,
    }
}

fn container(name: &str, state: ContainerState) -> Container {
    Container {
        spec: Arc::new(ContainerSpec {
            name: name.into(),
            image: "web:1".into(),
            requests: Resources::default(),
            limits: Resources::default(),
            sidecar: false,
        }),
        ready: true,
        restarts: 0,
        state,
        last: None,
    }
}

fn running(name: &str) -> Container {
    container(name, ContainerState::Running(None))
}

fn pod(name: &str, owner: Option<&str>, containers: Vec<Container>) -> Object {
    let body = Pod {
        phase: Phase::Running,
        reason: None,
        message: None,
        node: Some("w-1".into()),
        ip: None,
        containers: containers.into(),
        init: Box::default(),
        unscheduled: None,
        ready: true,
        ready_since: None,
        started: None,
        claims: Arc::default(),
        traits: PodTraits::default(),
    };
    object(name, owner.map(|o| ("ReplicaSet", o)), Body::Pod(body))
}

fn workload() -> Box<Workload> {
    Box::new(Workload {
        desired: 2,
        current: 2,
        ready: 2,
        available: 2,
        updated: 2,
        observed: true,
        paused: false,
        conditions: Box::default(),
        selector: midwatch::objects::Selector::default(),
        images: Box::default(),
        requests: Resources::default(),
        limits: Resources::default(),
    })
}

/// A deployment `web` with the pods `web-7f-a` and `web-7f-b`, each of two containers.
fn with_web() -> Desk {
    let mut desk = Desk::new();
    let replica_set = object(
        "web-7f",
        Some(("Deployment", "web")),
        Body::ReplicaSet(workload()),
    );
    desk.put(object("web", None, Body::Deployment(workload())));
    desk.put(replica_set);
    for name in ["web-7f-a", "web-7f-b"] {
        desk.put(pod(
            name,
            Some("web-7f"),
            vec![running("app"), running("proxy")],
        ));
    }
    desk
}

/// The logs of all of `web`.
fn reading_web() -> Desk {
    let mut desk = with_web();
    let kind = KindName::kept(ObjectKind::Deployment);
    desk.open_kind(
        &kind,
        &[("shop", "web", &["web", "2/2"])],
        &["Name", "Ready"],
    );
    desk.press("L");
    desk
}

fn secret() -> serde_json::Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {
            "name": "login", "namespace": "shop", "uid": "8c1d",
            "managedFields": [{ "manager": "kubectl" }, { "manager": "helm" }]
        },
        "data": { "user": "YWRtaW4=", "password": "aHVudGVyMg==" }
    })
}

/// The table of secrets, with the YAML of one open and not answered yet.
fn asking_for_a_secret() -> (Desk, AskId) {
    let mut desk = Desk::new();
    let mut kind = KindName::kept(ObjectKind::Pod);
    (kind.plural, kind.kind) = ("secrets".into(), "Secret".into());
    desk.open_kind(
        &kind,
        &[("shop", "login", &["login", "Opaque", "2"])],
        &["Name", "Type", "#Data"],
    );
    desk.press("y");
    let id = desk.find(|ask| matches!(ask, Ask::Manifest(_)));
    (desk, id)
}

fn manifest(object: serde_json::Value) -> Answered {
    Answered::Manifest(Ok(Manifest { object, bytes: 100 }))
}

#[test]
fn a_secret_is_masked_until_it_is_asked_for() {
    let (mut desk, id) = asking_for_a_secret();
    let Ask::Manifest(asked) = &desk.open[&id] else {
        panic!();
    };
    assert_eq!(asked.path(), "/api/v1/namespaces/shop/secrets/login");
    desk.open.remove(&id);
    desk.answer(id, manifest(secret()));
    desk.wait(Duration::from_secs(3));
    for size in [(80, 24), (120, 36)] {
        insta::assert_snapshot!(format!("secret_{}x{}", size.0, size.1), desk.body(size));
    }
    desk.hides("aHVudGVyMg");
    desk.press("c");
    let Some(Effect::Copy(copied)) = desk.effects.pop() else {
        panic!("nothing copied");
    };
    assert!(
        !copied.contains("aHVudGVyMg") && copied.contains("# 7 bytes, masked"),
        "{copied}"
    );
    desk.shows("2 masked values are empty in it");
    desk.press("x");
    desk.shows("password: aHVudGVyMg==");
    desk.shows("# hunter2");
    desk.shows("2 SECRET VALUES SHOWN");
    desk.hides("manager");
    desk.press("m");
    desk.shows("- manager: kubectl");
}

#[test]
fn what_fails_says_why_and_the_copy_before_it_stays_with_its_age() {
    let (mut desk, id) = asking_for_a_secret();
    let refused = || {
        let outage = Outage::new(Layer::Auth, "secrets is forbidden").hint("ask for get secrets");
        Answered::Manifest(Err(outage))
    };
    desk.open.remove(&id);
    desk.answer(id, refused());
    desk.shows("auth: secrets is forbidden; ask for get secrets");
    desk.shows("no answer");
    desk.press("ctrl-r");
    let id = desk.find(|ask| matches!(ask, Ask::Manifest(_)));
    desk.open.remove(&id);
    desk.answer(id, manifest(secret()));
    desk.hides("forbidden");
    desk.wait(Duration::from_secs(90));
    desk.press("ctrl-r");
    let id = desk.find(|ask| matches!(ask, Ask::Manifest(_)));
    desk.open.remove(&id);
    desk.answer(id, refused());
    desk.shows("auth: secrets is forbidden");
    desk.shows("as of 1m30s ago");
    desk.shows("kind: Secret");
}

#[test]
fn a_late_answer_finds_nobody() {
    let (mut desk, id) = asking_for_a_secret();
    desk.press("esc");
    assert!(!desk.open.contains_key(&id), "closing gives the ask up");
    desk.answer(id, manifest(secret()));
    assert!(desk.app.opened().manifest().is_none());
    desk.press("y");
    desk.answer(id, manifest(secret()));
    desk.hides("kind: Secret");
    desk.press("esc esc");
    assert!(desk.open.is_empty(), "{:?}", desk.open);
}

#[test]
fn yaml_is_searched_and_scrolled() {
    let (mut desk, id) = asking_for_a_secret();
    let lines: Vec<String> = (0..200).map(|nth| format!("value {nth}")).collect();
    desk.open.remove(&id);
    desk.answer(id, manifest(json!({ "kind": "ConfigMap", "list": lines })));
    desk.press("/ V A L U E space 1 5 enter");
    desk.shows("value 15");
    desk.press("n");
    desk.shows("value 115");
    desk.press("N N");
    desk.shows("value 159");
    desk.press("g g");
    desk.shows("kind: ConfigMap");
    desk.press("G");
    desk.shows("- value 199");
    desk.press("esc");
    desk.hides("value 199");
}

#[test]
fn the_logs_of_a_deployment_are_those_of_all_its_containers() {
    let mut desk = reading_web();
    let names = [
        "web-7f-a/app",
        "web-7f-a/proxy",
        "web-7f-b/app",
        "web-7f-b/proxy",
    ];
    assert_eq!(desk.log_names(), names);
    let (_, ask) = &desk.logs()[0];
    assert_eq!((ask.since, ask.run), (Since::Tail(500), LogRun::Follow));
    let (a, b) = (
        desk.log_of("web-7f-a", "app"),
        desk.log_of("web-7f-b", "proxy"),
    );
    desk.answer(a, Answered::Log(LogNews::Opened));
    desk.answer(b, Answered::Log(LogNews::Opened));
    desk.lines(
        a,
        &[
            (1, "GET / 200"),
            (5, "\x1b[31mERROR\x1b[0m no answer from \x1b[2Jdb"),
        ],
    );
    desk.lines(b, &[(2, "proxy up"), (9, "upstream timed out")]);
    for size in [(80, 24), (120, 36)] {
        insta::assert_snapshot!(format!("logs_{}x{}", size.0, size.1), desk.body(size));
    }
    desk.press("t");
    desk.shows("11-21 02:10:01.000 a/app");
    desk.press("t / e r r o r enter");
    desk.shows("1 of 4 lines match");
    desk.hides("proxy up");
    desk.press("&");
    desk.shows("proxy up");
    desk.press("esc");
    assert!(desk.logs().is_empty(), "leaving gives them all up");
}

#[test]
fn a_new_pod_of_a_workload_joins_and_one_that_goes_is_told() {
    let mut desk = reading_web();
    let a = desk.log_of("web-7f-a", "app");
    desk.answer(a, Answered::Log(LogNews::Opened));
    let waiting = ContainerState::Waiting("ContainerCreating".into(), None);
    desk.put(pod(
        "web-7f-c",
        Some("web-7f"),
        vec![container("app", waiting)],
    ));
    desk.shows("pod web-7f-c joined");
    desk.shows("waits: ContainerCreating");
    assert!(
        !desk.log_names().contains(&"web-7f-c/app".into()),
        "nothing to read yet"
    );
    desk.put(pod("web-7f-c", Some("web-7f"), vec![running("app")]));
    let (_, ask) = &desk.logs()[4];
    assert_eq!((&*ask.pod, ask.since), ("web-7f-c", Since::Beginning));
    desk.gone("web-7f-a");
    desk.shows("pod web-7f-a is gone");
    assert!(
        desk.log_names().contains(&"web-7f-a/app".into()),
        "it may read to its end"
    );
    let broken = LogNews::Broken {
        outage: None,
        again: Duration::from_secs(1),
    };
    desk.answer(a, Answered::Log(broken));
    assert!(!desk.log_names().contains(&"web-7f-a/app".into()));
}

#[test]
fn a_pod_that_is_replaced_is_followed_on_and_its_siblings_are_not() {
    let mut desk = with_web();
    desk.on_pod("web-7f-a");
    desk.press("L");
    assert_eq!(desk.log_names(), ["web-7f-a/app", "web-7f-a/proxy"]);
    // A rollout makes the new one before the old one goes.
    desk.put(pod("web-7f-n", Some("web-7f"), vec![running("app")]));
    assert_eq!(desk.logs().len(), 2);
    desk.gone("web-7f-a");
    desk.shows("pod web-7f-n takes the place of web-7f-a");
    assert!(desk.log_names().contains(&"web-7f-n/app".into()));
    desk.put(pod("web-7f-o", Some("web-7f"), vec![running("app")]));
    desk.gone("web-7f-b");
    assert!(
        !desk
            .log_names()
            .iter()
            .any(|name| name.starts_with("web-7f-o"))
    );
}

#[test]
fn one_container_is_chosen_and_other_times_are_read() {
    let mut desk = reading_web();
    desk.press("tab");
    assert_eq!(desk.log_names(), ["web-7f-a/app", "web-7f-b/app"]);
    desk.shows("only app");
    desk.press("3");
    assert_eq!(
        desk.logs()[0].1.since,
        Since::Last(Duration::from_secs(3600))
    );
    desk.press("tab");
    assert_eq!(desk.log_names(), ["web-7f-a/proxy", "web-7f-b/proxy"]);
    desk.press("tab 0");
    assert_eq!(desk.logs().len(), 4);
    assert_eq!(desk.logs()[0].1.since, Since::Beginning);
}

#[test]
fn previous_logs_are_of_what_was_restarted() {
    let mut desk = Desk::new();
    let mut crashed = running("app");
    crashed.restarts = 3;
    desk.put(pod("web-1", None, vec![crashed, running("proxy")]));
    desk.on_pod("web-1");
    desk.press("p");
    assert_eq!(desk.log_names(), ["web-1/app"]);
    assert_eq!(desk.logs()[0].1.run, LogRun::Previous);
    desk.shows("Logs before the restart");
    desk.press("esc");
    desk.put(pod("web-1", None, vec![running("app")]));
    desk.press("p");
    assert!(desk.logs().is_empty());
    desk.shows("no container was restarted");
}

#[test]
fn a_restart_and_an_end_are_told_with_their_reason() {
    let mut desk = Desk::new();
    desk.put(pod("job-1", None, vec![running("app")]));
    desk.on_pod("job-1");
    desk.press("L");
    let id = desk.log_of("job-1", "app");
    desk.answer(id, Answered::Log(LogNews::Opened));
    let killed = Termination {
        reason: "OOMKilled".into(),
        message: None,
        exit_code: 137,
        signal: 0,
        started: None,
        finished: None,
    };
    let mut again = running("app");
    again.restarts = 1;
    again.last = Some(Arc::new(killed.clone()));
    desk.put(pod("job-1", None, vec![again]));
    desk.shows("job-1 app was restarted (restart 1): OOMKilled, exit 137");
    let broken = || {
        Answered::Log(LogNews::Broken {
            outage: None,
            again: Duration::from_secs(1),
        })
    };
    desk.answer(id, broken());
    assert_eq!(desk.logs().len(), 1, "it may start again");
    let mut over = pod(
        "job-1",
        None,
        vec![container(
            "app",
            ContainerState::Terminated(Arc::new(killed)),
        )],
    );
    if let Body::Pod(pod) = &mut over.body {
        pod.phase = Phase::Failed;
    }
    desk.put(over);
    desk.shows("job-1 app ended: OOMKilled, exit 137");
    assert!(desk.logs().is_empty());
}

#[test]
fn what_hinders_a_log_is_said_with_its_layer_and_hint() {
    let mut desk = with_web();
    desk.on_pod("web-7f-a");
    desk.press("L");
    let outage =
        Outage::new(Layer::Protocol, "dial tcp 10.0.0.9:10250: refused").hint("check the kubelet");
    for container in ["app", "proxy"] {
        let id = desk.log_of("web-7f-a", container);
        let news = LogNews::Broken {
            outage: Some(outage.clone()),
            again: Duration::from_secs(4),
        };
        desk.answer(id, Answered::Log(news));
    }
    desk.shows("2 containers: protocol: dial tcp 10.0.0.9:10250: refused; check the kubelet  asked again in 4s");
    desk.wait(Duration::from_secs(3));
    desk.shows("asked again in 1s");
}

#[test]
fn the_reader_stands_still_while_lines_go_by_and_follows_again() {
    let mut desk = with_web();
    desk.on_pod("web-7f-a");
    desk.press("L tab");
    let id = desk.log_of("web-7f-a", "app");
    desk.answer(id, Answered::Log(LogNews::Opened));
    let flood = |desk: &mut Desk, from: i64| {
        let texts: Vec<(i64, String)> = (from..from + 1000)
            .map(|n| (n, format!("line {n}.")))
            .collect();
        let lines: Vec<(i64, &str)> = texts.iter().map(|(n, text)| (*n, text.as_str())).collect();
        desk.lines(id, &lines);
    };
    flood(&mut desk, 0);
    desk.shows("line 999.");
    desk.shows("following");
    desk.press("ctrl-u");
    desk.shows("standing still");
    let before = desk.screen();
    let shown = before.lines().filter(|line| line.contains("line ")).count();
    assert!(shown > 20, "{before}");
    for from in 1..15 {
        flood(&mut desk, from * 1000);
    }
    let lines = |screen: &str| -> Vec<String> {
        let lines = screen.lines().filter(|line| line.contains(" line "));
        lines.map(str::to_owned).collect()
    };
    let after = desk.screen();
    assert_eq!(lines(&before), lines(&after), "not a line moved");
    for from in 15..30 {
        flood(&mut desk, from * 1000);
    }
    desk.shows("10000 older dropped");
    desk.press("s");
    desk.shows("line 29999.");
    desk.press("ctrl-s");
    let Ask::Save(save) = &desk.open[&desk.find(|ask| matches!(ask, Ask::Save(_)))] else {
        panic!();
    };
    assert!(save.name.starts_with("pod shop/web-7f-a-"), "{}", save.name);
    let text = String::from_utf8_lossy(&save.text);
    assert_eq!(text.lines().count(), 20_000);
    assert!(text.ends_with("web-7f-a/app line 29999.\n"));
}

#[test]
fn long_lines_are_wrapped_or_moved_sideways() {
    let mut desk = with_web();
    desk.on_pod("web-7f-a");
    desk.press("L tab");
    let id = desk.log_of("web-7f-a", "app");
    desk.answer(id, Answered::Log(LogNews::Opened));
    desk.lines(id, &[(1, &format!("{}END", "x".repeat(200)))]);
    desk.hides("END");
    desk.press("w");
    desk.shows("xEND");
    desk.press("w right right right right right right right right right right right");
    desk.shows("xEND");
    desk.lines(id, &[(2, "\x1b[31mred\x1b[0m")]);
    desk.press("left left left left left left left left left left left B");
    desk.shows("\u{241b}[31mred\u{241b}[0m");
}

#[test]
fn what_has_no_logs_says_so() {
    let mut desk = Desk::new();
    let mut kind = KindName::kept(ObjectKind::Pod);
    (kind.plural, kind.kind) = ("configmaps".into(), "ConfigMap".into());
    desk.open_kind(&kind, &[("shop", "c", &["c"])], &["Name"]);
    desk.press("L");
    desk.shows("logs are of pods and workloads");
}

#[test]
fn a_table_of_any_kind_is_sorted_filtered_and_widened() {
    let mut desk = Desk::new();
    let mut kind = KindName::kept(ObjectKind::Pod);
    (kind.plural, kind.kind, kind.group) = (
        "certificates".into(),
        "Certificate".into(),
        "cert-manager.io".into(),
    );
    let rows: &[(&str, &str, &[&str])] = &[
        (
            "shop",
            "web-tls",
            &["web-tls", "True", "12", "web-key", "5d"],
        ),
        (
            "shop",
            "api-tls",
            &["api-tls", "False", "7", "api-key", "5d"],
        ),
        (
            "infra",
            "registry",
            &["registry", "", "107", "reg-key", "5d"],
        ),
    ];
    let columns = ["Name", "Ready", "#Days", "+Secret", "Age"];
    desk.open_kind(&kind, rows, &columns);
    for size in [(80, 24), (120, 36)] {
        insta::assert_snapshot!(
            format!("certificates_{}x{}", size.0, size.1),
            desk.body(size)
        );
    }
    let order = |desk: &mut Desk| -> Vec<String> {
        let page = desk.app.opened().kind().unwrap();
        page.shown()
            .iter()
            .map(|entry| entry.row.name.to_string())
            .collect()
    };
    assert_eq!(order(&mut desk), ["registry", "api-tls", "web-tls"]);
    desk.command("sort days");
    assert_eq!(
        order(&mut desk),
        ["api-tls", "web-tls", "registry"],
        "numbers, not texts"
    );
    desk.press("I");
    assert_eq!(order(&mut desk), ["registry", "web-tls", "api-tls"]);
    desk.command("sort ready");
    assert_eq!(
        order(&mut desk),
        ["api-tls", "web-tls", "registry"],
        "nothing comes last"
    );
    desk.press("/ ! a p i enter");
    desk.shows("2 of 3 rows");
    desk.press("0 w");
    desk.shows("reg-key");
    desk.press("S a");
    assert_eq!(order(&mut desk), ["registry", "api-tls", "web-tls"]);
}

#[test]
fn a_row_that_goes_or_comes_leaves_the_cursor_on_its_object() {
    let mut desk = Desk::new();
    let mut kind = KindName::kept(ObjectKind::Pod);
    (kind.plural, kind.kind) = ("configmaps".into(), "ConfigMap".into());
    desk.open_kind(
        &kind,
        &[("a", "one", &[]), ("b", "two", &[]), ("c", "three", &[])],
        &["Name"],
    );
    desk.press("j");
    let id = desk.find(|ask| matches!(ask, Ask::Table(_)));
    let row = |namespace: &str, name: &str| TableRow {
        namespace: namespace.into(),
        name: name.into(),
        created: None,
        cells: Box::default(),
    };
    let gone = TableDelta::Gone {
        namespace: "a".into(),
        name: "one".into(),
    };
    let deltas = vec![
        gone,
        TableDelta::Put(row("0", "zero")),
        TableDelta::Put(row("00", "x")),
    ];
    desk.answer(id, Answered::Table(TableNews::Deltas(deltas)));
    let selected = desk.app.object_under_cursor().unwrap();
    assert_eq!(&*selected.name, "two");
    // A new listing takes away what it does not tell, and only at its end.
    let begin = TableDelta::Begin([column("Name")].into());
    let again = vec![begin, TableDelta::Put(row("b", "two"))];
    desk.answer(id, Answered::Table(TableNews::Deltas(again)));
    assert_eq!(desk.app.opened().kind().unwrap().total(), 4);
    desk.answer(
        id,
        Answered::Table(TableNews::Deltas(vec![TableDelta::Synced])),
    );
    assert_eq!(desk.app.opened().kind().unwrap().total(), 1);
    let outage = Outage::new(Layer::Tcp, "connection refused");
    let broken = TableNews::Broken {
        outage,
        again: Some(Duration::from_secs(8)),
    };
    desk.answer(id, Answered::Table(broken));
    desk.shows("prod: TCP: connection refused  asked again in 8s");
    desk.shows("two");
}

#[test]
fn a_mistyped_kind_is_told_with_what_was_probably_meant() {
    let mut desk = Desk::new();
    desk.command("configmps");
    desk.shows("asking the clusters");
    for cluster in CLUSTERS {
        let mut kind = KindName::kept(ObjectKind::Pod);
        (kind.plural, kind.kind, kind.singular) =
            ("configmaps".into(), "ConfigMap".into(), "configmap".into());
        kind.short_names = ["cm".into()].into();
        let asked: Arc<str> = cluster.into();
        let id = desk.find(|ask| *ask == Ask::Kinds(asked.clone()));
        desk.open.remove(&id);
        desk.answer(id, Answered::Kinds(Ok(vec![kind])));
    }
    desk.shows("no command and no kind `configmps`; did you mean `configmaps`?");
    assert!(
        desk.app
            .completions("confi")
            .contains(&"configmaps".to_owned())
    );
    desk.command("cm");
    let tables = desk
        .open
        .values()
        .filter(|ask| matches!(ask, Ask::Table(_)));
    assert_eq!(tables.count(), 2, "both clusters have it");
    desk.shows("configmaps");
}

#[test]
fn the_help_can_be_read_without_losing_what_is_open() {
    let mut desk = reading_web();
    let id = desk.log_of("web-7f-a", "app");
    desk.press("?");
    desk.hides("following");
    desk.answer(id, Answered::Log(LogNews::Opened));
    desk.lines(id, &[(1, "written meanwhile")]);
    desk.press("esc");
    desk.shows("written meanwhile");
    desk.press("? 2");
    assert!(
        desk.open.is_empty(),
        "who goes elsewhere from there gives it up"
    );
}

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20),
        "\\PC{0,10}".prop_map(String::into_bytes),
        "\x1b[\\[\\]PX^_][0-9;:?]{0,8}[a-zA-Z]?".prop_map(String::into_bytes),
        Just(
            "\u{9b}31m\u{85}\u{202e}\u{2066}\u{feff}\u{e0041}\t\r\u{8}\u{7f}"
                .as_bytes()
                .to_vec()
        ),
        Just(
            "界👩‍👩‍👧e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}"
                .as_bytes()
                .to_vec()
        ),
    ];
    prop::collection::vec(piece, 0..10).prop_map(|parts| parts.concat())
}

/// Characters that a terminal acts on or that are not seen; joiners within a grapheme are ratatui's.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c as u32, 0x202a..=0x202e | 0x2066..=0x2069 | 0xfeff | 0xe0000..=0xe007f)
}

#[track_caller]
fn is_clean(buffer: &Buffer) -> Result<(), TestCaseError> {
    for cell in buffer.content() {
        prop_assert!(!cell.symbol().chars().any(acts), "{:?}", cell.symbol());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_control_character_reaches_a_cell(
        lines in prop::collection::vec(hostile(), 1..12), keys in "[wtBNn&sfGjk]{0,6}", wide in 1_u16..130, high in 1_u16..40
    ) {
        let mut desk = with_web();
        desk.on_pod("web-7f-a");
        desk.press("L");
        let id = desk.log_of("web-7f-a", "app");
        let batch = lines.iter().enumerate().map(|(nth, bytes)| LogLine {
            at: Timestamp::from_second(i64::try_from(nth).unwrap()).ok(),
            bytes: bytes.as_slice().into(),
            cut: nth as u64 % 2,
        });
        let received = desk.app.now;
        let lines = batch.collect();
        desk.answer(id, Answered::Log(LogNews::Lines { lines, received }));
        for key in keys.chars() {
            desk.press(&key.to_string());
            is_clean(&desk.draw((wide, high)))?;
        }
        is_clean(&desk.draw((120, 36)))?;
    }

    #[test]
    fn no_control_character_of_an_object_or_a_table_reaches_a_cell(
        texts in prop::collection::vec(hostile(), 4), wide in 60_u16..130, high in 15_u16..40
    ) {
        let texts: Vec<String> = texts.iter().map(|t| String::from_utf8_lossy(t).into_owned()).collect();
        let mut desk = Desk::new();
        let mut kind = KindName::kept(ObjectKind::Pod);
        (kind.plural, kind.kind) = ("widgets".into(), texts[0].as_str().into());
        let cells: &[&str] = &[&texts[1], &texts[2]];
        desk.open_kind(&kind, &[(&texts[3], &texts[1], cells)], &["Name", &texts[2]]);
        is_clean(&desk.draw((wide, high)))?;
        desk.press("y");
        let id = desk.find(|ask| matches!(ask, Ask::Manifest(_)));
        let mut map = serde_json::Map::new();
        for text in &texts {
            map.insert(text.clone(), json!(text));
        }
        desk.answer(id, manifest(json!({ "kind": texts[0], "spec": map })));
        for keys in ["w", "G", "right", "/ a enter"] {
            desk.press(keys);
            is_clean(&desk.draw((wide, high)))?;
        }
    }
}
