//! What a user can get wrong, through the real binary: each mistake ends with a code of its own, or
//! spoils its own target alone, and says which file, key or target it is and what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A wrong word on the command line or a bad configuration: no verdict of `check` has this code.
pub const USAGE: i32 = 64;

/// A home of its own for one run after another.
pub struct Home {
    dir: TempDir,
}

/// How a run ended.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub errors: String,
}

impl Home {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("config/midwatch")).unwrap();
        Self { dir }
    }

    /// A home with this configuration.
    pub fn with(config: &str) -> Self {
        let home = Self::new();
        home.write("config.toml", config);
        home
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("config/midwatch").join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// The binary with nothing of this process's environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_midwatch"));
        command
            .args(args)
            .env_clear()
            .env("HOME", self.dir.path())
            .env("XDG_CONFIG_HOME", self.dir.path().join("config"))
            .env("XDG_STATE_HOME", self.dir.path().join("state"))
            .env("TERM", "xterm-256color")
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        ran(self.command(args).output().unwrap())
    }
}

pub fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().expect("ended by a signal"),
        out: String::from_utf8(output.stdout).unwrap(),
        errors: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ran {
    /// Ended without a verdict; said all of this, and a hint.
    fn is_refused(&self, words: &[&str]) {
        assert_eq!(
            (self.code, self.out.as_str()),
            (USAGE, ""),
            "{}",
            self.errors
        );
        self.names(words);
        let hint = self.errors.split("= hint: ").nth(1);
        let hint = hint.unwrap_or_else(|| panic!("no hint: {}", self.errors));
        assert!(hint.starts_with(char::is_uppercase), "{}", self.errors);
    }

    fn names(&self, words: &[&str]) {
        for word in words {
            assert!(
                self.errors.contains(word),
                "{word} is not in {}",
                self.errors
            );
        }
    }
}

/// One target of the JSON report.
fn target<'a>(report: &'a Value, id: &str) -> &'a Value {
    let targets = report["targets"].as_array().unwrap();
    targets
        .iter()
        .find(|target| target["id"] == id)
        .unwrap_or_else(|| panic!("no {id} in {targets:?}"))
}

/// This machine, under a name that the tests know.
const HERE: &str = "[[target]]\nkind = \"local\"\nname = \"here\"\n";

#[test]
fn a_wrong_word_on_the_command_line_is_no_verdict() {
    let home = Home::new();
    for args in [
        &["--bogus"][..],
        &["check", "--bogus"],
        &["check", "-o", "xml"],
        &["check", "--timeout", "soon"],
        &["check", "--timeout", "0s"],
        &["chekc"],
    ] {
        let ran = home.run(args);
        assert_eq!((ran.code, ran.out.as_str()), (USAGE, ""), "{args:?}");
        assert!(ran.errors.starts_with("error: "), "{}", ran.errors);
    }
    for args in [&["--help"][..], &["--version"], &["check", "--help"]] {
        assert_eq!(home.run(args).code, 0, "{args:?}");
    }
}

#[test]
fn a_typo_is_told_with_its_line_and_the_word_that_was_meant() {
    let home = Home::with("thme = \"dark\"\n\n[[target]]\nkind = \"etdc\"\nname = \"x\"\n");
    for args in [&[][..], &["check"], &["keymap", "check"]] {
        home.run(args).is_refused(&[
            "config.toml:1:1",
            "Did you mean `theme`?",
            "config.toml:4:8",
            "Did you mean `etcd`?",
            "2 errors in the configuration",
        ]);
    }
    let judged = home.run(&["config", "check"]);
    assert_eq!((judged.code, judged.out.as_str()), (1, ""));
    judged.names(&["config.toml:1:1", "config.toml:4:8"]);
}

#[test]
fn a_broken_file_names_the_place_where_it_breaks() {
    Home::with("theme = \"dark\"\nmouse = tru\n")
        .run(&["check"])
        .is_refused(&["config.toml:2:"]);
}

#[test]
fn a_folder_in_place_of_the_configuration_is_refused() {
    let home = Home::new();
    fs::create_dir(home.path("config.toml")).unwrap();
    home.run(&["check"])
        .is_refused(&["config.toml", "this is a folder"]);
}

