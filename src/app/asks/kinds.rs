//! The kinds that the clusters' APIs know, as far as they have been asked; and which of them a word
//! means.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::outbox::Outbox;
use crate::ask::{Ask, AskId, KindName};
use crate::clock::{Now, Stamp};
use crate::nearest::nearest;
use crate::observation::Outage;

/// Short names that people bring along from kubectl and k9s, and the plurals that they mean. Those
/// that every server tells are here for the time before it was asked.
pub const ALIASES: &[(&str, &str)] = &[
    ("dp", "deployments"),
    ("sec", "secrets"),
    ("cm", "configmaps"),
    ("sa", "serviceaccounts"),
    ("ro", "roles"),
    ("rb", "rolebindings"),
    ("cr", "clusterroles"),
    ("crb", "clusterrolebindings"),
    ("crd", "customresourcedefinitions"),
    ("ing", "ingresses"),
    ("np", "networkpolicies"),
];

/// The plural that is meant by such a name.
pub(in crate::app) fn alias(word: &str) -> Option<&'static str> {
    let found = ALIASES.iter().find(|(short, _)| *short == word);
    found.map(|(_, plural)| *plural)
}

/// A word that is not known is asked for again after this time: a kind may have been made since.
const OLD: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub struct Kinds {
    clusters: BTreeMap<Arc<str>, Known>,
    /// What was typed before the kinds were known.
    pub(super) wanted: Option<Wanted>,
}

#[derive(Debug, Default)]
struct Known {
    asked: Option<AskId>,
    at: Option<Stamp>,
    kinds: Vec<Arc<KindName>>,
    failed: Option<Outage>,
}

/// A command that waits for the kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub word: String,
    pub filter: String,
}

/// What a word means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The kind, with every cluster that knows it.
    Kind(Vec<(Arc<str>, Arc<KindName>)>),
    /// The answers are on their way.
    Asked,
    /// No cluster knows it; the nearest word, and who could not be asked.
    Nothing {
        near: Option<String>,
        failed: Option<(Arc<str>, Outage)>,
    },
}

impl Kinds {
    /// Asks every cluster that was not asked yet.
    pub(super) fn discover(&mut self, clusters: &[Arc<str>], out: &mut Outbox) {
        for cluster in clusters {
            let known = self.clusters.entry(cluster.clone()).or_default();
            if known.asked.is_none() && known.at.is_none() {
                known.asked = Some(out.open(Ask::Kinds(cluster.clone())));
            }
        }
    }

    /// Asks every cluster again whose answer is older than a moment.
    fn again(&mut self, now: Now, out: &mut Outbox) {
        for (cluster, known) in &mut self.clusters {
            let old = known.at.is_none_or(|at| now.stamp.since(at) >= OLD);
            if known.asked.is_none() && old {
                known.asked = Some(out.open(Ask::Kinds(cluster.clone())));
            }
        }
    }

    pub(super) fn owns(&self, id: AskId) -> bool {
        self.clusters.values().any(|known| known.asked == Some(id))
    }

    pub(super) fn answered(&mut self, id: AskId, answer: Result<Vec<KindName>, Outage>, now: Now) {
        let Some(known) = self.clusters.values_mut().find(|k| k.asked == Some(id)) else {
            return;
        };
        known.asked = None;
        known.at = Some(now.stamp);
        match answer {
            Ok(mut kinds) => {
                kinds.sort_by_key(rank);
                known.kinds = kinds.into_iter().map(Arc::new).collect();
                known.failed = None;
            }
            // What was known before is still the best guess.
            Err(outage) => known.failed = Some(outage),
        }
    }

    pub(super) fn is_asking(&self) -> bool {
        self.clusters.values().any(|known| known.asked.is_some())
    }

    /// The kind that a word means: the same one in every cluster that has it.
    pub(super) fn meaning(&mut self, word: &str, now: Now, out: &mut Outbox) -> Meaning {
        let word = word.to_lowercase();
        let best = |word: &str| {
            let all = self.clusters.values();
            let found = all.filter_map(|known| find(&known.kinds, word));
            found.min_by_key(|(fit, kind)| (*fit, rank(kind)))
        };
        if let Some((_, kind)) = best(&word).or_else(|| best(alias(&word)?)) {
            let full = kind.full();
            let having = self.clusters.iter().filter_map(|(cluster, known)| {
                let same = known.kinds.iter().find(|kind| kind.full() == full)?;
                Some((cluster.clone(), same.clone()))
            });
            return Meaning::Kind(having.collect());
        }
        self.again(now, out);
        if self.is_asking() {
            return Meaning::Asked;
        }
        let words: Vec<String> = self.words().collect();
        let failed = self
            .clusters
            .iter()
            .find_map(|(cluster, known)| Some((cluster.clone(), known.failed.clone()?)));
        Meaning::Nothing {
            near: nearest(&word, words.iter().map(String::as_str)).map(str::to_owned),
            failed,
        }
    }

    /// Does a cluster call a kind so?
    pub(super) fn knows(&self, word: &str) -> bool {
        let mut all = self.clusters.values();
        all.any(|known| find(&known.kinds, word).is_some())
    }

    /// Words that the palette offers: plurals, each once; with the group where two share one.
    pub fn words(&self) -> impl Iterator<Item = String> + use<> {
        let mut words: Vec<String> = Vec::new();
        let all = self.clusters.values().flat_map(|known| &known.kinds);
        let mut of: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for kind in all {
            let full = kind.full();
            let names = of.entry(&kind.plural).or_default();
            if !names.contains(&full) {
                names.push(full);
            }
        }
        for (plural, full) in of {
            words.push(plural.to_owned());
            if full.len() > 1 {
                words.extend(full.into_iter().filter(|full| full != plural));
            }
        }
        words.into_iter()
    }
}

