//! What goes wrong between midwatch and a cluster, and in the cluster: nothing that is old looks
//! fresh, nothing that is there disappears, and everything comes back by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use libtest_mimic::Failed;
use midwatch::clock::Stamp;

use super::objects::is_expiry;
use super::shop::{PODS, Shop, pods_path};
use crate::Row;
use crate::checked::{Answer, User};
use crate::programs::Program::Etcd;
use crate::seat::{Screen, Seat};
use crate::servers::kube::access::Account;
use crate::servers::kube::proxy::{Mode, Proxy};
use crate::servers::kube::{NEEDS, NEEDS_OLD, Options, Part, things};

pub const ROWS: &[Row] = &[
    Row {
        name: "kubernetes::faults::nodes_whose_kubelets_die_are_lost_and_their_pods_fold_under_them",
        needs: NEEDS,
        run: lost_nodes,
    },
    Row {
        name: "kubernetes::faults::a_dead_api_server_leaves_its_last_state_dated_and_comes_back",
        needs: NEEDS,
        run: || dead_server(Options::whole("dead-server")),
    },
    Row {
        name: "kubernetes::faults::a_dead_api_server_on_an_old_etcd_comes_back_too",
        needs: NEEDS_OLD,
        run: || {
            dead_server(Options {
                etcd: Etcd,
                ..Options::whole("dead-server-old-etcd")
            })
        },
    },
    Row {
        name: "kubernetes::faults::a_watch_that_expired_while_it_was_cut_is_listed_again",
        needs: NEEDS,
        run: expired,
    },
    Row {
        name: "kubernetes::faults::a_server_with_too_much_to_do_is_left_alone_for_as_long_as_it_says",
        needs: NEEDS,
        run: too_many,
    },
    Row {
        name: "kubernetes::faults::a_network_that_forgets_is_noticed_and_its_rows_are_old",
        needs: NEEDS,
        run: silence,
    },
];

fn nodes() -> impl Iterator<Item = String> {
    (1..=6).map(|at| format!("node/live/{}", things::node_name(at)))
}

fn lost_nodes() -> Result<(), Failed> {
    let mut shop = Shop::on(Options {
        grace: 8,
        ..Options::whole("lost-nodes")
    })?;
    let user = shop.user(Account::Reader)?;
    user.until("a cluster that is well", |answer| {
        answer.target("kubernetes/live")["state"] == "ok" && !answer.findings().any(about_nodes)
    })?;
    shop.plane.kill(Part::Kwok);
    let lost = |answer: &Answer| nodes().all(|node| answer.finds("node-not-ready", &node));
    let answer = user.until("every node is lost", lost)?;
    // The pods are not ready because their nodes are gone: each is a symptom, told below its cause.
    for finding in answer.findings() {
        let subject = finding["subject"].as_str().unwrap_or_default();
        if subject.starts_with("pod/live/") || subject.starts_with("deployment/live/") {
            assert!(!finding["cause"].is_null(), "{finding:#}");
        }
    }
    shop.plane.restart(Part::Kwok)?;
    user.until("every node is back", |answer| {
        answer.target("kubernetes/live")["state"] == "ok" && !answer.findings().any(about_nodes)
    })?;
    Ok(())
}

fn about_nodes(finding: &serde_json::Value) -> bool {
    let subject = finding["subject"].as_str().unwrap_or_default();
    subject.starts_with("node/")
}

/// A console on the pods, all of them there.
fn watching(user: &User) -> Result<Seat, Failed> {
    let seat = Seat::wide(user, &["--open", "pods"])?;
    seat.until("all pods", |screen| pods(screen) == PODS)?;
    Ok(seat)
}

/// How many of the shop's pods have a row.
fn pods(screen: &Screen) -> usize {
    let prefixes = ["web-", "db-", "agent-", "import-"];
    let of_pod = |line: &&str| {
        let mut words = line.split_whitespace();
        words.any(|word| prefixes.iter().any(|prefix| word.starts_with(prefix)))
    };
    screen.0.lines().filter(of_pod).count()
}

