//! The audit on a disk that fails where it is told to, and under every kind of meddling.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::disk::{Disk, Lock};
use super::*;
use crate::actions::record::Found;

/// Files in memory; each operation is counted, and one of them fails.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    operations: usize,
    /// The operation that fails, and how much of a write it lets through.
    fails: Option<(usize, usize)>,
}

impl State {
    fn step(&mut self) -> io::Result<()> {
        self.operations += 1;
        match self.fails {
            Some((at, _)) if at == self.operations => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }
}

impl Memory {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub fn fail(&self, after: usize, through: usize) {
        let mut state = self.state();
        state.fails = Some((state.operations + after, through));
    }

    /// Nothing fails any more.
    pub fn heal(&self) {
        self.state().fails = None;
    }

    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.state().files.clone()
    }

    fn with(files: BTreeMap<String, Vec<u8>>) -> Self {
        let memory = Self::default();
        memory.state().files = files;
        memory
    }

    pub fn audit(&self, segment: u64) -> Audit {
        let environment = Environment::default();
        Audit::on(
            Box::new(self.clone()),
            "memory".into(),
            &environment,
            segment,
            None,
        )
    }
}

impl Disk for Memory {
    fn lock(&self) -> io::Result<Option<Lock>> {
        self.state().step().map(|()| Some(Lock::nobodys()))
    }
    fn segments(&self) -> io::Result<Vec<String>> {
        let mut state = self.state();
        state.step()?;
        Ok(state.files.keys().cloned().collect())
    }
    fn tail(&self, name: &str, most: u64) -> io::Result<(Vec<u8>, u64)> {
        let mut state = self.state();
        state.step()?;
        let bytes = &state.files[name];
        let from = bytes.len().saturating_sub(usize::try_from(most).unwrap());
        Ok((bytes[from..].to_vec(), bytes.len() as u64))
    }
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut state = self.state();
        state.step()?;
        Ok(state.files[name].clone())
    }
    fn create(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        assert!(!state.files.contains_key(name), "{name} is made twice");
        state.files.insert(name.to_owned(), Vec::new());
        // The second step is the name's own way to the disk.
        state.step()
    }
    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let written = state.step();
        let through = match (&written, state.fails) {
            (Err(_), Some((_, through))) => through.min(bytes.len()),
            _ => bytes.len(),
        };
        let file = state.files.get_mut(name).unwrap();
        file.extend_from_slice(&bytes[..through]);
        written?;
        // The second step is the sync: what was written stays, but nobody knows.
        state.step()
    }
}

fn entry(note: &str) -> Entry {
    Entry::new(Kind::Armed).cluster("prod").note(note)
}

fn filled(segment: u64, records: usize) -> (Memory, Audit) {
    let memory = Memory::default();
    let audit = memory.audit(segment);
    for nth in 0..records {
        audit.append(&entry(&format!("n {nth}"))).unwrap();
    }
    (memory, audit)
}

fn judged(files: BTreeMap<String, Vec<u8>>) -> verify::Verdict {
    Memory::with(files).audit(SEGMENT).verify().unwrap()
}

#[test]
fn records_are_numbered_and_an_intent_gives_the_action_its_name() {
    let (_, audit) = filled(SEGMENT, 2);
    let intent = audit.append(&Entry::new(Kind::Intent)).unwrap();
    assert_eq!(intent.seq, 3);
    assert_eq!(intent.entry.action, Some(ActionId(3)));
    let (records, fault) = audit.read().unwrap();
    assert_eq!(records.len(), 3);
    assert_eq!(records[2], intent);
    assert_eq!(fault, None);
}

#[test]
fn a_full_segment_is_followed_by_another_and_the_chain_goes_on() {
    let (memory, audit) = filled(1000, 12);
    assert!(memory.files().len() > 2, "{}", memory.files().len());
    let verdict = audit.verify().unwrap();
    assert_eq!((verdict.records, &verdict.fault), (12, &None));
    let names: Vec<String> = memory.files().into_keys().collect();
    assert_eq!(names[0], "000000000001.jsonl");
}

