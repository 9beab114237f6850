//! The command line: what there is to say, and the commands that need no model.
//!
//! No flag takes a secret. `watch` and `check` are run by `main.rs`; [`run`] does the others.

pub mod act;
pub mod audit;
mod commands;
mod man;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::config::{ColorWhen, Contexts, Environment, Override, Request};
use crate::report::Format;

pub use commands::{run, tell};

const AFTER: &str = "\
Configuration: --config FILE, else MIDWATCH_CONFIG, else $XDG_CONFIG_HOME/midwatch/config.toml, \
else ~/.config/midwatch/config.toml. Without a file the machine at hand is watched, and the cluster \
of the current context of your kubeconfig.

Every setting of the console and every one that holds for all targets can be given as MIDWATCH_ and \
its name in capitals, such as MIDWATCH_THEME or MIDWATCH_PERIOD.

Exit codes of `check`: 0 ok, 1 warning, 2 critical, 3 unknown. Of `act`: 0 done and seen, or so \
already; 1 refused, nothing was done; 2 the plan was shown, nothing was sent; 3 sent, and not known \
to be done. Of the other commands: 0 well, 1 \
something was found (`config check`, `keymap check`, `doctor`, `audit verify`). Of all: 64 for a wrong command line, \
a bad configuration, or an answer that cannot be written.";

/// Exit codes with their meaning, for the man page.
const EXIT_CODES: &[(&str, &str)] = &[
    (
        "0",
        "`check`: all is well. `act`: done and seen, or it was so already; with `--plan-only` nothing \
         speaks against it. Others: it was done.",
    ),
    (
        "1",
        "`check`: a warning. `act`: refused, nothing was done. `config check`, `keymap check`, \
         `audit verify` and `doctor`: something is wrong.",
    ),
    (
        "2",
        "`check`: something is critical. `act`: the plan was shown, nothing was sent.",
    ),
    (
        "3",
        "`check`: unknown: something could not be judged. `act`: it was sent, and is not known to be \
         done.",
    ),
    (
        "64",
        "A wrong command line, a bad configuration, no terminal for the console, or an answer that \
         cannot be written. No verdict of `check` has this code.",
    ),
    (
        "129 to 143",
        "The console was ended by a signal: 128 and its number.",
    ),
];

/// Watch your own cloud from a terminal
#[derive(Debug, Parser)]
#[command(name = "midwatch", version, after_long_help = AFTER, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub watch: Watch,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags that every command takes.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// Configuration to use in place of the usual one
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// When to use colour; auto: on a terminal, unless the environment forbids it
    #[arg(
        long,
        global = true,
        value_name = "auto|always|never",
        hide_possible_values = true
    )]
    pub color: Option<ColorWhen>,
    /// How much goes to the log file: off, error, warn, info, debug, trace
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Watch this context of the kubeconfig, beside what the configuration says; may be repeated
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        conflicts_with = "all_contexts"
    )]
    pub context: Vec<String>,
    /// Watch every context of the kubeconfig, beside what the configuration says
    #[arg(long, global = true)]
    pub all_contexts: bool,
}

/// Flags of the console.
#[derive(Clone, Debug, Args)]
pub struct Watch {
    /// Pane to start in
    #[arg(long, value_name = "PANE")]
    pub open: Option<String>,
    /// Colours, by the name of a theme
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,
    /// Keys, by the name of a keymap
    #[arg(long, value_name = "NAME")]
    pub keymap: Option<String>,
    /// Draw with ASCII alone
    #[arg(long)]
    pub ascii: bool,
    /// Take wheel and clicks
    #[arg(long, overrides_with = "no_mouse")]
    pub mouse: bool,
    /// Leave the mouse to the terminal
    #[arg(long)]
    pub no_mouse: bool,
}

#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Poll every target, print what is wrong, and exit with 0 ok, 1 warning, 2 critical, 3 unknown
    Check(Check),
    /// Do one thing to one object: shows the plan, and with --yes does it
    Act(Box<act::Act>),
    /// Show and check the record of what was done
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Judge, print and explain the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// List and check keymaps
    #[command(subcommand)]
    Keymap(KeymapCommand),
    /// List themes
    #[command(subcommand)]
    Theme(ThemeCommand),
    /// Look at what midwatch finds here: terminal, files, clock
    Doctor,
    /// Explain the rules: what they find, by which threshold, and what to look at
    Rules {
        /// A rule's id; without one, all of them in a line each
        id: Option<String>,
    },
    /// Put the terminal right after a midwatch that was killed
    ResetTerminal,
    /// Print the completions of a shell
    Completions {
        /// Shell to print them for
        shell: Shell,
    },
    /// Print the man page
    Man,
    /// Print the version
    Version,
}

