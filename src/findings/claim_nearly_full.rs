//! A volume claim whose file system has little room or few inodes left, as a Prometheus tells it.

use super::{Evidence, Finding, Rule, Severity, Verdict, some_of};
use crate::facts::{FactKind, VolumeUse, VolumeUses};
use crate::model::{Doubt, Reading, Snapshot};
use crate::objects::ObjectKind;
use crate::subject::{Subject, SubjectKind};
use crate::units::{Bytes, Ratio, counted};

/// Claims that are named where nobody can say which cluster they are in.
const NAMED: usize = 3;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "claim-nearly-full",
    doc: "a volume claim is nearly full
Threshold: above `claim_used_warning` or `claim_used_critical` of its bytes or inodes (kubernetes mixin
KubePersistentVolumeFillingUp: less than 15 % and 3 % left), by the kubelets' volume statistics in a
Prometheus that is watched.
It matters because what writes to it fails when it is full, and databases rarely come back by
themselves.
Look at what fills it; enlarge the claim where its storage class allows that. Where several clusters
are watched, name the one that a Prometheus scrapes with `cluster` in its target.",
    on: &[SubjectKind::Prometheus],
    needs: &[FactKind::VolumeUses],
    causes: &[],
    check: |snap, server| judge(snap, server).into(),
};

fn judge(snap: &Snapshot, server: &Subject) -> Result<Verdict, Doubt> {
    let Some(told) = snap.told::<VolumeUses>(server)? else {
        return Ok(Verdict::NotApplicable);
    };
    let mut found = Vec::new();
    let mut nowhere = Vec::new();
    for one in &told.value.uses {
        let Some(full) = Full::of(snap, server, one) else {
            continue;
        };
        match cluster_of(snap, told.value, one) {
            Some(cluster) => {
                let kind = ObjectKind::VolumeClaim;
                let claim = Subject::object(kind, cluster, &one.namespace, &one.claim);
                // What the cluster does not know is gone, or another cluster's.
                if snap.model.objects().get(&claim).is_some() {
                    found.push(full.finding(&told, &claim));
                }
            }
            None => nowhere.push(format!("{}/{}", one.namespace, one.claim)),
        }
    }
    if !nowhere.is_empty() {
        let count = counted(nowhere.len(), "claim");
        let names = some_of(&nowhere, NAMED);
        let summary = format!("{count} nearly full in a cluster that is not known: {names}");
        let finding = Finding::new(&RULE, server, Severity::Warning, summary)
            .so_what("Name the cluster that it scrapes with `cluster` in its target.")
            .evidence(Evidence::of(&told, "claims nearly full", count, ""));
        found.push(finding);
    }
    Ok(found.into())
}

/// The cluster of a claim: the one that the user named for this server, the one that the series
/// names, or the only one that is watched. It is never guessed.
fn cluster_of<'a>(snap: &'a Snapshot, told: &'a VolumeUses, one: &'a VolumeUse) -> Option<&'a str> {
    let objects = snap.model.objects();
    if let Some(named) = told.cluster.as_ref().or(one.cluster.as_ref()) {
        return objects.cluster(named).map(|cluster| &**cluster.name());
    }
    let mut all = objects.clusters();
    let only = all.next()?;
    all.next().is_none().then_some(&**only.name())
}

/// What of a claim is nearly used, and how bad that is.
struct Full {
    severity: Severity,
    limit: f64,
    share: Ratio,
    what: &'static str,
    words: String,
}

impl Full {
    /// The graver of bytes and inodes.
    fn of(snap: &Snapshot, server: &Subject, one: &VolumeUse) -> Option<Self> {
        let limits = snap.thresholds(server);
        let (warning, critical) = (limits.claim_used_warning, limits.claim_used_critical);
        let judge = |what, used: Option<u64>, all: Option<u64>, words: &dyn Fn(u64) -> String| {
            let (used, all) = (used?, all?);
            let share = Ratio::of(Bytes(used).as_f64(), Bytes(all).as_f64())?;
            let (severity, limit) = Severity::above(share.0, warning, critical)?;
            Some(Self {
                severity,
                limit,
                share,
                what,
                words: format!("{} of {}", words(used), words(all)),
            })
        };
        let bytes = judge("bytes", one.used, one.capacity, &|n| Bytes(n).to_string());
        let inodes = judge("inodes", one.inodes_used, one.inodes, &|n| n.to_string());
        let both = inodes.into_iter().chain(bytes);
        both.max_by(|a, b| a.severity.cmp(&b.severity))
    }

