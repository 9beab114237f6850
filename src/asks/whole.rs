//! Asks that are answered by reading something whole: an object, the kinds; and tables, which are
//! whole lists that go on.

use super::{Desk, refused};
use crate::ask::{Answered, Manifest, ObjectName, TableAsk};
use crate::clients::kube::{Api, JSON};
use crate::observation::{Layer, Outage};
use crate::sources::kubernetes::discovery;
use crate::sources::kubernetes::table::TableStream;

/// Largest object that is read: etcd takes 1.5 MiB, aggregated servers may give more.
const LARGEST: u64 = 16 << 20;

pub(super) async fn manifest(api: Api, object: ObjectName, desk: Desk) {
    let answer = read(&api, &object.path()).await;
    desk.send(Answered::Manifest(answer)).await;
}

async fn read(api: &Api, path: &str) -> Result<Manifest, Outage> {
    let reply = api.get(path, JSON).await?;
    if !reply.is_ok() {
        return Err(refused(api, &reply.refusal().await));
    }
    let body = reply.body(LARGEST).await?;
    let object = serde_json::from_slice(&body)
        .map_err(|error| Outage::new(Layer::Parse, format!("the answer is no JSON: {error}")))?;
    Ok(Manifest {
        object,
        bytes: body.len() as u64,
    })
}

pub(super) async fn kinds(api: Api, desk: Desk) {
    let answer = discovery::kinds(&api).await;
    desk.send(Answered::Kinds(answer)).await;
}

/// Goes on until it is given up.
pub(super) async fn table(api: Api, ask: TableAsk, desk: Desk) {
    let mut stream = TableStream::new(api, &ask.kind, &ask.namespace);
    loop {
        let news = stream.next().await;
        desk.send(Answered::Table(news)).await;
    }
}
