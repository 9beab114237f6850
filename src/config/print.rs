//! The configuration as text: the commented default file, and what was merged from where.

use std::fmt::Write as _;

use super::Config;
use super::decode::written;
use super::keys::{Applies, KEYS, Key, find};
use super::settings::{Settings, Value};
use crate::sources::Source;
use crate::text::{safe_lines, width};
use crate::thresholds;

const HEAD: &str = "\
# midwatch configuration. Every line that begins with `# ` and a key shows its default.
#
# What wins, from the weakest: the default of the kind, [defaults], [kind.KIND], the traits of a
# target in their order, the target itself, MIDWATCH_* variables, arguments. `midwatch config show`
# tells for each value where it came from; `midwatch config check` judges this file.
# Without any [[target]] the machine that midwatch runs on is watched, and the cluster of the current
# context of your kubeconfig; with one, only what the file says, so add kind = \"local\" where you want
# both. `--all-contexts` adds every context of the kubeconfig that is not written here.
";

const TRAIT: &str = "
# A named block that targets share: traits = [\"internal-ca\"]. Any setting of [defaults] may stand here.
# [trait.internal-ca]
# ca = \"~/pki/ca.pem\"
# cert = \"~/pki/midwatch.pem\"
# key = \"~/pki/midwatch-key.pem\"
";

/// A complete commented file, made from the tables.
#[must_use]
pub fn default_toml(sources: &[&Source]) -> String {
    let mut out = String::from(HEAD);
    for key in KEYS.iter().filter(|key| key.applies == Applies::Console) {
        if let Some(inner) = key.name.strip_prefix("context.") {
            if inner == "name" {
                out.push_str(
                    "\n# Which fleet this is, in the header of every screen.\n[context]\n",
                );
            }
            commented(&mut out, inner, key, key.default);
        } else {
            out.push('\n');
            commented(&mut out, key.name, key, key.default);
        }
    }
    out.push_str("\n# What holds for every target.\n[defaults]\n");
    for key in KEYS {
        let default = match key.name {
            "period" => "\"10s\"",
            "timeout" => "\"5s\"",
            _ => key.default,
        };
        if matches!(key.applies, Applies::All | Applies::Tls) {
            commented(&mut out, key.name, key, or_example(key, default));
        }
    }
    out.push_str("\n# Thresholds: every number names where it comes from.\n");
    out.push_str(&thresholds::as_toml());
    for source in sources {
        of_kind(&mut out, source);
    }
    out.push_str(TRAIT);
    out
}

fn commented(out: &mut String, name: &str, key: &Key, value: &str) {
    let _ = writeln!(out, "# {}\n# {name} = {value}", key.doc);
}

/// A key without a default is shown with an example.
fn or_example<'a>(key: &Key, default: &'a str) -> &'a str {
    match (default, key.name) {
        ("", "ca") => "\"~/pki/ca.pem\"",
        ("", "cert") => "\"~/pki/client.pem\"",
        ("", "key") => "\"~/pki/client-key.pem\"",
        ("", "server_name") => "\"etcd.internal\"",
        ("", "headers_file") => "\"~/.config/midwatch/headers\"",
        ("", "url") => "\"https://10.0.0.11:9090\"",
        ("", "address") => "\"10.0.0.1\"",
        ("", "endpoints") => "[\"https://10.0.0.11:2379\", \"https://10.0.0.12:2379\"]",
        ("", "metrics_endpoints") => "[\"http://10.0.0.11:2381\", \"http://10.0.0.12:2381\"]",
        ("", "queries") => "[\"up == 0\"]",
        ("", "cluster") => "\"prod\"",
        ("", "context") => "\"prod-eu\"",
        ("", "kubeconfig") => "\"~/.kube/config\"",
        ("[]", "exec_allowed") => "[\"/usr/local/bin/kubelogin\"]",
        ("", "watch") => "[\"nodes\", \"pods\", \"deployments\"]",
        ("", "namespaces") => "[\"shop\", \"billing\"]",
        _ => default,
    }
}

