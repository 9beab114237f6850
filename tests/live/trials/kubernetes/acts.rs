//! Cordon and uncordon on a real control plane: from the command line and from the keys, seen by the
//! raw API, written down before they are sent, and found out by looking after a death in between.

use std::process::{Child, Command, Stdio};

use libtest_mimic::Failed;
use serde_json::Value;

use super::shop::Shop;
use crate::Row;
use crate::checked::User;
use crate::seat::{Screen, Seat};
use crate::servers::kube::access::{self, Account};
use crate::servers::kube::proxy::{Gate, Proxy};
use crate::servers::kube::{NEEDS, Part, things};

pub const ROWS: &[Row] = &[
    Row {
        name: "kubernetes::acts::a_cordon_by_command_is_asked_for_in_full_done_and_taken_back",
        needs: NEEDS,
        run: by_command,
    },
    Row {
        name: "kubernetes::acts::a_plan_alone_changes_nothing",
        needs: NEEDS,
        run: plan_only,
    },
    Row {
        name: "kubernetes::acts::who_may_not_cordon_is_told_before_anything_is_sent",
        needs: NEEDS,
        run: not_permitted,
    },
    Row {
        name: "kubernetes::acts::a_cordon_by_keys_is_refused_until_armed_and_taken_back_by_a_key",
        needs: NEEDS,
        run: by_keys,
    },
    Row {
        name: "kubernetes::acts::a_command_that_is_ended_disarms_and_does_not_say_what_it_cannot_know",
        needs: NEEDS,
        run: ended,
    },
    Row {
        name: "kubernetes::acts::a_name_that_no_node_has_is_told_with_the_nearest",
        needs: NEEDS,
        run: mistyped,
    },
    Row {
        name: "kubernetes::acts::over_a_damaged_audit_nothing_is_armed",
        needs: NEEDS,
        run: damaged,
    },
    Row {
        name: "kubernetes::acts::a_death_after_sending_is_resolved_by_looking_as_in_effect",
        needs: NEEDS,
        run: || death(Gate::Open),
    },
    Row {
        name: "kubernetes::acts::a_death_before_arrival_is_resolved_by_looking_as_not_in_effect",
        needs: NEEDS,
        run: || death(Gate::Shut),
    },
];

const NODE: &str = "/api/v1/nodes/w-03";
const CORDON: &[&str] = &["act", "cordon", "node/w-03", "--reason", "disk swap"];

fn cordoned(shop: &Shop) -> Result<bool, Failed> {
    Ok(things::is_cordoned(&shop.admin.get(NODE)?))
}

fn by_command() -> Result<(), Failed> {
    let shop = Shop::open("act-command")?;
    let proxy = Proxy::start(&shop.plane)?;
    let user = shop.user_by(&proxy)?;
    for lacking in [CORDON, &["act", "cordon", "node/w-03", "--yes"]] {
        let ran = user.run(lacking)?;
        assert_ne!(ran.code, 0, "{}{}", ran.out, ran.err);
    }
    assert!(proxy.changing().is_empty() && !cordoned(&shop)?);

    let ran = user.run(&[CORDON, &["--yes"]].concat())?;
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(cordoned(&shop)?);
    let sent = proxy.changing();
    assert_eq!(sent.len(), 1, "{sent:#?}");
    assert_eq!(
        (
            &*sent[0].method,
            sent[0].path.split('?').next().unwrap_or_default()
        ),
        ("PATCH", NODE)
    );
    let shown = user.run(&["audit", "show"])?;
    assert!(
        shown.out.contains("cordon")
            && shown.out.contains("disk swap")
            && shown.out.contains("disarmed"),
        "{}",
        shown.out
    );
    assert_eq!(user.run(&["audit", "verify"])?.code, 0);

    let back = [
        "act",
        "uncordon",
        "node/w-03",
        "--reason",
        "disk swapped",
        "--yes",
    ];
    let ran = user.run(&back)?;
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(!cordoned(&shop)?);
    // Twice is once: nothing is sent for what is so already.
    let before = proxy.changing().len();
    user.run(&back)?;
    assert_eq!(proxy.changing().len(), before);
    assert_eq!(user.run(&["audit", "verify"])?.code, 0);
    user.forge_audit("disk swap", "disk swop")?;
    let forged = user.run(&["audit", "verify"])?;
    assert_ne!(forged.code, 0, "{}{}", forged.out, forged.err);
    Ok(())
}

