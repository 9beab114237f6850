//! The runner against an API server of our own on loopback that counts what reaches it, and that
//! fails in the ways that matter.

mod desk;
mod leaving;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::actions::arm::{self, Power};
use crate::actions::cordon;
use crate::actions::guard::{Answer, Policy, admit};
use crate::actions::plan::{Request, plan};
use crate::actions::record::Found;
use crate::actions::world::{self, World};
use crate::audit::tests::Memory;
use crate::config::Environment;
use crate::config::Settings;
use crate::config::settings::Value as Setting;
use crate::model::Model;
use crate::objects::ObjectKind;
use crate::subject::Subject;
use crate::thresholds::Thresholds;

/// What the server does with a change that is no dry run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mood {
    #[default]
    Willing,
    /// Applies it and closes the connection without a word.
    MuteAfter,
    /// Closes the connection without applying it.
    MuteBefore,
    Answers(u16),
}

#[derive(Default)]
struct Server {
    version: u64,
    unschedulable: bool,
    mood: Mood,
    may: bool,
    /// Method, path with query, and what the audit held when it came.
    seen: Vec<(String, String, usize)>,
    /// Changes that took effect.
    effects: usize,
}

struct FakeApi {
    state: Arc<Mutex<Server>>,
    api: Api,
    _home: tempfile::TempDir,
}

impl FakeApi {
    /// `records` tells how many records are on the disk at a moment.
    async fn start(records: impl Fn() -> usize + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(Server {
            version: 41,
            may: true,
            ..Server::default()
        }));
        let (inner, records) = (state.clone(), Arc::new(records));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, inner.clone(), records.clone()));
            }
        });
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("kubeconfig");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": format!("http://127.0.0.1:{port}")}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        });
        std::fs::write(&path, config.to_string()).unwrap();
        Self {
            state,
            api: api_of(&path),
            _home: home,
        }
    }

    fn state(&self) -> MutexGuard<'_, Server> {
        self.state.lock().unwrap()
    }

    /// Changes that came, dry runs left out.
    fn changes(&self) -> Vec<(String, usize)> {
        let state = self.state();
        let changes = state
            .seen
            .iter()
            .filter(|(method, path, _)| method == "PATCH" && !path.contains("dryRun"));
        changes
            .map(|(_, path, held)| (path.clone(), *held))
            .collect()
    }
}

fn api_of(kubeconfig: &Path) -> Api {
    let mut settings = Settings::default();
    let path = Setting::Text(kubeconfig.to_str().unwrap().into());
    settings.set("kubeconfig", path, "a test");
    Api::within("prod", &settings, Environment::default()).unwrap()
}

async fn serve(
    mut stream: TcpStream,
    state: Arc<Mutex<Server>>,
    records: Arc<impl Fn() -> usize + Send + Sync>,
) {
    let mut buffer = Vec::new();
    loop {
        let Some((method, path, body)) = request(&mut stream, &mut buffer).await else {
            return;
        };
        let held = records();
        let answer = {
            let mut state = state.lock().unwrap();
            state.seen.push((method.clone(), path.clone(), held));
            state.answer(&method, &path, &body)
        };
        let Some((code, body)) = answer else { return };
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nAudit-Id: id-{held}\r\n\
             Warning: 299 - \"spec.x is old\"\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let sent = stream.write_all(format!("{head}{body}").as_bytes()).await;
        if sent.is_err() {
            return;
        }
    }
}

impl Server {
    /// `None`: the connection is closed.
    fn answer(&mut self, method: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
        if path.contains("selfsubjectreviews") {
            let info = json!({"status": {"userInfo": {"username": "ann", "groups": ["ops"]}}});
            return Some((201, info));
        }
        if path.contains("selfsubjectaccessreviews") {
            return Some((201, json!({"status": {"allowed": self.may}})));
        }
        if method == "GET" {
            return Some((200, self.node()));
        }
        let pins = &body["metadata"];
        let version = self.version.to_string();
        if pins["uid"] != "uid-w-1" || pins["resourceVersion"] != json!(version) {
            let status = json!({"kind": "Status", "apiVersion": "v1", "code": 409,
                "reason": "Conflict", "message": "the object has been modified"});
            return Some((409, status));
        }
        if path.contains("dryRun=All") {
            return Some((200, self.node()));
        }
        match self.mood {
            Mood::MuteBefore => return None,
            Mood::Answers(code) => {
                let status = json!({"kind": "Status", "apiVersion": "v1", "code": code,
                    "reason": "X", "message": "not now"});
                return Some((code, status));
            }
            Mood::Willing | Mood::MuteAfter => {}
        }
        self.unschedulable = body["spec"]["unschedulable"] == json!(true);
        self.version += 1;
        self.effects += 1;
        (self.mood == Mood::Willing).then(|| (200, self.node()))
    }