    fn finding(&self, told: &Reading<VolumeUses>, claim: &Subject) -> Finding {
        let summary = format!("{} of its {} used ({})", self.share, self.what, self.words);
        let (share, limit) = (self.share.to_string(), format!("<= {}", Ratio(self.limit)));
        Finding::new(&RULE, claim, self.severity, summary)
            .so_what("What writes to it fails when it is full.")
            .evidence(Evidence::of(told, self.what, share, limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{ago, claim};

    const FEED: &str = "prometheus/a http://10.0.0.9:9090";
    const SERVER: &str = "prometheus/a";

    fn one(used: u64, inodes_used: u64) -> VolumeUse {
        VolumeUse {
            cluster: None,
            namespace: "shop".into(),
            claim: "data".into(),
            used: Some(used << 30),
            capacity: Some(100 << 30),
            inodes_used: Some(inodes_used),
            inodes: Some(1000),
        }
    }

    fn world(uses: VolumeUses) -> Scenario {
        let mut w = Scenario::kube([claim("data", "Bound", ago(90_000))]);
        w.feed(FEED, SERVER).tell(FEED, [(SERVER, uses.into())]);
        w
    }

    fn says(cluster: Option<&str>, one: VolumeUse) -> String {
        let cluster = cluster.map(Into::into);
        let uses = vec![one];
        world(VolumeUses { cluster, uses }).says(&RULE, SERVER)
    }

    #[test]
    fn bytes_and_inodes_are_judged_and_the_graver_is_told() {
        assert_eq!(says(None, one(85, 850)), "clear");
        assert_eq!(
            says(None, one(86, 0)),
            "WARN pvc/prod/shop/data 86% of its bytes used (86.0 GiB of 100 GiB)"
        );
        assert_eq!(
            says(None, one(86, 980)),
            "CRIT pvc/prod/shop/data 98% of its inodes used (980 of 1000)"
        );
        assert!(says(None, one(98, 900)).starts_with("CRIT pvc/prod/shop/data 98% of its bytes"));
    }

    #[test]
    fn the_cluster_is_told_by_the_user_or_the_series_and_never_guessed() {
        let labelled = |cluster: &str| VolumeUse {
            cluster: Some(cluster.into()),
            ..one(99, 0)
        };
        let nowhere = "WARN prometheus/a 1 claim nearly full in a cluster that is not known: \
                       shop/data";
        assert!(says(None, labelled("prod")).starts_with("CRIT pvc/prod/shop/data"));
        assert_eq!(says(None, labelled("other")), nowhere);
        assert!(says(Some("prod"), labelled("other")).starts_with("CRIT pvc/prod/shop/data"));
        assert_eq!(says(Some("other"), one(99, 0)), nowhere);
        let mut two = world(VolumeUses {
            cluster: None,
            uses: vec![one(99, 0)],
        });
        two.stream_of("kubernetes/eu pods", "cluster/eu", ObjectKind::Pod);
        assert_eq!(two.says(&RULE, SERVER), nowhere);
    }

    #[test]
    fn a_claim_that_the_cluster_does_not_know_is_no_finding() {
        let gone = VolumeUse {
            claim: "gone".into(),
            ..one(99, 0)
        };
        assert_eq!(says(None, gone), "clear");
    }

    #[test]
    fn a_server_that_fell_silent_leaves_it_undecided() {
        let mut w = world(VolumeUses {
            cluster: None,
            uses: vec![one(99, 0)],
        });
        w.run();
        assert!(
            w.rows()
                .contains("CRIT claim-nearly-full pvc/prod/shop/data")
        );
        w.wait(60)
            .fail(FEED, crate::observation::Layer::Timeout, "no answer in 5s");
        assert!(w.says(&RULE, SERVER).starts_with("unknown: "));
    }
}
