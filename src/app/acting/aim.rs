//! What an intent is about: what was under the cursor when its first key came, as it was drawn.
//!
//! A table that moves redirects nothing: what is aimed at is held fast until the keys are through.

use std::sync::Arc;

use super::Acting;
use crate::actions::record::ActionId;
use crate::actions::trail::Act;
use crate::app::{App, Page};
use crate::listing::RowKey;
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

impl Acting {
    /// A key came that was no part of a sequence or a command.
    pub(in crate::app) fn forget_aim(&mut self) {
        self.aim = None;
    }
}
