//! What differs between two readings of one object, field by field, for a person to read.
//!
//! Left out is what changes with every write and says nothing: the version and the managed fields.
//! Whether a difference matters is not decided here.

use serde_json::Value;

use super::call::spaced;
use super::plan::Change;

/// So many fields are named; the rest is counted.
const NAMED: usize = 3;
/// Longest value that is shown, in characters.
const LONGEST: usize = 60;

/// The fields that changed, with their values; the object's own word (`spec`) before what is
/// reported of it (`status`), at most three and then how many more there are.
#[must_use]
pub fn between(before: &Value, now: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    walk("", Some(before), Some(now), &mut found);
    found.sort_by_key(|change: &Change| rank(&change.what));
    let more = found.len().saturating_sub(NAMED);
    if more > 0 {
        found.truncate(NAMED);
        found.push(Change::more(more));
    }
    found
}

fn rank(path: &str) -> u8 {
    if path.starts_with("status") {
        3
    } else if path.starts_with("metadata.annotations") || path == "metadata.generation" {
        2
    } else {
        u8::from(path.starts_with("metadata.labels"))
    }
}

fn walk(path: &str, before: Option<&Value>, now: Option<&Value>, found: &mut Vec<Change>) {
    if before == now || matches!(path, "metadata.managedFields" | "metadata.resourceVersion") {
        return;
    }
    match (before, now) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                let dot = if path.is_empty() { "" } else { "." };
                let path = format!("{path}{dot}{key}");
                walk(&path, old.get(key), new.get(key), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if old.len() == new.len() => {
            for (nth, (old, new)) in old.iter().zip(new).enumerate() {
                walk(&format!("{path}[{nth}]"), Some(old), Some(new), found);
            }
        }
        _ => found.push(Change {
            what: path.to_owned(),
            before: told(before),
            now: told(now),
        }),
    }
}

/// A value in few words.
fn told(value: Option<&Value>) -> String {
    let text = match value {
        None => return "not set".into(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => spaced(value),
    };
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told_of(before: &Value, now: &Value) -> Vec<String> {
        let changes = between(before, now);
        changes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn fields_are_named_with_both_values_and_what_says_nothing_is_left_out() {
        let before = json!({
            "metadata": {"uid": "u", "resourceVersion": "41", "managedFields": [1]},
            "spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]},
        });
        let now = json!({
            "metadata": {"uid": "u", "resourceVersion": "42", "managedFields": [2, 3]},
            "spec": {"taints": [{"key": "b", "effect": "NoSchedule"}], "unschedulable": true},
        });
        assert_eq!(
            told_of(&before, &now),
            [
                "spec.taints[0].key was a, is b",
                "spec.unschedulable was not set, is true"
            ]
        );
        assert!(between(&before, &before).is_empty());
    }

    #[test]
    fn after_three_the_rest_is_counted_and_the_status_comes_last() {
        let field = |value: u8| {
            let status: serde_json::Map<_, _> = (0..5)
                .map(|nth| (format!("s{nth}"), json!(value)))
                .collect();
            json!({"status": status, "spec": {"x": value}, "metadata": {"annotations": {"a.b/c": value}}})
        };
        let told = told_of(&field(1), &field(2));
        assert_eq!(
            told,
            [
                "spec.x was 1, is 2",
                "metadata.annotations.a.b/c was 1, is 2",
                "status.s0 was 1, is 2",
                "and 4 more"
            ]
        );
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let told = told_of(&json!({}), &json!({"x": "ü".repeat(500)}));
        assert_eq!(told, [format!("x was not set, is {}...", "ü".repeat(60))]);
    }
}