/// How well a word fits a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Name,
    ShortName,
}

fn find<'a>(kinds: &'a [Arc<KindName>], word: &str) -> Option<(Fit, &'a Arc<KindName>)> {
    let name = |kind: &&Arc<KindName>| {
        *kind.plural == *word
            || *kind.singular == *word
            || kind.kind.to_lowercase() == word
            || kind.full() == word
    };
    let short = |kind: &&Arc<KindName>| kind.short_names.iter().any(|short| **short == *word);
    let named = kinds.iter().find(name).map(|kind| (Fit::Name, kind));
    named.or_else(|| kinds.iter().find(short).map(|kind| (Fit::ShortName, kind)))
}

/// Of kinds with one name: the core's first, then Kubernetes' own groups, then others.
fn rank(kind: &KindName) -> (u8, Arc<str>, Arc<str>) {
    let of = match &*kind.group {
        "" => 0,
        group if !group.contains('.') => 1,
        group if group.ends_with(".k8s.io") => 2,
        _ => 3,
    };
    (of, kind.group.clone(), kind.plural.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(group: &str, plural: &str, name: &str, short: &[&str]) -> KindName {
        KindName {
            group: group.into(),
            version: "v1".into(),
            plural: plural.into(),
            kind: name.into(),
            singular: name.to_lowercase().into(),
            short_names: short.iter().map(|s| (*s).into()).collect(),
            namespaced: true,
            watchable: true,
        }
    }

    const RBAC: &str = "rbac.authorization.k8s.io";

    fn known(clusters: &[(&str, Vec<KindName>)]) -> (Kinds, Outbox) {
        let (mut kinds, mut out) = (Kinds::default(), Outbox::default());
        let names: Vec<Arc<str>> = clusters.iter().map(|(name, _)| (*name).into()).collect();
        kinds.discover(&names, &mut out);
        for (nth, (_, list)) in clusters.iter().enumerate() {
            let id = AskId(nth as u64 + 1);
            kinds.answered(id, Ok(list.clone()), Now::fixed());
        }
        out.take();
        (kinds, out)
    }

    fn meaning(kinds: &mut Kinds, out: &mut Outbox, word: &str) -> String {
        match kinds.meaning(word, Now::fixed(), out) {
            Meaning::Kind(having) => {
                let clusters: Vec<&str> = having.iter().map(|(cluster, _)| &**cluster).collect();
                format!("{} in {}", having[0].1.full(), clusters.join(" "))
            }
            Meaning::Asked => "asked".into(),
            Meaning::Nothing { near, .. } => format!("nothing, near {near:?}"),
        }
    }

    #[test]
    fn a_kind_is_known_by_each_of_its_names() {
        let certificates = kind(
            "cert-manager.io",
            "certificates",
            "Certificate",
            &["cert", "certs"],
        );
        let (mut kinds, mut out) = known(&[
            ("a", vec![kind("", "configmaps", "ConfigMap", &["cm"])]),
            ("b", vec![certificates]),
        ]);
        for word in [
            "certs",
            "cert",
            "Certificate",
            "certificates",
            "certificates.cert-manager.io",
        ] {
            let found = meaning(&mut kinds, &mut out, word);
            assert_eq!(found, "certificates.cert-manager.io in b", "{word}");
        }
        assert_eq!(meaning(&mut kinds, &mut out, "cm"), "configmaps in a");
        assert_eq!(
            meaning(&mut kinds, &mut out, "certficates"),
            "nothing, near Some(\"certificates\")"
        );
    }

    #[test]
    fn short_names_of_other_programs_are_known_and_those_of_the_server_come_first() {
        let secrets = kind("", "secrets", "Secret", &[]);
        let bindings = kind(RBAC, "rolebindings", "RoleBinding", &[]);
        let (mut kinds, mut out) = known(&[("a", vec![secrets.clone(), bindings])]);
        assert_eq!(meaning(&mut kinds, &mut out, "sec"), "secrets in a");
        let found = meaning(&mut kinds, &mut out, "rb");
        assert_eq!(found, format!("rolebindings.{RBAC} in a"));
        let own = kind("x.example", "sectors", "Sector", &["sec"]);
        let (mut kinds, mut out) = known(&[("a", vec![secrets, own])]);
        let found = meaning(&mut kinds, &mut out, "sec");
        assert_eq!(found, "sectors.x.example in a");
        assert!(kinds.knows("sec") && !kinds.knows("rb"));
    }

    #[test]
    fn of_two_with_one_name_kubernetes_own_is_meant_everywhere() {
        let ours = kind("networking.k8s.io", "ingresses", "Ingress", &["ing"]);
        let other = kind("a.example", "ingresses", "Ingress", &[]);
        let (mut kinds, mut out) = known(&[("a", vec![other.clone()]), ("b", vec![other, ours])]);
        assert_eq!(
            meaning(&mut kinds, &mut out, "ingress"),
            "ingresses.networking.k8s.io in b"
        );
        assert_eq!(
            meaning(&mut kinds, &mut out, "ingresses.a.example"),
            "ingresses.a.example in a b"
        );
    }

    #[test]
    fn an_unknown_word_is_asked_for_again_for_a_kind_may_be_new() {
        let (mut kinds, mut out) = known(&[("a", vec![])]);
        let later = Now::fixed().plus(Duration::from_secs(5));
        assert_eq!(kinds.meaning("certs", later, &mut out), Meaning::Asked);
        assert_eq!(out.take().len(), 1);
    }
}
