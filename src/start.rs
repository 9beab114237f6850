//! From the command line to a running console or check, and from its end to an exit code.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::app::{App, Binding, Identity};
use crate::asks::Asks;
use crate::audit::Audit;
use crate::check::{self, Depth};
use crate::choices;
use crate::cli::{self, Cli, Command, KeymapCommand, ThemeCommand};
use crate::clock;
use crate::config::settings::ConfigError;
use crate::config::{self, Config, Environment};
use crate::driver::{self, Console, Ending};
use crate::glyph;
use crate::ids::TargetId;
use crate::intent::Intent;
use crate::keymap::Keymap;
use crate::logging;
use crate::paint::Skin;
use crate::panes;
use crate::poll::Watched;
use crate::report::{self, Format, Out, Paint, Report};
use crate::runner::Desk;
use crate::sources::local;
use crate::terminal::{BACKGROUND_BUDGET, Mouse, Options, Terminal};
use crate::theme::{Depth as Colours, Theme};
use crate::watch;

/// Exit code for a bad configuration, a wrong word on the command line, or nowhere to write to: none
/// of those that `check` answers with.
pub const USAGE: u8 = 64;

/// Runs what the command line asks for; answers the exit code.
#[must_use]
pub fn run(cli: &Cli) -> u8 {
    let environment = Environment::of_process();
    let mut err = std::io::stderr();
    let done = runtime().and_then(|runtime| {
        // Making a gRPC channel needs a runtime around it, also where nothing is polled.
        let inside = runtime.enter();
        let mut out = std::io::stdout().lock();
        if let Some(code) = cli::run(cli, &environment, local::kernel_clock, &mut out, &mut err) {
            return Ok(code);
        }
        drop(out);
        let done = attempt(cli, &environment, &runtime);
        drop(inside);
        // Polls under way are not waited for.
        runtime.shutdown_background();
        done
    });
    done.unwrap_or_else(|errors| {
        // Nothing is left to tell it with when this fails too.
        let _ = cli::tell(&errors, &mut err);
        USAGE
    })
}

fn attempt(
    cli: &Cli,
    environment: &Environment,
    runtime: &Runtime,
) -> Result<u8, Vec<ConfigError>> {
    match &cli.command {
        Some(Command::Check(flags)) if flags.schema => {
            print(&report::json::schema())?;
            Ok(0)
        }
        Some(Command::Check(flags)) => one_check(cli, flags, environment, runtime),
        Some(Command::Act(flags)) => {
            let config = config::load(&cli.request(environment.clone()))?;
            begin_log(&config, environment, "one action");
            let (code, text) = runtime.block_on(cli::act::run(flags, config, environment))?;
            print(&text)?;
            tracing::info!("midwatch ended: the action is done, exit code {code}");
            Ok(code)
        }
        Some(Command::Keymap(what)) => keymaps(cli, *what, environment),
        Some(Command::Theme(ThemeCommand::List)) => {
            let themes = choices::themes(environment)?;
            print(&(themes.names().join("\n") + "\n"))?;
            Ok(0)
        }
        _ => console(cli, environment, runtime),
    }
}

/// Writes to standard output; a reader that went away, as `head` does, is no failure.
fn print(text: &str) -> Result<(), Vec<ConfigError>> {
    let mut out = std::io::stdout().lock();
    let done = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match done {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            let problem = format!("the answer cannot be written: {error}");
            Err(vec![
                ConfigError::new("standard output", problem)
                    .hint("Free some room, or write it elsewhere"),
            ])
        }
        _ => Ok(()),
    }
}

fn begin_log(config: &Config, environment: &Environment, what: &str) {
    let folder = config::location::state_folder(environment);
    logging::start(&config.console.log_level, folder.as_deref());
    let from = match &config.path {
        Some(path) => path.display().to_string(),
        None => "no file".to_owned(),
    };
    tracing::info!(
        "midwatch {} began: {what}, configuration from {from}, targets: {}",
        env!("CARGO_PKG_VERSION"),
        config.targets.len(),
    );
}

fn runtime() -> Result<Runtime, Vec<ConfigError>> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("midwatch-poll")
        .enable_all()
        .build()
        .map_err(|error| vec![ConfigError::new("tokio", format!("no runtime: {error}"))])
}

