//! What is asked of an API server beside its health: large answers, asked for seldom and read while
//! they come. What they mean is for [`Ask`] to know.

use std::future::Future;
use std::time::Duration;

use crate::clients::kube::Api;
use crate::observation::{Harvest, Outage};
use crate::sources::{Answer, PollFuture, Probe};
use crate::subject::Subject;

/// Bodies of megabytes are not asked for more often; metrics-server measures anew every 15 s at its
/// fastest.
const PERIOD: Duration = Duration::from_secs(30);
/// They take their time over a slow line.
const DEADLINE: Duration = Duration::from_secs(20);

/// One thing to ask for.
pub trait Ask: Send + 'static {
    /// In the feed's endpoint, behind the server.
    const WORD: &'static str;

    /// Asks; `bytes` grows by what was received.
    ///
    /// # Errors
    /// The outage that keeps the answer from being known.
    fn harvest(
        &mut self,
        api: &Api,
        bytes: &mut u64,
    ) -> impl Future<Output = Result<Harvest, Outage>> + Send;
}

/// Asks for one such thing.
pub struct Beside<A> {
    api: Api,
    endpoint: String,
    ask: A,
}

impl<A: Ask> Beside<A> {
    #[must_use]
    pub fn new(api: Api, ask: A) -> Self {
        Self {
            endpoint: format!("{} ({})", api.server(), A::WORD),
            api,
            ask,
        }
    }

    async fn next(&mut self) -> Answer {
        let mut bytes = 0;
        let outcome = self.ask.harvest(&self.api, &mut bytes).await;
        let subject = Some(self.subject());
        let outcome = outcome.map(|harvest| Harvest { subject, ..harvest });
        Answer { bytes, outcome }
    }
}

impl<A: Ask> Probe for Beside<A> {
    fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    fn subject(&self) -> Subject {
        Subject::cluster(self.api.cluster())
    }

    fn period(&self, target: Duration) -> Duration {
        PERIOD.max(target)
    }

    fn timeout(&self, target: Duration) -> Duration {
        DEADLINE.max(target)
    }

    fn poll(&mut self) -> PollFuture<'_> {
        Box::pin(self.next())
    }

    fn disconnect(&mut self) {
        self.api.disconnect();
    }

    fn waiting_for(&self) -> String {
        format!("{}: {}", A::WORD, self.api.phase_words())
    }
}
