//! `midwatch audit`: shows what was recorded and checks its chain. Reads only.

use std::io::{self, Write};

use clap::Subcommand;

use crate::actions::record::{ActionId, Kind, Record};
use crate::actions::trail::{Act, Trail};
use crate::audit::Audit;
use crate::audit::anchors::Anchors;
use crate::audit::verify::{Anchor, Verdict};
use crate::config::Environment;
use crate::start::USAGE;
use crate::text::{SafeText, escape_json};
use crate::units;

#[derive(Clone, Debug, Subcommand)]
pub enum AuditCommand {
    /// Print what midwatch did, oldest first
    Show {
        /// One action, as the audit calls it: a-0012
        #[arg(value_name = "ACTION")]
        action: Option<ActionId>,
        /// Format of the answer
        #[arg(short, long, value_name = "FORMAT", default_value = "text")]
        output: Output,
    },
    /// Check that nothing was changed, dropped, moved or added; exits with 1 where something was
    Verify {
        /// Print the last record's hash and number alone, to be kept elsewhere
        #[arg(long)]
        head: bool,
        /// Check also that the chain still holds a record that --head printed earlier
        #[arg(long, value_name = "HASH@SEQ")]
        anchor: Vec<Anchor>,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    #[default]
    Text,
    Json,
}

/// Runs one of them: 0 for well, 1 for a chain that is not whole, 64 where nothing can be read.
///
/// # Errors
/// The answer cannot be written.
pub fn run(
    command: &AuditCommand,
    environment: &Environment,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> io::Result<u8> {
    let audit = match Audit::of(environment) {
        Ok(audit) => audit,
        Err(error) => return failed(&error.to_string(), errors),
    };
    match command {
        AuditCommand::Show { action, output } => match audit.read() {
            Ok((records, fault)) => {
                if let Some(fault) = fault {
                    let text = format!("record {} at {}: {}", fault.seq, fault.place, fault.text);
                    writeln!(errors, "warning: {}", SafeText::new(&text))?;
                }
                show(&records, *action, *output, out, errors)
            }
            Err(error) => failed(&error.to_string(), errors),
        },
        AuditCommand::Verify { head, anchor } => {
            let kept = audit.anchors().map_or(Ok(Vec::new()), Anchors::read);
            let kept = match kept {
                Ok(kept) => kept,
                Err(why) => return failed(&why, errors),
            };
            match audit.verify() {
                Ok(verdict) => verify(&verdict, *head, &[&anchor[..], &kept].concat(), out, errors),
                Err(error) => failed(&error.to_string(), errors),
            }
        }
    }
}

fn failed(why: &str, errors: &mut dyn Write) -> io::Result<u8> {
    writeln!(errors, "error: the audit: {}", SafeText::new(why))?;
    Ok(USAGE)
}

fn verify(
    verdict: &Verdict,
    head: bool,
    anchors: &[Anchor],
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> io::Result<u8> {
    if let Some(fault) = &verdict.fault {
        let place = SafeText::new(&fault.place);
        writeln!(out, "BAD at record {}: {place}: {}", fault.seq, fault.text)?;
        writeln!(
            out,
            "{} records before it are as they were written",
            verdict.records
        )?;
        return Ok(1);
    }
    let broken: Vec<String> = anchors
        .iter()
        .filter_map(|anchor| verdict.holds(*anchor).err())
        .collect();
    if !broken.is_empty() {
        for why in broken {
            writeln!(out, "BAD: {why}")?;
        }
        return Ok(1);
    }
    if head {
        return match verdict.head() {
            Some(head) => writeln!(out, "{head}").map(|()| 0),
            None => writeln!(errors, "error: nothing is recorded yet").map(|()| 1),
        };
    }
    let records = match verdict.records {
        0 => "nothing is recorded yet".to_owned(),
        1 => "1 record".to_owned(),
        n => format!("{n} records"),
    };
    writeln!(out, "ok: {records}, each follows from the one before it")?;
    match verdict.repaired {
        0 => {}
        1 => writeln!(out, "1 line was cut off by a crash and closed afterwards")?,
        n => writeln!(
            out,
            "{n} lines were cut off by crashes and closed afterwards"
        )?,
    }
    if anchors.is_empty() {
        writeln!(
            out,
            "note: who owns these files can write a whole chain anew, or cut off its end, and this \
             check cannot see it; keep `midwatch audit verify --head` elsewhere and compare with \
             --anchor, or let MIDWATCH_AUDIT_ANCHORS name a file on another machine"
        )?;
    } else {
        let many = units::counted(anchors.len(), "anchor");
        writeln!(out, "{many} looked for, all there")?;
    }
    Ok(0)
}

fn show(
    records: &[Record],
    only: Option<ActionId>,
    output: Output,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> io::Result<u8> {
    let wanted = |record: &&Record| only.is_none_or(|id| record.entry.action == Some(id));
    let chosen: Vec<&Record> = records.iter().filter(wanted).collect();
    if let Some(id) = only
        && chosen.is_empty()
    {
        writeln!(
            errors,
            "error: there is no action {id}; see `midwatch audit show`"
        )?;
        return Ok(USAGE);
    }
    if output == Output::Json {
        let json = serde_json::to_string_pretty(&chosen).map_err(io::Error::other)?;
        writeln!(out, "{}", escape_json(&json))?;
        return Ok(0);
    }
    let mut trail = Trail::default();
    trail.read(records.to_vec(), std::collections::BTreeSet::new());
    for record in chosen {
        let act = record.entry.action.and_then(|id| trail.act(id));
        if record.entry.kind == Kind::Intent
            && let Some(act) = act
        {
            heading(act, out)?;
        } else {
            line(record, act.is_some(), out)?;
        }
    }
    Ok(0)
}

/// An action with all that stands at its beginning.
fn heading(act: &Act, out: &mut dyn Write) -> io::Result<()> {
    let entry = &act.intent.entry;
    let at = act.intent.at.strftime("%Y-%m-%dT%H:%M:%SZ");
    let title = SafeText::new(&act.title());
    writeln!(
        out,
        "{:<7} {at}  {title}  {}",
        act.id,
        act.standing().words()
    )?;
    let mut told =
        |label: &str, text: &str| writeln!(out, "        {label:<9} {}", SafeText::new(text));
    if let Some(reason) = &entry.reason {
        told("reason", reason)?;
    }
    if let Some(id) = entry.undoes {
        told("undoes", &id.to_string())?;
    }
    if let Some(who) = &entry.who {
        let server = who
            .server
            .as_ref()
            .map_or("not confirmed", |s| s.user.as_str());
        told("who", &format!("{server}; {} on {}", who.local, who.host))?;
    }
    for call in &entry.calls {
        told(
            "call",
            &format!("{} {} {}", call.method, call.path, call.body),
        )?;
    }
    for guard in &entry.guards {
        told(
            "guard",
            &format!("{} {}: {}", guard.guard, guard.verdict, guard.text),
        )?;
    }
    Ok(())
}

fn line(record: &Record, inside: bool, out: &mut dyn Write) -> io::Result<()> {
    let entry = &record.entry;
    let at = record.at.strftime("%Y-%m-%dT%H:%M:%SZ");
    let mut words = vec![entry.kind.word().to_owned()];
    if !inside {
        words.extend(entry.verb.clone());
        words.extend(entry.subject.clone().or_else(|| entry.cluster.clone()));
    }
    if let Some(outcome) = &entry.outcome {
        words.push(format!("{:?}", outcome.ended).to_lowercase());
        words.extend(outcome.code.map(|code| code.to_string()));
        words.extend(outcome.request.as_ref().map(|id| format!("request {id}")));
        words.push(outcome.message.clone());
    }
    words.extend(entry.found.map(|found| found.words().to_owned()));
    words.extend(entry.note.clone());
    let text = words.join("  ");
    let text = SafeText::new(text.trim_end());
    if inside {
        writeln!(out, "        {at}  {text}")
    } else {
        writeln!(out, "{:<7} {at}  {text}", format!("#{}", record.seq))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::record::Entry;

    fn home() -> (tempfile::TempDir, Environment, Audit) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().to_str().unwrap();
        let environment = Environment::of(&[("XDG_STATE_HOME", path)]);
        let audit = Audit::of(&environment).unwrap();
        (home, environment, audit)
    }

    fn ran(command: &AuditCommand, environment: &Environment) -> (u8, String, String) {
        let (mut out, mut errors) = (Vec::new(), Vec::new());
        let code = run(command, environment, &mut out, &mut errors).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (code, text(out), text(errors))
    }

    fn verify_with(head: bool, anchor: &[&str]) -> AuditCommand {
        AuditCommand::Verify {
            head,
            anchor: anchor.iter().map(|text| text.parse().unwrap()).collect(),
        }
    }

    fn show_as(output: Output) -> AuditCommand {
        AuditCommand::Show {
            action: None,
            output,
        }
    }

    #[test]
    fn a_whole_chain_is_ok_and_says_what_the_check_cannot_see() {
        let (_home, environment, audit) = home();
        assert_eq!(ran(&verify_with(false, &[]), &environment).0, 0);
        audit.append(&Entry::new(Kind::Armed)).unwrap();
        let (code, out, _) = ran(&verify_with(false, &[]), &environment);
        assert_eq!(code, 0);
        assert!(
            out.starts_with("ok: 1 record,") && out.contains("--anchor"),
            "{out}"
        );
        let (_, head, _) = ran(&verify_with(true, &[]), &environment);
        let head = head.trim();
        assert!(head.ends_with("@1"), "{head}");
        let (code, out, _) = ran(&verify_with(false, &[head]), &environment);
        assert_eq!(
            (code, out.contains("1 anchor looked for, all there")),
            (0, true),
            "{out}"
        );
        let later = format!("{}@2", crate::digest::Digest::NOTHING);
        assert_eq!(ran(&verify_with(false, &[&later]), &environment).0, 1);
    }

    #[test]
    fn a_chain_that_lost_its_end_is_found_by_the_heads_that_were_kept_on_the_way() {
        let (home, environment, audit) = home();
        for _ in 0..45 {
            audit.append(&Entry::new(Kind::Armed)).unwrap();
        }
        let (code, out, _) = ran(&verify_with(false, &[]), &environment);
        assert_eq!((code, out.contains("2 anchors")), (0, true), "{out}");
        let path = home.path().join("midwatch/audit/000000000001.jsonl");
        let text = std::fs::read_to_string(&path).unwrap();
        let cut: Vec<&str> = text.lines().take(39).collect();
        std::fs::write(&path, cut.join("\n") + "\n").unwrap();
        let (code, out, _) = ran(&verify_with(false, &[]), &environment);
        assert_eq!(code, 1);
        assert!(out.contains("BAD: record 40 is not there"), "{out}");
        std::fs::write(home.path().join("midwatch/audit-anchors"), "rubbish\n").unwrap();
        let (code, _, errors) = ran(&verify_with(false, &[]), &environment);
        assert_eq!((code, errors.contains("line 1")), (USAGE, true), "{errors}");
    }

    #[test]
    fn a_flipped_byte_is_named_by_its_record_and_fails() {
        let (home, environment, audit) = home();
        for _ in 0..3 {
            audit.append(&Entry::new(Kind::Armed)).unwrap();
        }
        let path = home.path().join("midwatch/audit/000000000001.jsonl");
        let text = std::fs::read_to_string(&path).unwrap();
        let second = text.lines().nth(1).unwrap();
        let forged = text.replace(second, &second.replace("armed", "ARMED"));
        std::fs::write(&path, forged).unwrap();
        let (code, out, _) = ran(&verify_with(false, &[]), &environment);
        assert_eq!(code, 1);
        assert!(
            out.starts_with("BAD at record 2: 000000000001.jsonl line 2"),
            "{out}"
        );
        let (_, _, errors) = ran(&show_as(Output::Text), &environment);
        assert!(errors.contains("record 2"), "{errors}");
    }

    #[test]
    fn nothing_that_was_recorded_reaches_the_terminal_as_a_control() {
        let (_home, environment, audit) = home();
        let nasty = "w-\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\r\n";
        let intent = Entry {
            verb: Some("cordon".into()),
            subject: Some(nasty.into()),
            reason: Some(nasty.into()),
            ..Entry::new(Kind::Intent)
        };
        audit.append(&intent).unwrap();
        audit
            .append(&Entry::new(Kind::Refused).note(nasty))
            .unwrap();
        for output in [Output::Text, Output::Json] {
            let (code, out, _) = ran(&show_as(output), &environment);
            assert_eq!(code, 0);
            let bad = |c: char| c != '\n' && crate::text::is_unsafe(c);
            assert!(!out.chars().any(bad), "{out:?}");
        }
        let (_, out, _) = ran(&show_as(Output::Json), &environment);
        let back: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(back[0]["reason"], nasty);
    }

    #[test]
    fn an_action_that_is_not_there_is_an_error() {
        let (_home, environment, audit) = home();
        audit.append(&Entry::new(Kind::Intent)).unwrap();
        let show = |id| AuditCommand::Show {
            action: Some(ActionId(id)),
            output: Output::Text,
        };
        assert_eq!(ran(&show(1), &environment).0, 0);
        let (code, _, errors) = ran(&show(2), &environment);
        assert_eq!((code, errors.contains("a-0002")), (USAGE, true), "{errors}");
    }
}