    fn node(&self) -> Value {
        let mut node = world::json_of("w-1", &self.version.to_string());
        node["spec"]["unschedulable"] = json!(self.unschedulable);
        node
    }
}

async fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<(String, String, Value)> {
    loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(buffer[..end].to_vec()).unwrap();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.trim().parse::<usize>().ok())?
            });
            let whole = end + 4 + length.unwrap_or(0);
            if buffer.len() >= whole {
                let body = serde_json::from_slice(&buffer[end + 4..whole]).unwrap_or_default();
                buffer.drain(..whole);
                let mut words = head.lines().next()?.split(' ');
                return Some((words.next()?.into(), words.next()?.into(), body));
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

/// A world whose clock is the machine's, as the runner reads it.
fn world() -> World {
    let mut world = World::of_three();
    world.now = clock::now();
    let mut model = Model::new(world.now, Thresholds::default());
    world::register(&mut model, "prod");
    world.model = model;
    let nodes = ["w-1", "w-2"].map(world::node).to_vec();
    world.list(ObjectKind::Node, nodes);
    world.list(ObjectKind::Pod, Vec::new());
    world.list(ObjectKind::DisruptionBudget, Vec::new());
    world
}

struct Bench {
    fake: FakeApi,
    memory: Memory,
    audit: Audit,
    world: World,
    power: Option<Power>,
}

async fn bench() -> Bench {
    let memory = Memory::default();
    let counted = memory.clone();
    let lines = move || {
        let files = counted.files();
        let all = files.values().flatten();
        all.filter(|byte| **byte == b'\n').count()
    };
    let world = world();
    let power = arm::arm("prod", arm::USUAL, &world.snap()).unwrap();
    Bench {
        fake: FakeApi::start(lines).await,
        audit: memory.audit(1 << 20),
        memory,
        world,
        power: Some(power),
    }
}

impl Bench {
    async fn planned(&self) -> Plan {
        let subject = Subject::object(ObjectKind::Node, "prod", "", "w-1");
        let request = Request {
            reason: "a test".into(),
            ..Request::default()
        };
        let snap = self.world.snap();
        let first = plan(&cordon::ACTION, &snap, &subject, &request).unwrap();
        let armed = self.power.as_ref().map(Power::armed);
        let live = prepare(&self.fake.api, &Ok(self.audit.clone()), &first, armed).await;
        let version = live.object.as_ref().ok().and_then(Seen::of);
        let request = Request {
            resource_version: version.map(|seen| seen.resource_version.into()),
            ..request
        };
        let mut plan = plan(&cordon::ACTION, &snap, &subject, &request).unwrap();
        plan.live = Some(live);
        plan
    }

    async fn permit(&self) -> Permit {
        let plan = self.planned().await;
        let armed = self.power.as_ref().map(Power::armed);
        let snap = self.world.snap();
        admit(plan, &snap, &Policy::default(), armed, &Answer::Command).unwrap()
    }

    async fn run(&self, permit: Permit) -> End {
        run(&self.fake.api, &self.audit, permit, |_| async {}).await
    }

    fn kinds(&self) -> Vec<Kind> {
        let (records, fault) = self.audit.read().unwrap();
        assert_eq!(fault, None);
        records.iter().map(|record| record.entry.kind).collect()
    }
}

#[tokio::test]
async fn intent_and_attempt_are_on_the_disk_when_the_request_arrives() {
    let bench = bench().await;
    let permit = bench.permit().await;
    assert_eq!(bench.run(permit).await, End::Accepted);
    let changes = bench.fake.changes();
    assert_eq!(
        changes,
        [(
            "/api/v1/nodes/w-1?fieldManager=midwatch&fieldValidation=Strict".to_owned(),
            2
        )]
    );
    assert_eq!(bench.kinds(), [Kind::Intent, Kind::Attempt, Kind::Result]);
    let (records, _) = bench.audit.read().unwrap();
    let intent = &records[0].entry;
    let who = intent.who.as_ref().unwrap();
    assert_eq!(who.server.as_ref().unwrap().user, "ann");
    assert_eq!(intent.reason.as_deref(), Some("a test"));
    assert_eq!(intent.uid.as_deref(), Some("uid-w-1"));
    let outcome = records[2].entry.outcome.as_ref().unwrap();
    assert_eq!(outcome.request.as_deref(), Some("id-2"));
    assert_eq!(outcome.warnings, ["spec.x is old"]);
    assert_eq!(bench.fake.state().effects, 1);
}

#[tokio::test]
async fn without_power_nothing_that_changes_is_sent_not_even_on_trial() {
    let mut bench = bench().await;
    bench.power = None;
    let plan = bench.planned().await;
    let live = plan.live.unwrap();
    assert!(matches!(live.dry_run, DryRun::NotAsked(_)));
    let seen = &bench.fake.state().seen;
    assert!(
        seen.iter()
            .all(|(method, path, _)| { method == "GET" || path.contains("selfsubject") })
    );
}

#[tokio::test]
async fn power_that_ends_before_the_request_keeps_it_back() {
    let mut bench = bench().await;
    let permit = bench.permit().await;
    bench.power = None;
    assert!(matches!(bench.run(permit).await, End::NotSent(_)));
    assert!(bench.fake.changes().is_empty());
    assert!(bench.kinds().is_empty());
}

#[tokio::test]
async fn what_changed_between_the_answer_and_the_request_is_seen() {
    let bench = bench().await;
    let permit = bench.permit().await;
    // Somebody else cordons it meanwhile, and the watch has not told.
    {
        let mut state = bench.fake.state();
        (state.unschedulable, state.version) = (true, 42);
    }
    let End::Changed(changes) = bench.run(permit).await else {
        panic!("not seen")
    };
    let told: Vec<String> = changes.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["spec.unschedulable was false, is true"]);
    assert!(bench.fake.changes().is_empty());
    assert_eq!(bench.kinds(), [Kind::Intent, Kind::Refused]);
    let (records, _) = bench.audit.read().unwrap();
    let note = records[1].entry.note.as_deref().unwrap();
    assert!(
        note.contains("spec.unschedulable was false, is true"),
        "{note}"
    );
}

