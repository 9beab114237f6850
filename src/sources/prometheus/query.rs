//! Instant queries: how they are asked, and their results as a bounded list of samples. Pure.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::answers;
use crate::clients::http::Page;
use crate::facts::{QueryResult, Sample};
use crate::observation::Outage;

/// Samples kept of one query.
pub const KEPT: usize = 1000;

/// The path that asks one query; the server gives up after `limit` as well.
#[must_use]
pub fn path(query: &str, limit: Duration) -> String {
    let mut path = String::from("/api/v1/query?query=");
    for byte in query.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                path.push(char::from(byte));
            }
            _ => {
                let _ = write!(path, "%{byte:02X}");
            }
        }
    }
    let _ = write!(path, "&timeout={}ms", limit.as_millis().max(1));
    path
}

/// What one query brought: samples, or in words why not.
#[must_use]
pub fn result(query: &str, page: &Page) -> QueryResult {
    let told: Result<Vector, _> = answers::data("query", page);
    let (result, dropped) = match told {
        Ok(vector) => vector.samples(),
        Err(outage) => (Err(outage.to_string()), 0),
    };
    QueryResult {
        query: query.into(),
        result,
        dropped,
    }
}

/// A query that never got an answer.
#[must_use]
pub fn failed(query: &str, outage: &Outage) -> QueryResult {
    QueryResult {
        query: query.into(),
        result: Err(outage.to_string()),
        dropped: 0,
    }
}

#[derive(Deserialize)]
struct Vector {
    #[serde(rename = "resultType")]
    kind: String,
    #[serde(deserialize_with = "fold")]
    result: Elements,
}

impl Vector {
    fn samples(self) -> (Result<Vec<Sample>, String>, u64) {
        let Elements {
            samples,
            scalar,
            histograms,
            dropped,
        } = self.result;
        let result = match self.kind.as_str() {
            "vector" if samples.is_empty() && histograms > 0 => Err(
                "only native histograms; ask for a number of them, such as histogram_count(...)"
                    .into(),
            ),
            "vector" => Ok(samples),
            "scalar" => match scalar.and_then(|text| text.parse().ok()) {
                Some(value) => Ok(vec![Sample {
                    labels: "".into(),
                    value,
                }]),
                None => Err("a scalar that is no number".into()),
            },
            "matrix" => Err("a range of samples; write an instant query without [...]".into()),
            other => Err(format!("a result of type {other}, not numbers")),
        };
        (result, dropped + histograms)
    }
}

/// Elements of a result whatever its type: objects of a vector, or time and text of a scalar.
#[derive(Default)]
struct Elements {
    samples: Vec<Sample>,
    scalar: Option<String>,
    histograms: u64,
    dropped: u64,
}

enum Element {
    Series(Series),
    Text(String),
    Time,
}

#[derive(Deserialize)]
struct Series {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    value: Option<(f64, String)>,
}

fn fold<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Elements, D::Error> {
    struct Fold;
    impl<'de> Visitor<'de> for Fold {
        type Value = Elements;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a query result")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Elements, A::Error> {
            let mut all = Elements::default();
            while all.samples.len() < KEPT {
                match seq.next_element()? {
                    None => return Ok(all),
                    Some(Element::Time) => {}
                    Some(Element::Text(text)) => all.scalar = Some(text),
                    Some(Element::Series(series)) => all.take(series),
                }
            }
            while seq.next_element::<IgnoredAny>()?.is_some() {
                all.dropped += 1;
            }
            Ok(all)
        }
    }
    deserializer.deserialize_seq(Fold)
}

impl Elements {
    fn take(&mut self, series: Series) {
        let value = series.value.and_then(|(_, text)| text.parse().ok());
        match value {
            Some(value) => self.samples.push(Sample {
                labels: labels(&series.metric).into(),
                value,
            }),
            None => self.histograms += 1,
        }
    }
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Element;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a series, a time or a text")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Element, A::Error> {
                let map = serde::de::value::MapAccessDeserializer::new(map);
                Series::deserialize(map).map(Element::Series)
            }
            fn visit_str<E>(self, text: &str) -> Result<Element, E> {
                Ok(Element::Text(text.to_owned()))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Element, E> {
                Ok(Element::Time)
            }
            fn visit_u64<E>(self, _: u64) -> Result<Element, E> {
                Ok(Element::Time)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Element, E> {
                Ok(Element::Time)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// `up{instance="a:9100", job="node"}`, as Prometheus writes it.
fn labels(metric: &BTreeMap<String, String>) -> String {
    let mut text = metric.get("__name__").cloned().unwrap_or_default();
    let named = !text.is_empty();
    let mut others = metric
        .iter()
        .filter(|(key, _)| *key != "__name__")
        .peekable();
    if named && others.peek().is_none() {
        return text;
    }
    text.push('{');
    for (at, (key, value)) in others.enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        let _ = write!(text, "{comma}{key}=\"");
        for c in value.chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                _ => text.push(c),
            }
        }
        text.push('"');
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::json_answer::tests::page;

    macro_rules! recorded {
        ($name:literal) => {
            result(
                "up",
                &page(
                    200,
                    include_bytes!(concat!(
                        "../../../tests/fixtures/payloads/prometheus/query-",
                        $name,
                        ".json"
                    )),
                ),
            )
        };
    }

    #[test]
    fn a_vector_keeps_labels_as_prometheus_writes_them() {
        let samples = recorded!("vector").result.unwrap();
        assert_eq!(
            &*samples[1].labels,
            "up{instance=\"127.0.0.1:19101\", job=\"gone\"}"
        );
        assert_eq!((samples[0].value, samples[1].value), (1.0, 0.0));
        let odd = BTreeMap::from([("a".to_owned(), "x\"\\\ny".to_owned())]);
        assert_eq!(labels(&odd), "{a=\"x\\\"\\\\\\ny\"}");
    }

    #[test]
    fn a_scalar_is_one_nameless_sample() {
        let samples = recorded!("scalar").result.unwrap();
        assert_eq!((samples.len(), samples[0].value), (1, 1.0));
    }

    #[test]
    fn nan_stays_nan() {
        assert!(recorded!("nan").result.unwrap()[0].value.is_nan());
    }

    #[test]
    fn what_is_no_number_says_so() {
        assert!(recorded!("matrix").result.unwrap_err().contains("instant"));
        assert!(recorded!("string").result.unwrap_err().contains("string"));
        assert!(recorded!("bad").result.unwrap_err().contains("bad_data"));
    }

    #[test]
    fn samples_beyond_the_limit_are_counted() {
        let one = r#"{"metric":{},"value":[1,"2"]}"#;
        let all = vec![one; KEPT + 7].join(",");
        let body =
            format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{all}]}}}}"#);
        let told = result("many", &page(200, body.as_bytes()));
        assert_eq!((told.result.unwrap().len(), told.dropped), (KEPT, 7));
    }

    #[test]
    fn a_query_is_escaped_whole() {
        let path = path("up{a=\"é\"} + 1", Duration::from_secs(2));
        assert_eq!(
            path,
            "/api/v1/query?query=up%7Ba%3D%22%C3%A9%22%7D%20%2B%201&timeout=2000ms"
        );
    }
}
