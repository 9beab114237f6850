//! One gRPC connection to one member, and the calls that midwatch makes over it: each with a
//! deadline, each failure named by its layer. There is no call here that changes anything.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};

use super::proto::cluster_client::ClusterClient;
use super::proto::maintenance_client::MaintenanceClient;
use super::proto::{
    AlarmRequest, AlarmResponse, HashKvRequest, HashKvResponse, MemberListRequest,
    MemberListResponse, StatusRequest, StatusResponse,
};
use crate::clients::connect::Connector;
use crate::clients::endpoint::Endpoint;
use crate::clients::grpc;
use crate::config::settings::ConfigError;
use crate::facts::Certificate;
use crate::observation::{Layer, Outage};
use crate::sources::deadline;

/// Length of the prefix of a gRPC message, in bytes.
const PREFIX: usize = 5;

/// A call that failed, with the server's code where there was a server.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub code: Option<Code>,
    pub outage: Outage,
}

/// An answer with its size on the wire in bytes.
pub(super) type Sized<T> = Result<(T, u64), Refused>;

/// The connection, opened by the first call and again after it broke.
pub(super) struct Caller {
    pub endpoint: Arc<Endpoint>,
    channel: Channel,
    connector: Connector,
}

impl Caller {
    /// # Errors
    /// A [`ConfigError`] when the endpoint makes no URI.
    pub fn new(endpoint: Arc<Endpoint>) -> Result<Self, ConfigError> {
        let (channel, connector) = grpc::channel(endpoint.clone())?;
        Ok(Self {
            endpoint,
            channel,
            connector,
        })
    }

    /// What is being waited for, in words.
    pub fn waiting_for(&self) -> String {
        self.connector.phase().describe()
    }

    pub async fn status(&self, limit: Duration) -> Sized<StatusResponse> {
        let mut client = MaintenanceClient::new(self.channel.clone());
        self.run(limit, "Status", client.status(StatusRequest {}))
            .await
    }

    /// As the member knows it itself: it answers without a quorum.
    pub async fn members(&self, limit: Duration) -> Sized<MemberListResponse> {
        let mut client = ClusterClient::new(self.channel.clone());
        let request = MemberListRequest {
            linearizable: false,
        };
        self.run(limit, "MemberList", client.member_list(request))
            .await
    }

    /// Goes through raft: only where `Status` did not tell.
    pub async fn alarms(&self, limit: Duration) -> Sized<AlarmResponse> {
        const GET: i32 = 0;
        let mut client = MaintenanceClient::new(self.channel.clone());
        let request = AlarmRequest { action: GET };
        self.run(limit, "Alarm", client.alarm(request)).await
    }

    pub async fn hash(&self, limit: Duration, revision: i64) -> Sized<HashKvResponse> {
        let mut client = MaintenanceClient::new(self.channel.clone());
        let request = HashKvRequest { revision };
        self.run(limit, "HashKV", client.hash_kv(request)).await
    }

    /// The certificate that the member presented last; `None` without TLS.
    pub fn certificate(&self) -> Option<Certificate> {
        self.connector.last_certificate()
    }

    async fn run<T: Message>(
        &self,
        limit: Duration,
        call: &str,
        work: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Sized<T> {
        let mut code = None;
        let work = async {
            work.await.map_err(|status| {
                code = Some(status.code());
                grpc::outage(&status, self.connector.last_outage())
            })
        };
        match deadline::within(limit, call, &self.connector.phase(), work).await {
            Ok(response) => {
                let message = response.into_inner();
                let bytes = (message.encoded_len() + PREFIX) as u64;
                Ok((message, bytes))
            }
            Err(outage) => Err(Refused {
                code,
                outage: plainer(outage, call, code),
            }),
        }
    }
}

/// What a code means for someone who watches.
fn plainer(outage: Outage, call: &str, code: Option<Code>) -> Outage {
    match code {
        // A web server's "not found" comes as the same code, and has its words already.
        Some(Code::Unimplemented) if outage.hint.is_none() => Outage::new(
            Layer::Protocol,
            format!("{call}: this etcd does not offer it"),
        ),
        Some(Code::PermissionDenied | Code::Unauthenticated)
            if !outage.detail.contains("does not speak gRPC") =>
        {
            Outage::new(Layer::Auth, format!("{call}: {}", outage.detail))
                .hint("use a client certificate whose common name is an etcd user that may call it")
        }
        _ => outage,
    }
}
