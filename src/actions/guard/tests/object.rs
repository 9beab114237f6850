//! The API server's own word on the object, against a watch that may be behind.

use super::*;

#[test]
fn a_moment_before_the_request_the_object_must_be_as_the_plan_had_it() {
    let world = World::of_three();
    let power = power(&world);
    let permit = || admitted(&world, planned(&world, &cordon::ACTION, "w-1"), &power).unwrap();
    assert_eq!(permit().recheck(&world::json_of("w-1", "41")), Ok(None));
    type Spoil = fn(&mut Value);
    let spoils: [(Spoil, &str); 4] = [
        (
            |node| node["spec"]["unschedulable"] = json!(true),
            "spec.unschedulable was not set, is true",
        ),
        (
            |node| node["spec"]["taints"] = json!([{"key": "a", "effect": "NoExecute"}]),
            "spec.taints was not set, is [{\"effect\": \"NoExecute\", \"key\": \"a\"}]",
        ),
        (
            |node| node["metadata"]["deletionTimestamp"] = json!("2026-11-21T02:00:00Z"),
            "metadata.deletionTimestamp was not set, is 2026-11-21T02:00:00Z",
        ),
        (
            |node| node["metadata"]["uid"] = json!("another"),
            "uid was uid-w-1, is another",
        ),
    ];
    for (spoil, told) in spoils {
        let mut now = world::json_of("w-1", "42");
        spoil(&mut now);
        let changes = permit().recheck(&now).unwrap_err();
        assert_eq!(changes[0].to_string(), told);
    }
    assert!(permit().recheck(&json!({})).is_err());
}

#[test]
fn a_heartbeat_makes_no_plan_void_and_the_request_is_for_the_version_that_was_read() {
    let world = World::of_three();
    let power = power(&world);
    let mut permit = admitted(&world, planned(&world, &cordon::ACTION, "w-1"), &power).unwrap();
    let mut now = world::json_of("w-1", "42");
    now["status"] = json!({"conditions": [{"lastHeartbeatTime": "2026-11-21T02:00:00Z"}]});
    now["metadata"]["annotations"] = json!({"a": "b"});
    let moved = permit.recheck(&now).unwrap().unwrap();
    assert_eq!(moved.to_string(), "version was 41, is 42");
    let licences = permit.spend();
    let pins = &licences[0].call().body["metadata"];
    assert_eq!(*pins, json!({"uid": "uid-w-1", "resourceVersion": "42"}));
}

#[test]
fn what_the_server_has_already_is_not_done_though_the_watch_is_behind() {
    for (action, object) in [
        (&cordon::ACTION, world::json_of_cordoned("w-1", "42")),
        (&uncordon::ACTION, world::json_of("w-1", "42")),
    ] {
        let mut world = World::of_three();
        if action.id == "uncordon" {
            world.put(cordoned("w-1"));
        }
        let power = power(&world);
        let mut plan = planned(&world, action, "w-1");
        plan.live.as_mut().unwrap().object = Ok(object);
        let checks = checks(&plan, &world.snap(), Some(power.armed()));
        assert_eq!(verdict(&checks, "object"), Some(Verdict::Fail));
        assert!(text(&checks, "object").contains(action.already));
        let refusal = admitted(&world, plan, &power).unwrap_err();
        assert_eq!(refusal.why, Why::Already, "{refusal}");
    }
}

#[test]
fn what_the_server_says_otherwise_than_the_watch_stops_it() {
    let world = World::of_three();
    let power = power(&world);
    let mut plan = planned(&world, &cordon::ACTION, "w-1");
    let mut object = world::json_of("w-1", "41");
    object["metadata"]["deletionTimestamp"] = json!("2026-11-21T02:00:00Z");
    plan.live.as_mut().unwrap().object = Ok(object);
    let refusal = admitted(&world, plan, &power).unwrap_err();
    assert_eq!(refusal.why, Why::Guard);
    assert!(
        refusal.text.contains("being deleted was no, is yes"),
        "{refusal}"
    );
}

#[test]
fn a_name_that_nobody_has_is_told_with_the_nearest_and_only_where_all_are_known() {
    let mut world = World::of_three();
    let names = ["w-099", "w-199", "w-990"].map(node).to_vec();
    world.list(ObjectKind::Node, names);
    let refused = |world: &World, name: &str| {
        let request = Request {
            by: By::Command,
            ..Request::default()
        };
        plan(&cordon::ACTION, &world.snap(), &subject(name), &request).unwrap_err()
    };
    let refusal = refused(&world, "w-999");
    assert_eq!(refusal.text, "no such node: w-999 is not in prod");
    assert_eq!(
        refusal.hint,
        "Check the name: did you mean w-099, w-199 or w-990?"
    );
    let refusal = refused(&world, "ingress");
    assert_eq!(refusal.hint, "Check the name: prod has 3 nodes");
    // Nothing is said of names while nobody knows them all.
    world.wait(600);
    let refusal = refused(&world, "w-999");
    assert!(!refusal.text.contains("no such"), "{refusal}");
    assert!(refusal.hint.contains("--timeout"), "{refusal}");
}

#[test]
fn act_says_that_it_does_not_look_at_etcd() {
    let mut world = World::of_three();
    world.list(
        ObjectKind::Node,
        ["c-1", "c-2", "c-3"].map(control_plane).to_vec(),
    );
    let mut plan = planned(&world, &cordon::ACTION, "c-1");
    assert_eq!(verdict(&checks(&plan, &world.snap(), None), "etcd"), None);
    plan.by = By::Command;
    let checks = checks(&plan, &world.snap(), None);
    assert_eq!(verdict(&checks, "etcd"), Some(Verdict::Warn));
    assert!(text(&checks, "etcd").contains("not looked at by act"));
}