fn one_check(
    cli: &Cli,
    flags: &cli::Check,
    environment: &Environment,
    runtime: &Runtime,
) -> Result<u8, Vec<ConfigError>> {
    let mut config = config::load(&cli.request(environment.clone()))?;
    only(&mut config, &flags.only)?;
    begin_log(&config, environment, "one check");
    if let Some(trouble) = logging::trouble() {
        let told = crate::text::safe_lines(&trouble);
        // Nobody to tell it to is no reason not to check.
        let _ = writeln!(
            std::io::stderr(),
            "warning: {told}\n  = hint: {}",
            logging::HINT
        );
    }
    let (model, feeds) = watch::prepare(&config, clock::now())?;
    let depth = if flags.wait {
        Depth::SecondSample(one_period(&feeds))
    } else {
        Depth::OneSample
    };
    let outcome = runtime.block_on(check::run(model, feeds, depth, flags.timeout));
    let took = outcome.now.stamp.since(outcome.started.stamp);
    let report = Report::new(
        &outcome.model.snapshot(outcome.now),
        &outcome.ledger,
        outcome.started,
        took,
    );
    let paint = match flags.output {
        Format::Text => Paint::choose(
            config.console.color,
            environment,
            Out::of(&std::io::stdout()),
        ),
        _ => Paint::Plain,
    };
    print(&report.render(flags.output, paint))?;
    let mut code = report.exit_code();
    if let Some(why) = config.unwatched.as_ref().filter(|_| flags.only.is_empty()) {
        let why = crate::text::safe_lines(why);
        let _ = writeln!(std::io::stderr(), "warning: no cluster is watched: {why}");
        // What should be watched and is not is unknown, and only what is critical is worse.
        if code != report::CRITICAL {
            code = report::UNKNOWN;
        }
    }
    tracing::info!("midwatch ended: the check is done, exit code {code}");
    Ok(code)
}

/// In this time every target was due once more. What a target asks for less often beside its main
/// business, such as the hashes of etcd, does not count.
fn one_period(feeds: &[Watched]) -> Duration {
    let mut periods: BTreeMap<&TargetId, Duration> = BTreeMap::new();
    for Watched { spec, .. } in feeds {
        let period = periods.entry(&spec.id.target).or_insert(spec.period);
        *period = spec.period.min(*period);
    }
    periods.into_values().max().unwrap_or_default()
}

/// Keeps the targets that `--only` names; a name that fits none is a mistake.
fn only(config: &mut Config, names: &[String]) -> Result<(), Vec<ConfigError>> {
    if names.is_empty() {
        return Ok(());
    }
    let known: Vec<String> = config
        .targets
        .iter()
        .map(|target| target.id.to_string())
        .collect();
    let errors: Vec<ConfigError> = names
        .iter()
        .filter(|name| !known.contains(name))
        .map(|name| {
            let error = ConfigError::new("--only", format!("no target `{name}`"));
            match config::nearest(name, known.iter().map(String::as_str)) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint(format!("choose from {}", known.join(", "))),
            }
        })
        .collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    config
        .targets
        .retain(|target| names.contains(&target.id.to_string()));
    Ok(())
}

fn keymaps(
    cli: &Cli,
    what: KeymapCommand,
    environment: &Environment,
) -> Result<u8, Vec<ConfigError>> {
    let config = config::load(&cli.request(environment.clone()))?;
    match what {
        KeymapCommand::List => {
            print(
                &(crate::keymap::PRESETS
                    .iter()
                    .map(|(name, _)| *name)
                    .collect::<Vec<_>>()
                    .join("\n")
                    + "\n"),
            )?;
            Ok(0)
        }
        KeymapCommand::Check => {
            let clashes = choices::keymap(&config, environment)?.check();
            for clash in &clashes {
                print(&format!("{clash}\n"))?;
            }
            if clashes.is_empty() {
                print(&format!(
                    "ok: the keymap `{}` has no clashes\n",
                    config.console.keymap
                ))?;
            }
            Ok(u8::from(!clashes.is_empty()))
        }
    }
}

/// Every key of every pane, as the help and the hint line show it: keys of one intent together.
#[must_use]
pub fn bindings(keymap: &Keymap) -> Vec<Binding> {
    let mut all: Vec<Binding> = Vec::new();
    let mut add = |scope: &str, keys: String, intent: Intent, doc: &str| {
        if let Some(known) = all
            .iter_mut()
            .find(|b| b.intent == intent.name() && b.scope == scope)
        {
            known.keys.push_str(", ");
            known.keys.push_str(&keys);
            return;
        }
        let doc = match intent {
            Intent::GoToPane(number) => pane_doc(number).unwrap_or_else(|| doc.to_owned()),
            _ => doc.to_owned(),
        };
        all.push(Binding {
            keys,
            intent: intent.name().to_owned(),
            doc,
            scope: scope.to_owned(),
        });
    };
    let base = keymap.bindings_for("");
    for bound in &base {
        add("", bound.keys.clone(), bound.intent, bound.doc);
    }
    for pane in choices::pane_ids().iter().chain(crate::app::asks::SCOPES) {
        for bound in keymap.bindings_for(pane) {
            if !base.contains(&bound) {
                add(pane, bound.keys, bound.intent, bound.doc);
            }
        }
    }
    all.retain(|binding| {
        !binding.intent.starts_with("pane-") || pane_number(&binding.intent) <= panes::PANES.len()
    });
    all
}