/// Flags of `check`.
#[derive(Clone, Debug, Args)]
pub struct Check {
    /// Format of the answer
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Format,
    /// Poll again until rates are known too, which takes one more period
    #[arg(long)]
    pub wait: bool,
    /// Give up after this time, such as 30s; what has not answered by then is unknown
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub timeout: Option<Duration>,
    /// Print the JSON schema of `-o json` and poll nothing
    #[arg(long)]
    pub schema: bool,
    /// Poll this target alone; can be repeated
    #[arg(long, value_name = "KIND/NAME")]
    pub only: Vec<String>,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum KeymapCommand {
    /// Print the keymaps
    List,
    /// Look for clashes in the keymap in use
    Check,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ThemeCommand {
    /// Print the themes
    List,
}

#[derive(Clone, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Tell every mistake with its place
    Check,
    /// Print a complete commented configuration
    Default,
    /// Print what was merged, each value with where it came from
    Show {
        /// One target, with all of its thresholds
        #[arg(value_name = "KIND/NAME")]
        target: Option<String>,
    },
}

impl Cli {
    /// What the configuration is loaded by.
    #[must_use]
    pub fn request(&self, environment: Environment) -> Request {
        let (common, watch) = (&self.common, &self.watch);
        let color = common.color.map(|when| match when {
            ColorWhen::Auto => "auto".to_owned(),
            ColorWhen::Always => "always".to_owned(),
            ColorWhen::Never => "never".to_owned(),
        });
        let mouse = match (watch.mouse, watch.no_mouse) {
            (_, true) => Some(("false", "--no-mouse")),
            (true, _) => Some(("true", "--mouse")),
            _ => None,
        };
        let given = [
            ("color", color, "--color"),
            ("log_level", common.log_level.clone(), "--log-level"),
            ("open", watch.open.clone(), "--open"),
            ("theme", watch.theme.clone(), "--theme"),
            ("keymap", watch.keymap.clone(), "--keymap"),
            ("ascii", watch.ascii.then(|| "true".to_owned()), "--ascii"),
            (
                "mouse",
                mouse.map(|(value, _)| value.to_owned()),
                mouse.map_or("", |(_, flag)| flag),
            ),
        ];
        let given = given.into_iter().filter_map(|(key, value, flag)| {
            let value = value?;
            Some(Override { key, value, flag })
        });
        Request {
            file: common.config.clone(),
            overrides: given.collect(),
            environment,
            contexts: match (common.all_contexts, &common.context[..]) {
                (true, _) => Contexts::All,
                (false, []) => Contexts::Current,
                (false, names) => Contexts::Named(names.to_vec()),
            },
            kubeconfig: None,
        }
    }
}

/// The command line as clap knows it: for completions, the man page and the documentation.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

fn time(text: &str) -> Result<Duration, String> {
    let span = crate::config::time(text)?;
    if span.is_zero() {
        Err("the time is zero".into())
    } else {
        Ok(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Cli {
        let all = std::iter::once("midwatch").chain(args.iter().copied());
        Cli::try_parse_from(all).unwrap()
    }

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    fn each(command: &clap::Command, visit: &mut dyn FnMut(&clap::Command)) {
        visit(command);
        command.get_subcommands().for_each(|sub| each(sub, visit));
    }

    #[test]
    fn no_flag_takes_a_secret() {
        each(&command(), &mut |command| {
            for arg in command.get_arguments() {
                let name = arg.get_id().as_str().to_lowercase();
                for word in [
                    "token",
                    "password",
                    "secret",
                    "credential",
                    "bearer",
                    "header",
                    "auth",
                ] {
                    assert!(!name.contains(word), "{} {name}", command.get_name());
                }
            }
        });
    }

    #[test]
    fn every_command_and_flag_says_what_it_is_for() {
        each(&command(), &mut |command| {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for arg in command.get_arguments() {
                assert!(
                    arg.get_help().is_some(),
                    "{} {}",
                    command.get_name(),
                    arg.get_id()
                );
            }
        });
    }

    #[test]
    fn flags_become_overrides_under_their_own_names() {
        let cli = parsed(&[
            "--theme",
            "mono",
            "--no-mouse",
            "--ascii",
            "check",
            "--color",
            "never",
        ]);
        let request = cli.request(Environment::default());
        let given: Vec<(&str, &str, &str)> = request
            .overrides
            .iter()
            .map(|o| (o.key, &*o.value, o.flag))
            .collect();
        assert_eq!(
            given,
            [
                ("color", "never", "--color"),
                ("theme", "mono", "--theme"),
                ("ascii", "true", "--ascii"),
                ("mouse", "false", "--no-mouse"),
            ]
        );
        for given in &request.overrides {
            assert!(
                crate::config::keys::find(given.key).is_some(),
                "{}",
                given.key
            );
        }
    }

    #[test]
    fn check_reads_its_flags() {
        let cli = parsed(&[
            "check",
            "-o",
            "junit",
            "--timeout",
            "1m30s",
            "--only",
            "etcd/prod",
        ]);
        let Some(Command::Check(check)) = cli.command else {
            panic!("not a check")
        };
        assert_eq!(check.output, Format::Junit);
        assert_eq!(check.timeout, Some(Duration::from_secs(90)));
        assert_eq!(check.only, ["etcd/prod"]);
        assert!(Cli::try_parse_from(["midwatch", "check", "--timeout", "soon"]).is_err());
    }

    #[test]
    fn without_a_command_it_watches() {
        assert!(parsed(&["--open", "etcd"]).command.is_none());
    }
}
