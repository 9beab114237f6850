//! From the bodies of Prometheus' HTTP API v1 to facts. Pure. The structs name only what is kept,
//! so that serde skips the rest of a large body without allocating for it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use super::alert::{self, Texts, moment};
use crate::clients::http::Page;
use crate::facts::{Alert, AlertState, RuleGroup, RuleGroups, ScrapeTarget, ScrapeTargets};
use crate::observation::{Layer, Outage};
use crate::sources::json_answer;

#[derive(Deserialize)]
struct Envelope<'a, T> {
    #[serde(borrow)]
    status: Cow<'a, str>,
    data: Option<T>,
    #[serde(default, rename = "errorType", borrow)]
    error_type: Cow<'a, str>,
    #[serde(default, borrow)]
    error: Cow<'a, str>,
}

/// Opens the envelope that every answer of the API comes in, errors with their HTTP status
/// included.
///
/// # Errors
/// `protocol` with the server's own error, else as [`json_answer::decode`].
pub fn data<'a, T: Deserialize<'a>>(what: &str, page: &'a Page) -> Result<T, Outage> {
    let envelope: Envelope<'a, T> = match serde_json::from_slice(&page.body) {
        Ok(envelope) => envelope,
        Err(error) => {
            json_answer::status(what, page)?;
            return Err(json_answer::unreadable(what, page, &error));
        }
    };
    match envelope.data {
        Some(data) if envelope.status == "success" => Ok(data),
        _ if envelope.status == "success" => {
            Err(Outage::new(Layer::Parse, format!("{what}: no data")))
        }
        _ => {
            let (kind, error) = (envelope.error_type, envelope.error);
            Err(Outage::new(
                Layer::Protocol,
                format!("{what}: {kind}: {error}"),
            ))
        }
    }
}

#[derive(Deserialize)]
pub struct BuildInfo {
    #[serde(default)]
    pub version: Arc<str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuntimeInfo {
    #[serde(default)]
    start_time: String,
    pub reload_config_success: Option<bool>,
    pub corruption_count: Option<u64>,
    #[serde(default)]
    pub storage_retention: Arc<str>,
}

impl RuntimeInfo {
    pub fn started_at(&self) -> Option<Timestamp> {
        moment(&self.start_time)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tsdb {
    pub head_stats: HeadStats,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeadStats {
    pub num_series: Option<u64>,
    pub chunk_count: Option<u64>,
    /// Milliseconds since the epoch; the least integer there is while the head is empty.
    max_time: Option<i64>,
}

impl HeadStats {
    pub fn newest(&self) -> Option<Timestamp> {
        let millis = self.max_time.filter(|millis| *millis > 0)?;
        Timestamp::from_millisecond(millis).ok()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alertmanagers {
    active_alertmanagers: Vec<Url>,
}

#[derive(Deserialize)]
struct Url {
    url: Arc<str>,
}

impl Alertmanagers {
    pub fn urls(self) -> Vec<Arc<str>> {
        self.active_alertmanagers
            .into_iter()
            .map(|it| it.url)
            .collect()
    }
}

#[derive(Deserialize)]
pub struct AlertList {
    alerts: Vec<RawAlert>,
}

#[derive(Deserialize)]
struct RawAlert {
    labels: Texts,
    #[serde(default)]
    annotations: Texts,
    state: AlertState,
    #[serde(default, rename = "activeAt")]
    active_at: String,
}

impl AlertList {
    pub fn alerts(self) -> Vec<Alert> {
        self.alerts
            .into_iter()
            .map(|raw| {
                let at = moment(&raw.active_at);
                alert::alert(raw.labels, raw.annotations, raw.state, at)
            })
            .collect()
    }
}

#[derive(Deserialize)]
pub struct TargetList {
    #[serde(rename = "activeTargets", deserialize_with = "fold_targets")]
    pub targets: ScrapeTargets,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawTarget<'a> {
    #[serde(borrow)]
    labels: RawTargetLabels<'a>,
    #[serde(default, borrow)]
    scrape_url: Cow<'a, str>,
    #[serde(default, borrow)]
    last_error: Cow<'a, str>,
    #[serde(default, borrow)]
    last_scrape: Cow<'a, str>,
    #[serde(default, deserialize_with = "span")]
    last_scrape_duration: Duration,
    #[serde(default, borrow)]
    health: Cow<'a, str>,
}

#[derive(Deserialize)]
struct RawTargetLabels<'a> {
    #[serde(default, borrow)]
    job: Cow<'a, str>,
    #[serde(default, borrow)]
    instance: Cow<'a, str>,
}

/// Seconds as a float; what no time can be makes the answer unreadable rather than a zero.
fn span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let secs = f64::deserialize(deserializer)?;
    Duration::try_from_secs_f64(secs)
        .map_err(|_| serde::de::Error::custom(format_args!("{secs} seconds are no span of time")))
}

/// Counts target by target, so that fifty thousand healthy ones cost nothing.
fn fold_targets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ScrapeTargets, D::Error> {
    struct Fold;
    impl<'de> Visitor<'de> for Fold {
        type Value = ScrapeTargets;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of scrape targets")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ScrapeTargets, A::Error> {
            let mut all = ScrapeTargets::default();
            while let Some(raw) = seq.next_element::<RawTarget<'de>>()? {
                count_target(&mut all, &raw);
            }
            Ok(all)
        }
        fn visit_unit<E>(self) -> Result<ScrapeTargets, E> {
            Ok(ScrapeTargets::default())
        }
    }
    deserializer.deserialize_any(Fold)
}

fn count_target(all: &mut ScrapeTargets, raw: &RawTarget<'_>) {
    match &*raw.health {
        "up" => {
            all.up += 1;
            return;
        }
        "down" => all.down += 1,
        _ => all.unknown += 1,
    }
    if all.failing.len() < ScrapeTargets::KEPT {
        all.failing.push(ScrapeTarget {
            job: (&*raw.labels.job).into(),
            instance: (&*raw.labels.instance).into(),
            url: (&*raw.scrape_url).into(),
            error: (&*raw.last_error).into(),
            last_scrape: moment(&raw.last_scrape),
            took: raw.last_scrape_duration,
            down: raw.health == "down",
        });
    }
}

#[derive(Deserialize)]
pub struct RuleList<'a> {
    #[serde(borrow, default)]
    groups: Vec<RawGroup<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawGroup<'a> {
    name: Arc<str>,
    #[serde(default)]
    file: Arc<str>,
    #[serde(default, deserialize_with = "span")]
    interval: Duration,
    #[serde(default, deserialize_with = "span")]
    evaluation_time: Duration,
    #[serde(default, borrow)]
    last_evaluation: Cow<'a, str>,
    #[serde(borrow)]
    rules: Vec<RawRule<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRule<'a> {
    #[serde(default, borrow)]
    name: Cow<'a, str>,
    #[serde(default, borrow)]
    query: Cow<'a, str>,
    #[serde(default, borrow)]
    health: Cow<'a, str>,
    #[serde(default, borrow)]
    last_error: Cow<'a, str>,
    #[serde(default, rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default, borrow)]
    labels: RawRuleLabels<'a>,
}

#[derive(Default, Deserialize)]
struct RawRuleLabels<'a> {
    #[serde(default, borrow)]
    severity: Cow<'a, str>,
}

