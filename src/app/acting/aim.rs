//! What an intent is about: what was under the cursor when its first key came, as it was drawn; or
//! what was named.
//!
//! A table that moves redirects nothing: what is aimed at is held fast until the keys are through.
//! A name is taken as it is written or not at all: nothing near it, nothing that it begins.

use std::sync::Arc;

use super::Acting;
use crate::actions::Action;
use crate::actions::named::named;
use crate::actions::record::ActionId;
use crate::actions::trail::Act;
use crate::app::{App, Page};
use crate::listing::RowKey;
use crate::nearest::nearest;
use crate::objects::Object;
use crate::subject::Subject;

/// What an intent is about: the object that was under the cursor when its first key came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aim {
    pub row: RowKey,
    pub subject: Subject,
    /// Of the object as it was on the screen; `None` for what is no kept object.
    pub uid: Option<Arc<str>>,
}

impl App {
    /// What would be the object of an intent now.
    pub(super) fn aimed(&self) -> Result<Aim, String> {
        let row = match &self.page {
            Some(Page::Detail(key)) => key.clone(),
            Some(Page::Plan) => {
                let open = self.acting.proposal.as_ref();
                let open = open.ok_or_else(|| "no plan is open".to_owned())?;
                RowKey::Subject(open.subject.clone())
            }
            None | Some(Page::Kind) => {
                let drawn = self.drawn.cursor.clone();
                if drawn != self.selected() {
                    return Err("the cursor moved before it was drawn; look, then try again".into());
                }
                drawn.ok_or_else(|| "nothing is under the cursor".to_owned())?
            }
            Some(_) => return Err("nothing is under the cursor here".to_owned()),
        };
        let subject = row.subject().cloned();
        let Some(subject) = subject else {
            return Err("there is no object under the cursor".to_owned());
        };
        let object = self.shown().0.objects().get(&subject);
        Ok(Aim {
            uid: object.map(|object| object.uid.clone()),
            subject,
            row,
        })
    }

    /// What `:VERB NAME` is about, whatever is under the cursor: of the cluster that is named, of
    /// the one in scope, or of the only one that has it.
    pub(super) fn named(&self, action: &Action, text: &str) -> Result<Aim, String> {
        let named = named(action, text).map_err(|not| not.to_string())?;
        let kind = action.on;
        let (word, plural) = (kind.api_kind().to_lowercase(), kind.plural());
        let names = self.clusters();
        let objects = self.shown().0.objects();
        let only = named.cluster.or(self.scope().cluster.as_deref());
        let searched: Vec<_> = objects
            .clusters()
            .filter(|cluster| only.is_none_or(|only| **cluster.name() == *only))
            .collect();
        if searched.is_empty() {
            let known = || names.iter().map(|name| &**name);
            let near = only.and_then(|only| nearest(only, known()));
            let hint = near.map_or_else(
                || format!("there are {}", known().collect::<Vec<_>>().join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            let only = only.unwrap_or_default();
            return Err(format!("no cluster is called `{only}`; {hint}"));
        }
        let found: Vec<&Object> = searched
            .iter()
            .filter_map(|cluster| cluster.get(kind, named.namespace, named.name))
            .map(|object| &**object)
            .collect();
        // One whose objects were never listed may have it as well.
        let unknown: Vec<&str> = searched
            .iter()
            .filter(|cluster| !cluster.is_synced(kind))
            .map(|cluster| &**cluster.name())
            .collect();
        let written = |object: &Object| format!(":{} {word}/{}", action.id, path(object));
        match found.as_slice() {
            [one] if unknown.is_empty() || *unknown == [&*one.cluster] => Ok(Aim::of(one)),
            [one] => Err(format!(
                "the {plural} of {} are not known, and `{}` may be there too; write {}",
                unknown.join(", "),
                named.name,
                written(one)
            )),
            [] if !unknown.is_empty() => Err(format!(
                "no {word} `{}` is known; the {plural} of {} are not",
                named.name,
                unknown.join(", ")
            )),
            [] => {
                let all = searched.iter().flat_map(|cluster| cluster.of_kind(kind));
                let near = nearest(named.name, all.map(|object| &*object.name));
                Err(match near {
                    Some(near) => {
                        format!(
                            "no {word} is called `{}`; did you mean `{near}`?",
                            named.name
                        )
                    }
                    None => format!("no {word} is called `{}`", named.name),
                })
            }
            several => {
                let ways: Vec<String> = several.iter().map(|object| written(object)).collect();
                Err(format!(
                    "{} clusters have a {word} `{}`; write {}",
                    several.len(),
                    named.name,
                    ways.join(" or ")
                ))
            }
        }
    }

    /// Holds fast what is under the cursor, before anything can move it: at the first key of a
    /// sequence, or when a command begins to be typed.
    pub(in crate::app) fn take_aim(&mut self) {
        let aim = self.aimed();
        if let Ok(aim) = &aim
            && self.page.is_none()
        {
            let row = aim.row.clone();
            self.view_mut().cursor = Some(row);
        }
        self.acting.aim = Some(aim);
    }

    /// The run that `u` is about: the one on the page, the one under the cursor, else the last.
    pub(super) fn meant_act(&self) -> Option<&Act> {
        let trail = &self.acting.trail;
        let row = match &self.page {
            Some(Page::Detail(key)) => Some(key.clone()),
            None if self.drawn.cursor == self.selected() => self.drawn.cursor.clone(),
            _ => None,
        };
        let under = row.and_then(|row| match row {
            RowKey::Text(text) => text.parse::<ActionId>().ok(),
            _ => None,
        });
        trail.act(under.or(self.acting.last)?)
    }
}

impl Aim {
    fn of(object: &Object) -> Self {
        let subject = Subject::object(
            object.kind(),
            &object.cluster,
            &object.namespace,
            &object.name,
        );
        Self {
            row: RowKey::Subject(subject.clone()),
            subject,
            uid: Some(object.uid.clone()),
        }
    }
}

/// `prod/w-03`, `prod/shop/web-1`.
fn path(object: &Object) -> String {
    let parts = [&object.cluster, &object.namespace, &object.name];
    let parts: Vec<&str> = parts.into_iter().map(|part| &**part).collect();
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("/")
}

impl Acting {
    /// A key came that was no part of a sequence or a command.
    pub(in crate::app) fn forget_aim(&mut self) {
        self.aim = None;
    }
}
