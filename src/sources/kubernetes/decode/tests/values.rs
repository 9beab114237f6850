//! Parts of objects from JSON, by the API's documentation and as plainly as can be.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::objects::{Condition, Labels, Resources, Selector, Status};

pub fn text<'a>(of: &'a Value, at: &str) -> &'a str {
    of.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

pub fn arc(of: &Value, at: &str) -> Arc<str> {
    text(of, at).into()
}

pub fn some(of: &Value, at: &str) -> Option<Arc<str>> {
    of.pointer(at).and_then(Value::as_str).map(Into::into)
}

pub fn time(of: &Value, at: &str) -> Option<Timestamp> {
    of.pointer(at)?.as_str().map(|time| time.parse().unwrap())
}

pub fn number(of: &Value, at: &str) -> Option<u32> {
    let number = of.pointer(at)?.as_u64()?;
    Some(u32::try_from(number).unwrap())
}

pub fn count(of: &Value, at: &str) -> u32 {
    number(of, at).unwrap_or(0)
}

pub fn flag(of: &Value, at: &str) -> bool {
    of.pointer(at).and_then(Value::as_bool).unwrap_or(false)
}

pub fn list<'a>(of: &'a Value, at: &str) -> &'a [Value] {
    of.pointer(at)
        .and_then(Value::as_array)
        .map_or(&[], |all| all)
}

pub fn each<T>(of: &Value, at: &str, one: impl Fn(&Value) -> T) -> Box<[T]> {
    list(of, at).iter().map(one).collect()
}

pub fn labels(of: &Value, at: &str) -> Labels {
    let pairs = of.pointer(at).and_then(Value::as_object);
    let pairs = pairs.into_iter().flatten();
    pairs
        .map(|(key, value)| (key.as_str().into(), value.as_str().unwrap().into()))
        .collect()
}

/// Exact for the few forms that are recorded.
pub fn quantity(text: &str) -> f64 {
    let end = text
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let number: f64 = text[..end].parse().unwrap();
    let factor = match &text[end..] {
        "" => 1.0,
        "m" => 0.001,
        "M" => 1e6,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        other => panic!("{other}"),
    };
    number * factor
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "recorded values are small and whole"
)]
pub fn amount(of: &Value, at: &str, times: f64) -> Option<u64> {
    let text = of.pointer(at)?.as_str()?;
    Some((quantity(text) * times).round() as u64)
}

pub fn resources(of: &Value, at: &str) -> Resources {
    Resources {
        cpu_milli: amount(of, &format!("{at}/cpu"), 1000.0),
        memory: amount(of, &format!("{at}/memory"), 1.0),
    }
}

pub fn conditions(of: &Value) -> Box<[Condition]> {
    each(of, "/status/conditions", |c| Condition {
        kind: arc(c, "/type"),
        status: match text(c, "/status") {
            "True" => Status::True,
            "False" => Status::False,
            _ => Status::Unknown,
        },
        since: time(c, "/lastTransitionTime"),
        reason: arc(c, "/reason"),
        message: arc(c, "/message"),
    })
}

pub fn selector(of: &Value) -> Selector {
    let at = "/spec/selector";
    Selector {
        pairs: labels(of, &format!("{at}/matchLabels")),
        expressions: each(of, &format!("{at}/matchExpressions"), |e| {
            let values = each(e, "/values", |v| v.as_str().unwrap().into());
            (arc(e, "/key"), arc(e, "/operator"), values)
        }),
        absent: of.pointer(at).is_none(),
    }
}