impl RawRule<'_> {
    /// An alerting rule that is meant to fire at all times: by its usual names, or by an
    /// expression that is always true where its severity calls nobody.
    fn is_watchdog(&self) -> bool {
        const NAMES: [&str; 4] = [
            "watchdog",
            "deadmansswitch",
            "deadmanswitch",
            "alwaysfiring",
        ];
        let name: String = self.name.chars().filter(|c| c.is_alphanumeric()).collect();
        let query: String = self.query.split_whitespace().collect();
        let calls_nobody = matches!(&*self.labels.severity, "" | "none" | "info");
        self.kind == "alerting"
            && (NAMES.contains(&name.to_lowercase().as_str())
                || (query == "vector(1)" && calls_nobody))
    }
}

impl RuleList<'_> {
    pub fn groups(self) -> RuleGroups {
        RuleGroups(self.groups.into_iter().map(RawGroup::group).collect())
    }
}

impl RawGroup<'_> {
    fn group(self) -> RuleGroup {
        let failing = self.rules.iter().filter(|rule| rule.health == "err");
        let watchdogs = self.rules.iter().filter(|rule| rule.is_watchdog());
        RuleGroup {
            failing: failing
                .map(|rule| ((&*rule.name).into(), (&*rule.last_error).into()))
                .collect(),
            watchdogs: watchdogs.map(|rule| (&*rule.name).into()).collect(),
            rules: u32::try_from(self.rules.len()).unwrap_or(u32::MAX),
            name: self.name,
            file: self.file,
            interval: self.interval,
            took: self.evaluation_time,
            last_at: moment(&self.last_evaluation),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::json_answer::tests::page;

    macro_rules! recorded {
        ($name:literal) => {
            page(
                200,
                include_bytes!(concat!(
                    "../../../tests/fixtures/payloads/prometheus/",
                    $name,
                    ".json"
                )),
            )
        };
    }

    #[test]
    fn a_time_that_cannot_be_is_no_zero() {
        let told = |time: &str| {
            let body = format!(
                r#"{{"status":"success","data":{{"groups":[
                    {{"name":"g","interval":60,"evaluationTime":{time},"rules":[]}}]}}}}"#
            );
            let answer = page(200, body.as_bytes());
            data::<RuleList>("rules", &answer).map(|list| list.groups().0[0].took)
        };
        assert_eq!(told("0.5"), Ok(Duration::from_millis(500)));
        for impossible in ["-5", "1e300"] {
            let outage = told(impossible).unwrap_err();
            assert_eq!(outage.layer, Layer::Parse, "{outage}");
        }
    }

    #[test]
    fn version_runtime_and_head_are_read() {
        let build = recorded!("buildinfo");
        assert_eq!(
            &*data::<BuildInfo>("b", &build).unwrap().version,
            "2.42.0+ds"
        );
        let runtime = recorded!("runtimeinfo");
        let runtime: RuntimeInfo = data("r", &runtime).unwrap();
        assert_eq!(runtime.reload_config_success, Some(true));
        assert_eq!(runtime.corruption_count, Some(0));
        assert_eq!(&*runtime.storage_retention, "15d");
        assert!(runtime.started_at().is_some());
        let tsdb = recorded!("tsdb");
        let head = data::<Tsdb>("t", &tsdb).unwrap().head_stats;
        assert_eq!(head.num_series, Some(525));
        assert_eq!(head.newest().unwrap().as_millisecond(), 1_795_252_158_227);
    }

    #[test]
    fn the_target_that_is_down_keeps_its_error() {
        let body = recorded!("targets");
        let told = data::<TargetList>("targets", &body).unwrap().targets;
        assert_eq!((told.up, told.down, told.unknown), (1, 1, 0));
        let [gone] = told.failing.as_slice() else {
            panic!("{told:?}")
        };
        assert_eq!((&*gone.job, &*gone.instance), ("gone", "127.0.0.1:19101"));
        assert!(gone.error.contains("connection refused"));
        assert!(gone.down && gone.took > Duration::ZERO && gone.last_scrape.is_some());
    }

    #[test]
    fn a_target_not_scraped_yet_is_unknown_and_not_down() {
        let body = page(
            200,
            br#"{"status":"success","data":{"activeTargets":[{"labels":{"job":"a"},
            "health":"unknown","lastScrape":"0001-01-01T00:00:00Z"}]}}"#,
        );
        let told = data::<TargetList>("targets", &body).unwrap().targets;
        assert_eq!((told.down, told.unknown), (0, 1));
        assert!(!told.failing[0].down && told.failing[0].last_scrape.is_none());
    }

    #[test]
    fn the_failing_rule_and_the_watchdog_are_found() {
        let body = recorded!("rules");
        let groups = data::<RuleList<'_>>("rules", &body).unwrap().groups().0;
        let [broken, fleet] = groups.as_slice() else {
            panic!("{groups:?}")
        };
        assert_eq!(&*broken.failing[0].0, "instance:ambiguous");
        assert!(broken.failing[0].1.contains("many-to-many"));
        assert_eq!(fleet.rules, 4);
        assert!(fleet.failing.is_empty());
        assert_eq!(fleet.watchdogs, [Arc::from("Watchdog")]);
        assert_eq!(fleet.interval, Duration::from_secs(2));
        assert!(fleet.last_at.is_some());
    }

    #[test]
    fn alerts_keep_state_and_labels_with_quotes() {
        let body = recorded!("alerts");
        let alerts = data::<AlertList>("alerts", &body).unwrap().alerts();
        let down = alerts.iter().find(|a| &*a.name == "InstanceDown").unwrap();
        assert_eq!(down.state, AlertState::Firing);
        assert_eq!(&*down.severity, "critical");
        assert_eq!(&*down.summary, "127.0.0.1:19101 does not answer");
        let slow = alerts.iter().find(|a| &*a.name == "SlowToFire").unwrap();
        assert_eq!(slow.state, AlertState::Pending);
        assert_eq!(&*slow.labels["team"], "night, \"shift\"");
        assert_eq!(&*slow.summary, "it would take an hour");
    }

    #[test]
    fn the_error_of_the_server_is_told_in_its_words() {
        let body = include_bytes!("../../../tests/fixtures/payloads/prometheus/query-bad.json");
        let page = page(400, body);
        let outage = data::<TargetList>("query", &page).err().unwrap();
        assert_eq!(outage.layer, Layer::Protocol);
        assert!(outage.detail.starts_with("query: bad_data: "), "{outage}");
    }

    #[test]
    fn a_part_that_a_compatible_server_lacks_is_named_as_not_offered() {
        let outage = data::<TargetList>("targets", &page(404, b"404 page not found"))
            .err()
            .unwrap();
        assert!(outage.detail.contains("not offered"), "{outage}");
    }

    #[test]
    fn an_expression_that_is_always_true_is_a_watchdog_only_without_a_grave_severity() {
        let rules: Vec<String> = [
            ("AlwaysOn", "{}"),
            ("Info", r#"{"severity":"info"}"#),
            ("None", r#"{"severity":"none"}"#),
            ("Crit", r#"{"severity":"critical"}"#),
            ("Warn", r#"{"severity":"warning"}"#),
            ("Page", r#"{"severity":"page"}"#),
            ("deadMansSwitch", r#"{"severity":"critical"}"#),
        ]
        .iter()
        .map(|(name, labels)| {
            format!(
                r#"{{"type":"alerting","name":"{name}","query":"vector(1)","labels":{labels}}}"#
            )
        })
        .collect();
        let body = format!(
            r#"{{"status":"success","data":{{"groups":[{{"name":"g","rules":[{}]}}]}}}}"#,
            rules.join(",")
        );
        let body = page(200, body.as_bytes());
        let groups = data::<RuleList<'_>>("rules", &body).unwrap().groups().0;
        let names: Vec<&str> = groups[0].watchdogs.iter().map(|name| &**name).collect();
        assert_eq!(names, ["AlwaysOn", "Info", "None", "deadMansSwitch"]);
    }
}
