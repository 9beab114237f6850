//! After a run: what is somebody else's doing, what a stop of midwatch ends, and what is read again.

use super::outcomes::{flown, restarted};
use super::*;
use crate::actions::record::{Found, Process, Record};
use crate::actions::trail::Standing;
use crate::digest::Digest;

fn entries(seat: &Seat) -> Vec<&Entry> {
    let entries = seat.out.iter().filter_map(|errand| match errand {
        Errand::Record(entry) => Some(&**entry),
        _ => None,
    });
    entries.collect()
}

/// What is to be recorded is on the disk.
fn written(seat: &mut Seat) {
    let entries: Vec<Entry> = entries(seat).into_iter().cloned().collect();
    seat.out
        .retain(|errand| !matches!(errand, Errand::Record(_)));
    for entry in entries {
        let record = Record {
            seq: seat.app.acting.trail.newest() + 1,
            at: seat.now.wall,
            entry,
            process: Process::default(),
            prev: Digest::NOTHING,
        };
        seat.send(Event::News(Box::new(News::Recorded {
            ticket: None,
            record: Box::new(record),
        })));
    }
}

fn reads(seat: &Seat) -> usize {
    let read = |errand: &&Errand| matches!(errand, Errand::ReadTrail);
    seat.out.iter().filter(read).count()
}

#[test]
fn a_run_that_never_began_to_send_did_nothing_whatever_the_object_says() {
    let mut seat = restarted(false, 5);
    let ends = entries(&seat);
    assert_eq!(ends.len(), 1);
    assert_eq!((ends[0].kind, ends[0].found), (Kind::Refused, None));
    seat.put(world::cordoned("w-1"));
    written(&mut seat);
    let act = seat.app.acting.trail.acts().next().unwrap();
    assert_eq!(act.standing(), Standing::NotSent);
    assert!(seat.app.left_behind().is_empty(), "it is somebody else's");
}

#[test]
fn what_somebody_else_took_back_and_did_again_is_not_left_behind_by_midwatch() {
    let (mut seat, id) = flown(End::Accepted);
    seat.put(world::cordoned("w-1"));
    written(&mut seat);
    assert_eq!(seat.app.left_behind().len(), 1);
    seat.put(world::node("w-1"));
    seat.wait(1000);
    seat.wait(1000);
    let ends = entries(&seat);
    assert_eq!(ends.len(), 1, "said once");
    assert_eq!(ends[0].found, Some(Found::NotInEffect));
    written(&mut seat);
    seat.put(world::cordoned("w-1"));
    seat.wait(1000);
    assert!(seat.app.left_behind().is_empty());
    let act = seat.app.acting.trail.act(id).unwrap();
    assert_eq!(act.standing(), Standing::Undone);
}

#[test]
fn a_stop_ends_the_power_and_what_was_read_is_read_anew() {
    let mut seat = ready();
    assert!(seat.app.acting.power.is_some());
    let now = seat.now;
    seat.send(Event::Stopped(now));
    assert!(seat.notice().contains("suspended"), "{}", seat.notice());
    assert!(seat.app.acting.power.is_none());
    let open = seat.app.acting.proposal.as_ref().unwrap();
    assert!(!open.was_read());
}

#[test]
fn a_plan_made_anew_has_no_end_of_the_one_before() {
    let (mut seat, _) = flown(End::Changed(Vec::new()));
    let open = seat.app.acting.proposal().unwrap();
    assert!(open.end.is_none() && open.id.is_none() && open.remade.is_some());
    seat.wait(1000);
}

#[test]
fn an_audit_in_trouble_is_read_again_and_then_it_can_be_armed() {
    let mut seat = Seat::new();
    let trouble = || Event::News(Box::new(News::Trail(Err("disk full".into()))));
    seat.send(trouble());
    seat.command("arm 10m");
    assert!(seat.app.acting.power.is_none());
    assert_eq!(reads(&seat), 0, "not at once");
    seat.wait(6000);
    assert_eq!(reads(&seat), 1);
    seat.wait(1000);
    assert_eq!(reads(&seat), 1, "not at each beat");
    let well = Ok((Vec::new(), BTreeSet::new()));
    seat.send(Event::News(Box::new(News::Trail(well))));
    seat.wait(60_000);
    assert_eq!(reads(&seat), 1, "there is nothing to wait for");
    assert!(seat.app.acting.trail.trouble.is_none());
}

#[test]
fn what_is_under_way_elsewhere_is_asked_for_until_it_is_not() {
    let (seat, id) = flown(End::Accepted);
    let intent = seat.app.acting.trail.act(id).unwrap().intent.clone();
    let mut seat = Seat::new();
    let read = |busy: &[ActionId]| {
        let busy = busy.iter().copied().collect();
        Event::News(Box::new(News::Trail(Ok((vec![intent.clone()], busy)))))
    };
    seat.send(read(&[id]));
    seat.wait(6000);
    assert_eq!(reads(&seat), 1);
    assert!(entries(&seat).is_empty(), "it may yet be sent by the other");
    seat.send(read(&[]));
    assert_eq!(entries(&seat).len(), 1);
}

#[test]
fn each_run_asks_once_more_before_it_is_left() {
    let (mut seat, _) = flown(End::Accepted);
    seat.app.page = None;
    let quits = |seat: &mut Seat| {
        let effects = seat.app.update(Event::Intent(Intent::Quit));
        effects.contains(&Effect::Quit)
    };
    assert!(!quits(&mut seat));
    assert!(seat.app.left_behind()[0].contains("UNKNOWN whether cordon"));
    seat.put(world::cordoned("w-1"));
    assert!(!seat.app.acting.warned, "the word was for that run alone");
}

#[test]
fn no_audit_no_power() {
    let mut seat = ready();
    seat.send(Event::News(Box::new(News::NotRecorded("disk full".into()))));
    assert!(seat.app.acting.power.is_none());
    seat.press("y");
    assert_eq!(seat.runs(), 0);
    seat.command("arm 10m");
    assert!(seat.app.acting.power.is_none());
    assert!(seat.notice().contains("disk full"), "{}", seat.notice());
}
