//! The part of all clusters that is looked at: `:ns`, `:ctx`, and what follows the name of a pane.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::palette::{Fit, fit};
use super::{App, Page};
use crate::listing::{Filter, Scope, View};
use crate::nearest;
use crate::objects::ObjectKind;
use crate::subject::Subject;

/// The namespace that was asked for.
#[derive(Debug, Default)]
enum Asked {
    #[default]
    TheSame,
    All,
    One(Arc<str>),
}

/// What stood behind the name of a kind.
#[derive(Debug, Default)]
pub(super) struct Narrowed {
    cluster: Option<Arc<str>>,
    namespace: Asked,
    pub filter: String,
    /// What is to be told of it.
    said: Option<String>,
}

impl App {
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Names of the clusters that are watched, in their order.
    pub(super) fn clusters(&self) -> Vec<Arc<str>> {
        let objects = self.context().snap.model.objects();
        objects
            .clusters()
            .map(|cluster| cluster.name().clone())
            .collect()
    }

    /// Names of all namespaces in the clusters that are looked at.
    fn namespaces(&self) -> BTreeSet<Arc<str>> {
        let objects = self.context().snap.model.objects();
        let only = self.scope.cluster.as_ref();
        objects
            .clusters()
            .filter(|cluster| only.is_none_or(|name| name == cluster.name()))
            .flat_map(|cluster| cluster.namespaces().cloned())
            .collect()
    }

    /// `:ns NAME`; without a name the table of them, in which Enter goes into one.
    pub(super) fn set_namespace(&mut self, typed: &str) {
        if typed.is_empty() {
            self.show_namespaces();
            return;
        }
        match self.namespace_named(typed) {
            Ok(namespace) => {
                self.scope.namespace = namespace;
                self.reorder();
            }
            Err(why) => self.say(why),
        }
    }

    /// The namespace that is meant; none for all of them.
    fn namespace_named(&self, typed: &str) -> Result<Option<Arc<str>>, String> {
        if is_all(typed) {
            return Ok(None);
        }
        let all = self.namespaces();
        match chosen(typed, all.iter()) {
            Ok(name) => Ok(Some(name)),
            // It may be there all the same.
            Err(_) if !self.namespaces_are_known() => Ok(Some(typed.into())),
            Err(why) => Err(format!("no namespace `{typed}`{why}")),
        }
    }

    fn namespaces_are_known(&self) -> bool {
        let objects = self.context().snap.model.objects();
        let only = self.scope.cluster.as_ref();
        let mut looked_at = objects
            .clusters()
            .filter(|cluster| only.is_none_or(|name| name == cluster.name()));
        looked_at.all(|cluster| cluster.is_synced(ObjectKind::Namespace))
    }

    /// Enter on a namespace: to its pods.
    pub(super) fn enter_namespace(&mut self, namespace: &Subject) {
        let Some((_, cluster, _, name)) = namespace.as_object() else {
            return;
        };
        let Some(pane) = self.pane_named("pods") else {
            return;
        };
        let several = self.clusters().len() > 1;
        self.goto_pane(pane);
        if several {
            self.scope.cluster = Some(cluster.into());
        }
        self.scope.namespace = Some(name.into());
        *self.view_mut() = fresh(self.view());
        self.reorder();
    }

    /// `:ctx NAME`; without a name the clusters that are watched, and the contexts that are not.
    pub(super) fn set_cluster(&mut self, typed: &str) {
        if typed.is_empty() {
            self.scope.cluster = None;
            self.goto_named("clusters");
            let others = &self.identity.other_contexts;
            if !others.is_empty() {
                let others = others.join(", ");
                self.say(format!(
                    "not watched: {others}; start with --context NAME to watch one"
                ));
            }
            return;
        }
        if is_all(typed) {
            self.scope.cluster = None;
            self.reorder();
            return;
        }
        match self.cluster_named(typed) {
            Ok(name) => {
                self.scope.cluster = Some(name);
                self.reorder();
            }
            Err(why) => self.say(why),
        }
    }

