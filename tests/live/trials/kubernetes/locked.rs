//! Nothing that a key or a paste does while locked changes the cluster: every pane times every key of
//! every preset, then what could confirm, all of it written down by a proxy before the API server.

use libtest_mimic::Failed;
use midwatch::chord::{Chord, KeyCode, Sequence};
use midwatch::intent::Intent;
use midwatch::keymap::Keymap;
use midwatch::panes::PANES;

use super::shop::Shop;
use crate::Row;
use crate::checked::User;
use crate::seat::Seat;
use crate::servers::kube::NEEDS;
use crate::servers::kube::proxy::Proxy;

pub const ROWS: &[Row] = &[Row {
    name: "kubernetes::locked::no_key_and_no_paste_of_a_locked_console_sends_a_change",
    needs: NEEDS,
    run: every_key,
}];

const PRESETS: [&str; 3] = ["default", "k9s", "vim"];
/// Escape as terminals say it that leave nothing to guess.
const ESCAPE: &str = "\x1b[27u";
/// What could confirm something, typed after each key.
const CONFIRM: &str = "y\r";
/// The last one holds what ends a paste.
const PASTES: [&str; 4] = ["x c", "xc\ry\r", ":cordon\ry\r", "x\x1b[201~cy\r"];

fn every_key() -> Result<(), Failed> {
    let shop = Shop::open("locked")?;
    let proxy = Proxy::start(&shop.plane)?;
    let target = shop.target_by(&proxy)?;
    let mut pairs = 0;
    for preset in PRESETS {
        let console = format!("keymap = \"{preset}\"\n\n");
        let user = User::configured(&console, std::slice::from_ref(&target))?;
        pairs += of_preset(&user, preset)?;
    }
    let read = proxy.seen();
    let read = read.iter().filter(|seen| seen.method == "GET").count();
    assert!(read > 10 && pairs > 1000, "{read} reads, {pairs} pairs");
    let mutating = proxy.mutating();
    assert!(mutating.is_empty(), "{mutating:#?}");
    Ok(())
}

/// How many keys were pressed in how many panes, all told.
fn of_preset(user: &User, preset: &str) -> Result<usize, Failed> {
    let panes: Vec<&str> = PANES.iter().map(|pane| pane.listing.id()).collect();
    let keymap = Keymap::preset(preset, &panes).map_err(|_| "no such preset")?;
    let mut seat = opened(user)?;
    let mut pairs = 0;
    for pane in PANES {
        let (id, title) = (pane.listing.id(), pane.listing.title());
        let (mut ending, mut staying) = (Vec::new(), String::new());
        for bound in keymap.bindings_for(id) {
            pairs += 1;
            let keys = bytes(&bound.keys.parse()?);
            match bound.intent {
                Intent::Quit | Intent::Cancel => ending.push(keys),
                // Nobody would hear what comes after it.
                Intent::Suspend => {}
                _ => staying += &format!("{keys}{CONFIRM}{ESCAPE}{ESCAPE}:{id}\r"),
            }
        }
        for paste in PASTES {
            pairs += 1;
            staying += &format!("\x1b[200~{paste}\x1b[201~{CONFIRM}{ESCAPE}{ESCAPE}:{id}\r");
        }
        // The last that is typed stands in the prompt once everything before it was heard.
        seat.press(&format!("{staying}:all of {id}"))?;
        seat.until(&format!("{id} after all its keys by {preset}"), |screen| {
            screen.has(&format!("── {title}")) && screen.has(&format!("all of {id}"))
        })?;
        seat.press(ESCAPE)?;
        for keys in ending {
            seat.leave(&keys)?;
            seat = opened(user)?;
        }
    }
    Ok(pairs)
}

fn opened(user: &User) -> Result<Seat, Failed> {
    let seat = Seat::start(user, &["--open", "nodes"])?;
    seat.until("a node under the cursor", |screen| {
        !screen.row("w-01").is_empty()
    })?;
    Ok(seat)
}

/// Keys as a terminal without extensions sends them.
fn bytes(sequence: &Sequence) -> String {
    sequence.chords().iter().map(|chord| key(*chord)).collect()
}

fn key(chord: Chord) -> String {
    let plain = match chord.code {
        KeyCode::Char(c) if chord.ctrl && c.is_ascii_alphabetic() => {
            let code = u8::try_from(c.to_ascii_lowercase()).unwrap_or(b'a') & 0x1f;
            char::from(code).to_string()
        }
        // Those that a terminal has no byte for go as terminals with extensions say them.
        KeyCode::Char(c) if chord.ctrl => format!("\x1b[{};5u", u32::from(c)),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::Enter => "\r".into(),
        KeyCode::Esc => ESCAPE.into(),
        KeyCode::Tab => "\t".into(),
        KeyCode::BackTab => "\x1b[Z".into(),
        KeyCode::Backspace => "\x7f".into(),
        KeyCode::Delete => "\x1b[3~".into(),
        KeyCode::Insert => "\x1b[2~".into(),
        KeyCode::Up => "\x1b[A".into(),
        KeyCode::Down => "\x1b[B".into(),
        KeyCode::Right => "\x1b[C".into(),
        KeyCode::Left => "\x1b[D".into(),
        KeyCode::Home => "\x1b[H".into(),
        KeyCode::End => "\x1b[F".into(),
        KeyCode::PageUp => "\x1b[5~".into(),
        KeyCode::PageDown => "\x1b[6~".into(),
        KeyCode::F(number) => match number {
            1..=4 => format!("\x1bO{}", char::from(b'P' + number - 1)),
            5 => "\x1b[15~".into(),
            6..=10 => format!("\x1b[{}~", number + 11),
            _ => format!("\x1b[{}~", number + 12),
        },
    };
    if chord.alt {
        format!("\x1b{plain}")
    } else {
        plain
    }
}
