//! `:cordon NODE`: what is named is what is meant, wherever the cursor stands.

use super::*;

impl Seat {
    /// Another cluster, that lists these nodes.
    fn stage(&mut self, nodes: &[&str]) {
        world::register(&mut self.app.model, "stage");
        let mut deltas = vec![Delta::Begin(ObjectKind::Node)];
        for name in nodes {
            let mut node = world::node(name);
            node.cluster = "stage".into();
            node.uid = format!("uid-stage-{name}").into();
            deltas.push(Delta::Put(Arc::new(node)));
        }
        deltas.push(Delta::Synced(ObjectKind::Node));
        self.observe(world::told("stage", ObjectKind::Node, self.now, deltas));
        self.frame();
    }

    /// Path, uid and reason of the open plan.
    fn planned(&self) -> (String, String, String) {
        let open = self.app.acting.proposal().unwrap();
        let plan = open.plan().unwrap();
        let uid = plan.target.uid.to_string();
        (plan.subject.to_string(), uid, plan.reason.clone())
    }
}

fn of(path: &str, uid: &str, reason: &str) -> (String, String, String) {
    (path.into(), uid.into(), reason.into())
}

#[test]
fn a_command_is_about_the_node_that_it_names_and_not_about_the_cursor() {
    for line in [
        "cordon w-3",
        "cordon node/w-3",
        "cordon node/prod/w-3",
        "act cordon w-3",
        "cordon   nodes/w-3  ",
    ] {
        let mut seat = Seat::new();
        assert_eq!(
            seat.app.selected().unwrap().subject().unwrap().leaf(),
            "w-1"
        );
        seat.command(line);
        assert_eq!(seat.planned(), of("node/prod/w-3", "uid-w-3", ""), "{line}");
    }
    let mut seat = Seat::new();
    seat.put(world::cordoned("w-2"));
    seat.press("j");
    seat.command("uncordon w-2");
    assert_eq!(seat.planned(), of("node/prod/w-2", "uid-w-2", ""));
}

#[test]
fn without_a_name_it_is_about_the_node_under_the_cursor() {
    let mut seat = Seat::new();
    seat.press("j");
    seat.command("cordon");
    assert_eq!(seat.planned(), of("node/prod/w-2", "uid-w-2", ""));
    seat.command("cordon w-3");
    // And on the page of a plan about that plan's object.
    seat.command("cordon -- disk swap");
    assert_eq!(seat.planned(), of("node/prod/w-3", "uid-w-3", "disk swap"));
}

#[test]
fn a_reason_stands_after_two_dashes_and_nowhere_else() {
    let mut seat = Seat::new();
    seat.command("cordon w-3 -- disk swap -- slot 4");
    let wanted = of("node/prod/w-3", "uid-w-3", "disk swap -- slot 4");
    assert_eq!(seat.planned(), wanted);
    for line in [
        "cordon w-3 disk swap",
        "cordon w-2 w-3",
        "cordon w-3 w-3 -- why",
    ] {
        let mut seat = Seat::new();
        seat.command(line);
        assert!(seat.app.acting.proposal().is_none(), "{line}");
        let told = "one name at a time, and a reason after two dashes: :cordon w-";
        assert!(seat.notice().contains(told), "{line}: {}", seat.notice());
    }
}

#[test]
fn a_name_that_nobody_has_opens_nothing_and_says_which_was_meant() {
    for (line, told) in [
        (
            "cordon w-33",
            "no node is called `w-33`; did you mean `w-3`?",
        ),
        ("cordon W-3", "no node is called `W-3`; did you mean `w-3`?"),
        // The beginning of several names, and a reason as it was once given.
        ("cordon w-", "no node is called `w-`; did you mean `w-1`?"),
        ("cordon maintenance", "no node is called `maintenance`"),
        ("cordon pod/w-3", "cordon is for a node"),
        ("cordon node/", "names nothing"),
        ("cordon --now", "no node is called `--now`"),
        (
            "cordon node/prid/w-3",
            "no cluster is called `prid`; did you mean `prod`?",
        ),
    ] {
        let mut seat = Seat::new();
        seat.command(line);
        assert!(seat.app.acting.proposal().is_none(), "{line}");
        assert!(seat.notice().contains(told), "{line}: {}", seat.notice());
    }
}

#[test]
fn a_name_in_several_clusters_wants_one_of_them() {
    let mut seat = Seat::new();
    seat.stage(&["w-3", "s-1"]);
    seat.command("cordon w-3");
    assert!(seat.app.acting.proposal().is_none());
    let told = "cordon: 2 clusters have a node `w-3`; write :cordon node/prod/w-3 or :cordon node/stage/w-3";
    assert_eq!(seat.notice(), told);
    seat.command("cordon node/stage/w-3");
    assert_eq!(seat.planned(), of("node/stage/w-3", "uid-stage-w-3", ""));
    seat.command("cordon s-1");
    assert_eq!(seat.planned(), of("node/stage/s-1", "uid-stage-s-1", ""));
    // One cluster in scope says which.
    let mut seat = Seat::new();
    seat.stage(&["w-3", "s-1"]);
    seat.command("ctx stage");
    seat.command("cordon w-3");
    assert_eq!(seat.planned(), of("node/stage/w-3", "uid-stage-w-3", ""));
    let mut seat = Seat::new();
    seat.stage(&["s-1"]);
    seat.command("ctx stage");
    seat.command("cordon w-3");
    assert!(seat.app.acting.proposal().is_none(), "it is out of scope");
}

#[test]
fn where_a_cluster_has_not_told_its_nodes_a_name_alone_is_not_enough() {
    let mut seat = Seat::new();
    world::register(&mut seat.app.model, "stage");
    seat.command("cordon w-3");
    assert!(seat.app.acting.proposal().is_none());
    let told =
        "the nodes of stage are not known, and `w-3` may be there too; write :cordon node/prod/w-3";
    assert!(seat.notice().contains(told), "{}", seat.notice());
    seat.command("cordon node/prod/w-3");
    assert_eq!(seat.planned(), of("node/prod/w-3", "uid-w-3", ""));
}

#[test]
fn what_was_named_is_held_fast_by_its_uid() {
    let mut seat = Seat::new();
    seat.arm();
    seat.command("cordon w-3");
    seat.prepare();
    seat.frame();
    let mut again = world::node("w-3");
    again.uid = "another".into();
    seat.put(again);
    seat.press("y");
    assert_eq!(seat.runs(), 0, "{}", seat.notice());
    let mut seat = Seat::new();
    seat.arm();
    seat.command("cordon w-3");
    seat.prepare();
    seat.frame();
    seat.press("y");
    let Some(Errand::Run { permit, .. }) = seat.out.last() else {
        panic!("no run: {}", seat.notice())
    };
    let body = permit.plan().steps[0].call.body.to_string();
    assert!(
        body.contains(r#""resourceVersion":"41","uid":"uid-w-3""#),
        "{body}"
    );
}

#[test]
fn tab_offers_names_that_begin_so_and_tells_namesakes_apart() {
    let mut seat = Seat::new();
    let all = seat.app.completions("cordon ");
    assert_eq!(all, ["cordon w-1", "cordon w-2", "cordon w-3"]);
    assert_eq!(seat.app.completions("act cordon w-2"), ["act cordon w-2"]);
    assert!(seat.app.completions("cordon 3").is_empty());
    seat.stage(&["w-3"]);
    let all = seat.app.completions("uncordon node/");
    assert_eq!(all, ["uncordon node/prod/w-3", "uncordon node/stage/w-3"]);
    assert_eq!(seat.app.takes("cordon w"), Some("[NODE] [-- REASON]"));
}
