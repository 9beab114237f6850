//! The seam through which a change leaves: for the runner of actions alone, one request for one
//! call, never sent twice.

use hyper::Method;
use hyper::body::Bytes;

use super::link::Again;
use super::reply::Reply;
use super::{Api, JSON};
use crate::observation::Outage;

impl Api {
    /// Sends one request that may change something. It is tried on one connection and not repeated,
    /// not even where the answer says that the credentials have ended.
    ///
    /// # Errors
    /// As [`Api::get`]; whether the request took effect is then not known.
    #[expect(dead_code, reason = "used by the runner of actions")]
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: &'static str,
        body: Vec<u8>,
    ) -> Result<Reply, Outage> {
        let pass = self.pass().await?;
        let body = Some((content_type, Bytes::from(body)));
        self.exchange(&pass, &method, path, JSON, body, Again::Never)
            .await
    }
}
