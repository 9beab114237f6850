//! The smaller kinds: namespaces, events, budgets, volumes, services, quotas, leases.

use std::sync::Arc;

use super::super::proto;
use super::super::quantity::Quantity;
use super::super::wire::Malformed;
use super::{Decoder, cut};
use crate::objects::{
    DisruptionBudget, Endpoints, Event, EventType, Lease, Namespace, Quota, QuotaLine, Service,
    Volume, VolumeClaim,
};

/// The label that ties a slice to its service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

impl Decoder {
    pub(super) fn namespace(&mut self, it: &proto::Namespace<'_>) -> Result<Namespace, Malformed> {
        let mut conditions = Vec::new();
        for c in it.status.conditions.iter() {
            let c = c?;
            conditions.push(self.condition(&c.kind, &c.status, &c.since, (&c.reason, &c.message)));
        }
        Ok(Namespace {
            terminating: it.status.phase == "Terminating",
            conditions: conditions.into(),
        })
    }

    pub(super) fn event(&mut self, meta: &proto::Meta<'_>, it: &proto::Event<'_>) -> Event {
        let series = it.series.as_ref();
        let at = self.time(&it.at);
        let first = self.time(&it.first).or(at);
        let last = series.and_then(|series| self.time(&series.last));
        let last = last.or_else(|| self.time(&it.last)).or(at);
        let source = if it.source.component.is_empty() {
            &it.reporter
        } else {
            &it.source.component
        };
        // An event of a single time has no count.
        let count = series.map_or(it.count, |series| series.count).max(1);
        Event {
            kind: match &*it.kind {
                "Warning" => EventType::Warning,
                _ => EventType::Normal,
            },
            reason: self.pool.text(&it.reason),
            message: self.message(&it.message),
            about: (
                self.pool.text(&it.about.kind),
                self.pool.text(&it.about.namespace),
                self.pool.text(&it.about.name),
            ),
            about_uid: self.pool.text(&it.about.uid),
            source: self.pool.text(source),
            count: self.count(count),
            first,
            last: last.or_else(|| self.time(&meta.created)),
        }
    }

