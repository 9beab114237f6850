//! The part of all objects that a view is about: its kinds, the scope, and what they run on or come
//! from. Knows no order and no filter.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::{Context, ObjectListing, Scope, View};
use crate::model::Freshness;
use crate::model::objects::{Cluster, Move};
use crate::objects::{About, Body, Object, ObjectKind};
use crate::subject::Subject;

#[derive(Clone, Debug)]
pub(super) struct Part {
    kinds: Vec<ObjectKind>,
    scope: Scope,
    within: Option<(Subject, Within)>,
}

/// What [`View::within`] means for the kinds of a view.
#[derive(Clone, Debug)]
enum Within {
    /// Pods bound to a node.
    OnNode { cluster: Arc<str>, node: Arc<str> },
    /// What an object controls, at any depth: the uids of all that control something there.
    Family {
        cluster: Arc<str>,
        makers: FxHashSet<Arc<str>>,
    },
    /// Events about an object, or about what it controls.
    About {
        cluster: Arc<str>,
        subjects: FxHashSet<About>,
        makers: FxHashSet<Arc<str>>,
    },
    /// It is not there.
    Nothing,
}

impl Part {
    pub(super) fn of(listing: &dyn ObjectListing, cx: &Context, view: &View) -> Self {
        let kinds = match view.kind {
            Some(kind) => vec![kind],
            None => listing.kinds().to_vec(),
        };
        let within = view.within.as_ref().map(|subject| {
            let within = Within::of(cx, subject, &kinds);
            (subject.clone(), within)
        });
        Self {
            kinds,
            scope: cx.scope.clone(),
            within,
        }
    }

    /// Is every object of its kinds in scope a row of its own in it?
    pub(super) fn is_plain(&self) -> bool {
        self.within.is_none() && !self.kinds.contains(&ObjectKind::Event)
    }

    /// Is what is known of any of its objects late?
    pub(super) fn is_late(&self, cx: &Context) -> bool {
        let clusters = cx.snap.model.objects().clusters();
        let mut known = clusters
            .filter(|cluster| {
                self.scope
                    .cluster
                    .as_ref()
                    .is_none_or(|name| name == cluster.name())
            })
            .flat_map(|cluster| self.kinds.iter().map(move |kind| (cluster, *kind)))
            .filter_map(|(cluster, kind)| cx.snap.age_of_kind(cluster.name(), kind));
        known.any(|(_, freshness)| freshness != Freshness::Fresh)
    }

    /// Would [`Part::of`] still answer this?
    pub(super) fn is_of(&self, listing: &dyn ObjectListing, cx: &Context, view: &View) -> bool {
        let kinds = match view.kind {
            Some(kind) => self.kinds == [kind],
            None => self.kinds == listing.kinds(),
        };
        kinds
            && self.scope == *cx.scope
            && self.within.as_ref().map(|(subject, _)| subject) == view.within.as_ref()
    }

    pub(super) fn holds(&self, object: &Object) -> bool {
        self.kinds.contains(&object.kind())
            && self.scope.holds(object)
            && self
                .within
                .as_ref()
                .is_none_or(|(_, within)| within.holds(object))
    }

    /// Does a change mean that other objects belong to this part than before, although they did
    /// not change themselves?
    pub(super) fn is_moved_by(&self, one: &Move) -> bool {
        let either = || one.old.iter().chain(&one.new);
        match &self.within {
            None | Some((_, Within::OnNode { .. })) => false,
            // It may be there now.
            Some((subject, Within::Nothing)) => either().any(|object| object.subject() == *subject),
            Some((_, Within::Family { cluster, makers })) => {
                let maker = |object: &Arc<Object>| makes(object) && is_in(makers, object);
                comes_or_goes(one) && either().any(|o| o.cluster == *cluster && maker(o))
            }
            Some((
                _,
                Within::About {
                    cluster, makers, ..
                },
            )) => {
                let member = |object: &Arc<Object>| !is_event(object) && is_in(makers, object);
                comes_or_goes(one) && either().any(|o| o.cluster == *cluster && member(o))
            }
        }
    }

