//! What a follower does when something ends: a page, a watch, a connection, the server's patience
//! or its memory.

use std::time::Duration;

use tokio::time::Instant;

use super::{Codec, Follow, Instead, Purpose, State, Then};
use crate::clients::kube::{Refusal, Status};
use crate::observation::{Layer, Outage};
use crate::sources::kubernetes::transport::{Body, Transport};

/// A watch that lived so long ended in good order, whatever ended it.
const LIVED: Duration = Duration::from_secs(30);

impl<T: Transport, C: Codec> Follow<T, C> {
    /// The body ended by itself, and all that was fed is worked off.
    pub(super) fn ended(&mut self) -> Result<(), Outage> {
        self.codec.end();
        self.work_off()?;
        let whole = self.codec.is_whole();
        let after = self.after.take();
        let watched = matches!(self.purpose, Purpose::Stream | Purpose::Changes);
        self.close();
        if watched {
            // What was cut off in the middle of a frame is told again.
            if self.asked.elapsed() >= LIVED {
                self.pace.ended();
            } else {
                let detail = format!("the watch of {} ended at once", self.path);
                self.pace.stumbled(Outage::new(Layer::Protocol, detail));
            }
            return Ok(());
        }
        let (true, Some(after)) = (whole, after) else {
            let detail = format!("{} broke off in the middle of a list", self.path);
            let outage = Outage::new(Layer::Protocol, detail);
            self.pace.stumbled(outage.clone());
            return Err(outage);
        };
        if after != Purpose::Changes {
            self.purpose = after;
            return Ok(());
        }
        self.codec.synced();
        self.told = Some(self.began);
        self.instead.listed(self.began.elapsed());
        let pause = match self.then {
            Then::List(pause) => pause,
            Then::Watch if self.instead.holds() => self.instead.pause(),
            Then::Watch => {
                self.purpose = Purpose::Changes;
                return Ok(());
            }
        };
        self.purpose = self.list_from_scratch();
        self.pace.again(pause);
        Ok(())
    }

    /// The server said no to a request.
    pub(super) fn refused(&mut self, refusal: &Refusal) -> Result<(), Outage> {
        let outage = self.transport.outage_of(refusal);
        match (refusal.code, &self.purpose) {
            (400 | 422, Purpose::Stream) => {
                self.without_stream();
                return Ok(());
            }
            (410, _) => {
                self.relist(outage);
                return Ok(());
            }
            (429 | 503, _) => {
                self.pace.busy(outage, refusal.retry_after);
                return Ok(());
            }
            (403, Purpose::Stream | Purpose::Changes) if self.then == Then::Watch => {
                self.list_instead();
                return Ok(());
            }
            (403, _) => {
                self.pace.forbid(outage.clone());
                // Whatever is granted until then: the watch first.
                self.instead = Instead::default();
                self.purpose = self.list_from_scratch();
            }
            (404, _) => {
                let detail = format!("not served: {}", self.path);
                let outage = Outage::new(Layer::Protocol, detail)
                    .hint("ask `kubectl api-resources` what this cluster serves");
                self.pace.forbid(outage.clone());
                return Err(outage);
            }
            _ => {}
        }
        Err(outage)
    }

    /// The server ended a watch with a refusal.
    pub(super) fn watch_failed(&mut self, status: Option<Status>) -> Result<(), Outage> {
        let status = status.unwrap_or_default();
        let refusal = Refusal::within(&self.path, status);
        let outage = self.transport.outage_of(&refusal);
        let (code, purpose) = (refusal.code, self.purpose.clone());
        self.close();
        match (code, purpose) {
            (410, _) => self.relist(outage),
            (429 | 503, _) => self.pace.busy(outage, refusal.retry_after),
            // An API server on an etcd before 3.4.25 takes the request for a streamed list and
            // then finds that it cannot (seen with 1.36 on etcd 3.4.23).
            (_, Purpose::Stream) => self.without_stream(),
            _ => {
                self.pace.stumbled(outage.clone());
                // It may be this very version that it stumbles over.
                self.purpose = self.list_from_scratch();
                return Err(outage);
            }
        }
        Ok(())
    }

    /// The server does not stream lists: pages from now on.
    pub(super) fn without_stream(&mut self) {
        self.streams = false;
        self.close();
        self.purpose = self.list_from_scratch();
    }

    /// This user may not watch it: lists from now on, the first as soon as what was told is old.
    fn list_instead(&mut self) {
        self.instead.denied();
        self.purpose = self.list_from_scratch();
        let every = self.instead.every().unwrap_or_default();
        let due = self.told.map(|told| every.saturating_sub(told.elapsed()));
        self.pace.again(due.unwrap_or_default());
    }

    /// The server forgot where we were. What is shown stays until the new list is told.
    fn relist(&mut self, outage: Outage) {
        if matches!(&self.purpose, Purpose::Page(next) if !next.is_empty()) {
            self.pages = false;
        }
        self.close();
        self.pace.stumbled(outage);
        self.purpose = self.list_from_scratch();
    }

    fn list_from_scratch(&self) -> Purpose {
        if self.streams && !self.instead.holds() {
            Purpose::Stream
        } else if self.pages {
            Purpose::Page(String::new())
        } else {
            Purpose::Whole
        }
    }

    /// Lets go of what is open; what was read up to here stays. A page is asked for again, a
    /// streamed list begins anew, a watch goes on.
    pub(super) fn close(&mut self) {
        self.count_bytes();
        if self.is_live() {
            let silent = self.transport.silent_for().unwrap_or_default();
            let now = Instant::now();
            self.told = Some(now.checked_sub(silent).unwrap_or(now));
        }
        self.state = State::Idle;
        self.codec.restart(self.shape());
    }

    pub(super) fn count_bytes(&mut self) {
        if let State::Reading(body) = &self.state {
            let all = body.wire_bytes();
            self.bytes += all.saturating_sub(self.counted);
            self.counted = all;
        }
    }
}
