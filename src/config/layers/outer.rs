//! What stands outside of the file: environment and command line.

use crate::config::Request;
use crate::config::decode::from_text;
use crate::config::keys::{KEYS, Key, find, thresholds};
use crate::config::settings::{ConfigError, Value};
use crate::nearest::nearest;

/// A value from the environment or the command line.
pub(super) struct Outer {
    pub key: Key,
    pub value: Value,
    pub origin: String,
}

/// Environment, then arguments: the later wins.
pub(super) fn read(request: &Request, errors: &mut Vec<ConfigError>) -> Vec<Outer> {
    let mut outer = Vec::new();
    let mut add = |key: Key, text: &str, origin: String| match from_text(&key, text) {
        Ok(value) => outer.push(Outer { key, value, origin }),
        Err(why) => {
            let problem = format!("`{}` wants {}; {why}", key.name, key.shape.wants());
            errors.push(ConfigError::new(origin, problem).hint(key.shape.example()));
        }
    };
    for key in KEYS.iter().copied().chain(thresholds()) {
        let variable = key.variable();
        let set = variable
            .as_deref()
            .and_then(|name| request.environment.get(name));
        if let (Some(variable), Some(text)) = (&variable, set) {
            add(key, text, variable.clone());
        }
    }
    for over in &request.overrides {
        if let Some(key) = find(over.key) {
            add(key, &over.value, over.flag.to_owned());
        }
    }
    outer
}

/// A variable that begins as ours and is none of them is probably mistyped.
pub(super) fn unknown_variables(request: &Request) -> Vec<String> {
    let mut known: Vec<String> = KEYS
        .iter()
        .copied()
        .chain(thresholds())
        .filter_map(|key| key.variable())
        .collect();
    known.extend(["MIDWATCH_CONFIG".into(), "MIDWATCH_AUDIT_ANCHORS".into()]);
    let ours = request
        .environment
        .0
        .keys()
        .filter(|name| name.starts_with("MIDWATCH_"));
    ours.filter(|name| !known.contains(name))
        .map(
            |name| match nearest(name, known.iter().map(String::as_str)) {
                Some(meant) => format!("{name} is not known; did you mean {meant}?"),
                None => format!("{name} is not known and does nothing"),
            },
        )
        .collect()
}
