//! The part of all clusters that is looked at: `:ns`, `:ctx`, and what follows the name of a pane.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::App;
use super::palette::{Fit, fit};
use crate::listing::Scope;
use crate::nearest;
use crate::objects::ObjectKind;

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

    /// `:ns NAME`; all of them without a name.
    pub(super) fn set_namespace(&mut self, typed: &str) {
        if typed.is_empty() || typed == "all" || typed == "-" {
            self.scope.namespace = None;
            self.reorder();
            return;
        }
        let all = self.namespaces();
        match chosen(typed, all.iter()) {
            Ok(name) => {
                self.scope.namespace = Some(name);
                self.reorder();
            }
            Err(why) => self.say(format!("no namespace `{typed}`{why}")),
        }
    }

    /// `:ctx NAME`; all clusters without a name.
    pub(super) fn set_cluster(&mut self, typed: &str) {
        if typed.is_empty() || typed == "all" || typed == "-" {
            self.scope.cluster = None;
            self.reorder();
            return;
        }
        let all = self.clusters();
        match chosen(typed, all.iter()) {
            Ok(name) => {
                self.scope.cluster = Some(name);
                self.reorder();
            }
            Err(why) => self.say(format!("no cluster `{typed}`{why}")),
        }
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

    /// `:pods`, `:deploy shop`, `:no @prod`: opens the pane of a kind. False where no pane has it.
    pub(super) fn open_kind(&mut self, word: &str, rest: &str) -> bool {
        let named = self.pane_named(word);
        let kind = ObjectKind::named(word);
        let Some(pane) = named.or_else(|| self.pane_for_kind(kind?)) else {
            return false;
        };
        let objects = self.listings[pane].objects();
        // A pane over one kind needs not be told which.
        let only = kind.filter(|kind| objects.is_some_and(|o| o.kinds() != [*kind]));
        self.goto_pane(pane);
        if objects.is_none() {
            if !rest.is_empty() {
                self.apply_filter(rest);
            }
            return true;
        }
        let view = self.view_mut();
        view.kind = only.filter(|_| named.is_none());
        view.within = None;
        self.reorder();
        self.narrow(rest);
        true
    }

    /// What follows the name of a pane over objects: `@CLUSTER`, `/FILTER`, `LABEL=VALUE`, a
    /// namespace where there is one of that name, else a filter.
    fn narrow(&mut self, rest: &str) {
        let mut filter = Vec::new();
        for word in rest.split_whitespace() {
            let known = self.namespaces();
            if let Some(cluster) = word.strip_prefix('@') {
                self.set_cluster(cluster);
            } else if let Some(text) = word.strip_prefix('/') {
                filter.push(text.to_owned());
            } else if word == "all" {
                self.scope.namespace = None;
            } else if known.contains(word) {
                self.scope.namespace = Some(word.into());
            } else if word.contains('=') && filter.last().is_none_or(|last| last != "-l") {
                filter.push(format!("-l {word}"));
            } else {
                filter.push(word.to_owned());
            }
        }
        if filter.is_empty() {
            self.reorder();
        } else {
            self.apply_filter(&filter.join(" "));
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
            _ => {
                self.listings[pane?].objects()?;
                self.namespaces().into_iter().collect()
            }
        };
        let fitting = fitting(typed, names.iter());
        Some(
            fitting
                .into_iter()
                .map(|name| format!("{word} {name}"))
                .collect(),
        )
    }
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
