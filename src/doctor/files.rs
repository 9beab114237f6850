//! Files that midwatch reads or writes, or will one day: there, readable, rightly closed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};

use super::{Line, Mark};
use crate::choices;
use crate::config::location::{state_folder, usual};
use crate::config::{self, ConfigError, Environment, Request};
use crate::units::Bytes;

/// Room below which the log may soon find none.
const LITTLE: u64 = 64 << 20;

pub(super) fn configuration(request: &Request) -> Line {
    const USE: &str = "what is watched and how";
    let loaded = config::load(request).and_then(|config| {
        let found = choices::problems(&config, &request.environment);
        if found.is_empty() {
            Ok(config)
        } else {
            Err(found)
        }
    });
    match loaded {
        Ok(config) => {
            let plural = if config.targets.len() == 1 { "" } else { "s" };
            let from = match (&config.path, usual(&request.environment)) {
                (Some(path), _) => path.display().to_string(),
                (None, Some(path)) => format!("none at {}", path.display()),
                (None, None) => "none, and no home directory".into(),
            };
            let mut found = format!("{from}, {} target{plural}", config.targets.len());
            for warning in &config.warnings {
                found.push('\n');
                found.push_str(warning);
            }
            if config.warnings.is_empty() {
                Line::new(Mark::Ok, "configuration", found, USE)
            } else {
                Line::new(Mark::Warn, "configuration", found, USE)
                    .hint("Change or accept what is warned of")
            }
        }
        Err(errors) => {
            let told: Vec<String> = errors.iter().map(ConfigError::to_string).collect();
            Line::new(Mark::Bad, "configuration", told.join("\n"), USE)
                .hint("Correct it and run: midwatch config check")
        }
    }
}

pub(super) fn kubeconfig(environment: &Environment) -> Line {
    let paths = listed(environment, "KUBECONFIG", ".kube/config");
    credentials("kubeconfig", &paths, "found, not used yet")
}

pub(super) fn talosconfig(environment: &Environment) -> Line {
    let paths = listed(environment, "TALOSCONFIG", ".talos/config");
    credentials("talosconfig", &paths, "found, not used yet")
}

/// The files of a variable that lists them by colons, else the usual one.
fn listed(environment: &Environment, variable: &str, below_home: &str) -> Vec<PathBuf> {
    if let Some(list) = environment.get(variable) {
        return std::env::split_paths(list)
            .filter(|path| path.is_absolute())
            .collect();
    }
    let home = environment
        .get("HOME")
        .map(|home| Path::new(home).join(below_home));
    home.into_iter().collect()
}

/// Tells whether files that hold credentials are there, readable, and closed to others.
fn credentials(what: &'static str, paths: &[PathBuf], use_of_it: &'static str) -> Line {
    let seen: Vec<(Mark, String, Option<String>)> = paths.iter().map(|path| closed(path)).collect();
    let there = seen
        .iter()
        .any(|(_, found, _)| !found.ends_with("not there"));
    let mark = seen
        .iter()
        .map(|(mark, _, _)| *mark)
        .max()
        .unwrap_or(Mark::Ok);
    let found: Vec<&str> = seen.iter().map(|(_, found, _)| found.as_str()).collect();
    let found = if found.is_empty() {
        "none".into()
    } else {
        found.join("\n")
    };
    let mut line = Line::new(
        mark,
        what,
        found,
        if there { use_of_it } else { "nothing yet" },
    );
    line.hint = seen
        .into_iter()
        .filter(|(own, _, _)| *own == mark)
        .find_map(|(_, _, hint)| hint);
    line
}

fn closed(path: &Path) -> (Mark, String, Option<String>) {
    let shown = path.display();
    let Ok(about) = fs::metadata(path) else {
        return (Mark::Ok, format!("{shown}: not there"), None);
    };
    let mode = about.mode() & 0o7777;
    if access(path, Access::READ_OK).is_err() {
        let hint = format!("Check who may read it: ls -l {shown}");
        return (
            Mark::Warn,
            format!("{shown}: there, not readable (mode {mode:04o})"),
            Some(hint),
        );
    }
    // It can name programs to run, so that who writes it acts as we do.
    if mode & 0o022 != 0 {
        let hint = format!("Run: chmod go-w {shown}");
        return (
            Mark::Bad,
            format!("{shown}: others can write it (mode {mode:04o})"),
            Some(hint),
        );
    }
    if mode & 0o044 != 0 {
        let hint = format!("Run: chmod go-r {shown}");
        return (
            Mark::Warn,
            format!("{shown}: others can read it (mode {mode:04o})"),
            Some(hint),
        );
    }
    (
        Mark::Ok,
        format!("{shown}: readable (mode {mode:04o})"),
        None,
    )
}

