//! Writes what a reader saves: to a new file of his own below the state folder, readable by nobody
//! else, never over another one.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::Desk;
use crate::ask::{Answered, SaveAsk};
use crate::observation::{Layer, Outage};

/// Bytes of a file's name before its ending; most file systems take 255.
const LONGEST_NAME: usize = 180;

/// Files of one name that may stand beside each other.
const MOST_ALIKE: u32 = 1000;

const HINT: &str = "make the folder writable, or set XDG_STATE_HOME to another";

pub(super) async fn save(folder: Option<PathBuf>, ask: SaveAsk, desk: Desk) {
    let written = tokio::task::spawn_blocking(move || match folder {
        Some(folder) => write(&folder, &ask),
        None => Err(Outage::new(Layer::Local, "there is no home directory")
            .hint("set XDG_STATE_HOME to a folder")),
    });
    let answer = written.await.unwrap_or_else(|error| {
        Err(Outage::new(
            Layer::Local,
            format!("writing failed: {error}"),
        ))
    });
    desk.send(Answered::Saved(answer)).await;
}

fn write(folder: &Path, ask: &SaveAsk) -> Result<(String, u64), Outage> {
    let folder = folder.join(ask.folder);
    let failed = |path: &Path, error: &io::Error| {
        Outage::new(Layer::Local, format!("{}: {error}", path.display())).hint(HINT)
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .map_err(|error| failed(&folder, &error))?;
    let name = file_name(&ask.name);
    for alike in 0..MOST_ALIKE {
        let number = if alike == 0 {
            String::new()
        } else {
            format!("-{alike}")
        };
        let path = folder.join(format!("{name}{number}.{}", ask.ending));
        let opened = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        let mut file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(failed(&path, &error)),
        };
        file.write_all(&ask.text)
            .map_err(|error| failed(&path, &error))?;
        return Ok((path.display().to_string(), ask.text.len() as u64));
    }
    let text = format!("{MOST_ALIKE} files are called {name} already");
    Err(Outage::new(Layer::Local, text).hint(format!("clear {} up", folder.display())))
}

/// Letters, digits, dots and dashes; everything else becomes a dash. Names of objects cannot lead
/// out of the folder.
fn file_name(wanted: &str) -> String {
    let mut name = String::new();
    for c in wanted.chars() {
        let c = if c.is_ascii_alphanumeric() || c == '.' {
            c
        } else {
            '-'
        };
        if !(c == '-' && name.ends_with('-')) && name.len() < LONGEST_NAME {
            name.push(c);
        }
    }
    let name = name.trim_start_matches(['.', '-']).trim_end_matches('-');
    if name.is_empty() {
        "unnamed".into()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn ask(name: &str) -> SaveAsk {
        SaveAsk {
            folder: "logs",
            name: name.into(),
            ending: "log",
            text: b"\x1b[31mraw\x1b[0m\n".to_vec(),
        }
    }

    #[test]
    fn a_file_is_the_owners_alone_and_none_is_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let (first, bytes) = write(home.path(), &ask("pod shop/web-1")).unwrap();
        let (second, _) = write(home.path(), &ask("pod shop/web-1")).unwrap();
        assert!(first.ends_with("logs/pod-shop-web-1.log"), "{first}");
        assert!(second.ends_with("logs/pod-shop-web-1-1.log"), "{second}");
        assert_eq!(bytes, std::fs::read(&first).unwrap().len() as u64);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(Path::new(&first)), 0o600);
        assert_eq!(mode(&home.path().join("logs")), 0o700);
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        for name in ["../../etc/passwd", "..", "/", "a/../../b", "\u{202e}\u{0}"] {
            let safe = file_name(name);
            assert!(!safe.contains('/') && !safe.starts_with('.'), "{safe}");
        }
        assert_eq!(file_name(""), "unnamed");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_told_with_what_to_do() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("logs"), b"").unwrap();
        let outage = write(home.path(), &ask("x")).unwrap_err();
        assert!(outage.detail.contains("logs"), "{outage}");
        assert_eq!(outage.hint.as_deref(), Some(HINT));
    }
}
