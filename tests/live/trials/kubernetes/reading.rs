//! What a reader opens, in the console on a real control plane: the YAML of an object, logs by way of
//! the API server, and kinds that midwatch has never heard of.

use libtest_mimic::Failed;
use serde_json::{Value, json};

use super::shop::{Shop, pods_path};
use crate::Row;
use crate::seat::{Screen, Seat};
use crate::servers::kube::access::{Account, SHOP};
use crate::servers::kube::stage::{Log, Run};
use crate::servers::kube::{NEEDS, Part, things};

pub const ROWS: &[Row] = &[
    Row {
        name: "kubernetes::reading::a_kind_that_is_made_during_the_run_is_opened_by_its_name",
        needs: NEEDS,
        run: new_kind,
    },
    Row {
        name: "kubernetes::reading::the_yaml_is_that_of_the_live_object_and_secrets_are_masked",
        needs: NEEDS,
        run: yaml,
    },
    Row {
        name: "kubernetes::reading::logs_of_several_pods_go_on_when_one_of_them_is_replaced",
        needs: NEEDS,
        run: logs,
    },
    Row {
        name: "kubernetes::reading::a_flood_is_bounded_and_a_kubelet_without_logs_is_quoted",
        needs: NEEDS,
        run: flood,
    },
];

const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/live.example/v1/namespaces/shop/widgets";

fn crd() -> Value {
    json!({
        "metadata": {"name": "widgets.live.example"},
        "spec": {
            "group": "live.example",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": ["wdg"]},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {
                    "type": "object", "properties": {"size": {"type": "string"}}}}}},
                "additionalPrinterColumns": [
                    {"name": "Size", "type": "string", "jsonPath": ".spec.size"}],
            }],
        },
    })
}

fn widget(name: &str, size: &str) -> Value {
    json!({"apiVersion": "live.example/v1", "kind": "Widget", "metadata": {"name": name},
        "spec": {"size": size}})
}

fn new_kind() -> Result<(), Failed> {
    let shop = Shop::open("new-kind")?;
    let user = shop.user(Account::Admin)?;
    let mut seat = Seat::wide(&user, &["--open", "pods"])?;
    seat.until("the console stands", |screen| screen.has("web-"))?;
    seat.press(":widgets\r")?;
    seat.until("no such kind yet", |screen| {
        screen.has("no command and no kind `widgets`")
    })?;
    shop.admin.post(CRDS, &crd())?;
    shop.plane.until("the kind is served", Part::Api, || {
        shop.admin.list(WIDGETS).is_ok()
    })?;
    shop.admin.post(WIDGETS, &widget("left", "huge"))?;
    // Kinds are asked for anew when a word means nothing.
    seat.until_pressing(":widgets\r", "the server's own table", |screen| {
        screen.row("left").contains(&"huge") && screen.has("SIZE")
    })?;
    shop.admin.post(WIDGETS, &widget("right", "tiny"))?;
    seat.until("one that is made now", |screen| {
        screen.row("right").contains(&"tiny")
    })?;
    shop.admin.patch(
        &format!("{WIDGETS}/right"),
        &json!({"spec": {"size": "vast"}}),
    )?;
    seat.until("a change of it", |screen| {
        screen.row("right").contains(&"vast")
    })?;
    shop.admin.delete(&format!("{WIDGETS}/right"))?;
    seat.until("its end", |screen| screen.row("right").is_empty())?;
    seat.press(":wdg\r")?;
    seat.until("the same by its short name", |screen| {
        screen.row("left").contains(&"huge")
    })?;
    seat.quit()
}

fn yaml() -> Result<(), Failed> {
    let shop = Shop::open("yaml")?;
    let user = shop.user(Account::Admin)?;
    let mut seat = Seat::wide(&user, &["--open", "nodes"])?;
    seat.until("the nodes", |screen| !screen.row("w-03").is_empty())?;
    seat.press("ggjjy")?;
    let uid = shop.admin.get("/api/v1/nodes/w-03")?["metadata"]["uid"].clone();
    let uid = uid.as_str().unwrap_or_default().to_owned();
    seat.until("the node under the cursor, whole", |screen| {
        screen.has("kind: Node") && screen.has("name: w-03") && screen.has(&uid)
    })?;
    // Changed behind it, and opened anew.
    shop.admin.patch(
        "/api/v1/nodes/w-03",
        &json!({"metadata": {"labels": {"live/seen": "twice"}}}),
    )?;
    seat.press("\x1b[27u")?;
    seat.until_pressing("y", "the object as it is now", |screen| {
        screen.has("live/seen: twice")
    })?;
    seat.press("\x1b[27u:secrets\r")?;
    seat.until("the secrets", |screen| !screen.row("keys").is_empty())?;
    seat.press("/keys\r")?;
    seat.until("the one", |screen| !screen.row("keys").is_empty())?;
    seat.press("y")?;
    let screen = seat.until("the secret", |screen| {
        screen.has("kind: Secret") && screen.has("password:")
    })?;
    // Neither as it is nor as the API carries it.
    assert!(
        !screen.has("opensesame") && !screen.has("b3BlbnNlc2FtZQ"),
        "{}",
        screen.0
    );
    seat.press("x")?;
    seat.until("what was asked for", |screen| {
        screen.has("opensesame") || screen.has("b3BlbnNlc2FtZQ")
    })?;
    seat.quit()
}

