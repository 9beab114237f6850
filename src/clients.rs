//! Talking to endpoints: TCP, TLS, HTTP and gRPC, each failure named by its layer.

pub mod endpoint;
pub mod grpc;
pub mod http;
