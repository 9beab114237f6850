//! A Prometheus histogram as counters, and quantiles of what happened between two readings.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Cumulative bucket counts by upper bound, the bounds rising; the last is `+Inf`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// JSON has no infinity: there, the last bound is null.
    #[serde(serialize_with = "write_buckets", deserialize_with = "read_buckets")]
    pub buckets: Vec<(f64, f64)>,
    pub sum: f64,
    pub count: f64,
}

fn write_buckets<S: Serializer>(buckets: &[(f64, f64)], out: S) -> Result<S::Ok, S::Error> {
    let finite = |bound: f64| bound.is_finite().then_some(bound);
    out.collect_seq(buckets.iter().map(|(bound, count)| (finite(*bound), count)))
}

fn read_buckets<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(f64, f64)>, D::Error> {
    let told = Vec::<(Option<f64>, f64)>::deserialize(from)?;
    let bound = |(bound, count): (Option<f64>, f64)| (bound.unwrap_or(f64::INFINITY), count);
    Ok(told.into_iter().map(bound).collect())
}

impl Histogram {
    /// Adds one `_bucket` sample; buckets with the same bound (other labels) are summed.
    pub fn add(&mut self, bound: f64, count: f64) {
        match self
            .buckets
            .binary_search_by(|(known, _)| known.total_cmp(&bound))
        {
            Ok(at) => self.buckets[at].1 += count,
            Err(at) => self.buckets.insert(at, (bound, count)),
        }
    }

    /// What was counted after `earlier`; `None` after a restart (a counter fell) or when the
    /// bounds differ.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Option<Self> {
        if self.count < earlier.count || self.buckets.len() != earlier.buckets.len() {
            return None;
        }
        let mut buckets = Vec::with_capacity(self.buckets.len());
        for (now, then) in self.buckets.iter().zip(&earlier.buckets) {
            if now.0.total_cmp(&then.0).is_ne() || now.1 < then.1 {
                return None;
            }
            buckets.push((now.0, now.1 - then.1));
        }
        Some(Self {
            buckets,
            sum: self.sum - earlier.sum,
            count: self.count - earlier.count,
        })
    }

    /// The quantile by linear interpolation within its bucket, as Prometheus computes it. `None`
    /// when nothing was counted. In the last bucket the answer is its lower bound: "at least".
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let total = self.buckets.last()?.1;
        if total <= 0.0 {
            return None;
        }
        let rank = q.clamp(0.0, 1.0) * total;
        let at = self.buckets.iter().position(|(_, count)| *count >= rank)?;
        let (low, below) = if at == 0 {
            (0.0, 0.0)
        } else {
            self.buckets[at - 1]
        };
        let (high, upto) = self.buckets[at];
        if high.is_infinite() {
            return Some(low);
        }
        let inside = upto - below;
        Some(if inside <= 0.0 {
            high
        } else {
            low + (high - low) * (rank - below) / inside
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(counts: [f64; 3]) -> Histogram {
        let mut h = Histogram {
            count: counts[2],
            ..Histogram::default()
        };
        for (bound, count) in [0.01, 0.1, f64::INFINITY].into_iter().zip(counts) {
            h.add(bound, count);
        }
        h
    }

    #[test]
    fn the_quantile_lies_within_its_bucket() {
        let p99 = histogram([90.0, 100.0, 100.0]).quantile(0.99).unwrap();
        assert!((p99 - 0.091).abs() < 1e-9, "{p99}");
        assert_eq!(histogram([0.0, 0.0, 10.0]).quantile(0.99), Some(0.1));
        assert_eq!(histogram([0.0; 3]).quantile(0.99), None);
    }

    #[test]
    fn the_last_bound_survives_json() {
        let told = histogram([1.0, 2.0, 3.0]);
        let json = serde_json::to_string(&told).unwrap();
        assert_eq!(serde_json::from_str::<Histogram>(&json).unwrap(), told);
    }

    #[test]
    fn a_restart_is_no_difference() {
        assert_eq!(
            histogram([1.0, 2.0, 3.0]).since(&histogram([5.0, 5.0, 5.0])),
            None
        );
        let delta = histogram([5.0, 9.0, 9.0])
            .since(&histogram([1.0, 2.0, 3.0]))
            .unwrap();
        assert_eq!(delta.buckets[1].1, 7.0);
    }
}
