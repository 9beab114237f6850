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
pub mod tls;
mod tls_error;
mod wire;
