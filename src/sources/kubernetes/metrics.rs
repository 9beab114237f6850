//! The families of an API server's `/metrics` that verdicts need, taken while the body streams: it
//! has megabytes, of which a few hundred lines are wanted. Counters stay counters.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::beside::Ask;
use crate::clients::kube::{Api, Reply};
use crate::facts::{
    DeprecatedApi, Fact, FactKind, FlowRejections, Histogram, KubeMetrics, Webhook,
};
use crate::observation::{Harvest, Layer, Lost, Outage};
use crate::sources::exposition::{ACCEPT, Reader, Sample, Wanted};
use crate::subject::Subject;
use crate::units::Bytes;

/// Largest body that is read, after inflation: a busy server of a large cluster has 20 MB.
const LARGEST: u64 = 256 << 20;
/// Lists of names that a server could fill without end.
const KEPT: usize = 2000;

/// Every sample name that [`Collector::take`] understands; the reader drops all others.
pub const WANTED: &[&str] = &[
    "process_start_time_seconds",
    "process_resident_memory_bytes",
    "apiserver_storage_size_bytes",
    "apiserver_requested_deprecated_apis",
    "apiserver_admission_webhook_rejection_count",
    "apiserver_admission_webhook_fail_open_count",
    "apiserver_flowcontrol_rejected_requests_total",
    "apiserver_request_total",
    "apiserver_current_inflight_requests",
    "apiserver_request_sli_duration_seconds_bucket",
    "apiserver_request_sli_duration_seconds_sum",
    "apiserver_request_sli_duration_seconds_count",
    // Its name before 1.27.
    "apiserver_request_slo_duration_seconds_bucket",
    "apiserver_request_slo_duration_seconds_sum",
    "apiserver_request_slo_duration_seconds_count",
    "apiserver_resource_objects",
    // Its name before 1.34; both are told for some releases.
    "apiserver_storage_objects",
];

/// Asks for them.
pub struct Metrics;

impl Ask for Metrics {
    const WORD: &'static str = "metrics";

    async fn harvest(&mut self, api: &Api, bytes: &mut u64) -> Result<Harvest, Outage> {
        let mut harvest = Harvest::default();
        let mut reply = api.get("/metrics", ACCEPT).await?;
        if !reply.is_ok() {
            let refusal = reply.refusal().await;
            let outage = api.outage_of(&refusal);
            // Not to be allowed this is usual, and not to have it as well.
            if !matches!(refusal.code, 403 | 404) {
                return Err(outage);
            }
            harvest.lost.push(Lost {
                kind: FactKind::KubeMetrics,
                outage,
            });
            return Ok(harvest);
        }
        let read = read(&mut reply).await;
        *bytes += reply.wire_bytes();
        let (metrics, refused) = read?;
        harvest.refused = refused;
        let subject = Subject::cluster(api.cluster());
        harvest.facts.push((subject, Fact::from(metrics)));
        Ok(harvest)
    }
}

/// Reads the body as it comes: the metrics, and how many samples were refused.
async fn read(reply: &mut Reply) -> Result<(KubeMetrics, u64), Outage> {
    let wanted = Wanted::new(WANTED.iter().copied());
    let mut reader = Reader::new(&wanted);
    let mut collector = Collector::default();
    reply
        .each(LARGEST, |piece| {
            reader.push(piece, &mut |sample| collector.take(sample));
            Ok(())
        })
        .await?;
    let tally = reader.finish(&mut |sample| collector.take(sample));
    let refused = collector.refused + tally.refused();
    let metrics = collector.finish().ok_or_else(|| {
        Outage::new(Layer::Parse, "/metrics: not one sample of an API server")
            .hint("find out what answers at /metrics of this server")
    })?;
    Ok((metrics, refused))
}

/// Gathers one scrape.
#[derive(Debug, Default)]
pub struct Collector {
    metrics: KubeMetrics,
    webhooks: BTreeMap<Arc<str>, Webhook>,
    rejected: BTreeMap<(Arc<str>, Arc<str>), f64>,
    codes: BTreeMap<u16, f64>,
    objects: BTreeMap<Arc<str>, u64>,
    /// Objects as older servers tell them; used where the newer family is absent.
    stored: BTreeMap<Arc<str>, u64>,
    own: u64,
    refused: u64,
    /// Histograms with a number that cannot be.
    broken: [bool; 2],
}