fn pane_number(intent: &str) -> usize {
    intent
        .strip_prefix("pane-")
        .and_then(|number| number.parse().ok())
        .unwrap_or(usize::MAX)
}

fn pane_doc(number: u8) -> Option<String> {
    let pane = panes::PANES.get(usize::from(number).checked_sub(1)?)?;
    Some(format!("Go to {}", pane.listing.title()))
}

/// The theme that a late answer of the terminal can still ask for: `auto` waits for it only so long.
fn late_theme(
    config: &Config,
    environment: &Environment,
    terminal: &Terminal,
) -> Result<Option<Theme>, Vec<ConfigError>> {
    let depth = choices::colours(config, environment);
    let known = || terminal.background(Duration::ZERO).is_some();
    if config.console.theme != "auto" || depth <= Colours::Sixteen || known() {
        return Ok(None);
    }
    let theme = choices::themes(environment)?.load("light", depth);
    theme.map(Some).map_err(choices::mistakes)
}

fn identity(config: &Config) -> Identity {
    let context = config.console.context.clone().unwrap_or_default();
    let insecure = config
        .targets
        .iter()
        .filter(|target| target.settings.flag("insecure"));
    Identity {
        production: context.prod,
        context: if context.name.is_empty() && context.prod {
            "PROD".into()
        } else {
            context.name
        },
        tls_off: insecure.map(|target| target.id.to_string()).collect(),
        other_contexts: config.other_contexts.clone(),
        themes: Vec::new(),
    }
}

/// Does the locale promise UTF-8? Without it only ASCII is drawn.
fn speaks_utf8(environment: &Environment) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| environment.get(name));
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

fn console(
    cli: &Cli,
    environment: &Environment,
    runtime: &Runtime,
) -> Result<u8, Vec<ConfigError>> {
    let config = config::load(&cli.request(environment.clone()))?;
    let keymap = choices::keymap(&config, environment)?;
    let pane = choices::start_pane(&config)?;
    // A theme that cannot be loaded is told before the terminal is taken.
    choices::theme(&config, environment, None)?;
    begin_log(&config, environment, "the console");
    let now = clock::now();
    let (model, feeds) = watch::prepare(&config, now)?;
    let folder = config::location::state_folder(environment);
    let asks = Asks::new(watch::apis(&feeds), folder);
    let mut app = App::new(model, panes::listings(), pane, now);
    let themes = choices::themes(environment)?;
    app.identity = Identity {
        themes: themes.names().into_iter().map(Arc::from).collect(),
        ..identity(&config)
    };
    app.unwatched.clone_from(&config.unwatched);
    app.bindings = bindings(&keymap);
    for warning in &config.warnings {
        tracing::warn!("{warning}");
        app.say(warning.clone());
    }
    if let Some(trouble) = logging::trouble() {
        app.say(trouble);
    }
    let mouse = if config.console.mouse {
        Mouse::On
    } else {
        Mouse::Off
    };
    let (terminal, events) = Terminal::enter(Options { mouse }).map_err(|error| {
        vec![
            ConfigError::new("terminal", error.to_string())
                .hint("run `midwatch check` where there is no terminal"),
        ]
    })?;
    let ground = || terminal.background(BACKGROUND_BUDGET);
    let theme = choices::theme(&config, environment, Some(&ground))?;
    let light = late_theme(&config, environment, &terminal)?;
    let plain = config.console.ascii || !speaks_utf8(environment);
    let glyphs = if plain {
        &glyph::ASCII
    } else {
        &glyph::UNICODE
    };
    let desk = Desk::new(watch::apis(&feeds), Audit::of(environment));
    let console = Console {
        app,
        feeds,
        keymap,
        skin: Skin {
            theme: &theme,
            glyphs,
        },
        light: light.as_ref(),
        themes: (themes, choices::colours(&config, environment)),
        terminal,
        events,
        desk,
        asks,
    };
    let ending = runtime.block_on(driver::run(console));
    let ending = ending.map(|(ending, left)| {
        for line in left {
            // Nobody to tell it to is no failure: the audit has it.
            let _ = writeln!(std::io::stderr(), "{}", crate::text::safe_lines(&line));
        }
        ending
    });
    let (reason, done) = match ending {
        Ok(Ending::Left) => ("the reader quit".to_owned(), Ok(0)),
        Ok(Ending::Signalled(code)) => {
            let number = code.saturating_sub(128);
            (format!("signal {number}"), Ok(code))
        }
        Ok(Ending::TerminalGone) => ("the terminal is gone".to_owned(), Ok(129)),
        Err(error) => {
            let problem = format!("writing failed: {error}");
            let told = ConfigError::new("terminal", problem.clone());
            (problem, Err(vec![told]))
        }
    };
    tracing::info!("midwatch ended: {reason}");
    done
}
