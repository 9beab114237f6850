//! The man page: one, with everything. Made from the command line and the tables of settings, so
//! that it knows each command, flag and variable that there is.

use clap::Arg;
use clap_mangen::roff::{Roff, bold, italic, roman};

use super::{EXIT_CODES, command};
use crate::config::keys::{KEYS, thresholds};

/// The page in roff.
#[must_use]
pub fn page() -> String {
    let mut roff = Roff::default();
    let version = concat!("midwatch ", env!("CARGO_PKG_VERSION"));
    roff.control("TH", ["midwatch", "1", "", version]);
    let root = command();
    let about = root
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    roff.control("SH", ["NAME"]);
    roff.text([roman(format!("midwatch - {about}"))]);
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([bold("midwatch"), roman(" [OPTIONS] [COMMAND]")]);
    roff.control("SH", ["DESCRIPTION"]);
    roff.text([roman(DESCRIPTION)]);
    roff.control("SH", ["OPTIONS"]);
    root.get_arguments()
        .for_each(|arg| argument(&mut roff, arg));
    roff.control("SH", ["COMMANDS"]);
    for sub in root.get_subcommands() {
        subcommand(&mut roff, "midwatch", sub);
    }
    roff.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in EXIT_CODES {
        entry(&mut roff, code, meaning);
    }
    roff.control("SH", ["FILES"]);
    for (file, meaning) in FILES {
        entry(&mut roff, file, meaning);
    }
    roff.control("SH", ["ENVIRONMENT"]);
    environment(&mut roff);
    roff.to_roff()
}

const DESCRIPTION: &str = "Polls hosts, etcd, Prometheus, Alertmanager and clocks, and says what is \
broken, since when and why. Without a command it opens the console; with `check` it judges once and \
exits. It reads only and changes nothing. Without a configuration the machine at hand is watched, and \
the cluster of the current context of your kubeconfig.";

const FILES: &[(&str, &str)] = &[
    (
        "$XDG_CONFIG_HOME/midwatch/config.toml",
        "What is watched and how; ~/.config stands for an unset XDG_CONFIG_HOME. `midwatch config \
         default` prints one with every setting and its default.",
    ),
    (
        "$XDG_CONFIG_HOME/midwatch/themes/NAME.toml",
        "A theme of your own, used by theme = \"NAME\".",
    ),
    (
        "$XDG_CONFIG_HOME/midwatch/keys.toml",
        "Keys of your own, over those of the keymap.",
    ),
    (
        "$XDG_STATE_HOME/midwatch/midwatch.log",
        "The log, with one predecessor; ~/.local/state stands for an unset XDG_STATE_HOME.",
    ),
];

/// Variables beside those of the settings.
const VARIABLES: &[(&str, &str)] = &[
    (
        "MIDWATCH_CONFIG",
        "The configuration to use in place of the usual one.",
    ),
    (
        "MIDWATCH_AUDIT_ANCHORS",
        "File for the head of the audit's chain, every 20 records; audit-anchors beside the audit \
         unless told. On another machine it shows what its owner changed here.",
    ),
    ("NO_COLOR", "No colour, where color is auto."),
    (
        "CLICOLOR_FORCE",
        "Colour in the text of `check` also where the output is no terminal.",
    ),
    (
        "XDG_CONFIG_HOME, XDG_STATE_HOME, HOME",
        "Where the files above are.",
    ),
];

fn environment(roff: &mut Roff) {
    for (name, meaning) in VARIABLES {
        entry(roff, name, meaning);
    }
    for key in KEYS.iter().copied().chain(thresholds()) {
        if let Some(variable) = key.variable() {
            entry(roff, &variable, &one_line(key.doc));
        }
    }
}

fn entry(roff: &mut Roff, term: &str, meaning: &str) {
    roff.control("TP", []);
    roff.text([bold(term)]);
    roff.text([roman(meaning)]);
}

/// A command, its flags and the commands below it.
fn subcommand(roff: &mut Roff, above: &str, command: &clap::Command) {
    let name = format!("{above} {}", command.get_name());
    roff.control("SS", [name.as_str()]);
    let about = command.get_about().map(ToString::to_string);
    roff.text([roman(about.unwrap_or_default())]);
    let own = command.get_arguments();
    // The flags that every command takes are told once, above.
    own.filter(|arg| !arg.is_global_set())
        .for_each(|arg| argument(roff, arg));
    for sub in command.get_subcommands() {
        subcommand(roff, &name, sub);
    }
}

fn argument(roff: &mut Roff, arg: &Arg) {
    let long = arg.get_long().map(|long| format!("--{long}"));
    let short = arg.get_short().map(|short| format!("-{short}"));
    let flags: Vec<String> = short.into_iter().chain(long).collect();
    let values = arg.get_value_names().unwrap_or_default();
    let values: Vec<&str> = values.iter().map(clap::builder::Str::as_str).collect();
    let takes = arg.get_action().takes_values();
    let value = if takes {
        values.join(" ")
    } else {
        String::new()
    };
    roff.control("TP", []);
    let gap = if flags.is_empty() || value.is_empty() {
        ""
    } else {
        " "
    };
    roff.text([bold(flags.join(", ")), roman(gap), italic(value)]);
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let choices = arg.get_possible_values();
    let choices: Vec<&str> = choices
        .iter()
        .map(clap::builder::PossibleValue::get_name)
        .collect();
    let help = if takes && !choices.is_empty() {
        format!("{help}: {}", choices.join(", "))
    } else {
        help
    };
    roff.text([roman(help)]);
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> String {
        page()
            .replace("\\-", "-")
            .replace("\\fB", "")
            .replace("\\fR", "")
    }

    #[test]
    fn it_holds_every_command_with_every_flag_of_its_own() {
        fn each(command: &clap::Command, name: &str, page: &str) {
            for sub in command.get_subcommands() {
                let name = format!("{name} {}", sub.get_name());
                let head = format!(".SS \"{name}\"");
                let rest = page.split(&head).nth(1);
                let rest = rest.unwrap_or_else(|| panic!("no {name} in {page}"));
                let section = rest.split("\n.S").next().unwrap();
                for long in sub.get_arguments().filter_map(Arg::get_long) {
                    assert!(section.contains(&format!("--{long}")), "{name} --{long}");
                }
                each(sub, &name, page);
            }
        }
        each(&command(), "midwatch", &plain());
    }

    #[test]
    fn it_tells_codes_files_and_variables_and_refers_to_no_other_page() {
        let page = plain();
        for part in [
            "EXIT STATUS",
            "64",
            "midwatch.log",
            "keys.toml",
            "MIDWATCH_CONFIG",
            "MIDWATCH_THEME",
            "MIDWATCH_ETCD_FSYNC_WARNING",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert!(!page.contains("(1)"), "{page}");
    }
}
