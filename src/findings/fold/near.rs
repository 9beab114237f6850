//! Whose cause may be another one after a change: rather too many findings than too few, but none
//! that has nothing to do with it. It decides nothing.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::{Fold, OfRule};
use crate::findings::{FindingId, Relation};
use crate::model::Model;
use crate::model::objects::{Cluster, Moved};
use crate::objects::{Body, Object, ObjectKind};
use crate::subject::{Subject, SubjectKind};

type Again = BTreeSet<FindingId>;

/// What makes pods, and lacks them when their nodes are lost.
const MAKERS: [SubjectKind; 3] = [
    SubjectKind::Deployment,
    SubjectKind::StatefulSet,
    SubjectKind::DaemonSet,
];

/// Ownership has few levels; a circle must not hang.
const LEVELS: usize = 8;

/// Findings of a rule on the parts of a whole that may explain something there.
pub(super) fn on_parts<'a>(
    of_rule: &'a OfRule,
    whole: &Subject,
) -> impl Iterator<Item = &'a FindingId> + use<'a> {
    let kinds: &'static [SubjectKind] = match whole.kind {
        SubjectKind::Host => &[SubjectKind::Mount, SubjectKind::Disk, SubjectKind::Nic],
        SubjectKind::Etcd => &[SubjectKind::EtcdMember],
        // What else is in a cluster is a part of it too, and the cause of nothing beside it.
        SubjectKind::Cluster => &[SubjectKind::Node],
        _ => &[],
    };
    let prefix = if kinds.is_empty() {
        String::new()
    } else {
        format!("{}/", whole.path)
    };
    let all = kinds.iter();
    all.flat_map(move |kind| below(of_rule, *kind, &prefix))
}

/// Findings of a rule on one kind of subject below a path, which ends in a slash.
fn below<'a>(
    of_rule: &'a OfRule,
    kind: SubjectKind,
    prefix: &str,
) -> impl Iterator<Item = &'a FindingId> + use<'a> {
    let first = Subject::new(kind, prefix);
    let from = of_rule.range(first.clone()..);
    let inside = from.take_while(move |(subject, _)| {
        subject.kind == kind && subject.path.starts_with(&*first.path)
    });
    inside.flat_map(|(_, ids)| ids)
}

/// Findings of a rule on one subject.
pub(super) fn on<'a>(of_rule: &'a OfRule, subject: &Subject) -> &'a [FindingId] {
    of_rule.get(subject).map_or(&[], Vec::as_slice)
}

fn again_on(of_rule: &OfRule, subject: &Subject, again: &mut Again) {
    again.extend(on(of_rule, subject).iter().cloned());
}

/// What a finding may explain, or may explain no longer.
pub(super) fn explained_by(fold: &Fold, model: &Model, cause: &FindingId, again: &mut Again) {
    let subject = &cause.subject;
    for (rule, at) in fold.edges.explained_by(&cause.rule) {
        let Some(of_rule) = fold.by_rule.get(rule) else {
            continue;
        };
        match at {
            Relation::Same => again_on(of_rule, subject, again),
            Relation::Part => {
                if let Some(whole) = subject.whole() {
                    again_on(of_rule, &whole, again);
                }
            }
            Relation::Whole => beside(of_rule, subject, again),
            Relation::Node => on_node(of_rule, model, subject, again),
            Relation::Owner => made_by(of_rule, model, subject, again),
            Relation::Claim => {
                let namespace = subject.path.rsplit_once('/').map_or("", |(above, _)| above);
                let pods = below(of_rule, SubjectKind::Pod, &format!("{namespace}/"));
                again.extend(pods.cloned());
            }
            Relation::Host | Relation::Anywhere => {
                again.extend(of_rule.values().flatten().cloned());
            }
        }
    }
}

/// On the parts of a whole; on all parts of the whole that a part belongs to.
fn beside(of_rule: &OfRule, subject: &Subject, again: &mut Again) {
    let whole = subject.whole();
    let whole = whole.as_ref().unwrap_or(subject);
    let is_part = |(known, _): &(&Subject, &Vec<FindingId>)| {
        let rest = known.path.strip_prefix(&*whole.path);
        rest.is_some_and(|rest| rest.starts_with('/')) && known.whole().as_ref() == Some(whole)
    };
    let parts = of_rule.iter().filter(is_part);
    again.extend(parts.flat_map(|(_, ids)| ids).cloned());
}

