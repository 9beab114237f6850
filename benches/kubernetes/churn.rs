//! Changes of pods' statuses at a steady rate, for as long as the value lives.

use std::io::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::future::try_join_all;
use midwatch::clock;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::link::{Door, STRATEGIC};
use crate::load;

const HANDS: u32 = 8;
/// Changes come in bunches, this far apart.
const BEAT: Duration = Duration::from_millis(100);

pub struct Churn {
    made: Arc<AtomicU32>,
    began: clock::Stamp,
    task: JoinHandle<Result<()>>,
}

impl Churn {
    /// `rate` changes a second, spread over all pods.
    pub fn start(runtime: &Runtime, door: &Door, pods: u32, rate: u32) -> Self {
        let (made, began) = (Arc::new(AtomicU32::new(0)), clock::stamp());
        let changes = run(door.clone(), pods, rate, began.0, made.clone());
        Self {
            made,
            began,
            task: runtime.spawn(changes),
        }
    }

    /// Changes a second so far.
    pub fn rate(&self) -> f64 {
        let seconds = clock::stamp().since(self.began).as_secs_f64();
        f64::from(self.made.load(Ordering::Relaxed)) / seconds
    }
}

impl Drop for Churn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Every series writes what no other did: a patch that changes nothing is told to nobody.
async fn run(door: Door, pods: u32, rate: u32, series: u64, made: Arc<AtomicU32>) -> Result<()> {
    let a_beat = rate * u32::try_from(BEAT.as_millis()).unwrap_or(0) / 1000;
    let hands = (0..HANDS).map(|hand| {
        let (door, made) = (door.clone(), made.clone());
        async move {
            let mut link = door.open().await?;
            let mut beat = tokio::time::interval(BEAT);
            for round in 0u32.. {
                beat.tick().await;
                for number in (hand..a_beat).step_by(HANDS as usize) {
                    let number = round.wrapping_mul(a_beat).wrapping_add(number);
                    let (namespace, name) = load::place(number.wrapping_mul(7919) % pods);
                    let path = format!("/api/v1/namespaces/{namespace}/pods/{name}/status");
                    let change = load::change(series, number);
                    let status = link.send("PATCH", &path, STRATEGIC, &change).await?;
                    if status != 200 {
                        return Err(Error::other(format!("{path} answered {status}")));
                    }
                    made.fetch_add(1, Ordering::Relaxed);
                }
            }
            Ok::<(), Error>(())
        }
    });
    try_join_all(hands.collect::<Vec<_>>()).await?;
    Ok(())
}