#[tokio::test]
async fn a_heartbeat_in_between_is_no_reason_and_the_new_version_is_recorded_and_sent() {
    let bench = bench().await;
    let permit = bench.permit().await;
    bench.fake.state().version += 1;
    assert_eq!(bench.run(permit).await, End::Accepted);
    assert_eq!(bench.fake.state().effects, 1);
    let (records, _) = bench.audit.read().unwrap();
    let attempt = &records[1].entry;
    assert_eq!(attempt.calls[0].body["metadata"]["resourceVersion"], "42");
    let note = attempt.note.as_deref().unwrap();
    assert!(note.starts_with("version was 41, is 42"), "{note}");
}

#[tokio::test]
async fn a_refusal_is_one_request_and_not_tried_again() {
    for code in [403, 409, 422, 429] {
        let bench = bench().await;
        let permit = bench.permit().await;
        bench.fake.state().mood = Mood::Answers(code);
        let end = bench.run(permit).await;
        assert!(matches!(end, End::Refused(_)), "{code}: {end:?}");
        assert_eq!(bench.fake.changes().len(), 1, "{code}");
        assert_eq!(bench.kinds(), [Kind::Intent, Kind::Attempt, Kind::Result]);
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_is_unknown_and_the_request_is_not_repeated() {
    for (mood, effects) in [
        (Mood::MuteAfter, 1),
        (Mood::MuteBefore, 0),
        (Mood::Answers(500), 0),
        (Mood::Answers(504), 0),
    ] {
        let bench = bench().await;
        let permit = bench.permit().await;
        bench.fake.state().mood = mood;
        let end = bench.run(permit).await;
        assert!(matches!(end, End::Unknown(_)), "{mood:?}: {end:?}");
        assert_eq!(bench.fake.changes().len(), 1, "{mood:?}");
        assert_eq!(bench.fake.state().effects, effects);
        let (records, _) = bench.audit.read().unwrap();
        let mut trail = crate::actions::trail::Trail::default();
        trail.read(records, BTreeSet::new());
        assert_eq!(trail.open().count(), 1, "somebody has to look");
    }
}

#[tokio::test]
async fn delivered_twice_it_takes_effect_once() {
    let bench = bench().await;
    let (one, two) = (bench.permit().await, bench.permit().await);
    let call = one.plan().steps[0].call.clone();
    assert_eq!(call, two.plan().steps[0].call);
    // Both past the last look: the server alone decides.
    let armed = one.armed().clone();
    let writer = Writer::new(&bench.fake.api, &armed).unwrap();
    let mut ends = Vec::new();
    for licence in one.spend().into_iter().chain(two.spend()) {
        ends.push(writer.send(licence).await.ended);
    }
    assert_eq!(ends, [Ended::Accepted, Ended::Refused]);
    assert_eq!(bench.fake.state().effects, 1);
}

/// Each operation on the audit's disk fails once: whatever leaves has its intent and its attempt on
/// the disk.
#[tokio::test]
async fn whatever_the_disk_refuses_nothing_leaves_unrecorded() {
    let (mut refused, mut unwritten) = (0, 0);
    for through in [0, 100, usize::MAX] {
        for nth in 1..30 {
            let bench = bench().await;
            let permit = bench.permit().await;
            bench.memory.fail(nth, through);
            let end = bench.run(permit).await;
            bench.memory.heal();
            let changes = bench.fake.changes();
            if changes.is_empty() {
                assert!(
                    matches!(end, End::NotRecorded(_)),
                    "operation {nth}: {end:?}"
                );
                refused += 1;
                continue;
            }
            let (records, _) = bench.audit.read().unwrap();
            let kinds: Vec<Kind> = records.iter().map(|r| r.entry.kind).collect();
            assert!(
                kinds.starts_with(&[Kind::Intent]),
                "operation {nth}: {kinds:?}"
            );
            assert!(kinds.contains(&Kind::Attempt), "operation {nth}: {kinds:?}");
            // What the server says is not lost with the record of it; by the audit it is open.
            if !kinds.contains(&Kind::Result) {
                assert!(
                    matches!(end, End::AcceptedUnrecorded(_)),
                    "operation {nth}: {end:?}"
                );
                let mut trail = crate::actions::trail::Trail::default();
                trail.read(records, BTreeSet::new());
                assert_eq!(trail.open().count(), 1);
                unwritten += 1;
            }
        }
    }
    assert!(refused > 5, "the faults were met: {refused}");
    assert!(unwritten > 2, "the faults were met: {unwritten}");
}

#[tokio::test]
async fn a_server_that_is_not_verified_gets_no_change() {
    let bench = bench().await;
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("kubeconfig");
    for (server, insecure) in [("https://127.0.0.1:1", true), ("http://192.0.2.1:1", false)] {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {
                "server": server, "insecure-skip-tls-verify": insecure}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        });
        std::fs::write(&path, config.to_string()).unwrap();
        let api = api_of(&path);
        let armed = bench.power.as_ref().unwrap().armed();
        let barred = Writer::new(&api, armed).unwrap_err();
        assert!(barred.contains("TLS-OFF"), "{barred}");
    }
    let armed = bench.power.as_ref().unwrap().armed();
    assert!(Writer::new(&bench.fake.api, armed).is_ok());
}

#[tokio::test]
async fn a_refusal_that_cannot_be_recorded_is_told_as_a_refusal() {
    let mut met = 0;
    for nth in 1..30 {
        let bench = bench().await;
        let permit = bench.permit().await;
        bench.fake.state().mood = Mood::Answers(409);
        bench.memory.fail(nth, 0);
        let end = bench.run(permit).await;
        if let End::Refused(told) = end
            && told.contains("the record of it could not be written")
        {
            assert!(told.starts_with("409: "), "{told}");
            met += 1;
        }
    }
    assert!(met > 2, "{met}");
}