fn plan_only() -> Result<(), Failed> {
    let shop = Shop::open("act-plan")?;
    let proxy = Proxy::start(&shop.plane)?;
    let user = shop.user_by(&proxy)?;
    let ran = user.run(&[CORDON, &["--plan-only", "-o", "json"]].concat())?;
    let plan: Value = serde_json::from_str(&ran.out)
        .map_err(|error| format!("{error} in {}{}", ran.out, ran.err))?;
    // Only the plan was asked for, and nothing speaks against it.
    assert_eq!(ran.code, 0, "{plan:#}");
    let told = plan.to_string();
    assert!(
        told.contains(NODE) && told.contains("unschedulable"),
        "{plan:#}"
    );
    // What the node carries, told without being asked.
    assert!(told.contains("by_owner"), "{plan:#}");
    assert!(proxy.changing().is_empty() && !cordoned(&shop)?);
    Ok(())
}

fn not_permitted() -> Result<(), Failed> {
    let shop = Shop::open("act-forbidden")?;
    access::let_read(&shop.admin, Account::Limited, "nodes")?;
    let user = shop.user(Account::Limited)?;
    let ran = user.run(&[CORDON, &["--yes"]].concat())?;
    let told = format!("{}{}", ran.out, ran.err);
    assert_ne!(ran.code, 0, "{told}");
    assert!(
        told.contains("not permitted") && told.contains("patch nodes"),
        "{told}"
    );
    assert!(!cordoned(&shop)?);
    Ok(())
}

fn by_keys() -> Result<(), Failed> {
    let shop = Shop::open("act-keys")?;
    let proxy = Proxy::start(&shop.plane)?;
    let user = shop.user_by(&proxy)?;
    let mut seat = Seat::wide(&user, &["--open", "nodes"])?;
    seat.until("the nodes", |screen| !screen.row("w-03").is_empty())?;
    seat.press("ggjj")?;
    // What an action is about is the row that was drawn under the cursor, so a person looks first.
    seat.until("the cursor on it", |screen| {
        !screen.line(&["▌", "w-03"]).is_empty()
    })?;
    seat.press("xc")?;
    let planned = |screen: &Screen| !screen.line(&["PLAN", "cordon", "w-03"]).is_empty();
    seat.until("the plan", planned)?;
    seat.press("y")?;
    seat.until("why not", |screen| screen.has(":arm"))?;
    assert!(proxy.mutating().is_empty(), "{:#?}", proxy.mutating());

    seat.press(":arm 10m\r")?;
    seat.until("armed", |screen| screen.has("ARMED"))?;
    seat.until("the plan again", planned)?;
    let confirmed = |screen: &Screen| screen.has("done and seen");
    seat.until_pressing("y", "done, and the watch said so", confirmed)?;
    assert!(cordoned(&shop)?);
    seat.press("u")?;
    seat.until("the plan of the way back", |screen| {
        !screen.line(&["PLAN", "uncordon", "w-03"]).is_empty()
    })?;
    seat.until_pressing("y", "undone, and the watch said so", confirmed)?;
    assert!(!cordoned(&shop)?);
    seat.press(":disarm\r")?;
    seat.until("read-only again", |screen| screen.has("read-only"))?;
    drop(seat);
    let shown = user.run(&["audit", "show"])?;
    assert!(shown.out.contains("uncordon"), "{}", shown.out);
    assert_eq!(user.run(&["audit", "verify"])?.code, 0);
    Ok(())
}