#[test]
fn a_configuration_that_others_can_write_is_refused() {
    let home = Home::with(HERE);
    fs::set_permissions(home.path("config.toml"), fs::Permissions::from_mode(0o664)).unwrap();
    home.run(&["check"])
        .is_refused(&["config.toml", "mode 0664", "Run: chmod go-w"]);
}

#[test]
fn a_configuration_that_is_not_there_names_who_asked_for_it() {
    let home = Home::new();
    home.run(&["check", "--config", "/no/such/c.toml"])
        .is_refused(&["--config", "/no/such/c.toml"]);
    let mut command = home.command(&["check"]);
    ran(command
        .env("MIDWATCH_CONFIG", "/no/such/c.toml")
        .output()
        .unwrap())
    .is_refused(&["MIDWATCH_CONFIG", "/no/such/c.toml"]);
}

#[test]
fn an_unknown_name_says_where_it_was_given() {
    let home = Home::new();
    let asked = |args: &[&str]| home.run(args);
    asked(&["--open", "hosst"]).is_refused(&["--> --open", "Did you mean `hosts`?"]);
    asked(&["--theme", "drk"]).is_refused(&["--> --theme", "`dark`"]);
    asked(&["--keymap", "vmi"]).is_refused(&["--> --keymap", "`vim`"]);
    asked(&["check", "--only", "locla/x"]).is_refused(&["--only", "locla/x"]);
    let home = Home::with("mouse = false\ntheme = \"none-such\"\n");
    home.run(&[])
        .is_refused(&["config.toml:2", "none-such", "high-contrast"]);
    let mut command = home.command(&[]);
    command
        .env("MIDWATCH_THEME", "dark")
        .env("MIDWATCH_OPEN", "cloks");
    ran(command.output().unwrap()).is_refused(&["--> MIDWATCH_OPEN", "`clocks`"]);
}

#[test]
fn a_broken_theme_or_keymap_is_told_by_its_file_and_disturbs_nothing_else() {
    let home = Home::with(HERE);
    let theme = home.write(
        "themes/mine.toml",
        "inherits = \"dark\"\n\ntext = nonsense\n",
    );
    home.run(&["--theme", "mine"])
        .is_refused(&[&format!("{}:3", theme.display())]);
    home.write("themes/mine.toml", "inherits = \"drak\"\n");
    home.run(&["--theme", "mine"])
        .is_refused(&[&format!("{}:1", theme.display()), "`dark`"]);
    // Whoever does not use it does not hear of it: here the missing terminal is what is refused.
    home.run(&["--theme", "light"])
        .is_refused(&["standard output is not a terminal"]);
    let keys = home.write("keys.toml", "[keys]\nj = \"fly\"\n");
    home.run(&[])
        .is_refused(&[&format!("{}:2", keys.display()), "`fly`"]);
    assert_ne!(home.run(&["check"]).code, USAGE);
}

#[test]
fn without_a_terminal_the_console_points_to_check() {
    let home = Home::with(HERE);
    home.run(&[])
        .is_refused(&["not a terminal", "midwatch check"]);
    let mut command = home.command(&[]);
    ran(command.env("TERM", "dumb").output().unwrap())
        .is_refused(&["TERM is dumb", "midwatch check"]);
}