#[test]
fn two_processes_add_to_one_chain() {
    let (memory, one) = filled(700, 1);
    let two = memory.audit(700);
    for _ in 0..5 {
        two.append(&entry("two")).unwrap();
        one.append(&entry("one")).unwrap();
    }
    assert_eq!(one.verify().unwrap().records, 11);
    assert_eq!(one.verify().unwrap().fault, None);
}

#[test]
fn a_line_that_a_crash_cut_off_is_closed_by_a_record_that_names_it() {
    for segment in [400, SEGMENT] {
        let (memory, _) = filled(segment, 3);
        let files = memory.files();
        let (last, whole) = files.last_key_value().unwrap();
        let from = whole[..whole.len() - 1]
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        for length in from + 1..whole.len() {
            let mut files = files.clone();
            files.insert(last.clone(), whole[..length].to_vec());
            let memory = Memory::with(files);
            let audit = memory.audit(segment);
            assert!(audit.verify().unwrap().fault.is_some(), "cut to {length}");
            audit.append(&entry("after")).unwrap();
            let verdict = audit.verify().unwrap();
            assert_eq!(verdict.fault, None, "cut to {length}");
            // Without its line break alone a record is whole.
            let lost = usize::from(length + 1 < whole.len());
            assert_eq!(verdict.repaired, lost as u64, "cut to {length}");
            // The cut bytes cannot be changed afterwards either.
            if lost == 1 {
                let mut files = memory.files();
                files.get_mut(last).unwrap()[from] ^= 1;
                assert!(judged(files).fault.is_some());
            }
        }
    }
}

#[test]
fn a_crash_while_closing_is_closed_as_well() {
    let (memory, _) = filled(SEGMENT, 2);
    let mut files = memory.files();
    files.values_mut().next().unwrap().extend(b"{\"seq\":3,");
    let memory = Memory::with(files);
    // lock, segments, tail, create and its sync, then the write is cut.
    memory.fail(6, 30);
    let audit = memory.audit(SEGMENT);
    assert!(audit.append(&entry("x")).is_err());
    let again = memory.audit(SEGMENT);
    again.append(&entry("y")).unwrap();
    let verdict = again.verify().unwrap();
    assert_eq!((verdict.fault, verdict.repaired), (None, 1));
    assert_eq!(memory.files().len(), 3);
}

#[test]
fn a_damaged_end_is_told_and_not_added_to() {
    let (memory, _) = filled(SEGMENT, 2);
    let mut files = memory.files();
    let bytes = files.values_mut().next().unwrap();
    let at = bytes.len() - 20;
    bytes[at] ^= 1;
    let error = Memory::with(files).audit(SEGMENT).append(&entry("x"));
    assert!(matches!(error, Err(AuditError::Damaged(_))), "{error:?}");
}

#[test]
fn records_behind_a_fault_are_still_read_and_the_fault_says_the_way_out() {
    for segment in [500, SEGMENT] {
        let (memory, _) = filled(segment, 6);
        let mut all = lines(&memory.files());
        all[1].1[3] ^= 1;
        all.remove(3);
        let audit = Memory::with(joined(&all)).audit(segment);
        let (records, fault) = audit.read().unwrap();
        let seqs: Vec<u64> = records.iter().map(|record| record.seq).collect();
        assert_eq!(seqs, [1, 3, 5, 6]);
        assert_eq!(fault.unwrap().seq, 2);
        assert_eq!(
            audit.verify().unwrap().records,
            1,
            "nothing behind it is vouched for"
        );
        let broken = audit.is_sound().unwrap_err().to_string();
        assert!(
            broken.starts_with("the audit is damaged at record 2 ("),
            "{broken}"
        );
        assert!(
            broken.contains("midwatch audit verify") && broken.contains("mv memory memory.damaged"),
            "{broken}"
        );
        // One record is gone without a trace but the gap.
        let mut all = lines(&memory.files());
        all.remove(1);
        let audit = Memory::with(joined(&all)).audit(segment);
        assert_eq!(audit.read().unwrap().0.len(), 5);
    }
}