    fn cluster_named(&self, typed: &str) -> Result<Arc<str>, String> {
        let all = self.clusters();
        let unwatched = self
            .identity
            .other_contexts
            .iter()
            .any(|name| name == typed);
        if unwatched && !all.iter().any(|name| **name == *typed) {
            return Err(format!(
                "context {typed} is in the kubeconfig but not watched: start with --context {typed}"
            ));
        }
        chosen(typed, all.iter()).map_err(|why| format!("no cluster `{typed}`{why}"))
    }

    /// `0`: no filter, every namespace; what was gone into stays for Esc.
    pub(super) fn show_all(&mut self) {
        self.scope.namespace = None;
        let view = self.view_mut();
        view.filter.clear();
        view.problems_only = false;
        view.within = None;
        view.kind = None;
        view.pan = 0;
        self.reorder();
    }

    /// `:pods`, `:deploy shop`, `:no @prod`: opens the pane of a kind, with a fresh filter. False
    /// where no pane has it.
    pub(super) fn open_kind(&mut self, word: &str, rest: &str) -> bool {
        let named = self.pane_named(word);
        let kind = ObjectKind::named(word);
        let Some(pane) = named.or_else(|| self.pane_for_kind(kind?)) else {
            return false;
        };
        let Some(objects) = self.listings[pane].objects() else {
            self.goto_pane(pane);
            if !rest.is_empty() {
                self.apply_filter(rest);
            }
            return true;
        };
        // A pane over one kind needs not be told which.
        let only = kind.filter(|kind| named.is_none() && objects.kinds() != [*kind]);
        let namespaced = objects.is_namespaced(only);
        let narrowed = match self.narrowed(rest, namespaced) {
            Ok(narrowed) => narrowed,
            Err(why) => {
                self.say(why);
                return true;
            }
        };
        self.goto_pane(pane);
        *self.view_mut() = View {
            kind: only,
            filter: narrowed.filter.clone(),
            ..fresh(self.view())
        };
        self.narrow(narrowed);
        true
    }

    /// Takes over the part of all clusters that was asked for.
    pub(super) fn narrow(&mut self, narrowed: Narrowed) {
        if let Some(cluster) = narrowed.cluster {
            self.scope.cluster = Some(cluster);
        }
        match narrowed.namespace {
            Asked::TheSame => {}
            Asked::All => self.scope.namespace = None,
            Asked::One(name) => self.scope.namespace = Some(name),
        }
        if let Some(said) = narrowed.said {
            self.say(said);
        }
        self.reorder();
    }

    /// What follows the name of a kind: `-n NAMESPACE`, `-A`, `@CLUSTER`, `-l LABELS`, `LABEL=VALUE`,
    /// `/FILTER`, a namespace where there is one of that name, else a filter.
    ///
    /// # Errors
    /// What cannot be taken, in words.
    pub(super) fn narrowed(&self, rest: &str, namespaced: bool) -> Result<Narrowed, String> {
        let mut narrowed = Narrowed::default();
        let mut filter: Vec<String> = Vec::new();
        let known = self.namespaces();
        let mut words = Filter::pieces(rest).into_iter();
        while let Some(word) = words.next() {
            let given = ["--namespace=", "-n="]
                .into_iter()
                .find_map(|option| word.strip_prefix(option));
            if let Some(cluster) = word.strip_prefix('@') {
                narrowed.cluster = Some(self.cluster_named(cluster)?);
            } else if matches!(word, "-A" | "--all-namespaces" | "all") {
                narrowed.namespace = Asked::All;
            } else if given.is_some() || matches!(word, "-n" | "--namespace") {
                let name = given.or_else(|| words.next()).unwrap_or_default();
                if name.is_empty() {
                    return Err(format!("{word} wants a namespace: -n NAME, or -A for all"));
                }
                let named = self.namespace_named(name)?;
                narrowed.namespace = named.map_or(Asked::All, Asked::One);
            } else if let Some(text) = word.strip_prefix('/') {
                filter.push(text.to_owned());
            } else if word.starts_with("-l") || word.starts_with("-f ") {
                filter.push(word.to_owned());
            } else if word.len() > 1 && word.starts_with('-') {
                return Err(format!(
                    "`{word}` is not taken here; there are -A, -n NAMESPACE, -l LABELS, /TEXT"
                ));
            } else if namespaced && known.contains(word) {
                narrowed.namespace = Asked::One(word.into());
            } else if word.contains('=') {
                filter.push(format!("-l {word}"));
            } else {
                if namespaced {
                    let said = format!("no namespace {word}: filtering by it");
                    narrowed.said = Some(said);
                }
                filter.push(word.to_owned());
            }
        }
        narrowed.filter = filter.join(" ");
        Ok(narrowed)
    }

