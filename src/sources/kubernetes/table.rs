//! The server's own table of any kind, listed and then watched: what is shown of kinds that
//! midwatch does not keep.
//!
//! Cells are text as the server prints it, for a person; nothing is judged by them. A server that
//! makes no table (an aggregated one of its own make) has its objects shown by name.

mod rows;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::follow::{Follow, Then};
use super::transport::Transport;
use crate::ask::{KindName, TableDelta, TableNews};
use crate::clients::kube::Api;
use crate::observation::Outage;
use rows::Rows;

/// How often a kind that cannot be watched is listed.
const RELIST: Duration = Duration::from_secs(10);
/// First pause after a failure, doubled per further one.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// One table that is open.
pub struct TableStream<T: Transport = Api> {
    follow: Follow<T, Rows>,
    failures: u32,
    /// Not asked before this moment.
    rest: Option<Instant>,
}

impl<T: Transport> TableStream<T> {
    /// The objects of a kind in one namespace, or in all where it is empty.
    #[must_use]
    pub fn new(transport: T, kind: &KindName, namespace: &str) -> Self {
        let then = if kind.watchable {
            Then::Watch
        } else {
            Then::List(RELIST)
        };
        let path = kind.path(namespace);
        Self {
            follow: Follow::new(transport, Rows::default(), path, then),
            failures: 0,
            rest: None,
        }
    }

    /// What comes next; after a failure it waits by itself as long as it said. Never ends by
    /// itself. Dropping the future loses nothing.
    pub async fn next(&mut self) -> TableNews {
        if let Some(rest) = self.rest {
            sleep_until(rest).await;
            self.rest = None;
        }
        match self.heard().await {
            Ok(deltas) => {
                self.failures = 0;
                TableNews::Deltas(deltas)
            }
            Err(outage) => {
                let again = FIRST
                    .saturating_mul(2_u32.saturating_pow(self.failures))
                    .min(LONGEST);
                self.failures = self.failures.saturating_add(1);
                self.rest = Some(Instant::now() + again);
                TableNews::Broken {
                    outage,
                    again: Some(again),
                }
            }
        }
    }

    /// Changes, or none where all is quiet. Between two lists nobody knows whether it is.
    async fn heard(&mut self) -> Result<Vec<TableDelta>, Outage> {
        loop {
            self.follow.gather().await?;
            let deltas = self.follow.codec.take();
            if !deltas.is_empty() || self.follow.behind().is_zero() {
                return Ok(deltas);
            }
        }
    }

    /// After a suspend: what was open is dead.
    pub fn disconnect(&mut self) {
        self.follow.disconnect();
        self.rest = None;
    }
}