#[test]
fn what_a_crash_cut_off_is_no_damage_and_no_reason_not_to_act() {
    let (memory, audit) = filled(SEGMENT, 2);
    assert!(audit.is_sound().is_ok());
    let mut files = memory.files();
    files.values_mut().next().unwrap().extend(b"{\"seq\":3,");
    let audit = Memory::with(files).audit(SEGMENT);
    assert!(audit.verify().unwrap().fault.is_some());
    assert!(audit.is_sound().is_ok());
}

/// Every operation fails once, with nothing, a part and all of a write let through.
#[test]
fn what_is_promised_is_there_whatever_fails() {
    for segment in [500, SEGMENT] {
        for through in [0, 1, 57, usize::MAX] {
            for nth in 1..40 {
                let (memory, audit) = filled(segment, 3);
                memory.fail(nth, through);
                let mut promised = Vec::new();
                for note in ["a", "b", "c", "d", "e"] {
                    if let Ok(record) = audit.append(&entry(note)) {
                        promised.push(record);
                    }
                }
                assert!(promised.len() >= 4, "one operation fails once");
                memory.heal();
                let after = memory.audit(segment);
                // Closes what the failure may have cut off.
                after.append(&entry("after")).unwrap();
                let (records, fault) = after.read().unwrap();
                assert_eq!(fault, None, "operation {nth}, {through} bytes through");
                for record in promised {
                    assert!(
                        records.contains(&record),
                        "operation {nth}: {record:?} is lost"
                    );
                }
            }
        }
    }
}

#[test]
fn an_anchor_finds_what_the_chain_alone_cannot() {
    let (memory, audit) = filled(500, 6);
    let head = audit.verify().unwrap().head().unwrap();
    assert_eq!(head.to_string().parse(), Ok(head));
    assert_eq!(audit.verify().unwrap().holds(head), Ok(()));
    // Whole records cut off from the end, and a chain that was written anew.
    let mut files = memory.files();
    files.pop_last();
    let cut = judged(files);
    assert_eq!(cut.fault, None);
    assert!(cut.holds(head).unwrap_err().contains("not there"));
    let (_, forged) = filled(500, 6);
    forged.append(&entry("more")).unwrap();
    let forged = forged.verify().unwrap();
    assert_eq!(forged.fault, None);
    assert!(forged.holds(head).unwrap_err().contains("not the one"));
}

#[test]
fn a_run_of_a_process_that_is_gone_is_not_busy() {
    let (_, audit) = filled(SEGMENT, 0);
    let intent = Entry {
        who: Some(audit.who(None)),
        ..Entry::new(Kind::Intent)
    };
    let mine = audit.append(&intent).unwrap();
    let mut dead = mine.clone();
    dead.seq = 2;
    dead.entry.action = Some(ActionId(2));
    dead.process.started += 1;
    let mut foreign = dead.clone();
    foreign.seq = 3;
    foreign.entry.action = Some(ActionId(3));
    foreign.entry.who.as_mut().unwrap().host = "elsewhere".into();
    let busy = audit.busy(&[mine, dead, foreign]);
    assert_eq!(busy.into_iter().collect::<Vec<_>>(), [ActionId(3)]);
}

#[test]
fn the_folder_and_its_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("state/audit");
    let audit = Audit::at(&folder, &Environment::default());
    audit.append(&entry("x")).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in std::fs::read_dir(&folder).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
    // What was opened up since is closed again.
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    audit.append(&entry("y")).unwrap();
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(audit.verify().unwrap().records, 2);
}

/// Where the child of the test below writes.
const LIMITED: &str = "MIDWATCH_TEST_LIMITED_AUDIT";

