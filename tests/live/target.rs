//! A configured target for a running server: as a `TargetConfig` for probes, and as TOML for the
//! whole program.

use std::fmt::Write as _;

use midwatch::config::settings::{Settings, Value};
use midwatch::ids::TargetId;
use midwatch::sources::TargetConfig;

/// Settings of one target, in the order they are written.
#[derive(Clone, Debug)]
pub struct Target {
    pub kind: &'static str,
    pub name: String,
    settings: Vec<(&'static str, Value)>,
}

impl Target {
    pub fn new(kind: &'static str, name: &str) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            settings: Vec::new(),
        }
    }

    #[must_use]
    pub fn text(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((key, Value::Text(value.into())));
        self
    }

    #[must_use]
    pub fn list(mut self, key: &'static str, values: &[String]) -> Self {
        self.settings.push((key, Value::List(values.to_vec())));
        self
    }

    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.settings.retain(|(known, _)| *known != key);
        self
    }

    pub fn config(&self) -> TargetConfig {
        let mut settings = Settings::default();
        for (key, value) in &self.settings {
            settings.set(key, value.clone(), "live");
        }
        TargetConfig {
            id: TargetId::new(self.kind, &self.name),
            settings,
        }
    }

    fn toml(&self) -> String {
        let mut text = format!(
            "[[target]]\nkind = {}\nname = {}\n",
            quoted(self.kind),
            quoted(&self.name)
        );
        for (key, value) in &self.settings {
            let value = match value {
                Value::Text(text) => quoted(text),
                Value::List(list) => {
                    let items: Vec<String> = list.iter().map(|item| quoted(item)).collect();
                    format!("[{}]", items.join(", "))
                }
                Value::Bool(flag) => flag.to_string(),
                Value::Number(number) => number.to_string(),
            };
            let _ = writeln!(text, "{key} = {value}");
        }
        text
    }
}

/// A midwatch configuration for what runs.
pub fn config_toml(targets: &[Target]) -> String {
    let tables: Vec<String> = targets.iter().map(Target::toml).collect();
    tables.join("\n")
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
