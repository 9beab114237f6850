//! The commands that need neither model nor screen. They write to what they are given and answer
//! with an exit code; a closed pipe ends them quietly.

use std::io::{self, Write};

use super::{Cli, Command, ConfigCommand, command};
use crate::choices;
use crate::clients::endpoint::Endpoint;
use crate::clients::headers::Headers;
use crate::clients::kube::survey;
use crate::clients::tls;
use crate::config::{self, Config, ConfigError, Environment, nearest, print};
use crate::doctor;
use crate::facts::KernelClock;
use crate::findings::{self, RULES};
use crate::observation::Outage;
use crate::report::{Out, Paint};
use crate::sources::{SOURCES, kubernetes};
use crate::start::USAGE;

/// Runs what needs no model: 0 for well, 1 for not, 64 for a wrong word, a bad configuration or an
/// answer that cannot be written. `None` when the command is not one of them.
/// `kernel` reads the kernel's clock, as the local source does.
#[must_use]
pub fn run(
    cli: &Cli,
    environment: &Environment,
    kernel: fn() -> Option<KernelClock>,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> Option<u8> {
    let done = match cli.command.as_ref()? {
        Command::Config(ConfigCommand::Default) => text(out, &print::default_toml(SOURCES)),
        Command::Config(ConfigCommand::Check) => check(cli, environment, out, errors),
        Command::Config(ConfigCommand::Show { target }) => {
            show(cli, environment, target.as_deref(), out, errors)
        }
        Command::Doctor => doctor(cli, environment, kernel(), out),
        Command::Rules { id } => rules(id.as_deref(), out, errors),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut command(), "midwatch", &mut script);
            out.write_all(&script).map(|()| 0)
        }
        Command::Man => man(out),
        Command::Version => text(out, &format!("midwatch {}\n", env!("CARGO_PKG_VERSION"))),
        Command::ResetTerminal => reset(errors),
        Command::Audit(command) => super::audit::run(command, environment, out, errors),
        Command::Act(_) | Command::Check(_) | Command::Keymap(_) | Command::Theme(_) => {
            return None;
        }
    };
    Some(match done.and_then(|code| out.flush().map(|()| code)) {
        Ok(code) => code,
        // The reader went away, as `head` does: that is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(error) => {
            let problem = format!("the answer cannot be written: {error}");
            let error = ConfigError::new("standard output", problem)
                .hint("Free some room, or write it elsewhere");
            // With nowhere to tell it the code alone must do.
            let _ = tell(&[error], errors);
            USAGE
        }
    })
}

fn text(out: &mut dyn Write, text: &str) -> io::Result<u8> {
    out.write_all(text.as_bytes())?;
    Ok(0)
}

/// Every error as it is shown to people, and how many there were when they are several.
///
/// # Errors
/// When `errors` cannot be written.
pub fn tell(found: &[ConfigError], errors: &mut dyn Write) -> io::Result<()> {
    for error in found {
        writeln!(errors, "{}\n", error.render())?;
    }
    if found.len() > 1 {
        writeln!(errors, "{} errors in the configuration", found.len())?;
    }
    Ok(())
}

fn load(cli: &Cli, environment: &Environment) -> Result<Config, Vec<ConfigError>> {
    config::load(&cli.request(environment.clone()))
}