    pub(super) fn budget(
        &mut self,
        meta: &proto::Meta<'_>,
        it: &proto::DisruptionBudget<'_>,
    ) -> Result<DisruptionBudget, Malformed> {
        let (spec, status) = (&it.spec, &it.status);
        let mut bound = |bound: Option<&proto::IntOrString<'_>>| {
            bound.map(|bound| match bound.kind {
                0 => self.pool.text(&bound.number.to_string()),
                _ => self.pool.text(&bound.text),
            })
        };
        let min_available = bound(spec.min_available.as_ref());
        let max_unavailable = bound(spec.max_unavailable.as_ref());
        Ok(DisruptionBudget {
            min_available,
            max_unavailable,
            selector: self.selector(spec.selector.as_ref())?,
            allowed: self.count(status.allowed),
            healthy: self.count(status.healthy),
            desired: self.count(status.desired),
            expected: self.count(status.expected),
            observed: status.observed_generation >= meta.generation,
        })
    }

    pub(super) fn claim(&mut self, it: &proto::VolumeClaim<'_>) -> Result<VolumeClaim, Malformed> {
        Ok(VolumeClaim {
            phase: self.pool.text(&it.status.phase),
            class: self.pool.some(&it.spec.class),
            volume: (!it.spec.volume.is_empty()).then(|| (*it.spec.volume).into()),
            wanted: self.amount_of(&it.spec.resources.requests, "storage")?,
            granted: self.amount_of(&it.status.capacity, "storage")?,
        })
    }

    pub(super) fn volume(&mut self, it: &proto::PersistentVolume<'_>) -> Result<Volume, Malformed> {
        let (spec, status) = (&it.spec, &it.status);
        let claim = spec.claim.as_ref();
        Ok(Volume {
            phase: self.pool.text(&status.phase),
            class: self.pool.some(&spec.class),
            claim: claim.map(|claim| (self.pool.text(&claim.namespace), (*claim.name).into())),
            capacity: self.amount_of(&spec.capacity, "storage")?,
            reclaim: self.pool.text(&spec.reclaim),
            reason: self.pool.some(&status.reason),
            message: self.pool.some(cut(&status.message)),
        })
    }

    pub(super) fn service(&mut self, it: &proto::Service<'_>) -> Result<Service, Malformed> {
        let spec = &it.spec;
        let mut ports: Vec<Arc<str>> = Vec::new();
        for port in spec.ports.iter() {
            let port = port?;
            let number = self.count(port.port);
            ports.push(self.pool.text(&format!("{number}/{}", port.protocol)));
        }
        let mut ingress: Vec<Arc<str>> = Vec::new();
        for given in it.status.balancer.ingress.iter() {
            let given = given?;
            let address = if given.ip.is_empty() {
                &given.hostname
            } else {
                &given.ip
            };
            ingress.push((**address).into());
        }
        // The API cannot say "none" and "empty" apart here; either way nothing is selected.
        let selector = (!spec.selector.is_empty()).then_some(proto::LabelSelector {
            pairs: spec.selector,
            ..proto::LabelSelector::default()
        });
        Ok(Service {
            kind: self.pool.text(&spec.kind),
            cluster_ip: self.pool.some(&spec.cluster_ip),
            selector: selector
                .map(|selector| self.selector(Some(&selector)))
                .transpose()?,
            ports: ports.into(),
            ingress: ingress.into(),
        })
    }

    pub(super) fn endpoints(
        &mut self,
        meta: &proto::Meta<'_>,
        it: &proto::EndpointSlice<'_>,
    ) -> Result<Endpoints, Malformed> {
        let mut service = None;
        for label in meta.labels.iter() {
            let label = label?;
            if label.key == SERVICE_NAME {
                service = self.pool.some(&label.value);
            }
        }
        let mut out = Endpoints {
            service,
            ready: 0,
            serving: 0,
            all: 0,
        };
        for endpoint in it.endpoints.iter() {
            let conditions = endpoint?.conditions;
            // Not told means ready, by the API's documentation; serving follows ready.
            let ready = conditions.ready.unwrap_or(true);
            out.ready += u32::from(ready);
            out.serving += u32::from(conditions.serving.unwrap_or(ready));
            out.all += 1;
        }
        Ok(out)
    }

    pub(super) fn quota(&mut self, it: &proto::ResourceQuota<'_>) -> Result<Quota, Malformed> {
        let used: Vec<_> = it.status.used.iter().collect::<Result<_, _>>()?;
        let mut lines = Vec::new();
        for hard in it.status.hard.iter() {
            let proto::Amount { key, value: hard } = hard?;
            let used = used.iter().find(|used| used.key == key);
            // Limited, and not counted yet: nothing to compare.
            let Some(used) = used.map(|used| &used.value) else {
                continue;
            };
            let read = |amount: &proto::Quantity<'_>| Quantity::parse(&amount.text);
            let (Some(used_value), Some(hard_value)) = (read(used), read(&hard)) else {
                self.refuse();
                continue;
            };
            lines.push(QuotaLine {
                resource: self.pool.text(&key),
                used: used_value.as_f64(),
                hard: hard_value.as_f64(),
                used_text: self.pool.text(&used.text),
                hard_text: self.pool.text(&hard.text),
            });
        }
        lines.sort_by(|a, b| a.resource.cmp(&b.resource));
        Ok(Quota {
            lines: lines.into(),
        })
    }

    pub(super) fn lease(&mut self, it: &proto::Lease<'_>) -> Lease {
        let spec = &it.spec;
        Lease {
            holder: self.pool.some(&spec.holder),
            duration: self.count(spec.duration),
            renewed: spec.renewed.as_ref().and_then(|time| self.time(time)),
            acquired: spec.acquired.as_ref().and_then(|time| self.time(time)),
            transitions: self.count(spec.transitions),
        }
    }
}