    /// All objects of this part, in an order near the natural one.
    pub(super) fn candidates<'a>(&self, cx: &Context<'a>) -> Vec<&'a Arc<Object>> {
        let objects = cx.snap.model.objects();
        let clusters = objects.clusters();
        let clusters = clusters.filter(|c| {
            self.scope
                .cluster
                .as_ref()
                .is_none_or(|name| name == c.name())
        });
        let mut found = Vec::new();
        for cluster in clusters {
            for kind in &self.kinds {
                self.collect(cluster, *kind, &mut found);
            }
        }
        found
    }

    fn collect<'a>(
        &self,
        cluster: &'a Cluster,
        kind: ObjectKind,
        found: &mut Vec<&'a Arc<Object>>,
    ) {
        let mut add = |objects: &mut dyn Iterator<Item = &'a Arc<Object>>| {
            let mine = |object: &&'a Arc<Object>| object.kind() == kind && self.holds(object);
            found.extend(objects.filter(mine));
        };
        match &self.within {
            Some((_, Within::OnNode { node, .. })) => add(&mut cluster.on_node(node).iter()),
            Some((_, Within::Family { makers, .. })) => {
                add(&mut makers.iter().flat_map(|uid| cluster.owned_by(uid)));
            }
            Some((_, Within::About { subjects, .. })) => {
                add(&mut subjects
                    .iter()
                    .flat_map(|about| cluster.events_about(about)));
            }
            Some((_, Within::Nothing)) => {}
            None if kind == ObjectKind::Event => add(&mut cluster.event_groups()),
            None => match &self.scope.namespace {
                Some(namespace) if kind.is_namespaced() => {
                    add(&mut cluster.in_namespace(kind, namespace));
                }
                _ => add(&mut cluster.of_kind(kind)),
            },
        }
    }

    /// How many objects there are, where they need not be looked at one by one.
    pub(super) fn count(&self, cx: &Context) -> usize {
        if self.within.is_some() {
            return self.candidates(cx).len();
        }
        let clusters = cx.snap.model.objects().clusters();
        let namespace = self.scope.namespace.as_deref();
        let counts = clusters
            .filter(|c| {
                self.scope
                    .cluster
                    .as_ref()
                    .is_none_or(|name| name == c.name())
            })
            .flat_map(|c| self.kinds.iter().map(move |kind| (c, *kind)))
            .map(|(cluster, kind)| match namespace {
                Some(namespace) if kind.is_namespaced() => cluster.count_in(kind, namespace),
                _ => cluster.count(kind),
            });
        counts.sum()
    }

    /// Does this part hold one object? Then it is what stands for it in a table: for an event, all
    /// that are alike.
    pub(super) fn row_of<'a>(
        &self,
        cx: &Context<'a>,
        subject: &Subject,
    ) -> Option<&'a Arc<Object>> {
        let objects = cx.snap.model.objects();
        let object = objects.get(subject)?;
        let object = match &object.body {
            Body::Event(_) => objects.cluster(&object.cluster)?.event_group_of(object)?,
            _ => object,
        };
        self.holds(object).then_some(object)
    }
}

impl Within {
    fn of(cx: &Context, subject: &Subject, kinds: &[ObjectKind]) -> Self {
        let objects = cx.snap.model.objects();
        let Some((kind, cluster, _, name)) = subject.as_object() else {
            return Self::Nothing;
        };
        let cluster: Arc<str> = cluster.into();
        let events = kinds.contains(&ObjectKind::Event);
        if kind == ObjectKind::Node && !events {
            let node = name.into();
            return Self::OnNode { cluster, node };
        }
        let (Some(root), Some(inside)) = (objects.get(subject), objects.cluster(&cluster)) else {
            return Self::Nothing;
        };
        let family = family(inside, root);
        let makers = family.iter().map(|member| member.uid.clone()).collect();
        if events {
            let subjects = family.iter().map(|member| About::of(member)).collect();
            return Self::About {
                cluster,
                subjects,
                makers,
            };
        }
        Self::Family { cluster, makers }
    }

    fn holds(&self, object: &Object) -> bool {
        match self {
            Self::OnNode { cluster, node } => {
                let bound = match &object.body {
                    Body::Pod(pod) => pod.node.as_ref() == Some(node),
                    _ => false,
                };
                object.cluster == *cluster && bound
            }
            Self::Family { cluster, makers } => {
                let owner = object.owner.as_ref();
                object.cluster == *cluster && owner.is_some_and(|owner| makers.contains(&owner.uid))
            }
            Self::About {
                cluster, subjects, ..
            } => match &object.body {
                Body::Event(event) => {
                    object.cluster == *cluster && subjects.contains(&event.about_key())
                }
                _ => false,
            },
            Self::Nothing => false,
        }
    }
}

/// An object and all that it controls, at any depth.
fn family<'a>(cluster: &'a Cluster, root: &'a Arc<Object>) -> Vec<&'a Arc<Object>> {
    let mut members = vec![root];
    let mut seen: FxHashSet<&str> = [&*root.uid].into_iter().collect();
    let mut next = 0;
    while let Some(member) = members.get(next) {
        let owned = cluster.owned_by(&member.uid).iter();
        members.extend(owned.filter(|object| seen.insert(&object.uid)));
        next += 1;
    }
    members
}

/// Is it another object than before, or another's? One that merely changed has the same family.
fn comes_or_goes(one: &Move) -> bool {
    let owner = |object: &Arc<Object>| object.owner.as_ref().map(|owner| owner.uid.clone());
    let identity = |object: &Option<Arc<Object>>| {
        let object = object.as_ref()?;
        Some((object.uid.clone(), owner(object)))
    };
    identity(&one.old) != identity(&one.new)
}

/// Can it control something that is kept?
fn makes(object: &Object) -> bool {
    !matches!(object.body, Body::Pod(_) | Body::Event(_) | Body::Lease(_))
}

fn is_event(object: &Object) -> bool {
    matches!(object.body, Body::Event(_))
}

/// Is it one of these, or controlled by one?
fn is_in(makers: &FxHashSet<Arc<str>>, object: &Object) -> bool {
    let owner = object.owner.as_ref();
    makers.contains(&object.uid) || owner.is_some_and(|owner| makers.contains(&owner.uid))
}
