//! What a follower asks of the client: so much, and no more, so that tests can play the server.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use hyper::body::Bytes;

use crate::clients::kube::{Api, Refusal, Reply};
use crate::clock;
use crate::observation::Outage;

/// An answer on its way: a body, or a refusal read whole.
pub type Asked<B> = Pin<Box<dyn Future<Output = Result<Result<B, Refusal>, Outage>> + Send>>;

/// One API server.
pub trait Transport: Send + 'static {
    type Body: Body + 'static;

    /// GETs; the future lives on by itself, so that a poll may end before the answer comes.
    fn ask(&self, path: String, accept: &'static str) -> Asked<Self::Body>;

    /// How long nothing was heard from it on any connection; `None` before the first byte.
    fn silent_for(&self) -> Option<Duration>;

    /// A refusal in words.
    fn outage_of(&self, refusal: &Refusal) -> Outage;

    /// Gives up every connection.
    fn disconnect(&self);

    /// What it waits for right now.
    fn waiting_for(&self) -> String;
}

/// The body of a 2xx answer.
pub trait Body: Send {
    fn content_type(&self) -> &str;

    /// Bytes received so far, before inflation.
    fn wire_bytes(&self) -> u64;

    /// The next piece; `None` at the end. Dropping the future loses nothing.
    fn chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, Outage>> + Send;
}

impl Transport for Api {
    type Body = Reply;

    fn ask(&self, path: String, accept: &'static str) -> Asked<Reply> {
        let api = self.clone();
        Box::pin(async move {
            let reply = api.get(&path, accept).await?;
            if reply.is_ok() {
                Ok(Ok(reply))
            } else {
                Ok(Err(reply.refusal().await))
            }
        })
    }

    fn silent_for(&self) -> Option<Duration> {
        let heard = self.heard();
        (heard.0 > 0).then(|| clock::stamp().since(heard))
    }

    fn outage_of(&self, refusal: &Refusal) -> Outage {
        Self::outage_of(self, refusal)
    }

    fn disconnect(&self) {
        Self::disconnect(self);
    }

    fn waiting_for(&self) -> String {
        self.phase_words()
    }
}

impl Body for Reply {
    fn content_type(&self) -> &str {
        &self.content_type
    }

    fn wire_bytes(&self) -> u64 {
        Self::wire_bytes(self)
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Outage> {
        Self::chunk(self).await
    }
}
