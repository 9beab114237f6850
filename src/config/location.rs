//! Where the configuration lies, and whether it may be trusted: lookup, modes, sizes.

use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::excerpt::ConfigFile;
use super::settings::ConfigError;
use super::{Config, Environment, Request};

/// Largest configuration that is read.
const LARGEST: u64 = 1 << 20;

/// The file to read: `--config`, `MIDWATCH_CONFIG`, `$XDG_CONFIG_HOME/midwatch/config.toml`,
/// `~/.config/midwatch/config.toml`. `None` when nobody asked for one and none is there.
///
/// # Errors
/// When a file that was asked for is not there.
pub fn find(request: &Request) -> Result<Option<PathBuf>, Vec<ConfigError>> {
    let asked = request.file.clone().map(|path| (path, "--config"));
    let asked = asked.or_else(|| {
        let named = request.environment.get("MIDWATCH_CONFIG")?;
        Some((PathBuf::from(named), "MIDWATCH_CONFIG"))
    });
    if let Some((path, by)) = asked {
        if path.exists() {
            return Ok(Some(path));
        }
        let problem = format!("{by} names {}, which is not there", path.display());
        let hint = "Name a file that exists, or write one: midwatch config default > FILE";
        return Err(vec![ConfigError::new(by, problem).hint(hint)]);
    }
    Ok(usual(&request.environment).filter(|path| path.exists()))
}

/// Where the file is looked for when nobody names one; `None` without a home directory.
#[must_use]
pub fn usual(environment: &Environment) -> Option<PathBuf> {
    folder(environment).map(|folder| folder.join("config.toml"))
}

/// The folder of the configuration, themes and keymaps.
#[must_use]
pub fn folder(environment: &Environment) -> Option<PathBuf> {
    xdg(environment, "XDG_CONFIG_HOME", ".config")
}

/// The folder for what midwatch writes: the log.
#[must_use]
pub fn state_folder(environment: &Environment) -> Option<PathBuf> {
    xdg(environment, "XDG_STATE_HOME", ".local/state")
}

/// A relative path in an XDG variable is invalid and ignored, as the specification wants it.
fn xdg(environment: &Environment, variable: &str, below_home: &str) -> Option<PathBuf> {
    let own = environment
        .get(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let home = || Some(Path::new(environment.get("HOME")?).join(below_home));
    Some(own.or_else(home)?.join("midwatch"))
}

/// Reads a file that nobody else can write.
///
/// # Errors
/// When it cannot be read, is too large, is not UTF-8, or others can write it.
pub fn read(path: &Path) -> Result<ConfigFile, Vec<ConfigError>> {
    let shown = path.display().to_string();
    let failed = |problem: String, hint: &str| vec![ConfigError::new(&shown, problem).hint(hint)];
    let mut file = fs::File::open(path).map_err(|error| unreadable(path, &error))?;
    let about = file.metadata().map_err(|error| unreadable(path, &error))?;
    if about.is_dir() {
        return Err(failed("this is a folder".into(), "Name the file in it"));
    }
    if about.mode() & 0o022 != 0 && about.is_file() {
        let problem = format!("others can write it (mode {:04o})", about.mode() & 0o7777);
        return Err(failed(problem, &format!("Run: chmod go-w {shown}")));
    }
    let mut bytes = Vec::new();
    let limited = file.by_ref().take(LARGEST + 1).read_to_end(&mut bytes);
    limited.map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > LARGEST {
        let problem = "it is larger than 1 MiB".into();
        return Err(failed(problem, "Check that this is the configuration"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(ConfigFile::new(path, text)),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..valid]
                .split(|byte| *byte == b'\n')
                .count();
            let problem = format!("line {line} is not UTF-8");
            Err(failed(problem, "Save the file as UTF-8"))
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Vec<ConfigError> {
    let shown = path.display().to_string();
    let hint = match error.kind() {
        ErrorKind::PermissionDenied => format!("Check who may read it: ls -l {shown}"),
        _ => "Check the path".into(),
    };
    vec![ConfigError::new(shown, format!("it cannot be read: {error}")).hint(hint)]
}

/// Files of targets that are not there, and secrets that others can read. Not errors: a mounted
/// secret may come later and have the mode that its mount gives it.
#[must_use]
pub fn doubtful_files(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    for target in &config.targets {
        for key in ["ca", "cert", "key", "headers_file"] {
            let Some(path) = target.settings.path(key) else {
                continue;
            };
            let doubt = match fs::metadata(&path) {
                Err(error) => format!("cannot be read now: {error}"),
                Ok(about) if about.mode() & 0o044 == 0 || !is_secret(key) => continue,
                Ok(about) => format!("can be read by others (mode {:04o})", about.mode() & 0o7777),
            };
            let origin = target.settings.origin(key);
            let origin = origin.map_or_else(String::new, |origin| format!("{origin}: "));
            let text = format!("{origin}`{key}` {} {doubt}", path.display());
            if !warnings.contains(&text) {
                warnings.push(text);
            }
        }
        if target.settings.flag("insecure") {
            warnings.push(format!("{} does not verify the server: TLS-OFF", target.id));
        }
    }
    warnings
}

fn is_secret(key: &str) -> bool {
    matches!(key, "key" | "headers_file")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn with_mode(mode: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        fs::write(&path, "theme = \"dark\"\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    #[test]
    fn a_file_that_others_can_write_is_refused() {
        for mode in [0o622, 0o660, 0o666, 0o602, 0o777, 0o620] {
            let (_dir, path) = with_mode(mode);
            let errors = read(&path).unwrap_err();
            assert!(errors[0].problem.contains("others can write"), "{mode:o}");
            assert!(
                errors[0]
                    .hint
                    .as_deref()
                    .unwrap()
                    .starts_with("Run: chmod go-w")
            );
        }
        for mode in [0o600, 0o644, 0o640, 0o400, 0o755] {
            let (_dir, path) = with_mode(mode);
            assert!(read(&path).is_ok(), "{mode:o}");
        }
    }

    #[test]
    fn a_link_to_a_file_that_others_can_write_is_refused() {
        let (dir, path) = with_mode(0o666);
        let link = dir.path().join("link.toml");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(read(&link).is_err());
    }

    #[test]
    fn the_argument_wins_over_the_variable_over_xdg_over_home() {
        let (dir, path) = with_mode(0o600);
        let here = dir.path().to_str().unwrap();
        let home = Environment::of(&[("HOME", "/home/ann"), ("XDG_CONFIG_HOME", "relative")]);
        assert_eq!(
            usual(&home),
            Some("/home/ann/.config/midwatch/config.toml".into())
        );
        let both = Environment::of(&[("HOME", "/home/ann"), ("XDG_CONFIG_HOME", here)]);
        assert_eq!(usual(&both), Some(dir.path().join("midwatch/config.toml")));
        let mut request = Request {
            environment: Environment::of(&[("MIDWATCH_CONFIG", path.to_str().unwrap())]),
            ..Request::default()
        };
        assert_eq!(find(&request).unwrap(), Some(path));
        request.file = Some("/nowhere/c.toml".into());
        assert_eq!(find(&request).unwrap_err()[0].place, "--config");
    }

    #[test]
    fn no_file_at_all_is_fine() {
        assert_eq!(find(&Request::default()), Ok(None));
    }

    #[test]
    fn a_file_that_is_not_text_names_its_line() {
        let (_dir, path) = with_mode(0o600);
        fs::write(&path, b"theme = 1\n\xff").unwrap();
        assert_eq!(read(&path).unwrap_err()[0].problem, "line 2 is not UTF-8");
    }
}