fn check(
    cli: &Cli,
    environment: &Environment,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> io::Result<u8> {
    let loaded = load(cli, environment).and_then(|config| {
        let mut found = config::probe_errors(&config, SOURCES);
        found.extend(choices::problems(&config, environment));
        if found.is_empty() {
            Ok(config)
        } else {
            Err(found)
        }
    });
    let config = match loaded {
        Ok(config) => config,
        Err(found) => {
            tell(&found, errors)?;
            return Ok(1);
        }
    };
    let useless = useless_files(&config, environment);
    for warning in config.warnings.iter().chain(&useless) {
        writeln!(errors, "warning: {}", crate::text::safe_lines(warning))?;
    }
    let warned = match config.warnings.len() + useless.len() {
        0 => String::new(),
        1 => ", 1 warning".into(),
        several => format!(", {several} warnings"),
    };
    let from = match &config.path {
        Some(path) => format!("from {}", path.display()),
        None => "without a configuration file".into(),
    };
    let count = config.targets.len();
    let plural = if count == 1 { "" } else { "s" };
    writeln!(
        out,
        "ok{warned}: {count} target{plural} {}",
        crate::text::safe_lines(&from)
    )?;
    Ok(0)
}

/// Files that are there and of no use: no error, as a mounted secret may be right later, and their
/// targets alone are silent until then.
fn useless_files(config: &Config, environment: &Environment) -> Vec<String> {
    let mut found = Vec::new();
    for target in &config.targets {
        if &*target.id.kind == kubernetes::SOURCE.kind {
            for outage in survey::doubts(&target.settings, environment) {
                let hint = outage.hint.as_deref();
                let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
                found.push(format!("{}: {}{hint}", target.id, outage.detail));
            }
            continue;
        }
        let mut tell = |outage: &Outage| {
            let hint = outage.hint.as_deref();
            let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
            // Details about a file begin with the key that names it.
            let key = outage.detail.split(':').next().unwrap_or_default();
            let origin = target.settings.origin(key);
            let origin = origin.map_or_else(String::new, |origin| format!("{origin}: "));
            found.push(format!("{origin}{}: {}{hint}", target.id, outage.detail));
        };
        // Missing ones are among the warnings of the configuration already.
        if let Some(path) = target
            .settings
            .path("headers_file")
            .filter(|path| path.exists())
            && let Err(outage) = Headers::default().refreshed(&path)
        {
            tell(&outage);
        }
        let named = ["ca", "cert", "key"].map(|key| target.settings.path(key));
        if named.iter().all(Option::is_none) || !named.iter().flatten().all(|path| path.exists()) {
            continue;
        }
        let endpoint = Endpoint::from_settings("https://localhost", 443, &target.settings);
        if let Ok(endpoint) = endpoint
            && let Err(outage) = tls::load(&endpoint, &[b"h2"])
        {
            tell(&outage);
        }
    }
    found
}

fn show(
    cli: &Cli,
    environment: &Environment,
    target: Option<&str>,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> io::Result<u8> {
    let config = match load(cli, environment) {
        Ok(config) => config,
        Err(found) => {
            tell(&found, errors)?;
            return Ok(USAGE);
        }
    };
    match print::show(&config, target) {
        Ok(shown) => text(out, &shown),
        Err(why) => {
            writeln!(errors, "error: {}", crate::text::safe_lines(&why))?;
            Ok(USAGE)
        }
    }
}

fn doctor(
    cli: &Cli,
    environment: &Environment,
    kernel: Option<KernelClock>,
    out: &mut dyn Write,
) -> io::Result<u8> {
    let lines = doctor::examine(&cli.request(environment.clone()), kernel);
    let when = cli.common.color.unwrap_or_default();
    let paint = Paint::choose(when, environment, Out::of(&io::stdout()));
    text(out, &doctor::render(&lines, paint))?;
    Ok(u8::from(
        lines.iter().any(|line| line.mark == doctor::Mark::Bad),
    ))
}

fn rules(id: Option<&str>, out: &mut dyn Write, errors: &mut dyn Write) -> io::Result<u8> {
    let Some(id) = id else {
        let mut all: Vec<_> = RULES.to_vec();
        all.sort_by_key(|rule| rule.id);
        let widest = all.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
        for rule in all {
            writeln!(out, "{:widest$}  {}", rule.id, rule.title())?;
        }
        return Ok(0);
    };
    let Some(rule) = findings::rule(id) else {
        let hint = match nearest(id, RULES.iter().map(|rule| rule.id)) {
            Some(meant) => format!("did you mean {meant}?"),
            None => "see `midwatch rules` for all of them".into(),
        };
        let id = crate::text::SafeText::new(id);
        writeln!(errors, "error: there is no rule {id}; {hint}")?;
        return Ok(USAGE);
    };
    let mut on: Vec<&str> = rule.on.iter().map(|kind| kind.word()).collect();
    on.dedup();
    writeln!(
        out,
        "{}\n\n{}\n\nOn: {}",
        rule.id,
        rule.doc.trim(),
        on.join(", ")
    )?;
    if !rule.causes.is_empty() {
        let mut causes: Vec<&str> = rule.causes.iter().map(|cause| cause.rule).collect();
        causes.dedup();
        writeln!(out, "Explained by: {}", causes.join(", "))?;
    }
    Ok(0)
}

fn reset(errors: &mut dyn Write) -> io::Result<u8> {
    let Err(error) = crate::terminal::reset_terminal() else {
        return Ok(0);
    };
    writeln!(
        errors,
        "error: the terminal cannot be reset: {error}; run it in the terminal that is to be reset"
    )?;
    Ok(1)
}

fn man(out: &mut dyn Write) -> io::Result<u8> {
    text(out, &super::man::page())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn ran(args: &[&str], environment: &Environment) -> (Option<u8>, String, String) {
        let (mut out, mut errors) = (Vec::new(), Vec::new());
        let cli = Cli::parse_from(std::iter::once("midwatch").chain(args.iter().copied()));
        let code = run(&cli, environment, || None, &mut out, &mut errors);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (code, text(out), text(errors))
    }

    fn file(text: &str) -> (tempfile::TempDir, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap().to_owned();
        (dir, path)
    }

    #[test]
    fn config_check_counts_the_errors_of_a_bad_file_and_fails() {
        let (_dir, path) = file("thme = 1\nmouse = \"x\"\n");
        let (code, out, errors) = ran(
            &["config", "check", "--config", &path],
            &Environment::default(),
        );
        assert_eq!((code, out.as_str()), (Some(1), ""));
        assert!(errors.contains("Did you mean `theme`?"), "{errors}");
        assert!(
            errors.ends_with("2 errors in the configuration\n"),
            "{errors}"
        );
    }

    #[test]
    fn config_show_names_the_variable_that_won() {
        let (_dir, path) = file("theme = \"dark\"\n");
        let environment = Environment::of(&[("MIDWATCH_THEME", "light")]);
        let (code, out, _) = ran(&["--config", &path, "config", "show"], &environment);
        assert_eq!(code, Some(0));
        assert!(out.contains("theme = \"light\""), "{out}");
        assert!(out.contains("# MIDWATCH_THEME"), "{out}");
    }

    #[test]
    fn completions_and_the_man_page_know_every_command() {
        let none = Environment::default();
        for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
            let (code, out, _) = ran(&["completions", shell], &none);
            assert_eq!(code, Some(0));
            assert!(
                out.contains("doctor") && out.contains("log-level"),
                "{shell}"
            );
        }
        let (_, man, _) = ran(&["man"], &none);
        let man = man.replace("\\-", "-");
        for command in command().get_subcommands() {
            assert!(man.contains(command.get_name()), "{}", command.get_name());
        }
        assert!(man.contains("something could not be judged"), "{man}");
    }

    #[test]
    fn an_unknown_rule_is_an_error() {
        let (code, _, errors) = ran(&["rules", "no\u{1b}-such-rule"], &Environment::default());
        assert_eq!(code, Some(USAGE));
        assert!(errors.starts_with("error: there is no rule") && !errors.contains('\u{1b}'));
    }

    #[test]
    fn watching_and_checking_are_left_to_main() {
        let none = Environment::default();
        assert_eq!(ran(&[], &none).0, None);
        assert_eq!(ran(&["check"], &none).0, None);
    }

    #[test]
    fn a_closed_pipe_is_no_failure_and_a_full_disk_is() {
        struct Failing(io::ErrorKind);
        impl Write for Failing {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::Error::from(self.0))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let cli = Cli::parse_from(["midwatch", "config", "default"]);
        for (kind, code) in [
            (io::ErrorKind::BrokenPipe, 0),
            (io::ErrorKind::StorageFull, USAGE),
        ] {
            let ran = run(
                &cli,
                &Environment::default(),
                || None,
                &mut Failing(kind),
                &mut io::sink(),
            );
            assert_eq!(ran, Some(code), "{kind}");
        }
    }
}