/// No picture since the last question showed fewer pods than there are.
fn never_empty(seat: &Seat, least: usize) -> Result<(), Failed> {
    for picture in seat.pictures() {
        if pods(&picture) < least {
            return Err(format!("rows are gone for a moment:\n{}", picture.0).into());
        }
    }
    Ok(())
}

fn dead_server(options: Options) -> Result<(), Failed> {
    let mut shop = Shop::on(options)?;
    let user = shop.user(Account::Admin)?;
    let seat = watching(&user)?;
    seat.pictures();
    shop.plane.kill(Part::Api);
    seat.until("the rows are said to be old", |screen| {
        pods(screen) == PODS && screen.has("STALE")
    })?;
    never_empty(&seat, PODS)?;
    shop.plane.restart(Part::Api)?;
    shop.plane.ready()?;
    shop.admin.post(&pods_path(), &things::pod("late"))?;
    seat.until("what came after the death", |screen| {
        pods(screen) == PODS && !screen.row("late").is_empty() && !screen.has("STALE")
    })?;
    never_empty(&seat, PODS)?;
    seat.quit()
}

fn expired() -> Result<(), Failed> {
    let mut shop = Shop::open("expired")?;
    let proxy = Proxy::start(&shop.plane)?;
    let user = shop.user_by(&proxy)?;
    let seat = watching(&user)?;
    proxy.set(Mode::Cut);
    let gone = shop.empty_job()?;
    shop.admin.post(&pods_path(), &things::pod("late"))?;
    // A server that starts anew remembers no change, and etcd forgets those before the compaction.
    shop.plane.compact()?;
    shop.plane.restart(Part::Api)?;
    shop.plane.ready()?;
    seat.pictures();
    proxy.set(Mode::Through);
    seat.until("the list of now", |screen| {
        pods(screen) == PODS - 1 && !screen.row("late").is_empty() && screen.row(&gone).is_empty()
    })?;
    never_empty(&seat, PODS - 1)?;
    assert!(
        proxy.seen().iter().any(is_expiry),
        "no watch was refused as too old"
    );
    seat.quit()
}

fn too_many() -> Result<(), Failed> {
    let shop = Shop::open("too-many")?;
    let proxy = Proxy::start(&shop.plane)?;
    let user = shop.user_by(&proxy)?;
    let pause = Duration::from_secs(4);
    proxy.set(Mode::TooMany(pause));
    let mut seat = Seat::wide(&user, &["--open", "sources"])?;
    seat.until("why nothing comes", |screen| screen.has("429"))?;
    let refused = || {
        let mut asked: BTreeMap<String, Vec<Stamp>> = BTreeMap::new();
        for seen in proxy.seen().into_iter().filter(|seen| seen.refused) {
            let path = seen.path.split('?').next().unwrap_or_default().to_owned();
            asked.entry(path).or_default().push(seen.at);
        }
        asked
    };
    shop.plane
        .until("something is asked a third time", Part::Api, || {
            refused().values().any(|times| times.len() > 2)
        })?;
    for (path, times) in refused() {
        for pair in times.windows(2) {
            let waited = pair[1].since(pair[0]);
            assert!(waited >= pause, "{path} again after {waited:?}");
        }
    }
    proxy.set(Mode::Through);
    seat.press(":pods\r")?;
    seat.until("all pods", |screen| pods(screen) == PODS)?;
    seat.quit()
}

fn silence() -> Result<(), Failed> {
    let shop = Shop::open("silence")?;
    let proxy = Proxy::start(&shop.plane)?;
    let user = shop.user_by(&proxy)?;
    let seat = watching(&user)?;
    seat.pictures();
    proxy.set(Mode::Silent);
    seat.until("the rows are said to be old", |screen| screen.has("STALE"))?;
    never_empty(&seat, PODS)?;
    shop.admin.post(&pods_path(), &things::pod("late"))?;
    proxy.set(Mode::Through);
    seat.until("what came meanwhile", |screen| {
        pods(screen) == PODS && !screen.row("late").is_empty() && !screen.has("STALE")
    })?;
    seat.quit()
}