/// SIGTERM while the request is on its way: power ends on the record, the outcome is left open.
fn ended() -> Result<(), Failed> {
    let shop = Shop::open("act-ended")?;
    let proxy = Proxy::start(&shop.plane)?;
    let user = shop.user_by(&proxy)?;
    proxy.set_gate(Gate::Held);
    let mut acting = acting(&user)?;
    let sent = shop
        .plane
        .until("the request is on its way", Part::Api, || {
            !proxy.changing().is_empty()
        });
    let told = Command::new("kill").arg(acting.id().to_string()).status()?;
    let code = acting.wait()?;
    sent?;
    assert!(told.success());
    assert_eq!(code.code(), Some(143), "{code}");
    let shown = user.run(&["audit", "show"])?;
    assert!(
        shown.out.contains("disarmed") && shown.out.contains("SIGTERM"),
        "{}",
        shown.out
    );
    assert!(shown.out.contains("UNKNOWN"), "{}", shown.out);
    proxy.set_gate(Gate::Shut);
    assert_eq!(user.run(&["audit", "verify"])?.code, 0);
    Ok(())
}

fn mistyped() -> Result<(), Failed> {
    let shop = Shop::open("act-mistyped")?;
    let user = shop.user(Account::Admin)?;
    let ran = user.run(&["act", "cordon", "node/w-93", "--plan-only"])?;
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("no such node") && ran.out.contains("w-03"),
        "{}",
        ran.out
    );
    Ok(())
}

fn damaged() -> Result<(), Failed> {
    let shop = Shop::open("act-damaged")?;
    let proxy = Proxy::start(&shop.plane)?;
    let user = shop.user_by(&proxy)?;
    let ran = user.run(&[CORDON, &["--yes"]].concat())?;
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    user.forge_audit("disk swap", "disk swop")?;
    let before = proxy.changing().len();
    let back = ["act", "uncordon", "node/w-03", "--reason", "x", "--yes"];
    let ran = user.run(&back)?;
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("the audit is damaged at record") && ran.out.contains("mv "),
        "{}",
        ran.out
    );
    assert_eq!(proxy.changing().len(), before);
    let mut seat = Seat::wide(&user, &["--open", "nodes"])?;
    seat.until("the banner", |screen| screen.has("AUDIT DAMAGED"))?;
    seat.press(":arm 10m\r")?;
    seat.until("why not", |screen| screen.has("not armed"))?;
    seat.quit()?;
    Ok(())
}

/// A cordon by command, in the background.
fn acting(user: &User) -> Result<Child, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_midwatch"));
    command
        .args(["--config", &user.config()])
        .args(CORDON)
        .arg("--yes")
        .env_clear()
        .envs(user.environment())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok(command.spawn()?)
}

/// The request is on its way, midwatch dies, and then it arrives or never does.
fn death(then: Gate) -> Result<(), Failed> {
    let name = if then == Gate::Open {
        "act-death-after"
    } else {
        "act-death-before"
    };
    let shop = Shop::open(name)?;
    let proxy = Proxy::start(&shop.plane)?;
    let user = shop.user_by(&proxy)?;
    proxy.set_gate(Gate::Held);
    let mut acting = acting(&user)?;
    let sent = shop
        .plane
        .until("the request is on its way", Part::Api, || {
            !proxy.changing().is_empty()
        });
    acting.kill()?;
    acting.wait()?;
    sent?;
    proxy.set_gate(then);
    let found = if then == Gate::Open {
        shop.plane.until("it arrived", Part::Api, || {
            cordoned(&shop).unwrap_or_default()
        })?;
        "found in effect"
    } else {
        "found not in effect"
    };
    // No record says how it ended, and none is forged.
    assert_eq!(user.run(&["audit", "verify"])?.code, 0);
    let mut seat = Seat::wide(&user, &["--open", "nodes"])?;
    seat.until("the nodes", |screen| !screen.row("w-03").is_empty())?;
    seat.press(":audit\r")?;
    seat.until("what looking found", |screen| screen.has(found))?;
    seat.quit()?;
    assert_eq!(proxy.changing().len(), 1, "sent once, never again");
    assert_eq!(user.run(&["audit", "verify"])?.code, 0);
    Ok(())
}