/// On the pods of a node, and on all that makes pods in its cluster.
fn on_node(of_rule: &OfRule, model: &Model, node: &Subject, again: &mut Again) {
    let Some((ObjectKind::Node, name, _, leaf)) = node.as_object() else {
        return;
    };
    if let Some(cluster) = model.objects().cluster(name) {
        for pod in cluster.on_node(leaf) {
            again_on(of_rule, &pod.subject(), again);
        }
    }
    for kind in MAKERS {
        again.extend(below(of_rule, kind, &format!("{name}/")).cloned());
    }
}

/// On all that an object controls, at any depth, and on the services beside it.
fn made_by(of_rule: &OfRule, model: &Model, maker: &Subject, again: &mut Again) {
    let Some((_, name, namespace, _)) = maker.as_object() else {
        return;
    };
    let objects = model.objects();
    if let Some((object, cluster)) = objects.get(maker).zip(objects.cluster(name)) {
        family(of_rule, cluster, object, again);
    }
    let services = below(
        of_rule,
        SubjectKind::Service,
        &format!("{name}/{namespace}/"),
    );
    again.extend(services.cloned());
}

fn family(of_rule: &OfRule, cluster: &Cluster, maker: &Object, again: &mut Again) {
    let mut makers = vec![(&maker.uid, 0)];
    while let Some((uid, depth)) = makers.pop() {
        for owned in cluster.owned_by(uid) {
            again_on(of_rule, &owned.subject(), again);
            if depth < LEVELS && !matches!(owned.body, Body::Pod(_)) {
                makers.push((&owned.uid, depth + 1));
            }
        }
    }
}

/// What stands around objects that moved. Only what is explained by something around it can be
/// concerned, and only while that fires.
pub(super) fn moved(fold: &Fold, model: &Model, moved: &Moved, again: &mut Again) {
    if moved.moves().is_some_and(<[_]>::is_empty) {
        return;
    }
    let mut live: Vec<(&OfRule, Relation)> = Vec::new();
    for (rule, of_rule) in &fold.by_rule {
        let fires = fold.edges.all_causes_of(rule);
        let fires = fires.filter(|cause| fold.by_rule.contains_key(cause.rule));
        let around = [
            Relation::Host,
            Relation::Node,
            Relation::Owner,
            Relation::Claim,
        ];
        let fires: Vec<Relation> = fires.map(|cause| cause.at).collect();
        let around = around.into_iter().filter(|at| fires.contains(at));
        live.extend(around.map(|at| (of_rule, at)));
    }
    if live.is_empty() {
        return;
    }
    let Some(moves) = moved.moves() else {
        again.extend(fold.nodes.keys().cloned());
        return;
    };
    let mut namespaces = FxHashSet::default();
    for object in moves.iter().flat_map(|one| one.old.iter().chain(&one.new)) {
        let subject = object.subject();
        let is_new = namespaces.insert((&*object.cluster, &*object.namespace));
        for (of_rule, at) in &live {
            again_on(of_rule, &subject, again);
            if matches!(at, Relation::Owner) && !matches!(object.body, Body::Pod(_)) {
                made_by(of_rule, model, &subject, again);
                // It may be gone, or another of the same name.
                if let Some(cluster) = model.objects().cluster(&object.cluster) {
                    family(of_rule, cluster, object, again);
                }
            }
            if is_new {
                in_namespace(of_rule, *at, object, again);
            }
        }
    }
}

/// What asks after all pods of a namespace: those that make them, and those that select them.
fn in_namespace(of_rule: &OfRule, at: Relation, object: &Object, again: &mut Again) {
    let kinds: &[SubjectKind] = match at {
        Relation::Node => &MAKERS,
        Relation::Owner => &[SubjectKind::Service],
        _ => &[],
    };
    let prefix = format!("{}/{}/", object.cluster, object.namespace);
    for kind in kinds {
        again.extend(below(of_rule, *kind, &prefix).cloned());
    }
}
