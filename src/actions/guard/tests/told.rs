//! What stands on the page of a plan: how guards are marked, and what they count.

use super::*;

#[test]
fn how_many_others_take_pods_is_one_count_and_a_later_one_says_so() {
    let mut world = World::of_three();
    let power = power(&world);
    let plan = planned(&world, &cordon::ACTION, "w-1");
    let said = |world: &World| {
        let checks = checks(&plan, &world.snap(), Some(power.armed()));
        text(&checks, "elsewhere").to_owned()
    };
    let room = plan.blast.elsewhere.as_ref().unwrap();
    assert_eq!(room.nodes, 2);
    assert!(room.words().starts_with("2 other nodes take pods: "));
    assert_eq!(said(&world), "2 other nodes take pods");
    world.put(cordoned("w-3"));
    let later = "1 other node takes pods now, 2 when it was planned";
    assert_eq!(said(&world), later);
}

#[test]
fn an_override_is_one_with_a_reason_and_of_what_can_be_overridden() {
    let world = World::of_three();
    let mut plan = planned(&world, &cordon::ACTION, "w-1");
    let check = |verdict| Check::new("some", verdict, "", world.now.stamp);
    let mark = |plan: &Plan, verdict| plan.mark(&check(verdict));
    assert_eq!(mark(&plan, Verdict::Stop), "[STOP]");
    plan.overridden = true;
    assert_eq!(mark(&plan, Verdict::Stop), "[STOP]", "no reason");
    plan.reason = "disk swap".into();
    assert_eq!(mark(&plan, Verdict::Stop), "[OVER]");
    assert_eq!(mark(&plan, Verdict::Fail), "[FAIL]");
    assert_eq!(mark(&plan, Verdict::Warn), "[warn]");
}