/// Pods that have logs: a stateful set of two.
fn talkers(shop: &Shop) -> Result<(), Failed> {
    let mut set = things::deployment("talker", 2);
    set["spec"]["serviceName"] = "talker".into();
    let sets = format!("/apis/apps/v1/namespaces/{SHOP}/statefulsets");
    shop.admin.post(&sets, &set)?;
    let path = |at: usize| format!("{}/talker-{at}", pods_path());
    shop.plane.until("the talkers run", Part::Kwok, || {
        (0..2).all(|at| {
            shop.admin
                .get(&path(at))
                .is_ok_and(|pod| things::is_ready(&pod))
        })
    })
}

/// Whether a line is told behind this name. What all names have in common is left out of them.
fn says(screen: &Screen, name: &str, text: &str) -> bool {
    let behind = |line: &str| {
        line.trim()
            .strip_prefix(name)
            .is_some_and(|said| said.trim() == text)
    };
    screen.0.lines().any(behind)
}

fn logs() -> Result<(), Failed> {
    let shop = Shop::open("logs")?;
    talkers(&shop)?;
    let logs = [0, 1].map(|at| Log::of(shop.plane.folder(), &format!("talker-{at}"), Run::Current));
    logs[0].say([
        "first of zero",
        "\x1b[31mred\x1b[0m and \x1b]0;owned\x07done",
    ])?;
    logs[1].say(["first of one"])?;
    Log::of(shop.plane.folder(), "talker-0", Run::Previous).say(["before the restart"])?;
    let user = shop.user(Account::Reader)?;
    let mut seat = Seat::wide(&user, &["--open", "workloads"])?;
    seat.until("the workloads", |screen| !screen.row("talker").is_empty())?;
    seat.press("/talker\r")?;
    seat.until("the talkers alone", |screen| screen.row("web").is_empty())?;
    seat.press("L")?;
    seat.until("both pods, interleaved", |screen| {
        says(screen, "0", "first of zero") && says(screen, "1", "first of one")
    })?;
    logs[1].say(["second of one"])?;
    seat.until("what is said now", |screen| {
        says(screen, "1", "second of one")
    })?;
    let path = format!("{}/talker-0", pods_path());
    let before = shop.admin.get(&path)?["metadata"]["uid"].clone();
    shop.admin.delete(&path)?;
    shop.plane
        .until("another pod of that name runs", Part::Kwok, || {
            shop.admin
                .get(&path)
                .is_ok_and(|pod| things::is_ready(&pod) && pod["metadata"]["uid"] != before)
        })?;
    logs[0].say(["after the replacement"])?;
    let screen = seat.until("the pod that took its place", |screen| {
        says(screen, "0", "after the replacement")
    })?;
    assert!(says(&screen, "0", "first of zero"), "{}", screen.0);
    // Escape sequences stand there as what they are, and colour nothing but the line.
    assert!(
        says(&screen, "0", "red and \u{241b}]0;owned\u{2407}done"),
        "{}",
        screen.0
    );
    seat.quit()
}

fn flood() -> Result<(), Failed> {
    let shop = Shop::open("flood")?;
    for name in ["shouter", "mute"] {
        shop.admin.post(&pods_path(), &things::pod(name))?;
        let path = format!("{}/{name}", pods_path());
        shop.plane.until("the pod runs", Part::Kwok, || {
            shop.admin
                .get(&path)
                .is_ok_and(|pod| things::is_ready(&pod))
        })?;
    }
    let log = Log::of(shop.plane.folder(), "shouter", Run::Current);
    log.say(["the beginning"])?;
    let user = shop.user(Account::Reader)?;
    let mut seat = Seat::wide(&user, &["--open", "pods"])?;
    seat.until("the pods", |screen| !screen.row("shouter").is_empty())?;
    seat.press("/shouter\rL")?;
    seat.until("its log", |screen| screen.has("the beginning"))?;
    let pad = "x".repeat(200);
    log.say((0..200_000).map(|at| format!("{at:06} {pad}")))?;
    log.say(["the end"])?;
    seat.until(
        "the end of the flood, and how much of it is not kept",
        |screen| screen.has("the end") && screen.has("older dropped"),
    )?;
    // Out of the log, then out of the filter.
    seat.press("\x1b[27u\x1b[27u")?;
    seat.press("/mute\rL")?;
    seat.until("the kubelet's own words", |screen| {
        screen.has("no logs found for container")
    })?;
    seat.quit()
}