impl Collector {
    /// Takes one sample.
    pub fn take(&mut self, sample: &Sample<'_, '_>) {
        let value = sample.value;
        let is_count = sample.name.ends_with("_objects");
        // The number of objects is -1 where the server could not count them.
        if is_count && value < 0.0 {
            return;
        }
        let label = |name: &str| sample.labels.get(name);
        if Bytes::from_f64(value).is_none() {
            self.refused += 1;
            if let Some(side) = side(sample.name, label("verb").as_deref()) {
                self.broken[side] = true;
            }
            return;
        }
        if sample.name.starts_with("apiserver_") {
            self.own += 1;
        }
        let text = |name: &str| Arc::<str>::from(label(name).as_deref().unwrap_or_default());
        match sample.name {
            "process_start_time_seconds" => self.metrics.started = Some(value),
            "process_resident_memory_bytes" => self.metrics.resident = Bytes::from_f64(value),
            // One for each etcd that it stores in; events may have their own.
            "apiserver_storage_size_bytes" => {
                let size = Bytes::from_f64(value).map_or(0, |size| size.0);
                let known = self.metrics.storage.map_or(0, |known| known.0);
                self.metrics.storage = Some(Bytes(known.saturating_add(size)));
            }
            "apiserver_requested_deprecated_apis" if value > 0.0 => {
                self.deprecated(DeprecatedApi {
                    group: text("group"),
                    version: text("version"),
                    resource: text("resource"),
                    subresource: text("subresource"),
                    removed_release: text("removed_release"),
                });
            }
            "apiserver_admission_webhook_rejection_count" => {
                let error = label("error_type");
                if let Some(webhook) = self.webhook(text("name")) {
                    match error.as_deref() {
                        Some("calling_webhook_error") => webhook.failed_closed += value,
                        Some("apiserver_internal_error") => webhook.failed_inside += value,
                        _ => webhook.denied += value,
                    }
                }
            }
            "apiserver_admission_webhook_fail_open_count" => {
                if let Some(webhook) = self.webhook(text("name")) {
                    webhook.failed_open += value;
                }
            }
            "apiserver_flowcontrol_rejected_requests_total" if self.rejected.len() < KEPT => {
                let key = (text("priority_level"), text("reason"));
                *self.rejected.entry(key).or_default() += value;
            }
            "apiserver_request_total" => {
                if let Some(code) = label("code").and_then(|code| code.parse().ok()) {
                    *self.codes.entry(code).or_default() += value;
                }
            }
            "apiserver_current_inflight_requests" => {
                let (writes, reads) = self.metrics.inflight.get_or_insert((0.0, 0.0));
                match label("request_kind").as_deref() {
                    Some("mutating") => *writes = value,
                    _ => *reads = value,
                }
            }
            "apiserver_resource_objects" => {
                let (resource, group) = (text("resource"), text("group"));
                let name = if group.is_empty() {
                    resource
                } else {
                    format!("{resource}.{group}").into()
                };
                count(&mut self.objects, name, value);
            }
            "apiserver_storage_objects" => count(&mut self.stored, text("resource"), value),
            name => {
                if let Some(side) = side(name, label("verb").as_deref()) {
                    self.histogram(side, name, label("le").as_deref(), value);
                }
            }
        }
    }

    fn deprecated(&mut self, api: DeprecatedApi) {
        if self.metrics.deprecated.len() < KEPT {
            self.metrics.deprecated.push(api);
        }
    }

    fn webhook(&mut self, name: Arc<str>) -> Option<&mut Webhook> {
        if self.webhooks.len() >= KEPT && !self.webhooks.contains_key(&name) {
            return None;
        }
        let entry = self.webhooks.entry(name.clone());
        Some(entry.or_insert_with(|| Webhook {
            name,
            ..Webhook::default()
        }))
    }

    fn histogram(&mut self, side: usize, name: &str, le: Option<&str>, value: f64) {
        let slots = [&mut self.metrics.writes, &mut self.metrics.reads];
        let Some(slot) = slots.into_iter().nth(side) else {
            return;
        };
        let histogram = slot.get_or_insert_with(Histogram::default);
        let part = name.rsplit('_').next().unwrap_or_default();
        match (part, le.and_then(|bound| bound.parse().ok())) {
            ("bucket", Some(bound)) => histogram.add(bound, value),
            ("sum", _) => histogram.sum += value,
            ("count", _) => histogram.count += value,
            _ => {}
        }
    }

    /// What was gathered; `None` when not one sample was an API server's.
    #[must_use]
    pub fn finish(mut self) -> Option<KubeMetrics> {
        if self.own == 0 {
            return None;
        }
        let mut metrics = self.metrics;
        metrics.deprecated.sort();
        let did = |hook: &Webhook| {
            hook.denied + hook.failed_closed + hook.failed_inside + hook.failed_open > 0.0
        };
        metrics.webhooks = self.webhooks.into_values().filter(did).collect();
        let rejected = self.rejected.into_iter();
        metrics.rejected = rejected
            .map(|((priority_level, reason), count)| FlowRejections {
                priority_level,
                reason,
                count,
            })
            .collect();
        metrics.codes = self.codes.into_iter().collect();
        if self.objects.is_empty() {
            self.objects = self.stored;
        }
        metrics.objects = self.objects.into_iter().collect();
        if self.broken[WRITES] {
            metrics.writes = None;
        }
        if self.broken[READS] {
            metrics.reads = None;
        }
        Some(metrics)
    }
}

const WRITES: usize = 0;
const READS: usize = 1;

