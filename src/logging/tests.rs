//! What reaches the ring and the file, and what a full disk does to both.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use super::*;

/// A sink that refuses the writes between two counts, and keeps the others.
struct Flaky {
    writes: usize,
    full: std::ops::Range<usize>,
    kept: Arc<Mutex<String>>,
}

impl Sink for Flaky {
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        self.writes += 1;
        if self.full.contains(&(self.writes - 1)) {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.kept
            .lock()
            .unwrap()
            .push_str(std::str::from_utf8(line).unwrap());
        Ok(())
    }
}

fn flaky(full: std::ops::Range<usize>) -> (Log, Arc<Mutex<String>>) {
    let kept = Arc::new(Mutex::new(String::new()));
    let log = Log::default();
    let sink = Flaky {
        writes: 0,
        full,
        kept: Arc::clone(&kept),
    };
    log.inner().sink = Some(Box::new(sink));
    (log, kept)
}

fn say(log: &Log, text: &str) {
    log.take(Now::fixed(), Level::INFO, "midwatch::poll", text);
}

fn ring(log: &Log) -> Vec<String> {
    log.inner()
        .ring
        .iter()
        .map(|message| message.text.clone())
        .collect()
}

#[test]
fn a_full_disk_is_told_once_and_everything_stays_in_memory() {
    let (log, _) = flaky(1..4);
    for text in ["a", "b", "c", "d"] {
        say(&log, text);
    }
    let told: Vec<String> = ring(&log)
        .into_iter()
        .filter(|text| text.contains("cannot be written"))
        .collect();
    assert_eq!(told.len(), 1);
    assert!(log.inner().trouble.as_deref().unwrap().contains("storage"));
    for text in ["a", "b", "c", "d"] {
        assert!(ring(&log).contains(&text.to_owned()), "{text}");
    }
}

#[test]
fn the_file_that_cannot_be_written_is_named() {
    let (log, _) = flaky(0..1);
    log.inner().path = Some("/state/midwatch/midwatch.log".into());
    say(&log, "a");
    let trouble = log.inner().trouble.clone().unwrap();
    assert!(
        trouble.contains("/state/midwatch/midwatch.log"),
        "{trouble}"
    );
    assert!(ring(&log).contains(&trouble), "and the console can show it");
}

#[test]
fn a_disk_with_room_again_is_written_again_and_says_what_is_missing() {
    let (log, kept) = flaky(1..3);
    for text in ["a", "b", "c", "d"] {
        say(&log, text);
    }
    assert_eq!(log.inner().trouble, None);
    let kept = kept.lock().unwrap().clone();
    assert!(
        kept.contains("2 messages did not reach this file"),
        "{kept}"
    );
    assert!(
        kept.contains("\"text\":\"d\"") && !kept.contains("\"text\":\"c\""),
        "{kept}"
    );
}

#[test]
fn hostile_text_is_one_line_of_json_without_a_raw_control_character() {
    let (log, kept) = flaky(0..0);
    say(&log, "a\u{1b}[2J\nb\u{9b}\u{202e}");
    let kept = kept.lock().unwrap().clone();
    assert_eq!(kept.matches('\n').count(), 1);
    assert!(kept.ends_with('\n') && !kept.trim_end().chars().any(crate::text::is_unsafe));
    let back: serde_json::Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(back["text"], "a\u{1b}[2J\nb\u{9b}\u{202e}");
    assert_eq!(back["level"], "info");
}

#[test]
fn secrets_reach_neither_the_file_nor_the_ring() {
    let (log, kept) = flaky(0..0);
    log.inner().secrets.add("s3cr3t-value");
    say(&log, "s3cr3t-value Authorization: Bearer hunter2");
    assert!(!ring(&log)[0].contains("hunter2") && !ring(&log)[0].contains("s3cr3t"));
    assert!(!kept.lock().unwrap().contains("hunter2"));
}

#[test]
fn the_ring_and_each_message_are_bounded() {
    let (log, _) = flaky(0..0);
    for _ in 0..REMEMBERED + 10 {
        say(&log, "x");
    }
    say(&log, &"ü".repeat(LONGEST));
    assert_eq!(ring(&log).len(), REMEMBERED);
    assert!(ring(&log).last().unwrap().len() < LONGEST + 30);
}

#[test]
fn the_file_is_private_capped_and_has_one_predecessor() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("state/midwatch");
    let mut file = CappedFile::with_cap(&folder, 100).unwrap();
    for _ in 0..20 {
        file.append(&[b'x'; 30]).unwrap();
    }
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&path(&folder)), 0o600);
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["midwatch.log", "midwatch.log.1"]);
    for name in names {
        assert!(fs::metadata(folder.join(name)).unwrap().len() <= 100);
    }
}

#[test]
fn a_log_that_others_could_read_is_closed_to_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = path(dir.path());
    fs::write(&path, "old\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    CappedFile::open(dir.path())
        .unwrap()
        .append(b"new\n")
        .unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "old\nnew\n");
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_and_no_panic() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(CappedFile::open(&file.join("below")).is_err());
}

#[test]
fn an_event_of_tracing_arrives_with_its_fields() {
    let dir = tempfile::tempdir().unwrap();
    start("info", Some(dir.path()));
    tracing::info!(target: "midwatch::poll", endpoint = "https://a:pw@b", tries = 3, "no answer");
    let found = recent()
        .into_iter()
        .find(|message| message.text.starts_with("no answer"))
        .unwrap();
    assert_eq!(
        found.text,
        "no answer endpoint=https://[redacted]@b tries=3"
    );
    assert_eq!(
        (found.level, &*found.target),
        (Level::INFO, "midwatch::poll")
    );
}
