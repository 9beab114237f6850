//! What became of a request: seen, not seen, lost, found after a restart; and the way back.

use super::*;

/// The runner's side of a run, as far as the core hears of it.
pub(super) fn flown(end: End) -> (Seat, ActionId) {
    let mut seat = ready();
    seat.press("y");
    let Some(Errand::Run { ticket, permit }) = seat.out.pop() else {
        panic!("no run")
    };
    let id = ActionId(7);
    let entry = Entry {
        action: Some(id),
        ..permit.intent(actions::record::Who::default())
    };
    let record = actions::record::Record {
        seq: 7,
        at: seat.now.wall,
        entry,
        process: actions::record::Process::default(),
        prev: crate::digest::Digest::NOTHING,
    };
    let mut attempt = record.clone();
    attempt.seq += 1;
    attempt.entry = Entry::of(Kind::Attempt, id);
    for record in [record, attempt] {
        seat.send(Event::News(Box::new(News::Recorded {
            ticket: Some(ticket),
            record: Box::new(record),
        })));
    }
    seat.send(Event::News(Box::new(News::Ended { ticket, end })));
    (seat, id)
}

fn found_of(seat: &Seat) -> Vec<(Kind, actions::record::Found)> {
    let records = seat.out.iter().filter_map(|errand| match errand {
        Errand::Record(entry) => Some((entry.kind, entry.found?)),
        _ => None,
    });
    records.collect()
}

#[test]
fn the_servers_yes_is_not_success_and_the_next_observation_is() {
    use actions::record::Found;
    let (mut seat, _) = flown(End::Accepted);
    assert!(found_of(&seat).is_empty());
    seat.wait(1000);
    seat.beat();
    assert!(found_of(&seat).is_empty(), "a beat says nothing about it");
    seat.put(world::cordoned("w-1"));
    assert_eq!(found_of(&seat), [(Kind::Observed, Found::InEffect)]);
    assert!(seat.notice().contains("done and seen"), "{}", seat.notice());
}

#[test]
fn what_nobody_sees_in_time_is_said_to_be_not_seen() {
    use actions::record::Found;
    let (mut seat, _) = flown(End::Accepted);
    for _ in 0..4 {
        seat.wait(10_000);
        seat.beat();
    }
    assert_eq!(found_of(&seat), [(Kind::Observed, Found::NotSeen)]);
}

#[test]
fn a_lost_answer_is_neither_failed_nor_done_until_somebody_looked() {
    use actions::record::Found;
    let (mut seat, id) = flown(End::Unknown("connection lost".into()));
    assert!(seat.notice().contains("UNKNOWN"), "{}", seat.notice());
    for _ in 0..4 {
        seat.wait(10_000);
        seat.beat();
    }
    assert_eq!(found_of(&seat), [(Kind::Observed, Found::NotSeen)]);
    let act = seat.app.acting.trail.act(id).unwrap();
    assert!(act.standing().is_open());
}

/// A trail as the next start reads it: an intent, perhaps with an attempt, and no end.
pub(super) fn restarted(attempted: bool, age: i64) -> Seat {
    let (seat, _) = flown(End::Accepted);
    let act = seat.app.acting.trail.acts().next().unwrap();
    let mut intent = act.intent.clone();
    let mut seat = Seat::new();
    intent.at = seat.now.wall - jiff::SignedDuration::from_secs(age);
    let mut records = vec![intent.clone()];
    if attempted {
        let mut attempt = intent;
        attempt.seq += 1;
        attempt.entry.kind = Kind::Attempt;
        records.push(attempt);
    }
    let read = Ok((records, BTreeSet::new()));
    seat.send(Event::News(Box::new(News::Trail(read))));
    seat
}

#[test]
fn a_run_without_an_end_is_found_out_by_looking_at_the_object() {
    use actions::record::Found;
    let mut seat = restarted(true, 5);
    assert!(found_of(&seat).is_empty(), "it may still be on its way");
    seat.put(world::cordoned("w-1"));
    assert_eq!(found_of(&seat), [(Kind::Resolved, Found::InEffect)]);
    seat.wait(1000);
    assert_eq!(found_of(&seat).len(), 1, "said once");
    let seat = restarted(true, 600);
    assert_eq!(found_of(&seat), [(Kind::Resolved, Found::NotInEffect)]);
}

#[test]
fn what_cannot_be_seen_is_not_resolved() {
    let (seat, _) = flown(End::Accepted);
    let act = seat.app.acting.trail.acts().next().unwrap();
    let (intent, attempt) = (act.intent.clone(), act.later[0].clone());
    let mut seat = Seat::new();
    // The watch falls silent before the audit is read.
    for _ in 0..3 {
        seat.wait(10_000);
    }
    let read = Ok((vec![intent, attempt], BTreeSet::new()));
    seat.send(Event::News(Box::new(News::Trail(read))));
    seat.wait(600_000);
    assert!(found_of(&seat).is_empty());
    assert_eq!(seat.app.acting.trail.open().count(), 1);
}

#[test]
fn u_proposes_the_inverse_and_does_nothing_by_itself() {
    let (mut seat, id) = flown(End::Accepted);
    seat.put(world::cordoned("w-1"));
    seat.press("esc u");
    let open = seat.app.acting.proposal().unwrap();
    assert_eq!((open.action.id, open.undoes()), ("uncordon", Some(id)));
    let runs = seat.runs();
    seat.prepare();
    seat.frame();
    assert_eq!(seat.runs(), runs);
    seat.press("y");
    assert_eq!(seat.runs(), runs + 1);
}

#[test]
fn leaving_while_something_is_under_way_needs_a_second_word() {
    let (mut seat, _) = flown(End::Accepted);
    seat.app.page = None;
    assert!(
        !seat
            .app
            .update(Event::Intent(Intent::Quit))
            .contains(&Effect::Quit)
    );
    assert!(seat.notice().contains("under way"), "{}", seat.notice());
    assert!(
        seat.app
            .update(Event::Intent(Intent::Quit))
            .contains(&Effect::Quit)
    );
}

#[test]
fn what_stops_is_passed_only_with_a_reason() {
    let mut seat = Seat::new();
    seat.put(world::cordoned("w-2"));
    seat.put(world::cordoned("w-3"));
    seat.frame();
    seat.arm();
    // Cordoned ones are on top.
    seat.press("j j x c");
    seat.prepare();
    seat.frame();
    seat.press("y");
    assert_eq!(seat.runs(), 0);
    assert!(seat.notice().contains(":override"), "{}", seat.notice());
    seat.command("override w-1 burns");
    seat.press("y");
    assert_eq!(seat.runs(), 1);
    let Some(Errand::Run { permit, .. }) = seat.out.last() else {
        panic!("no run")
    };
    assert_eq!(permit.plan().reason, "w-1 burns");
}

#[test]
fn over_a_damaged_audit_nothing_is_armed_however_much_can_be_written() {
    let mut seat = Seat::new();
    seat.arm();
    let how = "the audit is damaged at record 2: midwatch audit verify";
    seat.send(Event::News(Box::new(News::Damaged(how.into()))));
    assert!(seat.app.acting.power.is_none());
    let read = Ok((Vec::new(), BTreeSet::new()));
    seat.send(Event::News(Box::new(News::Trail(read))));
    seat.command("arm 10m");
    assert!(seat.app.acting.power.is_none());
    assert!(
        seat.notice().contains("damaged at record 2"),
        "{}",
        seat.notice()
    );
}
