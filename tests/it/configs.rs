//! Corpora of configuration files: each valid one with what it means, each invalid one with every
//! message that it earns.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use midwatch::config::{Config, ConfigError, ConfigFile, Request, assemble, print};
use midwatch::sources::{Probe, Source, TargetConfig};

#[expect(clippy::unnecessary_wraps, reason = "the signature of Source::probes")]
fn no_probes(_: &TargetConfig) -> Result<Vec<Box<dyn Probe>>, ConfigError> {
    Ok(Vec::new())
}

const fn kind(kind: &'static str, keys: &'static [&'static str]) -> Source {
    Source {
        kind,
        doc: "Polls it.",
        period: Duration::from_secs(10),
        timeout: Duration::from_secs(5),
        keys,
        probes: no_probes,
    }
}

/// Kinds of their own, so that a message does not change with each source that is added.
static KINDS: &[&Source] = &[
    &kind("local", &[]),
    &kind("etcd", &["endpoints", "metrics_endpoints"]),
    &kind("prometheus", &["url", "queries"]),
    &kind("sntp", &["address"]),
];

fn corpus(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/configs")
        .join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() > 3, "{folder} is nearly empty");
    files
}

fn merged(path: &Path) -> Result<Config, Vec<ConfigError>> {
    let file = ConfigFile::new(
        "/etc/midwatch/config.toml",
        fs::read_to_string(path).unwrap(),
    );
    assemble(Some(&file), &Request::default(), KINDS)
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn every_valid_file_means_what_its_snapshot_says() {
    for path in corpus("valid") {
        let config = merged(&path).unwrap_or_else(|errors| {
            panic!("{}: {}", path.display(), errors[0].render());
        });
        let local = midwatch::config::host_name();
        let mut text = print::show(&config, None).unwrap();
        text = text.replace(&format!("[local/{local}]"), "[local/HOSTNAME]");
        for warning in &config.warnings {
            text.push_str(&format!("warning: {warning}\n"));
        }
        insta::assert_snapshot!(format!("valid_{}", stem(&path)), text);
    }
}

#[test]
fn every_invalid_file_earns_its_messages_all_at_once() {
    for path in corpus("invalid") {
        let errors = merged(&path).expect_err(&path.display().to_string());
        for error in &errors {
            assert!(
                error.place.starts_with("/etc/midwatch/config.toml:"),
                "{error}"
            );
            let hint = error.hint.as_deref().unwrap_or_default();
            assert!(hint.starts_with(char::is_uppercase), "{error} has no hint");
        }
        let text: Vec<String> = errors.iter().map(ConfigError::render).collect();
        let text = text.join("\n\n");
        assert!(!text.contains("hunter2"), "a password is printed");
        insta::assert_snapshot!(format!("invalid_{}", stem(&path)), text);
    }
}
