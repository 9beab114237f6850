//! The desk: what is written and read for the console, and what is told of it.

use super::*;

#[tokio::test]
async fn the_desk_writes_in_order_and_finishes_what_it_was_given() {
    let memory = Memory::default();
    let audit = memory.audit(1 << 20);
    let (desk, mut news) = Desk::new(Vec::new(), Ok(audit.clone()));
    for nth in 0..20 {
        let entry = Entry::new(Kind::Armed).note(nth.to_string());
        desk.take(Errand::Record(Box::new(entry)));
    }
    desk.finish(Duration::from_secs(60)).await;
    let (records, _) = audit.read().unwrap();
    let notes: Vec<_> = records
        .iter()
        .filter_map(|r| r.entry.note.clone())
        .collect();
    let wanted: Vec<String> = (0..20).map(|nth| nth.to_string()).collect();
    assert_eq!(notes, wanted);
    assert!(matches!(news.recv().await, Some(News::Recorded { .. })));
}

#[tokio::test]
async fn a_cluster_that_nobody_knows_is_an_answer_and_no_silence() {
    let bench = bench().await;
    let permit = Box::new(bench.permit().await);
    let (desk, mut news) = Desk::new(Vec::new(), Ok(bench.audit.clone()));
    let ticket = crate::actions::errand::Ticket(1);
    desk.take(Errand::Run { ticket, permit });
    let Some(News::Ended { end, .. }) = news.recv().await else {
        panic!("no end")
    };
    assert!(matches!(end, End::NotSent(_)));
    let id = ActionId(1);
    desk.take(Errand::Record(Box::new(
        Entry::of(Kind::Observed, id).found(Found::InEffect),
    )));
    assert!(matches!(news.recv().await, Some(News::Recorded { .. })));
}

#[tokio::test]
async fn a_damaged_audit_hides_nothing_that_follows_and_keeps_from_acting() {
    let home = tempfile::tempdir().unwrap();
    let audit = Audit::at(home.path(), &Environment::default());
    for _ in 0..2 {
        audit.append(&Entry::new(Kind::Armed)).unwrap();
    }
    let id = audit
        .append(&Entry::new(Kind::Intent))
        .unwrap()
        .entry
        .action;
    let path = home.path().join("000000000001.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("armed", "ARMED", 2)).unwrap();
    let (desk, mut news) = Desk::new(Vec::new(), Ok(audit.clone()));
    desk.take(Errand::ReadTrail);
    let Some(News::Damaged(how)) = news.recv().await else {
        panic!("not told")
    };
    assert!(how.contains("damaged at record 1"), "{how}");
    let Some(News::Trail(Ok((records, _)))) = news.recv().await else {
        panic!("not read")
    };
    let last = records.last().unwrap();
    assert_eq!((last.entry.kind, last.entry.action), (Kind::Intent, id));
    // A plan says so too, and cannot be admitted.
    let bench = bench().await;
    let plan = bench.planned().await;
    let armed = bench.power.as_ref().map(Power::armed);
    let live = prepare(&bench.fake.api, &Ok(audit), &plan, armed).await;
    assert!(live.audit.unwrap_err().contains("damaged at record 1"));
}

#[tokio::test]
async fn power_that_nobody_ended_is_recorded_as_ended_with_the_console() {
    for by_reader in [false, true] {
        let memory = Memory::default();
        let audit = memory.audit(1 << 20);
        let (desk, _news) = Desk::new(Vec::new(), Ok(audit.clone()));
        let record = |kind| Errand::Record(Box::new(Entry::new(kind).cluster("prod")));
        desk.take(record(Kind::Armed));
        if by_reader {
            desk.take(record(Kind::Disarmed));
        }
        desk.finish(Duration::from_secs(60)).await;
        let (records, _) = audit.read().unwrap();
        let kinds: Vec<Kind> = records.iter().map(|r| r.entry.kind).collect();
        assert_eq!(kinds, [Kind::Armed, Kind::Disarmed]);
        assert_eq!(records[1].entry.cluster.as_deref(), Some("prod"));
        let note = records[1].entry.note.as_deref();
        assert_eq!(note.is_none(), by_reader, "{note:?}");
    }
}
