//! Users who may not see everything: what they may see is there, of the rest midwatch says which right
//! is missing, and nothing else breaks.

use libtest_mimic::Failed;
use midwatch::observation::Layer;
use midwatch::subject::Subject;

use super::shop::Shop;
use crate::Row;
use crate::checked::User;
use crate::seat::Seat;
use crate::servers::kube::access::{self, Account, SHOP};
use crate::servers::kube::{NEEDS, things};

pub const ROWS: &[Row] = &[
    Row {
        name: "kubernetes::rights::a_limited_user_sees_what_it_may_and_which_right_the_rest_needs",
        needs: NEEDS,
        run: limited,
    },
    Row {
        name: "kubernetes::rights::a_user_who_may_list_and_not_watch_sees_changes_in_time",
        needs: NEEDS,
        run: lister,
    },
    Row {
        name: "kubernetes::rights::a_user_without_rights_is_told_so_kind_by_kind",
        needs: NEEDS,
        run: stranger,
    },
    Row {
        name: "kubernetes::rights::a_right_that_is_granted_later_is_noticed",
        needs: NEEDS,
        run: granted,
    },
];

fn limited() -> Result<(), Failed> {
    let shop = Shop::open("limited")?;
    let target = shop.target(Account::Limited)?;
    let user = User::new(&[target.list("namespaces", &[SHOP.to_owned()])])?;
    let answer = user.until("an answer", |answer| {
        let target = &answer.report["targets"][0];
        target["id"] == "kubernetes/live" && target["state"] != "unknown"
    })?;
    let told = answer.text();
    assert!(told.contains("not permitted: needs"), "{told}");
    assert!(!told.contains("nodes is forbidden"), "{told}");

    let mut seat = Seat::wide(&user, &["--open", "pods"])?;
    let pods = shop.admin.list(&super::shop::pods_path())?;
    let screen = seat.until("every pod that it may see", |screen| {
        pods.iter()
            .all(|pod| !screen.row(things::name(pod)).is_empty())
    })?;
    assert!(screen.row("w-01").is_empty());
    assert!(screen.has("of shop alone"), "{}", screen.0);
    seat.press(":nodes\r")?;
    seat.until("which right is missing", |screen| {
        screen.has("── Nodes") && !screen.line(&["not permitted: needs", "nodes"]).is_empty()
    })?;
    seat.quit()
}

fn lister() -> Result<(), Failed> {
    let shop = Shop::open("lister")?;
    let target = shop
        .target(Account::Lister)?
        .list("watch", &["pods".to_owned()]);
    let user = User::new(&[target])?;
    let mut seat = Seat::wide(&user, &["--open", "pods"])?;
    let pods = shop.admin.list(&super::shop::pods_path())?;
    seat.until("every pod, and how it is known", |screen| {
        pods.iter()
            .all(|pod| !screen.row(things::name(pod)).is_empty())
            && screen.has("may not be watched")
    })?;
    for name in ["late", "later"] {
        let path = super::shop::pods_path();
        shop.admin.post(&path, &things::pod(name))?;
        seat.until("what came since", |screen| !screen.row(name).is_empty())?;
    }
    seat.press(":sources\r")?;
    seat.until("the right that would be better", |screen| {
        !screen
            .line(&["listed every", "needs watch pods"])
            .is_empty()
    })?;
    for picture in seat.pictures() {
        let wrong = ["not permitted", "STALE"];
        let said = wrong.iter().find(|words| picture.has(words));
        assert_eq!(said, None, "{}", picture.0);
    }
    access::let_read(&shop.admin, Account::Lister, "pods")?;
    seat.press(":pods\r")?;
    seat.until("a watch, once it is granted", |screen| {
        !screen.row("late").is_empty() && !screen.has("may not be watched")
    })?;
    seat.quit()
}

fn stranger() -> Result<(), Failed> {
    let shop = Shop::open("stranger")?;
    let user = shop.user(Account::Stranger)?;
    let mut seat = Seat::wide(&user, &["--open", "sources"])?;
    seat.until("which right the pods need", |screen| {
        !screen.line(&["pods", "not permitted"]).is_empty()
    })?;
    for (pane, title, plural) in [
        ("pods", "Pods", "pods"),
        ("nodes", "Nodes", "nodes"),
        ("workloads", "Workloads", "deployments"),
    ] {
        seat.press(&format!(":{pane}\r"))?;
        seat.until("the missing right instead of an empty table", |screen| {
            screen.has(&format!("── {title}"))
                && !screen.line(&["not permitted", plural]).is_empty()
        })?;
    }
    seat.quit()
}

fn granted() -> Result<(), Failed> {
    let shop = Shop::open("granted")?;
    let target = shop
        .target(Account::Stranger)?
        .list("watch", &["nodes".to_owned()]);
    let mut watch = crate::watch::Watch::new(&[target])?;
    watch.until("a refusal", |snapshot| {
        let mut feeds = snapshot.model.feeds().iter();
        let outage = feeds.find_map(|feed| {
            feed.outage
                .as_ref()
                .filter(|_| &*feed.spec.id.endpoint == "nodes")
        });
        outage.is_some_and(|outage| outage.layer == Layer::Auth)
    })?;
    access::let_read(&shop.admin, Account::Stranger, "nodes")?;
    let node = Subject::object(midwatch::objects::ObjectKind::Node, "live", "", "w-01");
    watch.until("the nodes", |snapshot| snapshot.object(&node).is_ok())
}
