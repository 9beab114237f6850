//! What pages want asked or given up, until the driver fetches it; and the numbers of asks.

use crate::ask::{Ask, AskId};
use crate::effect::Effect;

#[derive(Debug, Default)]
pub struct Outbox {
    last: u64,
    effects: Vec<Effect>,
}

impl Outbox {
    /// Opens an ask under a number of its own.
    pub fn open(&mut self, ask: Ask) -> AskId {
        self.last += 1;
        let id = AskId(self.last);
        self.effects.push(Effect::Open(id, ask));
        id
    }

    pub fn close(&mut self, id: AskId) {
        self.effects.push(Effect::Close(id));
    }

    pub fn take(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }
}