#[test]
fn files_that_cannot_be_used_spoil_their_own_target_alone() {
    let home = Home::with(HERE);
    let garbage = home.write("garbage.pem", "not a certificate\n");
    let config = format!(
        r#"{HERE}
[[target]]
kind = "etcd"
name = "no-ca"
endpoints = ["https://127.0.0.1:1"]
ca = "/no/such/ca.pem"
[[target]]
kind = "prometheus"
name = "bad-cert"
url = "https://127.0.0.1:1"
cert = "{garbage}"
key = "{garbage}"
[[target]]
kind = "node-exporter"
name = "no-headers"
url = "http://127.0.0.1:1"
headers_file = "/no/such/headers"
"#,
        garbage = garbage.display()
    );
    home.write("config.toml", &config);
    let judged = home.run(&["config", "check"]);
    assert_eq!(judged.code, 0, "{}", judged.errors);
    judged.names(&[
        "`ca` /no/such/ca.pem cannot be read now",
        "`headers_file` /no/such/headers cannot be read now",
        "prometheus/bad-cert: cert: ",
        "garbage.pem holds no certificate",
    ]);
    let ran = home.run(&["check", "-o", "json"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(target(&report, "local/here")["state"], "ok");
    for (id, key) in [
        ("etcd/no-ca", "ca: /no/such/ca.pem"),
        ("prometheus/bad-cert", "cert: "),
        ("node-exporter/no-headers", "headers_file: /no/such/headers"),
    ] {
        let error = &target(&report, id)["error"];
        assert_eq!(error["layer"], "local", "{id}");
        let detail = error["detail"].as_str().unwrap();
        assert!(detail.starts_with(key), "{detail}");
        assert!(error["hint"].is_string(), "{id}");
    }
    // What cannot be asked is not known: neither well nor broken.
    for finding in report["findings"].as_array().unwrap() {
        let about = finding["subject"].as_str().unwrap();
        if about.contains("no-ca") || about.contains("bad-cert") || about.contains("no-headers") {
            assert_eq!(finding["severity"], "unknown", "{finding}");
        }
    }
    assert!(ran.code >= 2, "{}", ran.out);
}

#[test]
fn a_log_that_cannot_be_written_stops_nothing() {
    let home = Home::with(HERE);
    let file = home.write("state", "a file where the folder should be");
    for state in [
        file.as_path(),
        Path::new("/proc/none"),
        Path::new("/dev/full"),
    ] {
        let mut command = home.command(&["check", "-o", "json"]);
        let ran = ran(command.env("XDG_STATE_HOME", state).output().unwrap());
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(target(&report, "local/here")["state"], "ok");
        assert_ne!(ran.code, USAGE);
        let path = state.join("midwatch/midwatch.log");
        let told = format!("the log file {} cannot be written", path.display());
        assert_eq!(ran.errors.matches(&told).count(), 1, "{}", ran.errors);
        assert!(ran.errors.contains("= hint: Make "), "{}", ran.errors);
    }
}

#[test]
fn the_log_tells_when_it_began_and_why_it_ended() {
    let home = Home::with(HERE);
    let ran = home.run(&["check"]);
    let log = home.path("../../state/midwatch/midwatch.log");
    let log = fs::read_to_string(log).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert!(
        log.contains(&format!("midwatch {version} began: one check")),
        "{log}"
    );
    assert!(log.contains("config.toml, targets: 1"), "{log}");
    assert!(log.contains(&format!("exit code {}", ran.code)), "{log}");
}

#[test]
fn config_check_refuses_what_the_console_refuses() {
    let home = Home::with("theme = \"drak\"\nkeymap = \"vmi\"\nopen = \"hosst\"\n");
    let theme = home.write("themes/mine.toml", "inherits = \"drak\"\n");
    let judged = home.run(&["config", "check"]);
    assert_eq!((judged.code, judged.out.as_str()), (1, ""));
    let theme = format!("{}:1", theme.display());
    judged.names(&[
        "config.toml:1",
        "`dark`",
        "config.toml:2",
        "`vim`",
        "config.toml:3",
        "`hosts`",
        &theme,
        "4 errors",
    ]);
    let doctor = home.run(&["doctor"]);
    assert!(
        doctor.out.contains("drak") && doctor.out.contains(&theme),
        "{}",
        doctor.out
    );
    let home = Home::with(HERE);
    let keys = home.write("keys.toml", "[keys]\nj = \"fly\"\n");
    let judged = home.run(&["config", "check"]);
    assert_eq!(judged.code, 1);
    judged.names(&[&format!("{}:2", keys.display()), "`fly`"]);
    let home = Home::with(HERE);
    let mut command = home.command(&["config", "check"]);
    let judged = ran(command.env("MIDWATCH_THEME", "lihgt").output().unwrap());
    assert_eq!(judged.code, 1);
    judged.names(&["--> MIDWATCH_THEME", "`light`"]);
}

#[test]
fn what_a_file_of_a_target_lacks_is_a_warning_with_its_line() {
    let home = Home::new();
    let headers = home.write("headers", "X-Ok: 1\nno colon here\n");
    let config = format!(
        "{HERE}[[target]]\nkind = \"prometheus\"\nname = \"p\"\nurl = \"https://127.0.0.1:1\"\n\
         ca = \"/no/such/ca.pem\"\nheaders_file = \"{}\"\n",
        headers.display()
    );
    home.write("config.toml", &config);
    let judged = home.run(&["config", "check"]);
    assert_eq!(judged.code, 0, "{}", judged.errors);
    assert!(
        judged.out.starts_with("ok, 2 warnings: 2 targets"),
        "{}",
        judged.out
    );
    judged.names(&[
        "config.toml:8: `ca` /no/such/ca.pem",
        "config.toml:9: prometheus/p: headers_file: ",
        "line 2 has no colon",
    ]);
}

#[test]
fn without_a_home_it_runs_all_the_same() {
    let home = Home::new();
    let mut command = home.command(&["check", "-o", "json"]);
    command
        .env_remove("HOME")
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("XDG_STATE_HOME");
    let ran = ran(command.output().unwrap());
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["targets"][0]["state"], "ok");
    assert_ne!(ran.code, USAGE, "{}", ran.errors);
}

#[test]
fn an_answer_that_cannot_be_written_is_an_error_and_a_closed_pipe_is_none() {
    let home = Home::with(HERE);
    for format in ["text", "json"] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = home.command(&["check", "-o", format]);
        let output = command.stdout(full).output().unwrap();
        ran(output).is_refused(&["standard output", "No space left"]);
    }
    for args in [
        &["man"][..],
        &["completions", "bash"],
        &["config", "default"],
        &["version"],
    ] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = home.command(args).stdout(full).output().unwrap();
        ran(output).is_refused(&["standard output", "No space left"]);
    }
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = home.command(&["check"]);
    let closed = ran(command.stdout(writer).output().unwrap());
    assert_ne!(closed.code, USAGE);
    assert_eq!(closed.errors, "");
}