fn of_kind(out: &mut String, source: &Source) {
    let _ = writeln!(out, "\n# {}", source.doc.trim().replace('\n', "\n# "));
    let _ = writeln!(
        out,
        "# [kind.{}]\n# period = \"{}\"\n# timeout = \"{}\"",
        source.kind,
        written(super::keys::Shape::Span, source.period.as_secs_f64()),
        written(super::keys::Shape::Span, source.timeout.as_secs_f64()),
    );
    let _ = writeln!(
        out,
        "#\n# [[target]]\n# kind = \"{}\"\n# name = \"example\"",
        source.kind
    );
    for name in source.keys {
        if let Some(key) = find(name) {
            let value = or_example(&key, key.default);
            let _ = writeln!(out, "# {name} = {value}");
        }
    }
}

/// The merged console, thresholds and targets, each value with its origin. With a name (`KIND/NAME`), that
/// target alone and with all of its thresholds.
///
/// # Errors
/// When no target has that name; the text says which there are.
pub fn show(config: &Config, target: Option<&str>) -> Result<String, String> {
    let mut out = String::new();
    let Some(wanted) = target else {
        let from = config
            .path
            .as_ref()
            .map_or("no file".into(), |path| path.display().to_string());
        let _ = writeln!(out, "# from {from}");
        rows(&mut out, &config.console.settings);
        let _ = writeln!(out, "\n# thresholds that hold where a target sets no own");
        out.push_str(&thresholds_of(&config.defaults));
        for target in &config.targets {
            let _ = writeln!(out, "\n[{}]", target.id);
            rows(&mut out, &target.settings);
        }
        return Ok(safe_lines(&out) + "\n");
    };
    let found = config
        .targets
        .iter()
        .find(|target| target.id.to_string() == wanted);
    let Some(found) = found else {
        let all: Vec<String> = config
            .targets
            .iter()
            .map(|target| target.id.to_string())
            .collect();
        let meant = super::nearest(wanted, all.iter().map(String::as_str));
        return Err(match meant {
            Some(meant) => format!("no target {wanted}; did you mean {meant}?"),
            None => format!("no target {wanted}; there are: {}", all.join(", ")),
        });
    };
    let mut settings = found.settings.clone();
    let own = |key: &String| !thresholds::TABLE.iter().any(|row| row.key == key);
    settings.values.retain(|key, _| own(key));
    let _ = writeln!(out, "[{}]", found.id);
    rows(&mut out, &settings);
    let _ = writeln!(out, "\n# thresholds of {}", found.id);
    out.push_str(&thresholds_of(&found.settings));
    Ok(safe_lines(&out) + "\n")
}

/// Every threshold with value and origin, in the order of the table, which is by subject.
fn thresholds_of(settings: &Settings) -> String {
    let mut out = String::new();
    let values = thresholds::TABLE.iter().map(|row| {
        let set = settings.values.get(row.key);
        let (value, origin) = set.map_or((Value::Number(row.default), "default"), |set| {
            (set.0.clone(), set.1.0.as_str())
        });
        (
            format!("{} = {}", row.key, as_toml(row.key, &value)),
            origin,
        )
    });
    aligned(&mut out, &values.collect::<Vec<_>>());
    out
}

fn rows(out: &mut String, settings: &Settings) {
    let lines: Vec<(String, &str)> = settings
        .values
        .iter()
        .map(|(key, (value, origin))| {
            (
                format!("{key} = {}", as_toml(key, value)),
                origin.0.as_str(),
            )
        })
        .collect();
    aligned(out, &lines);
}

fn aligned(out: &mut String, lines: &[(String, &str)]) {
    let widest = lines
        .iter()
        .map(|(line, _)| width(line))
        .filter(|w| *w <= 60)
        .max()
        .unwrap_or(0);
    for (line, origin) in lines {
        let gap = " ".repeat(widest.saturating_sub(width(line)));
        let _ = writeln!(out, "{line}{gap}  # {origin}");
    }
}

fn as_toml(key: &str, value: &Value) -> String {
    // A JSON string is a TOML string of one line.
    let quote = |text: &str| serde_json::Value::from(text).to_string();
    match value {
        Value::Text(text) => quote(text),
        Value::List(list) => {
            let list: Vec<String> = list.iter().map(|text| quote(text)).collect();
            format!("[{}]", list.join(", "))
        }
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => {
            let shape = find(key).map_or(super::keys::Shape::Count, |key| key.shape);
            let text = written(shape, *number);
            if text.parse::<f64>().is_ok() {
                text
            } else {
                format!("\"{text}\"")
            }
        }
    }
}
