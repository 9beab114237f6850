//! Talking to endpoints: TCP, TLS, HTTP and gRPC, each failure named by its layer.
//!
//! One [`connect::Connector`] per endpoint resolves, connects and shakes hands; [`http::HttpClient`]
//! and [`grpc::channel`] speak over it. Nothing here knows a source, a fact other than the
//! certificate, or a deadline: the caller drops the future when its time is up and asks the
//! [`phase::Phase`] what was waited for.

mod answer;
pub mod certificate;
pub mod connect;
pub mod endpoint;
mod file;
pub mod grpc;
pub mod headers;
pub mod http;
mod inflate;
pub mod kube;
pub mod phase;
pub mod proxy;
pub mod tls;
mod tls_error;
mod wire;

/// Who asks: sent with each request, so that a server's log and its limits can tell us apart.
pub const USER_AGENT: &str = concat!("midwatch/", env!("CARGO_PKG_VERSION"));
