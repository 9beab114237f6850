//! One connection to the API server, kept open: what loads it, changes it and reads it raw.

use std::io::{Error, Result};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::live::servers::kube::access::Account;
use crate::live::servers::kube::{Plane, raw};

pub const JSON: &str = "application/json";
pub const STRATEGIC: &str = "application/strategic-merge-patch+json";
pub const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// How to open one.
#[derive(Clone)]
pub struct Door {
    port: u16,
    tls: TlsConnector,
}

pub struct Link(SendRequest<Full<Bytes>>);

impl Door {
    pub fn of(plane: &Plane) -> Result<Self> {
        let tls = raw::connector(plane.pki());
        Ok(Self {
            port: plane.api_port(),
            tls: tls.map_err(|_| Error::other("no TLS"))?,
        })
    }

    pub async fn open(&self) -> Result<Link> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("127.0.0.1").map_err(Error::other)?;
        let stream = self.tls.connect(name, stream).await?;
        let shaken = handshake(TokioIo::new(stream)).await;
        let (sender, connection) = shaken.map_err(Error::other)?;
        tokio::spawn(connection);
        Ok(Link(sender))
    }
}

impl Link {
    pub async fn get(&mut self, path: &str, accept: &str) -> Result<Response<Incoming>> {
        self.ask("GET", path, accept, JSON, Bytes::new()).await
    }

    /// Sends JSON and gives the status of the answer.
    pub async fn send(
        &mut self,
        method: &str,
        path: &str,
        kind: &str,
        thing: &serde_json::Value,
    ) -> Result<u16> {
        let body = Bytes::from(thing.to_string());
        let answer = self.ask(method, path, JSON, kind, body).await?;
        let status = answer.status().as_u16();
        // The connection is free again only when all of it is read.
        answer.into_body().collect().await.map_err(Error::other)?;
        Ok(status)
    }

    async fn ask(
        &mut self,
        method: &str,
        path: &str,
        accept: &str,
        kind: &str,
        body: Bytes,
    ) -> Result<Response<Incoming>> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "127.0.0.1")
            .header(AUTHORIZATION, format!("Bearer {}", Account::Admin.token()))
            .header(ACCEPT, accept)
            .header(CONTENT_TYPE, kind)
            .body(Full::new(body))
            .map_err(Error::other)?;
        self.0.ready().await.map_err(Error::other)?;
        self.0.send_request(request).await.map_err(Error::other)
    }
}
