//! Answers what a reader opens, over the clients that the watches use too: one task an ask, given
//! up when the ask is closed. Decides nothing about what is open, and the loop waits for none of it.

mod log;
mod save;
mod whole;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;

use crate::ask::{Answered, Ask, AskId, LogNews, TableNews};
use crate::clients::kube::{Api, Refusal};
use crate::observation::{Layer, Outage};

/// Answers that wait to be taken; a task with more waits itself, and with it its server.
const WAITING: usize = 8;

/// Who answers.
pub struct Asks {
    apis: BTreeMap<Arc<str>, Api>,
    /// Where files are saved.
    folder: Option<PathBuf>,
    open: BTreeMap<AskId, JoinHandle<()>>,
    sender: Sender<(AskId, Answered)>,
}

/// What comes back, in the order in which it came.
pub type Answers = Receiver<(AskId, Answered)>;

impl Asks {
    /// Over the clients of the watched clusters; `folder` is the state folder.
    #[must_use]
    pub fn new(apis: Vec<Api>, folder: Option<PathBuf>) -> (Self, Answers) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let apis = apis.into_iter().map(|api| {
            // A person waits for these.
            (api.cluster().clone(), api.urgent())
        });
        let asks = Self {
            apis: apis.collect(),
            folder,
            open: BTreeMap::new(),
            sender,
        };
        (asks, receiver)
    }

    /// Begins an ask.
    pub fn open(&mut self, id: AskId, ask: Ask) {
        self.open.retain(|_, task| !task.is_finished());
        let desk = Desk {
            id,
            sender: self.sender.clone(),
        };
        let task = match self.task(ask, desk.clone()) {
            Ok(task) => task,
            Err(answer) => tokio::spawn(async move { desk.send(answer).await }),
        };
        self.open.insert(id, task);
    }

    /// Gives an ask up; what it still sends is known by its number and not taken.
    pub fn close(&mut self, id: AskId) {
        if let Some(task) = self.open.remove(&id) {
            task.abort();
        }
    }

    fn task(&self, ask: Ask, desk: Desk) -> Result<JoinHandle<()>, Answered> {
        Ok(match ask {
            Ask::Manifest(object) => {
                let api = self.api(&object.cluster);
                let api = api.map_err(|outage| Answered::Manifest(Err(outage)))?;
                tokio::spawn(whole::manifest(api, object, desk))
            }
            Ask::Log(ask) => {
                let api = self.api(&ask.cluster);
                let api = api.map_err(|outage| Answered::Log(LogNews::Ended(Err(outage))))?;
                tokio::spawn(log::read(api, ask, desk))
            }
            Ask::Kinds(cluster) => {
                let api = self.api(&cluster);
                let api = api.map_err(|outage| Answered::Kinds(Err(outage)))?;
                tokio::spawn(whole::kinds(api, desk))
            }
            Ask::Table(ask) => {
                let broken = |outage| {
                    Answered::Table(TableNews::Broken {
                        outage,
                        again: None,
                    })
                };
                let api = self.api(&ask.cluster).map_err(broken)?;
                tokio::spawn(whole::table(api, ask, desk))
            }
            Ask::Save(ask) => tokio::spawn(save::save(self.folder.clone(), ask, desk)),
        })
    }

    fn api(&self, cluster: &str) -> Result<Api, Outage> {
        self.apis.get(cluster).cloned().ok_or_else(|| {
            Outage::new(Layer::Local, format!("no cluster `{cluster}` is watched"))
                .hint("add a target of kind `kubernetes` for it")
        })
    }
}

impl Drop for Asks {
    fn drop(&mut self) {
        for task in self.open.values() {
            task.abort();
        }
    }
}

/// A refusal in words. Of an object that is not there, the server's own word is the best: that its
/// kind is not offered is what a list would mean by it.
fn refused(api: &Api, refusal: &Refusal) -> Outage {
    match &refusal.status {
        Some(status) if refusal.code == 404 && !status.message.is_empty() => {
            Outage::new(Layer::Protocol, status.message.clone())
                .hint("look whether it is gone or has another name now")
        }
        _ => api.outage_of(refusal),
    }
}

/// Where one ask leaves its answers.
#[derive(Clone)]
struct Desk {
    id: AskId,
    sender: Sender<(AskId, Answered)>,
}

impl Desk {
    /// Waits while too many answers lie there already. Nobody to take them any more is no failure:
    /// the program is ending.
    async fn send(&self, answer: Answered) {
        let _ = self.sender.send((self.id, answer)).await;
    }
}
