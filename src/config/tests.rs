//! Layers, origins and lookups, from texts at hand. Mistakes have their corpus in `tests/`.

use std::time::Duration;

use super::*;
use crate::sources::Probe;

#[expect(clippy::unnecessary_wraps, reason = "the signature of Source::probes")]
fn no_probes(_: &TargetConfig) -> Result<Vec<Box<dyn Probe>>, ConfigError> {
    Ok(Vec::new())
}

const fn source(kind: &'static str, keys: &'static [&'static str]) -> Source {
    Source {
        kind,
        doc: "Polls it.",
        period: Duration::from_secs(10),
        timeout: Duration::from_secs(5),
        keys,
        probes: no_probes,
    }
}

pub(crate) static KINDS: &[&Source] = &[
    &source("local", &[]),
    &source("etcd", &["endpoints", "metrics_endpoints"]),
    &source("prometheus", &["url", "queries"]),
    &source("sntp", &["address"]),
];

fn request(environment: &[(&str, &str)]) -> Request {
    Request {
        environment: Environment::of(environment),
        ..Request::default()
    }
}

fn merged(text: &str, request: &Request) -> Config {
    merged_of(text, request, KINDS)
}

fn merged_of(text: &str, request: &Request, kinds: &[&Source]) -> Config {
    let file = ConfigFile::new("/etc/midwatch/config.toml", text);
    assemble(Some(&file), request, kinds).unwrap_or_else(|errors| {
        let errors: Vec<String> = errors.iter().map(ConfigError::render).collect();
        panic!("{}", errors.join("\n"))
    })
}

const LAYERED: &str = r#"
[defaults]
period = "20s"
timeout = "1s"
max_body = "1MiB"
etcd_fsync_warning = "10ms"
[kind.etcd]
timeout = "2s"
[trait.a]
timeout = "3s"
ca = "pki/a.pem"
[trait.b]
ca = "~/b.pem"
[[target]]
kind = "etcd"
name = "prod"
endpoints = ["https://10.0.0.11:2379"]
traits = ["a", "b"]
[[target]]
kind = "etcd"
name = "test"
timeout = "4s"
endpoints = ["https://10.0.0.12:2379"]
traits = ["a"]
"#;

#[test]
fn each_layer_wins_over_the_one_before_and_says_where_it_is() {
    let config = merged(LAYERED, &request(&[("MIDWATCH_MAX_BODY", "2MiB")]));
    let said = |at: usize, key: &str| {
        let settings = &config.targets[at].settings;
        (
            settings.values[key].0.clone(),
            settings.origin(key).unwrap().to_string(),
        )
    };
    let number = Value::Number;
    use settings::Value;
    assert_eq!(
        said(0, "period"),
        (number(20.0), "[defaults] config.toml:3".into())
    );
    assert_eq!(
        said(0, "timeout"),
        (number(3.0), "[trait.a] config.toml:10".into())
    );
    assert_eq!(said(1, "timeout"), (number(4.0), "config.toml:22".into()));
    assert_eq!(
        said(0, "max_body"),
        (number(2_097_152.0), "MIDWATCH_MAX_BODY".into())
    );
    assert_eq!(said(0, "insecure"), (Value::Bool(false), "default".into()));
    assert_eq!(said(0, "ca").1, "[trait.b] config.toml:13");
    assert_eq!(
        config.targets[0].settings.thresholds().etcd_fsync_warning,
        0.01
    );
    assert_eq!(config.defaults.thresholds().etcd_fsync_warning, 0.01);
}

#[test]
fn a_relative_path_starts_at_the_folder_of_the_file() {
    let config = merged(LAYERED, &request(&[]));
    assert_eq!(
        config.targets[1].settings.text("ca"),
        Some("/etc/midwatch/pki/a.pem")
    );
    assert_eq!(config.targets[0].settings.text("ca"), Some("~/b.pem"));
}

#[test]
fn an_argument_wins_over_the_variable_over_the_file() {
    let mut request = request(&[("MIDWATCH_THEME", "light"), ("MIDWATCH_ASCII", "1")]);
    let text = "theme = \"dark\"\ncontext = { name = \"EU\", prod = true }\n";
    assert_eq!(merged(text, &request).console.theme, "light");
    request.overrides.push(Override {
        key: "theme",
        value: "mono".into(),
        flag: "--theme",
    });
    let console = merged(text, &request).console;
    assert_eq!(console.theme, "mono");
    assert_eq!(console.settings.origin("theme").unwrap().0, "--theme");
    assert!(console.ascii);
    assert!(console.context.unwrap().prod);
}

#[test]
fn without_targets_the_local_machine_is_watched_and_with_one_it_is_not() {
    let none = assemble(None, &Request::default(), KINDS).unwrap();
    assert_eq!(none.targets.len(), 1);
    assert_eq!(
        none.targets[0].id.to_string(),
        format!("local/{}", host_name())
    );
    let theme_only = merged(
        "theme = \"dark\"\n[kind.local]\nperiod = \"2s\"\n",
        &request(&[]),
    );
    assert_eq!(theme_only.targets[0].settings.number("period"), Some(2.0));
    assert_eq!(merged(LAYERED, &request(&[])).targets.len(), 2);
}

#[test]
fn a_timeout_that_nobody_set_stays_below_a_short_period() {
    let config = merged("[defaults]\nperiod = \"2s\"\n", &request(&[]));
    assert_eq!(config.targets[0].settings.number("timeout"), Some(1.6));
}

#[test]
fn a_bad_or_unknown_variable_is_told_by_name() {
    let error = assemble(None, &request(&[("MIDWATCH_PERIOD", "soon")]), KINDS).unwrap_err();
    assert_eq!(error[0].place, "MIDWATCH_PERIOD");
    let config = assemble(None, &request(&[("MIDWATCH_PEROD", "1s")]), KINDS).unwrap();
    assert_eq!(
        config.warnings,
        ["MIDWATCH_PEROD is not known; did you mean MIDWATCH_PERIOD?"]
    );
}

#[test]
fn a_trait_that_does_nothing_for_its_target_is_a_warning() {
    let text = "[trait.a]\nca = \"x\"\n[[target]]\nkind = \"local\"\ntraits = [\"a\"]\n";
    let config = merged(text, &request(&[]));
    assert!(config.warnings[0].starts_with("[trait.a] sets `ca`, which does nothing for local/"));
    assert_eq!(config.targets[0].settings.text("ca"), None);
}

#[test]
fn the_default_file_is_valid_as_it_is_and_with_every_line_switched_on() {
    for kinds in [KINDS, SOURCES] {
        let text = print::default_toml(kinds);
        let local = merged_of(&text, &request(&[]), kinds);
        assert_eq!(local.targets.len(), 1, "the machine at hand");
        let on: Vec<&str> = text.lines().map(switched_on).collect();
        let all = merged_of(&on.join("\n"), &request(&[]), kinds);
        assert_eq!(all.targets.len(), kinds.len());
    }
}

/// A commented setting or heading without its `# `; prose stays as it is.
fn switched_on(line: &str) -> &str {
    let Some(rest) = line.strip_prefix("# ") else {
        return line;
    };
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let setting = rest
        .split_once(" = ")
        .is_some_and(|(key, _)| !key.is_empty() && key.chars().all(word));
    if setting || rest.ends_with(']') && rest.starts_with('[') {
        rest
    } else {
        line
    }
}

#[test]
fn show_tells_every_value_with_its_origin() {
    let config = merged(LAYERED, &request(&[]));
    let text = print::show(&config, Some("etcd/test")).unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("timeout"))
        .unwrap();
    assert!(
        line.starts_with("timeout = \"4s\"") && line.ends_with("# config.toml:22"),
        "{line}"
    );
    assert!(text.contains("etcd_quota_critical = \"95%\""));
    let wrong = print::show(&config, Some("etcd/tset")).unwrap_err();
    assert!(wrong.contains("did you mean etcd/test"), "{wrong}");
}

