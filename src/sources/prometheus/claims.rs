//! How full the volumes of Kubernetes claims are, as kubelets told the server: one instant query,
//! and its answer as a bounded list. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::{answers, query};
use crate::clients::http::Page;
use crate::facts::{VolumeUse, VolumeUses};
use crate::observation::Outage;

/// A volume that several nodes mount is told by each of them: the same once more.
const QUERY: &str = "max by (__name__, cluster, namespace, persistentvolumeclaim) \
    ({__name__=~\"kubelet_volume_stats_(used_bytes|capacity_bytes|inodes_used|inodes)\"})";

/// The path that asks for them; the server gives up after `limit` as well.
#[must_use]
pub fn path(limit: Duration) -> String {
    query::path(QUERY, limit)
}

#[derive(Deserialize)]
struct Vector {
    result: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    metric: Metric,
    value: (f64, String),
}

#[derive(Deserialize)]
struct Metric {
    #[serde(rename = "__name__", default)]
    name: String,
    #[serde(default)]
    cluster: Arc<str>,
    #[serde(default)]
    namespace: Arc<str>,
    #[serde(rename = "persistentvolumeclaim", default)]
    claim: Arc<str>,
}

/// What is told of each claim, and how many claims were beyond the limit. `configured` is the
/// cluster that the user named for this server.
pub fn read(page: &Page, configured: Option<&str>) -> Result<(VolumeUses, u64), Outage> {
    let vector: Vector = answers::data("volume statistics", page)?;
    let mut claims: BTreeMap<(Arc<str>, Arc<str>, Arc<str>), VolumeUse> = BTreeMap::new();
    for Series { metric, value } in vector.result {
        let place = (metric.cluster, metric.namespace, metric.claim);
        let Some(value) = amount(&value.1).filter(|_| !place.1.is_empty() && !place.2.is_empty())
        else {
            continue;
        };
        let told = claims.entry(place).or_default();
        match metric.name.as_str() {
            "kubelet_volume_stats_used_bytes" => told.used = Some(value),
            "kubelet_volume_stats_capacity_bytes" => told.capacity = Some(value),
            "kubelet_volume_stats_inodes_used" => told.inodes_used = Some(value),
            "kubelet_volume_stats_inodes" => told.inodes = Some(value),
            _ => {}
        }
    }
    let over = claims.len().saturating_sub(VolumeUses::KEPT) as u64;
    let uses = claims.into_iter().take(VolumeUses::KEPT);
    let uses = uses.map(|((cluster, namespace, claim), told)| VolumeUse {
        cluster: (!cluster.is_empty()).then_some(cluster),
        namespace,
        claim,
        ..told
    });
    let uses = VolumeUses {
        cluster: configured.map(Into::into),
        uses: uses.collect(),
    };
    Ok((uses, over))
}

/// `None` for what no amount can be.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "finite, not negative, and rounded down"
)]
fn amount(text: &str) -> Option<u64> {
    let value: f64 = text.parse().ok()?;
    (value.is_finite() && (0.0..1.8e19).contains(&value)).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::json_answer::tests::page;

    fn series(name: &str, cluster: &str, claim: &str, value: &str) -> String {
        format!(
            r#"{{"metric":{{"__name__":"kubelet_volume_stats_{name}",{cluster}"namespace":"shop",
            "persistentvolumeclaim":"{claim}"}},"value":[1.5,"{value}"]}}"#
        )
    }

    fn told(series: &[String]) -> (VolumeUses, u64) {
        let body = format!(
            r#"{{"status":"success","data":{{"resultType":"vector","result":[{}]}}}}"#,
            series.join(",")
        );
        read(&page(200, body.as_bytes()), None).unwrap()
    }

    #[test]
    fn the_numbers_of_a_claim_come_together() {
        let (told, over) = told(&[
            series("used_bytes", "", "data", "90"),
            series("capacity_bytes", "", "data", "100"),
            series("inodes_used", "\"cluster\":\"eu\",", "data", "3"),
            series("inodes", "\"cluster\":\"eu\",", "data", "NaN"),
        ]);
        let [ours, eu] = told.uses.as_slice() else {
            panic!("{told:?}")
        };
        assert_eq!((ours.used, ours.capacity), (Some(90), Some(100)));
        assert_eq!((ours.inodes_used, &ours.cluster), (None, &None));
        assert_eq!((eu.inodes_used, eu.inodes), (Some(3), None));
        assert_eq!((eu.cluster.as_deref(), over), (Some("eu"), 0));
    }

    #[test]
    fn claims_beyond_the_limit_are_counted() {
        let all = (0..VolumeUses::KEPT + 3)
            .map(|n| series("used_bytes", "", &format!("c{n}"), "1"))
            .collect::<Vec<_>>();
        let (told, over) = told(&all);
        assert_eq!((told.uses.len(), over), (VolumeUses::KEPT, 3));
    }

    #[test]
    fn a_server_that_scrapes_no_kubelet_tells_of_no_claim() {
        assert_eq!(told(&[]), (VolumeUses::default(), 0));
    }
}
