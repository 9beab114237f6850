//! The log of one container: read, taken up again where it broke off, no line twice.

mod lines;
mod seen;

use std::time::Duration;

use tokio::time::Instant;

use super::{Desk, refused};
use crate::ask::{Answered, LogAsk, LogLine, LogNews, LogRun, Since};
use crate::clients::kube::{Api, Refusal, Reply};
use crate::clock;
use crate::observation::Outage;
use lines::Splitter;
use seen::Seen;

/// Lines told at once.
const MOST_LINES: usize = 512;

/// Bytes told at once.
const MOST_BYTES: usize = 256 << 10;

/// How long lines are gathered before they are told.
const GATHER: Duration = Duration::from_millis(40);

/// First pause before a log is asked for again; doubled each time, up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Reads until there is nothing more to read.
pub(super) async fn read(api: Api, ask: LogAsk, desk: Desk) {
    let mut reader = Reader {
        api,
        ask,
        desk,
        seen: Seen::default(),
        lines: Splitter::default(),
    };
    let mut pause = PAUSE;
    loop {
        let end = match reader.once().await {
            Ok(told) => {
                if told > 0 {
                    pause = PAUSE;
                }
                match reader.ask.run {
                    LogRun::Previous => End::Over(Ok(())),
                    LogRun::Follow => End::Again(None, None),
                }
            }
            Err(end) => end,
        };
        match end {
            End::Again(outage, wanted) if reader.ask.run == LogRun::Follow => {
                let again = wanted.unwrap_or(pause).max(pause);
                reader.tell(LogNews::Broken { outage, again }).await;
                tokio::time::sleep(again).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            End::Again(outage, _) => return reader.end(outage.map_or(Ok(()), Err)).await,
            End::Over(how) => return reader.end(how).await,
        }
    }
}

/// How one request ended.
enum End {
    /// It may be tried again, after this time if the server said so.
    Again(Option<Outage>, Option<Duration>),
    Over(Result<(), Outage>),
}

struct Reader {
    api: Api,
    ask: LogAsk,
    desk: Desk,
    /// What was told of the second that is asked for again.
    seen: Seen,
    lines: Splitter,
}

impl Reader {
    /// One request, to its end; answers how many lines it told.
    async fn once(&mut self) -> Result<u64, End> {
        let path = path(&self.ask, &self.seen);
        // The server chooses; it gives text, and its refusals as JSON.
        let reply = self.api.get(&path, "*/*").await;
        let reply = reply.map_err(|outage| End::Again(Some(outage), None))?;
        if !reply.is_ok() {
            let after = reply.retry_after;
            let refusal = reply.refusal().await;
            let outage = refused(&self.api, &refusal);
            return Err(judge(&refusal, outage, after));
        }
        self.tell(LogNews::Opened).await;
        // What was not ended by a line break comes again as a whole.
        self.lines.begin();
        self.seen.begin();
        self.pump(reply).await
    }

    async fn pump(&mut self, mut reply: Reply) -> Result<u64, End> {
        let mut batch = Batch::default();
        let mut told = 0;
        loop {
            let piece = match batch.due {
                None => Some(reply.chunk().await),
                Some(due) => tokio::time::timeout_at(due, reply.chunk()).await.ok(),
            };
            match piece {
                Some(Ok(Some(bytes))) => {
                    let (seen, batch) = (&mut self.seen, &mut batch);
                    self.lines.push(&bytes, &mut |line| {
                        if seen.is_new(&line) {
                            batch.add(line);
                        }
                    });
                }
                Some(Ok(None)) => {
                    if let Some(line) = self.lines.rest()
                        && self.seen.is_new(&line)
                    {
                        batch.add(line);
                    }
                    told += self.flush(&mut batch).await;
                    return Ok(told);
                }
                Some(Err(outage)) => {
                    self.flush(&mut batch).await;
                    return Err(End::Again(Some(outage), None));
                }
                None => {}
            }
            if batch.is_due() {
                told += self.flush(&mut batch).await;
            }
        }
    }

    async fn flush(&self, batch: &mut Batch) -> u64 {
        let taken = std::mem::take(batch);
        let mut lines = taken.lines;
        let told = lines.len() as u64;
        let received = clock::now();
        // A piece of the stream can hold thousands of short lines.
        while lines.len() > MOST_LINES {
            let rest = lines.split_off(MOST_LINES);
            self.tell(LogNews::Lines { lines, received }).await;
            lines = rest;
        }
        if !lines.is_empty() {
            self.tell(LogNews::Lines { lines, received }).await;
        }
        told
    }

    async fn end(&mut self, how: Result<(), Outage>) {
        self.tell(LogNews::Ended(how)).await;
    }

    async fn tell(&self, news: LogNews) {
        self.desk.send(Answered::Log(news)).await;
    }
}

/// Lines that are told together.
#[derive(Default)]
struct Batch {
    lines: Vec<LogLine>,
    bytes: usize,
    due: Option<Instant>,
}

impl Batch {
    fn add(&mut self, line: LogLine) {
        self.bytes += line.bytes.len();
        self.lines.push(line);
        self.due.get_or_insert_with(|| Instant::now() + GATHER);
    }

    fn is_due(&self) -> bool {
        self.lines.len() >= MOST_LINES
            || self.bytes >= MOST_BYTES
            || self.due.is_some_and(|due| due <= Instant::now())
    }
}

/// Where the log is, and from when on: times are always asked for, since they are what tells where
/// it was left.
fn path(ask: &LogAsk, seen: &Seen) -> String {
    let mut path = format!(
        "/api/v1/namespaces/{}/pods/{}/log?timestamps=true",
        ask.namespace, ask.pod
    );
    if !ask.container.is_empty() {
        path.push_str(&format!("&container={}", ask.container));
    }
    match ask.run {
        LogRun::Follow => path.push_str("&follow=true"),
        LogRun::Previous => path.push_str("&previous=true"),
    }
    match (seen.since(), ask.since) {
        (Some(since), _) => path.push_str(&format!("&sinceTime={since}")),
        (None, Since::Tail(lines)) => path.push_str(&format!("&tailLines={lines}")),
        (None, Since::Last(span)) => path.push_str(&format!("&sinceSeconds={}", span.as_secs())),
        (None, Since::Beginning) => {}
    }
    path
}

/// What can pass by itself is tried again: a container that is about to start, a server that is
/// too busy, a kubelet that cannot be reached.
fn judge(refusal: &Refusal, outage: Outage, after: Option<Duration>) -> End {
    let said = refusal.status.as_ref().map_or("", |s| &s.message);
    match refusal.code {
        400 if said.contains("waiting to start") || said.contains("not available") => {
            End::Again(Some(outage), after)
        }
        429 => End::Again(Some(outage), after),
        500.. => End::Again(Some(kubelet(said, outage)), after),
        _ => End::Over(Err(outage)),
    }
}

/// The API server fetches logs from the node's kubelet and tells what fails on that way as
/// `Get "https://NODE:10250/containerLogs/...": dial tcp ...`: the node is what matters of it.
fn kubelet(said: &str, outage: Outage) -> Outage {
    let tried = said.strip_prefix("Get \"").and_then(|rest| {
        let (url, why) = rest.split_once("\": ")?;
        let node = url.split_once("://")?.1.split('/').next()?;
        Some((node, why))
    });
    match tried {
        Some((node, why)) => {
            let text = format!("the API server does not reach the kubelet at {node}: {why}");
            Outage::new(outage.layer, text)
                .hint("check the node, and the way to it from the API server")
        }
        // So it says of a node that never had a kubelet, or lost its addresses.
        None if said.starts_with("no preferred addresses found") => {
            let text = "the API server finds no kubelet to ask: the pod's node has no address";
            Outage::new(outage.layer, text).hint("look at the node")
        }
        None => outage,
    }
}