    /// Why the filter keeps nothing, where that is not for the rows: it cannot be read, or asks for
    /// what rows here do not have.
    #[must_use]
    pub fn filter_trouble(&self) -> Option<String> {
        let (typed, labelled) = match (&self.page, self.opened.kind()) {
            (Some(Page::Kind), Some(page)) => (page.view.filter.as_str(), false),
            (None, _) => (
                self.view().filter.as_str(),
                self.listing().objects().is_some(),
            ),
            _ => return None,
        };
        let filter = Filter::parse(typed);
        match filter.trouble() {
            Some(why) => Some(why.to_owned()),
            None if filter.reads_labels() && !labelled => {
                Some("-l: the rows here carry no labels".to_owned())
            }
            None => None,
        }
    }

    /// What can follow `ns`, `ctx` or the name of a pane over objects; `None` for other words.
    pub(super) fn scope_completions(&self, word: &str, typed: &str) -> Option<Vec<String>> {
        let pane = self
            .pane_named(word)
            .or_else(|| self.pane_for_kind(ObjectKind::named(word)?));
        let names: Vec<Arc<str>> = match word {
            "ns" | "namespace" => self.namespaces().into_iter().collect(),
            "ctx" | "context" => self.clusters(),
            "theme" => self.identity.themes.clone(),
            _ => {
                self.listings[pane?].objects()?;
                self.namespaces().into_iter().collect()
            }
        };
        // Of several words the last is completed: `po -n te`.
        let (before, typed) = match typed.rsplit_once(' ') {
            Some((before, typed)) => (format!("{word} {}", before.trim_end()), typed),
            None => (word.to_owned(), typed),
        };
        let fitting = fitting(typed, names.iter());
        Some(
            fitting
                .into_iter()
                .map(|name| format!("{before} {name}"))
                .collect(),
        )
    }
}

/// A view as a command opens it: the cursor at the top, nothing left out; how it is sorted and how
/// much room it has stays.
fn fresh(view: &View) -> View {
    View {
        sort: view.sort,
        wide: view.wide,
        ..View::default()
    }
}

fn is_all(typed: &str) -> bool {
    matches!(typed, "all" | "-" | "-A" | "--all-namespaces")
}

/// Names that fit what was typed, the best first.
fn fitting<'a>(typed: &str, names: impl Iterator<Item = &'a Arc<str>>) -> Vec<&'a Arc<str>> {
    let mut hits: Vec<(Fit, &Arc<str>)> = names
        .filter_map(|name| Some((fit(name, typed)?, name)))
        .collect();
    hits.sort_by_key(|(fit, _)| *fit);
    hits.into_iter().map(|(_, name)| name).collect()
}

/// The name that was meant: as it is written, else the only one that begins so; else what to tell.
fn chosen<'a>(
    typed: &str,
    names: impl Iterator<Item = &'a Arc<str>> + Clone,
) -> Result<Arc<str>, String> {
    if let Some(exact) = names.clone().find(|name| ***name == *typed) {
        return Ok(exact.clone());
    }
    let mut begin = names.clone().filter(|name| name.starts_with(typed));
    if let (Some(only), None) = (begin.next(), begin.next()) {
        return Ok(only.clone());
    }
    let near = fitting(typed, names.clone())
        .into_iter()
        .next()
        .map(|name| &**name);
    let near = near.or_else(|| nearest::nearest(typed, names.map(|name| &**name)));
    Err(near.map_or_else(String::new, |near| format!("; did you mean `{near}`?")))
}