#[test]
fn colour_is_as_it_is_asked_for() {
    // This machine may be well; this one is never.
    let home = Home::with("[[target]]\nkind = \"sntp\"\nname = \"t\"\naddress = \"127.0.0.1:1\"\n");
    let run = |args: &[&str], set: &[(&str, &str)]| {
        let mut command = home.command(args);
        command.envs(set.iter().copied());
        ran(command.output().unwrap()).out.contains('\u{1b}')
    };
    assert!(run(&["check", "--color", "always"], &[]));
    assert!(run(&["check"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!run(&["check"], &[]), "a pipe takes no colour");
    assert!(!run(
        &["check", "--color", "never"],
        &[("CLICOLOR_FORCE", "1")]
    ));
    assert!(!run(
        &["check"],
        &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]
    ));
    for format in ["json", "junit", "markdown", "prometheus"] {
        assert!(
            !run(&["check", "-o", format, "--color", "always"], &[]),
            "{format}"
        );
    }
}

#[test]
fn completions_and_the_man_page_name_every_command() {
    let home = Home::new();
    let commands = midwatch::cli::command();
    let names: Vec<_> = commands
        .get_subcommands()
        .map(clap::Command::get_name)
        .collect();
    assert!(names.contains(&"reset-terminal"));
    for args in [
        &["completions", "bash"][..],
        &["completions", "zsh"],
        &["completions", "fish"],
        &["man"],
    ] {
        let ran = home.run(args);
        assert_eq!((ran.code, ran.errors.as_str()), (0, ""), "{args:?}");
        // A man page writes a hyphen as `\-`.
        let text = ran.out.replace("\\-", "-");
        for name in &names {
            assert!(text.contains(name), "{args:?} does not know {name}");
        }
    }
}

#[test]
fn reset_terminal_without_a_terminal_says_so() {
    let home = Home::new();
    // A session of its own has no terminal to reset.
    let mut command = Command::new("setsid");
    command
        .arg("--wait")
        .arg(env!("CARGO_BIN_EXE_midwatch"))
        .arg("reset-terminal");
    drop(home);
    let ran = ran(command.stdin(Stdio::null()).output().unwrap());
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(
        ran.errors.contains("run it in the terminal"),
        "{}",
        ran.errors
    );
}
