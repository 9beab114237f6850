//! `midwatch check` on etcd, as a user sees it.

use libtest_mimic::Failed;

use crate::Row;
use crate::checked::{Answer, User};
use crate::programs::Program::{self, Etcd, EtcdCurrent, Etcdctl};
use crate::servers::etcd::{EtcdCluster, Options, Transport};
use crate::servers::pki::Pki;

pub const ROWS: &[Row] = &[
    Row {
        name: "check_etcd::members_die_one_by_one_and_come_back",
        needs: &[Etcd],
        run: || one_by_one(Etcd),
    },
    Row {
        name: "check_etcd::members_of_a_current_etcd_die_one_by_one_and_come_back",
        needs: &[EtcdCurrent],
        run: || one_by_one(EtcdCurrent),
    },
    Row {
        name: "check_etcd::no_space_is_critical",
        needs: &[Etcd, Etcdctl],
        run: || no_space(Etcd),
    },
    Row {
        name: "check_etcd::no_space_of_a_current_etcd_is_critical",
        needs: &[EtcdCurrent, Etcdctl],
        run: || no_space(EtcdCurrent),
    },
    Row {
        name: "check_etcd::who_may_not_enter_is_told_so_and_how_to",
        needs: &[Etcd],
        run: || at_the_door(Etcd),
    },
    Row {
        name: "check_etcd::who_may_not_enter_a_current_etcd_is_told_so_and_how_to",
        needs: &[EtcdCurrent],
        run: || at_the_door(EtcdCurrent),
    },
];

const MEMBERS: [&str; 3] = ["etcd/live/m1", "etcd/live/m2", "etcd/live/m3"];

fn well(answer: &Answer) -> bool {
    answer.is_well()
        && answer.subject("etcd/live")["spare"] == 1
        && MEMBERS.iter().all(|member| answer.state(member) == "ok")
}

fn one_by_one(program: Program) -> Result<(), Failed> {
    let mut running = EtcdCluster::start(Options::plain(program))?;
    let user = User::new(&[running.target("live")])?;
    user.until("three members, one to spare", well)?;

    running.kill_member(1);
    // The two that are left may have to choose a leader first.
    let one = user.until("one member down, none to spare", |answer| {
        let left = [MEMBERS[0], MEMBERS[2]];
        answer.finds("etcd-quorum-thin", "etcd/live")
            && left.iter().all(|member| answer.state(member) == "ok")
    })?;
    one_is_down(&one, &running);

    running.kill_member(2);
    let two = user.until("the quorum lost", |answer| {
        answer.finds("etcd-quorum-lost", "etcd/live")
    })?;
    assert_eq!(two.code, 2, "{}", two.text());
    let lost = two.finding("etcd-quorum-lost", "etcd/live");
    assert_eq!(lost["severity"], "critical", "{}", two.text());
    assert_eq!(two.state("etcd/live"), "bad", "{}", two.text());
    for member in &MEMBERS[1..] {
        assert_eq!(two.state(member), "bad", "{}", two.text());
    }
    let failing = two.target("etcd/live")["error"]["endpoint"].as_str();
    let failing = failing.unwrap_or_default();
    let named = |at| failing.contains(&running.endpoint(at));
    assert_eq!([named(0), named(1), named(2)], [false, true, true]);

    running.restart_member(1)?;
    running.restart_member(2)?;
    user.until("all well again", well)?;
    Ok(())
}

fn one_is_down(answer: &Answer, running: &EtcdCluster) {
    let text = answer.text();
    assert_eq!(answer.code, 2, "a cluster service is silent: {text}");
    let target = answer.target("etcd/live");
    assert_eq!(target["state"], "bad", "{text}");
    assert_eq!(target["error"]["layer"], "tcp", "{text}");
    assert_eq!(target["error"]["endpoint"], running.endpoint(1), "{text}");

    let down = answer.finding("etcd-member-down", MEMBERS[1]);
    assert_eq!(down["severity"], "critical", "{text}");
    assert!(down["cause"].is_null(), "{text}");
    let thin = answer.finding("etcd-quorum-thin", "etcd/live");
    assert_eq!(thin["cause"]["rule"], "etcd-member-down", "{text}");
    assert_eq!(thin["cause"]["subject"], MEMBERS[1], "{text}");
    let summary = thin["summary"].as_str().unwrap_or_default();
    assert!(summary.contains("spare 0"), "{text}");
    assert_eq!(answer.subject("etcd/live")["spare"], 0, "{text}");

    assert_eq!(answer.state(MEMBERS[0]), "ok", "{text}");
    assert_eq!(answer.state(MEMBERS[1]), "bad", "{text}");
    assert_eq!(answer.state(MEMBERS[2]), "ok", "{text}");
}

fn no_space(program: Program) -> Result<(), Failed> {
    let running = EtcdCluster::start(Options {
        quota: Some(200_000),
        ..Options::plain(program)
    })?;
    let user = User::new(&[running.target("live")])?;
    user.until("three members", |answer| {
        MEMBERS.iter().all(|member| answer.state(member) == "ok")
    })?;
    running.fill()?;
    let answer = user.until("the alarm", |answer| {
        answer.findings().any(|row| row["rule"] == "etcd-alarm")
    })?;
    assert_eq!(answer.code, 2, "{}", answer.text());
    let mut alarms = answer.findings().filter(|row| row["rule"] == "etcd-alarm");
    let named = alarms.any(|row| {
        let summary = row["summary"].as_str().unwrap_or_default();
        row["severity"] == "critical" && summary.contains("NOSPACE")
    });
    assert!(named, "{}", answer.text());
    Ok(())
}

fn at_the_door(program: Program) -> Result<(), Failed> {
    let running = EtcdCluster::start(Options {
        transport: Transport::Tls,
        ..Options::plain(program)
    })?;
    let known = running.target("live");
    User::new(std::slice::from_ref(&known))?.until("three members over TLS", well)?;

    let folder = tempfile::TempDir::with_prefix("midwatch-stranger-")?;
    let other = Pki::create(folder.path())?;
    let doubting = known.clone().without("ca");
    let wrong_ca = doubting.text("ca", other.ca.display().to_string());
    let nameless = known.without("cert").without("key");
    for (target, word) in [(wrong_ca, "ca"), (nameless, "cert")] {
        let answer = User::new(&[target])?.json(&[])?;
        let text = answer.text();
        assert_eq!(answer.code, 3, "{text}");
        let target = answer.target("etcd/live");
        assert_eq!(target["state"], "bad", "{text}");
        assert_eq!(target["error"]["layer"], "tls", "{text}");
        let hint = target["error"]["hint"].as_str().unwrap_or_default();
        assert!(hint.starts_with(&format!("set {word}")), "{text}");
        let mut subjects = answer.report["subjects"].as_array().into_iter().flatten();
        assert!(subjects.all(|row| row["state"] != "ok"), "{text}");
    }
    Ok(())
}