#[test]
fn show_lists_every_threshold_with_its_origin() {
    let config = merged(LAYERED, &request(&[]));
    for target in [None, Some("etcd/test")] {
        let text = print::show(&config, target).unwrap();
        let origin = |key: &str| {
            let line = text.lines().find(|line| line.starts_with(key))?;
            Some(line.rsplit_once("# ")?.1.to_owned())
        };
        for row in crate::thresholds::TABLE {
            let wanted = match row.key {
                "etcd_fsync_warning" => "[defaults] config.toml:6",
                _ => "default",
            };
            let key = format!("{} =", row.key);
            assert_eq!(origin(&key).as_deref(), Some(wanted), "{key}");
        }
    }
}

fn refused(text: &str, environment: &[(&str, &str)]) -> Vec<ConfigError> {
    let file = ConfigFile::new("/etc/midwatch/config.toml", text);
    assemble(Some(&file), &request(environment), KINDS).unwrap_err()
}

const TWO: &str = r#"
[[target]]
kind = "prometheus"
name = "a"
url = "http://10.0.0.1:9090"
[[target]]
kind = "prometheus"
name = "b"
url = "http://10.0.0.1:9090/"
"#;

#[test]
fn two_targets_of_a_kind_at_one_address_are_a_warning() {
    let config = merged(TWO, &request(&[]));
    assert_eq!(
        config.warnings,
        ["config.toml:9: prometheus/b polls http://10.0.0.1:9090, as prometheus/a does"]
    );
}

#[test]
fn a_deadline_that_many_share_is_wrong_once_where_it_was_set() {
    let text = format!("[defaults]\ntimeout = \"20s\"\n{TWO}");
    let errors = refused(&text, &[]);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].place.ends_with("config.toml:2:11"), "{errors:?}");
    let errors = refused(TWO, &[("MIDWATCH_TIMEOUT", "20s")]);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].place, "MIDWATCH_TIMEOUT");
    let alone = refused("[defaults]\ntimeout = \"20s\"\n", &[]);
    assert_eq!(alone.len(), 1, "the machine at hand has a deadline as well");
}

#[test]
fn a_word_from_another_place_says_which_place() {
    let errors = refused("perid = \"5s\"\n", &[]);
    let hint = errors[0].hint.as_deref();
    assert_eq!(hint, Some("Did you mean `period` (in [defaults])?"));
}

#[test]
fn one_slip_of_syntax_is_one_error() {
    let errors = refused("theme = dark\nmouse = [1,\n[defaults\nperiod = \n", &[]);
    assert_eq!(errors.len(), 1, "{errors:?}");
}

#[test]
fn a_port_out_of_range_is_told_with_the_other_mistakes() {
    let text = TWO.replace(":9090", ":99999");
    let errors = refused(&format!("thme = 1\n{text}"), &[]);
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(errors[1].problem.contains("1 to 65535"), "{errors:?}");
    for fine in ["[::1]:2379", "[fe80::1]", "a", "a:1", "a:65535/x:y"] {
        let text = TWO.replace("10.0.0.1:9090", fine);
        merged(&text, &request(&[]));
    }
}
