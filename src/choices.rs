//! What the console is asked for by name: theme, keymap, pane; and the user's own files of them.
//!
//! The console takes them from here, and `config check` and `doctor` judge them here, so that what
//! is called right starts. Draws nothing and takes no terminal.

use crate::chord::Rgb;
use crate::config::{self, ColorWhen, Config, ConfigError, Environment, looks};
use crate::keymap::{Keymap, PRESETS};
use crate::mistake::Mistake;
use crate::panes;
use crate::theme::{Depth, Theme, Themes, is_light};

/// The name that goes by the terminal's background.
const AUTO: &str = "auto";

/// Everything that is wrong with them, unused files of the user included.
#[must_use]
pub fn problems(config: &Config, environment: &Environment) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    errors.extend(start_pane(config).err().into_iter().flatten());
    errors.extend(keymap(config, environment).err().into_iter().flatten());
    errors.extend(theme(config, environment, None).err().into_iter().flatten());
    let own = looks::themes(environment).unwrap_or_default();
    let all = themes(environment).unwrap_or_default();
    for file in own {
        let loaded = all.load(&file.name, Depth::True);
        let found = loaded.err().unwrap_or_default();
        errors.extend(placed(found, environment));
    }
    let mut told: Vec<ConfigError> = Vec::new();
    for error in errors {
        if !told.contains(&error) {
            told.push(error);
        }
    }
    told
}

/// The themes that there are, the user's own with them.
///
/// # Errors
/// Files that cannot be read or that others can write.
pub fn themes(environment: &Environment) -> Result<Themes, Vec<ConfigError>> {
    let mut themes = Themes::default();
    for file in looks::themes(environment)? {
        themes.add(&file.name, &file.text);
    }
    Ok(themes)
}

/// Mistakes of a file as errors of the configuration.
#[must_use]
pub fn mistakes(found: Vec<Mistake>) -> Vec<ConfigError> {
    found
        .into_iter()
        .map(|mistake| {
            let place = match mistake.line {
                Some(line) => format!("{}:{line}", mistake.file),
                None => mistake.file,
            };
            let error = ConfigError::new(place, mistake.problem);
            error.hint(
                mistake
                    .hint
                    .unwrap_or_else(|| "Correct this line".to_owned()),
            )
        })
        .collect()
}

/// The same for themes, which are called by their place in the folder; built-in ones say what they
/// are.
fn placed(found: Vec<Mistake>, environment: &Environment) -> Vec<ConfigError> {
    let mut errors = mistakes(found);
    if let Some(folder) = config::location::folder(environment) {
        for error in &mut errors {
            if !error.place.contains("(embedded)") {
                error.place = format!("{}/{}", folder.display(), error.place);
            }
        }
    }
    errors
}

/// A name that nothing has: where it was given, and which names there are.
fn unknown(place: String, what: &str, name: &str, known: &[&str]) -> Vec<ConfigError> {
    let error = ConfigError::new(place, format!("there is no {what} `{name}`"));
    vec![match config::nearest(name, known.iter().copied()) {
        Some(near) => error.hint(format!("Did you mean `{near}`?")),
        None => error.hint(format!("Choose from {}", known.join(", "))),
    }]
}

/// Every pane by its id, in their order.
#[must_use]
pub fn pane_ids() -> Vec<&'static str> {
    panes::listings()
        .iter()
        .map(|listing| listing.id())
        .collect()
}

/// The keymap that was asked for, with the user's own keys over it.
///
/// # Errors
/// A keymap that is not there, and every mistake of `keys.toml`.
pub fn keymap(config: &Config, environment: &Environment) -> Result<Keymap, Vec<ConfigError>> {
    let panes = pane_ids();
    let preset = config.console.keymap.as_str();
    let known: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
    let missing = || unknown(config.console.place("keymap"), "keymap", preset, &known);
    let Some(own) = looks::keys(environment)? else {
        let loaded = Keymap::preset(preset, &panes);
        return loaded.map_err(|found| {
            if known.contains(&preset) {
                mistakes(found)
            } else {
                missing()
            }
        });
    };
    let name = own.path.display().to_string();
    Keymap::load_over(preset, &own.text, &name, &panes).map_err(|found| {
        // Well over another preset: then the name is what is wrong, and not the file.
        if Keymap::load(&own.text, &name, &panes).is_ok() {
            missing()
        } else {
            mistakes(found)
        }
    })
}

/// Colours that the terminal and the reader's wishes allow.
#[must_use]
pub fn colours(config: &Config, environment: &Environment) -> Depth {
    let own = Depth::of_terminal(environment.get("COLORTERM"), environment.get("TERM"));
    match config.console.color {
        ColorWhen::Never => Depth::None,
        ColorWhen::Always => own.max(Depth::Sixteen),
        ColorWhen::Auto if environment.get("NO_COLOR").is_some() => Depth::None,
        ColorWhen::Auto => own,
    }
}

/// The theme that was asked for; `auto` goes by the terminal's background, dark when it is silent.
///
/// # Errors
/// A theme that is not there, and every mistake of its file.
pub fn theme(
    config: &Config,
    environment: &Environment,
    background: Option<&dyn Fn() -> Option<Rgb>>,
) -> Result<Theme, Vec<ConfigError>> {
    let themes = themes(environment)?;
    let depth = colours(config, environment);
    let name = match config.console.theme.as_str() {
        AUTO if depth == Depth::None => "mono",
        AUTO if depth == Depth::Sixteen => "terminal16",
        AUTO => match background.and_then(|ask| ask()) {
            Some(ground) if is_light(ground) => "light",
            _ => "dark",
        },
        name => name,
    };
    let mut known = themes.names();
    if !known.contains(&name) {
        known.push(AUTO);
        return Err(unknown(
            config.console.place("theme"),
            "theme",
            name,
            &known,
        ));
    }
    themes
        .load(name, depth)
        .map_err(|found| placed(found, environment))
}

/// The pane to start in, by its place.
///
/// # Errors
/// A pane that is not there.
pub fn start_pane(config: &Config) -> Result<usize, Vec<ConfigError>> {
    let Some(wanted) = &config.console.open else {
        return Ok(0);
    };
    let ids = pane_ids();
    let found = ids.iter().position(|id| id == wanted);
    found.ok_or_else(|| unknown(config.console.place("open"), "pane", wanted, &ids))
}