/// Runs itself again under a limit: it is the whole process's.
#[test]
fn a_limit_on_the_size_of_files_is_an_error_and_does_not_kill() {
    const NAME: &str = "audit::tests::a_limit_on_the_size_of_files_is_an_error_and_does_not_kill";
    if let Some(folder) = std::env::var_os(LIMITED) {
        let audit = Audit::at(Path::new(&folder), &Environment::default());
        let failed = (0..64).find_map(|_| audit.append(&entry("x")).err());
        let Some(AuditError::Disk(_, error)) = failed else {
            panic!("not refused: {failed:?}")
        };
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let ran = std::process::Command::new("sh")
        .args(["-c", "ulimit -f 2; exec \"$0\" --exact \"$1\""])
        .arg(std::env::current_exe().unwrap())
        .arg(NAME)
        .env(LIMITED, home.path())
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{:?} {out}", ran.status);
    assert!(out.contains("1 passed"), "{out}");
}

#[test]
fn while_another_process_writes_it_waits() {
    let home = tempfile::tempdir().unwrap();
    let audit = Audit::at(home.path(), &Environment::default());
    let held = Folder::new(home.path().to_owned()).lock().unwrap();
    assert!(held.is_some());
    assert!(matches!(audit.append(&entry("x")), Err(AuditError::Busy)));
    drop(held);
    audit.append(&entry("x")).unwrap();
}

/// Lines of all segments, and how to put them back.
fn lines(files: &BTreeMap<String, Vec<u8>>) -> Vec<(String, Vec<u8>)> {
    let each = files.iter().flat_map(|(name, bytes)| {
        let lines = bytes.split_inclusive(|byte| *byte == b'\n');
        lines.map(|line| (name.clone(), line.to_vec()))
    });
    each.collect()
}

fn joined(lines: &[(String, Vec<u8>)]) -> BTreeMap<String, Vec<u8>> {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (name, line) in lines {
        files.entry(name.clone()).or_default().extend(line);
    }
    files
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_meddling_is_found(
        segment in prop::sample::select(vec![500, 900, SEGMENT]),
        at in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
        bit in 0_u8..8,
        how in 0_u8..5,
    ) {
        let (memory, _) = filled(segment, 7);
        let files = memory.files();
        let mut all = lines(&files);
        let (at_line, to_line) = (at.index(all.len()), to.index(all.len()));
        match how {
            0 => {
                let line = &mut all[at_line].1;
                let place = to.index(line.len());
                line[place] ^= 1 << bit;
            }
            // The last one can be dropped unseen: for that there are anchors.
            1 => {
                prop_assume!(at_line + 1 < all.len());
                all.remove(at_line);
            }
            2 => {
                prop_assume!(at_line != to_line);
                let (a, b) = (all[at_line].1.clone(), all[to_line].1.clone());
                all[at_line].1 = b;
                all[to_line].1 = a;
            }
            3 => {
                let double = all[at_line].clone();
                all.insert(to_line, (all[to_line].0.clone(), double.1));
            }
            _ => {
                let line = &mut all[at_line].1;
                // The break behind a record that is whole says nothing; every byte of the record does.
                let place = to.index(line.len() - 1);
                line.remove(place);
            }
        }
        prop_assert!(judged(joined(&all)).fault.is_some(), "{how} at {at_line} to {to_line}");
    }

    #[test]
    fn the_first_bad_record_is_named(at in any::<prop::sample::Index>()) {
        let (memory, _) = filled(SEGMENT, 7);
        let mut all = lines(&memory.files());
        let at = at.index(all.len());
        all[at].1[3] ^= 1;
        prop_assert_eq!(judged(joined(&all)).fault.unwrap().seq, at as u64 + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_never_let_go_ends_in_an_error_and_not_in_silence() {
    struct Held;
    impl Disk for Held {
        fn lock(&self) -> io::Result<Option<Lock>> {
            Ok(None)
        }
        fn segments(&self) -> io::Result<Vec<String>> {
            Ok(Vec::new())
        }
        fn tail(&self, _: &str, _: u64) -> io::Result<(Vec<u8>, u64)> {
            Ok((Vec::new(), 0))
        }
        fn read(&self, _: &str) -> io::Result<Vec<u8>> {
            Ok(Vec::new())
        }
        fn create(&self, _: &str) -> io::Result<()> {
            Ok(())
        }
        fn append(&self, _: &str, _: &[u8]) -> io::Result<()> {
            Ok(())
        }
    }
    let environment = Environment::default();
    let audit = Audit::on(Box::new(Held), "held".into(), &environment, SEGMENT, None);
    let entry = Entry::of(Kind::Observed, ActionId(1)).found(Found::InEffect);
    let done = audit.record(entry).await;
    assert!(matches!(done, Err(AuditError::Busy)), "{done:?}");
}
