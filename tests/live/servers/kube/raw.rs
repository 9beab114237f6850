//! The trials' own truth: the API server asked in JSON, one connection per request, nothing kept.
//!
//! It shares no code with the program under test.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use libtest_mimic::Failed;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::servers::pki::Pki;

/// Longer than any answer takes that is not a stream.
const LIMIT: Duration = Duration::from_secs(30);

pub struct Raw {
    address: SocketAddr,
    tls: TlsConnector,
    token: &'static str,
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub body: String,
}

/// What is sent along: how it is said, and what.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    Json(&'a Value),
    MergePatch(&'a Value),
    StrategicPatch(&'a Value),
}

impl Raw {
    /// A client of 127.0.0.1 with this token.
    pub fn new(port: u16, pki: &Pki, token: &'static str) -> Result<Self, Failed> {
        Ok(Self {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            tls: connector(pki)?,
            token,
        })
    }

    /// Asks, and gives whatever is answered.
    ///
    /// # Errors
    /// When nothing is answered.
    pub fn call(&self, method: &str, path: &str, body: Option<Body<'_>>) -> Result<Reply, Failed> {
        let (kind, bytes) = match body {
            None => ("application/json", Vec::new()),
            Some(Body::Json(value)) => ("application/json", serde_json::to_vec(value)?),
            Some(Body::MergePatch(value)) => {
                ("application/merge-patch+json", serde_json::to_vec(value)?)
            }
            Some(Body::StrategicPatch(value)) => (
                "application/strategic-merge-patch+json",
                serde_json::to_vec(value)?,
            ),
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.address.to_string())
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, kind)
            .body(Full::new(Bytes::from(bytes)))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            tokio::time::timeout(LIMIT, self.exchange(request))
                .await
                .map_err(|_| format!("{method} {path}: no answer in {LIMIT:?}"))?
        })
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Reply, Failed> {
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::IpAddress(self.address.ip().into());
        let stream = self.tls.connect(name, stream).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        Ok(Reply {
            status,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }

    fn asked(&self, method: &str, path: &str, body: Option<Body<'_>>) -> Result<Value, Failed> {
        let reply = self.call(method, path, body)?;
        if !(200..300).contains(&reply.status) {
            return Err(format!("{method} {path}: {} {}", reply.status, reply.body).into());
        }
        Ok(serde_json::from_str(&reply.body)?)
    }

    pub fn get(&self, path: &str) -> Result<Value, Failed> {
        self.asked("GET", path, None)
    }

    /// The items of a listing.
    pub fn list(&self, path: &str) -> Result<Vec<Value>, Failed> {
        match self.get(path)?["items"].take() {
            Value::Array(items) => Ok(items),
            _ => Err(format!("{path} is no listing").into()),
        }
    }

    pub fn post(&self, path: &str, thing: &Value) -> Result<Value, Failed> {
        self.asked("POST", path, Some(Body::Json(thing)))
    }

    /// Posts what may be there already.
    pub fn ensure(&self, path: &str, thing: &Value) -> Result<(), Failed> {
        let reply = self.call("POST", path, Some(Body::Json(thing)))?;
        match reply.status {
            200..300 | 409 => Ok(()),
            status => Err(format!("POST {path}: {status} {}", reply.body).into()),
        }
    }

    pub fn patch(&self, path: &str, change: &Value) -> Result<Value, Failed> {
        self.asked("PATCH", path, Some(Body::MergePatch(change)))
    }

    /// A patch that merges lists by their keys: conditions, containers.
    pub fn patch_lists(&self, path: &str, change: &Value) -> Result<Value, Failed> {
        self.asked("PATCH", path, Some(Body::StrategicPatch(change)))
    }

    pub fn delete(&self, path: &str) -> Result<Value, Failed> {
        self.asked("DELETE", path, None)
    }
}

/// Trusts the trial's own authority, and speaks HTTP/1.1.
pub fn connector(pki: &Pki) -> Result<TlsConnector, Failed> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&pki.ca)?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