/// Which histogram a sample of the request durations belongs to. Watches last as long as they like
/// and are none.
fn side(name: &str, verb: Option<&str>) -> Option<usize> {
    if !name.starts_with("apiserver_request_sl") {
        return None;
    }
    match verb? {
        "POST" | "PUT" | "PATCH" | "DELETE" | "APPLY" => Some(WRITES),
        "GET" | "LIST" => Some(READS),
        _ => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be a size; float to int casts saturate"
)]
fn count(into: &mut BTreeMap<Arc<str>, u64>, resource: Arc<str>, value: f64) {
    if into.len() < KEPT {
        into.insert(resource, value as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Option<KubeMetrics> {
        let wanted = Wanted::new(WANTED.iter().copied());
        let mut reader = Reader::new(&wanted);
        let mut collector = Collector::default();
        reader.push(body.as_bytes(), &mut |sample| collector.take(sample));
        reader.finish(&mut |sample| collector.take(sample));
        collector.finish()
    }

    #[test]
    fn a_recorded_scrape_tells_what_verdicts_need() {
        let body = include_str!("../../../tests/fixtures/payloads/kubernetes/metrics-1.36.txt");
        let told = read(body).unwrap();
        assert!(told.started.is_some_and(|at| at > 1.7e9));
        assert!(told.resident.is_some_and(|size| size.0 > 100_000_000));
        assert!(told.storage.is_some_and(|size| size.0 > 0));
        let endpoints = &told.deprecated[0];
        assert_eq!(
            (&*endpoints.resource, &*endpoints.version),
            ("endpoints", "v1")
        );
        assert!(
            told.codes
                .iter()
                .any(|(code, count)| *code == 200 && *count > 10.0)
        );
        let writes = told.writes.unwrap();
        assert!(
            writes.count > 0.0 && writes.buckets.len() == 22,
            "{writes:?}"
        );
        assert!(told.reads.unwrap().quantile(0.99).is_some());
        // Most are -1: it had not counted them yet. Unknown is no zero.
        let known = [
            ("events".into(), 0),
            ("leases.coordination.k8s.io".into(), 1),
        ];
        assert_eq!(told.objects, known);
    }

    #[test]
    fn a_webhook_that_failed_closed_is_told_from_one_that_said_no() {
        let name = "apiserver_admission_webhook_rejection_count";
        let hook = |error: &str, value: u32| {
            format!(
                "{name}{{error_type=\"{error}\",name=\"w.x\",operation=\"CREATE\",rejection_code=\"0\",type=\"validating\"}} {value}\n"
            )
        };
        let body = hook("no_error", 3)
            + &hook("calling_webhook_error", 5)
            + &hook("apiserver_internal_error", 1)
            + "apiserver_admission_webhook_fail_open_count{name=\"w.x\",type=\"validating\"} 7\n"
            + "apiserver_admission_webhook_fail_open_count{name=\"quiet\",type=\"validating\"} 0\n";
        let told = read(&body).unwrap().webhooks;
        assert_eq!(
            told,
            [Webhook {
                name: "w.x".into(),
                denied: 3.0,
                failed_closed: 5.0,
                failed_inside: 1.0,
                failed_open: 7.0,
            }]
        );
    }

    #[test]
    fn counts_of_all_flow_schemas_of_a_level_are_one_and_uncounted_objects_are_none() {
        let flow = "apiserver_flowcontrol_rejected_requests_total";
        let body = format!(
            "{flow}{{flow_schema=\"a\",priority_level=\"global-default\",reason=\"queue-full\"}} 2\n\
             {flow}{{flow_schema=\"b\",priority_level=\"global-default\",reason=\"queue-full\"}} 3\n\
             apiserver_storage_objects{{resource=\"pods\"}} 12\n\
             apiserver_storage_objects{{resource=\"nodes\"}} -1\n"
        );
        let newer = "apiserver_resource_objects{group=\"apps\",resource=\"deployments\"} 3\n\
                     apiserver_resource_objects{group=\"\",resource=\"pods\"} 4\n";
        let both = read(&(body.clone() + newer)).unwrap().objects;
        assert_eq!(both, [("deployments.apps".into(), 3), ("pods".into(), 4)]);
        let told = read(&body).unwrap();
        assert_eq!(told.rejected.len(), 1);
        assert_eq!(told.rejected[0].count, 5.0);
        assert_eq!(told.objects, [("pods".into(), 12)]);
    }

    #[test]
    fn reads_and_writes_are_apart_and_a_watch_is_neither() {
        let name = "apiserver_request_sli_duration_seconds";
        let mut body = String::new();
        for (verb, count) in [("GET", 1), ("LIST", 2), ("PATCH", 4), ("WATCH", 100)] {
            body += &format!("{name}_bucket{{verb=\"{verb}\",le=\"+Inf\"}} {count}\n");
            body += &format!("{name}_count{{verb=\"{verb}\"}} {count}\n");
        }
        let told = read(&body).unwrap();
        assert_eq!(told.reads.unwrap().count, 3.0);
        assert_eq!(told.writes.unwrap().count, 4.0);
        let broken = body + &format!("{name}_sum{{verb=\"GET\"}} -1\n");
        let told = read(&broken).unwrap();
        assert_eq!(told.reads, None);
        assert!(told.writes.is_some());
    }

    #[test]
    fn another_program_is_no_api_server_without_metrics() {
        assert_eq!(read("process_start_time_seconds 1.7e9\nup 1\n"), None);
    }
}
