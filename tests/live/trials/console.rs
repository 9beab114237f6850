//! The console on real servers: what stands on the screen when something dies and comes back.

use libtest_mimic::Failed;

use crate::Row;
use crate::checked::{Answer, User};
use crate::programs::Program::{self, Chronyd, Etcd, EtcdCurrent};
use crate::seat::{Screen, Seat};
use crate::servers::chrony;
use crate::servers::etcd::{EtcdCluster, Options};

pub const ROWS: &[Row] = &[
    Row {
        name: "console::a_member_dies_on_the_screen_and_comes_back",
        needs: &[Etcd],
        run: || member(Etcd),
    },
    Row {
        name: "console::a_member_of_a_current_etcd_dies_on_the_screen_and_comes_back",
        needs: &[EtcdCurrent],
        run: || member(EtcdCurrent),
    },
    Row {
        name: "console::a_time_server_is_shown_with_its_interval",
        needs: &[Chronyd],
        run: time_server,
    },
];

const MEMBERS: [&str; 3] = ["m1", "m2", "m3"];

/// Members whose rows hold this word. One that is only remembered has a question mark behind it.
fn with(screen: &Screen, word: &str) -> Vec<&'static str> {
    let hit = MEMBERS
        .iter()
        .filter(|member| screen.row(member).contains(&word));
    hit.copied().collect()
}

fn well(screen: &Screen) -> bool {
    with(screen, "LEADER").len() == 1
        && with(screen, "follower").len() == 2
        && with(screen, "answer").is_empty()
        && screen.0.contains("3 of 3, spare 1")
}

fn member(program: Program) -> Result<(), Failed> {
    let mut running = EtcdCluster::start(Options::plain(program))?;
    let target = running
        .target("live")
        .text("period", "1s")
        .text("timeout", "800ms");
    let user = User::new(&[target])?;
    user.until("the cluster stands", Answer::is_well)?;
    let seat = Seat::start(&user, &["--open", "etcd"])?;
    seat.until("three members and a leader", well)?;

    running.kill_member(1);
    // If it was the leader, the others are in trouble too until they have chosen another.
    seat.until("m2 alone does not answer, none to spare", |screen| {
        with(screen, "answer") == ["m2"]
            && with(screen, "ok") == ["m1", "m3"]
            && screen.0.contains("2 of 3, spare 0")
            && (with(screen, "LEADER") == ["m1"] || with(screen, "LEADER") == ["m3"])
    })?;

    running.restart_member(1)?;
    seat.until("all three again", well)?;
    seat.quit()
}

fn time_server() -> Result<(), Failed> {
    let running = chrony::Chronyd::start()?;
    let user = User::new(&[running.target("pool")])?;
    user.until("an answer of chronyd", Answer::is_well)?;
    let seat = Seat::start(&user, &["--open", "clocks"])?;
    seat.until("an offset and its uncertainty", |screen| {
        let row = screen.row("sntp/pool");
        let bounded = screen.0.contains("against this machine, by sntp");
        row.contains(&"ok") && row.contains(&"us") && bounded
    })?;
    seat.quit()
}