pub(super) fn state(environment: &Environment) -> Line {
    const USE: &str = "the log";
    let Some(folder) = state_folder(environment) else {
        return Line::new(Mark::Warn, "state", "there is no home directory", USE)
            .hint("Set HOME or XDG_STATE_HOME; until then the log stays in memory");
    };
    let nearest = folder
        .ancestors()
        .find(|path| path.exists())
        .unwrap_or(Path::new("/"));
    let made = if nearest == folder {
        ""
    } else {
        " (will be made)"
    };
    let shown = folder.display();
    if !nearest.is_dir() {
        let found = format!(
            "{shown} cannot be made: {} is not a folder",
            nearest.display()
        );
        return Line::new(Mark::Bad, "state", found, USE)
            .hint("Set XDG_STATE_HOME to a folder; until then the log stays in memory");
    }
    if access(nearest, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let found = format!("{shown} cannot be written");
        return Line::new(Mark::Bad, "state", found, USE).hint(format!(
            "Make {} writable, or set XDG_STATE_HOME",
            nearest.display()
        ));
    }
    let Ok(room) = statvfs(nearest) else {
        return Line::new(
            Mark::Warn,
            "state",
            format!("{shown}{made}, room not known"),
            USE,
        )
        .hint("Check the file system there: df");
    };
    if room.f_blocks == 0 {
        // As /proc and /sys: nothing of ours can ever be there, whoever owns it.
        let found = format!(
            "{shown} cannot be made: {} is on a file system that stores nothing",
            nearest.display()
        );
        return Line::new(Mark::Bad, "state", found, USE)
            .hint("Set XDG_STATE_HOME to a folder on a disk; until then the log stays in memory");
    }
    let free = Bytes(room.f_bavail.saturating_mul(room.f_frsize));
    let found = format!("{shown}{made}, {free} free");
    if free.0 < LITTLE {
        Line::new(Mark::Warn, "state", found, USE).hint("Make room; the log can take 8 MiB")
    } else {
        Line::new(Mark::Ok, "state", found, USE)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_kubeconfig_is_judged_by_its_mode_and_never_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kubeconfig");
        fs::write(&path, "token: s3cr3t").unwrap();
        let text = path.to_str().unwrap();
        let environment = Environment::of(&[("KUBECONFIG", &format!("{text}:/nowhere/config"))]);
        for (mode, mark) in [
            (0o600, Mark::Ok),
            (0o400, Mark::Ok),
            (0o644, Mark::Warn),
            (0o640, Mark::Warn),
            (0o660, Mark::Bad),
            (0o602, Mark::Bad),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let line = kubeconfig(&environment);
            assert_eq!(line.mark, mark, "{mode:o}");
            assert!(!line.found.contains("s3cr3t"));
            assert!(
                line.found.ends_with("/nowhere/config: not there"),
                "{}",
                line.found
            );
            assert_eq!(line.used_for, "found, not used yet");
        }
    }

    #[test]
    fn an_absent_talosconfig_is_no_problem() {
        let line = talosconfig(&Environment::of(&[("HOME", "/nowhere")]));
        assert_eq!((line.mark, line.used_for), (Mark::Ok, "nothing yet"));
        assert_eq!(line.found, "/nowhere/.talos/config: not there");
    }

    #[test]
    fn a_broken_configuration_is_shown_with_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        fs::write(&path, "thme = 1\n").unwrap();
        let request = Request {
            file: Some(path),
            ..Request::default()
        };
        let line = configuration(&request);
        assert_eq!(line.mark, Mark::Bad);
        assert!(line.found.contains("config.toml:1:1"), "{}", line.found);
    }

    #[test]
    fn the_state_folder_need_not_be_there_yet() {
        let dir = tempfile::tempdir().unwrap();
        let line = state(&Environment::of(&[(
            "XDG_STATE_HOME",
            dir.path().to_str().unwrap(),
        )]));
        assert!(
            line.found.contains("midwatch (will be made), "),
            "{}",
            line.found
        );
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let line = state(&Environment::of(&[(
            "XDG_STATE_HOME",
            file.to_str().unwrap(),
        )]));
        assert_eq!(line.mark, Mark::Bad);
        assert!(line.found.contains("is not a folder"), "{}", line.found);
    }

    #[test]
    fn a_file_system_that_stores_nothing_is_not_called_full() {
        let line = state(&Environment::of(&[("XDG_STATE_HOME", "/proc/none")]));
        assert_eq!(line.mark, Mark::Bad);
        assert!(line.found.contains("/proc/none/midwatch"), "{}", line.found);
        assert!(!line.found.contains("free"), "{}", line.found);
    }

    #[test]
    fn a_theme_that_is_not_there_is_shown_with_the_configuration() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        fs::write(&path, "theme = \"drak\"\n").unwrap();
        let request = Request {
            file: Some(path),
            ..Request::default()
        };
        let line = configuration(&request);
        assert_eq!(line.mark, Mark::Bad);
        assert!(line.found.contains("config.toml:1"), "{}", line.found);
    }
}
